//! Points that talk over links without knowing it: sessions, routines; and those that do know, and decide by the peer's key.

use std::time::Duration;

use statepoint::link::{ListenSecurity, Mode, PublicKey};
use statepoint::prelude::*;
use statepoint::{Done, Ended, Peer};

use crate::messages::Note;
use crate::modes::{CLIENT, SERVER, STRANGER, connect, connecting, identity, key, listen, listening};
use crate::puppet::{Puppet, Sessions};
use crate::world::World;
use crate::{in_every_mode, scenarios};

in_every_mode!(
    sessions_of_both_ends_know_each_other_by_the_same_binding,
    a_session_that_ends_closes_its_connection,
    routines_talk,
    a_routine_hears_at_once_why_there_is_no_connection,
    a_session_that_admits_by_key,
);

scenarios!(a_session_decides_who_is_served);

/// The keys that are proven in a mode: the connector's, the listener's.
fn proven(mode: Mode) -> [Option<PublicKey>; 2] {
    [(mode == Mode::Mutual).then(|| key(CLIENT)), (mode >= Mode::ServerAuthenticated).then(|| key(SERVER))]
}

fn sessions_of_both_ends_know_each_other_by_the_same_binding(world: &mut impl World, mode: Mode) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at_server, at_client) = (Sessions::default(), Sessions::default());
    let own = world.own(here);
    let listen_to = listening(mode, own).session(at_server.maker(|point| point));
    let (at, _) = listen(world, &server, listen_to);
    let mut bindings = Vec::new();
    for number in 0..3 {
        let connect = connecting(mode, at).session(at_client.maker(|point| point));
        client.soon(world, move |cx| {
            cx.connect(connect);
        });
        let (connected, from) = client.expect::<Connected>(world);
        let (session, peer) = at_client.next(there, from);
        let (accepted, from) = server.expect::<Accepted>(world);
        let (other, back) = at_server.next(here, from);
        let [client_key, server_key] = proven(mode);
        assert_eq!((peer.key, connected.key), (server_key, server_key));
        assert_eq!((back.key, accepted.key), (client_key, client_key));
        assert_eq!([peer.mode, connected.mode, back.mode, accepted.mode], [mode; 4]);
        assert_eq!(peer.binding, back.binding);
        assert_eq!(peer.binding.is_some(), mode != Mode::Clear);
        bindings.extend(peer.binding);
        session.send(world, peer.address, Note { number });
        assert_eq!(other.expect::<Note>(world), (Note { number }, back.address));
        other.send(world, back.address, Note { number });
        assert_eq!(session.expect::<Note>(world), (Note { number }, peer.address));
    }
    assert_eq!(bindings.iter().filter(|binding| **binding == bindings[0]).count(), bindings.len().min(1));
    world.finish();
}

fn a_session_that_ends_closes_its_connection(world: &mut impl World, mode: Mode) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let sessions = Sessions::default();
    let own = world.own(here);
    let listen_to = listening(mode, own).session(sessions.maker(|point| point));
    let (at, _) = listen(world, &server, listen_to);
    let far = connect(world, &client, connecting(mode, at));
    let (session, peer) = sessions.next(here, server.expect::<Accepted>(world).1);
    session.soon(world, move |cx| (0..2_000).for_each(|number| cx.send(peer.address, Note { number })));
    session.end(world);
    for number in 0..2_000 {
        assert_eq!(client.expect::<Note>(world), (Note { number }, far));
    }
    assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
    let (closed, _) = server.expect::<Closed>(world);
    assert!(closed.value.is::<Done>() && closed.reason == Ended::ByUs);
    world.finish();
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.Question")]
struct Question {
    text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.Reply")]
struct Reply {
    text: String,
}

#[derive(Debug, Select)]
enum Opened {
    Connected(Connected),
    NotConnected(NotConnected),
}

/// Asks one question, as a program would.
async fn ask(cx: &mut Routine, connect: Connect) -> Result<Reply, Fault> {
    cx.connect(connect);
    let server = match cx.select::<Opened>().await {
        Opened::Connected(_) => cx.from(),
        Opened::NotConnected(fault) => return Err(fault.into()),
    };
    cx.send(server, Question { text: "what is the time?".into() });
    Ok(cx.select_within::<Reply>(Duration::from_secs(30)).await?)
}

/// Answers one question.
async fn answer(cx: &mut Routine, peer: Address) -> Result<Done, Fault> {
    let question = cx.select_within::<Question>(Duration::from_secs(30)).await?;
    cx.send(peer, Reply { text: format!("{} it is late", question.text) });
    Ok(Done)
}

fn routines_talk(world: &mut impl World, mode: Mode) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    let listen_to = listening(mode, own).session(|peer: &Peer| {
        let peer = peer.address;
        routine(async move |cx| answer(cx, peer).await)
    });
    let (at, _) = listen(world, &server, listen_to);
    let connect = connecting(mode, at);
    client.soon(world, move |cx| {
        cx.create(routine(async move |cx| ask(cx, connect).await));
    });
    world.run_until("the answer", |_| client.has_completed());
    let (completed, _) = client.completed().remove(0);
    let reply = completed.value.take::<Reply>().expect("a reply");
    assert_eq!(reply.text, "what is the time? it is late");
    server.expect::<Accepted>(world);
    world.run_until("the session to end", |_| server.waiting() > 0);
    world.finish();
}

