//! Attempts to connect.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use statepoint::Moment;
use statepoint::prelude::*;

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Note};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::{Raw, World, read_until, write_all};

scenarios!(
    both_ends_are_told_of_a_connection,
    a_port_where_nobody_listens_refuses,
    a_host_is_found_by_its_name,
    a_name_that_nobody_knows_is_told,
    a_name_that_cannot_be_one_is_told,
    an_attempt_without_its_key_is_told,
    a_host_connects_to_itself,
    one_controller_has_several_connections,
    a_peer_that_goes_at_once_was_there,
    a_peer_that_speaks_first_is_heard,
    an_attempt_that_is_stopped_at_once_leaves_nothing,
    an_attempt_that_is_stopped_twice_ends_once,
    stopping_an_attempt_that_has_succeeded_leaves_the_connection,
);

fn both_ends_are_told_of_a_connection(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    world.settle();
    let began = [&server, &client].map(|puppet| puppet.act(world, |cx| cx.now()));
    let attempt = client.act(world, move |cx| cx.connect(at));
    let (connected, _) = client.expect::<Connected>(world);
    let (accepted, _) = server.expect::<Accepted>(world);
    assert!(began[0] > Moment::ZERO && accepted.at >= began[0] && connected.at >= began[1], "it is told since when");
    assert_eq!((connected.requested, connected.remote), (HostPort::from(at), at));
    assert_eq!((accepted.listening, accepted.remote), (at, connected.local));
    assert!(connected.at <= world.kernel(there).now() && accepted.at <= world.kernel(here).now());
    world.run_until("the attempt to end", |world| !world.kernel(there).is_alive(attempt));
    assert_eq!((world.sockets(here), world.sockets(there)), (2, 1));
    assert_eq!((world.net_counters(here).accepted, world.net_counters(there).connected), (1, 1));
    world.finish();
    assert_eq!((world.net_counters(here).ended, world.net_counters(there).ended), (1, 1));
}

fn a_port_where_nobody_listens_refuses(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let nobody = SocketAddr::new(world.own(host).ip(), 1);
    let attempt = client.act(world, move |cx| cx.connect(nobody));
    let (fault, from) = client.expect::<NotConnected>(world);
    assert_eq!((fault.requested.clone(), fault.reason.kind), (HostPort::from(nobody), ErrorKind::ConnectionRefused));
    assert!(fault.to_string().starts_with(&format!("cannot connect to \"{nobody}\" (Connection refused")), "{fault}");
    assert_eq!(from, attempt);
    world.run_until("the attempt to end", |world| world.kernel(host).points() == 1);
    assert_eq!((world.sockets(host), world.kernel(host).timers()), (0, 0));
    world.finish();
}

fn a_host_is_found_by_its_name(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    let to = HostPort::new(world.name(here), at.port());
    let requested = to.clone();
    client.soon(world, move |cx| {
        cx.connect(to);
    });
    let (connected, there) = client.expect::<Connected>(world);
    assert_eq!((connected.requested, connected.remote), (requested, at));
    client.send(world, there, Note { number: 1 });
    server.expect::<Accepted>(world);
    server.expect::<Note>(world);
    world.finish();
}

fn a_name_that_nobody_knows_is_told(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    client.soon(world, |cx| {
        cx.connect(HostPort::new("no-such-host.invalid", 80));
    });
    let (fault, _) = client.expect::<NotConnected>(world);
    assert_eq!(fault.reason.kind, ErrorKind::NotFound);
    assert!(fault.to_string().starts_with("cannot connect to \"no-such-host.invalid:80\" ("), "{fault}");
    world.finish();
}

fn a_name_that_cannot_be_one_is_told(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    for name in [String::new(), "x".repeat(256)] {
        client.soon(world, move |cx| {
            cx.connect(HostPort::new(name, 80));
        });
        assert_eq!(client.expect::<NotConnected>(world).0.reason.kind, ErrorKind::InvalidInput);
    }
    world.finish();
}

