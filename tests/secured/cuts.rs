//! Connections that somebody on the way cuts, at any byte of either direction: never does it look like an orderly end to
//! both ends.

use std::time::Duration;

use statepoint::Ended;
use statepoint::link::Mode;

use crate::carrier::{Carrier, Cut};
use crate::conversation::{ANYBODY, Script, Speaker, Story, check};
use crate::in_every_mode;
use crate::modes::{MODES, Timed, connecting, listening};
use crate::simulated::Simulated;
use crate::world::World;

in_every_mode!(a_connection_that_is_cut_somewhere_was_not_in_order);

/// A conversation over whoever carries it: the client's story, the server's, and how much was carried.
fn carried(
    world: &mut impl World,
    mode: Mode,
    server_closes: bool,
    cut: Option<(usize, usize, Cut)>,
) -> Result<(Story, Option<Story>, [usize; 2], bool), String> {
    // One saying at a time is one record, so that there are as many bytes each time.
    let (rounds, pause) = (vec![1, 1, 1], Duration::from_millis(1));
    let script = Script { rounds, pause, sizes: vec![10], server_closes, is_single: true };
    let (here, there) = (world.host(), world.host());
    // Of an end to which nothing is carried any more nobody would hear otherwise.
    let asks = Duration::from_secs(2);
    let server = Speaker::server(listening(mode, world.own(here)).check_every(asks), &script);
    let (server_log, at) = (server.log.clone(), server.at.clone());
    let server = world.create(here, server);
    world.run_until("the port", |_| at.borrow().is_some());
    let at = at.borrow().ok_or("no port")?;
    let (at, mut carrier) = Carrier::new(world, at, cut);
    let client = Speaker::client(connecting(mode, at).check_every(asks), &script);
    let client_log = client.log.clone();
    let client = world.create(there, client);
    world.run_until("both ends to be told of an end", |world| {
        carrier.carry(world);
        client_log.is_over() && server_log.is_over()
    });
    let flaw = |what: String| format!("{mode}, {cut:?}: {what}");
    let [(client_story, server_story)] = &check(&server_log, &[(ANYBODY, client_log)], &script).map_err(flaw)?[..]
    else {
        return Err(flaw("one connection".into()));
    };
    let result = (client_story.clone(), server_story.clone(), carrier.carried(), carrier.has_cut());
    drop(carrier);
    for (host, point) in [(here, server), (there, client)] {
        world.kernel(host).send(point, statepoint::Address::NONE, statepoint::Stop);
        world.run_until("all of it to end", |world| world.kernel(host).points() == 0 && world.sockets(host) == 0);
    }
    Ok(result)
}

/// What the cut has led to.
fn is_noticed(world: &mut impl World, mode: Mode, server_closes: bool, cut: (usize, usize, Cut)) {
    let flaw = |what: &str| format!("{mode}, the server closes: {server_closes}, {cut:?}: {what}");
    let told = carried(world, mode, server_closes, Some(cut)).unwrap_or_else(|what| panic!("{}", flaw(&what)));
    let (client, server, _, has_cut) = told;
    let is_orderly = [Some(&client), server.as_ref()].map(|story| story.is_some_and(Story::is_orderly));
    assert!(has_cut && is_orderly != [true, true], "{}", flaw(&format!("{client:?}, {server:?}")));
    // Who has closed is told that it was in order only if the other end was. The other end cannot know what becomes of its answer.
    let closer = if server_closes { server.as_ref() } else { Some(&client) };
    let other = if server_closes { Some(&client) } else { server.as_ref() };
    if closer.is_some_and(|closer| closer.end == Ok((true, Ended::ByUs))) {
        assert!(other.is_some_and(Story::is_orderly), "{}", flaw(&format!("{closer:?}, {other:?}")));
    }
}

fn a_connection_that_is_cut_somewhere_was_not_in_order(world: &mut impl Timed, mode: Mode) {
    for server_closes in [false, true] {
        let honest = carried(world, mode, server_closes, None).unwrap_or_else(|flaw| panic!("{flaw}"));
        assert!(honest.0.is_orderly() && honest.1.is_some_and(|story| story.is_orderly()));
        for (direction, carried) in honest.2.into_iter().enumerate() {
            // Before the goodbye at the latest: that is the last record, of at least seven bytes.
            for at in (1..carried - 7).step_by(67) {
                for how in [Cut::Direction, Cut::Both, Cut::Close] {
                    is_noticed(world, mode, server_closes, (direction, at, how));
                }
            }
        }
    }
    world.finish();
}

#[test]
fn a_connection_that_is_cut_at_any_byte_was_not_in_order() {
    for mode in MODES {
        for server_closes in [false, true] {
            let honest =
                carried(&mut Simulated::calm(), mode, server_closes, None).unwrap_or_else(|flaw| panic!("{flaw}"));
            for (direction, carried) in honest.2.into_iter().enumerate() {
                // Every other byte, whoever closes: together these are all.
                for at in (1 + usize::from(server_closes)..carried).step_by(2) {
                    let how = [Cut::Direction, Cut::Both, Cut::Close, Cut::Stall][at / 2 % 4];
                    is_noticed(&mut Simulated::calm(), mode, server_closes, (direction, at, how));
                }
            }
        }
    }
}
