//! Many connections at once.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::sim::Faults;
use statepoint::{Limits, NetSettings};

use crate::frames::{self, Called, DEFAULT};
use crate::messages::{self, Bulk, Note};
use crate::puppet::Puppet;
use crate::scenarios;
use crate::simulated::Simulated;
use crate::world::{Raw, World, write_all};

scenarios!(
    a_thousand_connections_talk_at_once,
    a_thousand_attempts_are_refused_at_once,
    connections_come_and_go_and_nothing_is_left,
);

/// How many connections, both ends in this process: a thousand, or what the system allows.
fn crowd() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    let descriptors = line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).unwrap_or(256);
    // Other tests run beside this one.
    1_000.min((descriptors - 150) / 4)
}

fn a_thousand_connections_talk_at_once(world: &mut impl World) {
    let count = crowd();
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    client.soon(world, move |cx| {
        for _ in 0..count {
            cx.connect(at);
        }
    });
    client.wait_for(world, count, "all to be connected");
    server.wait_for(world, count, "all to be accepted");
    assert_eq!((world.sockets(here), world.sockets(there)), (count + 1, count));
    let far: Vec<Address> = (0..count).map(|_| client.take::<Connected>().1).collect();
    let ask = far.clone();
    client.soon(world, move |cx| {
        for (number, far) in (0..).zip(ask) {
            cx.send(far, Note { number });
        }
    });
    for _ in 0..count {
        server.take::<Accepted>();
    }
    server.wait_for(world, count, "a message of each");
    for _ in 0..count {
        let (note, from) = server.take::<Note>();
        server.send(world, from, note);
    }
    client.wait_for(world, count, "a reply to each");
    for _ in 0..count {
        let (note, from) = client.take::<Note>();
        assert_eq!(far[note.number as usize], from, "a reply comes over the connection of its question");
    }
    // The client ends, and with it all of them.
    client.end(world);
    server.wait_for(world, count, "the end of each");
    assert_eq!(server.count::<Abandoned>(), count);
    world.finish();
    assert_eq!(world.net_counters(here).accepted, count as u64);
}

fn a_thousand_attempts_are_refused_at_once(world: &mut impl World) {
    let count = crowd();
    let host = world.host();
    let client = Puppet::new(world, host);
    let nobody = std::net::SocketAddr::new(world.own(host).ip(), 1);
    client.soon(world, move |cx| {
        for _ in 0..count {
            cx.connect(nobody);
        }
    });
    client.wait_for(world, count, "all to be refused");
    assert_eq!(client.count::<NotConnected>(), count);
    world.run_until("the attempts to end", |world| world.kernel(host).points() == 1);
    assert_eq!((world.sockets(host), world.kernel(host).timers()), (0, 0));
    world.finish();
}

fn connections_come_and_go_and_nothing_is_left(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let (at, _) = server.listen(world);
    for round in 0..60 {
        client.soon(world, move |cx| {
            for _ in 0..10 {
                cx.connect(at);
            }
        });
        client.wait_for(world, 10, "ten to be connected");
        let closed_here = round % 2 == 0;
        for _ in 0..10 {
            let (_, far) = client.take::<Connected>();
            let (_, back) = server.pick::<Accepted>(world);
            if closed_here {
                client.send(world, far, Close);
            } else {
                server.send(world, back, Close);
            }
        }
        client.wait_for(world, 10, "ten to end");
        server.wait_for(world, 10, "ten to end");
        for _ in 0..10 {
            if closed_here {
                client.take::<Closed>();
                server.take::<Abandoned>();
            } else {
                client.take::<Abandoned>();
                server.take::<Closed>();
            }
        }
    }
    world.run_until("the points to end", |world| world.kernel(here).points() == 2 && world.kernel(there).points() == 1);
    assert_eq!((world.sockets(here), world.sockets(there)), (1, 0));
    world.finish();
    assert_eq!(world.net_counters(there).connected, 600);
}

/// Counts what comes, and notes when somebody else than those who flood it has been heard.
struct Tally {
    at: HostPort,
    is_heard: Rc<Cell<bool>>,
}

#[state_machine]
impl Tally {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(&self.at);
        Next::STAY
    }
    fn ANY_Listening(&mut self, _: Listening) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Accepted(&mut self, _: Accepted) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Abandoned(&mut self, _: Abandoned) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Note(&mut self, _: Note) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Bulk(&mut self, _: Bulk) -> Next<Self> {
        self.is_heard.set(true);
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Each of their reads brings more than is handled in several turns, and there is always more to read.
#[test]
fn peers_that_flood_a_point_do_not_keep_others_from_being_read() {
    for flooders in [1, 3] {
        let faults = Faults { buffer_least: 1 << 20, buffer_most: 1 << 20, ..Faults::default() };
        let world = &mut Simulated::with(1, faults);
        let settings = NetSettings { read_pause: 64, ..NetSettings::default() };
        let (here, there) = (world.host_with(Limits::default(), settings), world.host());
        let at = std::net::SocketAddr::new(Simulated::ip(here), 32_011);
        let is_heard = Rc::new(Cell::new(false));
        world.create(here, Tally { at: at.into(), is_heard: Rc::clone(&is_heard) });
        world.settle();
        let client = Puppet::new(world, there);
        let door = client.connect(world, at);
        let mut raws: Vec<_> = (0..flooders).map(|_| world.dial(at)).collect();
        let first = frames::message(DEFAULT, None, Called::Name(Note::NAME), &[], &messages::note(1));
        let more = frames::message(DEFAULT, None, Called::Number(0), &[], &messages::note(1)).repeat(3_000);
        for raw in &mut raws {
            write_all(world, raw, &first);
        }
        let mut rest = vec![0; flooders];
        let (mut turns, mut most) = (0, 0);
        while !is_heard.get() {
            for (raw, rest) in raws.iter_mut().zip(&mut rest) {
                while let Ok(count) = raw.write(&more[*rest..]) {
                    *rest = (*rest + count) % more.len();
                }
            }
            if turns == 50 {
                client.send(world, door, Bulk::new(1, 10));
            }
            turns += 1;
            // One turn of each host, however much is left to do.
            let net = world.net();
            net.advance(net.now() + Duration::from_millis(1));
            world.turn(there);
            world.turn(here);
            most = most.max(world.kernel(here).queued_from_far());
            assert!(turns < 300, "{flooders} peers keep another from being heard");
        }
        assert!(turns > 50 && most > 1_000, "{most} messages wait: that is no flood");
        raws.into_iter().for_each(Raw::close);
        world.finish();
    }
}
