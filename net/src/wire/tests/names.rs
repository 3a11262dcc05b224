//! Message names.

use fsm_core::Address;

use super::super::{FrameError, Inbound, NAMES, NameError, SendError, check_name};
use super::{End, message, point};

const PROXY: Address = Address::new(7, 1, 0);

fn pair() -> (End, End) {
    (End::with_default(PROXY, point(1)), End::with_default(PROXY, point(2)))
}

/// Sends a message with this name; whether it was spelt.
fn send(from: &mut End, to: &mut End, name: &str) -> bool {
    let encoded = message(name, &[1], &[]);
    let frame = from.encode(PROXY.with_far(1), Address::NONE, &encoded).expect("can be sent");
    let expected = Inbound::Message { to: point(2), from: Address::NONE, encoded };
    assert_eq!(to.decode(&frame), Ok(expected));
    frame.windows(name.len()).any(|window| window == name.as_bytes())
}

#[test]
fn a_name_is_spelt_once_for_each_connection_and_direction() {
    let (mut ann, mut bob) = pair();
    for name in ["a.First", "a.Second", &"x".repeat(256)] {
        assert!(send(&mut ann, &mut bob, name));
        for _ in 0..3 {
            assert!(!send(&mut ann, &mut bob, name));
        }
    }
    assert!(!send(&mut ann, &mut bob, "a.First"));
    assert_eq!((ann.outgoing.len(), bob.incoming.len()), (3, 3));
    assert_eq!((bob.outgoing.len(), ann.incoming.len()), (0, 0), "the other direction has its own names");
}

#[test]
fn beyond_the_bound_a_name_is_spelt_each_time_and_bound_at_neither_end() {
    let (mut ann, mut bob) = pair();
    for number in 0..NAMES {
        assert!(send(&mut ann, &mut bob, &format!("name.{number}")));
    }
    for _ in 0..3 {
        assert!(send(&mut ann, &mut bob, "one.too.many"));
        assert!(send(&mut ann, &mut bob, "and.another"));
    }
    assert_eq!((ann.outgoing.len(), bob.incoming.len()), (NAMES, NAMES));
    for number in 0..NAMES {
        assert!(!send(&mut ann, &mut bob, &format!("name.{number}")), "bound names are numbers still");
    }
}

#[test]
fn a_bound_name_that_is_spelt_again_is_a_broken_frame() {
    let (mut ann, mut bob) = pair();
    let frame = ann.encode(PROXY.with_far(1), Address::NONE, &message("N", &[1], &[])).expect("can be sent");
    assert!(bob.decode(&frame).is_ok());
    assert_eq!(bob.decode(&frame), Err(FrameError::SpeltAgain { number: 0 }));
}

#[test]
fn a_name_that_cannot_be_one_is_refused_before_it_is_sent() {
    let (mut ann, _) = pair();
    let cases = [
        (String::new(), NameError::Length { got: 0 }),
        ("x".repeat(257), NameError::Length { got: 257 }),
        ("a b".into(), NameError::Character { got: ' ' }),
        ("a\u{2028}b".into(), NameError::Character { got: '\u{2028}' }),
        ("a\u{85}".into(), NameError::Character { got: '\u{85}' }),
    ];
    for (name, error) in cases {
        let got = ann.encode(PROXY.with_far(1), point(3), &message(&name, &[1], &[]));
        assert_eq!(got, Err(SendError::Name(error)), "{name:?}");
        assert_eq!(check_name(name.as_bytes()), Err(error));
    }
    assert_eq!((ann.outgoing.len(), ann.border.len()), (0, 1));
}

#[test]
fn a_message_that_cannot_be_sent_binds_no_name() {
    let (mut ann, mut bob) = pair();
    let refused = ann.encode(PROXY.with_far(1), Address::NONE, &message("N", &[], &[]));
    assert_eq!(refused, Err(SendError::NoBody));
    assert!(ann.outgoing.is_empty());
    assert!(send(&mut ann, &mut bob, "N"), "the peer has not heard the name yet");
}
