//! Files of keys that are something else, or become it while a program runs.

use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use statepoint::link::{Identity, KeyFileError, KnownKeys, NotRemembered};

use crate::modes::{SERVER, key};

/// A file of this test, which is not there yet.
fn fresh(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("statepoint-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn pipe(path: &PathBuf) {
    let made = Command::new("mkfifo").arg(path).status().expect("every Unix has it");
    assert!(made.success());
}

/// What `task` gives. It must not take for ever.
fn in_time<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    std::thread::spawn(move || done.send(task()));
    result.recv_timeout(Duration::from_secs(60)).expect("it blocks nobody")
}

fn is_no_file(error: &KeyFileError) -> bool {
    matches!(error, KeyFileError::Content { expected: "an ordinary file", .. })
}

/// To open a pipe waits for somebody at its other end, and all connections of the reactor would wait too.
#[test]
fn a_pipe_in_the_place_of_a_key_file_is_refused_and_blocks_nobody() {
    let path = fresh("pipe");
    pipe(&path);
    let (identity, known) = (path.clone(), path.clone());
    assert!(is_no_file(&in_time(move || Identity::load(identity)).expect_err("no key")));
    assert!(is_no_file(&in_time(move || KnownKeys::open(known)).expect_err("no keys")));
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn a_book_that_becomes_something_else_remembers_nothing_and_knows_what_it_knew() {
    let path = fresh("book");
    let known = KnownKeys::open(&path).expect("a book that is not there yet");
    known.remember("one.lab:1", key(SERVER)).expect("written");
    std::fs::remove_file(&path).expect("removed");
    pipe(&path);
    let book = known.clone();
    let refused = in_time(move || book.remember("two.lab:1", key(SERVER)));
    assert!(matches!(refused, Err(NotRemembered::File(error)) if is_no_file(&error)));
    assert_eq!((known.get("one.lab:1"), known.get("two.lab:1")), (Some(key(SERVER)), None));
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("made");
    let refused = known.remember("two.lab:1", key(SERVER));
    assert!(matches!(refused, Err(NotRemembered::File(error)) if is_no_file(&error)));
    std::fs::remove_dir(&path).expect("removed");
    known.remember("two.lab:1", key(SERVER)).expect("written");
    assert_eq!(
        (known.get("one.lab:1"), known.get("two.lab:1")),
        (None, Some(key(SERVER))),
        "the book is what is written"
    );
    std::fs::remove_file(path).expect("removed");
}
