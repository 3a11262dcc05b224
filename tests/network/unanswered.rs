//! How connections end with peers that end their own way: by halves, in the middle of a frame, slowly, or not at all.

use std::time::Duration;

use statepoint::prelude::*;
use statepoint::sim::Faults;
use statepoint::{Ended, Undelivered};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Bulk, Note};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::{Raw, World, read_to_end, read_until, say_goodbye, write_all};

scenarios!(
    a_peer_that_ends_its_direction_gets_what_waits,
    a_peer_that_ends_its_direction_gets_every_answer,
    a_peer_that_ends_in_the_middle_of_a_frame_is_cut_short,
    a_close_in_the_middle_of_the_peers_frame_is_a_close,
    a_peer_in_the_middle_of_a_frame_gets_what_was_sent_before_the_close,
    what_a_peer_sends_after_the_close_is_not_taken,
    a_peer_that_never_answers_a_close_is_cut,
    a_peer_that_reads_after_it_was_cut_gets_what_was_written,
    a_peer_that_never_answers_does_not_hold_the_controllers_end_up,
);

/// A server, and somebody who speaks bytes to it and has said so much.
fn with_raw<W: World>(world: &mut W, bytes: &[u8]) -> (Puppet, W::Raw, Address) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let hello = frames::message(DEFAULT, Some(0), Called::Name(Note::NAME), &[], &messages::note(0));
    write_all(world, &mut raw, &[&hello, bytes].concat());
    server.expect::<Accepted>(world);
    let (_, back) = server.expect::<Note>(world);
    (server, raw, back)
}

fn a_peer_that_ends_its_direction_gets_what_waits(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, &[]);
    // More than the buffers of both systems hold.
    server.act(world, move |cx| (0..15).for_each(|number| cx.send(back, Bulk::new(number, 1_000_000))));
    say_goodbye(world, &mut raw);
    assert_eq!(server.pick::<Abandoned>(world).0.reason, Ended::ByPeer);
    let (bytes, was_reset) = read_to_end(world, &mut raw);
    assert!(bytes.len() > 15_000_000 && !was_reset, "{} bytes", bytes.len());
    let host = server.host;
    world.run_until("the socket to close", |world| world.sockets(host) == 1);
    world.finish();
}

/// Answers every note.
struct Echo(HostPort);

#[state_machine]
impl Echo {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(&self.0);
        Next::STAY
    }
    fn ANY_Accepted(&mut self, _: Accepted) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Listening(&mut self, _: Listening) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
        cx.reply(note);
        Next::STAY
    }
    /// It still speaks to a peer that has said all that it wants.
    fn ANY_Abandoned(&mut self, _: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.reply(Note { number: 0 });
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// More questions than are handled in one turn, and the end right behind them.
fn a_peer_that_ends_its_direction_gets_every_answer(world: &mut impl World) {
    const COUNT: i64 = 5_000;
    let host = world.host();
    // The port is known before somebody listens at it.
    let probe = Puppet::new(world, host);
    let (at, listener) = probe.listen(world);
    probe.act(world, move |cx| cx.stop_listen(listener));
    world.run_until("the port to be free", |world| world.sockets(host) == 0);
    world.create(host, Echo(at.into()));
    world.run_until("the echo to listen", |world| world.sockets(host) == 1);
    let mut raw = world.dial(at);
    let mut bytes = frames::message(DEFAULT, Some(0), Called::Name(Note::NAME), &[], &messages::note(1));
    for number in 2..=COUNT {
        bytes.extend(frames::message(DEFAULT, Some(0), Called::Number(0), &[], &messages::note(number)));
    }
    bytes.extend(frames::GOODBYE);
    write_all(world, &mut raw, &bytes);
    raw.shutdown();
    let (mut bytes, was_reset) = read_to_end(world, &mut raw);
    assert!(!was_reset && bytes.ends_with(frames::GOODBYE), "the answer to the goodbye comes last");
    let answers = frames::frames_of(&mut bytes);
    assert_eq!(answers.len() as i64, COUNT);
    assert!(answers.last().is_some_and(|last| last.ends_with(&messages::note(COUNT))));
    assert_eq!(
        world.kernel(host).counters().dead(Undelivered::Disconnected),
        1,
        "what is said to a peer whose end is known"
    );
    raw.close();
    world.finish();
}

fn a_peer_that_ends_in_the_middle_of_a_frame_is_cut_short(world: &mut impl World) {
    for bytes in [&[0][..], &[0, 0, 0, 9], &[0, 0, 0, 9, 0]] {
        let (server, mut raw, back) = with_raw(world, bytes);
        raw.shutdown();
        let (abandoned, from) = server.expect::<Abandoned>(world);
        assert_eq!((abandoned.reason, from), (Ended::CutShort, back));
        read_to_end(world, &mut raw);
        raw.close();
    }
    world.finish();
}

fn a_close_in_the_middle_of_the_peers_frame_is_a_close(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, &[0, 0, 0, 9, 0]);
    world.settle();
    server.send(world, back, Close);
    let (bytes, was_reset) = read_to_end(world, &mut raw);
    assert_eq!((&*bytes, was_reset), (frames::GOODBYE, false));
    write_all(world, &mut raw, &[0xFF; 8]); // the rest of the frame
    say_goodbye(world, &mut raw);
    assert_eq!(server.expect::<Closed>(world).0.reason, Ended::ByUs);
    raw.close();
    world.finish();
}

