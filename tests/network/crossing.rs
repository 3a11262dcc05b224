//! Stopping and closing at every moment: nothing is left, nothing is told twice, and no answer that crosses the wish to end
//! finds a machine that does not know it.

use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Ended, Limits, NetSettings, Peer};

use crate::messages::Note;
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::World;

scenarios!(
    an_attempt_stopped_at_any_moment_leaves_nothing_or_a_connection,
    an_attempt_by_name_stopped_at_any_moment_leaves_nothing_or_a_connection,
    a_refused_attempt_stopped_at_any_moment_leaves_nothing,
    a_client_stopped_at_any_moment_leaves_nothing,
    a_server_stopped_at_any_moment_leaves_nothing,
    a_listener_stopped_at_any_moment_leaves_who_was_accepted,
    a_connection_closed_at_any_moment_ends_once_for_each,
    a_turn_that_ends_at_any_moment_loses_no_connection,
    room_that_runs_out_at_any_moment_is_told_once,
);

/// How many turns there are to come between.
const TURNS: usize = 16;
/// How many times what waits in the run queue at such a turn goes first. The first time not even what the network brings.
const HOPS: usize = 5;

/// Each moment at which something may come between: so many turns, then so many times what waits goes first.
fn moments() -> impl Iterator<Item = (usize, usize)> {
    (0..TURNS).flat_map(|turns| (0..HOPS).map(move |hops| (turns, hops)))
}

/// Goes on until that moment, and sends `Stop` then. `by` is a point of the same host that is not concerned.
fn stop_at(world: &mut impl World, (turns, hops): (usize, usize), by: &Puppet, point: Address) {
    pass(world, turns);
    match hops {
        0 => world.kernel(by.host).send(point, Address::NONE, Stop),
        _ => by.later(world, hops - 1, move |cx| cx.stop(point)),
    }
}

fn pass(world: &mut impl World, turns: usize) {
    (0..turns).for_each(|_| world.nudge());
}

fn stop_attempt<W: World>(world: &mut W, to: impl Fn(&mut W, HostPort) -> HostPort) {
    let (here, there) = (world.host(), world.host());
    let (server, bystander) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    for moment in moments() {
        let client = Puppet::new(world, there);
        let to = to(world, at.into());
        let attempt = client.act(world, move |cx| cx.connect(to));
        stop_at(world, moment, &bystander, attempt);
        world.run_until("the attempt to end", |world| !world.kernel(there).is_alive(attempt));
        // What it has made, if it has made something, is told, and goes on.
        world.settle();
        let connected = client.count::<Connected>();
        assert!(connected == client.waiting() && connected <= 1, "{moment:?}: {:?}", client.names());
        assert_eq!((world.sockets(there), world.kernel(there).timers()), (connected, 0), "at moment {moment:?}");
        if connected == 1 {
            let (_, there) = client.take::<Connected>();
            client.send(world, there, Note { number: moment.0 as u64 });
            server.pick::<Note>(world);
        }
        client.end(world);
        world.run_until("all of it to end", |world| world.kernel(there).points() == 1 && world.sockets(there) == 0);
    }
    world.finish();
}

pub(crate) fn an_attempt_stopped_at_any_moment_leaves_nothing_or_a_connection(world: &mut impl World) {
    stop_attempt(world, |_, at| at);
}

fn an_attempt_by_name_stopped_at_any_moment_leaves_nothing_or_a_connection(world: &mut impl World) {
    stop_attempt(world, |world, at| HostPort::new(world.name(0), at.port()));
}

fn a_refused_attempt_stopped_at_any_moment_leaves_nothing(world: &mut impl World) {
    let host = world.host();
    let bystander = Puppet::new(world, host);
    let nobody = std::net::SocketAddr::new(world.own(host).ip(), 1);
    for moment in moments() {
        let client = Puppet::new(world, host);
        let attempt = client.act(world, move |cx| cx.connect(nobody));
        stop_at(world, moment, &bystander, attempt);
        world.run_until("the attempt to end", |world| !world.kernel(host).is_alive(attempt));
        assert!(client.waiting() <= 1 && client.count::<NotConnected>() == client.waiting(), "{:?}", client.names());
        assert_eq!((world.sockets(host), world.kernel(host).timers()), (0, 0), "at moment {moment:?}");
        client.end(world);
    }
    world.finish();
}

