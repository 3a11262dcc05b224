//! The corpus is there, belongs to what is fuzzed, and does no harm.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use statepoint_fuzz_targets::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above").into()
}

/// The names in a folder of `fuzz/`.
fn names(folder: &str) -> BTreeSet<String> {
    let path = fuzz().join(folder);
    let files = fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    files.map(|file| file.expect("a file").file_name().into_string().expect("a plain name")).collect()
}

#[test]
fn every_target_withstands_its_corpus() {
    for (name, target) in TARGETS {
        let folder = format!("corpus/{name}");
        let files = names(&folder);
        assert!(files.len() >= 20, "{folder} has {} files", files.len());
        for file in files {
            let input = fs::read(fuzz().join(&folder).join(&file)).expect("a readable file");
            crate::run(name, target, &input);
        }
    }
}

#[test]
fn every_target_has_a_program_and_a_corpus_and_nothing_else_has() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets.iter().map(|name| format!("{name}.rs")).collect());
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    for name in &targets {
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")), "{name}");
        let program = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).expect("a program");
        assert!(program.contains(&format!("statepoint_fuzz_targets::{name}(bytes)")), "{program}");
    }
}
