//! Files with keys.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use super::super::{KeyFileError, KnownKeys, NotRemembered};
use super::*;

/// A directory of its own for each test, gone afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("link-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn set_mode(path: &PathBuf, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("own file");
}

#[test]
fn an_identity_is_made_once_for_its_owner_only_and_then_loaded() {
    let directory = Directory::new("identity");
    let path = directory.file("server.key");
    let made = Identity::load_or_create(&path).expect("made");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o7777, 0o600);
    assert_eq!(directory.names(), ["server.key"], "no draft is left");
    assert_eq!(Identity::load_or_create(&path), Ok(made.clone()));
    assert_eq!(Identity::load(&path), Ok(made.clone()));
    let text = fs::read_to_string(&path).expect("text");
    assert!(text.starts_with("statepoint-identity-1 ") && text.len() == 22 + 56 + 1);
    assert_ne!(Identity::load_or_create(directory.file("other.key")), Ok(made));
}

#[test]
fn a_secret_that_others_can_read_or_write_is_refused() {
    let directory = Directory::new("permissions");
    let path = directory.file("server.key");
    Identity::load_or_create(&path).expect("made");
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777] {
        set_mode(&path, mode);
        let error = KeyFileError::Permissions { path: path.clone(), mode };
        assert_eq!(Identity::load(&path), Err(error.clone()));
        assert_eq!(Identity::load_or_create(&path), Err(error.clone()), "and never replaced");
        assert!(error.to_string().contains(&format!("mode {mode:03o}")) && error.to_string().contains("chmod 600"));
    }
    for mode in [0o400, 0o600, 0o700] {
        set_mode(&path, mode);
        assert!(Identity::load(&path).is_ok());
    }
}

#[test]
fn a_file_with_something_else_in_it_is_refused_and_not_shown() {
    let directory = Directory::new("content");
    let path = directory.file("server.key");
    Identity::load_or_create(&path).expect("made");
    let good = fs::read(&path).expect("text");
    let public = identity(1).public_key().to_string();
    let mut flipped = good.clone();
    flipped[30] = if flipped[30] == b'a' { b'b' } else { b'a' };
    let wrong: [Vec<u8>; 7] = [
        Vec::new(),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"\n"].concat(),
        flipped,
        format!("statepoint-identity-1 {public}\n").into_bytes(),
        vec![7; 32],
        vec![b'a'; 100_000],
    ];
    for content in wrong {
        fs::write(&path, &content).expect("written");
        let error = Identity::load_or_create(&path).expect_err("no identity");
        assert!(matches!(error, KeyFileError::Content { .. }), "{error:?}");
        assert!(!error.to_string().contains("aaaa") && !error.to_string().contains(&public));
        assert_eq!(fs::read(&path).expect("still there"), content, "never replaced");
    }
    let error = Identity::load(&directory.0).expect_err("a directory");
    assert!(matches!(error, KeyFileError::Content { .. } | KeyFileError::System { .. }), "{error:?}");
    let error = Identity::load_or_create(directory.file("no/such/directory/key")).expect_err("no directory");
    assert!(error.to_string().starts_with("expected to write the key file"), "{error}");
}

#[test]
fn many_at_once_get_the_same_new_identity() {
    for round in 0..20 {
        let directory = Directory::new(&format!("race-{round}"));
        let path = directory.file("server.key");
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || Identity::load_or_create(path))
            })
            .collect();
        let all: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        let first = Identity::load(&path);
        assert!(first.is_ok() && all.iter().all(|identity| *identity == first), "{all:?}");
        assert_eq!(directory.names(), ["server.key"]);
    }
}

#[test]
fn known_keys_survive_the_process_and_are_shared_by_several() {
    let directory = Directory::new("known");
    let path = directory.file("known");
    let (one, two) = (KnownKeys::open(&path).expect("empty"), KnownKeys::open(&path).expect("empty"));
    let (first, second) = (identity(1).public_key(), identity(2).public_key());
    assert_eq!(one.remember("a:1", first), Ok(()));
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o7777, 0o600);
    let other = NotRemembered::OtherKey { address: "a:1".into(), known: first };
    assert_eq!(two.remember("a:1", second), Err(other), "the other process was here first");
    assert_eq!(two.get("a:1"), Some(first));
    assert_eq!(two.remember("b:2", second), Ok(()));
    assert_eq!(one.remember("a:1", first), Ok(()), "known already");
    assert_eq!(fs::read_to_string(&path).expect("text"), format!("a:1 {first}\nb:2 {second}\n"));
    let later = KnownKeys::open(&path).expect("two keys");
    assert_eq!((later.get("a:1"), later.get("b:2"), later.get("a")), (Some(first), Some(second), None));
    assert_eq!(format!("{later:?}"), format!("KnownKeys {{ path: Some({path:?}), keys: 2 }}"));
}

