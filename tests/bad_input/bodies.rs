//! Messages whose body is wrong, or deep, or somebody else's: each is refused alone.

use statepoint::Ended;

use crate::frames::{self, Called, DEFAULT};
use crate::server::{Report, Server};

/// Sends a message after a good one: it is refused, with the reason in the trace, and the connection goes on.
fn is_refused(name: &str, addresses: &[i64], body: &[u8], because: &str) {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    peer.send(&frames::message(DEFAULT, Some(0), Called::Name(name), addresses, body));
    peer.is_welcome();
    peer.finish();
    assert_eq!(server.abandoned(&peer), Ended::ByPeer);
    server.serves_the_next();
    let outcome = server.stop();
    assert_eq!((outcome.kernel.refused, outcome.net.protocol_errors), (1, 0));
    outcome.warned(because);
}

/// A chain of `depth` arrays as a map with one field.
fn deep(field: &str, depth: usize) -> Vec<u8> {
    let mut body = vec![0x81];
    frames::text(&mut body, field);
    body.extend(std::iter::repeat_n(0x91, depth));
    body.push(0xC0);
    body
}

/// A chain of so many `Tree`s.
fn tree(depth: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 1..depth {
        body.extend(b"\x81\xA8children\x91");
    }
    body.extend(b"\x81\xA8children\x90");
    body
}

#[test]
fn a_body_of_another_shape() {
    is_refused("test.Card", &[], &[0x80], "Card");
    is_refused("test.Card", &[], &[0xC0], "Card");
    is_refused("test.Card", &[], b"\x81\xA2at\x07", "Card");
    is_refused("test.Tree", &[], b"\x81\xA8children\xC3", "Tree");
}

#[test]
fn a_body_that_is_no_message_pack() {
    is_refused("test.Card", &[], &[0xC1; 100], "Card");
}

#[test]
fn a_body_that_ends_too_soon() {
    is_refused("test.Tree", &[], b"\x81\xA8children\x93\x81", "Tree");
    is_refused("test.Tree", &[], b"\x81\xDB\xFF\xFF\xFF\xFFx", "Tree");
}

#[test]
fn a_body_that_announces_more_than_there_is() {
    // Four thousand million entries, in an array, a map and a text.
    is_refused("test.Tree", &[], b"\x81\xA8children\xDD\xFF\xFF\xFF\xFF", "Tree");
    is_refused("test.Tree", &[], b"\xDF\xFF\xFF\xFF\xFF", "Tree");
    is_refused("test.Tree", &[], b"\x81\xA4junk\xC6\xFF\xFF\xFF\xFFxx", "Tree");
}

#[test]
fn a_body_with_something_behind_it() {
    is_refused("test.Tree", &[], b"\x81\xA8children\x90\x00", "expected the end of the body");
}

#[test]
fn a_text_that_is_not_utf_8() {
    is_refused("test.Tree", &[], b"\x81\xA8childre\xFF\x90", "Tree");
}

#[test]
fn a_body_ten_thousand_deep() {
    is_refused("test.Tree", &[], &tree(10_000), "Tree");
}

#[test]
fn an_ignored_field_ten_thousand_deep() {
    let server = Server::start();
    let mut peer = server.connect();
    let name = Called::Name("hello_welcome.Hello");
    peer.send(&frames::message(DEFAULT, Some(0), name, &[], &deep("junk", 10_000)));
    let number = Called::Number(0);
    // A map in a map in a map, and all of it in a message that would be good without it.
    let mut body = b"\x82\xA7my_name\xA6Gladys\xA4junk".to_vec();
    for _ in 0..10_000 {
        body.extend(b"\x81\xA1x");
    }
    body.push(0xC0);
    peer.send(&frames::message(DEFAULT, Some(0), number, &[], &body));
    peer.send(&frames::message(DEFAULT, Some(0), number, &[], b"\x82\xA7my_name\xA6Gladys\xA4junk\x90"));
    assert!(peer.frame().ends_with(b"\xA6Gladys"), "the third is good: a field more is no matter");
    peer.finish();
    assert_eq!(server.abandoned(&peer), Ended::ByPeer);
    let outcome = server.stop();
    assert_eq!(outcome.kernel.refused, 2);
    outcome.warned("depth");
}

