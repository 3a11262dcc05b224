//! Addresses in messages: how they cross a connection, and what becomes of them when their point has ended.

use statepoint::prelude::*;
use statepoint::{Limits, NetSettings, Undelivered};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Card, Note};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::world::{self, Raw, World, read_until, write_all};

scenarios!(
    an_address_in_a_body_leads_to_its_point,
    an_address_that_goes_home_is_the_original,
    an_address_keeps_its_identity_however_often_it_is_sent,
    an_unset_address_stays_unset,
    a_message_holds_many_addresses,
    a_message_holds_no_more_addresses_than_it_may,
    a_point_that_was_given_away_and_ended_is_a_dead_letter,
    a_peer_is_told_that_a_point_it_was_given_has_ended,
    points_that_come_and_go_are_no_burden,
    both_tables_are_empty_when_the_points_have_ended,
    never_given_gone_and_full_are_told_apart,
    an_address_of_a_connection_that_has_ended_leads_nowhere,
    a_peer_reaches_only_what_it_was_given,
    a_peer_speaks_in_nobody_elses_name,
);

fn an_address_in_a_body_leads_to_its_point(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let (child, other) = (client.child(world), server.child(world));
    client.send(world, there, Card::of(child.address));
    let (card, _) = server.expect::<Card>(world);
    assert!(card.at.is_far());
    // Any point of the receiver can use it.
    other.send(world, card.at, Note { number: 1 });
    let (_, from) = child.expect::<Note>(world);
    child.send(world, from, Note { number: 2 });
    assert_eq!(other.expect::<Note>(world), (Note { number: 2 }, card.at));
    world.finish();
}

fn an_address_that_goes_home_is_the_original(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    let child = client.child(world);
    client.send(world, there, Card { at: child.address, others: vec![Some(client.address), Some(there)] });
    let (card, _) = server.expect::<Card>(world);
    assert_eq!(card.others, [Some(back), Some(server.address)], "the peer's end of this connection is oneself");
    server.send(world, back, card);
    let (card, _) = client.expect::<Card>(world);
    assert_eq!((card.at, card.others), (child.address, vec![Some(client.address), Some(there)]));
    world.finish();
}

fn an_address_keeps_its_identity_however_often_it_is_sent(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let child = client.child(world);
    for _ in 0..3 {
        client.send(world, there, Card::of(child.address));
        child.send(world, there, Note { number: 1 });
    }
    let (first, _) = server.expect::<Card>(world);
    for _ in 0..2 {
        assert_eq!(server.expect::<Note>(world).1, first.at);
        assert_eq!(server.expect::<Card>(world).0, first);
    }
    assert_eq!(server.expect::<Note>(world).1, first.at);
    world.finish();
}

fn an_unset_address_stays_unset(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.send(world, there, Card { at: Address::NONE, others: vec![None, Some(Address::NONE)] });
    let (card, _) = server.expect::<Card>(world);
    assert_eq!((card.at, card.others), (Address::NONE, vec![None, Some(Address::NONE)]));
    world.finish();
}

fn a_message_holds_many_addresses(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let children: Vec<Puppet> = (0..100).map(|_| client.child(world)).collect();
    let others = children.iter().map(|child| Some(child.address)).collect();
    client.send(world, there, Card { at: client.address, others });
    let (card, _) = server.expect::<Card>(world);
    let others = card.others.clone();
    server.soon(world, move |cx| {
        for (number, other) in (0..).zip(others) {
            cx.send(other.expect("set"), Note { number });
        }
    });
    for (number, child) in (0..).zip(&children) {
        assert_eq!(child.expect::<Note>(world).0, Note { number });
    }
    world.finish();
}

fn a_message_holds_no_more_addresses_than_it_may(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let at = client.address;
    client.soon(world, move |cx| {
        cx.send(there, Card { at, others: vec![Some(at); 1_024] });
        cx.send(there, Card { at, others: vec![Some(at); 1_023] });
    });
    let (card, _) = server.expect::<Card>(world);
    assert_eq!(card.others.len(), 1_023, "the one before was too long");
    assert_eq!(world.kernel(client.host).counters().dead_letters(), 1);
    world.finish();
}

