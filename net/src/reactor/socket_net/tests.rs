//! What only the system's sockets have. What both networks have is in `sim::parity`.

use super::*;
use crate::net::AcceptFailure;
use mio::{Events, Poll};
use std::collections::BTreeSet;
use std::process::Command;

/// Longer than any healthy test takes.
const PATIENCE: Duration = Duration::from_secs(20);
const HERE: &str = "127.0.0.1:0";

fn network() -> (Poll, SocketNet) {
    let poll = Poll::new().expect("a poll");
    let registry = poll.registry().try_clone().expect("a registry");
    (poll, SocketNet::new(registry, || {}))
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// Waits for events and hands them out untranslated.
fn events(poll: &mut Poll) -> Events {
    let mut events = Events::with_capacity(1_024);
    poll.poll(&mut events, Some(PATIENCE)).expect("polled");
    assert!(!events.is_empty(), "no event came");
    events
}

/// Waits until something has come to a listener, and accepts it.
fn accepted(poll: &mut Poll, net: &mut SocketNet, listener: Token) -> (Token, SocketAddr, SocketAddr) {
    loop {
        match net.accept(listener) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => events(poll),
            result => return result.expect("accepted"),
        };
    }
}

/// Waits until all these are connected.
fn all_connected(poll: &mut Poll, net: &mut SocketNet, mut tokens: BTreeSet<Token>) {
    tokens.retain(|&token| net.connected(token).expect("no failure").is_none());
    while !tokens.is_empty() {
        for event in events(poll).iter() {
            if let Some(Ready::Socket { token, .. }) = net.ready(event)
                && net.connected(token).is_ok_and(|open| open.is_some())
            {
                tokens.remove(&token);
            }
        }
    }
}

#[test]
fn both_ends_send_at_once_instead_of_waiting_for_more() {
    let (mut poll, mut net) = network();
    let (listener, at) = net.listen(address(HERE)).expect("listens");
    let client = net.connect(at).expect("begins to connect");
    let (server, _, _) = accepted(&mut poll, &mut net, listener);
    for token in [client, server] {
        assert!(net.connection(token).expect("open").stream.nodelay().expect("asked"));
    }
}

/// The system's limit for what waits to be acknowledged is for peers, too, that live and do not read.
#[cfg(target_os = "linux")]
#[test]
fn the_system_is_told_how_long_a_peer_may_say_nothing_and_no_limit_for_one_that_does_not_read() {
    let seconds = Duration::from_secs;
    let cases = [
        (Duration::ZERO, [1, 1]),
        (seconds(2), [2, 1]),
        (seconds(60), [60, 15]),
        (seconds(100_000), [32_767, 25_000]),
        (Duration::MAX, [32_767, 32_767]),
    ];
    for (silence, [time, interval]) in cases {
        let (mut poll, net) = network();
        let mut net = net.keep_alive(Some(silence));
        let (listener, at) = net.listen(address(HERE)).expect("listens");
        let client = net.connect(at).expect("begins to connect");
        let (server, _, _) = accepted(&mut poll, &mut net, listener);
        for token in [client, server] {
            let socket = SockRef::from(&net.connection(token).expect("open").stream);
            assert!(socket.keepalive().expect("asked"));
            let times = [socket.tcp_keepalive_time(), socket.tcp_keepalive_interval()];
            assert_eq!(times.map(|time| time.expect("asked")), [seconds(time), seconds(interval)], "{silence:?}");
            assert_eq!(socket.tcp_keepalive_retries().expect("asked"), 4);
            assert_eq!(socket.tcp_user_timeout().expect("asked"), None);
        }
    }
}

#[test]
fn more_peers_can_wait_than_the_system_libraries_let() {
    let (mut poll, mut net) = network();
    let (_, at) = net.listen(address(HERE)).expect("listens");
    let clients: BTreeSet<Token> = (0..300).map(|_| net.connect(at).expect("begins to connect")).collect();
    all_connected(&mut poll, &mut net, clients);
}

#[test]
fn a_listener_at_any_address_serves_ipv4_and_shows_it_so() {
    let (mut poll, mut net) = network();
    let (listener, at) = net.listen(address("[::]:0")).expect("listens");
    let client = net.connect(SocketAddr::new([127, 0, 0, 1].into(), at.port())).expect("begins to connect");
    let (server, peer, local) = accepted(&mut poll, &mut net, listener);
    assert_eq!(net.local_address(client).expect("open"), peer);
    assert_eq!((peer.is_ipv4(), local), (true, SocketAddr::new([127, 0, 0, 1].into(), at.port())));
    assert_eq!(net.connected(server).expect("connected"), Some((peer, local)));
}