fn an_attempt_without_its_key_is_told(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    let book = statepoint::link::KnownKeys::in_memory();
    let connect = Connect::to(at).trust_on_first_use(&book).identity_file("no such folder/client.key");
    let attempt = client.act(world, move |cx| cx.connect(connect));
    let (fault, from) = client.expect::<NotConnected>(world);
    assert_eq!((fault.requested, fault.tried, fault.reason.kind), (at.into(), None, ErrorKind::NotFound));
    assert_eq!(from, attempt);
    world.run_until("the attempt to end", |world| !world.kernel(host).is_alive(attempt));
    world.settle();
    assert_eq!((client.names(), accept().is_none()), (vec![], true));
    world.finish();
}

fn a_host_connects_to_itself(world: &mut impl World) {
    let host = world.host();
    let point = Puppet::new(world, host);
    let (at, _) = point.listen(world);
    let there = point.connect(world, at);
    let (_, back) = point.pick::<Accepted>(world);
    assert_ne!(there, back);
    point.send(world, there, Note { number: 1 });
    assert_eq!(point.expect::<Note>(world), (Note { number: 1 }, back));
    point.send(world, back, Note { number: 2 });
    assert_eq!(point.expect::<Note>(world), (Note { number: 2 }, there));
    assert_eq!(world.sockets(host), 3);
    world.finish();
}

fn one_controller_has_several_connections(world: &mut impl World) {
    let Pair { server, client, at, there, .. } = Pair::new(world);
    let other = client.connect(world, at);
    let (_, other_back) = server.expect::<Accepted>(world);
    assert_ne!(there, other);
    client.send(world, other, Note { number: 1 });
    assert_eq!(server.expect::<Note>(world), (Note { number: 1 }, other_back));
    world.finish();
}

fn a_peer_that_goes_at_once_was_there(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    let mut peer = None;
    world.run_until("the peer to be called", |_| {
        peer = accept();
        peer.is_some()
    });
    let mut peer = peer.expect("just seen");
    write_all(world, &mut peer, &[frames::WELCOME, frames::GOODBYE].concat());
    read_until(world, &mut peer, |bytes| bytes == frames::GREETING);
    peer.close();
    let (connected, there) = client.expect::<Connected>(world);
    let (abandoned, from) = client.expect::<Abandoned>(world);
    assert_eq!((abandoned.remote, abandoned.reason.clone()), (at, statepoint::Ended::ByPeer));
    assert_eq!((from, abandoned.opened), (there, connected.at));
    assert!(abandoned.at >= abandoned.opened);
    assert_eq!(abandoned.to_string(), format!("abandoned by \"{at}\" (closed by the peer)"));
    world.finish();
}

/// Its first words may be there as soon as the connection is.
fn a_peer_that_speaks_first_is_heard(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    let mut peer = None;
    for _ in 0..1_000 {
        peer = accept();
        if peer.is_some() {
            break;
        }
        world.nudge();
    }
    let mut peer = peer.expect("the peer is called");
    let note = frames::message(DEFAULT, Some(0), Called::Name(Note::NAME), &[], &messages::note(7));
    let note = [frames::WELCOME, &note].concat();
    // The client has not had its turn yet.
    let count = peer.write(&note).expect("room");
    write_all(world, &mut peer, &note[count..]);
    client.expect::<Connected>(world);
    assert_eq!(client.expect::<Note>(world).0.number, 7);
    peer.close();
    client.expect::<Abandoned>(world);
    world.finish();
}

pub(crate) fn an_attempt_that_is_stopped_at_once_leaves_nothing(world: &mut impl World) {
    let (here, host) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, host));
    let (at, _) = server.listen(world);
    let nobody = SocketAddr::new(world.own(here).ip(), 1);
    let name = world.name(here);
    let targets = [
        HostPort::from(at),
        HostPort::from(nobody),
        HostPort::new(name, at.port()),
        HostPort::new("no-such-host.invalid", 1),
        HostPort::new("", 1),
    ];
    for to in targets {
        let attempt = client.act(world, move |cx| {
            let attempt = cx.connect(to);
            cx.stop(attempt);
            attempt
        });
        world.run_until("the attempt to end", |world| !world.kernel(host).is_alive(attempt));
        assert_eq!((world.sockets(host), world.kernel(host).points()), (0, 1));
        assert_eq!(world.kernel(host).timers(), 0);
    }
    assert_eq!(client.names(), [""; 0], "who gives an attempt up hears nothing of it");
    world.finish();
}