fn a_point_that_was_given_away_and_ended_is_a_dead_letter(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let child = client.child(world);
    client.send(world, there, Card::of(child.address));
    let (card, _) = server.expect::<Card>(world);
    child.end(world);
    let host = client.host;
    let dead = move |world: &mut _| {
        let counters = World::kernel(world, host).counters();
        (counters.dead(Undelivered::Ended), counters.dead(Undelivered::Gone))
    };
    server.send(world, card.at, Note { number: 1 });
    world.run_until("the dead letter", |world| dead(world) == (0, 1));
    // However many, they cost the peer nothing.
    for _ in 0..200 {
        server.send(world, card.at, Note { number: 2 });
    }
    world.run_until("the other dead letters", |world| dead(world) == (0, 201));
    client.send(world, there, Note { number: 4 });
    server.expect::<Note>(world);
    world.finish();
}

fn a_peer_is_told_that_a_point_it_was_given_has_ended(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let hello = frames::message(DEFAULT, Some(0), Called::Name("test.Note"), &[], &messages::note(1));
    write_all(world, &mut raw, &hello);
    server.expect::<Accepted>(world);
    let (_, peer) = server.expect::<Note>(world);
    let child = server.child(world);
    child.send(world, peer, Note { number: 2 });
    // From export 1: index 0, generation 0.
    let got = read_until(world, &mut raw, |bytes| world::first_frame(bytes).is_some());
    let expected = frames::message(-1, Some(1), Called::Name("test.Note"), &[], &messages::note(2));
    assert_eq!(got, expected);
    child.end(world);
    // Nobody has asked.
    let got = read_until(world, &mut raw, |bytes| world::first_frame(bytes).is_some());
    assert_eq!(got, frames::gone(1));
    let ask = frames::message(-2, Some(0), Called::Number(0), &[], &messages::note(3));
    write_all(world, &mut raw, &ask);
    world.run_until("the dead letter", |world| world.kernel(host).counters().dead(Undelivered::Gone) == 1);
    // The next point gets the same index and another generation.
    let child = server.child(world);
    child.send(world, peer, Note { number: 4 });
    let got = read_until(world, &mut raw, |bytes| world::first_frame(bytes).is_some());
    let number = (1 << 32) + 1;
    assert_eq!(got, frames::message(-1, Some(number), Called::Number(0), &[], &messages::note(4)));
    write_all(world, &mut raw, &ask);
    world.run_until("the dead letter", |world| world.kernel(host).counters().dead(Undelivered::Gone) == 2);
    raw.close();
    world.finish();
}

fn points_that_come_and_go_are_no_burden(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    // More than the table of exports holds.
    const ROUNDS: u64 = 70;
    const EACH: u64 = 1_000;
    for _ in 0..ROUNDS {
        let children: Vec<Address> = client.act(world, move |cx| {
            (0..EACH)
                .map(|number| cx.create(routine(async move |cx: &mut Routine| cx.send(there, Note { number }))))
                .collect()
        });
        assert_eq!(children.len() as u64, EACH);
        server.wait_for(world, EACH as usize, "a message of each");
        for _ in 0..EACH {
            server.take::<Note>();
        }
        client.completed();
    }
    assert_eq!(world.kernel(client.host).counters().dead(Undelivered::ExportsFull), 0);
    world.finish();
}