pub(crate) fn a_client_stopped_at_any_moment_leaves_nothing(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, bystander) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    for moment in moments() {
        let client = Puppet::new(world, there);
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        stop_at(world, moment, &bystander, client.address);
        world.run_until("all of it to end", |world| {
            world.kernel(there).points() == 1 && world.sockets(there) == 0 && world.kernel(here).points() == 2
        });
        assert_eq!((world.sockets(here), world.kernel(there).timers()), (1, 0), "at moment {moment:?}");
    }
    let (accepted, abandoned) = (server.count::<Accepted>(), server.count::<Abandoned>());
    assert!(accepted > 0 && accepted == abandoned, "{accepted} accepted, {abandoned} abandoned");
    world.finish();
}

pub(crate) fn a_server_stopped_at_any_moment_leaves_nothing(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let bystander = Puppet::new(world, here);
    for moment in moments() {
        let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
        let (at, _) = server.listen(world);
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        stop_at(world, moment, &bystander, server.address);
        world.run_until("the client to hear of it", |world| {
            let over = client.count::<Abandoned>() + client.count::<NotConnected>();
            over > 0 && world.kernel(here).points() == 1 && world.sockets(here) == 0
        });
        let told = (client.count::<Connected>(), client.count::<Abandoned>(), client.count::<NotConnected>());
        assert!(told == (1, 1, 0) || told == (0, 0, 1), "at moment {moment:?}: {told:?}");
        client.end(world);
        world.run_until("all of it to end", |world| world.kernel(there).points() == 0 && world.sockets(there) == 0);
    }
    // A connection that is given back before its proxy has attached itself: when that proxy is stopped too, it is told twice.
    world.leave_nothing();
}

pub(crate) fn a_listener_stopped_at_any_moment_leaves_who_was_accepted(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let bystander = Puppet::new(world, here);
    let mut outcomes = Vec::new();
    for moment in moments() {
        let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
        let (at, listener) = server.listen(world);
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        stop_at(world, moment, &bystander, listener);
        world.run_until("the listener to end", |world| !world.kernel(here).is_alive(listener));
        world.run_until("the client to know", |world| {
            let over = client.count::<Abandoned>() + client.count::<NotConnected>();
            over > 0 || (server.count::<Accepted>() > 0 && world.sockets(here) == 1)
        });
        let accepted = server.count::<Accepted>();
        if accepted == 1 {
            let (_, there) = client.pick::<Connected>(world);
            client.send(world, there, Note { number: 1 });
            server.pick::<Note>(world);
        }
        assert_eq!(world.sockets(here), accepted, "at moment {moment:?}: {:?}", server.names());
        outcomes.push(accepted);
        for puppet in [client, server] {
            puppet.end(world);
        }
        world.run_until("all of it to end", |world| {
            let left = world.kernel(here).points() + world.kernel(there).points();
            left == 1 && world.sockets(here) + world.sockets(there) == 0
        });
    }
    assert!(outcomes.contains(&1), "the last moment is late enough: {outcomes:?}");
    world.finish();
}

fn a_connection_closed_at_any_moment_ends_once_for_each(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    for moment in moments() {
        let Pair { server, client, there, back, .. } = Pair::on(world, here, there);
        client.send(world, there, Close);
        pass(world, moment.0);
        match moment.1 {
            0 => world.kernel(here).send(back, server.address, Close),
            hops => server.later(world, hops - 1, move |cx| cx.send(back, Close)),
        }
        for puppet in [&client, &server] {
            puppet.wait_for(world, 1, "the end to be told");
        }
        world.settle();
        for puppet in [&client, &server] {
            let (closed, abandoned) = (puppet.count::<Closed>(), puppet.count::<Abandoned>());
            assert_eq!((closed + abandoned, puppet.waiting()), (1, 1), "at moment {moment:?}: {:?}", puppet.names());
        }
        assert_eq!(client.count::<Closed>(), 1, "the client closed first");
        for puppet in [&client, &server].into_iter().filter(|puppet| puppet.count::<Closed>() == 1) {
            assert_eq!(puppet.take::<Closed>().0.reason, Ended::ByUs, "at moment {moment:?}");
        }
        for puppet in [client, server] {
            puppet.end(world);
        }
    }
    world.finish();
}

