//! Peers that read more slowly than messages are sent to them.

use statepoint::prelude::*;
use statepoint::wire::Marks;
use statepoint::{Ended, Limits, NetSettings, Undelivered};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Bulk, Note};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::world::{HostId, Raw, World, read_to_end, say_goodbye, write_all};

scenarios!(
    a_sender_that_is_too_fast_is_told_and_told_again_when_the_peer_has_caught_up,
    congestion_that_comes_and_goes_is_told_in_turn,
    one_message_that_fills_the_output_is_congestion_too,
    a_peer_that_never_reads_is_cut_before_it_costs_much,
    a_peer_that_reads_slowly_holds_nobody_else_up,
    a_peer_that_is_too_slow_gets_nothing_more,
    a_peer_whose_messages_nobody_opens_is_not_read,
    who_goes_while_nobody_reads_him_is_gone_at_once,
);

const MARKS: Marks = Marks { clear: 50_000, soft: 200_000, hard: 1_000_000 };
/// What the buffers of two systems hold, and more.
const BUFFERS: usize = 16 << 20;

fn host_with(world: &mut impl World, marks: Marks) -> HostId {
    world.host_with(Limits::default(), NetSettings { marks, ..NetSettings::default() })
}

/// A server with small marks, and somebody who speaks bytes to it and does not read.
fn with_raw<W: World>(world: &mut W, marks: Marks) -> (Puppet, W::Raw, Address) {
    let host = host_with(world, marks);
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let (raw, back) = join(world, &server, at);
    (server, raw, back)
}

fn join<W: World>(world: &mut W, server: &Puppet, at: std::net::SocketAddr) -> (W::Raw, Address) {
    let mut raw = world.dial(at);
    let hello = frames::message(DEFAULT, Some(0), Called::Name(Note::NAME), &[], &messages::note(0));
    write_all(world, &mut raw, &hello);
    server.pick::<Accepted>(world);
    let (_, back) = server.pick::<Note>(world);
    (raw, back)
}

/// Sends until the sender is told that it is too fast; how many messages of 10,000 bytes that took.
fn congest(world: &mut impl World, server: &Puppet, back: Address) -> u64 {
    let mut sent = 0;
    while server.count::<Congested>() == 0 {
        server.act(world, move |cx| cx.send(back, Bulk::new(sent, 10_000)));
        sent += 1;
        assert!(sent < 10_000, "expected to be told of congestion, {sent} messages are sent");
        world.nudge();
    }
    sent
}

fn a_sender_that_is_too_fast_is_told_and_told_again_when_the_peer_has_caught_up(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, MARKS);
    let sent = congest(world, &server, back);
    let (congested, from) = server.expect::<Congested>(world);
    assert_eq!(from, back);
    assert!(congested.waiting >= MARKS.soft && congested.waiting < MARKS.hard, "{congested:?}");
    world.settle();
    // The system may make room for more, though nobody reads: then it is relieved already.
    assert_eq!(server.count::<Congested>(), 0, "it is told once");
    let mut got = 0;
    world.run_until("the peer to catch up", |_| {
        got += raw.read().map_or(0, |bytes| bytes.len());
        server.waiting() > 0
    });
    assert_eq!(server.expect::<Relieved>(world).1, back);
    server.send(world, back, Close);
    let (rest, was_reset) = read_to_end(world, &mut raw);
    assert!(!was_reset && got + rest.len() > sent as usize * 10_000, "all of it arrives");
    say_goodbye(world, &mut raw);
    assert_eq!(server.expect::<Closed>(world).0.reason, Ended::ByUs);
    world.finish();
}

fn congestion_that_comes_and_goes_is_told_in_turn(world: &mut impl World) {
    let (server, client) = (host_with(world, MARKS), world.host());
    let Pair { server, client, back, .. } = Pair::on(world, server, client);
    for round in 0..5 {
        server.act(world, move |cx| (0..8).for_each(|number| cx.send(back, Bulk::new(8 * round + number, 100_000))));
        assert_eq!(server.expect::<Congested>(world).1, back);
        assert_eq!(server.expect::<Relieved>(world).1, back);
        for number in 0..8 {
            assert_eq!(client.expect::<Bulk>(world).0.number, 8 * round + number);
        }
    }
    assert_eq!((server.waiting(), client.waiting()), (0, 0));
    world.finish();
}

/// From normal to full in one step.
fn one_message_that_fills_the_output_is_congestion_too(world: &mut impl World) {
    let server = host_with(world, Marks { clear: 10_000, soft: 20_000, hard: 30_000 });
    let client = world.host();
    let Pair { server, client, back, .. } = Pair::on(world, server, client);
    server.act(world, move |cx| cx.send(back, Bulk::new(1, 500_000)));
    client.expect::<Bulk>(world);
    server.expect::<Congested>(world);
    server.expect::<Relieved>(world);
    world.finish();
}