pub(crate) fn a_peer_in_the_middle_of_a_frame_gets_what_was_sent_before_the_close(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, &[0, 0, 0, 9, 0]);
    world.settle();
    server.act(world, move |cx| {
        (0..15).for_each(|number| cx.send(back, Bulk::new(number, 1_000_000)));
        cx.send(back, Close);
    });
    raw.shutdown();
    world.settle();
    let (bytes, was_reset) = read_to_end(world, &mut raw);
    assert!(bytes.len() > 15_000_000 && !was_reset, "{} bytes", bytes.len());
    // It may have got them all. But somebody on the way who cuts a stream looks the same.
    assert_eq!(server.pick::<Closed>(world).0.reason, Ended::CutShort);
    world.finish();
}

fn what_a_peer_sends_after_the_close_is_not_taken(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, &[]);
    server.send(world, back, Close);
    read_to_end(world, &mut raw);
    let note = frames::message(DEFAULT, Some(0), Called::Number(0), &[], &messages::note(1));
    write_all(world, &mut raw, &note);
    write_all(world, &mut raw, &frames::framed(b"not even a frame, and nobody looks"));
    say_goodbye(world, &mut raw);
    assert_eq!(server.expect::<Closed>(world).0.reason, Ended::ByUs);
    assert_eq!((server.waiting(), world.net_counters(server.host).protocol_errors), (0, 0));
    raw.close();
    world.finish();
}

fn a_peer_that_never_answers_a_close_is_cut(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, &[]);
    let began = server.act(world, move |cx| {
        cx.send(back, Note { number: 1 });
        cx.send(back, Close);
        cx.now()
    });
    let expected = [&frames::message(-1, Some(0), Called::Name(Note::NAME), &[], &messages::note(1)), frames::GOODBYE];
    read_until(world, &mut raw, |bytes| bytes == expected.concat());
    let (closed, _) = server.expect::<Closed>(world);
    assert_eq!(closed.reason, Ended::NoAnswer);
    let took = closed.at - began;
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(4), "{took:?}");
    let host = server.host;
    world.run_until("the socket to close", |world| world.sockets(host) == 1);
    world.run_until("the peer to notice that it was cut", |_| {
        Raw::write(&mut raw, b"x").is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
    });
    raw.close();
    world.finish();
}

/// The system has it, and delivers it.
fn a_peer_that_reads_after_it_was_cut_gets_what_was_written(world: &mut impl World) {
    let (server, mut raw, back) = with_raw(world, &[]);
    server.act(world, move |cx| {
        cx.send(back, Bulk::new(1, 1_500));
        cx.send(back, Close);
    });
    assert_eq!(server.expect::<Closed>(world).0.reason, Ended::NoAnswer);
    let (bytes, was_reset) = read_to_end(world, &mut raw);
    assert!(bytes.len() > 1_500 && !was_reset, "{} bytes", bytes.len());
    raw.close();
    world.finish();
}

fn a_peer_that_never_answers_does_not_hold_the_controllers_end_up(world: &mut impl World) {
    let (server, raw, back) = with_raw(world, &[]);
    let host = server.host;
    // It does not even read.
    server.act(world, move |cx| (0..14).for_each(|number| cx.send(back, Bulk::new(number, 1_000_000))));
    server.stop(world);
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    assert_eq!((world.sockets(host), world.kernel(host).counters().dropped), (0, 0));
    raw.close();
    world.finish();
}

/// A network over which what waits takes many times as long as a peer has to answer a close.
fn slow() -> Simulated {
    let latency_least = Duration::from_millis(200);
    Simulated::with(1, Faults { latency_least, buffer_least: 4_000, buffer_most: 4_000, ..Faults::default() })
}

