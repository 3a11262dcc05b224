//! The rows of the table, a file for each group.

pub(crate) mod build;
pub(crate) mod dispatch;
pub(crate) mod generated;
pub(crate) mod handshakes;
pub(crate) mod hops;
pub(crate) mod points;
pub(crate) mod requests;
pub(crate) mod sealing;
pub(crate) mod timers;

use std::process::{Command, Stdio};

/// What this program prints when it is started once more with these arguments.
fn in_a_child(arguments: &[&str]) -> String {
    let program = std::env::current_exe().expect("a running program has a file");
    let child = Command::new(program).arg("--child").args(arguments).stderr(Stdio::inherit()).output();
    String::from_utf8_lossy(&child.expect("this program can be started again").stdout).into_owned()
}

/// What a child does. `arguments` are the group of its row and what that passes to it.
pub(crate) fn child(arguments: &[String]) -> Option<String> {
    let number = |at: usize| arguments.get(at)?.parse().ok();
    match (arguments.first()?.as_str(), arguments.get(1)?.as_str()) {
        ("points", title) => points::child(title, number(2)?, number(3)?),
        ("pending", title) => handshakes::pending_child(title, number(2)?),
        ("half-open", _) => Some(handshakes::half_open_child(number(1)?, number(2)?)),
        _ => None,
    }
}