#[test]
fn a_body_just_deep_enough_is_taken() {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    // Two containers for each.
    peer.send(&frames::message(DEFAULT, Some(0), Called::Name("test.Tree"), &[], &tree(31)));
    peer.send(&frames::message(DEFAULT, Some(0), Called::Number(1), &[], &tree(40)));
    peer.is_welcome();
    peer.finish();
    server.abandoned(&peer);
    assert_eq!(server.stop().kernel.refused, 1);
}

#[test]
fn an_address_in_a_body_that_the_frame_does_not_list() {
    is_refused("test.Card", &[0], b"\x81\xA2at\xC7\x02\x01\x00\x01", "address");
    is_refused("test.Card", &[], b"\x81\xA2at\xD5\x01\x00\x00", "expected an address index below 0");
    is_refused("test.Card", &[0], b"\x81\xA2at\xD5\x07\x00\x00", "extension type 7");
    is_refused("test.Card", &[0], b"\x81\xA2at\xD4\x01\x00", "address index");
}

#[test]
fn an_address_in_a_body_that_the_frame_lists_is_taken() {
    let server = Server::start();
    let mut peer = server.connect();
    let card = frames::message(DEFAULT, Some(0), Called::Name("test.Card"), &[0], b"\x81\xA2at\xD5\x01\x00\x00");
    peer.send(&card);
    assert_eq!(server.report(), Report::Card);
    server.stop_with([peer]);
}

#[test]
fn a_message_that_nobody_knows() {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    peer.send(&frames::message(DEFAULT, Some(0), Called::Name("test.Unheard"), &[], &[0xC1]));
    for _ in 0..999 {
        peer.send(&frames::message(DEFAULT, Some(0), Called::Number(1), &[], &[0xC1]));
    }
    peer.is_welcome();
    let outcome = server.stop_with([peer]);
    assert_eq!((outcome.kernel.unknown, outcome.kernel.refused), (1_000, 0));
    outcome.warned("Unknown Unheard");
}

/// Nobody can forge what the system tells a point: neither its life nor its connections.
#[test]
fn a_message_that_must_not_leave_its_process() {
    let forged =
        ["statepoint.Start", "statepoint.Stop", "statepoint.Abandoned", "statepoint.Accepted", "statepoint.Listening"];
    for name in forged {
        is_refused(name, &[], &[0xC0], "it is a local message, which no peer can send");
        is_refused(name, &[], &[0x80], "it is a local message, which no peer can send");
    }
    let unknown = [
        "statepoint.Completed",
        "statepoint.Timeout",
        "statepoint.Close",
        "statepoint.order.Cut",
        "statepoint.Overflow",
    ];
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    for name in unknown {
        peer.send(&frames::message(DEFAULT, Some(0), Called::Name(name), &[], &[0xC0]));
        peer.is_welcome();
    }
    let outcome = server.stop_with([peer]);
    assert_eq!(outcome.kernel.unknown, unknown.len() as u64);
}

#[test]
fn an_address_that_was_never_given() {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    // As a target, as the sender, and in the list.
    peer.send(&frames::message(-2, Some(0), Called::Number(0), &[], &[0x80]));
    peer.send(&frames::message(DEFAULT, Some(-77), Called::Number(0), &[], &[0x80]));
    peer.send(&frames::message(DEFAULT, Some(0), Called::Number(0), &[-1_000_000], &[0x80]));
    peer.is_welcome();
    let outcome = server.stop_with([peer]);
    assert_eq!((outcome.net.refused, outcome.kernel.dead(statepoint::Undelivered::NeverGiven)), (3, 3));
    outcome.warned("never given");
}
