//! Ports.

use std::io::ErrorKind;

use statepoint::prelude::*;

use crate::messages::Note;
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::World;

scenarios!(
    a_port_that_the_system_chose_is_told,
    a_port_in_use_is_told_and_goes_on_serving,
    a_port_at_an_address_of_nobodys_is_told,
    a_port_at_a_name_is_opened,
    a_port_at_a_name_that_nobody_knows_is_told,
    a_port_without_its_key_is_told,
    a_port_that_is_stopped_is_free_again_and_its_connections_go_on,
    a_port_that_is_stopped_refuses_those_who_come_later,
    one_controller_has_several_ports,
    a_listener_that_is_stopped_before_it_is_bound_leaves_nothing,
    a_listener_that_is_stopped_twice_ends_once,
    a_controller_that_ends_takes_its_port_along,
);

fn a_port_that_the_system_chose_is_told(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let listener = server.act(world, move |cx| cx.listen(own));
    let (listening, from) = server.expect::<Listening>(world);
    assert_eq!(from, listener);
    assert_eq!(listening.requested, HostPort::from(own));
    assert_eq!(listening.listening.ip(), own.ip());
    assert_ne!(listening.listening.port(), 0);
    assert!(listening.at <= world.kernel(host).now());
    assert_eq!(world.sockets(host), 1);
    world.finish();
}

fn a_port_in_use_is_told_and_goes_on_serving(world: &mut impl World) {
    let host = world.host();
    let (first, second) = (Puppet::new(world, host), Puppet::new(world, host));
    let (at, _) = first.listen(world);
    let listener = second.act(world, move |cx| cx.listen(at));
    let (fault, from) = second.expect::<NotListening>(world);
    assert_eq!((fault.requested, fault.reason.kind), (HostPort::from(at), ErrorKind::AddrInUse));
    assert_eq!(from, listener);
    world.run_until("the second listener to end", |world| !world.kernel(host).is_alive(listener));
    assert_eq!(world.sockets(host), 1);
    second.connect(world, at);
    assert_eq!(first.expect::<Accepted>(world).0.listening, at);
    world.finish();
}

fn a_port_at_an_address_of_nobodys_is_told(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    // Of a net that is set aside for documents.
    server.soon(world, |cx| {
        cx.listen(HostPort::new("192.0.2.1", 32_011));
    });
    let (fault, _) = server.expect::<NotListening>(world);
    assert_eq!(fault.reason.kind, ErrorKind::AddrNotAvailable);
    assert!(fault.to_string().starts_with("cannot listen at \"192.0.2.1:32011\" ("), "{fault}");
    assert_eq!(world.sockets(host), 0);
    world.finish();
}

fn a_port_at_a_name_is_opened(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let at = HostPort::new(world.name(host), 0);
    let requested = at.clone();
    server.soon(world, move |cx| {
        cx.listen(at);
    });
    let (listening, _) = server.expect::<Listening>(world);
    assert_eq!(listening.requested, requested);
    server.connect(world, listening.listening);
    server.expect::<Accepted>(world);
    world.finish();
}

fn a_port_at_a_name_that_nobody_knows_is_told(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    server.soon(world, |cx| {
        cx.listen(HostPort::new("no-such-host.invalid", 0));
    });
    assert_eq!(server.expect::<NotListening>(world).0.reason.kind, ErrorKind::NotFound);
    world.finish();
}

fn a_port_without_its_key_is_told(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let listener = server.act(world, move |cx| cx.listen(Listen::at(own).identity_file("no such folder/server.key")));
    let (fault, from) = server.expect::<NotListening>(world);
    assert_eq!((fault.requested, fault.reason.kind, from), (own.into(), ErrorKind::NotFound, listener));
    world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
    assert_eq!(server.names(), [""; 0]);
    world.finish();
}

