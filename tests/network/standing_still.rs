//! Processes that stand still for a while and go on: what has come meanwhile is heard before anybody is judged by the time.

use std::time::Duration;

use statepoint::prelude::*;

use crate::frames;
use crate::puppet::Puppet;
use crate::simulated::{SimRaw, Simulated};
use crate::world::{Raw, World, read_until, write_all};

const SECOND: Duration = Duration::from_secs(1);

/// The record with which a peer is asked whether it is there, without the question itself.
const ASKED: &[u8] = b"\0\0\0\x09\x01";

/// The answer to the question in `bytes`.
fn answer(bytes: &[u8]) -> Vec<u8> {
    let (kind, question) = bytes[ASKED.len() - 1..].split_first().expect("a question");
    assert_eq!((*kind, question.len()), (1, 8));
    [b"\0\0\0\x09\x02", question].concat()
}

/// More than are read in a turn. Some are read only when others were judged already, in whatever order they come.
#[test]
fn who_has_answered_while_the_process_stood_still_is_not_silent() {
    const CROWD: usize = 600;
    for backwards in [false, true] {
        let world = &mut Simulated::calm();
        let host = world.host();
        let (server, own) = (Puppet::new(world, host), world.own(host));
        server.soon(world, move |cx| {
            cx.listen(Listen::at(own).check_every(SECOND));
        });
        let at = server.expect::<Listening>(world).0.listening;
        let mut peers: Vec<SimRaw> = (0..CROWD).map(|_| world.dial(at)).collect();
        world.run_until("the crowd", |_| server.count::<Accepted>() == CROWD);
        let questions: Vec<_> =
            peers.iter_mut().map(|peer| read_until(world, peer, |bytes| bytes.len() == ASKED.len() + 8)).collect();
        world.net().freeze(Simulated::ip(host));
        let mut answers: Vec<_> = peers.iter_mut().zip(&questions).collect();
        if backwards {
            answers.reverse();
        }
        for (peer, question) in answers {
            write_all(world, peer, &answer(question));
        }
        world.pass(10 * SECOND);
        world.net().thaw(Simulated::ip(host));
        world.pass(SECOND / 2);
        assert_eq!(server.count::<Abandoned>(), 0, "backwards: {backwards}");
        for peer in &mut peers {
            write_all(world, peer, frames::GOODBYE);
            peer.shutdown();
        }
        world.finish();
    }
}
