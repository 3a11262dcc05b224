//! More than the system, or the kernel, has room for.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::net::AcceptFailure;
use statepoint::prelude::*;
use statepoint::sim::Happening;
use statepoint::wire::LinkError;
use statepoint::{Limits, NetSettings};

use crate::messages::Note;
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::{Raw, World, read_to_end};

scenarios!(
    a_kernel_without_room_for_a_connection_turns_the_peer_away,
    a_kernel_without_room_for_a_connection_tells_who_connects,
    a_kernel_without_room_for_a_session_closes_the_connection,
    a_server_with_as_many_connections_as_it_may_have_says_that_it_is_busy,
    who_has_as_many_connections_as_it_may_have_begins_no_other,
);

fn with_points(world: &mut impl World, points: u32) -> usize {
    world.host_with(Limits { points, ..Limits::default() }, NetSettings::default())
}

fn a_kernel_without_room_for_a_connection_turns_the_peer_away(world: &mut impl World) {
    // The server, its listener, one connection.
    let (here, there) = (with_points(world, 3), world.host());
    let their_ip = world.own(there).ip();
    let Pair { server, client, at, there, back, .. } = Pair::on(world, here, there);
    for _ in 0..3 {
        client.connect_in_vain(world, at);
        let (fault, _) = server.expect::<NotAccepted>(world);
        assert_eq!((fault.listening, fault.reason.kind), (at, ErrorKind::QuotaExceeded));
        assert_eq!(fault.remote.map(|remote| remote.ip()), Some(their_ip));
    }
    world.run_until("the sockets to close", |world| world.sockets(here) == 2);
    // The first goes on, and when it has gone there is room.
    client.send(world, there, Note { number: 1 });
    assert_eq!(server.expect::<Note>(world).1, back);
    client.send(world, there, Close);
    server.expect::<Abandoned>(world);
    client.expect::<Closed>(world);
    world.run_until("the connection to end", |world| world.kernel(here).points() == 2);
    client.connect(world, at);
    server.expect::<Accepted>(world);
    world.finish();
}

fn a_kernel_without_room_for_a_connection_tells_who_connects(world: &mut impl World) {
    // The client and its attempt.
    let (here, there) = (world.host(), with_points(world, 2));
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    let (fault, _) = client.expect::<NotConnected>(world);
    assert_eq!(
        (fault.requested, fault.tried, fault.reason.kind),
        (HostPort::from(at), Some(at), ErrorKind::QuotaExceeded)
    );
    // It has nothing to speak of but somebody who came and went.
    assert!(matches!(server.expect::<NotAccepted>(world).0.reason.link, Some(LinkError::Left { .. })));
    assert_eq!(world.sockets(there), 0);
    world.finish();
}

