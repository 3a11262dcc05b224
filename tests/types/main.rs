//! What can be put into a message: each row of the table in the guide (`src/guide/types.md`) is a test across a real
//! connection, in which the message is written, read, written again and read again.
//!
//! | file | what it is about |
//! |---|---|
//! | `trip.rs` | the connection: one process, two reactors, a server that sends back what it gets |
//! | `shapes.rs` | structs, enums, options, numbers, texts, tuples |
//! | `collections.rs` | vectors, sets, maps, byte strings |
//! | `world.rs` | durations, dates, UUIDs, network addresses |
//! | `graphs.rs` | boxes and graphs |
//! | `points.rs` | addresses of points |

mod collections;
mod graphs;
mod points;
mod shapes;
mod trip;
mod world;

/// The names in the last column of the guide's table.
fn rows() -> Vec<&'static str> {
    let lines = include_str!("../../src/guide/types.md").lines().filter(|line| line.starts_with("| ")).skip(1);
    let last = lines.filter_map(|line| line.trim_end_matches(" |").rsplit("| ").next());
    last.map(|name| name.trim_matches('`')).collect()
}

/// The tests that stand for a row, as their files have them.
fn tests() -> Vec<&'static str> {
    let files = [
        include_str!("shapes.rs"),
        include_str!("collections.rs"),
        include_str!("world.rs"),
        include_str!("graphs.rs"),
        include_str!("points.rs"),
    ];
    let after = files.into_iter().flat_map(|file| file.split("#[test]\nfn ").skip(1));
    after.filter_map(|text| text.split('(').next()).collect()
}

#[test]
fn every_row_of_the_guides_table_is_a_test_and_every_test_is_a_row() {
    let (rows, tests) = (rows(), tests());
    assert!(rows.len() > 20, "the table was found: {rows:?}");
    assert_eq!(rows, tests, "in the same order");
}
