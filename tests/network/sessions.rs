//! One point for each connection.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Done, Ended, Panicked, Peer};

use crate::frames;
use crate::messages::{Bulk, Note};
use crate::puppet::{Puppet, Sessions};
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::{Raw, World, read_to_end, say_goodbye};

scenarios!(
    a_session_that_cannot_be_made_is_told_to_the_controller,
    a_session_takes_what_the_peer_sends_and_the_controller_what_becomes_of_it,
    a_session_that_ends_closes_its_connection_with_its_value,
    what_a_session_has_sent_before_its_end_arrives,
    a_connection_that_is_closed_asks_its_session_to_end_first,
    a_controller_that_ends_lets_its_sessions_say_goodbye,
    a_session_is_told_of_congestion_and_so_is_its_controller,
    a_peer_that_goes_asks_the_session_to_end,
    a_peer_that_ends_its_direction_asks_the_session_to_end_at_once,
    a_session_that_panics_closes_its_connection_with_the_fault,
    a_session_that_ends_at_once_was_there,
    a_controller_that_ends_takes_its_sessions_along,
    both_ends_have_sessions,
);

/// A server with sessions and a client without, one connection, and its ends.
struct Served {
    server: Puppet,
    client: Puppet,
    session: Puppet,
    peer: Peer,
    there: Address,
}

fn serve(world: &mut impl World) -> Served {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (own, sessions) = (world.own(here), Sessions::default());
    let maker = sessions.maker(|point| point);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(maker));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let there = client.connect(world, at);
    let (accepted, from) = server.expect::<Accepted>(world);
    let (session, peer) = sessions.next(here, from);
    assert_eq!((peer.controller, peer.remote), (server.address, accepted.remote));
    Served { server, client, session, peer, there }
}

fn a_session_takes_what_the_peer_sends_and_the_controller_what_becomes_of_it(world: &mut impl World) {
    let Served { server, client, session, peer, there } = serve(world);
    assert!(!session.address.is_far() && session.address != server.address, "the session is a point of this process");
    client.send(world, there, Note { number: 1 });
    assert_eq!(session.expect::<Note>(world), (Note { number: 1 }, peer.address));
    session.send(world, peer.address, Note { number: 2 });
    assert_eq!(client.expect::<Note>(world), (Note { number: 2 }, there));
    // The controller can talk to the peer too, and is answered itself.
    server.send(world, peer.address, Note { number: 3 });
    let (_, from) = client.expect::<Note>(world);
    client.send(world, from, Note { number: 4 });
    assert_eq!(server.expect::<Note>(world).0.number, 4);
    client.send(world, there, Close);
    client.expect::<Closed>(world);
    let (abandoned, from) = server.expect::<Abandoned>(world);
    assert_eq!((abandoned.reason, from), (Ended::ByPeer, session.address));
    world.finish();
}

fn a_session_that_ends_closes_its_connection_with_its_value(world: &mut impl World) {
    let Served { server, client, session, peer, .. } = serve(world);
    session.end(world);
    let (closed, from) = server.expect::<Closed>(world);
    assert!(closed.value.is::<Done>());
    assert_eq!((closed.reason, closed.remote, from), (Ended::ByUs, peer.remote, session.address));
    assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    let host = server.host;
    world.run_until("the connection to end", |world| world.kernel(host).points() == 2 && world.sockets(host) == 1);
    assert_eq!((server.names(), server.completed().len()), (vec![], 0));
    world.finish();
}

fn what_a_session_has_sent_before_its_end_arrives(world: &mut impl World) {
    const COUNT: u64 = 10_000;
    let Served { server, client, session, peer, .. } = serve(world);
    session.soon(world, move |cx| (0..COUNT).for_each(|number| cx.send(peer.address, Note { number })));
    session.end(world);
    for number in 0..COUNT {
        assert_eq!(client.expect::<Note>(world).0, Note { number });
    }
    client.expect::<Abandoned>(world);
    assert!(server.expect::<Closed>(world).0.value.is::<Done>());
    world.finish();
}

