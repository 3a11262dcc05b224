//! Peers that connect, or take a connection, and do not open their link: slowly, never, or no more.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::wire::LinkError;
use statepoint::{Limits, NetSettings, Peer};

use crate::frames;
use crate::puppet::Puppet;
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::{Accept, HostId, Raw, World, read_to_end, read_until, write_all};

scenarios!(
    a_peer_that_never_opens_its_link_is_given_up,
    a_server_that_never_opens_its_link_is_given_up_when_the_time_to_connect_is_over,
    a_peer_that_goes_before_its_link_is_open_was_never_there,
    a_server_that_goes_before_its_link_is_open_was_never_there,
    a_controller_that_ends_while_a_link_is_opened_leaves_nothing,
    a_kernel_without_room_for_a_session_when_the_link_is_open_tells_who_connects,
);

const SECOND: Duration = Duration::from_secs(1);

/// Who listens at a port, and gives peers up after so long; and the port.
fn listen(world: &mut impl World, limit: Duration) -> (Puppet, SocketAddr) {
    let host = world.host();
    let (server, own) = (Puppet::new(world, host), world.own(host));
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).open_within(limit));
    });
    let at = server.expect::<Listening>(world).0.listening;
    (server, at)
}

/// The next peer that speaks bytes.
fn accept<W: World>(world: &mut W, accept: &mut Accept<W::Raw>) -> W::Raw {
    let mut peer = None;
    world.run_until("the peer to be called", |_| {
        peer = accept();
        peer.is_some()
    });
    peer.expect("just seen")
}

/// Goes on until the host has so many sockets; then nothing of what has been before is told any more.
fn is_over(world: &mut impl World, puppet: &Puppet, sockets: usize) {
    let host = puppet.host;
    world.run_until("the connection to end", |world| world.sockets(host) == sockets);
    world.settle();
    assert_eq!(puppet.names(), [""; 0]);
}

pub(crate) fn a_peer_that_never_opens_its_link_is_given_up(world: &mut impl World) {
    let (server, at) = listen(world, SECOND);
    let mut raw = world.connect_raw(at);
    let (fault, _) = server.expect::<NotAccepted>(world);
    assert_eq!((fault.listening, fault.reason.kind), (at, ErrorKind::TimedOut));
    let told = world.kernel(server.host).now();
    read_to_end(world, &mut raw);
    is_over(world, &server, 1);
    assert!(world.kernel(server.host).now() - told < SECOND, "it is cut at once");
    let client = Puppet::new(world, server.host);
    client.connect(world, at);
    server.expect::<Accepted>(world);
    world.finish();
}

fn a_server_that_never_opens_its_link_is_given_up_when_the_time_to_connect_is_over(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut next) = world.raw_listener();
    let began = client.act(world, move |cx| {
        cx.connect(Connect::to(at).within(SECOND));
        cx.now()
    });
    let mut raw = accept(world, &mut next);
    let (fault, _) = client.expect::<NotConnected>(world);
    assert_eq!((fault.requested, fault.tried, fault.reason.kind), (at.into(), Some(at), ErrorKind::TimedOut));
    assert!(world.kernel(host).now() - began >= SECOND, "it has had its time");
    read_to_end(world, &mut raw);
    is_over(world, &client, 0);
    world.finish();
}

fn a_peer_that_goes_before_its_link_is_open_was_never_there(world: &mut impl World) {
    let (server, at) = listen(world, 60 * SECOND);
    for greeting in [&frames::GREETING[..1], &frames::GREETING[..7]] {
        let mut raw = world.connect_raw(at);
        let host = server.host;
        world.run_until("the peer to be accepted", |world| world.sockets(host) == 2);
        write_all(world, &mut raw, greeting);
        raw.shutdown();
        let (fault, _) = server.expect::<NotAccepted>(world);
        assert!(matches!(fault.reason.link, Some(LinkError::Left { .. })), "{fault:?}");
        read_to_end(world, &mut raw);
        raw.close();
        is_over(world, &server, 1);
    }
    world.finish();
}