fn an_attempt_that_is_stopped_twice_ends_once(world: &mut impl World) {
    let (here, host) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, host));
    let (at, _) = server.listen(world);
    client.soon(world, move |cx| {
        let attempt = cx.connect(at);
        cx.stop(attempt);
        cx.stop(attempt);
    });
    world.run_until("the attempt to end", |world| {
        world.kernel(host).points() == 1 && world.kernel(host).counters().created == 2
    });
    assert_eq!(world.sockets(host), 0);
    let dead = world.kernel(host).counters().dead_letters();
    assert_eq!(dead, 0, "it gives its attempt up once");
    world.finish();
}

fn stopping_an_attempt_that_has_succeeded_leaves_the_connection(world: &mut impl World) {
    let (here, host) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, host));
    let (at, _) = server.listen(world);
    let attempt = client.act(world, move |cx| cx.connect(at));
    let (_, there) = client.expect::<Connected>(world);
    client.soon(world, move |cx| cx.stop(attempt));
    client.send(world, there, Note { number: 1 });
    server.expect::<Accepted>(world);
    server.expect::<Note>(world);
    assert_eq!(world.sockets(host), 1);
    world.finish();
}

#[test]
fn an_attempt_that_nobody_answers_is_given_up_at_its_deadline() {
    let world = &mut Simulated::calm();
    let host = world.host();
    let client = Puppet::new(world, host);
    let hole: SocketAddr = "10.0.0.77:80".parse().expect("an address");
    world.net().swallow(hole);
    for (connect, seconds) in [(Connect::to(hole).within(Duration::from_secs(2)), 2), (Connect::to(hole), 10)] {
        let began = world.simulation.now();
        let attempt = client.act(world, move |cx| cx.connect(connect));
        let (fault, from) = client.expect::<NotConnected>(world);
        assert_eq!((fault.reason.kind, from), (ErrorKind::TimedOut, attempt));
        assert_eq!(fault.to_string(), format!("cannot connect to \"{hole}\" (no answer within {seconds}s)"));
        let took = world.simulation.now() - began;
        let limit = Duration::from_secs(seconds);
        assert!(took >= limit && took <= limit + Duration::from_millis(10), "{took:?}");
        world.run_until("the attempt to end", |world| !world.kernel(host).is_alive(attempt));
        assert_eq!((world.sockets(host), world.kernel(host).timers()), (0, 0));
    }
    world.finish();
}

#[test]
fn a_look_up_that_nobody_answers_is_given_up_at_the_deadline_too() {
    let faults = statepoint::sim::Faults { resolve_unanswered: 1.0, ..Default::default() };
    let world = &mut Simulated::with(1, faults);
    let host = world.host();
    let client = Puppet::new(world, host);
    let name = world.name(host);
    let attempt = client.act(world, move |cx| cx.connect(HostPort::new(name, 80)));
    assert_eq!(client.expect::<NotConnected>(world).0.reason.kind, ErrorKind::TimedOut);
    world.run_until("the attempt to end", |world| !world.kernel(host).is_alive(attempt));
    world.finish();
}

#[test]
fn the_addresses_of_a_name_are_tried_one_after_the_other() {
    let world = &mut Simulated::calm();
    let (here, host) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, host));
    let (at, _) = server.listen(world);
    let nobody = [10, 0, 0, 2].into(); // the client's own, where nobody listens
    world.net().name("two.lab", vec![nobody, at.ip()]);
    world.net().name("none.lab", vec![nobody, nobody]);
    let port = at.port();
    client.soon(world, move |cx| {
        cx.connect(HostPort::new("two.lab", port));
    });
    assert_eq!(client.expect::<Connected>(world).0.remote, at);
    client.soon(world, move |cx| {
        cx.connect(HostPort::new("none.lab", port));
    });
    assert_eq!(client.expect::<NotConnected>(world).0.reason.kind, ErrorKind::ConnectionRefused);
    world.finish();
}

#[test]
fn an_attempt_without_a_descriptor_is_told() {
    let world = &mut Simulated::calm();
    let (here, host) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, host));
    let (at, _) = server.listen(world);
    world.net().limit_sockets(Simulated::ip(host), 0);
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    assert_eq!(client.expect::<NotConnected>(world).0.reason.code, Some(24));
    world.finish();
}
