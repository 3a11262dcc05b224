//! How connections end between programs that both keep to the rules.

use statepoint::prelude::*;
use statepoint::{Ended, Panicked, Undelivered};

use crate::messages::{Bulk, Note};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::World;

scenarios!(
    a_close_is_told_to_who_closes_and_to_the_peer,
    what_was_sent_before_a_close_arrives,
    what_fills_buffers_before_a_close_arrives_too,
    what_was_sent_before_the_sender_ended_arrives,
    what_was_sent_before_a_close_arrives_also_when_the_sender_ends,
    both_ends_close_at_once,
    a_connection_is_closed_once_however_often_one_asks,
    a_controller_that_ends_takes_its_connections_along,
    a_controller_that_panics_takes_its_connections_along,
    a_parent_that_ends_takes_what_its_children_have_along,
    a_connection_closed_by_a_point_that_is_not_its_controller,
);

fn a_close_is_told_to_who_closes_and_to_the_peer(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    client.soon(world, move |cx| {
        cx.connect(at);
    });
    let (connected, there) = client.expect::<Connected>(world);
    let (accepted, back) = server.expect::<Accepted>(world);
    client.send(world, there, Close);
    let (closed, from) = client.expect::<Closed>(world);
    assert_eq!((closed.remote, closed.opened, closed.reason), (at, connected.at, Ended::ByUs));
    assert!(closed.value.is::<statepoint::Done>() && closed.at >= closed.opened);
    assert_eq!(from, there);
    let (abandoned, from) = server.expect::<Abandoned>(world);
    assert_eq!((abandoned.remote, abandoned.reason), (accepted.remote, Ended::ByPeer));
    assert_eq!((abandoned.opened, from), (accepted.at, back));
    let hosts = (client.host, server.host);
    world.run_until("the sockets to close", |world| (world.sockets(hosts.0), world.sockets(hosts.1)) == (0, 1));
    assert_eq!((client.waiting(), server.waiting()), (0, 0));
    world.finish();
}

fn what_was_sent_before_a_close_arrives(world: &mut impl World) {
    const COUNT: u64 = 10_000;
    let Pair { server, client, there, .. } = Pair::new(world);
    client.soon(world, move |cx| {
        (0..COUNT).for_each(|number| cx.send(there, Note { number }));
        cx.send(there, Close);
    });
    for number in 0..COUNT {
        assert_eq!(server.expect::<Note>(world).0, Note { number });
    }
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    assert_eq!(client.expect::<Closed>(world).0.reason, Ended::ByUs);
    world.finish();
}

fn what_fills_buffers_before_a_close_arrives_too(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.soon(world, move |cx| {
        (0..40).for_each(|number| cx.send(there, Bulk::new(number, 250_000)));
        cx.send(there, Close);
    });
    for number in 0..40 {
        assert_eq!(server.expect::<Bulk>(world).0.number, number);
    }
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    // It was congested when it was closed; that it is relieved is of no interest any more.
    client.pick::<Closed>(world);
    assert!(client.count::<Congested>() == client.waiting() && client.waiting() <= 1, "{:?}", client.names());
    world.finish();
}

/// No `Close`: the controller ends with all it has to say still unwritten.
fn what_was_sent_before_the_sender_ended_arrives(world: &mut impl World) {
    const COUNT: u64 = 10_000;
    let Pair { server, client, there, .. } = Pair::new(world);
    client.soon(world, move |cx| (0..COUNT).for_each(|number| cx.send(there, Note { number })));
    client.stop(world);
    for number in 0..COUNT {
        assert_eq!(server.expect::<Note>(world).0, Note { number });
    }
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.finish();
}

/// More than the buffers hold: the connection is still closing when its controller ends.
fn what_was_sent_before_a_close_arrives_also_when_the_sender_ends(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.act(world, move |cx| {
        (0..40).for_each(|number| cx.send(there, Bulk::new(number, 250_000)));
        cx.send(there, Close);
    });
    client.stop(world);
    for number in 0..40 {
        assert_eq!(server.expect::<Bulk>(world).0.number, number);
    }
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.finish();
}

fn both_ends_close_at_once(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    client.send(world, there, Close);
    server.send(world, back, Close);
    for puppet in [&client, &server] {
        assert_eq!(puppet.expect::<Closed>(world).0.reason, Ended::ByUs);
        let host = puppet.host;
        world.run_until("the connection to end", |world| world.net_counters(host).ended == 1);
        assert_eq!(puppet.names(), [""; 0]);
    }
    world.finish();
}

