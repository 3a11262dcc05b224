//! The bytes of the protocol, frozen. The file was made by the twin in Python over libsodium, and is checked there too.

use std::collections::BTreeMap;

use super::super::preamble::End;
use super::super::record::{BATCH, CLOSE, DATA, Epochs, Half, PING, PONG, READY};
use super::super::suite::RecordKey;
use super::*;

const FILE: &str = include_str!("vectors.txt");

type Vectors = BTreeMap<&'static str, Vec<u8>>;

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn vectors(mode: Mode) -> Vectors {
    let heading = match mode {
        Mode::Clear => "[clear]",
        Mode::Encrypted => "[encrypted]",
        Mode::ServerAuthenticated => "[server]",
        Mode::Mutual => "[mutual]",
    };
    let section =
        FILE.split("\n\n").find_map(|section| section.strip_prefix(heading)).expect("a section for each mode");
    let pairs = section.lines().filter_map(|line| line.split_once(" = "));
    pairs.map(|(name, digits)| (name, unhex(digits))).collect()
}

fn ends(mode: Mode) -> (Peer, Peer) {
    let (ann, bob) = (identity(0x11), identity(0x22));
    let connect = match mode {
        Mode::Clear => ConnectSecurity::clear(),
        Mode::Encrypted => ConnectSecurity::encrypted(),
        Mode::ServerAuthenticated => ConnectSecurity::clear().expect(bob.public_key()),
        Mode::Mutual => ConnectSecurity::clear().expect(bob.public_key()).identity(ann.clone()),
    };
    let listen = match mode {
        Mode::Clear => ListenSecurity::clear(),
        Mode::Encrypted => ListenSecurity::encrypted(),
        Mode::ServerAuthenticated => ListenSecurity::clear().identity(bob),
        Mode::Mutual => ListenSecurity::clear().identity(bob).allow([ann.public_key()]),
    };
    let realm = if mode == Mode::Clear { "" } else { "vectors" };
    let (connect, listen) = (connect.realm(realm), listen.realm(realm).epochs(short_epochs_of_vectors()));
    let small = FrameLimit::new(65_536).expect("a limit");
    let ann = connect.link(ADDRESS, FrameLimit::default(), Seed::from_bytes([0x33; 32])).expect("sound settings");
    let bob = listen.link(small, Seed::from_bytes([0x44; 32])).expect("sound settings");
    (Peer::new(ann), Peer::new(bob))
}

fn short_epochs_of_vectors() -> Epochs {
    Epochs { after: (u64::MAX, u64::MAX), least: (1, u64::MAX), most: (9, u64::MAX) }
}

#[test]
fn handshakes_and_first_records_are_those_of_the_vectors() {
    for mode in MODES {
        let frozen = vectors(mode);
        let (mut ann, mut bob) = ends(mode);
        let hello = ann.wire();
        assert_eq!(hello, frozen["hello"], "{mode}");
        assert_eq!(bob.read(&hello), Ok(()));
        let mut answer = bob.wire();
        let mut ready = frozen["to_connector_0"].clone();
        if mode == Mode::Clear {
            ready = answer.split_off(16);
        }
        assert_eq!(answer, frozen["welcome"], "{mode}");
        assert_eq!(ann.read(&answer), Ok(()));
        if mode != Mode::Clear {
            let finish = ann.wire();
            assert_eq!(finish, frozen["finish"], "{mode}");
            assert_eq!(bob.read(&finish), Ok(()));
            ready = bob.wire();
        }
        assert_eq!(ready, frozen["to_connector_0"], "{mode}");
        assert!(bob.is_open() && !ann.is_open());
        assert_eq!(ann.read(&ready), Ok(()));
        assert!(ann.is_open());
        for peer in [ann.link.peer(), bob.link.peer()] {
            let binding = peer.and_then(|peer| peer.binding);
            assert_eq!(binding.map(|it| it.as_bytes().to_vec()), frozen.get("binding").cloned());
        }
        ann.send(&[b"hello points"]);
        assert_eq!(ann.wire(), frozen["to_listener_0"], "{mode}");
        ann.send(&[b"one", b"two", b"three"]);
        assert_eq!(ann.wire(), frozen["to_listener_1"], "{mode}");
    }
}