#[test]
fn a_book_that_cannot_be_relied_on_is_refused() {
    let directory = Directory::new("book");
    let path = directory.file("known");
    let (first, second) = (identity(1).public_key(), identity(2).public_key());
    let good = format!("# met first\n\na:1 {first}\n");
    let content = |line, expected| KeyFileError::Content { path: path.clone(), line, expected };
    for (text, error) in [
        (format!("{good}b:2 {second}"), content(4, "a whole line")),
        (format!("{good}b:2"), content(4, "a whole line")),
        (format!("{good}b:2\n"), content(4, "an address, a space and a key")),
        (format!("{good}b:2 {}\n", &second.to_string()[1..]), content(4, "a public key behind the address")),
        (format!("{good}a:1 {second}\n"), content(4, "the only key of this address")),
        ("a".repeat((1 << 20) + 1), content(0, "much smaller")),
    ] {
        fs::write(&path, text).expect("written");
        assert_eq!(KnownKeys::open(&path).err(), Some(error));
    }
    fs::write(&path, [b"a:1 ", &[0xff; 56][..], b"\n"].concat()).expect("written");
    assert_eq!(KnownKeys::open(&path).err(), Some(content(1, "text")));
    fs::write(&path, format!("{good}a:1 {first}\n")).expect("written");
    let book = KnownKeys::open(&path).expect("the same key twice");
    // What spoils later is noticed before anything is added.
    for mode in [0o666, 0o620, 0o602] {
        set_mode(&path, mode);
        let error = KeyFileError::Permissions { path: path.clone(), mode };
        assert_eq!(book.remember("b:2", second), Err(NotRemembered::File(error.clone())));
        assert_eq!(KnownKeys::open(&path).err(), Some(error));
    }
    set_mode(&path, 0o644);
    assert!(KnownKeys::open(&path).is_ok(), "public keys may be read by others");
    for address in ["", "two words", "#a", "a\nb", "a\u{1b}"] {
        assert!(matches!(book.remember(address, second), Err(NotRemembered::File(_))), "{address:?}");
    }
    assert_eq!(book.get("b:2"), None, "what was not written is not remembered");
}

#[test]
fn trust_on_first_use_works_with_a_file() {
    let directory = Directory::new("first-use");
    let path = directory.file("known");
    let server = |byte| ListenSecurity::clear().identity(identity(byte));
    let connect = || ConnectSecurity::clear().trust_on_first_use(&KnownKeys::open(&path).expect("a book"));
    opened(&connect(), &server(2));
    assert_eq!(fs::read_to_string(&path).expect("text"), format!("{ADDRESS} {}\n", identity(2).public_key()));
    opened(&connect(), &server(2));
    let (mut ann, mut bob) = (Peer::connecting(&connect(), 3), Peer::listening(&server(9), 4));
    assert!(matches!(&carry(&mut ann, &mut bob), [Some(LinkError::WrongKey { .. }), Some(LinkError::Refused { .. })]));
}

/// What an attempt of who has this book comes to, at a server with this key.
fn judged(book: &KnownKeys, server: u8) -> Option<LinkError> {
    let connect = ConnectSecurity::clear().trust_on_first_use(book);
    let listen = ListenSecurity::clear().identity(identity(server));
    let (mut ann, mut bob) = (Peer::connecting(&connect, 3), Peer::listening(&listen, 4));
    let [error, _] = carry(&mut ann, &mut bob);
    assert_eq!(error.is_none(), ann.is_open());
    error
}

#[test]
fn a_line_that_is_changed_counts_at_the_next_attempt() {
    let directory = Directory::new("changed");
    let path = directory.file("known");
    let line = |byte| format!("{ADDRESS} {}\n", identity(byte).public_key());
    let book = KnownKeys::open(&path).expect("empty");
    assert_eq!(judged(&book, 2), None);
    let other = |first: u8, got: u8| {
        let expected = format!(
            "the key {}, which was met there first (to accept another one change its line in the file of known keys)",
            identity(first).public_key()
        );
        Some(LinkError::WrongKey { expected, got: identity(got).public_key() })
    };
    assert_eq!(judged(&book, 9), other(2, 9));
    fs::write(&path, line(9)).expect("written");
    assert_eq!(judged(&book, 9), None, "somebody has accepted the new key");
    assert_eq!(book.get(ADDRESS), Some(identity(9).public_key()));
    assert_eq!(judged(&book, 2), other(9, 2), "and with that not the old one");
    fs::write(&path, line(7)).expect("written");
    assert_eq!(judged(&book, 2), other(7, 2), "what is told is what is written");
    // A file that cannot be relied on changes nothing, and the error says why.
    fs::write(&path, line(2)).expect("written");
    set_mode(&path, 0o666);
    let Some(LinkError::WrongKey { expected, .. }) = judged(&book, 2) else { panic!("anybody can have written it") };
    assert!(expected.starts_with(&format!("the key {}", identity(7).public_key())), "{expected}");
    assert!(expected.contains("chmod 600"), "{expected}");
    set_mode(&path, 0o600);
    assert_eq!(judged(&book, 2), None);
}

