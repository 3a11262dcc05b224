//! A third host between two that have no connection with each other.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use statepoint::prelude::*;
use statepoint::wire::Marks;
use statepoint::{Encoded, Limits, NetSettings, Undelivered};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Card, Note};
use crate::puppet::Puppet;
use crate::scenarios;
use crate::world::{self, Raw, World, read_until, write_all};

scenarios!(
    two_peers_of_a_relay_talk_with_each_other,
    a_relay_does_not_look_into_what_it_passes_on,
    addresses_that_pass_a_relay_lead_to_their_points,
    a_body_goes_through_two_relays_byte_for_byte_and_its_addresses_lead_home,
    many_conversations_share_the_connections_of_a_relay,
    the_tables_of_a_relay_are_empty_when_the_points_have_ended,
    an_address_that_comes_home_through_a_relay_is_the_original,
    the_end_of_a_point_is_told_through_a_relay,
    the_end_of_a_connection_is_told_through_a_relay,
    closing_an_address_behind_a_relay_closes_nothing_there,
    a_relay_is_not_cut_off_for_what_it_passes_on,
    who_is_flooded_through_a_relay_is_not_cut_off,
);

/// Two clients of one server, and how each knows the other.
struct Three {
    relay: Puppet,
    ann: Puppet,
    bob: Puppet,
    /// The relay, as its clients know it.
    relay_for_ann: Address,
    relay_for_bob: Address,
    /// Its clients, as the relay knows them.
    ann_at_relay: Address,
    bob_at_relay: Address,
    /// Bob, as Ann knows him.
    bob_for_ann: Address,
}

impl Three {
    fn new(world: &mut impl World) -> Self {
        let (relay, ann, bob) = (world.host(), world.host(), world.host());
        let (relay, ann, bob) = (Puppet::new(world, relay), Puppet::new(world, ann), Puppet::new(world, bob));
        let (at, _) = relay.listen(world);
        let relay_for_ann = ann.connect(world, at);
        let (_, ann_at_relay) = relay.expect::<Accepted>(world);
        let relay_for_bob = bob.connect(world, at);
        let (_, bob_at_relay) = relay.expect::<Accepted>(world);
        relay.send(world, ann_at_relay, Card::of(bob_at_relay));
        let bob_for_ann = ann.expect::<Card>(world).0.at;
        Self { relay, ann, bob, relay_for_ann, relay_for_bob, ann_at_relay, bob_at_relay, bob_for_ann }
    }
}

/// Ann speaks bytes, so that what she is told can be seen. She has said a `Note`, whose name is number 0.
fn join_raw<W: World>(world: &mut W, relay: &Puppet, at: SocketAddr) -> (W::Raw, Address) {
    let mut ann = world.dial(at);
    let hello = frames::message(DEFAULT, Some(0), Called::Name(Note::NAME), &[], &messages::note(1));
    write_all(world, &mut ann, &hello);
    relay.expect::<Accepted>(world);
    let (_, ann_at_relay) = relay.expect::<Note>(world);
    (ann, ann_at_relay)
}

fn two_peers_of_a_relay_talk_with_each_other(world: &mut impl World) {
    let Three { relay, ann, bob, relay_for_ann, bob_for_ann, .. } = Three::new(world);
    assert_ne!(bob_for_ann, relay_for_ann);
    ann.send(world, bob_for_ann, Note { number: 1 });
    let (note, ann_for_bob) = bob.expect::<Note>(world);
    assert_eq!(note.number, 1);
    for number in 0..100 {
        bob.send(world, ann_for_bob, Note { number });
    }
    for number in 0..100 {
        assert_eq!(ann.expect::<Note>(world), (Note { number }, bob_for_ann));
    }
    assert_eq!(relay.names(), [""; 0], "the relay's own points see nothing of it");
    world.finish();
}

