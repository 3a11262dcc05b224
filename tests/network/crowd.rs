//! Many connections at once.

use statepoint::prelude::*;

use crate::messages::Note;
use crate::puppet::Puppet;
use crate::scenarios;
use crate::world::World;

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
