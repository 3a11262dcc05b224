//! Every changed bit and every cut.

use super::*;

/// Both ends of a connection to which somebody does something: neither may take anything for the other's.
fn assert_refused(ann: &mut Peer, bob: &mut Peer, mut errors: [Option<LinkError>; 2], what: &str) {
    assert!(bob.frames.is_empty() && ann.frames.is_empty(), "{what}");
    assert!(!(ann.is_open() && bob.is_open()), "{what}");
    // Whoever noticed closes the connection; an end that noticed nothing waits, and finds no goodbye.
    for (error, peer) in errors.iter_mut().zip([ann, bob]) {
        let end = peer.link.end();
        assert_eq!(end.clone().err(), error.clone().or(end.err()), "{what}: an error stays");
        *error = error.take().or(peer.link.end().err());
    }
    assert!(errors.iter().all(Option::is_some), "{what}: {errors:?}");
    assert!(!errors.iter().flatten().any(LinkError::is_final), "{what}: {errors:?}");
}

/// A handshake in which `change` may change each message on its way.
fn handshake(mode: Mode, mut change: impl FnMut(usize, &mut Vec<u8>)) -> (Peer, Peer, [Option<LinkError>; 2]) {
    let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
    ann.send(&[b"from ann"]);
    bob.send(&[b"from bob"]);
    let mut errors = [None, None];
    for number in 0..4 {
        let from_ann = number % 2 == 0;
        let (from, to, at) = if from_ann { (&mut ann, &mut bob, 1) } else { (&mut bob, &mut ann, 0) };
        let mut bytes = if errors[1 - at].is_some() { from.ready() } else { from.wire() };
        change(number, &mut bytes);
        if errors[at].is_none() {
            errors[at] = to.read(&bytes).err();
        }
    }
    (ann, bob, errors)
}

/// The sizes of hello, welcome and finish.
fn sizes(mode: Mode) -> [usize; 3] {
    match mode {
        Mode::Clear => [16, 16, 0],
        Mode::Encrypted => [48, 64, 16],
        Mode::ServerAuthenticated => [48, 112, 16],
        Mode::Mutual => [48, 112, 64],
    }
}

#[test]
fn handshake_messages_have_their_fixed_sizes() {
    for mode in SEALED {
        let mut seen = Vec::new();
        let (ann, bob, errors) = handshake(mode, |_, bytes| seen.push(bytes.len()));
        assert_eq!(errors, [None, None]);
        assert!(ann.is_open() && bob.is_open());
        assert_eq!(seen[..3], sizes(mode), "{mode}");
    }
}

#[test]
fn every_flipped_bit_of_a_handshake_is_noticed() {
    let mut flipped = 0;
    for mode in SEALED {
        for (message, size) in sizes(mode).into_iter().enumerate() {
            for bit in 0..8 * size {
                let (mut ann, mut bob, errors) = handshake(mode, |number, bytes| {
                    if number == message {
                        bytes[bit / 8] ^= 1 << (bit % 8);
                    }
                });
                flipped += 1;
                assert_refused(&mut ann, &mut bob, errors, &format!("{mode}, message {message}, bit {bit}"));
            }
        }
    }
    assert_eq!(flipped, 1_024 + 1_408 + 1_792);
}

#[test]
fn random_changes_of_many_bytes_are_noticed() {
    let mut chance = Chance(7);
    for round in 0..600 {
        let mode = SEALED[round % 3];
        let message = chance.below(3);
        let mut changed = false;
        let (mut ann, mut bob, errors) = handshake(mode, |number, bytes| {
            if number == message {
                let before = bytes.clone();
                for _ in 0..1 + chance.below(8) {
                    let at = chance.below(bytes.len());
                    bytes[at] = chance.next() as u8;
                }
                changed = *bytes != before;
            }
        });
        if changed {
            assert_refused(&mut ann, &mut bob, errors, &format!("{mode}, message {message}, round {round}"));
        }
    }
}

#[test]
fn a_handshake_that_ends_anywhere_is_told_as_such_and_leads_to_nothing() {
    for mode in MODES {
        for (message, size) in sizes(mode).into_iter().enumerate() {
            for length in 0..size {
                let (mut ann, mut bob, errors) = handshake(mode, |number, bytes| {
                    if number == message {
                        bytes.truncate(length);
                    } else if number > message {
                        bytes.clear();
                    }
                });
                assert_eq!(errors, [None, None], "nobody decides on a part");
                let waits = if message == 1 { &ann } else { &bob };
                assert_eq!(waits.link.state(), LinkState::Opening);
                let missing = waits.link.missing().expect("a handshake is under way");
                assert!((1..=size - length).contains(&missing), "{mode} {message} {length}: {missing}");
                assert_refused(&mut ann, &mut bob, errors, &format!("{mode}, message {message}, {length} bytes"));
            }
        }
    }
}

