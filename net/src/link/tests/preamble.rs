//! Bytes that are no preamble, or another than was hoped for.

use super::*;

const HELLO: [u8; 16] = *b"\xf5FSM\x01\x01\x01\x01\x00\x10\x00\x00\x00\x00\x00\x00";
const WELCOME: [u8; 16] = *b"\xf5FSM\x02\x01\x00\x01\x00\x10\x00\x00\x00\x00\x00\x00";
const REFUSAL: [u8; 16] = *b"\xf5FSM\x7f\x01\x01\x01\x00\x00\x00\x00\x00\x02\x00\x00";

fn with(mut bytes: [u8; 16], changes: &[(usize, u8)]) -> [u8; 16] {
    changes.iter().for_each(|(at, byte)| bytes[*at] = *byte);
    bytes
}

/// What a listening end in the mode `encrypted` says to these bytes, and what it answers.
fn greeted(bytes: &[u8]) -> (String, Vec<u8>) {
    let mut bob = Peer::listening(&listen(Mode::Encrypted), 4);
    let error = bob.read(bytes).expect_err("no good preamble");
    assert_eq!(bob.read(&HELLO), Err(error.clone()), "the error stays");
    (error.to_string(), bob.ready())
}

/// What a connecting end in the mode `encrypted` says to these bytes.
fn answered(bytes: &[u8]) -> String {
    let mut ann = Peer::connecting(&connect(Mode::Encrypted), 3);
    ann.wire();
    let error = ann.read(bytes).expect_err("no good preamble");
    assert!(ann.ready().is_empty() && !error.is_final());
    error.to_string()
}

