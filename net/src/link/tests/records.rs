//! Records that are repeated, moved, taken from elsewhere, or against the rules.

use super::super::record::{BATCH, CLOSE, DATA, PING, PONG, READY, REKEY};
use super::*;

/// Two ends, and five records from the first that nobody has read yet.
fn five(mode: Mode) -> (Peer, Peer, Vec<Vec<u8>>) {
    let (mut ann, bob) = opened_in(mode);
    let record = |number: u8| {
        ann.send(&[&[number; 10]]);
        ann.wire()
    };
    let five = (0..5).map(record).collect();
    (ann, bob, five)
}

/// The frames that arrive before the link notices, which it must.
fn noticed(mut bob: Peer, records: &[&Vec<u8>]) -> Vec<u8> {
    let mut error = None;
    for record in records {
        error = error.or(bob.read(record).err());
    }
    assert_eq!(error, Some(LinkError::Tampered));
    assert_eq!(bob.link.end(), Err(LinkError::Tampered));
    bob.frames.iter().map(|frame| frame[0]).collect()
}

#[test]
fn repeated_moved_and_missing_records_end_the_link_before_they_are_delivered() {
    for mode in SEALED {
        let (_, bob, it) = five(mode);
        assert_eq!(noticed(bob, &[&it[0], &it[0]]), [0], "repeated at once");
        let (_, bob, it) = five(mode);
        assert_eq!(noticed(bob, &[&it[0], &it[1], &it[2], &it[0]]), [0, 1, 2], "repeated later");
        let (_, bob, it) = five(mode);
        assert_eq!(noticed(bob, &[&it[0], &it[2], &it[1]]), [0], "exchanged");
        let (_, bob, it) = five(mode);
        assert_eq!(noticed(bob, &[&it[0], &it[1], &it[3], &it[4]]), [0, 1], "left out");
        let (_, bob, it) = five(mode);
        assert_eq!(noticed(bob, &[&it[1]]), Vec::<u8>::new(), "the first left out");
    }
}

#[test]
fn a_record_that_comes_back_to_its_writer_is_not_taken_for_the_peers() {
    for mode in SEALED {
        let (ann, _, it) = five(mode);
        assert_eq!(noticed(ann, &[&it[0]]), Vec::<u8>::new());
        // Also where number and length agree: the listening end's first record behind READY is its second.
        let (mut ann, mut bob) = opened_in(mode);
        bob.send(&[b"bob's"]);
        let record = bob.wire();
        assert_eq!(bob.read(&record), Err(LinkError::Tampered));
        assert_eq!(ann.read(&record), Ok(()));
    }
}

#[test]
fn a_record_of_another_connection_is_refused_though_all_keys_of_the_ends_are_the_same() {
    for mode in SEALED {
        let (mut ann, _) = opened_with(&connect(mode), &listen(mode), 5, 6);
        ann.send(&[b"in the first connection"]);
        let record = ann.wire();
        for (e_i, e_r) in [(5, 7), (8, 6), (9, 10)] {
            let (_, mut bob) = opened_with(&connect(mode), &listen(mode), e_i, e_r);
            assert_eq!(bob.read(&record), Err(LinkError::Tampered));
        }
    }
}

#[test]
fn a_frame_alone_and_frames_together_arrive_as_they_were() {
    let mut chance = Chance(3);
    for mode in MODES {
        let (mut ann, mut bob) = opened_in(mode);
        let mut sent = Vec::new();
        for size in [1, 2, 100, 1_024, 16_379, 16_380, 16_381, 16_384, 65_535, 65_536, 150_000] {
            sent.push(chance.bytes(size));
            ann.send(&[&sent[sent.len() - 1]]);
            assert_eq!(bob.read(&ann.wire()), Ok(()));
        }
        for round in 0..12 {
            for _ in 0..chance.below(600) {
                let size = 1 + chance.below([3, 30, 300][round % 3]);
                sent.push(chance.bytes(size));
                ann.send(&[&sent[sent.len() - 1]]);
            }
            let wire = ann.wire();
            let longest = records(&wire).into_iter().map(|record| record.len()).max().unwrap_or_default();
            assert!(longest <= 4 + 17 + 16 * 1_024, "a record of {longest} bytes");
            let cut = chance.below(wire.len() + 1);
            assert_eq!(bob.read(&wire[..cut]), Ok(()));
            assert_eq!(bob.read(&wire[cut..]), Ok(()));
        }
        assert!(bob.frames == sent, "{mode}");
    }
}