/// A message whose type nobody at the relay knows; not even its body is MessagePack.
fn a_relay_does_not_look_into_what_it_passes_on(world: &mut impl World) {
    struct Foreign;
    impl Message for Foreign {
        const NAME: &'static str = "test.Foreign";
        fn encode(&self) -> Result<Encoded, statepoint::EncodeError> {
            let (name, bytes) = (statepoint::Name::from(Self::NAME), b"\xC1\xC1 not MessagePack \xFF".to_vec());
            Ok(Encoded { name, id: Self::ID, bytes, addresses: vec![] })
        }
        fn decode(encoded: Encoded) -> Result<Self, statepoint::Refused> {
            assert_eq!(encoded.bytes, b"\xC1\xC1 not MessagePack \xFF");
            Ok(Self)
        }
    }
    let Three { relay, ann, bob, bob_for_ann, .. } = Three::new(world);
    ann.send(world, bob_for_ann, Foreign);
    bob.expect::<Foreign>(world);
    assert_eq!(world.kernel(relay.host).counters().refused, 0);
    world.finish();
}

fn addresses_that_pass_a_relay_lead_to_their_points(world: &mut impl World) {
    let Three { ann, bob, relay, bob_for_ann, ann_at_relay, .. } = Three::new(world);
    let (ann_child, relay_child) = (ann.child(world), relay.child(world));
    relay.send(world, ann_at_relay, Card::of(relay_child.address));
    let relay_child_for_ann = ann.expect::<Card>(world).0.at;
    // A point of Ann's, one of the relay's, and Bob himself, all in one message.
    let card = Card { at: ann_child.address, others: vec![Some(relay_child_for_ann), Some(bob_for_ann), None] };
    ann.send(world, bob_for_ann, card);
    let (card, _) = bob.expect::<Card>(world);
    assert_eq!(card.others[1..], [Some(bob.address), None]);
    let relay_child_for_bob = card.others[0].expect("set");
    bob.send(world, card.at, Note { number: 1 });
    bob.send(world, relay_child_for_bob, Note { number: 2 });
    let (_, from) = ann_child.expect::<Note>(world);
    assert_eq!(from, bob_for_ann);
    ann_child.send(world, from, Note { number: 3 });
    assert_eq!(bob.expect::<Note>(world), (Note { number: 3 }, card.at));
    let (_, from) = relay_child.expect::<Note>(world);
    relay_child.send(world, from, Note { number: 4 });
    assert_eq!(bob.expect::<Note>(world), (Note { number: 4 }, relay_child_for_bob));
    world.finish();
}

/// A message whose bytes nobody looks into, and addresses that go with them.
#[derive(Debug, Clone, PartialEq)]
struct Parcel {
    bytes: Vec<u8>,
    addresses: Vec<Address>,
}

impl Message for Parcel {
    const NAME: &'static str = "test.Parcel";
    fn encode(&self) -> Result<Encoded, statepoint::EncodeError> {
        let Self { bytes, addresses } = self.clone();
        Ok(Encoded { name: statepoint::Name::from(Self::NAME), id: Self::ID, bytes, addresses })
    }
    fn decode(Encoded { bytes, addresses, .. }: Encoded) -> Result<Self, statepoint::Refused> {
        Ok(Self { bytes, addresses })
    }
}