fn a_connection_that_is_closed_asks_its_session_to_end_first(world: &mut impl World) {
    let (server, client, peer) = serve_politely(world);
    server.send(world, peer, Close);
    assert_eq!(client.expect::<Note>(world).0.number, 99, "its last words arrive");
    assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    let (closed, _) = server.expect::<Closed>(world);
    assert_eq!(closed.value.take::<Note>().expect("its value").number, 100);
    assert_eq!(closed.reason, Ended::ByUs);
    world.finish();
}

/// Its sessions have the last word too.
fn a_controller_that_ends_lets_its_sessions_say_goodbye(world: &mut impl World) {
    let (server, client, _) = serve_politely(world);
    let host = server.host;
    server.end(world);
    assert_eq!(client.expect::<Note>(world).0.number, 99);
    assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    assert_eq!(world.kernel(host).counters().dropped, 0);
    world.finish();
}

/// Both can send to the peer, so both should know that it does not keep up.
fn a_session_is_told_of_congestion_and_so_is_its_controller(world: &mut impl World) {
    let Served { server, client, session, peer, .. } = serve(world);
    session.soon(world, move |cx| (0..20).for_each(|number| cx.send(peer.address, Bulk::new(number, 100_000))));
    for puppet in [&session, &server] {
        let (congested, from) = puppet.expect::<Congested>(world);
        assert!(congested.waiting >= 1 << 20 && from == peer.address, "{congested:?} from {from}");
        assert_eq!(puppet.expect::<Relieved>(world).1, peer.address);
    }
    client.wait_for(world, 20, "all of it");
    world.finish();
}

pub(crate) fn a_peer_that_goes_asks_the_session_to_end(world: &mut impl World) {
    let Served { server, client, session, peer, there } = serve(world);
    client.send(world, there, Close);
    server.expect::<Abandoned>(world);
    let (host, address) = (server.host, session.address);
    world.run_until("the session to end", |world| !world.kernel(host).is_alive(address));
    world.run_until("the connection to end", |world| world.kernel(host).points() == 2 && world.sockets(host) == 1);
    assert_eq!(server.names(), [""; 0], "the end is told once");
    server.act(world, move |cx| cx.send(peer.address, Note { number: 1 }));
    world.finish();
}

/// While what was sent before is still written to it.
fn a_peer_that_ends_its_direction_asks_the_session_to_end_at_once(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (own, sessions) = (world.own(host), Sessions::default());
    let maker = sessions.maker(|point| point);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(maker));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let mut raw = world.dial(at);
    let (_, session) = server.expect::<Accepted>(world);
    let (session, peer) = sessions.next(host, session);
    // More than the buffers of both systems hold.
    session.act(world, move |cx| (0..15).for_each(|number| cx.send(peer.address, Bulk::new(number, 1_000_000))));
    say_goodbye(world, &mut raw);
    assert_eq!(server.pick::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.run_until("the session to end", |world| !world.kernel(host).is_alive(session.address));
    assert_eq!(world.sockets(host), 2, "the peer has not read what waits");
    let (bytes, was_reset) = read_to_end(world, &mut raw);
    assert!(bytes.len() > 15_000_000 && !was_reset, "{} bytes", bytes.len());
    world.finish();
}

fn a_session_that_panics_closes_its_connection_with_the_fault(world: &mut impl World) {
    let Served { server, client, session, .. } = serve(world);
    session.soon(world, |_| panic!("on purpose"));
    let (closed, _) = server.expect::<Closed>(world);
    let fault = closed.value.take::<Panicked>().expect("the fault of the session");
    assert_eq!((fault.text, closed.reason), ("on purpose".into(), Ended::ByUs));
    client.expect::<Abandoned>(world);
    world.finish();
}

fn a_session_that_ends_at_once_was_there(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(|peer: &Peer| {
            let peer = peer.address;
            routine(async move |cx: &mut Routine| {
                cx.send(peer, Note { number: 1 });
                Note { number: 2 }
            })
        }));
    });
    let at = server.expect::<Listening>(world).0.listening;
    for _ in 0..10 {
        client.connect(world, at);
        let (_, session) = server.expect::<Accepted>(world);
        let (closed, from) = server.expect::<Closed>(world);
        assert_eq!((closed.value.take::<Note>().expect("its value").number, from), (2, session));
        assert_eq!(client.expect::<Note>(world).0.number, 1);
        client.expect::<Abandoned>(world);
    }
    world.finish();
}