fn a_port_that_is_stopped_is_free_again_and_its_connections_go_on(world: &mut impl World) {
    let Pair { server, client, at, listener, there, back } = Pair::new(world);
    server.soon(world, move |cx| cx.stop_listen(listener));
    let host = server.host;
    world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
    assert_eq!(world.sockets(host), 1, "the accepted connection");

    let successor = Puppet::new(world, host);
    successor.soon(world, move |cx| {
        cx.listen(at);
    });
    assert_eq!(successor.expect::<Listening>(world).0.listening, at);

    client.send(world, there, Note { number: 1 });
    assert_eq!(server.expect::<Note>(world).0.number, 1);
    server.send(world, back, Note { number: 2 });
    assert_eq!(client.expect::<Note>(world).0.number, 2);
    world.finish();
}

fn a_port_that_is_stopped_refuses_those_who_come_later(world: &mut impl World) {
    let Pair { server, client, at, listener, .. } = Pair::new(world);
    server.soon(world, move |cx| cx.stop_listen(listener));
    let host = server.host;
    world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    assert_eq!(client.expect::<NotConnected>(world).0.reason.kind, ErrorKind::ConnectionRefused);
    world.finish();
}

fn one_controller_has_several_ports(world: &mut impl World) {
    let (host, other) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, host), Puppet::new(world, other));
    let (first, _) = server.listen(world);
    let (second, listener) = server.listen(world);
    assert_ne!(first, second);
    for at in [first, second] {
        client.connect(world, at);
        assert_eq!(server.expect::<Accepted>(world).0.listening, at);
    }
    server.soon(world, move |cx| cx.stop_listen(listener));
    world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
    client.connect(world, first);
    server.expect::<Accepted>(world);
    world.finish();
}

pub(crate) fn a_listener_that_is_stopped_before_it_is_bound_leaves_nothing(world: &mut impl World) {
    let host = world.host();
    let (first, server) = (Puppet::new(world, host), Puppet::new(world, host));
    let (in_use, _) = first.listen(world);
    let (own, name) = (world.own(host), world.name(host));
    // Bound at once, not bound at once, and known only after a look-up.
    for at in [HostPort::from(own), HostPort::from(in_use), HostPort::new(name, 0), HostPort::new("", 0)] {
        let listener = server.act(world, move |cx| {
            let listener = cx.listen(at);
            cx.stop_listen(listener);
            listener
        });
        world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
        assert_eq!(world.sockets(host), 1, "that of the first listener");
    }
    assert_eq!(server.names(), [""; 0], "who stops a listener hears nothing of it");
    world.finish();
}

pub(crate) fn a_listener_that_is_stopped_twice_ends_once(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (_, listener) = server.listen(world);
    server.soon(world, move |cx| {
        cx.stop_listen(listener);
        cx.stop_listen(listener);
    });
    world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
    assert_eq!(world.sockets(host), 0);
    let dead = world.kernel(host).counters().dead_letters();
    assert_eq!(dead, 0, "it gives its port back once");
    world.finish();
}

fn a_controller_that_ends_takes_its_port_along(world: &mut impl World) {
    let host = world.host();
    let parent = Puppet::new(world, host);
    let server = parent.child(world);
    let (at, _) = server.listen(world);
    server.end(world);
    world.run_until("the parent to hear of it", |_| parent.has_completed());
    assert_eq!(world.sockets(host), 0, "who sees `Completed` knows that the port is closed");
    parent.soon(world, move |cx| {
        cx.listen(at);
    });
    parent.expect::<Listening>(world);
    world.finish();
}

#[test]
pub(crate) fn a_port_that_breaks_is_told_and_ends() {
    let world = &mut Simulated::calm();
    let Pair { server, client, at, listener, there, .. } = Pair::new(world);
    world.net().fail_accepts(Simulated::ip(server.host), statepoint::net::AcceptFailure::Fatal, 1);
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    let (fault, from) = server.expect::<NotListening>(world);
    assert_eq!((fault.reason.kind, from), (ErrorKind::InvalidInput, listener));
    let host = server.host;
    world.run_until("the listener to end", |world| !world.kernel(host).is_alive(listener));
    assert_eq!(world.sockets(host), 1, "the connection from before");
    client.send(world, there, Note { number: 1 });
    server.expect::<Note>(world);
    world.finish();
}
