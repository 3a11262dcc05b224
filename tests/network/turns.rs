//! Turns that end in the middle of something: a host with more to do than one turn takes.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::prelude::*;

use crate::puppet::Puppet;
use crate::simulated::Simulated;
use crate::world::{HostId, World};

/// A client that has begun to connect to a server, when the connection is there and nobody at the client's host has had a turn
/// since: the server, the client, a bystander, and the attempt.
fn connecting(
    world: &mut Simulated,
    here: HostId,
    there: HostId,
    limit: Duration,
) -> (Puppet, Puppet, Puppet, Address) {
    let (server, client, bystander) = (Puppet::new(world, here), Puppet::new(world, there), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    let attempt = client.act(world, move |cx| cx.connect(Connect::to(at).within(limit)));
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    (server, client, bystander, attempt)
}

#[test]
fn a_connection_that_waits_for_its_turn_beyond_the_deadline_is_given_up_once() {
    let world = &mut Simulated::calm();
    let (here, there, limit) = (world.host(), world.host(), Duration::from_secs(2));
    let began = world.simulation.now();
    let (server, client, bystander, _) = connecting(world, here, there, limit);
    // More than a turn takes stand before the news of the connection.
    (0..1_500).for_each(|_| bystander.soon(world, |_| {}));
    world.turn(there);
    assert_eq!((world.net_counters(there).connected, client.waiting()), (1, 0));
    world.net().advance(began + limit + Duration::from_millis(5));
    world.turn(there);
    // There is no time left to open its link.
    assert_eq!(client.expect::<NotConnected>(world).0.reason.kind, ErrorKind::TimedOut);
    server.expect::<NotAccepted>(world);
    assert_eq!(client.names(), [""; 0]);
    world.finish();
}

/// A turn may end after the attempt was stopped, when its connection has no proxy yet.
#[test]
fn an_attempt_stopped_in_a_turn_that_ends_at_any_moment_leaves_nothing() {
    let world = &mut Simulated::calm();
    for busy in 1_015..1_027 {
        let (here, there) = (world.host(), world.host());
        let (_, client, bystander, attempt) = connecting(world, here, there, Duration::from_secs(10));
        (0..busy).for_each(|_| bystander.soon(world, |_| {}));
        bystander.soon(world, move |cx| cx.stop(attempt));
        world.turn(there);
        world.settle();
        assert_eq!((client.waiting(), world.sockets(there)), (0, 0), "{busy}: {:?}", client.names());
        assert!(!world.kernel(there).is_alive(attempt));
    }
    world.finish();
}