#[test]
fn a_peer_that_reads_slowly_gets_what_was_sent_before_the_close() {
    let world = &mut slow();
    let Pair { server, client, there, .. } = Pair::new(world);
    let began = client.act(world, move |cx| {
        (0..20).for_each(|number| cx.send(there, Bulk::new(number, 10_000)));
        cx.send(there, Close);
        cx.now()
    });
    for number in 0..20 {
        assert_eq!(server.expect::<Bulk>(world).0.number, number);
    }
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    let (closed, _) = client.expect::<Closed>(world);
    assert_eq!(closed.reason, Ended::ByUs);
    assert!(closed.at - began > Duration::from_secs(15), "{:?}", closed.at - began);
    world.finish();
}

#[test]
pub(crate) fn a_peer_that_reads_slowly_and_then_no_more_is_cut() {
    let world = &mut slow();
    let Pair { server, client, there, .. } = Pair::new(world);
    client.act(world, move |cx| {
        (0..20).for_each(|number| cx.send(there, Bulk::new(number, 10_000)));
        cx.send(there, Close);
    });
    server.wait_for(world, 10, "half of it");
    world.net().crash(Simulated::ip(server.host));
    let began = world.simulation.now();
    let (closed, _) = client.expect::<Closed>(world);
    assert_eq!(closed.reason, Ended::NoAnswer);
    assert!(closed.at - began < Duration::from_secs(7), "{:?}", closed.at - began);
    assert!(world.net().open_sockets(Simulated::ip(client.host)) == 0);
}

/// It has as long as the grace time of points leaves, and is not dropped.
/// A kilobyte each two seconds, for as long as it may.
#[test]
fn a_peer_that_goes_on_and_on_after_the_close_is_cut_in_the_end() {
    let world = &mut Simulated::calm();
    let (server, mut raw, back) = with_raw(world, &[]);
    server.send(world, back, Close);
    let began = world.simulation.now();
    let some = frames::framed(&[0x94; 1_100]);
    while server.waiting() == 0 {
        let _ = raw.write(&some);
        world.pass(Duration::from_secs(2));
    }
    assert_eq!(server.expect::<Closed>(world).0.reason, Ended::NoAnswer);
    let took = world.simulation.now() - began;
    assert!((60..300).contains(&took.as_secs()), "{took:?}");
    raw.close();
    world.finish();
}

#[test]
fn a_controller_that_ends_does_not_wait_for_a_peer_that_reads_slowly() {
    let world = &mut slow();
    let Pair { server, client, there, .. } = Pair::new(world);
    client.act(world, move |cx| (0..20).for_each(|number| cx.send(there, Bulk::new(number, 10_000))));
    let began = world.simulation.now();
    client.end(world);
    let host = client.host;
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    let took = world.simulation.now() - began;
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!((world.sockets(host), world.kernel(host).counters().dropped), (0, 0));
    server.pick::<Abandoned>(world);
    world.finish();
}

#[test]
fn a_controller_that_ends_while_its_connection_closes_does_not_wait_for_a_peer_that_reads_slowly() {
    let world = &mut slow();
    let Pair { server, client, there, .. } = Pair::new(world);
    client.act(world, move |cx| {
        (0..20).for_each(|number| cx.send(there, Bulk::new(number, 10_000)));
        cx.send(there, Close);
    });
    world.pass(Duration::from_secs(1));
    let began = world.simulation.now();
    client.end(world);
    let host = client.host;
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    let took = world.simulation.now() - began;
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!((world.sockets(host), world.kernel(host).counters().dropped), (0, 0));
    assert!(!world.was_told_in_vain("Closed"), "there is nobody to tell");
    server.pick::<Abandoned>(world);
    world.finish();
}

/// A peer that has lost its power: nobody hears from it until one closes.
#[test]
fn a_peer_that_has_vanished_is_cut_when_one_closes() {
    let world = &mut Simulated::calm();
    let Pair { server, client, there, .. } = Pair::new(world);
    world.net().crash(Simulated::ip(server.host));
    client.act(world, move |cx| {
        cx.send(there, Note { number: 1 });
        cx.send(there, Close);
    });
    assert_eq!(client.expect::<Closed>(world).0.reason, Ended::NoAnswer);
    assert_eq!(world.sockets(client.host), 0);
    client.stop(world);
    let host = client.host;
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    assert!(world.is_clean(host));
}

/// A process that is stopped, as by a debugger, and goes on later: its system has taken what there was.
#[test]
fn a_peer_that_is_frozen_and_thaws_has_what_was_sent() {
    let world = &mut Simulated::calm();
    let Pair { server, client, there, .. } = Pair::new(world);
    world.net().freeze(Simulated::ip(server.host));
    client.act(world, move |cx| {
        cx.send(there, Note { number: 1 });
        cx.send(there, Close);
    });
    assert_eq!(client.expect::<Closed>(world).0.reason, Ended::NoAnswer);
    assert_eq!(server.waiting(), 0);
    world.net().thaw(Simulated::ip(server.host));
    server.expect::<Note>(world);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.finish();
}