/// A turn ends after so many messages, also between the end of an attempt and the first step of what it has made.
fn a_turn_that_ends_at_any_moment_loses_no_connection(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    for busy in 1_015..1_027 {
        let (client, bystander) = (Puppet::new(world, there), Puppet::new(world, there));
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        while client.waiting() == 0 {
            // Nearly as many as a turn takes stand before what the network brings.
            for _ in 0..busy {
                bystander.soon(world, |_| {});
            }
            world.nudge();
        }
        client.take::<Connected>();
        server.expect::<Accepted>(world);
        client.end(world);
        server.expect::<Abandoned>(world);
    }
    world.finish();
}

async fn until_stopped(cx: &mut Routine) -> Stop {
    cx.select::<Stop>().await
}

/// A session may take the room that the attempt has left, unless somebody else has.
fn room_that_runs_out_at_any_moment_is_told_once(world: &mut impl World) {
    let here = world.host();
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    // The client, a bystander, the attempt, the connection.
    let there = world.host_with(Limits { points: 4, ..Limits::default() }, NetSettings::default());
    let (client, bystander) = (Puppet::new(world, there), Puppet::new(world, there));
    for (turns, hops) in moments() {
        let connect = Connect::to(at).session(|_: &Peer| routine(until_stopped));
        client.soon(world, move |cx| {
            cx.connect(connect);
        });
        pass(world, turns);
        bystander.later(world, hops, |cx| {
            let child = cx.create(routine(until_stopped));
            cx.start(Duration::from_millis(50), Note { number: 1 });
            cx.stop(child);
        });
        bystander.expect::<Note>(world);
        client.wait_for(world, 1, "the outcome");
        let (connected, not) = (client.count::<Connected>(), client.count::<NotConnected>());
        assert_eq!((connected + not, client.waiting()), (1, 1), "at moment {turns}, {hops}: {:?}", client.names());
        world.run_until("the attempt to end", |world| world.kernel(there).points() == 2 + 2 * connected);
        if connected == 1 {
            let (_, session) = client.take::<Connected>();
            client.soon(world, move |cx| cx.stop(session));
            client.expect::<Closed>(world);
        } else {
            assert_eq!(client.take::<NotConnected>().0.reason.kind, std::io::ErrorKind::QuotaExceeded);
        }
        world.run_until("the connection to end", |world| world.kernel(there).points() == 2);
    }
    world.finish();
}

#[test]
pub(crate) fn a_listener_stopped_while_it_turns_peers_away_ends() {
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let bystander = Puppet::new(world, here);
    for moment in moments() {
        let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
        let (at, listener) = server.listen(world);
        world.net().limit_sockets(Simulated::ip(here), 1);
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        stop_at(world, moment, &bystander, listener);
        world.run_until("the listener to end", |world| !world.kernel(here).is_alive(listener));
        world.run_until("the client to know", |_| client.count::<Abandoned>() + client.count::<NotConnected>() > 0);
        assert!(server.count::<NotAccepted>() == server.waiting() && server.waiting() <= 1, "{:?}", server.names());
        for puppet in [client, server] {
            puppet.end(world);
        }
    }
    world.net().limit_sockets(Simulated::ip(here), usize::MAX);
    world.finish();
}

#[test]
pub(crate) fn an_attempt_stopped_at_its_deadline_ends_once() {
    let world = &mut Simulated::calm();
    let host = world.host();
    let hole = "10.0.0.77:80".parse().expect("an address");
    world.net().swallow(hole);
    for hops in 0..HOPS {
        let (client, bystander) = (Puppet::new(world, host), Puppet::new(world, host));
        let limit = Duration::from_secs(2);
        let began = world.simulation.now();
        let attempt = client.act(world, move |cx| cx.connect(Connect::to(hole).within(limit)));
        // The deadline is due, and nobody has had a turn since.
        world.net().advance(began + limit + Duration::from_millis(5));
        stop_at(world, (0, hops), &bystander, attempt);
        world.run_until("the attempt to end", |world| !world.kernel(host).is_alive(attempt));
        assert_eq!(client.count::<NotConnected>(), usize::from(hops > 0), "what comes first counts");
        assert_eq!((world.sockets(host), world.kernel(host).timers()), (0, 0));
        client.end(world);
    }
    world.finish();
}