#[test]
fn a_handshake_comes_through_byte_by_byte() {
    for mode in MODES {
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
        ann.send(&[b"a", b"b"]);
        for _ in 0..4 {
            for byte in ann.wire() {
                assert_eq!(bob.read(&[byte]), Ok(()));
            }
            for byte in bob.wire() {
                assert_eq!(ann.read(&[byte]), Ok(()));
            }
        }
        assert_eq!(bob.frames, [b"a", b"b"]);
    }
}

#[test]
fn every_flipped_bit_of_a_record_ends_the_link_before_anything_is_delivered() {
    for (frames, kind) in [(&[&[7_u8; 60][..]][..], "data"), (&[&[1; 20], &[2; 30]], "batch")] {
        let (mut noticed, mut waited) = (0, 0);
        let size = {
            let (mut ann, _) = opened_in(Mode::Encrypted);
            ann.send(frames);
            ann.wire().len()
        };
        for bit in 0..8 * size {
            let (mut ann, mut bob) = opened_in(Mode::Encrypted);
            ann.send(frames);
            let mut record = ann.wire();
            record[bit / 8] ^= 1 << (bit % 8);
            match bob.read(&record) {
                Ok(()) => {
                    // Only a length that has become larger makes it wait, for bytes that do not exist.
                    waited += 1;
                    assert!(bit < 32, "{kind}, bit {bit}");
                    assert!(bob.link.missing().is_some_and(|missing| missing > 0));
                    ann.send(&[b"later"]);
                    let _ = bob.read(&ann.wire());
                }
                Err(error) => {
                    noticed += 1;
                    let is_malformed = matches!(error, LinkError::Malformed { .. }) && bit < 32;
                    assert!(error == LinkError::Tampered || is_malformed, "{kind}, bit {bit}: {error:?}");
                    assert_eq!(bob.read(&[]), Err(error.clone()), "the error stays");
                    assert!(bob.link.seal(vec![0, 0, 0, 1, 0], &mut bob.output.outlet(&mut bob.pool)).is_err());
                }
            }
            assert!(bob.link.end().is_err());
            assert!(bob.frames.is_empty(), "{kind}, bit {bit}");
        }
        assert!(noticed > 8 * (size - 4) && waited < 21, "{kind}: {noticed} noticed, {waited} waited");
    }
}

#[test]
fn every_part_of_a_record_waits_for_the_rest() {
    for mode in MODES {
        let (mut ann, mut bob) = opened_in(mode);
        ann.send(&[b"some frame"]);
        let record = ann.wire();
        for length in 0..record.len() {
            let (mut ann, mut bob) = opened_in(mode);
            ann.send(&[b"some frame"]);
            assert_eq!(bob.read(&ann.wire()[..length]), Ok(()));
            assert!(bob.frames.is_empty());
            let missing = if length < 4 { 4 - length } else { record.len() - length };
            assert_eq!(bob.link.missing(), (length > 0).then_some(missing));
            assert_eq!(bob.link.end(), Err(LinkError::CutOff));
        }
        assert_eq!(bob.read(&record), Ok(()));
        assert_eq!(bob.frames, [b"some frame"]);
        assert_eq!(bob.link.missing(), None);
    }
}

#[test]
fn a_flipped_bit_of_a_large_record_is_noticed_too() {
    // Large ones are sealed by other code, and in place.
    for size in [4_079, 4_080, 4_096, 16_380, 16_381, 70_000] {
        for at in [4, 19, 20, 21, 22, 1_000, 20 + size] {
            for cut in [0, 500] {
                let (mut ann, mut bob) = opened_in(Mode::Mutual);
                ann.send(&[&vec![7; size]]);
                let mut record = ann.wire();
                assert_eq!(record.len(), 21 + size);
                record[at] ^= 0x10;
                let read = bob.read(&record[..cut]).and_then(|()| bob.read(&record[cut..]));
                assert_eq!(read, Err(LinkError::Tampered), "{size} bytes, changed at {at}");
                assert!(bob.frames.is_empty());
            }
        }
    }
}