fn a_peer_that_never_reads_is_cut_before_it_costs_much(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, MARKS);
    let mut sent = congest(world, &server, back);
    while server.count::<Abandoned>() == 0 {
        server.act(world, move |cx| (0..10).for_each(|number| cx.send(back, Bulk::new(number, 10_000))));
        sent += 10;
        assert!(sent < 10_000, "expected the peer to be cut, {sent} messages are sent");
    }
    let (abandoned, from) = server.pick::<Abandoned>(world);
    assert_eq!((abandoned.reason, from), (Ended::TooSlow, back));
    // The system's own buffers grow as they fill, which looks as if the peer read.
    let told = server.count::<Congested>() + server.count::<Relieved>();
    assert_eq!(server.waiting(), told, "the end is told once");
    let host = server.host;
    let taken = world.net_counters(host).sent as usize * 10_000;
    assert!(taken <= MARKS.hard + BUFFERS, "{taken} bytes were taken for a peer that never reads");
    let dead = world.kernel(host).counters().clone();
    assert_eq!(dead.dead(Undelivered::Congested), 1, "the one that was too much");
    world.run_until("the socket to close", |world| world.sockets(host) == 1);
    read_to_end(world, &mut raw);
    raw.close();
    world.finish();
}

fn a_peer_that_reads_slowly_holds_nobody_else_up(world: &mut impl World) {
    let host = host_with(world, MARKS);
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let (slow, back) = join(world, &server, at);
    congest(world, &server, back);
    let other = world.host();
    let client = Puppet::new(world, other);
    let there = client.connect(world, at);
    server.pick::<Accepted>(world);
    for number in 0..100 {
        client.send(world, there, Note { number });
        let (note, from) = server.pick::<Note>(world);
        server.send(world, from, note);
        client.expect::<Note>(world);
    }
    slow.close();
    server.pick::<Abandoned>(world);
    world.finish();
}

fn a_peer_that_is_too_slow_gets_nothing_more(world: &mut impl World) {
    let (server, raw, back) = with_raw(world, MARKS);
    // All in one handler: nothing of it is written before it is too much.
    server.act(world, move |cx| (0..300).for_each(|number| cx.send(back, Bulk::new(number, 10_000))));
    server.expect::<Congested>(world);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::TooSlow);
    let counters = world.kernel(server.host).counters().clone();
    assert_eq!(counters.dead(Undelivered::Congested), 1);
    assert!(counters.dead(Undelivered::Disconnected) + counters.dead(Undelivered::Ended) >= 195, "{counters:?}");
    raw.close();
    world.finish();
}

/// The receiver keeps them as they came. Memory is bounded, somebody else is read, and nothing is lost.
fn a_peer_whose_messages_nobody_opens_is_not_read(world: &mut impl World) {
    const LIMIT: usize = 100_000;
    let settings = NetSettings { unopened: LIMIT, ..NetSettings::default() };
    let here = world.host_with(Limits::default(), settings);
    let there = world.host();
    let Pair { server, client, at, there, .. } = Pair::on(world, here, there);
    client.act(world, move |cx| (0..40).for_each(|number| cx.send(there, Bulk::new(number, 300_000))));
    let elsewhere = world.host();
    let other = Puppet::new(world, elsewhere);
    let door = other.connect(world, at);
    server.pick::<Accepted>(world);
    other.send(world, door, Note { number: 7 });
    let mut taken = 0;
    // The note comes by; of the rest there is never much more than one read behind the limit.
    assert_eq!(server.pick::<Note>(world).0.number, 7);
    while taken < 40 {
        world.settle();
        assert!(
            server.count::<Bulk>() <= 2,
            "{} of 300,000 bytes wait, with a limit of {LIMIT}",
            server.count::<Bulk>()
        );
        assert_eq!(server.pick::<Bulk>(world).0.number, taken);
        taken += 1;
    }
    world.finish();
}

/// Neither is the end of the connection read then. But the system says of a reset without being read.
fn who_goes_while_nobody_reads_him_is_gone_at_once<W: World>(world: &mut W) {
    let settings = NetSettings { unopened: 100_000, ..NetSettings::default() };
    let host = world.host_with(Limits::default(), settings);
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let (mut raw, back) = join(world, &server, at);
    let body = [&b"\xC6\x00\x02\x00\x00"[..], &[0; 128 * 1024]].concat();
    let large = frames::message(DEFAULT, None, Called::Name("test.Large"), &[], &body);
    write_all(world, &mut raw, &large);
    server.wait_for(world, 1, "the large message");
    // Who closes and has not read all resets.
    server.send(world, back, Note { number: 1 });
    write_all(world, &mut raw, &large[..1_000]);
    world.settle();
    raw.close();
    let (abandoned, _) = server.pick::<Abandoned>(world);
    assert_eq!((abandoned.reason, server.names()), (Ended::Reset, vec!["test.Large".to_owned()]));
    world.run_until("the socket to close", |world| world.sockets(host) == 1);
    world.finish();
}
