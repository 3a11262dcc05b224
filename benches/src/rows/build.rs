//! How long one waits for the compiler: a crate with one machine of 144 handlers, and the same written as a `match`.
//!
//! The crates are kept in `target/speed-build`. Their dependencies are built first and do not count; then a constant that one
//! handler uses is changed and `cargo build` is measured, as after any edit: CPU time of cargo, compiler and linker together.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::{Column, Contender, children_cpu_time, interleave};
use crate::options::Size;
use crate::rows::generated::{self, Messages};
use crate::table::Row;

/// Local messages: the machine alone. Portable ones: with the code that writes and reads them.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    use Messages::{Local, Portable};
    vec![
        row("build of 144 handlers, debug", size, Local, &[]),
        row("build of 144 handlers, release", size, Local, &["--release"]),
        row("the same, portable messages, debug", size, Portable, &[]),
        row("the same, portable messages, release", size, Portable, &["--release"]),
    ]
}

fn row(name: &'static str, size: &Size, messages: Messages, flags: &[&str]) -> Row {
    let ours = Crate::new("ours", generated::ours, messages);
    let matched = Crate::new("matched", generated::matched, messages);
    Row {
        name,
        unit: "cpu s",
        samples: interleave(
            size.few_rounds(),
            vec![
                Contender::new(Column::Ours, || ours.built_after_an_edit(flags)),
                Contender::new(Column::Match, || matched.built_after_an_edit(flags)),
            ],
        ),
        checks: Vec::new(),
    }
}

/// `target/speed-build`, beside the folder of the running program.
fn house() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a file");
    let profile = program.parent().expect("a file is in a folder");
    profile.parent().unwrap_or(profile).join("speed-build")
}

type Source = fn(Messages, edit: u64) -> String;

/// A generated crate.
struct Crate {
    folder: PathBuf,
    target: PathBuf,
    source: Source,
    messages: Messages,
    edits: std::cell::Cell<u64>,
}

impl Crate {
    fn new(side: &str, source: Source, messages: Messages) -> Self {
        let house = house();
        let name = format!("{side}-{messages:?}").to_lowercase();
        let folder = house.join(&name);
        let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
        write(&folder.join("Cargo.toml"), &generated::manifest(&name, benches));
        // The versions that statepoint itself is built with; without it cargo asks the registry.
        if let Ok(lock) = std::fs::read_to_string(benches.join("../Cargo.lock")) {
            write(&folder.join("Cargo.lock"), &lock);
        }
        Self {
            folder,
            target: house.join("target"),
            source,
            messages,
            // not what the last run ended with
            edits: u64::from(std::process::id()).into(),
        }
    }

    fn built_after_an_edit(&self, flags: &[&str]) -> f64 {
        let edit = self.edits.get() + 1;
        self.edits.set(edit);
        write(&self.folder.join("src/main.rs"), &(self.source)(self.messages, edit));
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let begin = children_cpu_time();
        let output = Command::new(cargo)
            .args(["build", "--quiet", "--target-dir"])
            .arg(&self.target)
            .args(flags)
            .current_dir(&self.folder)
            .output()
            .expect("cargo can be started");
        let seconds = (children_cpu_time() - begin).as_secs_f64();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let first: Vec<&str> = errors.lines().take(20).collect();
            panic!("the generated crate in {} does not build: {}", self.folder.display(), first.join("\n"));
        }
        seconds
    }
}

fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file is in a folder");
    std::fs::create_dir_all(folder).expect("the build folder can be written");
    std::fs::write(path, text).expect("the build folder can be written");
}