pub(crate) fn a_connection_is_closed_once_however_often_one_asks(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.soon(world, move |cx| (0..5).for_each(|_| cx.send(there, Close)));
    client.expect::<Closed>(world);
    server.expect::<Abandoned>(world);
    client.act(world, move |cx| cx.send(there, Close));
    assert_eq!((client.names(), server.names()), (vec![], vec![]));
    world.finish();
}

fn a_controller_that_ends_takes_its_connections_along(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let parent = Puppet::new(world, there);
    let client = parent.child(world);
    for _ in 0..5 {
        client.connect(world, at);
        server.expect::<Accepted>(world);
    }
    client.listen(world);
    client.end(world);
    world.run_until("the parent to hear of it", |_| parent.has_completed());
    assert_eq!(world.sockets(there), 0, "who sees `Completed` knows that nothing below is alive");
    let completed = parent.completed();
    assert_eq!((completed.len(), completed[0].0.dropped), (1, 0));
    for _ in 0..5 {
        assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    }
    world.finish();
}

fn a_controller_that_panics_takes_its_connections_along(world: &mut impl World) {
    let Pair { server, client, at, .. } = Pair::new(world);
    let child = client.child(world);
    child.connect(world, at);
    child.listen(world);
    server.expect::<Accepted>(world);
    child.soon(world, |_| panic!("on purpose"));
    let host = client.host;
    world.run_until("the parent to hear of it", |_| client.has_completed());
    assert_eq!(world.sockets(host), 1, "that of the parent");
    let (completed, from) = client.completed().remove(0);
    assert!(completed.value.is::<Panicked>() && from == child.address);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.finish();
}

fn a_parent_that_ends_takes_what_its_children_have_along(world: &mut impl World) {
    let Pair { server, client, at, .. } = Pair::new(world);
    let grandchild = client.child(world).child(world);
    grandchild.connect(world, at);
    server.expect::<Accepted>(world);
    client.end(world);
    let host = client.host;
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    assert_eq!(world.sockets(host), 0);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.finish();
}

fn a_connection_closed_by_a_point_that_is_not_its_controller(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let stranger = Puppet::new(world, client.host);
    stranger.send(world, there, Close);
    assert_eq!(client.expect::<Closed>(world).0.reason, Ended::ByUs);
    server.expect::<Abandoned>(world);
    assert_eq!(stranger.names(), [""; 0]);
    world.finish();
}

/// The peer says its last word and goodbye at once. The controller has heard enough and ends; that the connection is gone is no
/// news to anybody, and no loss.
#[test]
fn a_goodbye_that_crosses_the_end_of_the_controller_is_no_warning() {
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let client = world.create(
        there,
        routine(async move |cx: &mut Routine| {
            cx.connect(at);
            cx.select::<Connected>().await;
            cx.select::<Note>().await
        }),
    );
    let (_, back) = server.expect::<Accepted>(world);
    server.soon(world, move |cx| {
        cx.send(back, Note { number: 1 });
        cx.send(back, Close);
    });
    world.run_until("the client to end", |world| !world.kernel(there).is_alive(client));
    server.expect::<Closed>(world);
    assert_eq!(world.kernel(there).counters().dead(Undelivered::Ended), 1, "its goodbye came too late");
    assert_eq!(world.warnings(), [""; 0]);
    world.finish();
}

#[test]
fn a_reset_is_told_to_both_ends() {
    let world = &mut Simulated::calm();
    let Pair { server, client, .. } = Pair::new(world);
    let connection = world.net().connections()[0].connection;
    world.net().reset(connection);
    assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::Reset);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::Reset);
    world.finish();
}

#[test]
fn a_reset_while_closing_is_still_a_close() {
    let world = &mut Simulated::calm();
    let Pair { server, client, there, .. } = Pair::new(world);
    world.net().clog(Simulated::ip(client.host), Simulated::ip(server.host));
    client.act(world, move |cx| cx.send(there, Close));
    let connection = world.net().connections()[0].connection;
    world.net().unclog(Simulated::ip(client.host), Simulated::ip(server.host));
    world.net().reset(connection);
    assert_eq!(client.expect::<Closed>(world).0.reason, Ended::Reset);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::Reset);
    world.finish();
}
