//! Whether the other end is there: a question that comes at a bad time is answered all the same.

use statepoint::prelude::*;

use crate::insider::calling;
use crate::messages::Bulk;
use crate::modes::{MODES, listen, listening};
use crate::puppet::Puppet;
use crate::simulated::Simulated;
use crate::world::{Raw, World, write_all};

/// An end does not answer while much waits to be written, and is asked once only: so it has to think of it when there is room.
#[test]
fn a_question_that_waited_for_room_is_answered_when_there_is_room() {
    for mode in MODES {
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
        let question = peer.asks();
        write_all(world, &mut peer.raw, &question);
        world.settle();
        assert!(peer.asks().is_empty(), "{mode}: it cannot be answered yet");
        world.run_until("the answer", |_| {
            assert_eq!(peer.hears(), Ok(true));
            !peer.asks().is_empty()
        });
        assert_eq!(peer.frames.len(), 3, "{mode}: it stands behind what waited");
        peer.raw.close();
        world.finish();
    }
}
