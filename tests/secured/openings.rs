//! Peers that never open their links: how long they may take, how many there may be, and who goes when there are more.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::link::Mode;
use statepoint::prelude::*;
use statepoint::{Failure, Limits, NetSettings};

use crate::in_every_mode;
use crate::insider::calling;
use crate::messages::Note;
use crate::modes::{Timed, connect, connecting, listen, listening};
use crate::puppet::Puppet;
use crate::simulated::Simulated;
use crate::world::{Raw, World, read_to_end, write_all};

in_every_mode!(
    a_peer_that_says_nothing_is_given_up,
    a_peer_that_says_half_is_given_up,
    a_peer_that_trickles_is_given_up,
    a_server_that_says_nothing_is_given_up,
    a_server_that_says_half_is_given_up,
    an_attempt_that_is_stopped_while_its_link_opens_leaves_nothing,
    a_listener_that_ends_leaves_nobody_half_open,
    of_too_many_half_open_peers_the_oldest_goes,
    peers_that_were_refused_and_stay_are_bounded_too,
);

/// A time that over sockets does not take long.
const SOON: Duration = Duration::from_millis(300);

/// A server that gives its peers this long.
fn impatient(
    world: &mut impl World,
    mode: Mode,
    settings: NetSettings,
    limit: Duration,
) -> (Puppet, std::net::SocketAddr) {
    let host = world.host_with(Limits::default(), settings);
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own).open_within(limit));
    (server, at)
}

fn timed_out(reason: &Failure) {
    assert_eq!((reason.kind, &reason.link), (ErrorKind::TimedOut, &None), "{reason:?}");
}

/// The wait was as long as was said, where that can be measured.
fn took<W: Timed>(world: &mut W, host: usize, began: statepoint::Moment, limit: Duration) {
    let took = world.kernel(host).now() - began;
    assert!(!W::IS_VIRTUAL || (limit..limit + Duration::from_millis(200)).contains(&took), "{took:?} of {limit:?}");
}

fn a_peer_that_says_nothing_is_given_up(world: &mut impl Timed, mode: Mode) {
    let (server, at) = impatient(world, mode, NetSettings::default(), SOON);
    let began = world.kernel(server.host).now();
    let mut raw = world.connect_raw(at);
    let (fault, _) = server.expect::<NotAccepted>(world);
    timed_out(&fault.reason);
    assert_eq!(fault.listening, at);
    took(world, server.host, began, SOON);
    assert_eq!(read_to_end(world, &mut raw).0, [0; 0], "who has said nothing is told nothing");
    nothing_is_left(world, &server);
    raw.close();
    world.finish();
}

/// The listener goes on, and its next peer is served.
fn nothing_is_left(world: &mut impl Timed, server: &Puppet) {
    let host = server.host;
    world.run_until("the socket to close", |world| (world.sockets(host), world.kernel(host).points()) == (1, 2));
    assert_eq!(server.waiting(), 0, "{:?}", server.names());
}

fn a_peer_that_says_half_is_given_up(world: &mut impl Timed, mode: Mode) {
    let (server, at) = impatient(world, mode, NetSettings::default(), SOON);
    // The most of each message of the handshake.
    for said in 0..if mode == Mode::Clear { 1 } else { 2 } {
        let mut peer = calling(world, mode, at, said);
        let mut messages = 0;
        peer.write_handshake(world, |world, raw, bytes| {
            messages += 1;
            let count = bytes.len() - usize::from(messages > said);
            write_all(world, raw, &bytes[..count]);
            messages <= said
        });
        timed_out(&server.expect::<NotAccepted>(world).0.reason);
        peer.raw.close();
        nothing_is_left(world, &server);
    }
    world.finish();
}

/// Every byte is progress, and still there is no more time than for all of them.
fn a_peer_that_trickles_is_given_up(world: &mut impl Timed, mode: Mode) {
    let (server, at) = impatient(world, mode, NetSettings::default(), SOON);
    let began = world.kernel(server.host).now();
    let mut peer = calling(world, mode, at, 1);
    let hello = peer.says();
    let mut sent = 0;
    world.run_until("the server to give up", |world| {
        let now = world.kernel(server.host).now();
        if now - began > SOON * sent / 10 && (sent as usize) < hello.len() - 1 {
            sent += peer.raw.write(&hello[sent as usize..][..1]).unwrap_or(0) as u32;
        }
        server.waiting() > 0
    });
    timed_out(&server.expect::<NotAccepted>(world).0.reason);
    assert!(sent > 1);
    took(world, server.host, began, SOON);
    peer.raw.close();
    nothing_is_left(world, &server);
    world.finish();
}