#[test]
fn an_event_for_a_closed_socket_is_not_taken_for_the_next_of_its_slot() {
    let (mut poll, mut net) = network();
    let (_, at) = net.listen(address(HERE)).expect("listens");
    let old = net.connect(at).expect("begins to connect");
    let found = events(&mut poll);
    let stale = found.iter().find(|event| net.token_of(event.token()) == Some(old)).expect("an event for it");
    net.close(old);
    assert!(net.ready(stale).is_none());
    let new = net.connect(at).expect("begins to connect");
    assert_eq!(new.index(), old.index());
    assert!(net.ready(stale).is_none());
}

#[test]
fn no_socket_has_the_token_that_is_left_to_the_reactor() {
    let (_poll, mut net) = network();
    net.listen(address(HERE)).expect("listens");
    assert_eq!(net.token_of(mio::Token(usize::MAX)), None);
    assert_eq!(net.token_of(mio::Token(0)).map(Token::index), Some(0));
}

#[test]
fn a_socket_that_met_itself_counts_as_refused() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&address(HERE).into()).expect("bound");
    let own = socket.local_addr().expect("an address");
    socket.connect(&own).expect("connected to itself");
    let stream = TcpStream::from_std(socket.into());
    let mut connection = Connection { stream, ended: false, failed: None };
    assert_eq!(connection.addresses().expect_err("nobody is there").kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_closed_socket_is_given_back() {
    let (mut poll, mut net) = network();
    let (listener, at) = net.listen(address(HERE)).expect("listens");
    let client = net.connect(at).expect("begins to connect");
    let (server, _, _) = accepted(&mut poll, &mut net, listener);
    assert_eq!(net.count(), 3);
    net.close(client);
    net.abort(server);
    net.close(listener);
    assert_eq!(net.count(), 0);
}

/// Tests that want few descriptors run again in a process of their own.
#[cfg(unix)]
fn with_few_descriptors(test: &str, body: fn()) {
    const MARK: &str = "STATEPOINT_TEST_FEW_DESCRIPTORS";
    if std::env::var_os(MARK).is_some() {
        return body();
    }
    let program = std::env::current_exe().expect("this program");
    let script = "ulimit -n 64 && exec \"$0\" --exact \"$1\" --test-threads 1";
    let name = format!("{}::{test}", module_path!().split_once("::").expect("a crate and a module").1);
    let output = Command::new("sh").args(["-c", script]).arg(program).arg(name).env(MARK, "1").output();
    let output = output.expect("the process has run");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn without_descriptors_peers_are_turned_away_and_accepting_goes_on_afterwards() {
    with_few_descriptors("without_descriptors_peers_are_turned_away_and_accepting_goes_on_afterwards", || {
        let (mut poll, mut net) = network();
        let (listener, at) = net.listen(address(HERE)).expect("listens");
        let mut clients = Vec::new();
        let error = loop {
            match net.connect(at) {
                Ok(token) => clients.push(token),
                Err(error) => break error,
            }
        };
        assert_eq!(AcceptFailure::of(&error), Some(AcceptFailure::Exhausted));
        all_connected(&mut poll, &mut net, clients.iter().copied().collect());
        let error = net.accept(listener).expect_err("no descriptor is left");
        assert_eq!(AcceptFailure::of(&error), Some(AcceptFailure::Exhausted));

        assert_eq!(net.accept_and_drop(listener, 10), 10);
        assert_eq!(net.accept_and_drop(listener, 10), 10);
        assert!(net.connect(at).is_err(), "the reserve was taken again");
        while clients.iter().filter(|token| !is_blocked(&mut net, **token)).count() < 20 {
            events(&mut poll);
        }
        for token in clients.drain(..5) {
            net.close(token);
        }
        let mut accepted = 0;
        while net.accept(listener).is_ok() {
            accepted += 1;
        }
        assert_eq!(accepted, 5, "as many as were closed, without an event");
    });
}

#[cfg(unix)]
fn is_blocked(net: &mut SocketNet, token: Token) -> bool {
    net.read(token, &mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}
