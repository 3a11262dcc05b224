//! How links end: in order from either end, at once from both, cut at any byte, with a process that is killed.

use std::time::Duration;

use statepoint::Ended;
use statepoint::link::Mode;
use statepoint::prelude::*;
use statepoint::wire::LinkError;

use crate::in_every_mode;
use crate::insider::{Insider, called, calling};
use crate::messages::{Bulk, Note};
use crate::modes::{MODES, connecting, listen, listening, pair};
use crate::puppet::{Pair, Puppet};
use crate::simulated::Simulated;
use crate::world::{Raw, World, write_all};

in_every_mode!(
    either_end_closes_and_both_know_that_it_was_in_order,
    what_was_sent_before_a_close_arrives_from_either_end,
    both_ends_close_at_once,
    a_stream_that_is_cut_at_any_byte_is_told_from_one_that_ends,
    a_connector_that_leaves_during_the_handshake_is_not_accepted,
    a_listener_that_leaves_during_the_handshake_is_not_connected_to,
    what_comes_behind_a_goodbye_is_refused,
    a_peer_that_has_said_goodbye_gets_what_waits,
    who_closes_knows_whether_the_peer_has_heard_it,
);

fn either_end_closes_and_both_know_that_it_was_in_order(world: &mut impl World, mode: Mode) {
    for from_client in [true, false] {
        let Pair { server, client, there, back, .. } = pair(world, mode);
        let (closes, hears, far) = if from_client { (&client, &server, there) } else { (&server, &client, back) };
        closes.send(world, far, Close);
        let (closed, from) = closes.expect::<Closed>(world);
        assert_eq!((closed.reason, from), (Ended::ByUs, far));
        assert_eq!(hears.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
        let hosts = (client.host, server.host);
        world.run_until("the sockets to close", |world| (world.sockets(hosts.0), world.sockets(hosts.1)) == (0, 1));
        assert_eq!((client.waiting(), server.waiting()), (0, 0));
    }
    world.finish();
}

fn what_was_sent_before_a_close_arrives_from_either_end(world: &mut impl World, mode: Mode) {
    for from_client in [true, false] {
        let Pair { server, client, there, back, .. } = pair(world, mode);
        let (closes, hears, far) = if from_client { (&client, &server, there) } else { (&server, &client, back) };
        closes.soon(world, move |cx| {
            (0..1_000).for_each(|number| cx.send(far, Note { number }));
            (0..6).for_each(|number| cx.send(far, Bulk::new(number, 200_000)));
            cx.send(far, Close);
        });
        for number in 0..1_000 {
            assert_eq!(hears.expect::<Note>(world).0, Note { number });
        }
        for number in 0..6 {
            assert_eq!(hears.expect::<Bulk>(world).0.number, number);
        }
        assert_eq!(hears.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
        assert_eq!(closes.pick::<Closed>(world).0.reason, Ended::ByUs);
    }
    world.finish();
}

fn both_ends_close_at_once(world: &mut impl World, mode: Mode) {
    let Pair { server, client, there, back, .. } = pair(world, mode);
    client.soon(world, move |cx| {
        (0..500).for_each(|number| cx.send(there, Note { number }));
        cx.send(there, Close);
    });
    server.soon(world, move |cx| {
        (0..500).for_each(|number| cx.send(back, Note { number }));
        cx.send(back, Close);
    });
    for puppet in [&client, &server] {
        assert_eq!(puppet.pick::<Closed>(world).0.reason, Ended::ByUs);
        let host = puppet.host;
        world.run_until("the connection to end", |world| world.net_counters(host).ended == 1);
        assert_eq!(puppet.count::<Note>(), puppet.waiting());
    }
    world.finish();
}

fn a_stream_that_is_cut_at_any_byte_is_told_from_one_that_ends<W: World>(world: &mut W, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    for cut in 0.. {
        let mut peer = calling(world, mode, at, cut);
        peer.open(world);
        let parts = [peer.note(1), peer.note(2), peer.goodbye()];
        let stream = parts.concat();
        let cut = usize::try_from(cut).expect("few bytes");
        write_all(world, &mut peer.raw, &stream[..cut]);
        peer.raw.shutdown();
        server.expect::<Accepted>(world);
        let whole = [parts[0].len(), parts[0].len() + parts[1].len()].into_iter().filter(|end| *end <= cut).count();
        for number in 1..=whole as u64 {
            assert_eq!(server.expect::<Note>(world).0, Note { number });
        }
        let reason = server.expect::<Abandoned>(world).0.reason;
        assert_eq!(reason, if cut == stream.len() { Ended::ByPeer } else { Ended::CutShort }, "after {cut} bytes");
        // Who was cut short does not say goodbye: nobody is to take it for an answer.
        let is_answered = if cut == stream.len() { Ok(()) } else { Err(LinkError::CutOff) };
        assert_eq!(peer.is_left(world), is_answered, "after {cut} bytes");
        peer.raw.close();
        if cut == stream.len() {
            break;
        }
    }
    assert_eq!(world.net_counters(host).protocol_errors, 0);
    world.finish();
}

/// After the whole of a handshake there was a connection.
fn a_connector_that_leaves_during_the_handshake_is_not_accepted<W: World>(world: &mut W, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    for cut in 0.. {
        let mut peer = calling(world, mode, at, cut);
        let (mut left, mut is_whole) = (usize::try_from(cut).expect("few bytes"), true);
        peer.write_handshake(world, |world, raw, bytes| {
            let count = bytes.len().min(left);
            write_all(world, raw, &bytes[..count]);
            (left, is_whole) = (left - count, count == bytes.len());
            is_whole
        });
        if cut == 0 {
            world.settle(); // it is not connected yet
        }
        peer.raw.shutdown();
        if is_whole {
            server.expect::<Accepted>(world);
            assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::CutShort);
            peer.raw.close();
            break;
        }
        let fault = server.expect::<NotAccepted>(world).0;
        let expected = format!("the handshake of a link in the mode {mode}");
        assert_eq!(fault.reason.link, Some(LinkError::Left { expected }), "after {cut} bytes");
        peer.raw.close();
    }
    world.run_until("the sockets to close", |world| world.sockets(host) == 1);
    assert_eq!(world.net_counters(host).protocol_errors, 0);
    world.finish();
}

fn a_listener_that_leaves_during_the_handshake_is_not_connected_to<W: World>(world: &mut W, mode: Mode) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    for cut in 0.. {
        let connect = connecting(mode, at);
        client.soon(world, move |cx| {
            cx.connect(connect);
        });
        let mut peer = called(world, mode, &mut accept, cut);
        let (mut left, mut is_whole) = (usize::try_from(cut).expect("few bytes"), true);
        peer.write_handshake(world, |world, raw, bytes| {
            let count = bytes.len().min(left);
            write_all(world, raw, &bytes[..count]);
            (left, is_whole) = (left - count, count == bytes.len());
            is_whole
        });
        peer.raw.shutdown();
        if is_whole {
            client.expect::<Connected>(world);
            assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::CutShort);
            peer.raw.close();
            break;
        }
        let fault = client.expect::<NotConnected>(world).0;
        assert_eq!(fault.tried, Some(at));
        assert!(matches!(fault.reason.link, Some(LinkError::Left { .. })), "after {cut} bytes: {fault:?}");
        peer.raw.close();
        world.run_until("the socket to close", |world| world.sockets(host) == 0);
    }
    assert_eq!(world.net_counters(host).protocol_errors, 0);
    world.finish();
}

