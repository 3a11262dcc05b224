//! The format, byte by byte, and everything that is refused.

use fsm_core::Address;

use super::super::{FrameError, Inbound, NameError, Part, Refusal, encode_gone};
use super::{End, message, point};

const PROXY: Address = Address::new(7, 1, 0);

fn end() -> End {
    End::with_default(PROXY, point(1))
}

/// The header of a message to our default target from nobody, up to where its name stands.
const START: [u8; 3] = [0x94, 0xff, 0xc0];

fn frame(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn a_message_is_an_array_of_four_and_the_body() {
    let mut end = end();
    let listed = [point(2), PROXY.with_far(5), Address::NONE, point(1)];
    let got = end.encode(PROXY.with_far(1), point(3), &message("a.B", &[0x80], &listed));
    let expected = [
        0x94, // four fields
        0xff, // to: your export 0
        0x01, // from: my export 1
        0xa3, b'a', b'.', b'B', // name, spelt
        0x94, 0x02, 0xfb, 0xc0,
        0x00, // addresses: my export 2, your export 4, none, my export 0 (the default target)
        0x80, // body
    ];
    assert_eq!(got, Ok(expected.to_vec()));
    let got = end.encode(PROXY.with_far(40), Address::NONE, &message("a.B", &[0x80], &[]));
    assert_eq!(got, Ok(vec![0x94, 0xd0, 0xd8, 0xc0, 0x00, 0x90, 0x80]), "the name is number 0 now");
}

#[test]
fn a_message_reads_as_what_was_meant() {
    let mut end = end();
    let bytes = [0x94, 0xff, 0x01, 0xa3, b'a', b'.', b'B', 0x93, 0x02, 0xff, 0xc0, 0x80];
    let listed = [PROXY.with_far(3), point(1), Address::NONE];
    let encoded = message("a.B", &[0x80], &listed);
    assert_eq!(end.decode(&bytes), Ok(Inbound::Message { to: point(1), from: PROXY.with_far(2), encoded }));
}

#[test]
fn a_control_frame_tells_which_export_has_gone() {
    let mut out = vec![9];
    encode_gone(1 << 32, &mut out);
    assert_eq!(out, [9, 0, 0, 0, 11, 0x92, 1, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(end().decode(&out[5..]), Ok(Inbound::Gone(PROXY.with_far((1 << 32) + 1))));
}

#[test]
fn an_address_that_has_gone_or_was_never_given_refuses_the_message_and_not_the_connection() {
    let mut end = end();
    let wire = end.border.write(point(5));
    assert_eq!(end.border.gone(point(5)), [1], "{wire:?}");
    let cases: [(&[u8], Part, Refusal); 5] = [
        (&[0x94, 0xfe, 0xc0, 0xa1, b'N', 0x90, 1], Part::To, Refusal::Gone),
        (&[0x94, 0xfd, 0xc0, 0x00, 0x90, 1], Part::To, Refusal::NeverGiven),
        (&[0x94, 0xff, 0xfe, 0x00, 0x90, 1], Part::From, Refusal::Gone),
        (&[0x94, 0xff, 0x03, 0x00, 0x92, 0xff, 0xfd, 1], Part::Addresses, Refusal::NeverGiven),
        (&[0x94, 0xff, 0x03, 0x00, 0x92, 0xfe, 0xfd, 1], Part::Addresses, Refusal::Gone),
    ];
    for (bytes, expected_part, expected_reason) in cases {
        match end.decode(bytes) {
            Ok(Inbound::Refused { to, from, message, part, reason }) => {
                assert_eq!((part, reason), (expected_part, expected_reason), "{bytes:02x?}");
                assert_eq!(&*message, "N");
                assert_eq!(to.is_none(), part == Part::To);
                assert_eq!(from.is_none(), part != Part::Addresses);
            }
            other => panic!("expected a refused message, got {other:?} for {bytes:02x?}"),
        }
    }
    let fine = end.decode(&[0x94, 0xff, 0xc0, 0x00, 0x90, 1]);
    assert!(matches!(fine, Ok(Inbound::Message { .. })), "the name was bound by a refused message: {fine:?}");
}

#[test]
fn a_message_before_the_default_target_is_set_is_refused() {
    let mut end = End::new(PROXY);
    let refused = end.decode(&[0x94, 0xff, 0xc0, 0xa1, b'N', 0x90, 1]);
    assert!(matches!(refused, Ok(Inbound::Refused { part: Part::To, reason: Refusal::NeverGiven, .. })), "{refused:?}");
}

#[test]
fn every_broken_header_is_refused_with_its_reason() {
    let long_name = [&START[..], &[0xda, 1, 1], &[b'x'; 257], &[0x90, 1]].concat();
    let many: Vec<u8> = [&START[..], &[0xa1, b'N', 0xdc, 4, 1], &[0; 1_030]].concat();
    let cases: Vec<(Vec<u8>, FrameError)> = vec![
        (vec![], FrameError::Truncated { part: Part::Header }),
        (vec![0x93, 0, 0, 0], FrameError::WrongFields { got: 3 }),
        (vec![0x90], FrameError::WrongFields { got: 0 }),
        (vec![0xdd, 0xff, 0xff, 0xff, 0xff], FrameError::WrongFields { got: u32::MAX }),
        (vec![0xdc, 0, 4, 0xff, 0xc0], FrameError::NotShortest { part: Part::Header }),
        (vec![0x84], FrameError::WrongType { part: Part::Header, marker: 0x84 }),
        (vec![0x94], FrameError::Truncated { part: Part::To }),
        (vec![0x94, 0xc0], FrameError::WrongTarget),
        (vec![0x94, 0x00, 0xc0], FrameError::WrongTarget),
        (vec![0x94, 0xa1, b'x'], FrameError::WrongType { part: Part::To, marker: 0xa1 }),
        (vec![0x94, 0xcb, 0, 0], FrameError::WrongType { part: Part::To, marker: 0xcb }),
        (vec![0x94, 0xd0, 0xff], FrameError::NotShortest { part: Part::To }),
        (vec![0x94, 0xff], FrameError::Truncated { part: Part::From }),
        (vec![0x94, 0xff, 0xd9], FrameError::Truncated { part: Part::From }),
        (vec![0x94, 0xff, 0xc2], FrameError::WrongType { part: Part::From, marker: 0xc2 }),
        (vec![0x94, 0xff, 0xcf, 255, 0, 0, 0, 0, 0, 0, 0], FrameError::OutOfRange { part: Part::From }),
        (frame(&[&START]), FrameError::Truncated { part: Part::Name }),
        (frame(&[&START, &[0xa5, b'a']]), FrameError::Truncated { part: Part::Name }),
        (frame(&[&START, &[0xc0]]), FrameError::WrongType { part: Part::Name, marker: 0xc0 }),
        (frame(&[&START, &[0x05]]), FrameError::UnboundName { got: 5, bound: 0 }),
        (frame(&[&START, &[0xff]]), FrameError::OutOfRange { part: Part::Name }),
        (frame(&[&START, &[0xa0]]), FrameError::Name(NameError::Length { got: 0 })),
        (long_name, FrameError::Name(NameError::Length { got: 257 })),
        (frame(&[&START, &[0xa1, 0xff]]), FrameError::Name(NameError::NotUtf8)),
        (frame(&[&START, &[0xa1, 0x1b]]), FrameError::Name(NameError::Character { got: '\u{1b}' })),
        (frame(&[&START, &[0xa1, b'N']]), FrameError::Truncated { part: Part::Addresses }),
        (frame(&[&START, &[0xa1, b'N', 0x81]]), FrameError::WrongType { part: Part::Addresses, marker: 0x81 }),
        (frame(&[&START, &[0xa1, b'N', 0x92, 0]]), FrameError::Truncated { part: Part::Addresses }),
        (frame(&[&START, &[0xa1, b'N', 0xdc, 4, 0]]), FrameError::Truncated { part: Part::Addresses }),
        (many, FrameError::TooManyAddresses { got: 1_025, limit: 1_024 }),
        (frame(&[&START, &[0xa1, b'N', 0x91, 0]]), FrameError::NoBody),
        (frame(&[&START, &[0xa1, b'N', 0x91, 0x91, 0]]), FrameError::WrongType { part: Part::Addresses, marker: 0x91 }),
        (vec![0x92], FrameError::Truncated { part: Part::Kind }),
        (vec![0x92, 2, 0], FrameError::UnknownControl { kind: 2 }),
        (vec![0x92, 0xff, 0], FrameError::OutOfRange { part: Part::Kind }),
        (vec![0x92, 1], FrameError::Truncated { part: Part::Argument }),
        (vec![0x92, 1, 0xc0], FrameError::WrongType { part: Part::Argument, marker: 0xc0 }),
        (vec![0x92, 1, 0xff], FrameError::OutOfRange { part: Part::Argument }),
        (vec![0x92, 1, 3, 0, 0], FrameError::Trailing { bytes: 2 }),
    ];
    for (bytes, expected) in cases {
        assert_eq!(end().decode(&bytes), Err(expected), "{bytes:02x?}");
    }
}

#[test]
fn arrays_nested_ten_thousand_deep_are_refused_without_recursion() {
    let nested = [0x91; 10_000];
    let places: [(&[u8], Part); 4] = [
        (&[0x94], Part::To),
        (&[0x94, 0xff], Part::From),
        (&START, Part::Name),
        (&[0x94, 0xff, 0xc0, 0xa1, b'N', 0x91], Part::Addresses),
    ];
    for (start, part) in places {
        let bytes = [start, &nested].concat();
        assert_eq!(end().decode(&bytes), Err(FrameError::WrongType { part, marker: 0x91 }));
    }
    assert_eq!(end().decode(&nested), Err(FrameError::WrongFields { got: 1 }));
}

#[test]
fn a_body_is_not_looked_into() {
    let nested = [0x91; 10_000];
    let got = end().decode(&[&START[..], &[0xa1, b'N', 0x90], &nested].concat());
    assert!(matches!(got, Ok(Inbound::Message { ref encoded, .. }) if encoded.bytes == nested), "{got:?}");
}

#[test]
fn errors_say_what_was_expected_and_what_came() {
    let error = FrameError::Truncated { part: Part::Name };
    assert_eq!(error.to_string(), "expected more bytes, got the end of the frame inside the message name");
    let error = FrameError::WrongType { part: Part::To, marker: 0xcb };
    assert_eq!(error.to_string(), "expected another MessagePack type for the target, got marker 0xcb");
}
