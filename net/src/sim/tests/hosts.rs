//! Hosts, addresses, routes, names.

use super::*;
use crate::sim::Happening;

#[test]
fn what_is_clogged_is_held_up_in_one_direction_and_delivered_afterwards() {
    let mut pair = pair(Faults { buffer_least: 100, buffer_most: 100, ..Faults::default() });
    pair.world.clog(CLIENT, SERVER);
    assert_eq!(write(&mut pair.client, pair.dialled, &[1; 200]).expect("written"), 100);
    write(&mut pair.server, pair.accepted, b"the other way").expect("written");
    pair.pass(seconds(100));
    assert_eq!(read(&mut pair.client, pair.dialled).0, b"the other way");
    assert_eq!(kind(pair.server.read(pair.accepted, &mut [0; 1])), ErrorKind::WouldBlock);
    pair.world.unclog(CLIENT, SERVER);
    pair.pass(Duration::ZERO);
    assert_eq!(read(&mut pair.server, pair.accepted).0, [1; 100]);
}

#[test]
fn a_sender_does_not_hear_that_there_is_room_while_the_way_back_is_clogged() {
    let mut pair = pair(Faults { buffer_least: 100, buffer_most: 100, ..Faults::default() });
    pair.world.clog(SERVER, CLIENT);
    assert_eq!(write(&mut pair.client, pair.dialled, &[1; 200]).expect("written"), 100);
    pair.pass(Duration::ZERO);
    assert_eq!(read(&mut pair.server, pair.accepted).0.len(), 100);
    pair.pass(seconds(1));
    assert_eq!(kind(write(&mut pair.client, pair.dialled, &[1; 100])), ErrorKind::WouldBlock);
    pair.world.unclog(SERVER, CLIENT);
    pair.world.advance(pair.world.now());
    assert!(matches!(pair.client.ready()[..], [Ready::Socket { writable: true, .. }]));
    assert_eq!(write(&mut pair.client, pair.dialled, &[1; 200]).expect("written"), 100);
}

#[test]
fn a_connection_to_an_isolated_host_comes_about_when_it_is_reached_again_in_time() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    world.isolate(SERVER);
    let token = client.connect(at).expect("begins to connect");
    world.advance(Moment::ZERO + seconds(10));
    assert_eq!(kind(server.accept(listener)), ErrorKind::WouldBlock);
    world.unclog(CLIENT, SERVER);
    world.advance(Moment::ZERO + seconds(20)); // the request is repeated
    server.accept(listener).expect("accepted");
    assert!(matches!(client.connected(token), Ok(None)), "the answer is held up");
    world.unclog(SERVER, CLIENT);
    world.advance(Moment::ZERO + seconds(40));
    assert!(matches!(client.connected(token), Ok(Some(_))));
}

#[test]
fn what_comes_from_the_far_end_is_an_answer_too() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    world.clog(SERVER, CLIENT);
    let token = client.connect(at).expect("begins to connect");
    world.advance(world.now());
    let (accepted, _, _) = server.accept(listener).expect("accepted");
    write(&mut server, accepted, b"welcome").expect("written");
    world.advance(world.now());
    world.unclog(SERVER, CLIENT);
    world.advance(world.now());
    assert!(matches!(client.connected(token), Ok(Some(_))));
    assert_eq!(read(&mut client, token).0, b"welcome");
}

#[test]
fn who_gave_up_resets_a_connection_that_the_other_end_holds_open() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    world.clog(SERVER, CLIENT);
    let token = client.connect(at).expect("begins to connect");
    world.advance(Moment::ZERO + seconds(127));
    assert_eq!(kind(client.connected(token)), ErrorKind::TimedOut);
    client.close(token);
    let (accepted, _, _) = server.accept(listener).expect("accepted");
    world.advance(world.now());
    assert_eq!(kind(server.read(accepted, &mut [0; 1])), ErrorKind::ConnectionReset);
}

#[test]
fn a_crash_tells_nobody_and_a_restarted_host_answers_with_a_reset() {
    let mut pair = pair(Faults { latency_least: milliseconds(1), ..Faults::default() });
    write(&mut pair.server, pair.accepted, b"lost with the power").expect("written");
    pair.world.crash(SERVER);
    assert_eq!(kind(pair.server.read(pair.accepted, &mut [0; 1])), ErrorKind::NotConnected);
    assert_eq!(kind(pair.server.listen(pair.at)), ErrorKind::NetworkDown);
    assert_eq!(kind(pair.server.resolve(1, "x.lab", 80)), ErrorKind::NetworkDown);
    write(&mut pair.client, pair.dialled, b"hello?").expect("written");
    pair.pass(seconds(1000));
    assert_eq!(kind(pair.client.read(pair.dialled, &mut [0; 1])), ErrorKind::WouldBlock);

    pair.world.restart(SERVER);
    pair.pass(seconds(1));
    assert_eq!(kind(pair.client.read(pair.dialled, &mut [0; 1])), ErrorKind::ConnectionReset);
    let (listener, _) = pair.server.listen(pair.at).expect("the port is free");
    assert_ne!(listener, pair.listener);
    assert_eq!(kind(pair.server.accept(pair.listener)), ErrorKind::NotConnected);
}