fn a_controller_that_ends_takes_its_sessions_along(world: &mut impl World) {
    let Served { server, client, session, .. } = serve(world);
    let (host, address) = (server.host, session.address);
    server.end(world);
    world.run_until("all of it to end", |world| world.kernel(host).points() == 0);
    assert!(!world.kernel(host).is_alive(address));
    assert_eq!((world.sockets(host), world.kernel(host).counters().dropped), (0, 0));
    assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    world.finish();
}

fn both_ends_have_sessions(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (own, at_server, at_client) = (world.own(here), Sessions::default(), Sessions::default());
    let maker = at_server.maker(|point| point);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(maker));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let maker = at_client.maker(|point| point);
    client.soon(world, move |cx| {
        cx.connect(Connect::to(at).session(maker));
    });
    let (session, peer) = at_client.next(there, client.expect::<Connected>(world).1);
    let (other, back) = at_server.next(here, server.expect::<Accepted>(world).1);
    session.send(world, peer.address, Note { number: 1 });
    assert_eq!(other.expect::<Note>(world), (Note { number: 1 }, back.address));
    other.send(world, back.address, Note { number: 2 });
    assert_eq!(session.expect::<Note>(world), (Note { number: 2 }, peer.address));
    session.end(world);
    assert!(client.expect::<Closed>(world).0.value.is::<Done>());
    assert_eq!(server.expect::<Abandoned>(world).1, other.address);
    assert_eq!((server.names(), client.names()), (vec![], vec![]));
    world.finish();
}

/// Says something when it is asked to end.
struct Polite {
    peer: Address,
}
#[state_machine]
impl Polite {
    fn ANY_Start(&mut self, _: Start) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        cx.send(self.peer, Note { number: 99 });
        Self::complete(Note { number: 100 })
    }
}

/// A server whose session is one of those, a client, and the client as the session knows it.
fn serve_politely(world: &mut impl World) -> (Puppet, Puppet, Address) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (own, seen) = (world.own(here), Rc::new(Cell::new(None)));
    let peer = Rc::clone(&seen);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(move |peer: &Peer| {
            seen.set(Some(*peer));
            Polite { peer: peer.address }
        }));
    });
    let at = server.expect::<Listening>(world).0.listening;
    client.connect(world, at);
    server.expect::<Accepted>(world);
    (server, client, peer.get().expect("a session was made").address)
}

/// Does not end when it is asked to.
struct Stubborn;

#[state_machine]
impl Stubborn {
    fn ANY_Start(&mut self, _: Start) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Note(&mut self, note: Note) -> Next<Self> {
        Self::complete(note)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Next::STAY
    }
}

/// A server whose session is one of those, somebody who speaks bytes to it, and the addresses of session and peer.
fn serve_stubbornly(world: &mut Simulated) -> (Puppet, <Simulated as World>::Raw, Address, Address) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (own, sessions) = (world.own(host), Sessions::default());
    let maker = sessions.maker(|_| Stubborn);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(maker));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let raw = world.dial(at);
    let (_, session) = server.expect::<Accepted>(world);
    let peer = sessions.next(host, session).1.address;
    (server, raw, session, peer)
}

fn a_session_that_cannot_be_made_is_told_to_the_controller(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    server.soon(world, move |cx| {
        let session = |peer: &Peer| -> statepoint::NewPoint { panic!("no session for {}", peer.remote) };
        cx.listen(Listen::at(own).session(session));
    });
    let at = server.expect::<Listening>(world).0.listening;
    client.connect_in_vain(world, at);
    let (fault, _) = server.expect::<NotAccepted>(world);
    assert!(fault.to_string().contains("the closure for it has panicked"), "{fault}");
    assert!(world.warnings().iter().any(|line| line.contains("the closure that makes sessions has panicked")));
    world.run_until("the connection to end", |world| world.sockets(here) == 1);
    // The port is still open.
    client.connect_in_vain(world, at);
    server.expect::<NotAccepted>(world);
    world.finish();
}

