//! The same assertions on both networks: what holds for the system's sockets holds for the simulated ones.
//!
//! Each scenario runs over loopback, over a simulated network without faults, and over several with delays, pieces,
//! small buffers and events late or in vain. It retries an operation after an event and never sleeps.

use super::{Faults, SimNet, World};
use crate::net::{AcceptFailure, Net, Ready, Token};
use crate::reactor::socket_net::SocketNet;
use std::io::{ErrorKind, IoSlice, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Longer than any healthy test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A network, and how its owner waits.
trait Stage {
    type Net: Net;
    fn net(&mut self) -> &mut Self::Net;
    /// Waits for events; panics if none can come.
    fn wait(&mut self) -> Vec<Ready>;
    /// Lets arrive all that is under way, and takes all events.
    fn settle(&mut self);
}

struct Loopback {
    poll: mio::Poll,
    net: SocketNet,
}

impl Loopback {
    fn new() -> Self {
        let poll = mio::Poll::new().expect("a poll");
        let registry = poll.registry().try_clone().expect("a registry");
        let waker = mio::Waker::new(&registry, mio::Token(usize::MAX)).expect("a waker");
        Loopback { net: SocketNet::new(registry, move || waker.wake().expect("woken")), poll }
    }

    fn poll(&mut self, within: Duration) -> Vec<Ready> {
        let mut events = mio::Events::with_capacity(64);
        self.poll.poll(&mut events, Some(within)).expect("polled");
        let mut ready: Vec<Ready> = events.iter().filter_map(|event| self.net.ready(event)).collect();
        while let Some(resolved) = self.net.resolved() {
            ready.push(resolved);
        }
        ready
    }
}

impl Stage for Loopback {
    type Net = SocketNet;

    fn net(&mut self) -> &mut SocketNet {
        &mut self.net
    }

    fn wait(&mut self) -> Vec<Ready> {
        let ready = self.poll(PATIENCE);
        assert!(!ready.is_empty(), "no event came");
        ready
    }

    fn settle(&mut self) {
        while !self.poll(Duration::ZERO).is_empty() {}
    }
}

struct Simulated {
    world: World,
    net: SimNet,
}

impl Simulated {
    fn new(seed: u64, faults: Faults) -> Self {
        let world = World::with_faults(seed, faults);
        world.name("localhost", vec![HOME]);
        Simulated { net: world.host([10, 0, 0, 1].into()), world }
    }
}

impl Stage for Simulated {
    type Net = SimNet;

    fn net(&mut self) -> &mut SimNet {
        &mut self.net
    }

    fn wait(&mut self) -> Vec<Ready> {
        let next = self.world.next_event();
        self.world.advance(next.unwrap_or_else(|| panic!("no event can come: {:#?}", self.world.history())));
        self.net.ready()
    }

    fn settle(&mut self) {
        while let Some(next) = self.world.next_event() {
            self.world.advance(next);
            self.net.ready();
        }
    }
}

/// Runs a scenario on every network.
macro_rules! on_both_networks {
    ($($scenario:ident,)*) => {
        mod over_loopback { $(#[test] fn $scenario() { super::$scenario(&mut super::Loopback::new()) })* }
        mod simulated {
            $(#[test] fn $scenario() {
                super::$scenario(&mut super::Simulated::new(1, super::Faults::default()));
                for seed in 0..100 {
                    super::$scenario(&mut super::Simulated::new(seed, super::Faults::swarm(seed).calm()));
                }
            })*
        }
    };
}

on_both_networks! {
    a_connection_has_the_same_two_addresses_at_both_ends,
    bytes_arrive_in_order_both_ways,
    a_full_buffer_stops_the_writer_until_the_reader_reads,
    a_half_closed_connection_still_carries_the_other_direction,
    a_close_delivers_what_was_written,
    a_close_with_unread_bytes_resets_the_peer,
    an_abort_resets_the_peer,
    writing_to_a_peer_that_is_gone_fails_in_the_end,
    connecting_where_nobody_listens_is_refused,
    an_address_in_use_is_not_given_twice_but_again_after_a_close,
    an_address_of_another_host_cannot_be_listened_at,
    a_stale_token_is_not_connected_and_touches_nobody_else,
    a_token_of_the_wrong_kind_is_invalid,
    peers_that_wait_at_a_closed_listener_are_reset,
    peers_can_be_turned_away,
    nothing_changes_without_an_event_and_no_event_comes_without_a_change,
    after_a_short_read_an_event_announces_what_comes,
    the_end_of_a_stream_behind_a_short_read_is_not_missed,
    names_are_resolved_and_numbers_too,
    a_cancelled_look_up_is_not_answered,
}

// ---- how scenarios talk

struct Pair {
    listener: Token,
    at: SocketAddr,
    client: Token,
    server: Token,
}

/// Repeats an operation, waiting for events between, until it does not block.
fn retry<S: Stage, T>(stage: &mut S, mut operation: impl FnMut(&mut S::Net) -> Result<T>) -> Result<T> {
    loop {
        match operation(stage.net()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => stage.wait(),
            result => return result,
        };
    }
}

fn listen<S: Stage>(stage: &mut S) -> (Token, SocketAddr) {
    stage.net().listen(SocketAddr::new(HOME, 0)).expect("listens")
}

fn connected<S: Stage>(stage: &mut S, token: Token) -> Result<(SocketAddr, SocketAddr)> {
    retry(stage, |net| net.connected(token).and_then(|open| open.ok_or(ErrorKind::WouldBlock.into())))
}

fn pair<S: Stage>(stage: &mut S) -> Pair {
    let (listener, at) = listen(stage);
    let client = stage.net().connect(at).expect("begins to connect");
    let (server, _, _) = retry(stage, |net| net.accept(listener)).expect("accepted");
    connected(stage, client).expect("connected");
    Pair { listener, at, client, server }
}

fn write<S: Stage>(stage: &mut S, token: Token, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let half = bytes.split_at(bytes.len() / 2);
        let slices = [IoSlice::new(half.0), IoSlice::new(half.1)];
        let count = retry(stage, |net| net.write_vectored(token, &slices)).expect("written");
        bytes = &bytes[count..];
    }
}

/// Reads until the end of the stream or an error.
fn read_all<S: Stage>(stage: &mut S, token: Token) -> (Vec<u8>, Result<()>) {
    let (mut all, mut buffer) = (Vec::new(), [0; 1000]);
    loop {
        match retry(stage, |net| net.read(token, &mut buffer)) {
            Ok(0) => return (all, Ok(())),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) => return (all, Err(error)),
        }
    }
}