fn both_tables_are_empty_when_the_points_have_ended(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    let mut pairs = Vec::new();
    for number in 0..20 {
        let (asks, answers) = (client.child(world), server.child(world));
        asks.send(world, there, Card::of(asks.address));
        let (card, _) = server.expect::<Card>(world);
        answers.send(world, card.at, Note { number });
        asks.expect::<Note>(world);
        pairs.push((asks, answers));
    }
    assert_eq!((world.exports(client.host), world.exports(server.host)), (20, 20));
    for (asks, answers) in pairs {
        asks.end(world);
        answers.end(world);
    }
    world.run_until("both tables to be empty", |world| {
        (world.exports(client.host), world.exports(server.host)) == (0, 0)
    });
    // Nobody had to ask, and the connection goes on.
    client.send(world, there, Note { number: 1 });
    assert_eq!(server.expect::<Note>(world), (Note { number: 1 }, back));
    world.finish();
}

fn never_given_gone_and_full_are_told_apart(world: &mut impl World) {
    const ALL: usize = 65_536;
    let host = world.host();
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let hello = frames::message(DEFAULT, Some(0), Called::Name("test.Note"), &[], &messages::note(1));
    write_all(world, &mut raw, &hello);
    server.expect::<Accepted>(world);
    let (_, peer) = server.expect::<Note>(world);
    let children: Vec<Address> = server.act(world, |cx| {
        let idle = || routine(async |cx: &mut Routine| cx.select::<Stop>().await);
        (0..=ALL).map(|_| cx.create(idle())).collect()
    });
    let dead = |world: &mut _| {
        let counters = World::kernel(world, host).counters();
        [Undelivered::NeverGiven, Undelivered::Gone, Undelivered::ExportsFull].map(|reason| counters.dead(reason))
    };
    // The peer reads on, so that what is sent finds room.
    let give = |world: &mut _, raw: &mut _, addresses: &[Address]| {
        let others: Vec<_> = addresses.iter().map(|address| Some(*address)).collect();
        server.act(world, move |cx| cx.send(peer, Card { at: Address::NONE, others }));
        World::settle(world);
        while Raw::read(raw).is_ok() {}
    };
    for part in children[..ALL].chunks(1_000) {
        give(world, &mut raw, part);
    }
    assert_eq!((world.exports(host), dead(world)), (ALL, [0, 0, 0]));
    // One more does not go into the table, but what is in it can still be told.
    give(world, &mut raw, &children[ALL..]);
    assert_eq!(dead(world), [0, 0, 1]);
    give(world, &mut raw, &children[..1]);
    assert_eq!(dead(world), [0, 0, 1]);
    // The end of one makes room for another.
    let (first, last) = (children[0], children[ALL]);
    server.act(world, move |cx| cx.stop(first));
    world.run_until("the child to end", |world| world.exports(host) == ALL - 1);
    give(world, &mut raw, &[last]);
    assert_eq!((world.exports(host), dead(world)), (ALL, [0, 0, 1]));
    // What was given once and what was never given are different things.
    let ask = |number| frames::message(-1 - number, None, Called::Number(0), &[], &messages::note(2));
    write_all(world, &mut raw, &ask(1));
    world.run_until("the dead letter", |world| dead(world) == [0, 1, 1]);
    write_all(world, &mut raw, &ask(ALL as i64 + 1));
    world.run_until("the dead letter", |world| dead(world) == [1, 1, 1]);
    assert_eq!(world.net_counters(host).refused, 2);
    raw.close();
    world.finish();
}

fn an_address_of_a_connection_that_has_ended_leads_nowhere(world: &mut impl World) {
    let Pair { server, client, at, there, .. } = Pair::new(world);
    let child = server.child(world);
    client.send(world, there, Note { number: 1 });
    let (_, back) = server.expect::<Note>(world);
    server.send(world, back, Card::of(child.address));
    let (card, _) = client.expect::<Card>(world);
    client.send(world, there, Close);
    client.expect::<Closed>(world);
    let again = client.connect(world, at);
    assert_ne!((again, again.near()), (there, there.near()), "an address is never used again");
    // Neither by itself nor in a message does the old address lead anywhere.
    client.send(world, card.at, Note { number: 2 });
    client.send(world, again, Card::of(card.at));
    client.send(world, again, Note { number: 3 });
    server.expect::<Abandoned>(world);
    server.expect::<Accepted>(world);
    while let Some(name) = {
        server.wait_for(world, 1, "what is sent anew");
        server.names().first().cloned()
    } {
        if name == Note::NAME {
            break;
        }
        let (card, _) = server.take::<Card>();
        let before = world.kernel(client.host).counters().clone();
        server.send(world, card.at, Note { number: 4 });
        let host = client.host;
        world.run_until("a dead letter", |world| world.kernel(host).counters().dead_letters() != before.dead_letters());
    }
    assert_eq!(server.expect::<Note>(world).0.number, 3);
    assert_eq!(child.waiting(), 0);
    world.finish();
}

