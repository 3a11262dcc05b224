//! More than one may have of something.

use statepoint::wire::FrameLimit;
use statepoint::{Ended, NetSettings};

use crate::frames::{self, Called, DEFAULT};
use crate::server::{Peer, Report, Server, memory};

/// A hundred messages that are refused end the connection, whatever they are refused for.
fn a_hundred(message: impl Fn(usize) -> Vec<u8>) {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    for number in 0..99 {
        peer.send(&message(number));
    }
    peer.is_welcome();
    peer.send(&message(99));
    assert_eq!(server.abandoned(&peer), Ended::TooManyRefused);
    peer.ends();
    server.serves_the_next();
    let outcome = server.stop();
    assert_eq!(outcome.kernel.refused + outcome.net.refused, 100);
    outcome.warned("too many messages");
}

fn named(number: usize, name: &str) -> Called<'_> {
    if number == 0 { Called::Name(name) } else { Called::Number(1) }
}

#[test]
fn a_hundred_bodies_that_do_not_fit() {
    a_hundred(|number| frames::message(DEFAULT, Some(0), named(number, "test.Card"), &[], &[0x80]));
}

#[test]
fn a_hundred_addresses_that_were_never_given() {
    a_hundred(|number| frames::message(-2 - number as i64, Some(0), Called::Number(0), &[], &[0x80]));
}

#[test]
fn a_hundred_forged_stops() {
    a_hundred(|number| frames::message(DEFAULT, Some(0), named(number, "statepoint.Stop"), &[], &[0xC0]));
}

/// Most in one piece: what is read at once is handled later, and the end of the connection comes between.
#[test]
fn ten_thousand_bodies_that_do_not_fit_at_once() {
    let server = Server::start();
    let mut peer = server.connect();
    let first = frames::message(DEFAULT, Some(0), Called::Name("test.Card"), &[], &[0x80]);
    let more = frames::message(DEFAULT, Some(0), Called::Number(0), &[], &[0x80]).repeat(10_000);
    peer.try_send(&[first, more].concat());
    assert_eq!(server.abandoned(&peer), Ended::TooManyRefused);
    peer.ends();
    server.serves_the_next();
    server.stop();
}

#[test]
fn a_frame_as_long_as_it_may_be_is_taken() {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    let header = frames::message(DEFAULT, None, Called::Name("test.Unheard"), &[], &[]).len() - 5;
    let body = vec![0xC0; (1 << 20) - header];
    peer.send(&frames::message(DEFAULT, None, Called::Name("test.Unheard"), &[], &body));
    peer.is_welcome();
    let outcome = server.stop_with([peer]);
    assert_eq!(outcome.kernel.unknown, 1);
}

#[test]
fn a_longer_frame_than_the_server_wants() {
    let frame_limit = FrameLimit::new(100).expect("a limit");
    let server = Server::with(NetSettings { frame_limit, ..NetSettings::default() });
    let mut peer = server.connect();
    peer.is_welcome();
    // A link announces no less than 1,024 bytes.
    peer.try_send(&frames::framed(&[0x94; 101]));
    assert!(server.protocol_error(&peer).contains("at most 100 bytes, got one of 101"));
    server.serves_the_next();
    server.stop();
}

/// Names are numbered up to a bound. What comes beyond is spelt each time, and goes on to be understood.
#[test]
fn more_names_than_are_remembered() {
    const NAMES: usize = 12_000;
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    for number in 0..NAMES {
        let name = format!("{}{number}", "n".repeat(200));
        peer.send(&frames::message(DEFAULT, None, Called::Name(&name), &[], &[0x80]));
    }
    peer.is_welcome();
    let outcome = server.stop_with([peer]);
    assert_eq!(outcome.kernel.unknown, NAMES as u64);
}

#[test]
fn as_many_addresses_as_a_message_may_mention_are_taken() {
    let server = Server::start();
    let mut peer = server.connect();
    let body = b"\x81\xA2at\xD5\x01\x03\xFF"; // the last of them
    let addresses: Vec<i64> = (0..1_024).collect();
    peer.send(&frames::message(DEFAULT, Some(0), Called::Name("test.Card"), &addresses, body));
    assert_eq!(server.report(), Report::Card);
    server.stop_with([peer]);
}

/// Frames grow as their bytes arrive, not as they are announced.
#[test]
fn a_crowd_that_announces_more_than_it_sends() {
    let server = Server::start();
    let before = memory();
    let mut crowd: Vec<Peer> = (0..500).map(|_| server.connect()).collect();
    for peer in &mut crowd {
        peer.send(&[&(1_u32 << 20).to_be_bytes()[..], &[0x94; 500]].concat());
    }
    server.serves_the_next();
    // Announced are 500 MiB. Other tests run beside this one.
    assert!(memory() < before + (256 << 20), "{} bytes more", memory() - before);
    drop(crowd);
    for _ in 0..500 {
        assert!(matches!(server.report(), Report::Abandoned(_, Ended::CutShort)));
    }
    server.stop();
}
