//! `docs/differences.md`: our state tables beside the reference's.
//!
//! The blocks between its markers are written by this test from the machines' tables, so they cannot be out of date:
//!
//! ```sh
//! UPDATE=1 cargo test --test differences
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `tables.rs` | the reference's state tables, and why ours differ |
//! | `defects.rs` | what the reference does wrong, and which tests would notice |
//! | `page.rs` | a machine's block of the page |

mod defects;
mod page;
mod tables;

use std::path::{Path, PathBuf};

use statepoint::{AddressGroup, ConnectToAddress, Connector, ListenAtAddress, Listener, Machine, Proxy};

use defects::{Defect, ELSEWHERE, OF_TABLES};
use page::Page;
use tables::*;

fn pages() -> [(&'static str, Page); 4] {
    [
        ("ConnectToAddress", Page::new::<ConnectToAddress>(CONNECT, CONNECT_ADDED)),
        ("ListenAtAddress", Page::new::<ListenAtAddress>(LISTEN, LISTEN_ADDED)),
        ("AddressGroup", Page::new::<AddressGroup>(GROUP, GROUP_ADDED)),
        ("Proxy", Page::new::<Proxy>(PROXY, PROXY_ADDED)),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &Path) -> String {
    match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => panic!("expected to read {}, got: {error}", path.display()),
    }
}

fn list(defects: &[Defect]) -> String {
    let mut text = String::from("| the reference | here | tests |\n|---|---|---|\n");
    for Defect { what, here, tests } in defects {
        let tests: Vec<_> = tests.iter().map(|(file, name)| format!("`{name}` in [{file}](../{file})")).collect();
        text += &format!("| {what} | {here} | {} |\n", tests.join(", "));
    }
    text
}

/// The blocks by the names of their markers.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks: Vec<_> = pages().into_iter().map(|(name, page)| (name, page.text())).collect();
    blocks.push(("Listener", Listener::matrix()));
    blocks.push(("Connector", Connector::matrix()));
    blocks.push(("defects of tables", list(OF_TABLES)));
    blocks.push(("defects elsewhere", list(ELSEWHERE)));
    blocks
}

/// The page with what stands between the markers written anew.
fn written_anew(page: &str) -> String {
    let mut page = page.to_owned();
    for (name, block) in blocks() {
        let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->\n"));
        let places = page.find(&begin).zip(page.find(&end));
        let Some((from, to)) = places.filter(|(from, to)| from < to) else {
            panic!("expected the markers {begin:?} and {end:?} in docs/differences.md, in this order");
        };
        page.replace_range(from + begin.len()..to, &block);
    }
    page
}

#[test]
fn the_page_is_what_the_machines_say() {
    let path = root().join("docs/differences.md");
    let page = read(&path);
    let anew = written_anew(&page);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, anew).expect("docs/differences.md can be written");
        return;
    }
    let differing = page.lines().zip(anew.lines()).enumerate().find(|(_, (old, new))| old != new);
    let differing = differing.map(|(line, (old, new))| format!("line {}: expected\n{new}\ngot\n{old}\n", line + 1));
    assert!(
        page == anew,
        "docs/differences.md is out of date; write it anew with `UPDATE=1 cargo test --test differences`. {}",
        differing.unwrap_or_default()
    );
}

#[test]
fn every_difference_of_a_table_has_its_reason() {
    for (name, page) in pages() {
        assert_eq!(page.complaints(), [""; 0], "{name}");
    }
}

#[test]
fn every_defect_has_a_test_that_is_there() {
    for Defect { what, tests, .. } in OF_TABLES.iter().chain(ELSEWHERE) {
        for (file, name) in *tests {
            let there = read(&root().join(file)).contains(&format!("fn {name}("));
            assert!(there, "expected the test {name} in {file}, got none. It is about: {what}");
        }
    }
}