#[test]
fn many_small_frames_share_a_record() {
    let (mut ann, mut bob) = opened_in(Mode::Mutual);
    let frame = [7; 64];
    ann.send(&[&frame[..]; 16]);
    let wire = ann.wire();
    assert_eq!(wire.len(), 4 + 17 + 16 * (4 + 64));
    ann.send(&[&frame[..1]; 257]);
    let more = ann.wire();
    assert_eq!(records(&more).len(), 2, "256 frames and one");
    assert_eq!(bob.read(&[wire, more].concat()), Ok(()));
    assert_eq!(bob.frames.len(), 16 + 257);
    ann.send(&[&frame]);
    assert_eq!(ann.wire().len(), 64 + 21, "a frame alone costs 21 bytes, its length included");
}

#[test]
fn lengths_out_of_range_are_refused_before_anything_else_comes() {
    for mode in MODES {
        let least: u32 = if mode == Mode::Clear { 1 } else { 17 };
        let most = least + (1 << 20);
        for length in [0, least - 1, most + 1, u32::MAX] {
            let (_, mut bob) = opened_in(mode);
            let error = bob.read(&length.to_be_bytes());
            let expected = "a record of a length that was agreed on";
            assert_eq!(error, Err(LinkError::Malformed { expected, got: length.to_string() }), "{mode} {length}");
        }
        // Also when a length comes in pieces, and when all that it announces is there.
        for length in [0, least - 1, most + 1] {
            let (_, mut bob) = opened_in(mode);
            assert_eq!(bob.read(&length.to_be_bytes()[..3]), Ok(()));
            assert!(bob.read(&length.to_be_bytes()[3..]).is_err(), "{mode} {length}");
            let (_, mut bob) = opened_in(mode);
            let whole = [&length.to_be_bytes()[..], &vec![0; length as usize]].concat();
            assert!(matches!(bob.read(&whole), Err(LinkError::Malformed { .. })), "{mode} {length}");
        }
        for length in [least, most] {
            let (_, mut bob) = opened_in(mode);
            assert_eq!(bob.read(&length.to_be_bytes()), Ok(()));
            assert_eq!(bob.link.missing(), Some(length as usize));
        }
    }
}

