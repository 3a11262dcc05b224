//! Turns that end in the middle of something: a host with more to do than one turn takes.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::sim::Faults;
use statepoint::{Limits, NetSettings};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{Card, Note};
use crate::puppet::Puppet;
use crate::simulated::Simulated;
use crate::world::{HostId, Raw, World};

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

/// Each of a crowd costs the system a while when it is given up. So only some of them go in a turn, and whoever talks waits for
/// a turn or two and not for all of them.
#[test]
fn a_crowd_that_is_given_up_at_once_does_not_hold_up_who_talks() {
    const CROWD: usize = 3_000;
    let world = &mut Simulated::calm();
    let settings = NetSettings { openings: 2 * CROWD, ..NetSettings::default() };
    let (here, there) = (world.host_with(Limits::default(), settings), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    let far = client.connect(world, at);
    server.expect::<Accepted>(world);
    let crowd: Vec<_> = (0..CROWD).map(|_| world.connect_raw(at)).collect();
    world.run_until("the crowd", |world| world.net_counters(here).accepted == 1 + CROWD as u64);
    // Everybody's time is over, and then somebody says something.
    let over = world.simulation.now() + Duration::from_secs(5);
    world.net().advance(over);
    client.send(world, far, Note { number: 1 });
    world.turn(there);
    world.net().advance(over + Duration::from_millis(1));
    let mut turns = 0;
    while server.count::<Note>() == 0 {
        let before = world.sockets(here);
        world.turn(here);
        turns += 1;
        assert!(before - world.sockets(here) <= 20, "{before} sockets, then {}", world.sockets(here));
    }
    assert!(turns <= 2, "{turns} turns");
    world.run_until("the crowd to be gone", |world| world.sockets(here) == 2);
    assert_eq!(server.count::<NotAccepted>(), CROWD);
    for _ in 0..CROWD {
        assert_eq!(server.pick::<NotAccepted>(world).0.reason.kind, ErrorKind::TimedOut);
    }
    server.expect::<Note>(world);
    drop(crowd);
    world.finish();
}

/// Opens the links of so many: how many were opened in each turn of the host, as long as some are.
fn opened_in_turns(world: &mut Simulated, host: HostId, mut count: impl FnMut(&mut Simulated) -> usize) -> Vec<usize> {
    let mut opened = Vec::new();
    while opened.iter().sum::<usize>() < 40 {
        let before = count(world);
        world.turn(host);
        opened.push(count(world) - before);
        assert!(opened.len() < 100, "{opened:?}");
    }
    opened
}

/// To open a link may cost a while of computing with keys.
#[test]
fn in_one_turn_a_few_links_are_opened_and_no_more() {
    let world = &mut Simulated::calm();
    let here = world.host();
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut crowd: Vec<_> = (0..40).map(|_| world.connect_raw(at)).collect();
    world.run_until("the crowd", |world| world.net_counters(here).accepted == 40);
    world.settle();
    for peer in &mut crowd {
        assert_eq!(peer.write(frames::GREETING).expect("room"), frames::GREETING.len());
    }
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    // The peer is welcome when its greeting was read; the server is told in the same turn.
    let opened = opened_in_turns(world, here, |_| server.count::<Accepted>());
    assert!(opened.iter().all(|count| *count <= 4) && opened.len() <= 12, "{opened:?}");
    for _ in 0..40 {
        server.expect::<Accepted>(world);
    }
    crowd.into_iter().for_each(Raw::close);
    world.leave_nothing();
}

/// What servers say may be there as soon as they are connected, before anybody has looked.
#[test]
fn in_one_turn_a_few_links_that_were_attached_meanwhile_are_opened_and_no_more() {
    let world = &mut Simulated::calm();
    let here = world.host();
    let client = Puppet::new(world, here);
    let (at, mut next) = world.raw_listener();
    client.act(world, move |cx| {
        for _ in 0..40 {
            cx.connect(at);
        }
    });
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    let mut crowd: Vec<_> = std::iter::from_fn(&mut next).collect();
    for peer in &mut crowd {
        assert_eq!(peer.write(frames::WELCOME).expect("room"), frames::WELCOME.len());
    }
    world.net().advance(soon + Duration::from_millis(1));
    let opened = opened_in_turns(world, here, |_| client.count::<Connected>());
    assert!(opened.iter().all(|count| *count <= 4) && opened.len() <= 14, "{opened:?}");
    for _ in 0..40 {
        client.expect::<Connected>(world);
    }
    crowd.into_iter().for_each(Raw::close);
    world.leave_nothing();
}

/// Otherwise the end of its stream could be seen before what it has said was handled.
#[test]
fn who_stands_behind_a_link_that_opens_is_read_once_in_a_turn() {
    let (latency_least, buffer) = (Duration::from_micros(100), 1 << 20);
    let faults = Faults { latency_least, buffer_least: buffer, buffer_most: buffer, ..Faults::default() };
    let world = &mut Simulated::with(1, faults);
    let pass = |world: &mut Simulated| world.net().advance(world.simulation.now() + Duration::from_millis(1));
    let here = world.host();
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    server.expect::<Accepted>(world);
    let (far, mut next) = world.raw_listener();
    server.act(world, move |cx| cx.connect(far));
    pass(world);
    let mut opening = next().expect("it connects");
    assert_eq!(opening.write(frames::WELCOME).expect("room"), frames::WELCOME.len());
    pass(world);
    // It is connected and attached, and what it has said is marked to be read.
    world.turn(here);
    let named = frames::message(DEFAULT, None, Called::Name("test.Much"), &[], &[0xC0; 10_000]);
    let much = frames::message(DEFAULT, None, Called::Number(0), &[], &[0xC0; 10_000]).repeat(19);
    let much = [named, much].concat();
    assert_eq!(raw.write(&much).expect("room"), much.len());
    pass(world);
    world.turn(here);
    assert_eq!((server.names().len(), server.count::<Connected>()), (7, 1), "{:?}", server.names());
    raw.close();
    opening.close();
    world.leave_nothing();
}

/// What comes in pieces takes a few turns more. Whoever says little is not held up by those who say much at once.
#[test]
fn where_many_have_much_to_say_each_is_read_less_in_one_turn() {
    const CROWD: usize = 64;
    let world = &mut Simulated::calm();
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    let far = client.connect(world, at);
    server.expect::<Accepted>(world);
    let mut crowd: Vec<_> = (0..CROWD).map(|_| world.dial(at)).collect();
    for _ in 0..CROWD {
        server.expect::<Accepted>(world);
    }
    let much = frames::message(DEFAULT, None, Called::Name("test.Much"), &[], &[0xC0; 30_000]);
    for peer in &mut crowd {
        assert_eq!(peer.write(&much).expect("room"), much.len());
    }
    client.send(world, far, Note { number: 1 });
    world.turn(there);
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    world.turn(here);
    assert_eq!(server.names(), ["test.Note"], "only what is short has come whole");
    let mut turns = 1;
    while server.waiting() <= CROWD {
        world.turn(here);
        turns += 1;
    }
    assert!((7..12).contains(&turns), "{turns} turns");
    crowd.into_iter().for_each(Raw::close);
    world.finish();
}

/// To refuse a message takes longer than to send it.
#[test]
fn so_many_messages_are_refused_in_one_turn_and_no_more() {
    const CROWD: u64 = 30;
    let world = &mut Simulated::calm();
    let here = world.host();
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut crowd: Vec<_> = (0..CROWD).map(|_| world.dial(at)).collect();
    let never_given = |called: Called<'_>| frames::message(-2, None, called, &[], &[0xC0]);
    let never_given = [never_given(Called::Name("test.Note")), never_given(Called::Number(0)).repeat(99)].concat();
    for peer in &mut crowd {
        assert_eq!(peer.write(&never_given).expect("room"), never_given.len());
    }
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    let mut before = 0;
    while before < CROWD * 100 {
        world.turn(here);
        let refused = world.net_counters(here).refused;
        assert!((1..1_124).contains(&(refused - before)), "{before}, then {refused}");
        before = refused;
    }
    crowd.into_iter().for_each(Raw::close);
    world.finish();
}

/// The news that a point has ended and a message for it may cross, so nobody is cut for that. But he is not read much at once.
#[test]
fn who_talks_to_a_point_that_has_ended_is_read_in_small_parts() {
    let world = &mut Simulated::calm();
    let here = world.host();
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut peer = world.dial(at);
    let (_, back) = server.expect::<Accepted>(world);
    let child = server.child(world);
    let card = Card::of(child.address);
    server.send(world, back, card);
    child.end(world);
    world.settle();
    let to_nobody = |called: Called<'_>| frames::message(-2, None, called, &[], &[0xC0]);
    let all = [to_nobody(Called::Name("test.Note")), to_nobody(Called::Number(0)).repeat(999)].concat();
    // Before it is known that he does, as much is read as of anybody.
    assert_eq!(peer.write(&all[..100]).expect("room"), 100);
    world.settle();
    let before = world.net_counters(here).refused;
    assert!(before > 0 && before < 10);
    assert_eq!(peer.write(&all[100..]).expect("room"), all.len() - 100);
    let soon = world.simulation.now() + Duration::from_millis(1);
    world.net().advance(soon);
    let mut refused = before;
    while refused < 1_000 {
        world.turn(here);
        let more = world.net_counters(here).refused - refused;
        assert!((1..=94).contains(&more), "{more} more than {refused}");
        refused += more;
    }
    peer.close();
    server.expect::<Abandoned>(world);
    world.finish();
}