fn read_some<S: Stage>(stage: &mut S, token: Token, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        let more = retry(stage, |net| net.read(token, &mut bytes[filled..])).expect("read");
        assert_ne!(more, 0, "the stream ended after {filled} of {count} bytes");
        filled += more;
    }
    bytes
}

/// Waits for an event about a socket that may be read (or written), and nothing else.
fn event<S: Stage>(stage: &mut S, wanted: Token, to_write: bool) {
    loop {
        for ready in stage.wait() {
            if let Ready::Socket { token, readable, writable } = ready
                && token == wanted
                && (if to_write { writable } else { readable })
            {
                return;
            }
        }
    }
}

/// Reads after an event no further than the contract of `short_read_drains` demands; answers the bytes, and whether
/// the stream has ended.
fn read_after_event<S: Stage>(stage: &mut S, token: Token) -> (Vec<u8>, bool) {
    event(stage, token, false);
    let (mut all, mut buffer) = (Vec::new(), [0; 64]);
    loop {
        match stage.net().read(token, &mut buffer) {
            Ok(0) => return (all, true),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (all, false),
            Err(error) => panic!("{error}"),
        }
        if all.len() < buffer.len() && stage.net().short_read_drains(token) {
            return (all, false);
        }
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("an error was expected").kind()
}

// ---- the scenarios

fn a_connection_has_the_same_two_addresses_at_both_ends<S: Stage>(stage: &mut S) {
    let (listener, at) = listen(stage);
    assert_ne!(at.port(), 0);
    assert_eq!(stage.net().local_address(listener).expect("open"), at);
    assert_eq!(kind(stage.net().accept(listener)), ErrorKind::WouldBlock);
    let client = stage.net().connect(at).expect("begins to connect");
    let (server, peer, local) = retry(stage, |net| net.accept(listener)).expect("accepted");
    assert_eq!(connected(stage, client).expect("connected"), (at, peer));
    assert_eq!(stage.net().connected(server).expect("connected"), Some((peer, local)));
    assert_eq!(local, at);
    assert_eq!(stage.net().local_address(client).expect("open"), peer);
    assert_eq!(stage.net().local_address(server).expect("open"), at);
}

fn bytes_arrive_in_order_both_ways<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    let mut buffer = [0; 10];
    assert_eq!(kind(stage.net().read(client, &mut buffer)), ErrorKind::WouldBlock);
    write(stage, client, b"hello");
    write(stage, server, b"welcome");
    assert_eq!(read_some(stage, server, 5), b"hello");
    assert_eq!(read_some(stage, client, 7), b"welcome");
    write(stage, client, b"again");
    assert_eq!(read_some(stage, server, 5), b"again");
    assert_eq!(stage.net().write_vectored(server, &[]).expect("nothing given"), 0);
}