fn what_comes_behind_a_goodbye_is_refused<W: World>(world: &mut W, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    let mut peer = calling(world, mode, at, 1);
    peer.open(world);
    let (note, goodbye) = (peer.note(1), peer.goodbye());
    write_all(world, &mut peer.raw, &[&note[..], &goodbye, &note].concat());
    server.expect::<Accepted>(world);
    assert_eq!(server.expect::<Note>(world).0.number, 1);
    assert_eq!(server.expect::<Abandoned>(world).0.reason, Ended::Link(LinkError::Tampered));
    world.run_until("the socket to close", |world| world.sockets(host) == 1);
    peer.raw.close();
    world.finish();
}

fn a_peer_that_has_said_goodbye_gets_what_waits<W: World>(world: &mut W, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    let mut peer = calling(world, mode, at, 1);
    peer.open(world);
    let note = peer.note(1);
    write_all(world, &mut peer.raw, &note);
    server.expect::<Accepted>(world);
    let (_, back) = server.expect::<Note>(world);
    server.act(world, move |cx| (0..8).for_each(|number| cx.send(back, Bulk::new(number, 200_000))));
    let goodbye = peer.goodbye();
    write_all(world, &mut peer.raw, &goodbye);
    peer.raw.shutdown();
    assert_eq!(server.pick::<Abandoned>(world).0.reason, Ended::ByPeer);
    assert_eq!(peer.is_left(world), Ok(()));
    assert_eq!(peer.frames.len(), 8);
    peer.raw.close();
    world.finish();
}