fn a_kernel_without_room_for_a_session_closes_the_connection(world: &mut impl World) {
    // The server, its listener, one connection, but no session.
    let (here, there) = (with_points(world, 3), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    server.soon(world, move |cx| {
        let session = |_: &statepoint::Peer| routine(async |cx: &mut Routine| cx.select::<Stop>().await);
        cx.listen(Listen::at(own).session(session));
    });
    let at = server.expect::<Listening>(world).0.listening;
    client.connect_in_vain(world, at);
    assert_eq!(server.expect::<NotAccepted>(world).0.reason.kind, ErrorKind::QuotaExceeded);
    let told = world.kernel(here).now();
    world.run_until("the connection to end", |world| world.kernel(here).points() == 2);
    assert!(world.kernel(here).now() - told < Duration::from_secs(1), "it is cut at once");
    assert_eq!((world.sockets(here), server.names()), (1, vec![]));
    world.finish();
}

fn a_server_with_as_many_connections_as_it_may_have_says_that_it_is_busy(world: &mut impl World) {
    // The port and one connection.
    let settings = NetSettings { sockets: 2, ..NetSettings::default() };
    let (here, there) = (world.host_with(Limits::default(), settings), world.host());
    let Pair { server, client, at, there, .. } = Pair::on(world, here, there);
    for _ in 0..3 {
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        let (fault, _) = client.expect::<NotConnected>(world);
        // What the peer had said already is not read, and the reset that follows may come first.
        assert!(["busy", "reset"].iter().any(|word| fault.to_string().contains(word)), "{fault}");
    }
    let (fault, _) = server.expect::<NotAccepted>(world);
    assert_eq!((fault.listening, fault.reason.kind), (at, ErrorKind::QuotaExceeded));
    assert!(fault.remote.is_some(), "the first that was turned away");
    assert_eq!((server.names(), world.net_counters(here).turned_away), (vec![], 3), "it is told once");
    client.send(world, there, Close);
    server.expect::<Abandoned>(world);
    client.expect::<Closed>(world);
    client.connect(world, at);
    server.expect::<Accepted>(world);
    world.finish();
}

/// A client that may have so many connections, and who serves it.
fn with_sockets(world: &mut impl World, sockets: usize) -> (Puppet, Puppet, std::net::SocketAddr) {
    let settings = NetSettings { sockets, ..NetSettings::default() };
    let (here, there) = (world.host(), world.host_with(Limits::default(), settings));
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    (server, client, at)
}

fn who_has_as_many_connections_as_it_may_have_begins_no_other(world: &mut impl World) {
    let (server, client, at) = with_sockets(world, 3);
    client.act(world, move |cx| {
        for _ in 0..8 {
            cx.connect(at);
        }
    });
    client.wait_for(world, 8, "news of all");
    assert_eq!((client.count::<Connected>(), world.sockets(client.host)), (3, 3));
    for _ in 0..5 {
        let (fault, _) = client.pick::<NotConnected>(world);
        assert_eq!((fault.requested, fault.tried), (HostPort::from(at), None), "nobody was tried");
        assert_eq!(fault.reason.kind, ErrorKind::QuotaExceeded, "{}", fault.reason);
    }
    // When one has gone there is room for one.
    let (_, far) = client.expect::<Connected>(world);
    client.send(world, far, Close);
    client.pick::<Closed>(world);
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    client.wait_for(world, 3, "news of another");
    assert_eq!(client.count::<Connected>(), 3);
    // A name that is looked up has no socket before it is found.
    let name = world.name(server.host);
    client.soon(world, move |cx| {
        cx.connect(HostPort::new(&name, at.port()));
    });
    assert_eq!(client.pick::<NotConnected>(world).0.reason.kind, ErrorKind::QuotaExceeded);
    world.finish();
}

#[test]
fn a_group_tries_again_when_there_is_room_for_another_connection() {
    let world = &mut Simulated::calm();
    let (_server, client, at) = with_sockets(world, 1);
    let far = client.connect(world, at);
    client.act(world, move |cx| cx.create(ConnectToAddress::new(HostPort::from(at))));
    world.pass(Duration::from_secs(60));
    assert_eq!((client.names(), world.sockets(client.host)), (vec![], 1));
    client.send(world, far, Close);
    client.expect::<Closed>(world);
    client.expect::<UseAddress>(world);
    world.finish();
}

/// However many it opens.
#[test]
fn one_address_does_not_take_all_the_connections_that_there_may_be() {
    let world = &mut Simulated::calm();
    // The port and eleven connections.
    let settings = NetSettings { sockets: 12, ..NetSettings::default() };
    let here = world.host_with(Limits::default(), settings);
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut peers: Vec<_> = (0..6).map(|_| world.dial(at)).collect();
    for _ in 0..3 {
        let mut refused = world.connect_raw(at);
        read_to_end(world, &mut refused);
        refused.close();
    }
    assert_eq!((server.count::<Accepted>(), server.count::<NotAccepted>()), (6, 1), "it is told once");
    let reason = server.pick::<NotAccepted>(world).0.reason;
    assert!(reason.text.contains("6 connections from 10.9.9.9"), "{reason}");
    // Whoever comes from elsewhere is served, as long as he leaves room too.
    let there = world.host();
    let client = Puppet::new(world, there);
    for _ in 0..3 {
        client.connect(world, at);
    }
    client.connect_in_vain(world, at);
    // Who goes makes room for others of his own.
    peers.split_off(2).into_iter().for_each(Raw::close);
    world.run_until("them to be gone", |world| world.sockets(here) == 1 + 2 + 3);
    client.connect(world, at);
    peers.push(world.dial(at));
    peers.into_iter().for_each(Raw::close);
    world.finish();
}

/// A server whose system fails to accept, and a client.
fn failing(world: &mut Simulated, failure: AcceptFailure, times: usize) -> (Puppet, Puppet, std::net::SocketAddr) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    world.net().fail_accepts(Simulated::ip(here), failure, times);
    (server, client, at)
}

#[test]
fn a_peer_that_is_lost_while_it_is_accepted_is_nobodys_concern() {
    let world = &mut Simulated::calm();
    let (server, client, at) = failing(world, AcceptFailure::Retry, 0);
    for _ in 0..3 {
        world.net().fail_accepts(Simulated::ip(server.host), AcceptFailure::Retry, 1);
        client.connect_in_vain(world, at);
    }
    client.connect(world, at);
    server.expect::<Accepted>(world);
    assert_eq!(server.names(), [""; 0]);
    world.finish();
}

#[test]
fn peers_are_turned_away_while_the_system_has_no_room_and_it_is_told_once() {
    let world = &mut Simulated::calm();
    let (server, client, at) = failing(world, AcceptFailure::Exhausted, 5);
    for turned_away in 1..=5 {
        client.connect_in_vain(world, at); // it learns it at once
        assert_eq!(world.net_counters(server.host).turned_away, turned_away);
    }
    let (fault, _) = server.expect::<NotAccepted>(world);
    assert_eq!((fault.listening, fault.reason.code), (at, Some(24)));
    client.connect(world, at);
    server.expect::<Accepted>(world);
    assert_eq!(server.names(), [""; 0], "it is told once");
    // The next time is another.
    world.net().fail_accepts(Simulated::ip(server.host), AcceptFailure::Exhausted, 1);
    client.connect_in_vain(world, at);
    server.expect::<NotAccepted>(world);
    world.finish();
}