fn a_body_goes_through_two_relays_byte_for_byte_and_its_addresses_lead_home(world: &mut impl World) {
    // Ann is a client of the first relay, which is a client of the second, of which Bob is a client.
    let hosts = [world.host(), world.host(), world.host(), world.host()];
    let [ann, first, second, bob] = hosts.map(|host| Puppet::new(world, host));
    let (first_at, _) = first.listen(world);
    let (second_at, _) = second.listen(world);
    ann.connect(world, first_at);
    let (_, ann_at_first) = first.expect::<Accepted>(world);
    let second_for_first = first.connect(world, second_at);
    second.expect::<Accepted>(world);
    bob.connect(world, second_at);
    let (_, bob_at_second) = second.expect::<Accepted>(world);
    first.send(world, second_for_first, Note { number: 0 });
    let (_, first_for_second) = second.expect::<Note>(world);
    second.send(world, first_for_second, Card::of(bob_at_second));
    let (Card { at: bob_at_first, .. }, _) = first.expect::<Card>(world);
    first.send(world, ann_at_first, Card::of(bob_at_first));
    let (Card { at: bob_for_ann, .. }, _) = ann.expect::<Card>(world);

    let children: Vec<Puppet> = (0..10).map(|_| ann.child(world)).collect();
    let sent = Parcel {
        bytes: (0..=255).cycle().take(100_000).collect(),
        addresses: children.iter().map(|child| child.address).chain([bob_for_ann, Address::NONE]).collect(),
    };
    ann.send(world, bob_for_ann, sent.clone());
    let (got, ann_for_bob) = bob.expect::<Parcel>(world);
    assert_eq!((&got.bytes, got.addresses.len()), (&sent.bytes, 12));
    assert_eq!(got.addresses[10..], [bob.address, Address::NONE], "Bob's own address is home");
    for (number, child) in (0..).zip(&children) {
        bob.send(world, got.addresses[number], Note { number: number as u64 });
        assert_eq!(child.expect::<Note>(world), (Note { number: number as u64 }, bob_for_ann));
    }
    bob.send(world, ann_for_bob, got);
    assert_eq!(ann.expect::<Parcel>(world), (sent, bob_for_ann), "and back again");
    for relay in [&first, &second] {
        assert_eq!((relay.names(), world.kernel(relay.host).counters().refused), (vec![], 0));
    }
    world.finish();
}

fn many_conversations_share_the_connections_of_a_relay(world: &mut impl World) {
    let Three { relay, ann, bob, bob_for_ann, .. } = Three::new(world);
    let mut pairs = Vec::new();
    for number in 0..20 {
        let (asks, answers) = (ann.child(world), bob.child(world));
        asks.send(world, bob_for_ann, Note { number });
        let (_, asker) = bob.expect::<Note>(world);
        answers.send(world, asker, Note { number });
        let (_, answerer) = asks.expect::<Note>(world);
        pairs.push((asks, answers, answerer));
    }
    for (asks, _, answerer) in &pairs {
        let answerer = *answerer;
        asks.soon(world, move |cx| (0..10).for_each(|number| cx.send(answerer, Note { number })));
    }
    for (asks, answers, answerer) in &pairs {
        for number in 0..10 {
            let (note, asker) = answers.expect::<Note>(world);
            assert_eq!(note.number, number);
            answers.send(world, asker, note);
        }
        for number in 0..10 {
            assert_eq!(asks.expect::<Note>(world), (Note { number }, *answerer));
        }
    }
    assert_eq!((ann.waiting(), bob.waiting(), relay.waiting()), (0, 0, 0), "each conversation keeps to itself");
    let sockets = [&ann, &bob, &relay].map(|puppet| world.sockets(puppet.host));
    assert_eq!(sockets, [1, 1, 3], "one connection each, and the relay's port");
    world.finish();
}

fn the_tables_of_a_relay_are_empty_when_the_points_have_ended(world: &mut impl World) {
    let Three { relay, ann, bob, bob_for_ann, .. } = Three::new(world);
    let before = [&ann, &bob, &relay].map(|puppet| world.exports(puppet.host));
    let children: Vec<Puppet> = (0..100).map(|_| ann.child(world)).collect();
    for child in &children {
        child.send(world, bob_for_ann, Card::of(child.address));
    }
    bob.wait_for(world, children.len(), "a card of each");
    let during = [&ann, &bob, &relay].map(|puppet| world.exports(puppet.host));
    assert_eq!(during, [before[0] + 100, before[1], before[2] + 100], "Ann has given them, and so has the relay");
    for child in &children {
        child.end(world);
    }
    world.run_until("the tables to be as before", |world| {
        [&ann, &bob, &relay].map(|puppet| world.exports(puppet.host)) == before
    });
    // Bob's address at Ann goes with his connection.
    bob.end(world);
    world.run_until("the relay's tables to be empty", |world| world.exports(relay.host) == 0);
    world.finish();
}