fn a_full_buffer_stops_the_writer_until_the_reader_reads<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    let piece: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut written = Vec::new();
    let blocked = loop {
        match stage.net().write_vectored(client, &[IoSlice::new(&piece)]) {
            Ok(count) => written.extend(&piece[..count]),
            Err(error) => break error.kind(),
        }
        assert!(written.len() < 1 << 28, "the buffer has no bound");
    };
    assert_eq!(blocked, ErrorKind::WouldBlock);
    stage.settle();
    let mut read = read_some(stage, server, written.len());
    event(stage, client, true);
    write(stage, client, b"more");
    written.extend(b"more");
    read.extend(read_some(stage, server, 4));
    assert_eq!(read.len(), written.len());
    assert!(read == written, "the bytes differ");
}

fn a_half_closed_connection_still_carries_the_other_direction<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    write(stage, client, b"that is all");
    stage.net().shutdown(client).expect("shut down");
    stage.net().shutdown(client).expect("shut down twice");
    assert_eq!(kind(stage.net().write_vectored(client, &[IoSlice::new(b"no")])), ErrorKind::BrokenPipe);
    let (bytes, end) = read_all(stage, server);
    assert_eq!((bytes.as_slice(), end.is_ok()), (&b"that is all"[..], true));
    assert_eq!(stage.net().read(server, &mut [0; 4]).expect("still the end"), 0);
    write(stage, server, b"answer");
    stage.net().close(server);
    let (bytes, end) = read_all(stage, client);
    assert_eq!((bytes.as_slice(), end.is_ok()), (&b"answer"[..], true));
}

fn a_close_delivers_what_was_written<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    write(stage, client, &[7; 200]);
    stage.net().close(client);
    let (bytes, end) = read_all(stage, server);
    assert_eq!((bytes, end.is_ok()), (vec![7; 200], true));
}

fn a_close_with_unread_bytes_resets_the_peer<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    write(stage, client, b"not read");
    stage.settle();
    read_some(stage, server, 1);
    stage.net().close(server);
    let (_, end) = read_all(stage, client);
    assert_eq!(kind(end), ErrorKind::ConnectionReset);
}

fn an_abort_resets_the_peer<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    stage.net().abort(client);
    let (_, end) = read_all(stage, server);
    assert_eq!(kind(end), ErrorKind::ConnectionReset);
    assert_eq!(stage.net().read(server, &mut [0; 4]).expect("told once, then the end"), 0);
    assert_eq!(kind(stage.net().write_vectored(server, &[IoSlice::new(b"no")])), ErrorKind::BrokenPipe);
    assert_eq!(kind(stage.net().shutdown(server)), ErrorKind::NotConnected);
    assert_eq!(kind(stage.net().read(client, &mut [0; 4])), ErrorKind::NotConnected);
}