fn a_server_that_says_nothing_is_given_up(world: &mut impl Timed, mode: Mode) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    let began = world.kernel(host).now();
    let to = connecting(mode, at).within(SOON);
    client.soon(world, move |cx| {
        cx.connect(to);
    });
    let (fault, _) = client.expect::<NotConnected>(world);
    timed_out(&fault.reason);
    assert_eq!((fault.requested, fault.tried), (at.into(), Some(at)));
    took(world, host, began, SOON);
    world.run_until("the socket to close", |world| (world.sockets(host), world.kernel(host).points()) == (0, 1));
    accept().expect("it was called").close();
    world.finish();
}

fn a_server_that_says_half_is_given_up(world: &mut impl Timed, mode: Mode) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    for said in 0..2 {
        let to = connecting(mode, at).within(SOON);
        client.soon(world, move |cx| {
            cx.connect(to);
        });
        let mut peer = crate::insider::called(world, mode, &mut accept, said);
        let mut messages = 0;
        // In a clear link welcome and ready are said at once.
        peer.write_handshake(world, |world, raw, bytes| {
            messages += 1;
            let count = bytes.len() - usize::from(messages > said || mode == Mode::Clear);
            write_all(world, raw, &bytes[..count]);
            messages <= said
        });
        timed_out(&client.expect::<NotConnected>(world).0.reason);
        peer.raw.close();
        world.run_until("the socket to close", |world| (world.sockets(host), world.kernel(host).points()) == (0, 1));
    }
    world.finish();
}

/// The connection stands, its link does not: the attempt is still an attempt, and can be given up.
fn an_attempt_that_is_stopped_while_its_link_opens_leaves_nothing(world: &mut impl Timed, mode: Mode) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    let to = connecting(mode, at);
    let attempt = client.act(world, move |cx| cx.connect(to));
    let mut raw = None;
    world.run_until("a call", |_| {
        raw = raw.take().or_else(&mut accept);
        raw.is_some()
    });
    let mut raw = raw.expect("just seen");
    crate::world::read_until(world, &mut raw, |bytes| !bytes.is_empty());
    client.act(world, move |cx| cx.stop(attempt));
    world.run_until("the attempt to end", |world| (world.sockets(host), world.kernel(host).points()) == (0, 1));
    read_to_end(world, &mut raw);
    assert_eq!(client.names(), [""; 0]);
    raw.close();
    world.finish();
}

fn a_listener_that_ends_leaves_nobody_half_open(world: &mut impl Timed, mode: Mode) {
    let (server, at) = impatient(world, mode, NetSettings::default(), Duration::from_secs(60));
    let mut raws: Vec<_> = (0..5).map(|_| world.connect_raw(at)).collect();
    let host = server.host;
    world.run_until("all to be accepted", |world| world.net_counters(host).accepted == 5);
    server.end(world);
    world.run_until("all of it to end", |world| (world.sockets(host), world.kernel(host).points()) == (0, 0));
    for raw in &mut raws {
        read_to_end(world, raw);
    }
    world.finish();
}

/// A server, and a client that has a connection with it from before.
struct Served {
    server: Puppet,
    at: std::net::SocketAddr,
    client: Puppet,
    there: Address,
}

/// So many may open their links at once.
const OPENINGS: usize = 8;

impl Served {
    fn new(world: &mut impl Timed, mode: Mode) -> Self {
        let settings = NetSettings { openings: OPENINGS, ..NetSettings::default() };
        let (server, at) = impatient(world, mode, settings, Duration::from_secs(60));
        let host = world.host();
        let client = Puppet::new(world, host);
        let there = connect(world, &client, connecting(mode, at));
        server.expect::<Accepted>(world);
        Self { server, at, client, there }
    }

    /// The connection from before goes on.
    fn goes_on(&self, world: &mut impl Timed) {
        self.client.send(world, self.there, Note { number: 1 });
        let (_, from) = self.server.pick::<Note>(world);
        self.server.send(world, from, Note { number: 2 });
        self.client.expect::<Note>(world);
    }

    /// And so does whoever comes now.
    fn serves_a_newcomer(&self, world: &mut impl Timed, mode: Mode) {
        let host = world.host();
        let newcomer = Puppet::new(world, host);
        let there = connect(world, &newcomer, connecting(mode, self.at));
        self.server.pick::<Accepted>(world);
        newcomer.send(world, there, Note { number: 3 });
        assert_eq!(self.server.pick::<Note>(world).0.number, 3);
    }
}