#[test]
fn records_against_the_rules_end_the_link() {
    let batch = |sizes: &[u32]| -> Vec<u8> {
        sizes.iter().flat_map(|size| [&size.to_be_bytes()[..], &vec![1; *size as usize]].concat()).collect()
    };
    let overfull = [batch(&[3, 3]), vec![0]].concat();
    let cut = batch(&[3, 3])[..13].to_vec();
    let wrong: Vec<(u8, Vec<u8>)> = vec![
        (DATA, vec![]),
        (PING, vec![0; 7]),
        (PING, vec![0; 9]),
        (PONG, vec![0; 8]),
        (READY, vec![]),
        (CLOSE, vec![]),
        (CLOSE, vec![0]),
        (CLOSE, vec![0, 1]),
        (CLOSE, vec![0, 2]),
        (CLOSE, vec![0, 0, 0xff, 0xfe]),
        (CLOSE, vec![0; 259]),
        (REKEY, vec![]),
        (6, vec![0; 4]),
        (8, vec![0; 4]),
        (255, vec![]),
        (BATCH, vec![]),
        (BATCH, batch(&[3])),
        (BATCH, batch(&[3, 0, 3])),
        (BATCH, batch(&[1; 257])),
        (BATCH, batch(&[8_192, 8_192])),
        (BATCH, overfull),
        (BATCH, cut),
        (BATCH, [&[0, 0, 0, 1, 1][..], &u32::MAX.to_be_bytes()].concat()),
    ];
    for mode in MODES {
        for (kind, body) in &wrong {
            let (mut hand, mut bob) = by_hand(mode);
            assert_eq!(bob.read(&hand.say(DATA, b"before")), Ok(()));
            let error = bob.read(&hand.say(*kind, body)).expect_err("against the rules");
            assert!(matches!(error, LinkError::Malformed { .. }), "{mode}: kind {kind}, {body:?}: {error:?}");
            assert_eq!(bob.frames, [b"before"]);
            assert!(bob.ready().is_empty(), "nothing is said");
        }
        let (mut hand, mut bob) = by_hand(mode);
        for sizes in [&[1; 256][..], &[8_188, 8_188], &[1, 16_375]] {
            assert_eq!(bob.read(&hand.say(BATCH, &batch(sizes))), Ok(()));
        }
        assert_eq!(bob.frames.len(), 256 + 2 + 2);
    }
}

#[test]
fn only_ready_or_a_goodbye_comes_first_from_a_listening_end() {
    for mode in MODES {
        for kind in [DATA, PING, PONG, REKEY, BATCH, 6, 8] {
            let (mut hand, mut ann) = waiting(mode);
            let error = ann.read(&hand.say(kind, &[0; 8])).expect_err("not admitted yet");
            assert!(matches!(error, LinkError::Malformed { .. }), "{mode}, kind {kind}: {error:?}");
            assert!(!ann.is_open() && ann.frames.is_empty());
        }
        let (mut hand, mut ann) = waiting(mode);
        assert!(ann.read(&hand.say(BATCH, b"\0\0\0\x01a\0\0\0\x01b")).is_err(), "not even a sound batch");
        let (mut hand, mut ann) = waiting(mode);
        assert!(ann.read(&hand.say(READY, &[0])).is_err(), "ready has no body");
        // Until then no length of a frame is taken.
        let (_, mut ann) = waiting(mode);
        let length: u32 = if mode == Mode::Clear { 1 + 259 } else { 17 + 259 };
        assert!(ann.read(&length.to_be_bytes()).is_err());
        let (mut hand, mut ann) = waiting(mode);
        assert_eq!(ann.read(&hand.say(READY, &[])), Ok(()));
        assert!(ann.is_open());
    }
}

fn waiting(mode: Mode) -> (Hand, Peer) {
    listening_by_hand(&connect(mode), &listen(mode))
}

#[test]
fn a_ping_is_answered_once_a_read_and_only_while_the_peer_reads() {
    for mode in MODES {
        let (mut hand, mut bob) = by_hand(mode);
        let flood: Vec<u8> = (0..100).flat_map(|number| hand.say(PING, &[number; 8])).collect();
        assert_eq!(bob.read(&flood), Ok(()));
        let answer = bob.wire();
        assert_eq!(hand.hear(&answer), [(PONG, vec![99; 8])], "only the newest");
        // Who reads nothing is not answered either, however often it asks.
        bob.send(&[&[0; 70_000]]);
        bob.output.seal(&mut *bob.link, &mut bob.pool).expect("open");
        let before = bob.output.len();
        for number in 0..100 {
            assert_eq!(bob.read(&hand.say(PING, &[number; 8])), Ok(()));
        }
        assert_eq!(bob.output.len(), before);
        let waited = bob.wire();
        assert_eq!(hand.hear(&waited).len(), 1);
        assert_eq!(bob.read(&hand.say(DATA, b"a")), Ok(()));
        let answer = bob.wire();
        assert_eq!(hand.hear(&answer), [(PONG, vec![99; 8])]);
    }
}