#[test]
fn a_file_that_vanishes_or_shrinks_takes_no_key_from_a_book() {
    let directory = Directory::new("vanished");
    let path = directory.file("known");
    let book = KnownKeys::open(&path).expect("empty");
    assert_eq!(judged(&book, 2), None);
    fs::remove_file(&path).expect("removed");
    assert!(matches!(judged(&book, 9), Some(LinkError::WrongKey { .. })), "gone is not changed");
    let first = identity(1).public_key();
    assert_eq!(book.remember("b:2", first), Ok(()));
    let all = format!("b:2 {first}\n{ADDRESS} {}\n", identity(2).public_key());
    let mut lines: Vec<_> = fs::read_to_string(&path).expect("text").lines().map(|it| format!("{it}\n")).collect();
    lines.sort();
    assert_eq!(lines.concat(), all, "it is written anew, whole");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o7777, 0o600);
    assert_eq!(directory.names(), ["known"], "no draft is left");
    assert!(matches!(judged(&book, 9), Some(LinkError::WrongKey { .. })));
    // Lines that are taken out: an editor may be about to write them again.
    fs::write(&path, "").expect("written");
    assert_eq!(book.remember("c:3", first), Ok(()));
    assert!(matches!(judged(&book, 9), Some(LinkError::WrongKey { .. })));
    assert_eq!((book.get(ADDRESS), book.get("b:2")), (Some(identity(2).public_key()), Some(first)));
    assert_eq!(fs::read_to_string(&path).expect("text"), format!("c:3 {first}\n"), "but they are not put back");
    // Where it cannot be written anew nothing is remembered, and nothing forgotten.
    fs::remove_dir_all(&directory.0).expect("removed");
    assert!(matches!(book.remember("d:4", first), Err(NotRemembered::File(KeyFileError::System { .. }))));
    assert_eq!((book.get("d:4"), book.get("c:3")), (None, Some(first)));
    assert!(matches!(judged(&book, 9), Some(LinkError::WrongKey { .. })));
}

#[test]
fn names_that_differ_by_capitals_are_one_address() {
    let directory = Directory::new("capitals");
    let path = directory.file("known");
    let (first, second) = (identity(1).public_key(), identity(2).public_key());
    for book in [KnownKeys::in_memory(), KnownKeys::open(&path).expect("empty")] {
        assert_eq!(book.remember("Server.LAB:80", first), Ok(()));
        assert_eq!((book.get("server.lab:80"), book.get("SERVER.lab:80")), (Some(first), Some(first)));
        let other = NotRemembered::OtherKey { address: "server.Lab:80".into(), known: first };
        assert_eq!(book.remember("server.Lab:80", second), Err(other));
    }
    assert_eq!(fs::read_to_string(&path).expect("text"), format!("server.lab:80 {first}\n"));
    // A file from before this was so.
    fs::write(&path, format!("Server.lab:80 {first}\nserver.lab:80 {first}\nOLD.lab:1 {second}\n")).expect("written");
    let book = KnownKeys::open(&path).expect("two keys");
    assert_eq!((book.get("server.LAB:80"), book.get("old.lab:1")), (Some(first), Some(second)));
    fs::write(&path, format!("Server.lab:80 {first}\nserver.lab:80 {second}\n")).expect("written");
    let expected = "the only key of this address";
    assert_eq!(KnownKeys::open(&path).err(), Some(KeyFileError::Content { path, line: 2, expected }));
}

#[test]
fn a_draft_that_a_crash_has_left_beside_its_file_is_removed() {
    let directory = Directory::new("draft");
    let path = directory.file("server.key");
    let made = Identity::load_or_create(&path).expect("made");
    // What is there when the process ends between giving the file its name and taking the draft's away.
    fs::hard_link(&path, directory.file(&format!("server.key.new-{}", made.public_key()))).expect("linked");
    fs::write(directory.file("server.key.newer"), "").expect("written");
    assert_eq!(Identity::load(&path), Ok(made.clone()), "who only loads changes nothing");
    assert_eq!(directory.names().len(), 3);
    assert_eq!(Identity::load_or_create(&path), Ok(made));
    assert_eq!(directory.names(), ["server.key", "server.key.newer"]);
}

/// A test that runs as root makes files for other users; any other finds one of root, and none that it could give away.
#[test]
fn a_file_of_another_user_is_refused_and_one_of_root_is_not() {
    let directory = Directory::new("owner");
    let (path, book) = (directory.file("server.key"), directory.file("known"));
    let made = Identity::load_or_create(&path).expect("made");
    let user = fs::metadata(&path).expect("a file").uid();
    assert_eq!(KnownKeys::open(&book).and_then(|_| Identity::load(&path)), Ok(made));
    assert!(KnownKeys::open("/etc/passwd").is_err_and(|error| matches!(error, KeyFileError::Content { .. })));
    fs::write(&book, format!("a:1 {}\n", identity(1).public_key())).expect("written");
    for file in [&path, &book] {
        if chown(file, Some(12_345), None).is_err() {
            assert_ne!(user, 0, "only root may give files away");
            return;
        }
    }
    let refused = |path: &PathBuf| KeyFileError::Owner { path: path.clone(), owner: 12_345, user };
    assert_eq!(Identity::load_or_create(&path), Err(refused(&path)));
    assert_eq!(KnownKeys::open(&book).err(), Some(refused(&book)));
    assert!(refused(&path).to_string().contains("chown 0 "));
}