/// What each direction says; a number stands for a change of keys, which a clear link does not have.
fn script(writer: End) -> Vec<Result<(u8, Vec<u8>), u8>> {
    let batch = b"\0\0\0\x03one\0\0\0\x03two\0\0\0\x05three".to_vec();
    let bytes: Vec<u8> = (0..5).flat_map(|_| 0..=255).collect();
    match writer {
        End::Connector => vec![
            Ok((DATA, b"hello points".to_vec())),
            Ok((BATCH, batch)),
            Ok((PING, b"are you?".to_vec())),
            Err(3),
            Ok((DATA, b"under the second key".to_vec())),
            Err(5),
            Ok((DATA, b"under the third key".to_vec())),
            Ok((CLOSE, b"\0\0".to_vec())),
        ],
        End::Listener => vec![
            Ok((READY, Vec::new())),
            Ok((PONG, b"are you?".to_vec())),
            Err(2),
            Ok((DATA, bytes)),
            Ok((CLOSE, b"\0\0that is all".to_vec())),
        ],
    }
}

#[test]
fn sealed_and_opened_records_are_those_of_the_vectors() {
    for mode in MODES {
        let frozen = vectors(mode);
        for (end, word) in [(End::Connector, "to_listener"), (End::Listener, "to_connector")] {
            let key = || frozen.get(&*format!("key_{word}")).map(|key| RecordKey::new(key));
            let eager = Epochs { after: (1, 0), least: (1, 0), most: (9, u64::MAX) };
            let lazy = short_epochs_of_vectors();
            let (mut sealing, mut opening) = (Half::new(end, key(), lazy), Half::new(end, key(), lazy));
            let mut rekeyed = None;
            for (at, step) in script(end).into_iter().enumerate() {
                let Ok((kind, body)) = step else {
                    // The next record is sealed behind a change of keys.
                    rekeyed = (mode != Mode::Clear).then(|| frozen[&*format!("{word}_{at}_rekey")].clone());
                    continue;
                };
                sealing.epochs = if rekeyed.is_some() { eager } else { lazy };
                let mut sealed = Vec::new();
                assert_eq!(sealing.seal(kind, &body, &mut sealed), Ok(()));
                let mut expected = rekeyed.take().unwrap_or_default();
                expected.extend_from_slice(&frozen[&*format!("{word}_{at}")]);
                assert_eq!(sealed, expected, "{mode} {word} {at}");
                let mut last = Err(LinkError::CutOff);
                let mut records = records(&sealed);
                for record in &mut records {
                    last = opening.open(record);
                }
                let (opened, start) = last.expect("a record of this direction");
                assert_eq!((opened, &records.last().expect("a record")[start..]), (kind, &body[..]));
            }
        }
    }
}

#[test]
fn a_listening_end_reads_the_whole_script_of_the_vectors() {
    for mode in MODES {
        let frozen = vectors(mode);
        let (mut ann, mut bob) = ends(mode);
        assert_eq!(carry(&mut ann, &mut bob), [None, None]);
        let sent: Vec<&Vec<u8>> =
            frozen.iter().filter(|(name, _)| name.starts_with("to_listener")).map(|it| it.1).collect();
        assert_eq!(sent.len(), if mode == Mode::Clear { 6 } else { 8 });
        for record in sent {
            assert_eq!(bob.read(record), Ok(()), "{mode}");
        }
        let data: &[&[u8]] =
            &[b"hello points", b"one", b"two", b"three", b"under the second key", b"under the third key"];
        assert_eq!(bob.frames, data);
        assert_eq!(bob.link.end(), Ok(()));
        assert_eq!(bob.wire(), frozen["to_connector_1"], "the answer to the ping");
    }
}