#[test]
fn only_the_answer_to_ones_own_question_is_taken_and_only_once() {
    for mode in MODES {
        let ask = || {
            let (hand, mut bob) = by_hand(mode);
            assert_eq!(bob.link.ping(&mut bob.output.outlet(&mut bob.pool)), Ok(()));
            (hand, bob)
        };
        let (mut hand, mut bob) = ask();
        let wire = bob.wire();
        let first = hand.hear(&wire);
        assert!(first.len() == 1 && first[0].0 == PING, "{first:?}");
        assert_eq!(bob.read(&hand.say(PONG, &first[0].1)), Ok(()));
        assert_eq!(bob.link.ping(&mut bob.output.outlet(&mut bob.pool)), Ok(()));
        let wire = bob.wire();
        let second = hand.hear(&wire);
        assert!(second.len() == 1 && second != first, "{second:?}");
        assert!(bob.read(&hand.say(PONG, &first[0].1)).is_err(), "the answer to another question");
        let (mut hand, mut bob) = ask();
        assert_eq!(bob.read(&hand.say(PONG, &first[0].1)), Ok(()));
        assert!(bob.read(&hand.say(PONG, &first[0].1)).is_err(), "answered twice");
        let (mut hand, mut bob) = ask();
        assert!(bob.read(&hand.say(PONG, &first[0].1[..7])).is_err(), "not the whole answer");
    }
}

/// It asks to show that it is there, and sees the answers later.
#[test]
fn who_does_not_read_may_ask_again_and_takes_the_answers_in_their_order() {
    for mode in MODES {
        let ask = || {
            let (mut hand, mut bob) = by_hand(mode);
            (0..4).for_each(|_| assert_eq!(bob.link.ping(&mut bob.output.outlet(&mut bob.pool)), Ok(())));
            let wire = bob.wire();
            let questions: Vec<_> = hand.hear(&wire).into_iter().map(|(_, question)| question).collect();
            assert_eq!(questions.len(), 4);
            (hand, bob, questions)
        };
        let (mut hand, mut bob, questions) = ask();
        // Of those that come in one read only the newest is answered.
        for number in [0, 2, 3] {
            assert_eq!(bob.read(&hand.say(PONG, &questions[number])), Ok(()), "{number}");
        }
        for (first, second) in [(1, 0), (3, 1), (2, 2)] {
            let (mut hand, mut bob, questions) = ask();
            assert_eq!(bob.read(&hand.say(PONG, &questions[first])), Ok(()));
            assert!(bob.read(&hand.say(PONG, &questions[second])).is_err(), "{first}, then {second}");
        }
        for never_asked in [0, 5, u64::MAX] {
            let (mut hand, mut bob, _) = ask();
            assert!(bob.read(&hand.say(PONG, &never_asked.to_be_bytes())).is_err(), "{never_asked}");
        }
    }
}

#[test]
fn the_own_program_cannot_make_a_link_send_half_a_frame() {
    for frames in [&[0, 0, 0, 5, 1][..], &[0, 0, 0, 0], &[0, 0, 0], &[0, 0, 0, 1, 7, 0, 0, 0, 2, 1]] {
        let (mut ann, _) = opened_in(Mode::Encrypted);
        let sealed = ann.link.seal(frames.to_vec(), &mut ann.output.outlet(&mut ann.pool));
        assert!(matches!(sealed, Err(LinkError::Malformed { .. })), "{frames:?}: {sealed:?}");
        assert!(ann.ready().is_empty());
    }
    let mut ann = Peer::connecting(&connect(Mode::Encrypted), 3);
    ann.ready();
    let sealed = ann.link.seal(vec![0, 0, 0, 1, 7], &mut ann.output.outlet(&mut ann.pool));
    assert!(sealed.is_err(), "not open yet");
}
