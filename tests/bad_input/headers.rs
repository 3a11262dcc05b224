//! Frames whose header is wrong: they break the protocol, because the tables of both ends may no longer agree.

use crate::frames::{self, Called, DEFAULT, framed};
use crate::server::{Server, hello};

/// Sends this frame after a good one: the connection ends, with the reason, and the server goes on.
fn breaks_the_protocol(frame: &[u8], because: &str) {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    peer.try_send(frame);
    let text = server.protocol_error(&peer);
    assert!(text.contains(because), "expected {because:?} in {text:?}");
    peer.ends();
    server.serves_the_next();
    let outcome = server.stop();
    assert_eq!((outcome.net.protocol_errors, outcome.net.received), (1, 2), "{text}");
    outcome.warned(&text);
}

fn named(name: &str) -> Vec<u8> {
    frames::message(DEFAULT, None, Called::Name(name), &[], &[0x80])
}

#[test]
fn a_header_that_is_no_array() {
    breaks_the_protocol(&framed(&[0x81, 0x01, 0x02]), "expected a MessagePack array, got marker 0x81");
}

#[test]
fn a_header_of_three_fields() {
    breaks_the_protocol(&framed(&[0x93, 0xFF, 0, 0]), "3");
}

#[test]
fn a_header_ten_thousand_deep() {
    breaks_the_protocol(&framed(&[0x91; 10_000]), "1");
    breaks_the_protocol(&framed(&[&[0x94][..], &[0x91; 10_000]].concat()), "the target");
    breaks_the_protocol(&framed(&[&[0x94, 0xFF, 0, 0, 0x91][..], &[0x91; 10_000]].concat()), "marker 0x91");
}

#[test]
fn a_frame_that_ends_in_its_header() {
    for (header, part) in [
        (&[0x94][..], "the target"),
        (&[0x94, 0xFF], "the sender"),
        (&[0x94, 0xFF, 0], "the message name"),
        (&[0x94, 0xFF, 0, 0], "the address list"),
        (&[0x94, 0xFF, 0, 0xA5, b'h'], "the message name"),
        (&[0x94, 0xD1], "the target"),
    ] {
        breaks_the_protocol(&framed(header), part);
    }
}

#[test]
fn a_message_without_a_body() {
    breaks_the_protocol(&framed(&[0x94, 0xFF, 0, 0, 0x90]), "body");
}

#[test]
fn a_number_that_is_written_longer_than_need_be() {
    breaks_the_protocol(&framed(&[0x94, 0xD0, 0xFF, 0, 0, 0x90, 0x80]), "the target");
}

#[test]
fn a_target_that_is_no_export_of_the_server() {
    for target in [&[0x00][..], &[0xC0]] {
        breaks_the_protocol(&framed(&[&[0x94][..], target, &[0, 0, 0x90, 0x80]].concat()), "target");
    }
}

#[test]
fn a_target_that_is_a_text() {
    breaks_the_protocol(&framed(&[0x94, 0xA1, b'x', 0, 0, 0x90, 0x80]), "the target");
}

#[test]
fn a_name_that_cannot_be_one() {
    breaks_the_protocol(&named(""), "1 to 256 bytes, got 0");
    breaks_the_protocol(&named(&"x".repeat(257)), "1 to 256 bytes, got 257");
    breaks_the_protocol(&named("two words"), "without spaces");
    breaks_the_protocol(&named("a\u{1B}[31mred"), "control characters");
    breaks_the_protocol(&framed(&[0x94, 0xFF, 0, 0xA2, 0xC3, 0x28, 0x90, 0x80]), "UTF-8");
}

#[test]
fn a_name_by_a_number_that_was_never_bound() {
    breaks_the_protocol(&frames::message(DEFAULT, None, Called::Number(1), &[], &[0x80]), "1");
    breaks_the_protocol(&frames::message(DEFAULT, None, Called::Number(-1), &[], &[0x80]), "the message name");
}

#[test]
fn a_name_that_is_spelt_again() {
    breaks_the_protocol(&hello(Called::Name("hello_welcome.Hello")), "0");
}

#[test]
fn more_addresses_than_a_message_may_mention() {
    let addresses = vec![0; 1_025];
    breaks_the_protocol(&frames::message(DEFAULT, None, Called::Number(0), &addresses, &[0x80]), "1025");
    // Announced, but not there.
    breaks_the_protocol(&framed(&[0x94, 0xFF, 0, 0, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF]), "4294967295");
    breaks_the_protocol(&framed(&[0x94, 0xFF, 0, 0, 0xDC, 0x04, 0x00, 0x00]), "the address list");
}

#[test]
fn a_control_frame_of_no_known_kind() {
    breaks_the_protocol(&framed(&[0x92, 7, 1]), "7");
}

#[test]
fn a_control_frame_with_something_behind_it() {
    breaks_the_protocol(&framed(&[0x92, 1, 1, 0]), "1");
}

#[test]
fn a_control_frame_about_a_number_that_is_none() {
    breaks_the_protocol(&framed(&[0x92, 1, 0xA1, b'x']), "the argument");
}

/// What the peer says of its own exports is its own affair, however little sense it makes.
#[test]
fn an_end_of_what_was_never_there_is_no_concern() {
    let server = Server::start();
    let mut peer = server.connect();
    for number in [0, 1, 77, i64::MAX] {
        peer.send(&frames::gone(number));
    }
    peer.is_welcome();
    peer.finish();
    server.abandoned(&peer);
    server.serves_the_next();
    assert_eq!(server.stop().net.protocol_errors, 0);
}
