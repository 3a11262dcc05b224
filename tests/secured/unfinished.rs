//! Records that are begun and not ended, because somebody on the way has changed a length or because a peer stalls: they hold
//! nobody up for ever.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::Ended;
use statepoint::link::Mode;
use statepoint::prelude::*;

use crate::insider::{Insider, called, calling};
use crate::messages::Note;
use crate::modes::{MODES, connecting, listen, listening};
use crate::puppet::Puppet;
use crate::simulated::{SimRaw, Simulated};
use crate::world::{Raw, World, write_all};

/// How long a short record may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A server, and a peer of it that has said one note.
fn open(world: &mut Simulated, mode: Mode) -> (Puppet, Insider<SimRaw>) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    let mut peer = calling(world, mode, at, 1);
    peer.open(world);
    let note = peer.note(0);
    write_all(world, &mut peer.raw, &note);
    server.expect::<Accepted>(world);
    server.expect::<Note>(world);
    (server, peer)
}

/// The server gives the peer up, and the peer learns that it was cut.
fn is_given_up(world: &mut Simulated, server: &Puppet, mut peer: Insider<SimRaw>) {
    match server.expect::<Abandoned>(world).0.reason {
        Ended::System(failure) => assert_eq!(failure.kind, ErrorKind::TimedOut, "{failure:?}"),
        other => panic!("expected a time-out, got {other:?}"),
    }
    assert!(peer.is_left(world).is_err(), "the server does not say goodbye");
    peer.raw.close();
    world.finish();
}

#[test]
fn a_record_that_never_ends_is_given_up() {
    for mode in MODES {
        // A part of the length, the length, a part of the rest.
        for part in [1, 3, 4, 5, 15] {
            let world = &mut Simulated::calm();
            let (server, mut peer) = open(world, mode);
            let note = peer.note(1);
            write_all(world, &mut peer.raw, &note[..part]);
            world.pass(LIMIT - Duration::from_secs(1));
            assert_eq!(server.waiting(), 0, "{mode} {part}");
            world.pass(Duration::from_secs(2));
            assert_eq!(server.count::<Abandoned>(), 1, "{mode} {part}");
            is_given_up(world, &server, peer);
        }
    }
}

#[test]
fn every_byte_does_not_begin_the_time_anew() {
    for mode in MODES {
        let world = &mut Simulated::calm();
        let (server, mut peer) = open(world, mode);
        let note = peer.frame(&[0xC0; 100]);
        let began = world.simulation.now();
        for byte in &note {
            world.pass(Duration::from_secs(1));
            if server.waiting() > 0 {
                break;
            }
            write_all(world, &mut peer.raw, &[*byte]);
        }
        // The length took four seconds of its own.
        let took = world.simulation.now() - began;
        assert!((LIMIT..LIMIT + Duration::from_secs(6)).contains(&took), "{mode}: {took:?}");
        is_given_up(world, &server, peer);
    }
}

#[test]
fn who_is_slow_and_gets_on_is_heard() {
    for mode in MODES {
        let world = &mut Simulated::calm();
        let (server, mut peer) = open(world, mode);
        for number in 1..10 {
            let note = peer.note(number);
            let (one, other) = note.split_at(note.len() / 2);
            write_all(world, &mut peer.raw, one);
            world.pass(LIMIT - Duration::from_secs(1));
            write_all(world, &mut peer.raw, other);
            assert_eq!(server.expect::<Note>(world).0.number, number as u64);
        }
        // Silence between records is no matter.
        world.pass(Duration::from_secs(3_600));
        let note = peer.note(10);
        write_all(world, &mut peer.raw, &note);
        assert_eq!(server.expect::<Note>(world).0.number, 10);
        let goodbye = peer.goodbye();
        write_all(world, &mut peer.raw, &goodbye);
        peer.raw.shutdown();
        assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
        peer.raw.close();
        world.finish();
    }
}

/// A megabyte in forty seconds.
#[test]
fn what_is_large_has_more_time() {
    for mode in MODES {
        let world = &mut Simulated::calm();
        let (server, mut peer) = open(world, mode);
        let frame =
            crate::frames::message(-1, None, crate::frames::Called::Name("test.Large"), &[], &[0xC0; 1_000_000]);
        let record = peer.frame(&frame[5..]);
        for part in record.chunks(25_000) {
            write_all(world, &mut peer.raw, part);
            world.pass(Duration::from_secs(1));
        }
        server.wait_for(world, 1, "the large message");
        assert_eq!(server.names(), ["test.Large"], "{mode}");
        peer.raw.close();
        world.finish();
    }
}

/// The first record may begin in what ends the handshake.
#[test]
fn a_first_record_that_never_ends_is_given_up_too() {
    for mode in MODES {
        let world = &mut Simulated::calm();
        let host = world.host();
        let client = Puppet::new(world, host);
        let (at, mut accept) = world.raw_listener();
        client.soon(world, move |cx| {
            cx.connect(connecting(mode, at));
        });
        let mut peer = called(world, mode, &mut accept, 1);
        let (last, note) = (peer.opens(world), peer.note(1));
        write_all(world, &mut peer.raw, &[&last, &note[..9]].concat());
        client.expect::<Connected>(world);
        is_given_up(world, &client, peer);
    }
}

/// A host that is busy reads nobody. That is nobody else's fault.
#[test]
fn who_is_not_read_is_not_given_up() {
    for mode in MODES {
        let world = &mut Simulated::calm();
        let (server, mut peer) = open(world, mode);
        let note = peer.note(1);
        let (one, other) = note.split_at(12);
        write_all(world, &mut peer.raw, one);
        world.pass(Duration::from_secs(1));
        // The rest is there before the time is over; the process looks at it long after.
        world.net().freeze(Simulated::ip(server.host));
        write_all(world, &mut peer.raw, other);
        world.pass(LIMIT * 2);
        world.net().thaw(Simulated::ip(server.host));
        assert_eq!(server.expect::<Note>(world).0.number, 1, "{mode}");
        peer.raw.close();
        world.finish();
    }
}
