//! Whether the other end is there: a question that comes at a bad time is answered all the same.

use statepoint::link::Mode;
use statepoint::prelude::*;

use crate::insider::calling;
use crate::messages::Bulk;
use crate::modes::{MODES, listen, listening};
use crate::puppet::Puppet;
use crate::simulated::Simulated;
use crate::world::{Raw, World, write_all};

/// How many bytes a peer hears that reads nothing before three large messages wait for it, and that asks then or does not.
fn heard(mode: Mode, asks: bool) -> usize {
    let world = &mut Simulated::calm();
    let host = world.host();
    let (server, own) = (Puppet::new(world, host), world.own(host));
    let (at, _) = listen(world, &server, listening(mode, own));
    let mut peer = calling(world, mode, at, 1);
    peer.open(world);
    let note = peer.note(0);
    write_all(world, &mut peer.raw, &note);
    let (_, back) = server.pick::<Accepted>(world);
    server.act(world, move |cx| (0..3).for_each(|number| cx.send(back, Bulk::new(number, 400_000))));
    server.pick::<Congested>(world);
    world.settle();
    if asks {
        let question = peer.asks();
        write_all(world, &mut peer.raw, &question);
        world.settle();
    }
    world.run_until("all that waited", |_| {
        assert_eq!(peer.hears(), Ok(true));
        peer.frames.len() == 3
    });
    for _ in 0..3 {
        world.settle();
        assert_eq!(peer.hears(), Ok(true), "{mode}");
    }
    if asks && mode == Mode::Clear {
        assert!(peer.heard.ends_with(b"\0\0\0\x09\x02\0\0\0\0\0\0\0\x01"), "it stands behind what waited");
    }
    let heard = peer.heard.len();
    peer.raw.close();
    world.finish();
    heard
}

/// An end does not answer while much waits to be written, and may be asked once only: so it has to think of it when there is room.
#[test]
fn a_question_that_waited_for_room_is_answered_when_there_is_room() {
    for mode in MODES {
        let answer = if mode == Mode::Clear { 13 } else { 29 };
        assert_eq!(heard(mode, true), heard(mode, false) + answer, "{mode}");
    }
}