/// The peer guesses: each number that it was not given is refused, and a hundred of them end the connection.
fn a_peer_reaches_only_what_it_was_given(world: &mut impl World) {
    let host = world.host_with(Limits::default(), NetSettings { refusals: 10, ..NetSettings::default() });
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let _private: Vec<Puppet> = (0..20).map(|_| server.child(world)).collect();
    let mut raw = world.dial(at);
    write_all(world, &mut raw, &frames::message(DEFAULT, None, Called::Name("test.Note"), &[], &messages::note(0)));
    server.expect::<Accepted>(world);
    server.expect::<Note>(world);
    for number in 1..10 {
        write_all(world, &mut raw, &frames::message(-1 - number, None, Called::Number(0), &[], &messages::note(1)));
    }
    // A message to the right target that mentions a wrong address is the tenth.
    world.run_until("nine refusals", |world| world.net_counters(host).refused == 9);
    assert_eq!(server.waiting(), 0);
    write_all(world, &mut raw, &frames::message(DEFAULT, None, Called::Number(0), &[-30], &messages::note(2)));
    let (abandoned, _) = server.expect::<Abandoned>(world);
    assert_eq!(abandoned.reason, statepoint::Ended::TooManyRefused);
    assert_eq!(world.kernel(host).counters().dead(Undelivered::NeverGiven), 10);
    raw.close();
    world.finish();
}

/// Otherwise it could make two points of this process answer each other for ever.
fn a_peer_speaks_in_nobody_elses_name(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let hello = frames::message(DEFAULT, Some(0), Called::Name("test.Note"), &[], &messages::note(1));
    write_all(world, &mut raw, &hello);
    server.expect::<Accepted>(world);
    let (_, peer) = server.expect::<Note>(world);
    let child = server.child(world);
    child.send(world, peer, Note { number: 2 });
    read_until(world, &mut raw, |bytes| world::first_frame(bytes).is_some());
    // The point that was given, the server itself, nobody, and its own name. Whatever it says, it is the peer that has spoken.
    for from in [Some(-2), Some(-1), None, Some(0)] {
        write_all(world, &mut raw, &frames::message(DEFAULT, from, Called::Number(0), &[], &messages::note(3)));
        assert_eq!(server.expect::<Note>(world).1, peer, "in the name of {from:?}");
    }
    // Somebody behind another connection, who was made known to it.
    let mut bob = world.dial(at);
    write_all(world, &mut bob, &hello);
    server.expect::<Accepted>(world);
    let (_, other) = server.expect::<Note>(world);
    server.act(world, move |cx| cx.send_as(other, peer, Note { number: 4 }));
    read_until(world, &mut raw, |bytes| world::first_frame(bytes).is_some());
    for number in 2..10 {
        write_all(
            world,
            &mut raw,
            &frames::message(DEFAULT, Some(-number), Called::Number(0), &[], &messages::note(5)),
        );
    }
    let refused = |world: &mut _| -> u64 { World::net_counters(world, host).refused };
    world.run_until("all of them to be taken or refused", |world| server.waiting() as u64 + refused(world) == 8);
    while server.waiting() > 0 {
        assert_eq!(server.take::<Note>().1, peer, "not {other}");
    }
    bob.close();
    raw.close();
    world.finish();
}
