//! New keys under way.

use super::super::preamble::End;
use super::super::record::{BATCH, CLOSE, DATA, PING, REKEY};
use super::super::suite::RecordKey;
use super::*;

fn short(mode: Mode) -> (Peer, Peer) {
    opened(&connect(mode).epochs(short_epochs()), &listen(mode).epochs(short_epochs()))
}

#[test]
fn each_direction_takes_new_keys_at_its_own_pace() {
    for mode in SEALED {
        let (mut ann, mut bob) = short(mode);
        let (mut rekeys, mut sent) = (0, 0_u8);
        for round in 0..20 {
            ann.send(&[&[sent; 5]]);
            sent += 1;
            let wire = ann.wire();
            rekeys += records(&wire).len() - 1;
            assert_eq!(bob.read(&wire), Ok(()));
            if round % 5 == 0 {
                bob.send(&[&[round]]);
                assert_eq!(ann.read(&bob.wire()), Ok(()));
            }
        }
        assert_eq!(rekeys, 9, "after every second record");
        assert_eq!(bob.frames.iter().map(|frame| frame[0]).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
        assert_eq!(ann.frames, [[0], [5], [10], [15]]);
        ann.close();
        bob.read(&ann.wire()).expect("a goodbye under the newest key");
        assert_eq!(bob.link.end(), Ok(()));
    }
}

#[test]
fn large_frames_are_sealed_under_new_keys_too() {
    let (mut ann, mut bob) = short(Mode::Mutual);
    let frame = [7; 20_000];
    for round in 0..7 {
        ann.send(&[&frame]);
        let wire = ann.wire();
        assert_eq!(records(&wire).len(), if round > 0 && round % 2 == 0 { 2 } else { 1 }, "round {round}");
        assert_eq!(bob.read(&wire), Ok(()));
    }
    assert_eq!(bob.frames.len(), 7);
}

#[test]
fn a_clear_link_has_no_keys_to_change() {
    let (mut ann, mut bob) = short(Mode::Clear);
    for _ in 0..20 {
        ann.send(&[b"frame"]);
        let wire = ann.wire();
        assert_eq!(records(&wire).len(), 1);
        assert_eq!(bob.read(&wire), Ok(()));
    }
    // Nor does it take new ones, however many records there were.
    let (mut hand, mut bob) = by_hand(Mode::Clear);
    for _ in 0..1_030 {
        assert_eq!(bob.read(&hand.say(DATA, b"x")), Ok(()));
    }
    assert!(matches!(bob.read(&hand.say(REKEY, b"")), Err(LinkError::Malformed { .. })));
}

#[test]
fn the_count_of_keys_never_begins_anew() {
    let half = || {
        let mut half = Half::new(End::Connector, Some(RecordKey::new(&[7; 32])), short_epochs());
        half.epoch = u32::MAX;
        half
    };
    let (mut sealing, mut opening) = (half(), half());
    for _ in 0..2 {
        let mut record = Vec::new();
        assert_eq!(sealing.seal(DATA, b"x", &mut record), Ok(()));
        assert!(opening.open(&mut record).is_ok());
    }
    // A writer that goes on all the same: the reader has read enough to take a new key, and there is none.
    let mut record = Vec::new();
    assert_eq!(sealing.seal(DATA, b"x", &mut record).err(), spent(), "no record without the new key that is due");
    assert_eq!(opening.open(&mut record).err(), spent());
}

fn spent() -> Option<LinkError> {
    Some(LinkError::Malformed { expected: "fewer new keys in one connection", got: "too many".into() })
}

#[test]
fn a_record_of_an_earlier_key_is_not_taken_under_a_later_one() {
    // Number 0 of epoch 0 again as number 0 of epoch 1, and the other way round.
    let (mut ann, mut bob) = short(Mode::Encrypted);
    let mut wires = Vec::new();
    for _ in 0..3 {
        ann.send(&[b"equal"]);
        wires.extend(records(&ann.wire()));
    }
    assert_eq!(wires.len(), 4);
    for record in &wires[..3] {
        assert_eq!(bob.read(record), Ok(()));
    }
    assert_eq!(bob.read(&wires[0]), Err(LinkError::Tampered));
    let (_, mut bob) = short(Mode::Encrypted);
    assert_eq!(bob.read(&wires[3]), Err(LinkError::Tampered));
    // Without the change of keys between them nothing fits.
    let (_, mut bob) = short(Mode::Encrypted);
    assert_eq!((bob.read(&wires[0]), bob.read(&wires[1])), (Ok(()), Ok(())));
    assert_eq!(bob.read(&wires[3]), Err(LinkError::Tampered));
}

#[test]
fn new_keys_are_taken_only_when_the_old_one_has_been_used_enough() {
    // With the numbers of the protocol: 1,024 records, the one with the new key not counted.
    for (before, taken) in [(0, false), (1_023, false), (1_024, true), (1_025, true)] {
        let (mut hand, mut bob) = by_hand(Mode::Encrypted);
        for _ in 0..before {
            assert_eq!(bob.read(&hand.say(DATA, b"x")), Ok(()));
        }
        assert_eq!(bob.read(&hand.say(REKEY, b"")).is_ok(), taken, "after {before} records");
    }
    // Or enough bytes, whichever comes first.
    for (before, taken) in [(9, false), (10, true)] {
        let (mut hand, mut bob) = by_hand_with(Epochs { least: (1_024, 10 * 117), ..Epochs::new(1_024) });
        for _ in 0..before {
            assert_eq!(bob.read(&hand.say(DATA, &[0; 100])), Ok(()));
        }
        assert_eq!(bob.read(&hand.say(REKEY, b"")).is_ok(), taken, "after {before} records of 117 bytes");
    }
    assert_eq!(Epochs::new(0), Epochs { after: (1_024, 1 << 30), least: (1_024, 16 << 20), most: (2 << 20, 2 << 30) });
    assert_eq!(Epochs::new(u64::MAX).after.0, 1 << 20);
}

#[test]
fn many_bytes_use_a_key_up_as_well_as_many_records() {
    let eager = Epochs { after: (u64::MAX, 300), ..short_epochs() };
    let (mut ann, mut bob) = opened(&connect(Mode::Mutual).epochs(eager), &listen(Mode::Mutual).epochs(short_epochs()));
    let mut rekeys = Vec::new();
    for _ in 0..8 {
        ann.send(&[&[7; 100]]);
        let wire = ann.wire();
        rekeys.push(records(&wire).len() - 1);
        assert_eq!(bob.read(&wire), Ok(()));
    }
    assert_eq!(rekeys, [0, 0, 0, 1, 0, 0, 1, 0], "READY was not ann's; 117 bytes each");
    let greedy = Epochs { most: (u64::MAX, 300), ..short_epochs() };
    let (mut hand, mut bob) = by_hand_with(greedy);
    hand.sealing.epochs.after = (u64::MAX, u64::MAX);
    for _ in 0..3 {
        assert_eq!(bob.read(&hand.say(DATA, &[7; 100])), Ok(()));
    }
    assert!(bob.read(&hand.say(DATA, &[7; 100])).is_err());
}

#[test]
fn a_record_with_a_new_key_has_no_body() {
    let (mut hand, mut bob) = by_hand(Mode::Encrypted);
    for _ in 0..1_024 {
        assert_eq!(bob.read(&hand.say(DATA, b"x")), Ok(()));
    }
    assert!(bob.read(&hand.say(REKEY, b"x")).is_err());
}

#[test]
fn a_key_that_is_never_replaced_ends_the_link() {
    let mut never = short_epochs();
    never.after = (u64::MAX, u64::MAX);
    let (mut ann, mut bob) = opened(&connect(Mode::Mutual).epochs(never), &listen(Mode::Mutual).epochs(short_epochs()));
    let (mut read, mut error) = (0, None);
    while error.is_none() && read < 100 {
        ann.send(&[b"frame"]);
        error = bob.read(&ann.wire()).err();
        read += usize::from(error.is_none());
    }
    assert_eq!(read, 6);
    assert!(matches!(error, Some(LinkError::Malformed { expected: "a new key long ago", .. })), "{error:?}");
}

#[test]
fn behind_the_most_of_an_old_key_nothing_but_a_new_one_is_taken() {
    let spent = |bytes| {
        let most = if bytes { (u64::MAX, 6 * 18) } else { (6, u64::MAX) };
        let (mut hand, mut bob) = by_hand_with(Epochs { after: (u64::MAX, u64::MAX), most, ..short_epochs() });
        hand.sealing.epochs.after = (u64::MAX, u64::MAX);
        for _ in 0..6 {
            assert_eq!(bob.read(&hand.say(DATA, b"x")), Ok(()));
        }
        (hand, bob)
    };
    for bytes in [false, true] {
        for kind in [DATA, PING, BATCH, CLOSE] {
            let (mut hand, mut bob) = spent(bytes);
            let error = bob.read(&hand.say(kind, &[0; 8])).expect_err("under a key that is spent");
            assert!(matches!(error, LinkError::Malformed { expected: "a new key long ago", .. }), "{error:?}");
        }
        let (mut hand, mut bob) = spent(bytes);
        assert_eq!(bob.read(&hand.say(REKEY, b"")), Ok(()));
        hand.sealing.renew().expect("a new key");
        assert_eq!(bob.read(&hand.say(DATA, b"under the new key")), Ok(()));
        assert_eq!(bob.frames.len(), 7);
        // Only what the peer has sealed counts as one.
        let (mut hand, mut bob) = spent(bytes);
        let mut forged = hand.say(REKEY, b"");
        forged[4] ^= 1;
        assert_eq!(bob.read(&forged), Err(LinkError::Tampered));
    }
}

#[test]
fn thousands_of_records_with_the_numbers_of_the_protocol() {
    let (mut ann, mut bob) = opened(&connect(Mode::Mutual).rekey_after(0), &listen(Mode::Mutual).rekey_after(2_000));
    let mut rekeys = 0;
    for number in 0..3_500_u32 {
        ann.send(&[&number.to_be_bytes()]);
        let wire = ann.wire();
        rekeys += records(&wire).len() - 1;
        assert_eq!(bob.read(&wire), Ok(()));
        bob.send(&[&number.to_be_bytes()]);
        assert_eq!(ann.read(&bob.wire()), Ok(()));
    }
    assert_eq!(rekeys, 3, "never more often than every 1,024 records");
    let numbers: Vec<Vec<u8>> = (0..3_500_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    assert!(ann.frames == numbers && bob.frames == numbers);
}
