//! Bytes that are no frames.

use statepoint::Ended;

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
    outcome.warned(&text);
}

#[test]
fn a_web_browser_is_told_nothing_and_ended() {
    breaks_the_protocol(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
        "expected a frame of at most 1048576 bytes, got one of 1195725856",
    );
}

#[test]
fn a_tls_client_is_ended() {
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0x55; 500]].concat();
    breaks_the_protocol(&hello, "got one of 369295618");
}

#[test]
fn a_terminal_that_greets_in_words_is_ended() {
    breaks_the_protocol(b"hello, anybody there?\r\n", "got one of 1751477356");
}

#[test]
fn a_frame_of_four_gigabytes_is_refused_before_anything_is_allocated() {
    let before = memory();
    breaks_the_protocol(&[0xFF; 4], "got one of 4294967295");
    // Other tests run beside this one.
    assert!(memory() < before + (1 << 30), "{} bytes more", memory() - before);
}

#[test]
fn a_frame_one_byte_too_long_is_refused() {
    breaks_the_protocol(&0x10_0001_u32.to_be_bytes(), "expected a frame of at most 1048576 bytes, got one of 1048577");
}

#[test]
fn a_frame_of_nothing_is_refused() {
    breaks_the_protocol(&[0; 4], "expected a frame");
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
        peer.finish();
        let reason = server.abandoned(&peer);
        assert!(matches!(reason, Ended::Protocol(_) | Ended::CutShort), "{reason:?} of {noise:02x?}");
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
            Report::Abandoned(remote, Ended::Protocol(_) | Ended::CutShort | Ended::ByPeer) => {
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
        assert!(matches!(server.report(), Report::Abandoned(_, Ended::ByPeer)));
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