fn a_routine_hears_at_once_why_there_is_no_connection(world: &mut impl World, mode: Mode) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    let other = if mode == Mode::Encrypted { Mode::Mutual } else { Mode::Encrypted };
    let (at, _) = listen(world, &server, listening(other, own));
    let connect = connecting(mode, at);
    client.soon(world, move |cx| {
        cx.create(routine(async move |cx| ask(cx, connect).await));
    });
    world.run_until("the failure", |_| client.has_completed());
    let (completed, _) = client.completed().remove(0);
    let fault = completed.value.take::<NotConnected>().expect("no connection");
    let text = format!(
        "cannot connect to \"{at}\" (expected the mode {mode}, which this end is set to, got a peer that says that it \
         requires {other}; both ends need the same link settings)"
    );
    assert_eq!(fault.to_string(), text);
    let fault = server.expect::<NotAccepted>(world).0;
    let remote = fault.remote.expect("it was a peer");
    assert!(remote.ip() == world.own(there).ip() && remote.port() != 0, "{remote}");
    let text = format!(
        "cannot accept {remote} at {at} (expected the mode {other}, which this end is set to, got a peer that asks for {mode}; \
         both ends need the same link settings)"
    );
    assert_eq!(fault.to_string(), text);
    world.finish();
}

/// Serves only whom it knows.
struct Doorman {
    peer: Peer,
    guest: PublicKey,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.TurnedAway")]
struct TurnedAway;

#[state_machine(INITIAL, SERVING)]
impl Doorman {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        if self.peer.key != Some(self.guest) {
            cx.send(self.peer.address, TurnedAway);
            return Self::complete(TurnedAway);
        }
        Self::SERVING
    }
    fn SERVING_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
        cx.reply(note);
        Self::SERVING
    }
    fn SERVING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Only where keys are proven there is anybody to admit.
fn a_session_that_admits_by_key(world: &mut impl World, mode: Mode) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    let doorman = |peer: &Peer| Doorman { peer: *peer, guest: key(CLIENT) };
    let (at, _) = listen(world, &server, listening(mode, own).session(doorman));
    let far = connect(world, &client, connecting(mode, at));
    let accepted = server.expect::<Accepted>(world).0;
    client.send(world, far, Note { number: 1 });
    if mode == Mode::Mutual {
        assert_eq!(accepted.key, Some(key(CLIENT)));
        assert_eq!(client.expect::<Note>(world), (Note { number: 1 }, far));
    } else {
        assert_eq!(accepted.key, None);
        client.expect::<TurnedAway>(world);
        assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
        assert!(server.expect::<Closed>(world).0.value.is::<TurnedAway>());
    }
    world.finish();
}

/// The listener admits whoever has a key, so that its sessions can say what they think of it.
fn a_session_decides_who_is_served(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    let security = ListenSecurity::clear().identity(identity(SERVER)).allow_anybody();
    let doorman = |peer: &Peer| Doorman { peer: *peer, guest: key(CLIENT) };
    let (at, _) = listen(world, &server, Listen::at(own).security(security).session(doorman));
    for (number, who) in [CLIENT, STRANGER, CLIENT, 77].into_iter().enumerate() {
        let number = number as u64;
        let far = connect(world, &client, Connect::to(at).expect(key(SERVER)).identity(identity(who)));
        let (accepted, session) = server.expect::<Accepted>(world);
        assert_eq!(accepted.key, Some(key(who)));
        if who == CLIENT {
            client.send(world, far, Note { number });
            assert_eq!(client.expect::<Note>(world), (Note { number }, far));
        } else {
            client.expect::<TurnedAway>(world);
            assert_eq!(client.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
            let (closed, from) = server.expect::<Closed>(world);
            assert!(closed.value.is::<TurnedAway>() && from == session);
        }
    }
    assert_eq!((server.names(), client.names()), (vec![], vec![]));
    world.finish();
}