fn a_server_that_goes_before_its_link_is_open_was_never_there(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut next) = world.raw_listener();
    for welcome in [&[][..], &frames::WELCOME[..7]] {
        client.soon(world, move |cx| {
            cx.connect(at);
        });
        let mut raw = accept(world, &mut next);
        write_all(world, &mut raw, welcome);
        // What it has not read would be a reason for a reset.
        read_until(world, &mut raw, |bytes| bytes == frames::GREETING);
        raw.close();
        let (fault, _) = client.expect::<NotConnected>(world);
        assert_eq!((&fault.requested, fault.tried), (&HostPort::from(at), Some(at)));
        assert!(matches!(fault.reason.link, Some(LinkError::Left { .. })), "{fault:?}");
        is_over(world, &client, 0);
    }
    world.finish();
}

/// The peer does not close its end either; meanwhile the time to open the link is over.
pub(crate) fn a_controller_that_ends_while_a_link_is_opened_leaves_nothing(world: &mut impl World) {
    let (server, at) = listen(world, 2 * SECOND);
    let (client, host) = (Puppet::new(world, server.host), server.host);
    let (there, mut next) = world.raw_listener();
    client.soon(world, move |cx| {
        cx.connect(Connect::to(there).within(2 * SECOND));
    });
    let peers = [world.connect_raw(at), accept(world, &mut next)];
    world.run_until("both connections", |world| world.kernel(host).points() == 6 && world.sockets(host) == 3);
    for puppet in [&server, &client] {
        puppet.stop(world);
    }
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    assert_eq!((server.waiting(), client.waiting(), world.sockets(host)), (0, 0, 0));
    assert!(!world.was_told_in_vain("Closed"), "there is nobody to tell");
    peers.into_iter().for_each(Raw::close);
    world.finish();
}

fn a_kernel_without_room_for_a_session_when_the_link_is_open_tells_who_connects(world: &mut impl World) {
    // The client, its attempt, the connection.
    let host: HostId = world.host_with(Limits { points: 3, ..Limits::default() }, NetSettings::default());
    let client = Puppet::new(world, host);
    let (at, mut next) = world.raw_listener();
    client.soon(world, move |cx| {
        let session = |_: &Peer| routine(async |cx: &mut Routine| cx.select::<Stop>().await);
        cx.connect(Connect::to(at).session(session));
    });
    let mut raw = accept(world, &mut next);
    write_all(world, &mut raw, frames::WELCOME);
    let (fault, _) = client.expect::<NotConnected>(world);
    assert_eq!((fault.tried, fault.reason.kind), (Some(at), ErrorKind::QuotaExceeded));
    let told = world.kernel(host).now();
    is_over(world, &client, 0);
    assert!(world.kernel(host).now() - told < SECOND, "it is cut at once");
    raw.close();
    world.finish();
}

/// A peer may have its link open just when it is not wanted any more.
#[test]
pub(crate) fn a_link_that_opens_when_its_controller_has_ended_is_closed() {
    let world = &mut Simulated::calm();
    let host = world.host();
    let (bystander, client) = (Puppet::new(world, host), Puppet::new(world, host));
    let (at, mut next) = world.raw_listener();
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    let mut raw = accept(world, &mut next);
    world.settle();
    assert_eq!(raw.write(frames::WELCOME).expect("room"), frames::WELCOME.len());
    // The turn ends when the controller has ended; the connection hears of it in the next one, before the peer's welcome.
    (0..1_023).for_each(|_| bystander.soon(world, |_| {}));
    client.stop(world);
    world.turn(host);
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    world.pass(SECOND);
    assert_eq!(world.sockets(host), 1, "it waits for the peer to close its end");
    raw.close();
    world.run_until("the connection to end", |world| world.kernel(host).points() == 1);
    world.finish();
}

/// The time to open the link is over meanwhile.
#[test]
fn a_peer_that_has_not_opened_its_link_has_as_long_to_close_as_any() {
    let world = &mut Simulated::calm();
    let (server, at) = listen(world, SECOND);
    let raw = world.connect_raw(at);
    let host = server.host;
    world.run_until("the peer to be accepted", |world| world.kernel(host).points() == 3);
    server.stop(world);
    world.pass(2 * SECOND);
    assert_eq!(world.sockets(host), 1);
    raw.close();
    world.run_until("the connection to end", |world| world.kernel(host).points() == 0);
    world.finish();
}