fn writing_to_a_peer_that_is_gone_fails_in_the_end<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    stage.net().close(server);
    let error = loop {
        match retry(stage, |net| net.write_vectored(client, &[IoSlice::new(b"anybody?")])) {
            Ok(_) => stage.wait(), // the peer's goodbye, then the reset that answers the bytes
            Err(error) => break error.kind(),
        };
    };
    assert!(matches!(error, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
}

fn connecting_where_nobody_listens_is_refused<S: Stage>(stage: &mut S) {
    let (listener, at) = listen(stage);
    stage.net().close(listener);
    let client = stage.net().connect(at).expect("begins to connect");
    assert_eq!(kind(connected(stage, client)), ErrorKind::ConnectionRefused);
    assert_eq!(kind(stage.net().connected(client)), ErrorKind::ConnectionRefused);
    assert_eq!(kind(stage.net().write_vectored(client, &[IoSlice::new(b"no")])), ErrorKind::BrokenPipe);
    assert_eq!(stage.net().read(client, &mut [0; 4]).expect("nothing will come"), 0);
    stage.net().close(client);
    assert_eq!(kind(stage.net().connected(client)), ErrorKind::NotConnected);
}

fn an_address_in_use_is_not_given_twice_but_again_after_a_close<S: Stage>(stage: &mut S) {
    let Pair { listener, at, client, server } = pair(stage);
    assert_eq!(kind(stage.net().listen(at)), ErrorKind::AddrInUse);
    stage.net().close(server); // closed first, so that its port is in TIME_WAIT
    stage.net().close(client);
    stage.net().close(listener);
    assert_eq!(stage.net().listen(at).expect("listens again").1, at);
}

fn an_address_of_another_host_cannot_be_listened_at<S: Stage>(stage: &mut S) {
    let elsewhere: SocketAddr = "192.0.2.7:0".parse().expect("an address");
    assert_eq!(kind(stage.net().listen(elsewhere)), ErrorKind::AddrNotAvailable);
}

fn a_stale_token_is_not_connected_and_touches_nobody_else<S: Stage>(stage: &mut S) {
    let Pair { listener, at, client: old, server } = pair(stage);
    stage.net().close(old);
    stage.net().close(server);
    let client = stage.net().connect(at).expect("begins to connect");
    let (server, _, _) = retry(stage, |net| net.accept(listener)).expect("accepted");
    connected(stage, client).expect("connected");
    assert!([client.index(), server.index()].contains(&old.index()), "the slot is used again");
    let net = stage.net();
    assert_eq!(kind(net.read(old, &mut [0; 4])), ErrorKind::NotConnected);
    assert_eq!(kind(net.write_vectored(old, &[IoSlice::new(b"x")])), ErrorKind::NotConnected);
    assert_eq!(kind(net.connected(old)), ErrorKind::NotConnected);
    assert_eq!(kind(net.accept(old)), ErrorKind::NotConnected);
    assert_eq!(kind(net.shutdown(old)), ErrorKind::NotConnected);
    assert_eq!(kind(net.local_address(old)), ErrorKind::NotConnected);
    assert_eq!(net.accept_and_drop(old, 1), 0);
    assert!(!net.short_read_drains(old));
    net.close(old);
    net.abort(old);
    write(stage, client, b"unharmed");
    assert_eq!(read_some(stage, server, 8), b"unharmed");
    write(stage, server, b"as well");
    assert_eq!(read_some(stage, client, 7), b"as well");
}

fn a_token_of_the_wrong_kind_is_invalid<S: Stage>(stage: &mut S) {
    let Pair { listener, client, .. } = pair(stage);
    let accepted = stage.net().accept(client);
    assert_eq!(accepted.as_ref().err().and_then(AcceptFailure::of), Some(AcceptFailure::Fatal));
    assert_eq!(kind(accepted), ErrorKind::InvalidInput);
    assert_eq!(kind(stage.net().read(listener, &mut [0; 4])), ErrorKind::InvalidInput);
    assert_eq!(kind(stage.net().write_vectored(listener, &[])), ErrorKind::InvalidInput);
    assert_eq!(kind(stage.net().connected(listener)), ErrorKind::InvalidInput);
    assert_eq!(kind(stage.net().shutdown(listener)), ErrorKind::InvalidInput);
    assert_eq!(stage.net().accept_and_drop(client, 1), 0);
}

fn peers_that_wait_at_a_closed_listener_are_reset<S: Stage>(stage: &mut S) {
    let (listener, at) = listen(stage);
    let client = stage.net().connect(at).expect("begins to connect");
    connected(stage, client).expect("connected, but not accepted");
    stage.net().close(listener);
    let (_, end) = read_all(stage, client);
    assert_eq!(kind(end), ErrorKind::ConnectionReset);
}

fn peers_can_be_turned_away<S: Stage>(stage: &mut S) {
    let (listener, at) = listen(stage);
    let clients: Vec<Token> = (0..3).map(|_| stage.net().connect(at).expect("begins to connect")).collect();
    for &client in &clients {
        connected(stage, client).expect("connected, but not accepted");
    }
    assert_eq!(stage.net().accept_and_drop(listener, 2), 2);
    assert_eq!(stage.net().accept_and_drop(listener, 2), 1);
    assert_eq!(stage.net().accept_and_drop(listener, 2), 0);
    for client in clients {
        let (bytes, _) = read_all(stage, client); // the end, however the system puts it
        assert!(bytes.is_empty());
    }
    let client = stage.net().connect(at).expect("the listener goes on");
    retry(stage, |net| net.accept(listener)).expect("accepted");
    connected(stage, client).expect("connected");
}

fn nothing_changes_without_an_event_and_no_event_comes_without_a_change<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    stage.settle();
    write(stage, client, b"one");
    event(stage, server, false);
    // Not read, and yet no second event; reading and finding nothing makes none either.
    stage.settle();
    read_some(stage, server, 3);
    assert_eq!(kind(stage.net().read(server, &mut [0; 4])), ErrorKind::WouldBlock);
    stage.settle();
    write(stage, client, b"two");
    event(stage, server, false);
}

