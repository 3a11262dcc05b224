//! Messages over a connection.

use statepoint::prelude::*;
use statepoint::{Limits, NetCounters, NetSettings, Undelivered};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Bulk, Note, Secret};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::world::{Raw, World, write_all};

scenarios!(
    messages_go_both_ways_and_their_sender_is_the_far_end,
    a_reply_to_a_child_arrives_at_the_child,
    any_point_may_send_to_a_far_end,
    the_order_is_kept_for_each_pair,
    several_conversations_share_a_connection,
    large_and_small_messages_keep_their_order,
    a_local_message_does_not_leave,
    a_message_that_is_too_large_is_lost_alone,
    a_message_after_the_end_is_a_dead_letter,
    a_peer_that_sends_faster_than_is_handled_loses_nothing,
    a_message_that_no_cell_takes_is_told_by_the_receiver,
    a_message_to_oneself_by_way_of_the_peer_comes_back,
    any_point_learns_what_was_counted,
);

fn messages_go_both_ways_and_their_sender_is_the_far_end(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    assert_eq!((there.near().is_far(), there.far(), back.far()), (false, 1, 1));
    for number in 0..10 {
        client.send(world, there, Note { number });
        // The client's proxy target is the client, so its own address is the far end's default.
        assert_eq!(server.expect::<Note>(world), (Note { number }, back));
        server.send(world, back, Note { number: number + 100 });
        assert_eq!(client.expect::<Note>(world), (Note { number: number + 100 }, there));
    }
    let counters = [&server, &client].map(|puppet| world.net_counters(puppet.host));
    assert!(counters.iter().all(|counters| (counters.sent, counters.received) == (10, 10)), "{counters:?}");
    world.finish();
}

fn a_reply_to_a_child_arrives_at_the_child(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    let child = client.child(world);
    child.send(world, there, Note { number: 1 });
    let (_, from) = server.expect::<Note>(world);
    assert!(from.is_far() && from != back && from.near() == back.near(), "{from} beside {back}");
    server.send(world, from, Note { number: 2 });
    assert_eq!(child.expect::<Note>(world), (Note { number: 2 }, there));
    assert_eq!(client.names(), [""; 0]);
    world.finish();
}

fn any_point_may_send_to_a_far_end(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let stranger = Puppet::new(world, client.host);
    let grandchild = client.child(world).child(world);
    for puppet in [&stranger, &grandchild] {
        puppet.send(world, there, Note { number: 1 });
        let (_, from) = server.expect::<Note>(world);
        server.send(world, from, Note { number: 2 });
        assert_eq!(puppet.expect::<Note>(world).1, there);
    }
    world.finish();
}

fn the_order_is_kept_for_each_pair(world: &mut impl World) {
    const EACH: u64 = 2_000;
    let Pair { server, client, there, .. } = Pair::new(world);
    let senders: Vec<Puppet> = (0..4).map(|_| client.child(world)).collect();
    for (sender, puppet) in (0..).zip(&senders) {
        puppet.soon(world, move |cx| (0..EACH).for_each(|n| cx.send(there, Note { number: sender * EACH + n })));
    }
    server.wait_for(world, 4 * EACH as usize, "all messages to arrive");
    let mut next: Vec<u64> = (0..4).map(|sender| sender * EACH).collect();
    let mut from = [Address::NONE; 4];
    for _ in 0..4 * EACH {
        let (note, sender) = server.take::<Note>();
        let index = (note.number / EACH) as usize;
        assert_eq!(note.number, next[index], "of sender {index}");
        next[index] += 1;
        assert!(from[index].is_none() || from[index] == sender, "a sender has one address");
        from[index] = sender;
    }
    world.finish();
}

fn several_conversations_share_a_connection(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let mut pairs = Vec::new();
    for number in 0..20 {
        let (asks, answers) = (client.child(world), server.child(world));
        // Each child of the client gets to know a child of the server.
        asks.send(world, there, Note { number });
        let (_, asker) = server.expect::<Note>(world);
        answers.send(world, asker, Note { number });
        let (note, answerer) = asks.expect::<Note>(world);
        assert_eq!(note.number, number);
        pairs.push((asks, answers, answerer));
    }
    for (asks, _, answerer) in &pairs {
        asks.send(world, *answerer, Note { number: 7 });
    }
    for (asks, answers, answerer) in &pairs {
        let (_, asker) = answers.expect::<Note>(world);
        answers.send(world, asker, Note { number: 8 });
        assert_eq!(asks.expect::<Note>(world), (Note { number: 8 }, *answerer));
    }
    assert_eq!((server.waiting(), client.waiting()), (0, 0), "what names an address goes there alone");
    assert_eq!((world.sockets(client.host), world.sockets(server.host)), (1, 2));
    world.finish();
}

fn large_and_small_messages_keep_their_order(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let sizes = [0, 1, 70_000, 3, 300_000, 65_536, 65_535, 1_000_000, 2];
    client.soon(world, move |cx| {
        for (number, size) in (0..).zip(sizes) {
            cx.send(there, Bulk::new(number, size));
        }
    });
    for (number, size) in (0..).zip(sizes) {
        assert_eq!(server.expect::<Bulk>(world).0, Bulk::new(number, size));
    }
    world.finish();
}