/// A server that asks its peers whether they are there, and a client.
fn asking(world: &mut Simulated) -> (Puppet, Puppet, Address) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).encrypted().check_every(Duration::from_secs(60)));
    });
    let at = server.expect::<Listening>(world).0.listening;
    client.soon(world, move |cx| {
        cx.connect(Connect::to(at).encrypted().check_every(Duration::from_secs(60)));
    });
    let (_, there) = client.expect::<Connected>(world);
    server.expect::<Accepted>(world);
    (server, client, there)
}

#[test]
fn a_peer_that_has_vanished_is_noticed_by_who_asks() {
    let world = &mut Simulated::calm();
    let (server, client, _) = asking(world);
    world.pass(Duration::from_secs(30));
    world.net().crash(Simulated::ip(client.host));
    let began = world.simulation.now();
    let (abandoned, _) = server.expect::<Abandoned>(world);
    assert_eq!(abandoned.reason, Ended::Silent);
    let took = abandoned.at - began;
    assert!(took >= Duration::from_secs(35) && took < Duration::from_secs(36), "{took:?}");
    assert_eq!(world.sockets(server.host), 1);
}

#[test]
fn a_process_that_hangs_is_noticed_by_who_asks() {
    let world = &mut Simulated::calm();
    let (server, client, _) = asking(world);
    world.net().freeze(Simulated::ip(client.host));
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::Silent);
    world.net().thaw(Simulated::ip(client.host));
    client.expect::<Abandoned>(world);
    world.finish();
}

#[test]
pub(crate) fn a_peer_that_has_nothing_to_say_answers_for_hours() {
    let world = &mut Simulated::calm();
    let (server, client, there) = asking(world);
    for _ in 0..4 {
        world.pass(Duration::from_secs(3_600));
        assert_eq!((server.waiting(), client.waiting()), (0, 0));
    }
    client.send(world, there, Note { number: 1 });
    server.expect::<Note>(world);
    world.finish();
}

#[test]
pub(crate) fn a_close_in_the_moment_in_which_the_peer_is_asked_is_a_close() {
    let silence = Duration::from_secs(60);
    // In the second run the moment is known at which the connection will have been silent for so long.
    let mut opened = None;
    for _ in 0..2 {
        let world = &mut Simulated::calm();
        let Pair { server, client, at, .. } = Pair::new(world);
        let due = opened.map(|at: statepoint::Moment| at - world.simulation.now() + silence);
        let door = std::rc::Rc::new(std::cell::Cell::new(Address::NONE));
        let far = std::rc::Rc::clone(&door);
        client.after(world, due.unwrap_or(silence / 2), move |cx| cx.send(far.get(), Close));
        client.soon(world, move |cx| {
            cx.connect(Connect::to(at).check_every(silence));
        });
        let (connected, there) = client.expect::<Connected>(world);
        door.set(there);
        opened = Some(connected.at);
        assert_eq!(client.expect::<Closed>(world).0.reason, Ended::ByUs);
        server.pick::<Abandoned>(world);
        world.finish();
    }
}

/// Longer than a peer may be silent.
#[test]
fn while_a_connection_closes_nobody_is_asked() {
    let world = &mut Simulated::calm();
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).check_every(Duration::from_secs(1)));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let mut raw = world.dial(at);
    let (_, back) = server.expect::<Accepted>(world);
    server.send(world, back, Close);
    assert_eq!(server.expect::<Closed>(world).0.reason, Ended::NoAnswer);
    assert_eq!(read_to_end(world, &mut raw), (frames::GOODBYE.to_vec(), false));
    raw.close();
    world.finish();
}

/// It is this end that does not read: nobody is to blame for that.
#[test]
fn a_peer_that_is_not_read_is_not_taken_for_one_that_has_vanished() {
    let world = &mut Simulated::calm();
    let settings = statepoint::NetSettings { unopened: 1, ..Default::default() };
    let (here, there) = (world.host_with(statepoint::Limits::default(), settings), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).check_every(Duration::from_secs(10)));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let there = client.connect(world, at);
    server.expect::<Accepted>(world);
    // Half of the second one is read with the first, and its end is not.
    client.act(world, move |cx| (0..2).for_each(|number| cx.send(there, Bulk::new(number, 100_000))));
    world.pass(Duration::from_secs(300));
    assert_eq!(server.names(), ["test.Bulk"], "one is kept unopened, and no other is read");
    assert_eq!(server.take::<Bulk>().0.number, 0);
    assert_eq!(server.expect::<Bulk>(world).0.number, 1);
    world.finish();
}