fn of_too_many_half_open_peers_the_oldest_goes(world: &mut impl Timed, mode: Mode) {
    let served = Served::new(world, mode);
    let (server, host) = (&served.server, served.server.host);
    let mut raws = Vec::new();
    for number in 0..3 * OPENINGS {
        raws.push(world.connect_raw(served.at));
        world.run_until("it to be accepted", |world| world.net_counters(host).accepted == 2 + number as u64);
    }
    for _ in 0..2 * OPENINGS {
        let (fault, _) = server.expect::<NotAccepted>(world);
        assert_eq!((fault.reason.kind, &fault.reason.link), (ErrorKind::QuotaExceeded, &None), "{fault:?}");
    }
    world.run_until("those to go", |world| world.sockets(host) == 2 + OPENINGS);
    for raw in &mut raws[..2 * OPENINGS] {
        read_to_end(world, raw);
    }
    served.goes_on(world);
    // The newcomer takes the place of one of the crowd.
    served.serves_a_newcomer(world, mode);
    server.expect::<NotAccepted>(world);
    let mut oldest = raws.remove(2 * OPENINGS);
    read_to_end(world, &mut oldest);
    served.goes_on(world);
    assert_eq!((server.names(), world.sockets(host)), (vec![], 3 + OPENINGS - 1));
    // The others can still be served.
    let mut last = raws.pop().expect("one of many");
    let mut peer = calling(world, mode, served.at, 7);
    std::mem::swap(&mut peer.raw, &mut last);
    last.close();
    peer.open(world);
    let note = peer.note(9);
    write_all(world, &mut peer.raw, &note);
    assert_eq!(server.pick::<Note>(world).0.number, 9);
    peer.raw.close();
    drop(raws);
    world.finish();
}

/// Who says something wrong is told so, and has a little time to go. That is no way around the bound.
fn peers_that_were_refused_and_stay_are_bounded_too(world: &mut impl Timed, mode: Mode) {
    let served = Served::new(world, mode);
    let (server, host) = (&served.server, served.server.host);
    let wrong = [b"\xF5FSM\x01\x01\x01\x04\0\x10\0\0\0\0\0\0", &b"GET / HTTP/1.1"[..]].map(<[u8]>::to_vec);
    let mut raws = Vec::new();
    for number in 0..5 * OPENINGS {
        let mut raw = world.connect_raw(served.at);
        write_all(world, &mut raw, &wrong[number % 2]);
        raws.push(raw);
        server.expect::<NotAccepted>(world);
        assert!(world.sockets(host) <= 2 + OPENINGS, "{} sockets", world.sockets(host));
    }
    served.goes_on(world);
    served.serves_a_newcomer(world, mode);
    for mut raw in raws {
        // It was told why, also if it had to go soon after.
        let (answer, _) = read_to_end(world, &mut raw);
        assert!(answer.is_empty() || answer.starts_with(b"\xF5FSM\x7F"), "{answer:02x?}");
        raw.close();
    }
    world.finish();
}

/// The house is full of peers from one address: it is those who make room.
#[test]
fn a_crowd_from_one_address_makes_room_for_one_from_another() {
    for mode in crate::modes::MODES {
        let world = &mut Simulated::calm();
        let served = Served::new(world, mode);
        let host = served.server.host;
        // One from an address of its own, first of all; its link takes a long time to open.
        let slow = world.host();
        let slow = Puppet::new(world, slow);
        world.net().clog(Simulated::ip(host), Simulated::ip(slow.host));
        let to = connecting(mode, served.at).within(Duration::from_secs(60));
        slow.soon(world, move |cx| {
            cx.connect(to);
        });
        world.pass(Duration::from_millis(1));
        for _ in 0..10 * OPENINGS {
            world.connect_raw(served.at);
            world.pass(Duration::from_millis(1));
        }
        served.goes_on(world);
        for _ in 0..3 {
            served.serves_a_newcomer(world, mode);
        }
        world.net().unclog(Simulated::ip(host), Simulated::ip(slow.host));
        slow.expect::<Connected>(world);
        while served.server.count::<NotAccepted>() > 0 {
            let (fault, _) = served.server.pick::<NotAccepted>(world);
            assert_eq!(fault.reason.kind, ErrorKind::QuotaExceeded, "{mode}");
        }
        world.finish();
    }
}
