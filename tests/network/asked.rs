//! Peers that are asked whether they are there: who lives and reads slowly, or is not read or does not read just now, and who
//! has vanished.

use std::time::{Duration, Instant};

use statepoint::prelude::*;
use statepoint::sim::Faults;
use statepoint::{Ended, Limits, Moment, NetSettings};

use crate::frames::{self, Called, DEFAULT};
use crate::loopback::Loopback;
use crate::messages::{self, Bulk, Note};
use crate::puppet::Puppet;
use crate::simulated::{SimRaw, Simulated};
use crate::world::{Raw, World, read_until, write_all};

const SECOND: Duration = Duration::from_secs(1);
/// The record with which a peer is asked whether it is there, without the question itself.
const ASKED: &[u8] = b"\0\0\0\x09\x01";

/// A network in which both systems together hold so much of what one end has sent and the other has not read.
fn holding(buffers: usize) -> Simulated {
    let latency_least = Duration::from_millis(1);
    Simulated::with(1, Faults { latency_least, buffer_least: buffers, buffer_most: buffers, ..Faults::default() })
}

/// A server that asks those of which nothing has come for a second, somebody who speaks bytes to it, and his address.
fn asking(world: &mut Simulated) -> (Puppet, SimRaw, Address) {
    let (server, raw, back, _) = asking_since(world);
    (server, raw, back)
}

/// The same, and when the connection was opened.
fn asking_since(world: &mut Simulated) -> (Puppet, SimRaw, Address, Moment) {
    let here = world.host();
    let (server, own) = (Puppet::new(world, here), world.own(here));
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).check_every(SECOND));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let raw = world.dial(at);
    let (accepted, back) = server.expect::<Accepted>(world);
    (server, raw, back, accepted.at)
}

/// Has the server do something at this moment, before it looks whether anybody is silent.
fn just_before(world: &mut Simulated, server: &Puppet, at: Moment, task: impl FnOnce(&mut Context) + 'static) {
    world.pass(at - world.simulation.now() - SECOND / 1_000);
    world.net().advance(at);
    server.soon(world, task);
}

/// Reads at this pace, and answers what it is asked, until so much has come or the server has given it up; how much came.
fn read_slowly(world: &mut Simulated, server: &Puppet, raw: &mut SimRaw, pace: Duration, enough: usize) -> usize {
    let (mut got, mut tail) = (0, Vec::new());
    while got < enough && server.count::<Abandoned>() == 0 {
        world.pass(pace);
        let Ok(bytes) = raw.read() else { continue };
        got += bytes.len();
        tail.extend(bytes);
        while let Some(at) = tail.windows(ASKED.len() + 8).position(|part| part.starts_with(ASKED)) {
            let answer = [b"\0\0\0\x09\x02", &tail[at + ASKED.len()..at + ASKED.len() + 8]].concat();
            assert!(matches!(raw.write(&answer), Ok(13)), "room for an answer");
            tail.drain(..at + ASKED.len() + 8);
        }
        tail.drain(..tail.len().saturating_sub(ASKED.len() + 8));
    }
    got
}

/// A question would stand behind all that waits, and it takes 16 seconds to read that.
#[test]
fn a_peer_that_reads_slowly_is_there() {
    let world = &mut holding(64 << 10);
    let (server, mut raw, back) = asking(world);
    server.act(world, move |cx| (0..100).for_each(|number| cx.send(back, Bulk::new(number, 100_000))));
    let got = read_slowly(world, &server, &mut raw, Duration::from_millis(100), 10_000_000);
    assert!(got >= 10_000_000, "{got} bytes were read: {:?}", server.names());
    raw.close();
    world.finish();
}

/// All that waits lies in the buffers of the systems, and it takes a minute to read that.
#[test]
fn a_peer_that_reads_slowly_what_the_systems_hold_is_there() {
    let world = &mut holding(8 << 20);
    let (server, mut raw, back) = asking(world);
    server.act(world, move |cx| (0..70).for_each(|number| cx.send(back, Bulk::new(number, 100_000))));
    let got = read_slowly(world, &server, &mut raw, Duration::from_millis(600), 7_000_000);
    assert!(got >= 7_000_000, "{got} bytes were read: {:?}", server.names());
    world.pass(SECOND);
    assert_eq!(server.count::<Abandoned>(), 0);
    raw.close();
    world.finish();
}