fn an_address_that_comes_home_through_a_relay_is_the_original(world: &mut impl World) {
    let Three { ann, bob, relay, relay_for_bob, ann_at_relay, bob_for_ann, .. } = Three::new(world);
    let child = ann.child(world);
    ann.send(world, bob_for_ann, Card { at: child.address, others: vec![Some(bob_for_ann)] });
    let (card, ann_for_bob) = bob.expect::<Card>(world);
    assert_eq!(card.others, [Some(bob.address)]);
    bob.send(world, ann_for_bob, card.clone());
    let (home, _) = ann.expect::<Card>(world);
    assert_eq!((home.at, home.others), (child.address, vec![Some(bob_for_ann)]));
    // And by way of a point of the relay.
    bob.send(world, relay_for_bob, card);
    let (card, _) = relay.expect::<Card>(world);
    relay.send(world, ann_at_relay, card);
    assert_eq!(ann.expect::<Card>(world).0.at, child.address);
    world.finish();
}

fn the_end_of_a_point_is_told_through_a_relay(world: &mut impl World) {
    let (relay, bob) = (world.host(), world.host());
    let (relay, bob) = (Puppet::new(world, relay), Puppet::new(world, bob));
    let (at, _) = relay.listen(world);
    let relay_for_bob = bob.connect(world, at);
    let (_, _) = relay.expect::<Accepted>(world);
    let child = bob.child(world);
    bob.send(world, relay_for_bob, Card::of(child.address));
    let child_at_relay = relay.expect::<Card>(world).0.at;
    let (mut ann, ann_at_relay) = join_raw(world, &relay, at);
    relay.send(world, ann_at_relay, Card::of(child_at_relay));
    read_until(world, &mut ann, |bytes| world::first_frame(bytes).is_some());
    let ask = frames::message(-2, Some(0), Called::Number(0), &[], &messages::note(2));
    write_all(world, &mut ann, &ask);
    child.expect::<Note>(world);
    child.end(world);
    // Nobody has asked.
    let got = read_until(world, &mut ann, |bytes| world::first_frame(bytes).is_some());
    assert_eq!(got, frames::gone(1));
    // From now on it is the relay that knows.
    write_all(world, &mut ann, &ask);
    let host = relay.host;
    world.run_until("the dead letter", |world| world.kernel(host).counters().dead(Undelivered::Gone) == 1);
    ann.close();
    world.finish();
}

fn the_end_of_a_connection_is_told_through_a_relay(world: &mut impl World) {
    let (relay, bob) = (world.host(), world.host());
    let (relay, bob) = (Puppet::new(world, relay), Puppet::new(world, bob));
    let (at, _) = relay.listen(world);
    let relay_for_bob = bob.connect(world, at);
    let (_, bob_at_relay) = relay.expect::<Accepted>(world);
    let (mut ann, ann_at_relay) = join_raw(world, &relay, at);
    relay.send(world, ann_at_relay, Card::of(bob_at_relay));
    read_until(world, &mut ann, |bytes| world::first_frame(bytes).is_some());
    bob.send(world, relay_for_bob, Close);
    relay.expect::<Abandoned>(world);
    // Nobody has asked.
    let got = read_until(world, &mut ann, |bytes| world::first_frame(bytes).is_some());
    assert_eq!(got, frames::gone(1));
    let ask = frames::message(-2, Some(0), Called::Number(0), &[], &messages::note(2));
    write_all(world, &mut ann, &ask);
    let host = relay.host;
    world.run_until("the dead letter", |world| world.kernel(host).counters().dead(Undelivered::Gone) == 1);
    // Ann's own connection stands.
    let note = frames::message(DEFAULT, Some(0), Called::Number(0), &[], &messages::note(3));
    write_all(world, &mut ann, &note);
    assert_eq!(relay.expect::<Note>(world), (Note { number: 3 }, ann_at_relay));
    ann.close();
    world.finish();
}

