//! What breaks connections, or keeps them from coming about.

use super::*;
use crate::net::{AcceptFailure, BACKLOG};
use crate::sim::Happening;

#[test]
fn bytes_up_to_a_random_one_arrive_and_then_both_ends_are_reset() {
    let mut lengths = Vec::new();
    for seed in 0..50 {
        let world = World::with_faults(seed, Faults { reset_at_byte: 1.0, ..Faults::default() });
        let (mut server, mut client) = (world.host(SERVER), world.host(CLIENT));
        let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
        let token = client.connect(at).expect("begins to connect");
        world.advance(world.now());
        let (accepted, _, _) = server.accept(listener).expect("accepted");
        let mut all = Vec::new();
        let failure = loop {
            if let Err(error) = write(&mut client, token, &[7; 10_000]) {
                assert_ne!(error.kind(), ErrorKind::WouldBlock);
            }
            world.advance(world.now());
            let (bytes, end) = read(&mut server, accepted);
            all.extend(bytes);
            world.advance(world.now());
            match kind(end) {
                ErrorKind::WouldBlock => assert!(all.len() < 1 << 21),
                failure => break failure,
            }
        };
        assert_eq!(failure, ErrorKind::ConnectionReset);
        assert!(write(&mut client, token, b"more").is_err());
        assert_eq!(world.count(Happening::ResetAtByte), 1);
        lengths.push(all.len());
    }
    lengths.sort_unstable();
    assert!(lengths[10] < 1_000 && lengths[40] > 10_000, "all magnitudes: {lengths:?}");
}