fn who_closes_knows_whether_the_peer_has_heard_it<W: World>(world: &mut W, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    // It answers, or leaves without a word; it has heard the close by then, or not.
    for (answers, leaves_first, reason) in [
        (true, false, Ended::ByUs),
        (false, false, Ended::CutShort),
        (true, true, Ended::ByUs),
        (false, true, Ended::CutShort),
    ] {
        let mut peer = calling(world, mode, at, u64::from(answers) * 2 + u64::from(leaves_first));
        peer.open(world);
        let back = server.expect::<Accepted>(world).1;
        let leave = |world: &mut W, peer: &mut Insider<W::Raw>| {
            let goodbye = if answers { peer.goodbye() } else { Vec::new() };
            write_all(world, &mut peer.raw, &goodbye);
            peer.raw.shutdown();
        };
        server.act(world, move |cx| {
            cx.send(back, Note { number: 1 });
            cx.send(back, Close);
        });
        if leaves_first {
            leave(world, &mut peer);
        }
        let is_answered = peer.is_left(world) == Ok(());
        assert!(is_answered || (leaves_first && !answers), "who closes says goodbye, unless it is cut short before");
        assert_eq!(peer.frames.len(), 1);
        if !leaves_first {
            leave(world, &mut peer);
        }
        assert_eq!(server.expect::<Closed>(world).0.reason, reason);
        peer.raw.close();
    }
    world.finish();
}

/// At every moment of the handshake, and after it, the process of one end is killed: the other end has one clear end.
#[test]
fn a_peer_that_is_killed_at_any_moment_has_one_end() {
    for mode in MODES {
        let moments = || (0..40).map(|number| Duration::from_micros(25 * number));
        let servers: Vec<String> = moments().map(|moment| killed(mode, moment, true)).collect();
        let clients: Vec<String> = moments().map(|moment| killed(mode, moment, false)).collect();
        let told = |all: &[String], what| all.iter().filter(|names| **names == what).count();
        let by_client = [told(&servers, "NotConnected"), told(&servers, "Connected Abandoned")];
        let by_server = [told(&clients, ""), told(&clients, "NotAccepted"), told(&clients, "Accepted Abandoned")];
        assert!(by_client.iter().chain(&by_server).all(|count| *count > 0), "{mode}: {servers:?}, {clients:?}");
        assert_eq!((by_client.iter().sum(), by_server.iter().sum()), (40, 40), "{mode}: {servers:?}, {clients:?}");
    }
}

/// What the one that is left was told, when the other one is killed at this moment.
fn killed(mode: Mode, moment: Duration, kills_server: bool) -> String {
    let world = &mut Simulated::calm();
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let own = world.own(server.host);
    let (at, _) = listen(world, &server, listening(mode, own));
    let connect = connecting(mode, at);
    client.soon(world, move |cx| {
        cx.connect(connect);
    });
    world.pass(moment);
    let (killed, left) = if kills_server { (&server, &client) } else { (&client, &server) };
    world.net().kill(Simulated::ip(killed.host));
    world.pass(Duration::from_secs(10));
    assert_eq!(world.sockets(left.host), usize::from(!kills_server), "{mode} {moment:?}");
    assert!(world.net().open_sockets(Simulated::ip(left.host)) == world.sockets(left.host));
    if left.waiting() == 2 && left.names()[1].ends_with("Abandoned") {
        let names = left.names();
        match kills_server {
            true => assert_eq!(left.take::<Connected>().0.remote, at),
            false => assert_eq!(left.take::<Accepted>().0.listening, at),
        }
        let reason = left.take::<Abandoned>().0.reason;
        assert!(matches!(reason, Ended::CutShort | Ended::Reset), "{mode} {moment:?}: {reason:?}");
        return short(&names);
    }
    short(&left.names())
}

/// The names of messages without the package.
fn short(names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.trim_start_matches("statepoint.")).collect();
    names.join(" ")
}