#[test]
fn other_protocols_are_named_at_the_first_wrong_byte() {
    for (bytes, name) in [
        (&b"\x16\x03\x01\x02\x00\x01"[..], "what looks like TLS"),
        (b"GET / HTTP/1.1\r\n", "what looks like HTTP"),
        (b"HTTP/1.1 400 Bad Request", "what looks like HTTP"),
        (b"SSH-2.0-OpenSSH_9.9", "what looks like SSH"),
        (b"\0", "other bytes: 00"),
        (b"\xf5FSX", "other bytes: f5465358"),
    ] {
        let expected = format!("expected a peer that speaks this protocol, got {name}");
        let (error, reply) = greeted(bytes);
        assert!(error.starts_with(&expected), "{error}");
        assert!(reply.is_empty(), "strangers are told nothing");
        let error = answered(bytes);
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn no_prefix_of_a_preamble_is_refused_or_answered() {
    for length in 0..16 {
        let mut bob = Peer::listening(&listen(Mode::Clear), 4);
        let hello = with(HELLO, &[(7, 0)]);
        assert_eq!(bob.read(&hello[..length]), Ok(()));
        assert_eq!(bob.link.missing(), Some(16 - length));
        assert!(bob.ready().is_empty());
        assert_eq!(bob.read(&hello[length..]), Ok(()));
        assert!(bob.is_open());
    }
}

#[test]
fn a_hello_of_another_version_is_answered_with_the_versions_that_this_end_speaks() {
    for (highest, lowest) in [(2, 2), (255, 2)] {
        let (error, reply) = greeted(&with(HELLO, &[(5, highest), (6, lowest)]));
        assert!(error.contains(&format!("one that speaks versions {lowest} to {highest}")), "{error}");
        assert_eq!(reply, with(REFUSAL, &[(13, 1)]));
        assert!(answered(&reply).contains("versions 1 to 1"));
    }
    // A newer end that still speaks this version is welcome.
    let mut bob = Peer::listening(&listen(Mode::Clear), 4);
    assert_eq!(bob.read(&with(HELLO, &[(5, 9), (7, 0)])), Ok(()));
    assert_eq!(bob.wire()[..16], with(WELCOME, &[(7, 0)]));
}

#[test]
fn a_hello_out_of_range_is_refused_with_the_reason() {
    for limit in [0, 1, 1_023, (64 << 20) + 1, u32::MAX] {
        let mut hello = HELLO;
        hello[8..12].copy_from_slice(&u32::to_be_bytes(limit));
        let (error, reply) = greeted(&hello);
        assert_eq!(error, format!("expected a frame limit of 1,024 to 67,108,864 bytes, got {limit}"));
        assert_eq!(reply, with(REFUSAL, &[(13, 4)]));
    }
    for mode in [4, 255] {
        let (error, reply) = greeted(&with(HELLO, &[(7, mode)]));
        assert!(error.contains(&format!("the unknown mode {mode}")), "{error}");
        assert_eq!(reply, REFUSAL);
    }
}

#[test]
fn a_hello_against_the_format_is_not_even_answered() {
    for changes in [
        &[(4, 2)][..],
        &[(4, 0x7f)],
        &[(4, 0)],
        &[(6, 0)],
        &[(5, 1), (6, 2)],
        &[(12, 1)],
        &[(13, 1)],
        &[(14, 1)],
        &[(15, 1)],
    ] {
        let (_, reply) = greeted(&with(HELLO, changes));
        assert!(reply.is_empty(), "{changes:?}");
    }
}

#[test]
fn a_welcome_that_was_not_asked_for_is_refused() {
    for changes in [
        &[(4, 1), (6, 1)][..],
        &[(5, 0)],
        &[(5, 2)],
        &[(6, 1)],
        &[(7, 0)],
        &[(7, 2)],
        &[(7, 3)],
        &[(8, 0xff)],
        &[(9, 0)],
        &[(13, 1)],
        &[(15, 1)],
    ] {
        let error = answered(&with(WELCOME, changes));
        assert!(error.starts_with("expected "), "{error}");
    }
}

#[test]
fn a_refusal_is_a_hint_that_names_its_reason() {
    for (reason, text) in [
        (1, "a peer that speaks version 1 of the link"),
        (2, "a peer that says that it requires `encrypted, both ends authenticated`"),
        (3, "the peer is busy"),
        (4, "the peer does not take this end's frame limit"),
        (5, "the peer gave reason 5"),
    ] {
        let error = answered(&with(REFUSAL, &[(7, 3), (13, reason)]));
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn a_refusal_in_any_other_place_is_no_refusal() {
    for mode in SEALED {
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
        bob.read(&ann.wire()).expect("a good hello");
        ann.read(&bob.wire()).expect("a good welcome");
        let error = ann.read(&with(REFUSAL, &[(13, 3)])).expect_err("too late");
        assert!(!matches!(error, LinkError::Refused { .. }), "{error:?}");
        let mut filled = REFUSAL.to_vec();
        filled.resize(64, 0);
        let error = bob.read(&filled).expect_err("not from a connector");
        assert_eq!(error, LinkError::Tampered);
    }
}

#[test]
fn both_ends_learn_the_limit_of_the_other() {
    for mode in MODES {
        let limit = |bytes| FrameLimit::new(bytes).expect("a limit");
        let ann = connect(mode).link(ADDRESS, limit(1), Seed::from_bytes([3; 32])).expect("sound settings");
        let bob = listen(mode).link(FrameLimit::CAP, Seed::from_bytes([4; 32])).expect("sound settings");
        let (mut ann, mut bob) = (Peer::new(ann), Peer::new(bob));
        assert_eq!(carry(&mut ann, &mut bob), [None, None]);
        assert_eq!(ann.link.peer().map(|peer| peer.frame_limit), Some(FrameLimit::CAP));
        assert_eq!(
            bob.link.peer().map(|peer| peer.frame_limit.bytes()),
            Some(1_024),
            "the least that can be announced"
        );
        bob.send(&[&[7; 1_024]]);
        assert_eq!(carry(&mut ann, &mut bob), [None, None]);
        assert_eq!(ann.frames, [[7; 1_024]]);
        bob.send(&[&[7; 1_025]]);
        let sealed = bob.output.seal(&mut *bob.link, &mut bob.pool);
        let too_large = LinkError::TooLarge { size: 1_025, limit: 1_024 };
        assert_eq!(sealed, Err(too_large.clone()));
        // A number may have been spent: nothing more is sealed.
        let frame = bob.link.seal(vec![0, 0, 0, 1, 7], &mut bob.output.outlet(&mut bob.pool));
        assert_eq!((frame, bob.link.end()), (Err(too_large.clone()), Err(too_large)));
    }
}
