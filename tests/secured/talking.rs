//! What is said over links: messages of all sizes, addresses, several conversations at once, several connections.

use statepoint::link::Mode;
use statepoint::prelude::*;
use statepoint::wire::FrameLimit;
use statepoint::{Limits, NetSettings, Undelivered};

use crate::in_every_mode;
use crate::messages::{Bulk, Card, Note};
use crate::modes::{connect, connecting, listen, listening, pair};
use crate::puppet::{Pair, Puppet};
use crate::world::World;

in_every_mode!(
    messages_arrive_once_and_in_order_both_ways,
    messages_of_every_size_arrive_whole,
    what_is_too_large_for_a_frame_is_told_and_the_link_goes_on,
    several_conversations_share_a_link,
    connections_of_one_listener_do_not_mix,
    the_first_words_of_both_ends_arrive_in_order,
);

fn messages_arrive_once_and_in_order_both_ways(world: &mut impl World, mode: Mode) {
    const COUNT: u64 = 3_000;
    let Pair { server, client, there, back, .. } = pair(world, mode);
    client.soon(world, move |cx| (0..COUNT).for_each(|number| cx.send(there, Note { number })));
    server.soon(world, move |cx| (0..COUNT).for_each(|number| cx.send(back, Note { number })));
    for number in 0..COUNT {
        assert_eq!(server.expect::<Note>(world), (Note { number }, back));
        assert_eq!(client.expect::<Note>(world), (Note { number }, there));
    }
    // One at a time too: each a record of its own.
    for number in 0..50 {
        client.send(world, there, Note { number });
        let (note, from) = server.expect::<Note>(world);
        server.send(world, from, note);
        assert_eq!(client.expect::<Note>(world).0.number, number);
    }
    assert_eq!(client.waiting() + server.waiting(), 0);
    world.finish();
}

/// About the bounds of a batch and of what a read takes; small ones between them.
fn messages_of_every_size_arrive_whole(world: &mut impl World, mode: Mode) {
    let Pair { server, client, there, back, .. } = pair(world, mode);
    let sizes = [0, 1, 100, 16_300, 16_350, 16_384, 16_400, 65_500, 65_536, 70_000, 300_000, 1_000_000];
    let all = sizes.iter().flat_map(|size| [*size, 7, 3]).zip(0..).map(|(size, number)| Bulk::new(number, size));
    let all: Vec<Bulk> = all.collect();
    for (from, to, here) in [(&client, &server, there), (&server, &client, back)] {
        let sent = all.clone();
        from.soon(world, move |cx| sent.into_iter().for_each(|bulk| cx.send(here, bulk)));
        for bulk in &all {
            assert!(
                to.pick::<Bulk>(world).0 == *bulk,
                "another one came than {} of {}",
                bulk.number,
                bulk.filling.len()
            );
        }
    }
    // Congestion is of no interest here.
    for puppet in [&client, &server] {
        assert_eq!(puppet.count::<Congested>() + puppet.count::<Relieved>(), puppet.waiting());
    }
    world.finish();
}

fn what_is_too_large_for_a_frame_is_told_and_the_link_goes_on(world: &mut impl World, mode: Mode) {
    let Pair { server, client, there, back, .. } = pair(world, mode);
    client.soon(world, move |cx| {
        cx.send(there, Bulk::new(1, 2 << 20));
        cx.send(there, Note { number: 2 });
    });
    assert_eq!(server.expect::<Note>(world), (Note { number: 2 }, back));
    assert_eq!(world.kernel(client.host).counters().dead(Undelivered::TooLarge), 1);
    // The other end may take less than this one: it has said so when the link was opened.
    let modest = NetSettings { frame_limit: FrameLimit::new(5_000).expect("enough"), ..NetSettings::default() };
    let host = world.host_with(Limits::default(), modest);
    let modest = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &modest, listening(mode, own));
    let there = connect(world, &client, connecting(mode, at));
    let back = modest.expect::<Accepted>(world).1;
    client.soon(world, move |cx| {
        [1_000, 6_000, 4_000, 20_000, 2].into_iter().for_each(|size| cx.send(there, Bulk::new(size, size as usize)));
    });
    for size in [1_000, 4_000, 2] {
        assert_eq!(modest.expect::<Bulk>(world), (Bulk::new(size, size as usize), back));
    }
    modest.soon(world, move |cx| {
        [4_900, 5_100].into_iter().for_each(|size| cx.send(back, Bulk::new(size, size as usize)));
    });
    assert_eq!(client.expect::<Bulk>(world).0.number, 4_900);
    assert_eq!(world.kernel(client.host).counters().dead(Undelivered::TooLarge), 3);
    assert_eq!(world.kernel(host).counters().dead(Undelivered::TooLarge), 1);
    world.finish();
}