#[test]
fn a_killed_process_says_goodbye_and_its_host_goes_on() {
    let mut pair = pair(Faults::default());
    write(&mut pair.server, pair.accepted, b"last words").expect("written");
    let waiting = pair.client.connect(pair.at).expect("begins to connect");
    pair.pass(Duration::ZERO);
    pair.world.kill(SERVER);
    pair.pass(Duration::ZERO);
    let (bytes, end) = read(&mut pair.client, pair.dialled);
    assert_eq!((bytes.as_slice(), end.is_ok()), (&b"last words"[..], true));
    assert_eq!(kind(pair.client.read(waiting, &mut [0; 1])), ErrorKind::ConnectionReset);
    assert_eq!(pair.world.open_sockets(SERVER), 0);
    pair.server.listen(pair.at).expect("listens again");
}

#[test]
fn a_frozen_process_sees_nothing_while_its_system_goes_on() {
    let mut pair = pair(Faults { buffer_least: 100, buffer_most: 100, ..Faults::default() });
    pair.pass(Duration::ZERO);
    pair.world.freeze(SERVER);
    assert!(!pair.world.is_running(SERVER) && pair.world.is_running(CLIENT));
    let second = pair.client.connect(pair.at).expect("begins to connect");
    assert_eq!(write(&mut pair.client, pair.dialled, &[1; 200]).expect("written"), 100);
    pair.world.advance(pair.world.after(seconds(1)));
    assert!(pair.server.ready().is_empty());
    assert_eq!(pair.client.ready().len(), 1);
    assert!(matches!(pair.client.connected(second), Ok(Some(_))));
    assert_eq!(pair.world.next_event(), None, "a world does not wait for who is frozen");
    pair.world.thaw(SERVER);
    assert_eq!(pair.world.next_event(), Some(pair.world.now()));
    assert_eq!(pair.server.ready().len(), 2);
}

#[test]
fn healing_lets_everything_through_again() {
    let mut pair = pair(Faults { latency_least: milliseconds(1), clogged: 1.0, refused: 0.5, ..Faults::default() });
    pair.pass(seconds(60));
    pair.world.isolate(SERVER);
    pair.world.swallow(pair.at);
    pair.world.limit_sockets(CLIENT, 0);
    write(&mut pair.client, pair.dialled, b"hello").expect("written");
    pair.pass(seconds(1));
    pair.world.heal();
    pair.pass(seconds(1));
    assert_eq!(read(&mut pair.server, pair.accepted).0, b"hello");
    let token = pair.client.connect(pair.at).expect("begins to connect");
    pair.pass(seconds(1));
    assert!(matches!(pair.client.connected(token), Ok(Some(_))));
    assert_eq!(pair.world.faults().latency_least, milliseconds(1));
    assert_eq!(pair.world.next_event(), None);
}

#[test]
fn each_host_has_a_loopback_of_its_own() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen("127.0.0.1:80".parse().expect("an address")).expect("listens");
    let (from_server, from_client) = (server.connect(at), client.connect(at));
    let outside = client.connect(SocketAddr::new(SERVER, 80)).expect("begins to connect");
    world.advance(world.now());
    assert!(matches!(server.connected(from_server.expect("begins to connect")), Ok(Some(_))));
    assert_eq!(kind(client.connected(from_client.expect("begins to connect"))), ErrorKind::ConnectionRefused);
    assert_eq!(kind(client.connected(outside)), ErrorKind::ConnectionRefused);
    let (_, peer, local) = server.accept(listener).expect("accepted");
    assert_eq!((peer.ip(), local), (at.ip(), at));
}

#[test]
fn a_listener_at_any_address_serves_all_of_its_host() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen("0.0.0.0:0".parse().expect("an address")).expect("listens");
    let outside = client.connect(SocketAddr::new(SERVER, at.port())).expect("begins to connect");
    let inside = server.connect(at).expect("begins to connect");
    world.advance(world.now());
    assert!(matches!((client.connected(outside), server.connected(inside)), (Ok(Some(_)), Ok(Some(_)))));
    assert_eq!(server.accept(listener).expect("accepted").2, SocketAddr::new(SERVER, at.port()));
    assert_eq!(kind(server.listen(SocketAddr::new(SERVER, at.port()))), ErrorKind::AddrInUse);
    server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let any = server.listen("0.0.0.0:80".parse().expect("an address"));
    assert_eq!(kind(any), ErrorKind::AddrInUse);
}

