//! Time, delays, buffers, pieces.

use super::*;
use crate::sim::Happening;

#[test]
fn what_is_sent_arrives_after_the_latency_and_not_before() {
    let mut pair = pair(Faults { latency_least: seconds(30), ..Faults::default() });
    let sent = pair.world.now();
    write(&mut pair.client, pair.dialled, b"hello").expect("written");
    assert_eq!(pair.world.next_event(), Some(sent + seconds(30)));
    pair.world.advance(sent + seconds(29));
    assert!(pair.server.ready().is_empty());
    assert_eq!(kind(pair.server.read(pair.accepted, &mut [0; 8])), ErrorKind::WouldBlock);
    pair.world.advance(sent + seconds(30));
    assert_eq!(pair.server.ready().len(), 1);
    assert_eq!(read(&mut pair.server, pair.accepted).0, b"hello");
}

#[test]
fn connecting_takes_a_round_trip() {
    let (world, mut server, mut client) = world(Faults { latency_least: seconds(1), ..Faults::default() });
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let token = client.connect(at).expect("begins to connect");
    world.advance(Moment::ZERO + seconds(1));
    assert!(matches!(server.ready()[..], [Ready::Socket { token, readable: true, .. }] if token == listener));
    assert!(matches!(client.connected(token), Ok(None)));
    assert_eq!(kind(write(&mut client, token, b"too early")), ErrorKind::WouldBlock);
    world.advance(Moment::ZERO + seconds(2));
    assert!(matches!(client.ready()[..], [Ready::Socket { token: it, writable: true, .. }] if it == token));
    assert!(matches!(client.connected(token), Ok(Some(_))));
}

#[test]
fn delays_vary_and_keep_the_order() {
    let mut pair = pair(Faults { latency_mean: milliseconds(50), ..Faults::default() });
    let mut moments = Vec::new();
    for byte in 0..200 {
        write(&mut pair.client, pair.dialled, &[byte]).expect("written");
    }
    let mut all = Vec::new();
    while let Some(next) = pair.world.next_event() {
        pair.world.advance(next);
        pair.server.ready();
        pair.client.ready();
        let bytes = read(&mut pair.server, pair.accepted).0;
        if !bytes.is_empty() {
            moments.push(next);
        }
        all.extend(bytes);
    }
    assert_eq!(all, (0..200).collect::<Vec<u8>>());
    assert!(moments.len() > 3, "{moments:?}");
}