fn several_conversations_share_a_link(world: &mut impl World, mode: Mode) {
    let Pair { server, client, there, .. } = pair(world, mode);
    let mut talks = Vec::new();
    for _ in 0..5 {
        let (asks, answers) = (client.child(world), server.child(world));
        asks.send(world, there, Card::of(asks.address));
        let far = server.expect::<Card>(world).0.at;
        answers.send(world, far, Card::of(answers.address));
        let (card, from) = asks.expect::<Card>(world);
        assert_eq!(card.at, from);
        talks.push((asks, answers, from));
    }
    for round in 0..20 {
        for (talk, (asks, _, to)) in talks.iter().enumerate() {
            asks.send(world, *to, Note { number: round * 10 + talk as u64 });
        }
        for (talk, (asks, answers, _)) in talks.iter().enumerate() {
            let (note, from) = answers.expect::<Note>(world);
            assert_eq!(note.number, round * 10 + talk as u64);
            answers.send(world, from, note);
            assert_eq!(asks.expect::<Note>(world).0.number, round * 10 + talk as u64);
        }
    }
    assert_eq!((client.waiting(), server.waiting()), (0, 0), "only the two of each talk hear of it");
    assert_eq!(world.sockets(client.host), 1);
    world.finish();
}

fn connections_of_one_listener_do_not_mix(world: &mut impl World, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let host = world.host();
        let root = Puppet::new(world, host);
        for client in [root.child(world), root.child(world)] {
            let there = connect(world, &client, connecting(mode, at));
            clients.push((client, there, server.expect::<Accepted>(world).1));
        }
    }
    for (number, (_, _, back)) in (0..).zip(&clients) {
        server.send(world, *back, Note { number });
    }
    for (number, (client, there, _)) in (0..).zip(&clients) {
        assert_eq!(client.expect::<Note>(world), (Note { number }, *there));
        client.send(world, *there, Note { number: 100 });
    }
    let mut from: Vec<Address> = clients.iter().map(|_| server.expect::<Note>(world).1).collect();
    let mut backs: Vec<Address> = clients.iter().map(|(_, _, back)| *back).collect();
    from.sort();
    backs.sort();
    assert_eq!(from, backs);
    world.finish();
}

/// What is sent as soon as one end is told stands behind the last message of the handshake.
fn the_first_words_of_both_ends_arrive_in_order(world: &mut impl World, mode: Mode) {
    /// Greets whoever connects, or whom it connects to.
    struct Greeter {
        listen: Option<Listen>,
        connect: Option<Connect>,
        tells: Address,
    }
    #[state_machine]
    impl Greeter {
        fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
            if let Some(listen) = self.listen.take() {
                cx.listen(listen);
            }
            if let Some(connect) = self.connect.take() {
                cx.connect(connect);
            }
            Next::STAY
        }
        fn ANY_Listening(&mut self, listening: Listening, cx: &mut Context) -> Next<Self> {
            cx.send(self.tells, listening);
            Next::STAY
        }
        fn ANY_Accepted(&mut self, _: Accepted, cx: &mut Context) -> Next<Self> {
            (0..500).for_each(|number| cx.reply(Note { number }));
            Next::STAY
        }
        fn ANY_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
            (0..500).for_each(|number| cx.reply(Note { number }));
            Next::STAY
        }
        fn ANY_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
            cx.send(self.tells, note);
            Next::STAY
        }
        fn ANY_Unknown(&mut self, _: Unknown) -> Next<Self> {
            Next::STAY
        }
        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Aborted)
        }
    }
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let listen = Some(listening(mode, world.own(here)));
    world.create(here, Greeter { listen, connect: None, tells: server.address });
    let at = server.expect::<Listening>(world).0.listening;
    let connect = Some(connecting(mode, at));
    world.create(there, Greeter { listen: None, connect, tells: client.address });
    for number in 0..500 {
        assert_eq!(server.expect::<Note>(world).0.number, number);
        assert_eq!(client.expect::<Note>(world).0.number, number);
    }
    world.finish();
}