fn closing_an_address_behind_a_relay_closes_nothing_there(world: &mut impl World) {
    let Three { relay, ann, bob, relay_for_ann, ann_at_relay, bob_at_relay, bob_for_ann, .. } = Three::new(world);
    // It leads over Ann's connection with the relay: that is the one which she can close.
    assert_eq!(bob_for_ann.near(), relay_for_ann.near());
    ann.send(world, bob_for_ann, Close);
    let (closed, from) = ann.expect::<Closed>(world);
    assert_eq!((closed.reason, from), (statepoint::Ended::ByUs, relay_for_ann));
    assert_eq!(relay.expect::<Abandoned>(world).1, ann_at_relay);
    relay.send(world, bob_at_relay, Note { number: 1 });
    bob.expect::<Note>(world);
    world.finish();
}

/// Connects, and counts the notes that fit.
struct Bob(SocketAddr, Rc<Cell<u32>>);

#[state_machine]
impl Bob {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.connect(self.0);
        Next::STAY
    }
    fn ANY_Connected(&mut self, _: Connected) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Note(&mut self, _: Note) -> Next<Self> {
        self.1.set(self.1.get() + 1);
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// It does not look into it. Otherwise whoever knows Bob through it could cut them off from each other.
fn a_relay_is_not_cut_off_for_what_it_passes_on<W: World>(world: &mut W) {
    let (here, there) = (world.host(), world.host());
    let relay = Puppet::new(world, here);
    let (at, _) = relay.listen(world);
    let notes = Rc::new(Cell::new(0));
    world.create(there, Bob(at, Rc::clone(&notes)));
    let (_, bob_at_relay) = relay.expect::<Accepted>(world);
    let (mut ann, ann_at_relay) = join_raw(world, &relay, at);
    relay.send(world, ann_at_relay, Card::of(bob_at_relay));
    read_until(world, &mut ann, |bytes| world::first_frame(bytes).is_some());
    let to_bob = |body: &[u8]| frames::message(-2, Some(0), Called::Number(0), &[], body);
    write_all(world, &mut ann, &[to_bob(&[0xC0]).repeat(150), to_bob(&messages::note(1))].concat());
    world.run_until("the note that fits", |_| notes.get() == 1);
    assert_eq!((world.kernel(there).counters().refused, relay.names()), (150, vec![]));
    relay.send(world, bob_at_relay, Note { number: 2 });
    world.run_until("another note", |_| notes.get() == 2);
    ann.close();
    relay.expect::<Abandoned>(world);
    world.finish();
}

/// He reads more slowly than somebody else sends, or not at all for a while.
fn who_is_flooded_through_a_relay_is_not_cut_off<W: World>(world: &mut W) {
    let marks = Marks { clear: 50_000, soft: 200_000, hard: 1_000_000 };
    let here = world.host_with(Limits::default(), NetSettings { marks, ..NetSettings::default() });
    let relay = Puppet::new(world, here);
    let (at, _) = relay.listen(world);
    let (mut bob, bob_at_relay) = join_raw(world, &relay, at);
    let (mut ann, ann_at_relay) = join_raw(world, &relay, at);
    relay.send(world, ann_at_relay, Card::of(bob_at_relay));
    read_until(world, &mut ann, |bytes| world::first_frame(bytes).is_some());
    let much = [&b"\xC5\x27\x10"[..], &[0; 10_000]].concat();
    let flood = frames::message(-2, None, Called::Number(0), &[], &much).repeat(50);
    let mut sent = 0;
    while world.kernel(here).counters().dead(Undelivered::Congested) == 0 {
        write_all(world, &mut ann, &flood);
        world.settle();
        sent += flood.len();
        assert!(sent < 40_000_000, "expected to find no room, {sent} bytes were taken");
    }
    assert_eq!(relay.count::<Abandoned>(), 0);
    // What the relay itself has to say finds room, and he goes on to read.
    relay.send(world, bob_at_relay, Note { number: 0x7EAD });
    read_until(world, &mut bob, |bytes| bytes.ends_with(&messages::note(0x7EAD)));
    assert_eq!(relay.count::<Abandoned>(), 0);
    bob.close();
    ann.close();
    world.finish();
}