#[test]
fn time_never_goes_back_and_what_is_due_happens_in_order() {
    let (world, mut server, mut client) = world(Faults { latency_least: milliseconds(10), ..Faults::default() });
    let (_, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    client.connect(at).expect("begins to connect");
    world.advance(Moment::ZERO + seconds(1));
    world.advance(Moment::ZERO);
    assert_eq!(world.now(), Moment::ZERO + seconds(1));
    let at: Vec<Moment> = world.history().iter().map(|entry| entry.at).collect();
    let milli = |count| Moment::ZERO + milliseconds(count);
    assert_eq!(at, [milli(0), milli(0), milli(10), milli(20)]);
}

#[test]
fn the_next_event_is_now_until_every_host_has_seen_its_events_and_none_when_nothing_will_happen() {
    let (world, mut server, mut client) = world(Faults::default());
    assert_eq!(world.next_event(), None);
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let token = client.connect(at).expect("begins to connect");
    world.advance(Moment::ZERO);
    assert_eq!(world.next_event(), Some(Moment::ZERO));
    server.ready();
    assert_eq!(world.next_event(), Some(Moment::ZERO));
    client.ready();
    // The accepted end is a change of its own; two minutes for an answer are no event once it has come.
    assert_eq!(world.next_event(), None);
    server.accept(listener).expect("accepted");
    assert_eq!(world.next_event(), Some(Moment::ZERO));
    server.ready();
    client.close(token);
    assert_eq!(world.next_event(), Some(Moment::ZERO));
}

#[test]
fn a_direction_holds_as_many_bytes_as_its_buffer_and_the_reader_makes_room() {
    let mut pair =
        pair(Faults { latency_least: milliseconds(1), buffer_least: 1000, buffer_most: 1000, ..Faults::default() });
    assert_eq!(write(&mut pair.client, pair.dialled, &[1; 600]).expect("written"), 600);
    assert_eq!(write(&mut pair.client, pair.dialled, &[2; 600]).expect("written"), 400);
    assert_eq!(kind(write(&mut pair.client, pair.dialled, &[3; 600])), ErrorKind::WouldBlock);
    pair.pass(seconds(1));
    assert_eq!(kind(write(&mut pair.client, pair.dialled, &[3; 600])), ErrorKind::WouldBlock);
    assert_eq!(pair.server.read(pair.accepted, &mut [0; 100]).expect("read"), 100);
    assert!(pair.client.ready().is_empty());
    pair.world.advance(pair.world.after(milliseconds(1)));
    assert!(matches!(pair.client.ready()[..], [Ready::Socket { writable: true, .. }]));
    assert_eq!(write(&mut pair.client, pair.dialled, &[3; 600]).expect("written"), 100);
}

#[test]
fn reads_and_writes_can_be_short_and_what_is_written_can_come_in_pieces() {
    let faults = Faults { short_reads: 1.0, short_writes: 1.0, split_writes: 1.0, ..Faults::default() };
    let mut pair = pair(Faults { latency_mean: milliseconds(1), ..faults });
    let count = write(&mut pair.client, pair.dialled, &[7; 100]).expect("written");
    assert!((1..100).contains(&count), "{count}");
    pair.pass(seconds(1));
    assert!(!pair.server.short_read_drains(pair.accepted));
    let some = pair.server.read(pair.accepted, &mut [0; 200]).expect("read");
    assert!((1..count).contains(&some), "{some} of {count}");
    assert_eq!(read(&mut pair.server, pair.accepted).0.len(), count - some);
    assert!(pair.world.count(Happening::SplitWrite) == 1 && pair.world.count(Happening::ShortRead) > 0);
}

#[test]
fn an_event_that_is_late_still_comes_and_shows_what_was_merged_into_it() {
    let mut pair = pair(Faults::default());
    pair.world.set_faults(Faults { late_events: 1.0, ..Faults::default() });
    write(&mut pair.client, pair.dialled, b"one").expect("written");
    pair.world.advance(pair.world.now());
    assert!(pair.server.ready().is_empty());
    let later = pair.world.next_event().expect("it will be shown");
    assert!(later > pair.world.now() && later <= pair.world.after(milliseconds(1)));
    pair.client.close(pair.dialled);
    pair.world.set_faults(Faults::default());
    pair.world.advance(later);
    assert_eq!(pair.server.ready().len(), 1);
    assert!(!pair.server.short_read_drains(pair.accepted), "the end was shown with it");
}

#[test]
fn the_first_event_of_an_accepted_connection_shows_what_had_come_before() {
    let (world, mut server, mut client) = world(Faults::default());
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let token = client.connect(at).expect("begins to connect");
    world.advance(world.now());
    write(&mut client, token, b"all").expect("written");
    client.close(token);
    world.advance(world.now());
    server.ready();
    let (accepted, _, _) = server.accept(listener).expect("accepted");
    assert!(matches!(server.ready()[..], [Ready::Socket { readable: true, writable: true, .. }]));
    assert!(!server.short_read_drains(accepted));
    assert_eq!(read(&mut server, accepted).0, b"all");
}

#[test]
fn the_hash_tells_contents_apart_not_only_lengths() {
    let hash = |bytes: &[u8]| {
        let mut pair = pair(Faults::default());
        write(&mut pair.client, pair.dialled, bytes).expect("written");
        pair.world.trace_hash()
    };
    assert_eq!(hash(b"one of many bytes"), hash(b"one of many bytes"));
    assert_ne!(hash(b"one of many bytes"), hash(b"One of many bytes"));
    assert_ne!(hash(b"one of many bytes"), hash(b"one of many bytez"));
}

#[test]
fn spurious_events_come_only_with_others() {
    let mut pair = pair(Faults::default());
    pair.pass(Duration::ZERO);
    pair.world.set_faults(Faults { spurious_events: 1.0, ..Faults::default() });
    assert!(pair.server.ready().is_empty());
    write(&mut pair.client, pair.dialled, b"one").expect("written");
    pair.world.advance(pair.world.now());
    assert_eq!(pair.server.ready().len(), 2);
}