/// It is still being given to the system when the peer should be asked.
#[test]
fn a_peer_that_is_sent_much_when_it_should_be_asked_is_there() {
    let world = &mut holding(8 << 20);
    let (server, mut raw, back, opened) = asking_since(world);
    just_before(world, &server, opened + SECOND, move |cx| {
        (0..70).for_each(|number| cx.send(back, Bulk::new(number, 100_000)));
    });
    let got = read_slowly(world, &server, &mut raw, Duration::from_millis(600), 7_000_000);
    assert!(got >= 7_000_000, "{got} bytes were read: {:?}", server.names());
    raw.close();
    world.finish();
}

/// How long it takes to find out that there is nobody.
fn found_out(world: &mut Simulated, server: &Puppet) -> Duration {
    let began = world.simulation.now();
    while server.count::<Abandoned>() == 0 {
        assert!(world.simulation.now() - began < 600 * SECOND, "it is never found out");
        world.pass(SECOND / 10);
    }
    let (abandoned, _) = server.pick::<Abandoned>(world);
    assert_eq!(abandoned.reason, Ended::Silent);
    abandoned.at - began
}

#[test]
fn a_peer_that_takes_nothing_of_what_waits_is_silent() {
    let world = &mut holding(64 << 10);
    let (server, raw, back) = asking(world);
    world.pass(SECOND / 2);
    server.act(world, move |cx| (0..100).for_each(|number| cx.send(back, Bulk::new(number, 100_000))));
    let took = found_out(world, &server);
    assert!(took >= 5 * SECOND && took < 7 * SECOND, "{took:?}");
    raw.close();
    world.leave_nothing();
}

/// It may take as long as a slow peer takes to read what may be under way, 64 KiB a second.
#[test]
fn a_peer_that_vanishes_while_it_reads_slowly_is_found() {
    for (buffers, most) in [(64 << 10, 7), (8 << 20, 262), (64 << 20, 262)] {
        let world = &mut holding(buffers);
        let (server, mut raw, back) = asking(world);
        for _ in 0..4 {
            server.act(world, move |cx| (0..70).for_each(|number| cx.send(back, Bulk::new(number, 100_000))));
            read_slowly(world, &server, &mut raw, Duration::from_millis(10), 5_000_000);
        }
        let took = found_out(world, &server);
        assert!(took < most * SECOND, "{buffers}: {took:?}");
        raw.close();
        world.leave_nothing();
    }
}

/// What one says to somebody who has vanished lies in one's own system. That is no sign of life.
#[test]
fn a_peer_that_has_vanished_is_found_though_one_talks_to_it_all_the_time() {
    let world = &mut holding(1 << 20);
    let (server, raw, back) = asking(world);
    for number in 0..20 {
        let each_half_second = SECOND / 2 * number;
        server.after(world, each_half_second, move |cx| cx.send(back, Note { number: u64::from(number) }));
    }
    let took = found_out(world, &server);
    assert!(took < 7 * SECOND, "{took:?}");
    raw.close();
    world.leave_nothing();
}

#[test]
fn a_peer_that_has_vanished_is_found_though_one_talks_to_it_whenever_it_should_be_asked() {
    let world = &mut holding(1 << 20);
    let (server, raw, back, opened) = asking_since(world);
    for seconds in [1, 6, 11, 16] {
        if server.count::<Abandoned>() == 0 {
            just_before(world, &server, opened + seconds * SECOND, move |cx| cx.send(back, Note { number: 1 }));
            world.pass(SECOND);
        }
    }
    let (abandoned, _) = server.expect::<Abandoned>(world);
    assert!(abandoned.at - opened < 7 * SECOND, "{:?}", abandoned.at - opened);
    raw.close();
    world.leave_nothing();
}