fn after_a_short_read_an_event_announces_what_comes<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    for round in 0..20_u8 {
        write(stage, client, &[round; 3]);
        let mut read = Vec::new();
        while read.len() < 3 {
            read.extend(read_after_event(stage, server).0);
        }
        assert_eq!(read, [round; 3]);
    }
}

fn the_end_of_a_stream_behind_a_short_read_is_not_missed<S: Stage>(stage: &mut S) {
    let Pair { client, server, .. } = pair(stage);
    stage.settle();
    write(stage, client, b"bye");
    stage.net().close(client);
    let mut read = Vec::new();
    loop {
        let (bytes, ended) = read_after_event(stage, server);
        read.extend(bytes);
        if ended {
            break;
        }
    }
    assert_eq!(read, b"bye");
}

fn names_are_resolved_and_numbers_too<S: Stage>(stage: &mut S) {
    stage.net().resolve(1, "localhost", 80).expect("asked");
    stage.net().resolve(2, "127.0.0.1", 81).expect("asked");
    stage.net().resolve(3, "no-such-host.invalid", 82).expect("asked");
    assert_eq!(kind(stage.net().resolve(1, "localhost", 80)), ErrorKind::AlreadyExists);
    assert_eq!(kind(stage.net().resolve(4, "", 80)), ErrorKind::InvalidInput);
    let mut answers = Vec::new();
    while answers.len() < 3 {
        for ready in stage.wait() {
            if let Ready::Resolved { query, answer } = ready {
                answers.push((query, answer));
            }
        }
    }
    answers.sort_by_key(|(query, _)| *query);
    let [(1, Ok(name)), (2, Ok(number)), (3, Err(unknown))] = &answers[..] else { panic!("{answers:?}") };
    assert!(name.iter().all(|at| at.ip().is_loopback() && at.port() == 80), "{name:?}");
    assert_eq!(number, &[SocketAddr::new(HOME, 81)]);
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    stage.net().resolve(1, "127.0.0.1", 80).expect("the number is free again");
}

fn a_cancelled_look_up_is_not_answered<S: Stage>(stage: &mut S) {
    stage.net().resolve(1, "127.0.0.1", 80).expect("asked");
    stage.net().resolve(2, "127.0.0.1", 80).expect("asked");
    stage.net().cancel_resolve(1);
    stage.net().cancel_resolve(7);
    let mut answered = Vec::new();
    while answered.is_empty() {
        answered.extend(stage.wait().into_iter().filter_map(|ready| match ready {
            Ready::Resolved { query, .. } => Some(query),
            _ => None,
        }));
    }
    assert_eq!(answered, [2]);
}
