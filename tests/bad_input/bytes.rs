//! Bytes that are no frames.

use statepoint::Ended;
use statepoint::wire::LinkError;

use crate::frames::{GOODBYE, GREETING, framed};
use crate::server::{Peer, Report, Server, memory};

/// Sends this to a server of its own: the server says so in `Abandoned`, the counters and the trace, and goes on.
fn breaks_the_protocol(bytes: &[u8], because: &str) {
    let server = Server::start();
    let mut peer = server.connect();
    peer.try_send(bytes);
    let text = server.protocol_error(&peer);
    assert!(text.contains(because), "expected {because:?} in {text:?}");
    peer.ends();
    server.serves_the_next();
    let outcome = server.stop();
    assert_eq!((outcome.net.protocol_errors, outcome.net.accepted, outcome.net.ended), (1, 2, 2));
    assert_eq!(outcome.net.not_opened, 0);
    outcome.warned(&text);
}

/// Sends this before anything else: the peer is not accepted, and the server goes on.
fn is_not_accepted(bytes: &[u8], because: &str) {
    let server = Server::start();
    let mut peer = Peer::connect(server.at);
    peer.try_send(bytes);
    let reason = server.not_accepted();
    assert!(reason.text.contains(because), "expected {because:?} in {:?}", reason.text);
    peer.ends();
    server.serves_the_next();
    let outcome = server.stop();
    assert_eq!((outcome.net.not_opened, outcome.net.accepted, outcome.net.ended), (1, 2, 2));
    assert_eq!(outcome.net.protocol_errors, 0, "it never spoke the protocol");
    outcome.warned(&reason.text);
}

#[test]
fn a_web_browser_is_told_nothing_and_ended() {
    is_not_accepted(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", "HTTP");
}

#[test]
fn a_tls_client_is_ended() {
    is_not_accepted(&[&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0x55; 500]].concat(), "TLS");
}

#[test]
fn a_terminal_that_greets_in_words_is_ended() {
    is_not_accepted(b"hello, anybody there?\r\n", "expected a peer that speaks this protocol, got");
}

#[test]
fn a_link_of_another_kind_is_refused_with_the_reason() {
    for (at, bytes, because) in
        [(5, &[9, 2][..], "version"), (7, &[1], "`clear`"), (9, &[0], "frame"), (4, &[2], "hello")]
    {
        let mut greeting = GREETING.to_vec();
        greeting[at..at + bytes.len()].copy_from_slice(bytes);
        is_not_accepted(&greeting, because);
    }
}

#[test]
fn a_greeting_of_which_the_end_never_comes() {
    let server = Server::start();
    for cut in 0..GREETING.len() {
        let mut peer = Peer::connect(server.at);
        peer.send(&GREETING[..cut]);
        peer.cut();
        let reason = server.not_accepted();
        assert!(matches!(reason.link, Some(LinkError::Left { .. })), "after {cut} bytes: {reason:?}");
        peer.ends();
    }
    server.serves_the_next();
    let outcome = server.stop();
    assert_eq!((outcome.net.protocol_errors, outcome.net.not_opened), (0, GREETING.len() as u64));
}

#[test]
fn a_record_of_four_gigabytes_is_refused_before_anything_is_allocated() {
    let before = memory();
    breaks_the_protocol(&[0xFF; 4], "4294967295");
    // Other tests run beside this one.
    assert!(memory() < before + (1 << 30), "{} bytes more", memory() - before);
}

#[test]
fn a_record_one_byte_too_long_is_refused() {
    breaks_the_protocol(&0x10_0002_u32.to_be_bytes(), "1048578");
}

#[test]
fn a_record_of_nothing_is_refused() {
    breaks_the_protocol(&[0; 4], "expected a record");
}

#[test]
fn a_record_without_a_frame_is_refused() {
    breaks_the_protocol(&framed(&[]), "expected a record that belongs there, got one of kind 0 with 0 bytes");
}

#[test]
fn a_record_that_belongs_elsewhere_is_refused() {
    // Ready from the wrong end, an answer to no question, and what no version knows.
    for kind in [2, 3, 6, 8, 255] {
        let record = [0, 0, 0, 1, kind];
        breaks_the_protocol(&record, "expected a record that belongs there");
    }
}

#[test]
fn new_keys_for_a_clear_link_are_refused() {
    breaks_the_protocol(&[0, 0, 0, 1, 5], "expected no new key yet");
}

#[test]
fn a_batch_whose_frames_do_not_add_up_is_refused() {
    for batch in [&[7][..], &[7, 0, 0, 0, 1, 0x94], &[7, 0, 0, 0, 0, 0, 0, 0, 0], &[7, 0, 0, 0, 1, 1, 0, 0, 0, 9, 1]] {
        let record = [&(batch.len() as u32).to_be_bytes()[..], batch].concat();
        breaks_the_protocol(&record, "expected");
    }
}

#[test]
fn what_comes_behind_a_goodbye_is_refused() {
    breaks_the_protocol(&[GOODBYE, &framed(&[0x94])].concat(), "expected bytes that only the peer can have written");
}

#[test]
fn noise_ends_its_connection_and_no_other() {
    let server = Server::start();
    let mut bystander = server.connect();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..200 {
        let noise: Vec<u8> = (0..1 + round * 7)
            .map(|_| {
                random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
                (random >> 56) as u8
            })
            .collect();
        let mut peer = server.connect();
        peer.try_send(&noise);
        peer.cut();
        let reason = server.abandoned(&peer);
        assert!(matches!(reason, Ended::Protocol(_) | Ended::Link(_) | Ended::CutShort), "{reason:?} of {noise:02x?}");
        peer.ends();
    }
    bystander.is_welcome();
    server.serves_the_next();
    server.stop();
}

/// One byte of a good frame is another: whatever the server makes of it, it goes on.
#[test]
fn a_good_frame_with_a_flipped_bit_harms_nobody() {
    let server = Server::start();
    let good = crate::server::hello(crate::frames::Called::Name("hello_welcome.Hello"));
    for bit in 0..good.len() * 8 {
        let mut frame = good.clone();
        frame[bit / 8] ^= 1 << (bit % 8);
        let mut peer = server.connect();
        peer.try_send(&frame);
        peer.finish();
        match server.report() {
            Report::Abandoned(remote, Ended::Protocol(_) | Ended::Link(_) | Ended::CutShort | Ended::ByPeer) => {
                assert_eq!(remote, peer.local());
            }
            other => panic!("bit {bit}: {other:?}"),
        }
        peer.ends();
    }
    server.serves_the_next();
    server.stop();
}

#[test]
fn a_peer_that_says_nothing_keeps_nobody_from_being_served() {
    let server = Server::start();
    let silent: Vec<Peer> = (0..100).map(|_| server.connect()).collect();
    server.serves_the_next();
    drop(silent);
    for _ in 0..100 {
        assert!(matches!(server.report(), Report::Abandoned(_, Ended::CutShort)));
    }
    let outcome = server.stop();
    assert_eq!((outcome.net.accepted, outcome.net.ended), (101, 101));
}

#[test]
fn a_server_does_not_wait_for_a_peer_that_says_nothing() {
    let server = Server::start();
    let mut silent = server.connect();
    let mut half = server.connect();
    half.send(&[0, 0]);
    let stop = std::thread::spawn(move || server.stop());
    // The server says goodbye, and they answer.
    silent.ends();
    drop(silent);
    half.ends();
    drop(half);
    assert_eq!(stop.join().expect("the server has ended").net.ended, 2);
}