#[test]
fn a_session_that_does_not_end_loses_its_connection_all_the_same() {
    let world = &mut Simulated::calm();
    let (server, mut raw, _, peer) = serve_stubbornly(world);
    let began = server.act(world, move |cx| {
        cx.send(peer, Close);
        cx.now()
    });
    assert_eq!(read_to_end(world, &mut raw), (frames::GOODBYE.to_vec(), false));
    let took = world.simulation.now() - began;
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(4), "{took:?}");
    say_goodbye(world, &mut raw);
    let (closed, _) = server.expect::<Closed>(world);
    assert!(closed.value.is::<Done>() && closed.reason == Ended::ByUs);
    // Then it is dropped, so that nothing is left.
    let host = server.host;
    world.run_until("the session to be dropped", |world| world.kernel(host).counters().dropped == 1);
    world.run_until("the connection to end", |world| world.kernel(host).points() == 2);
    assert_eq!(world.sockets(host), 1);
}

#[test]
pub(crate) fn a_session_that_ends_while_its_connection_closes_still_gives_its_value() {
    let world = &mut Simulated::calm();
    let (server, raw, session, peer) = serve_stubbornly(world);
    server.send(world, peer, Close);
    world.pass(Duration::from_millis(4_500));
    // The connection is shut by now, and the peer does not answer.
    let host = server.host;
    world.kernel(host).send(session, Address::NONE, Note { number: 7 });
    let (closed, from) = server.expect::<Closed>(world);
    assert_eq!(closed.value.take::<Note>().expect("its value").number, 7);
    assert_eq!((closed.reason, from), (Ended::NoAnswer, session));
    raw.close();
    world.finish();
}

#[test]
pub(crate) fn a_session_that_has_ended_leaves_a_peer_that_does_not_answer_to_the_deadline() {
    let world = &mut Simulated::calm();
    let host = world.host();
    let server = Puppet::new(world, host);
    let (own, sessions) = (world.own(host), Sessions::default());
    let maker = sessions.maker(|point| point);
    server.soon(world, move |cx| {
        cx.listen(Listen::at(own).session(maker));
    });
    let at = server.expect::<Listening>(world).0.listening;
    let raw = world.dial(at);
    let (_, session) = server.expect::<Accepted>(world);
    let peer = sessions.next(host, session).1.address;
    let began = server.act(world, move |cx| {
        cx.send(peer, Close);
        cx.now()
    });
    let (closed, _) = server.expect::<Closed>(world);
    assert!(closed.value.is::<Aborted>(), "{:?}", closed.value);
    assert_eq!(closed.reason, Ended::NoAnswer);
    assert!(closed.at - began < Duration::from_secs(4));
    raw.close();
    world.finish();
}

/// It sleeps while it is asked to end: that is not cut off, and what it says last is still written to a peer that reads.
#[test]
pub(crate) fn a_session_whose_connection_is_lost_tidies_up_before_the_controller_is_told() {
    for is_reset in [true, false] {
        let world = &mut Simulated::calm();
        let (here, there) = (world.host(), world.host());
        let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
        let own = world.own(here);
        server.soon(world, move |cx| {
            let session = |_: &Peer| {
                routine(async |cx: &mut Routine| {
                    cx.select::<Stop>().await;
                    cx.sleep(Duration::from_secs(2)).await;
                    Note { number: 7 }
                })
            };
            cx.listen(Listen::at(own).session(session).check_every(Duration::from_secs(1)));
        });
        let at = server.expect::<Listening>(world).0.listening;
        let there = client.connect(world, at);
        server.expect::<Accepted>(world);
        let began = world.simulation.now();
        if is_reset {
            let connection = world.net().connections()[0].connection;
            world.net().reset(connection);
        } else {
            client.send(world, there, Close);
        }
        let (abandoned, _) = server.expect::<Abandoned>(world);
        assert_eq!(abandoned.reason, if is_reset { Ended::Reset } else { Ended::ByPeer });
        assert!(abandoned.at - began >= Duration::from_secs(2), "{:?}", abandoned.at - began);
        assert_eq!(world.kernel(here).counters().dropped, 0);
        world.finish();
    }
}
