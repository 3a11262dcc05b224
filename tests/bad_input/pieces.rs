//! Good frames that come in bad pieces.

use statepoint::Ended;

use crate::frames::Called;
use crate::server::{Server, hello};

#[test]
fn one_byte_at_a_time() {
    let server = Server::start();
    let mut peer = server.connect();
    for byte in hello(Called::Name("hello_welcome.Hello")) {
        peer.send(&[byte]);
    }
    peer.frame();
    for _ in 0..10 {
        for byte in hello(Called::Number(0)) {
            peer.send(&[byte]);
        }
    }
    for _ in 0..10 {
        peer.frame();
    }
    peer.finish();
    assert_eq!(server.abandoned(&peer), Ended::ByPeer);
    assert_eq!(server.stop().net.received, 11);
}

/// Between the pieces somebody else is served, so that the server has read the first before the second comes.
#[test]
fn in_two_pieces_cut_at_every_point() {
    let server = Server::start();
    let mut bystander = server.connect();
    let mut peer = server.connect();
    peer.is_welcome();
    let frame = hello(Called::Number(0));
    for cut in 0..=frame.len() {
        peer.send(&frame[..cut]);
        bystander.is_welcome();
        peer.send(&frame[cut..]);
        peer.frame();
    }
    server.stop_with([peer, bystander]);
}

#[test]
fn in_three_pieces_cut_at_every_two_points() {
    let server = Server::start();
    let mut bystander = server.connect();
    let mut peer = server.connect();
    peer.is_welcome();
    let frame = hello(Called::Number(0));
    for first in 1..frame.len() {
        for second in first + 1..frame.len() {
            peer.send(&frame[..first]);
            bystander.is_welcome();
            peer.send(&frame[first..second]);
            bystander.is_welcome();
            peer.send(&frame[second..]);
            peer.frame();
        }
    }
    server.stop_with([peer, bystander]);
}

#[test]
fn many_in_one_piece() {
    let server = Server::start();
    let mut peer = server.connect();
    peer.is_welcome();
    // Both directions are full of them: who writes must read too.
    let frames = hello(Called::Number(0)).repeat(5_000);
    peer.send(&frames);
    for _ in 0..5_000 {
        peer.frame();
    }
    server.stop_with([peer]);
}

#[test]
fn a_frame_of_which_the_end_never_comes() {
    let frame = hello(Called::Name("hello_welcome.Hello"));
    for cut in 1..frame.len() {
        let server = Server::start();
        let mut peer = server.connect();
        peer.send(&frame[..cut]);
        peer.cut();
        assert_eq!(server.abandoned(&peer), Ended::CutShort, "after {cut} bytes");
        peer.ends();
        server.serves_the_next();
        assert_eq!(server.stop().net.protocol_errors, 0);
    }
}

/// A close with unread bytes is a reset.
#[test]
fn a_reset_in_the_middle_of_a_frame() {
    let frame = hello(Called::Number(0));
    for cut in 0..frame.len() {
        let server = Server::start();
        let (mut bystander, mut peer) = (server.connect(), server.connect());
        peer.send(&hello(Called::Name("hello_welcome.Hello")));
        peer.peek(); // the answer has come, and stays unread
        peer.send(&frame[..cut]);
        bystander.is_welcome();
        let local = peer.local();
        drop(peer);
        match server.report() {
            crate::server::Report::Abandoned(remote, reason) => assert_eq!((remote, reason), (local, Ended::Reset)),
            other => panic!("expected a reset, got {other:?}"),
        }
        server.serves_the_next();
        server.stop_with([bystander]);
    }
}
