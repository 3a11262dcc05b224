//! Much at once, in one turn: attempts by the thousand, and changes of mind.

use std::time::Duration;

use statepoint::prelude::*;

use crate::puppet::Puppet;
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::World;

scenarios!(
    a_host_that_connects_to_itself_many_times_in_one_turn_is_connected_so_often,
    a_listener_that_is_stopped_in_the_turn_in_which_many_connect_leaves_nothing,
    who_is_stopped_twice_while_many_of_its_links_open_ends_once,
    both_ends_of_many_connections_close_in_the_same_turn,
);

/// Of each end, as many as the system allows beside other tests.
const MANY: usize = 100;

/// Who listens, and connects to itself so often in the same turn.
fn alone(world: &mut impl World, many: usize) -> (Puppet, Address) {
    let host = world.host();
    let puppet = Puppet::new(world, host);
    let (at, listener) = puppet.listen(world);
    puppet.act(world, move |cx| {
        for _ in 0..many {
            cx.connect(at);
        }
    });
    (puppet, listener)
}

/// Both ends of all connections are the puppet's.
fn wait_for_all(world: &mut impl World, puppet: &Puppet, many: usize) {
    world.run_until("all to be connected", |_| {
        (puppet.count::<Accepted>(), puppet.count::<Connected>()) == (many, many)
    });
}

fn itself(world: &mut impl World, many: usize) {
    let (puppet, _) = alone(world, many);
    wait_for_all(world, &puppet, many);
    assert_eq!((puppet.waiting(), world.sockets(puppet.host)), (2 * many, 2 * many + 1));
    world.finish();
}

fn a_host_that_connects_to_itself_many_times_in_one_turn_is_connected_so_often(world: &mut impl World) {
    itself(world, MANY);
}

#[test]
fn a_host_connects_to_itself_a_thousand_times_in_one_turn() {
    itself(&mut Simulated::calm(), 1_000);
}

/// At every moment of it. Every attempt comes to something.
fn a_listener_that_is_stopped_in_the_turn_in_which_many_connect_leaves_nothing(world: &mut impl World) {
    for nudges in [0, 1, 2, 3, 5, 8, 13] {
        let (puppet, listener) = alone(world, MANY);
        (0..nudges).for_each(|_| world.nudge());
        puppet.act(world, move |cx| {
            cx.stop_listen(listener);
            cx.stop_listen(listener);
        });
        world.run_until("every attempt to come to something", |_| {
            puppet.count::<Connected>() + puppet.count::<NotConnected>() == MANY
        });
        let host = puppet.host;
        world.run_until("the port to close", |world| !world.kernel(host).is_alive(listener));
    }
    world.leave_nothing();
}

fn who_is_stopped_twice_while_many_of_its_links_open_ends_once(world: &mut impl World) {
    for nudges in [0, 1, 2, 3, 5, 8, 13] {
        let (puppet, _) = alone(world, MANY);
        (0..nudges).for_each(|_| world.nudge());
        puppet.stop(world);
        puppet.stop(world);
        let (host, address) = (puppet.host, puppet.address);
        world.run_until("it to end", |world| !world.kernel(host).is_alive(address));
        world.run_until("its sockets to close", |world| world.sockets(host) == 0);
    }
    world.leave_nothing();
}

fn both_ends_of_many_connections_close_in_the_same_turn(world: &mut impl World) {
    let (puppet, _) = alone(world, MANY);
    wait_for_all(world, &puppet, MANY);
    let mut ends = Vec::new();
    for _ in 0..MANY {
        ends.extend([puppet.pick::<Accepted>(world).1, puppet.pick::<Connected>(world).1]);
    }
    let began = world.kernel(puppet.host).now();
    puppet.act(world, move |cx| {
        for end in ends.iter().chain(&ends) {
            cx.send(*end, Close);
        }
    });
    world.run_until("all to be closed", |_| puppet.count::<Closed>() == 2 * MANY);
    assert_eq!(puppet.waiting(), 2 * MANY, "each end is told once");
    assert!(world.kernel(puppet.host).now() - began < Duration::from_secs(3), "nobody waits for the other");
    assert_eq!(world.sockets(puppet.host), 1);
    world.finish();
}