#[test]
fn there_is_no_way_between_the_families_of_addresses() {
    let (_, _, mut client) = world(Faults::default());
    let token = client.connect("[fd00::1]:80".parse().expect("an address"));
    assert_eq!(kind(token), ErrorKind::NetworkUnreachable);
}

#[test]
fn ports_are_given_only_once_and_come_back() {
    let (world, mut server, mut client) = world(Faults::default());
    let (_, at) = server.listen(SocketAddr::new(SERVER, 0)).expect("listens");
    let mut ports = std::collections::BTreeSet::new();
    let tokens: Vec<Token> = (0..1000).map(|_| client.connect(at).expect("begins to connect")).collect();
    assert!(tokens.iter().all(|&token| ports.insert(client.local_address(token).expect("open").port())));
    for token in tokens {
        client.close(token);
    }
    assert_eq!(world.connections(), []);
    let kept = client.connect(at).expect("begins to connect");
    let taken = client.local_address(kept).expect("open");
    for _ in 0..20_000 {
        let token = client.connect(at).expect("there are 16384 ports, one after the other");
        assert_ne!(client.local_address(token).expect("open"), taken);
        client.close(token);
    }
    client.close(kept);
    let mut listened = (0..16_384).map(|_| client.listen(SocketAddr::new(CLIENT, 0)));
    assert!(listened.by_ref().all(|listener| listener.is_ok()));
    assert_eq!(kind(client.listen(SocketAddr::new(CLIENT, 0))), ErrorKind::AddrInUse);
    assert_eq!(kind(client.connect(at)), ErrorKind::AddrNotAvailable);
}

#[test]
fn a_name_leads_to_its_addresses_in_their_order() {
    let (world, mut server, _) = world(Faults { latency_least: seconds(1), ..Faults::default() });
    world.name("server.lab", vec![CLIENT, SERVER]);
    server.resolve(7, "server.lab", 80).expect("asked");
    world.advance(Moment::ZERO + milliseconds(1999));
    assert!(server.ready().is_empty());
    world.advance(Moment::ZERO + seconds(2));
    let [Ready::Resolved { query: 7, answer: Ok(addresses) }] = &server.ready()[..] else { panic!("no answer") };
    assert_eq!(addresses, &[SocketAddr::new(CLIENT, 80), SocketAddr::new(SERVER, 80)]);
    assert_eq!(world.next_event(), None);
}

#[test]
fn a_look_up_can_fail_or_never_be_answered() {
    let (world, mut server, _) = world(Faults { resolve_failed: 1.0, ..Faults::default() });
    world.name("server.lab", vec![SERVER]);
    server.resolve(1, "server.lab", 80).expect("asked");
    world.advance(world.now());
    let [Ready::Resolved { query: 1, answer: Err(error) }] = &server.ready()[..] else { panic!("no answer") };
    assert_eq!(error.kind(), ErrorKind::NotFound);
    world.set_faults(Faults { resolve_unanswered: 1.0, ..Faults::default() });
    server.resolve(1, "server.lab", 80).expect("asked");
    world.advance(world.now());
    assert!(server.ready().is_empty());
    assert_eq!((kind(server.resolve(1, "server.lab", 80)), world.next_event()), (ErrorKind::AlreadyExists, None));
    server.cancel_resolve(1);
    server.resolve(1, "server.lab", 80).expect("the number is free");
}

#[test]
fn look_ups_under_way_are_bounded() {
    let (_, mut server, _) = world(Faults::default());
    for query in 0..crate::net::MOST_QUERIES as u64 {
        server.resolve(query, "server.lab", 80).expect("asked");
    }
    assert_eq!(kind(server.resolve(u64::MAX, "server.lab", 80)), ErrorKind::QuotaExceeded);
}

#[test]
fn the_history_tells_the_latest_in_words() {
    let mut pair = pair(Faults { latency_least: milliseconds(1500), ..Faults::default() });
    write(&mut pair.client, pair.dialled, b"hello").expect("written");
    let last = pair.world.history().last().expect("something has happened").to_string();
    assert_eq!(last, "     3.000000 #1 10.0.0.2:49152 sends to 10.0.0.1:80 (5 bytes)");
    for _ in 0..1000 {
        write(&mut pair.client, pair.dialled, b"x").expect("written");
    }
    assert_eq!(pair.world.history().len(), crate::sim::HISTORY);
    assert_eq!(pair.world.count(Happening::Sent), 1001);
}