/// A crowd that says nothing has taken all descriptors: it makes room for whoever comes, and does not keep him from opening his
/// link.
#[test]
fn peers_that_have_not_opened_their_links_make_room_when_the_system_has_none() {
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).open_within(Duration::from_secs(3_600)));
    });
    let at = server.expect::<Listening>(world).0.listening;
    world.net().limit_sockets(Simulated::ip(here), 31);
    let mut crowd: Vec<_> = (0..30).map(|_| world.connect_raw(at)).collect();
    world.run_until("the crowd", |world| world.net_counters(here).accepted == 30);
    let far = client.connect(world, at);
    server.pick::<Accepted>(world);
    // More of them come, and crowd each other out.
    crowd.extend((0..30).map(|_| world.connect_raw(at)));
    world.run_until("more of the crowd", |world| world.net_counters(here).accepted >= 60);
    client.send(world, far, Note { number: 1 });
    server.pick::<Note>(world);
    assert_eq!((client.names(), world.net_counters(here).turned_away), (vec![], 0));
    crowd.into_iter().for_each(Raw::close);
    world.finish();
}

#[test]
fn a_listener_that_is_out_of_descriptors_waits_without_spinning_and_recovers() {
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let Pair { server, client, at, there, .. } = Pair::on(world, here, there);
    let ip = Simulated::ip(here);
    world.net().limit_sockets(ip, 2); // the port and the first connection
    for _ in 0..200 {
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        world.pass(Duration::from_millis(1));
    }
    client.wait_for(world, 200, "all of them to be turned away");
    assert_eq!(client.count::<NotConnected>(), 200);
    assert_eq!((server.count::<NotAccepted>(), server.waiting()), (1, 1));
    let (fault, _) = server.take::<NotAccepted>();
    assert_eq!(fault.remote, None, "the system has no room to tell who");
    assert!(fault.to_string().starts_with(&format!("cannot accept at {at} (")), "{fault}");
    // Nobody comes any more: it looks again now and then, at most once a second.
    let tries = |world: &Simulated| world.net().count(Happening::AcceptExhausted);
    let before = tries(world);
    world.pass(Duration::from_secs(60));
    assert!((50..=70).contains(&(tries(world) - before)), "{} tries in a minute", tries(world) - before);
    (0..200).for_each(|_| drop(client.take::<NotConnected>()));
    // A descriptor comes free: who comes then is served at once, and that it was the last one is no news.
    client.send(world, there, Close);
    server.expect::<Abandoned>(world);
    client.expect::<Closed>(world);
    let began = world.simulation.now();
    let again = client.connect(world, at);
    server.expect::<Accepted>(world);
    client.send(world, again, Note { number: 1 });
    server.expect::<Note>(world);
    assert!(world.simulation.now() - began < Duration::from_millis(10));
    world.net().limit_sockets(ip, usize::MAX);
    world.finish();
}

#[test]
fn those_who_wait_are_accepted_when_descriptors_come_free_elsewhere() {
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let Pair { server, client, at, .. } = Pair::on(world, here, there);
    let ip = Simulated::ip(here);
    // More than are turned away at once, so that some wait.
    world.net().limit_sockets(ip, 2);
    world.net().fail_accepts(ip, AcceptFailure::Exhausted, 1);
    for _ in 0..100 {
        client.soon(world, move |cx| {
            cx.connect(at);
        });
    }
    client.wait_for(world, 64, "the first to be turned away");
    assert_eq!(server.expect::<NotAccepted>(world).0.reason.code, Some(24));
    let began = world.simulation.now();
    // The driver cannot know of it: it looks by itself.
    world.net().limit_sockets(ip, usize::MAX);
    server.wait_for(world, 36, "the rest to be accepted");
    let took = world.simulation.now() - began;
    assert!(took <= Duration::from_secs(1), "{took:?}");
    world.finish();
}

#[test]
fn who_waits_is_accepted_at_once_when_a_connection_closes() {
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let Pair { server, client, at, there, .. } = Pair::on(world, here, there);
    world.net().limit_sockets(Simulated::ip(here), 2);
    for _ in 0..100 {
        client.soon(world, move |cx| {
            cx.connect(at);
        });
    }
    client.wait_for(world, 64, "the first to be turned away");
    server.expect::<NotAccepted>(world);
    let began = world.simulation.now();
    client.send(world, there, Close);
    server.expect::<Abandoned>(world);
    server.pick::<Accepted>(world);
    let took = world.simulation.now() - began;
    assert!(took < Duration::from_millis(10), "{took:?}");
    world.net().limit_sockets(Simulated::ip(here), usize::MAX);
    world.finish();
}

#[test]
pub(crate) fn a_port_without_a_descriptor_is_told() {
    let world = &mut Simulated::calm();
    let host = world.host();
    let server = Puppet::new(world, host);
    world.net().limit_sockets(Simulated::ip(host), 0);
    let own = world.own(host);
    server.soon(world, move |cx| {
        cx.listen(own);
    });
    assert_eq!(server.expect::<NotListening>(world).0.reason.code, Some(24));
    world.finish();
}