fn a_local_message_does_not_leave(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.soon(world, move |cx| {
        cx.send(there, Secret);
        cx.send(there, Stop);
        cx.send(there, Note { number: 1 });
    });
    server.expect::<Note>(world);
    assert_eq!(world.kernel(client.host).counters().dead(Undelivered::LocalOnly), 2);
    assert!(world.kernel(server.host).is_alive(server.address), "no peer can stop a point");
    assert!(world.warnings().iter().any(|line| line.contains("Secret") && line.contains("cannot leave its process")));
    world.finish();
}

fn a_message_that_is_too_large_is_lost_alone(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.soon(world, move |cx| {
        cx.send(there, Bulk::new(1, 2 << 20));
        cx.send(there, Note { number: 1 });
    });
    server.expect::<Note>(world);
    assert_eq!(world.kernel(client.host).counters().dead(Undelivered::TooLarge), 1);
    world.finish();
}

fn a_message_after_the_end_is_a_dead_letter(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    client.send(world, there, Close);
    client.expect::<Closed>(world);
    server.expect::<Abandoned>(world);
    for (puppet, far) in [(&client, there), (&server, back)] {
        let host = puppet.host;
        let dead = |world: &mut _| {
            let counters = World::kernel(world, host).counters();
            counters.dead(Undelivered::Ended) + counters.dead(Undelivered::Disconnected)
        };
        let before = dead(world);
        puppet.act(world, move |cx| cx.send(far, Note { number: 1 }));
        world.run_until("the dead letter", |world| dead(world) == before + 1);
        puppet.act(world, move |cx| cx.send(far, Close));
        world.run_until("the dead letter", |world| dead(world) == before + 2);
        assert_eq!(puppet.names(), [""; 0]);
    }
    world.finish();
}

/// Reading is faster than handling. A driver that reads on while its points have much to do would lose messages: a point
/// has room for 65,536.
fn a_peer_that_sends_faster_than_is_handled_loses_nothing(world: &mut impl World) {
    const COUNT: u64 = 150_000;
    // The puppet keeps them all.
    let host = world.host_with(Limits::default(), NetSettings { unopened: usize::MAX, ..NetSettings::default() });
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let mut bytes = Vec::new();
    for number in 0..COUNT {
        let called = if number == 0 { Called::Name(Note::NAME) } else { Called::Number(0) };
        bytes.extend(frames::message(DEFAULT, None, called, &[], &messages::note(number as i64)));
    }
    write_all(world, &mut raw, &bytes);
    server.expect::<Accepted>(world);
    world.run_until("all messages to arrive or to be lost", |world| {
        let lost = world.kernel(host).counters().dead_letters();
        server.waiting() as u64 + lost >= COUNT
    });
    assert_eq!(world.kernel(host).counters().dead(Undelivered::Overflow), 0);
    assert!((0..COUNT).all(|number| server.take::<Note>().0.number == number));
    raw.close();
    world.finish();
}

fn a_message_that_no_cell_takes_is_told_by_the_receiver(world: &mut impl World) {
    struct Deaf;
    #[state_machine]
    impl Deaf {
        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Aborted)
        }
    }
    let Pair { server, client, there, back, .. } = Pair::new(world);
    let deaf = server.act(world, |cx| cx.create(Deaf));
    server.send(world, back, crate::messages::Card::of(deaf));
    let (card, _) = client.expect::<crate::messages::Card>(world);
    client.soon(world, move |cx| {
        cx.send(card.at, Note { number: 1 });
        cx.send(there, Note { number: 2 });
    });
    server.expect::<Note>(world);
    let host = server.host;
    world.run_until("the message to be unknown", |world| world.kernel(host).counters().unknown == 1);
    let warnings = world.warnings();
    assert!(warnings.iter().any(|line| line.contains("Deaf") && line.contains("Unknown Note")), "{warnings:?}");
}

fn a_message_to_oneself_by_way_of_the_peer_comes_back(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    let child = client.child(world);
    // The server passes on to whom it was told, with the sender unchanged: that is the child itself.
    child.send(world, there, Note { number: 1 });
    let (note, from) = server.expect::<Note>(world);
    server.soon(world, move |cx| cx.send_as(from, from, note));
    let (note, from) = child.expect::<Note>(world);
    // An address that comes home is the original, but nobody beyond a connection speaks in its name: it is the peer that speaks.
    assert_eq!((note.number, from), (1, there));
    world.finish();
}

fn any_point_learns_what_was_counted(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.send(world, there, Note { number: 1 });
    server.expect::<Note>(world);
    let puppet = server.child(world);
    let handled = puppet.act(world, |cx| {
        cx.ask_net_counters();
        cx.counters().handled
    });
    let (counters, from) = puppet.expect::<NetCounters>(world);
    assert_eq!((counters.accepted, counters.received, counters.ended, from), (1, 1, 0, Address::DRIVER));
    assert!(handled > 0 && handled < world.kernel(server.host).counters().handled);
    world.finish();
}