#[test]
fn a_reset_reaches_both_ends_and_loses_what_is_under_way() {
    let mut pair = pair(Faults { latency_least: milliseconds(5), ..Faults::default() });
    write(&mut pair.client, pair.dialled, b"arrives").expect("written");
    pair.pass(milliseconds(5));
    write(&mut pair.client, pair.dialled, b"is lost").expect("written");
    pair.world.reset(pair.number());
    pair.world.advance(pair.world.after(milliseconds(5)));
    assert!(matches!(pair.server.ready()[..], [Ready::Socket { readable: true, writable: true, .. }]));
    assert!(matches!(pair.client.ready()[..], [Ready::Socket { readable: true, writable: true, .. }]));
    let (bytes, end) = read(&mut pair.server, pair.accepted);
    assert_eq!((bytes.as_slice(), kind(end)), (&b"arrives"[..], ErrorKind::ConnectionReset));
    assert_eq!(kind(write(&mut pair.client, pair.dialled, b"no")), ErrorKind::ConnectionReset);
    assert_eq!(kind(write(&mut pair.client, pair.dialled, b"no")), ErrorKind::BrokenPipe);
    assert_eq!(kind(pair.client.connected(pair.dialled)), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_can_destroy_what_had_come() {
    let mut pair = pair(Faults { reset_discards: 1.0, ..Faults::default() });
    write(&mut pair.client, pair.dialled, b"has come").expect("written");
    pair.pass(Duration::ZERO);
    pair.world.reset(pair.number());
    pair.pass(Duration::ZERO);
    let (bytes, end) = read(&mut pair.server, pair.accepted);
    assert_eq!((bytes.len(), kind(end)), (0, ErrorKind::ConnectionReset));
}

#[test]
fn a_connection_is_reset_within_its_first_minute() {
    let mut pair = pair(Faults { reset_in_time: 1.0, ..Faults::default() });
    pair.pass(seconds(60));
    assert_eq!(kind(pair.server.read(pair.accepted, &mut [0; 1])), ErrorKind::ConnectionReset);
}

#[test]
fn a_lost_connection_is_silent_for_ever_even_after_healing() {
    let mut pair = pair(Faults { lost: 1.0, ..Faults::default() });
    pair.pass(seconds(60));
    write(&mut pair.client, pair.dialled, b"anybody?").expect("written");
    pair.client.close(pair.dialled);
    pair.world.heal();
    pair.pass(seconds(1_000_000));
    assert_eq!(kind(pair.server.read(pair.accepted, &mut [0; 1])), ErrorKind::WouldBlock);
    assert_eq!(pair.world.next_event(), None);
}

#[test]
fn a_clogged_direction_goes_on_where_it_stopped() {
    let mut pair =
        pair(Faults { clogged: 1.0, clogged_least: seconds(100), clogged_most: seconds(200), ..Faults::default() });
    pair.pass(seconds(60));
    write(&mut pair.client, pair.dialled, b"in the end").expect("written");
    pair.pass(seconds(1));
    assert_eq!(kind(pair.server.read(pair.accepted, &mut [0; 1])), ErrorKind::WouldBlock);
    pair.pass(seconds(200));
    assert_eq!(read(&mut pair.server, pair.accepted).0, b"in the end");
}

#[test]
fn a_refused_attempt_fails_and_an_unanswered_one_after_two_minutes() {
    let (world, mut server, mut client) = world(Faults { latency_least: milliseconds(1), ..Faults::default() });
    let (_, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let failure = |client: &mut SimNet, after: Duration| {
        let token = client.connect(at).expect("begins to connect");
        world.advance(world.after(after - Duration::from_nanos(1)));
        assert!(matches!(client.connected(token), Ok(None)));
        world.advance(world.after(Duration::from_nanos(1)));
        assert!(matches!(client.ready()[..], [Ready::Socket { writable: true, .. }]));
        let kind = client.connected(token).map(|open| open.is_some()).map_err(|error| error.kind());
        client.close(token);
        kind
    };
    world.refuse(at);
    assert_eq!(failure(&mut client, milliseconds(2)), Err(ErrorKind::ConnectionRefused));
    world.swallow(at);
    assert_eq!(failure(&mut client, seconds(127)), Err(ErrorKind::TimedOut));
    world.admit(at);
    assert_eq!(failure(&mut client, milliseconds(2)), Ok(true));
}

#[test]
fn nobody_answers_for_an_address_without_a_host() {
    let (world, _, mut client) = world(Faults::default());
    let token = client.connect("10.9.9.9:80".parse().expect("an address")).expect("begins to connect");
    assert_eq!(world.next_event(), Some(Moment::ZERO));
    world.advance(Moment::ZERO + seconds(127));
    assert_eq!(kind(client.connected(token)), ErrorKind::TimedOut);
}

#[test]
fn an_attempt_given_up_leaves_nothing_behind_wherever_it_stood() {
    for milli in 0..5 {
        let (world, mut server, mut client) = world(Faults { latency_least: milliseconds(2), ..Faults::default() });
        let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
        let token = client.connect(at).expect("begins to connect");
        world.advance(Moment::ZERO + milliseconds(milli));
        client.close(token);
        world.advance(Moment::ZERO + seconds(1));
        if let Ok((accepted, _, _)) = server.accept(listener) {
            assert!(milli >= 2);
            let end = server.read(accepted, &mut [0; 1]).map_err(|error| error.kind());
            assert!(matches!(end, Ok(0) | Err(ErrorKind::ConnectionReset)), "{end:?}");
            server.close(accepted);
        }
        server.ready();
        assert_eq!((world.connections().len(), world.open_sockets(CLIENT), world.next_event()), (0, 0, None));
    }
}

#[test]
fn a_peer_can_be_turned_away_or_led_astray() {
    let mut turned = pair_with_listeners(Faults { turned_away: 1.0, ..Faults::default() });
    assert!(matches!(turned.client.connected(turned.dialled), Ok(Some(_))));
    assert_eq!(turned.client.read(turned.dialled, &mut [0; 1]).expect("the end"), 0);
    assert!(turned.listeners.iter().all(|&token| turned.server.accept(token).is_err()));

    let mut astray = pair_with_listeners(Faults { wrong_listener: 1.0, ..Faults::default() });
    let [meant, other] = astray.listeners;
    assert_eq!(kind(astray.server.accept(meant)), ErrorKind::WouldBlock);
    let (_, _, local) = astray.server.accept(other).expect("accepted by the other");
    assert_eq!(local.port(), 80, "nobody can tell by the address");
}

struct TwoListeners {
    server: SimNet,
    client: SimNet,
    listeners: [Token; 2],
    dialled: Token,
}

fn pair_with_listeners(faults: Faults) -> TwoListeners {
    let (world, mut server, mut client) = world(faults);
    let listeners = [80, 81].map(|port| server.listen(SocketAddr::new(SERVER, port)).expect("listens").0);
    let dialled = client.connect(SocketAddr::new(SERVER, 80)).expect("begins to connect");
    world.advance(world.now());
    TwoListeners { server, client, listeners, dialled }
}

#[test]
fn accept_fails_as_a_test_orders_and_then_goes_on() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let tokens = [0; 3].map(|_| client.connect(at).expect("begins to connect"));
    world.advance(world.now());
    world.fail_accepts(SERVER, AcceptFailure::Exhausted, 2);
    world.fail_accepts(SERVER, AcceptFailure::Retry, 1);
    world.fail_accepts(SERVER, AcceptFailure::Fatal, 1);
    let failures = [0; 4].map(|_| AcceptFailure::of(&server.accept(listener).expect_err("ordered")));
    use AcceptFailure::{Exhausted, Fatal, Retry};
    assert_eq!(failures, [Exhausted, Exhausted, Retry, Fatal].map(Some));
    server.accept(listener).expect("the second peer");
    server.accept(listener).expect("the third peer");
    assert_eq!(kind(server.accept(listener)), ErrorKind::WouldBlock);
    world.advance(world.now());
    assert_eq!(kind(client.read(tokens[0], &mut [0; 1])), ErrorKind::ConnectionReset);
}

#[test]
fn accept_fails_at_random_only_while_somebody_waits() {
    let faults = Faults { accept_exhausted: 1.0, ..Faults::default() };
    let (world, mut server, mut client) = world(faults);
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    assert_eq!(kind(server.accept(listener)), ErrorKind::WouldBlock);
    client.connect(at).expect("begins to connect");
    world.advance(world.now());
    let failure = AcceptFailure::of(&server.accept(listener).expect_err("a fault"));
    assert_eq!(failure, Some(AcceptFailure::Exhausted));
    world.set_faults(Faults { accept_aborted: 1.0, ..Faults::default() });
    let failure = AcceptFailure::of(&server.accept(listener).expect_err("a fault"));
    assert_eq!(failure, Some(AcceptFailure::Retry));
    assert_eq!(kind(server.accept(listener)), ErrorKind::WouldBlock);
}

#[test]
fn a_host_without_descriptors_gets_no_second_event_for_those_who_wait() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    world.limit_sockets(SERVER, 2);
    for _ in 0..3 {
        client.connect(at).expect("begins to connect");
    }
    world.advance(world.now());
    assert_eq!(server.ready().len(), 1);
    let (first, _, _) = server.accept(listener).expect("there is room for one");
    let exhausted = |error: std::io::Error| AcceptFailure::of(&error) == Some(AcceptFailure::Exhausted);
    assert!(exhausted(server.accept(listener).expect_err("full")));
    assert!(exhausted(server.connect(at).expect_err("full")));
    assert!(exhausted(server.listen(SocketAddr::new(SERVER, 0)).expect_err("full")));
    assert_eq!(server.accept_and_drop(listener, 1), 1);
    server.ready();
    server.close(first);
    world.advance(world.now());
    assert!(server.ready().is_empty());
    server.accept(listener).expect("the last one waited");
}

#[test]
fn a_full_queue_is_tried_again_until_there_is_room() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let tokens: Vec<Token> = (0..=BACKLOG).map(|_| client.connect(at).expect("begins to connect")).collect();
    world.advance(world.now());
    let open =
        |client: &mut SimNet| tokens.iter().filter(|token| matches!(client.connected(**token), Ok(Some(_)))).count();
    assert_eq!(open(&mut client), BACKLOG);
    server.accept(listener).expect("accepted");
    world.advance(world.after(seconds(1)));
    assert_eq!(open(&mut client), BACKLOG + 1);
}

#[test]
fn somebody_between_sees_and_changes_what_is_sent() {
    let mut pair = pair(Faults::default());
    let (_, local) = pair.client.connected(pair.dialled).expect("connected").expect("open");
    let at = pair.at;
    pair.world.tamper(move |from, to, bytes| {
        assert_eq!((from, to), (local, at));
        bytes.make_ascii_uppercase();
        bytes.extend(b"!!");
    });
    assert_eq!(write(&mut pair.client, pair.dialled, b"hello").expect("written"), 5);
    pair.pass(Duration::ZERO);
    assert_eq!(read(&mut pair.server, pair.accepted).0, b"HELLO!!");
}