/// A client that asks, and a server that does not read it any more: it keeps more unopened than it may.
fn asking_a_busy_one(world: &mut Simulated) -> (Puppet, Puppet) {
    let settings = NetSettings { unopened: 1, ..NetSettings::default() };
    let (here, there) = (world.host_with(Limits::default(), settings), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    client.soon(world, move |cx| {
        cx.connect(Connect::to(at).check_every(10 * SECOND));
    });
    let (_, far) = client.expect::<Connected>(world);
    server.expect::<Accepted>(world);
    client.act(world, move |cx| (0..3).for_each(|number| cx.send(far, Bulk::new(number, 100_000))));
    (server, client)
}

#[test]
fn a_peer_that_does_not_read_because_too_much_waits_there_shows_that_it_is_there() {
    // In the first network something waits at the client, in the second it does not.
    for buffers in [64 << 10, 8 << 20] {
        let world = &mut holding(buffers);
        let (server, client) = asking_a_busy_one(world);
        world.pass(3_600 * SECOND);
        assert_eq!((client.names(), server.names()), (vec![], vec!["test.Bulk".into()]));
        for number in 0..3 {
            assert_eq!(server.expect::<Bulk>(world).0.number, number);
        }
        // It reads again, and has stopped to show itself.
        world.pass(SECOND);
        let before = world.net().trace_hash();
        world.pass(9 * SECOND / 2);
        assert_eq!(world.net().trace_hash(), before);
        world.pass(3_600 * SECOND);
        assert_eq!((client.names(), server.names()), (vec![], vec![]));
        world.finish();
    }
}

#[test]
fn a_peer_that_vanishes_while_too_much_waits_there_is_found() {
    let world = &mut holding(8 << 20);
    let (server, client) = asking_a_busy_one(world);
    world.pass(100 * SECOND);
    world.net().freeze(Simulated::ip(server.host));
    let took = found_out(world, &client);
    assert!(took > 10 * SECOND && took < 25 * SECOND, "{took:?}");
    world.net().thaw(Simulated::ip(server.host));
    for number in 0..3 {
        assert_eq!(server.pick::<Bulk>(world).0.number, number);
    }
    world.finish();
}

/// A server that does not read any more, and somebody who speaks bytes to it. He has said two notes, and only one was read.
fn busy_with_raw(world: &mut Simulated) -> (Puppet, SimRaw) {
    let settings = NetSettings { unopened: 1, ..NetSettings::default() };
    let here = world.host_with(Limits::default(), settings);
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    server.expect::<Accepted>(world);
    let named = frames::message(DEFAULT, Some(0), Called::Name(Note::NAME), &[], &messages::note(1));
    write_all(world, &mut raw, &named);
    world.settle();
    write_all(world, &mut raw, &note(2));
    (server, raw)
}

/// The record of a note, after the first.
fn note(number: i64) -> Vec<u8> {
    frames::message(DEFAULT, Some(0), Called::Number(0), &[], &messages::note(number))
}

#[test]
fn who_shows_that_it_is_there_has_at_most_one_question_waiting() {
    let world = &mut holding(20 * (ASKED.len() + 8));
    let (server, mut raw) = busy_with_raw(world);
    world.pass(600 * SECOND);
    let mut count = 0;
    while let Ok(bytes) = raw.read() {
        count += bytes.len();
        world.pass(SECOND / 100);
    }
    assert!((20..=22).contains(&(count / (ASKED.len() + 8))), "{count} bytes");
    assert_eq!((server.take::<Note>().0.number, server.expect::<Note>(world).0.number), (1, 2));
    raw.close();
    world.leave_nothing();
}

#[test]
fn who_reads_again_takes_the_answers_to_what_it_has_asked_meanwhile() {
    let world = &mut holding(8 << 20);
    let (server, mut raw) = busy_with_raw(world);
    world.pass(100 * SECOND);
    let bytes = raw.read().expect("questions");
    assert_eq!(bytes.len() % (ASKED.len() + 8), 0);
    let count = bytes.len() / (ASKED.len() + 8);
    assert!((45..=50).contains(&count) && bytes.chunks(ASKED.len() + 8).all(|part| part.starts_with(ASKED)), "{count}");
    // Answers to all of them lie there when it reads again.
    for question in bytes.chunks(ASKED.len() + 8) {
        write_all(world, &mut raw, &[b"\0\0\0\x09\x02", &question[ASKED.len()..]].concat());
    }
    assert_eq!((server.take::<Note>().0.number, server.expect::<Note>(world).0.number), (1, 2));
    write_all(world, &mut raw, &note(3));
    assert_eq!(server.expect::<Note>(world).0.number, 3);
    raw.close();
    world.leave_nothing();
}

/// Three seconds pass for real: it is the system that would end the connection, by its own clock. With a limit of twice the time
/// of silence for what the peer does not take, it did so after two.
#[test]
fn the_system_is_content_with_a_peer_that_does_not_read_for_a_while() {
    const ALL: usize = 15_000_000;
    let world = &mut Loopback::default();
    let settings = NetSettings { keep_alive: Some(SECOND), ..NetSettings::default() };
    let here = world.host_with(Limits::default(), settings);
    let server = Puppet::new(world, here);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let (_, back) = server.expect::<Accepted>(world);
    // More than the buffers of both systems hold.
    server.act(world, move |cx| (0..150).for_each(|number| cx.send(back, Bulk::new(number, ALL / 150))));
    server.expect::<Congested>(world);
    let full = Instant::now();
    world.run_until("three seconds", |_| full.elapsed() > 3 * SECOND);
    assert_eq!(server.names(), [""; 0]);
    read_until(world, &mut raw, |bytes| bytes.len() > ALL);
    server.expect::<Relieved>(world);
    server.end(world);
    drop(raw);
    world.finish();
}
