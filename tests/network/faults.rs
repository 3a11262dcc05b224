//! A network in which everything goes wrong that TCP allows, from many seeds, and what is promised nevertheless.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::sim::{Faults, Happening, World};
use statepoint::{Ended, Host, Simulation, TraceHash};

use crate::workload::{Client, History, Seen, Server};

/// Seeds of one test.
const SEEDS: u64 = 300;
/// How long everything goes wrong.
const STORM: Duration = Duration::from_secs(60);
/// How long it may take after that until everything is as it should be.
const CALM: Duration = Duration::from_secs(600);
/// How long stopping may take: the grace time of points, and a little.
const STOP: Duration = Duration::from_secs(6);

/// What one run came to.
#[derive(Debug, PartialEq)]
struct Run {
    hash: u64,
    counts: Vec<u64>,
}

/// Two servers and three hosts of clients in a network of these faults: a minute of storm, then calm until every client has
/// had its answers, then everything is stopped.
fn run(seed: u64) -> Run {
    let mut simulation = Simulation::with_faults(seed, Faults::swarm(seed));
    let world = simulation.world().clone();
    let hosts: Vec<Host> = (1..=5).map(|number| simulation.host([10, 0, 0, number].into())).collect();
    let traces: Vec<TraceHash> = hosts.iter().map(|host| trace(&mut simulation, *host)).collect();
    let servers: Vec<History> = (0..2).map(|_| History::default()).collect();
    for (server, history) in servers.iter().enumerate() {
        let at = HostPort::new(format!("10.0.0.{}", server + 1), 32_011);
        simulation.driver(hosts[server]).create(Server::new(at, history.clone()));
    }
    world.name("server.lab", vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()]);
    let clients: Vec<History> = (0..9).map(|_| History::default()).collect();
    let mut points = Vec::new();
    for (number, history) in (0_u32..).zip(&clients) {
        let to = if number % 3 == 0 { "server.lab" } else { "10.0.0.1" };
        let client = Client::new(number, HostPort::new(to, 32_011), history.clone());
        let host = hosts[2 + number as usize % 3];
        points.push((host, simulation.driver(host).create(client)));
    }
    if seed.is_multiple_of(3) {
        world.part([10, 0, 0, 1].into(), [10, 0, 0, 3].into());
    }
    simulation.run_for(STORM / 2);
    if seed % 4 == 1 {
        world.freeze([10, 0, 0, 1].into());
        world.freeze([10, 0, 0, 4].into());
    }
    simulation.run_for(STORM / 2);
    world.thaw([10, 0, 0, 1].into());
    world.thaw([10, 0, 0, 4].into());
    world.heal();
    let is_done = |simulation: &mut Simulation| {
        points.iter().all(|(host, point)| !simulation.driver(*host).kernel().is_alive(*point))
    };
    assert!(simulation.run_until(CALM, is_done), "seed {seed}: {}", unfinished(&clients));
    for (host, number) in hosts.iter().zip(1..) {
        let kernel = simulation.driver(*host).kernel_mut();
        if number <= 2 {
            kernel.send(Address::new(1, 1, 0), Address::NONE, Stop); // the first point of the host
        }
    }
    simulation.run_for(STOP);
    for (host, number) in hosts.iter().zip(1..) {
        nothing_is_left(&mut simulation, *host, [10, 0, 0, number].into(), seed);
    }
    check(&servers, &clients, seed);
    let hash = traces.iter().fold(world.trace_hash(), |hash, trace| hash.rotate_left(9) ^ trace.value());
    Run { hash, counts: Happening::ALL.iter().map(|what| world.count(*what)).collect() }
}

/// The last that each client has seen.
fn unfinished(clients: &[History]) -> String {
    let last = |history: &History| {
        let seen = history.all();
        format!("{} events, then {:?}", seen.len(), &seen[seen.len().saturating_sub(3)..])
    };
    format!("a client has not had its answers: {:#?}", clients.iter().map(last).collect::<Vec<_>>())
}

fn trace(simulation: &mut Simulation, host: Host) -> TraceHash {
    let hash = TraceHash::new();
    simulation.driver(host).kernel_mut().set_sink(hash.clone());
    hash
}

/// S7 and S9: everything has ended by itself and in time.
fn nothing_is_left(simulation: &mut Simulation, host: Host, ip: std::net::IpAddr, seed: u64) {
    let world: World = simulation.world().clone();
    let driver = simulation.driver(host);
    let (sockets, kernel) = (driver.sockets(), driver.kernel());
    assert_eq!((kernel.points(), kernel.timers(), sockets), (0, 0, 0), "points, timers, sockets at {ip}, seed {seed}");
    assert_eq!(world.open_sockets(ip), 0, "sockets that nobody owns at {ip}, seed {seed}");
    let counters = kernel.counters();
    assert_eq!((counters.dropped, counters.unknown, counters.panics), (0, 0, 0), "at {ip}, seed {seed}: {counters:?}");
    let net = driver.counters();
    assert_eq!(net.accepted + net.connected, net.ended, "connections begun and ended at {ip}, seed {seed}");
    assert_eq!(net.protocol_errors, 0, "nobody tampers with the bytes, seed {seed}");
}

/// What each point has seen fits what it and the others did.
fn check(servers: &[History], clients: &[History], seed: u64) {
    let asked: BTreeMap<u32, Vec<Seen>> = (0..).zip(clients.iter().map(History::all)).collect();
    for history in clients {
        words(&history.all(), seed);
        answers(&history.all(), seed);
    }
    for history in servers {
        let seen = history.all();
        words(&seen, seed);
        questions(&seen, &asked, seed);
    }
}

/// S5 and S6: what comes of a connection is a word of `Opened (message)* Ended`.
fn words(seen: &[Seen], seed: u64) {
    let mut open = BTreeSet::new();
    let mut over = BTreeSet::new();
    for event in seen {
        match event {
            Seen::Opened { far, .. } => {
                assert!(open.insert(*far) && !over.contains(far), "seed {seed}: {event:?} twice")
            }
            Seen::Ended { far, .. } => {
                assert!(open.remove(far), "seed {seed}: {event:?} of a connection that is not open");
                over.insert(*far);
            }
            Seen::Message { far, .. } => assert!(open.contains(far), "seed {seed}: {event:?} out of place"),
            Seen::Asked { .. } => {}
        }
    }
}

/// S1, S2 and S3 at a client: each answer is to a question of this connection, comes once, and in order.
fn answers(seen: &[Seen], seed: u64) {
    let mut questions: BTreeMap<Address, Vec<u32>> = BTreeMap::new();
    let mut answered: BTreeMap<Address, usize> = BTreeMap::new();
    for event in seen {
        match event {
            Seen::Asked { far, number } => questions.entry(*far).or_default().push(*number),
            Seen::Message { far, number, .. } => {
                let next = answered.entry(*far).or_default();
                assert_eq!(
                    questions.get(far).and_then(|asked| asked.get(*next)),
                    Some(number),
                    "seed {seed}: {seen:#?}"
                );
                *next += 1;
            }
            _ => {}
        }
    }
}

/// S1, S2 and S3 at a server: the questions of a connection are the first ones that its client asked over one of its own,
/// in order; and when the connection ended in order, they are all.
fn questions(seen: &[Seen], asked: &BTreeMap<u32, Vec<Seen>>, seed: u64) {
    let mut got: BTreeMap<Address, Vec<(u32, u32, u32)>> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for event in seen {
        match event {
            Seen::Message { far, client, attempt, number } => {
                assert!(taken.insert((*client, *attempt, *number)), "seed {seed}: {event:?} twice");
                got.entry(*far).or_default().push((*client, *attempt, *number));
            }
            Seen::Ended { far, reason, .. } => {
                let Some(questions) = got.get(far) else { continue };
                let (client, attempt, _) = questions[0];
                let sent = sent_in(&asked[&client], attempt);
                let came: Vec<u32> = questions.iter().map(|(_, _, number)| *number).collect();
                assert!(questions.iter().all(|(a, b, _)| (*a, *b) == (client, attempt)), "seed {seed}: {questions:?}");
                assert_eq!(came[..], sent[..came.len().min(sent.len())], "seed {seed}: a part is missing");
                if *reason == Ended::ByPeer {
                    assert_eq!(came.len(), sent.len(), "seed {seed}: what was sent before the end has not arrived");
                }
            }
            _ => {}
        }
    }
}

/// The numbers that a client has asked in one of its attempts.
fn sent_in(seen: &[Seen], attempt: u32) -> Vec<u32> {
    let opened = seen.iter().filter_map(|event| match event {
        Seen::Opened { far, attempt: opened } if *opened == attempt => Some(*far),
        _ => None,
    });
    let connections: Vec<Address> = opened.collect();
    let asked = seen.iter().filter_map(|event| match event {
        Seen::Asked { far, number } if connections.contains(far) => Some(*number),
        _ => None,
    });
    asked.collect()
}

#[test]
fn whatever_goes_wrong_nothing_is_doubled_or_out_of_order_and_nothing_is_left() {
    let mut counts = vec![0; Happening::ALL.len()];
    for seed in 0..SEEDS {
        for (sum, count) in counts.iter_mut().zip(run(seed).counts) {
            *sum += count;
        }
    }
    for (what, count) in Happening::ALL.iter().zip(&counts) {
        assert!(*count > 0 || !FAULTS.contains(what), "in {SEEDS} seeds this has never come about: {what:?}");
    }
}

/// What must have come about in so many seeds.
const FAULTS: &[Happening] = &[
    Happening::SplitWrite,
    Happening::ShortRead,
    Happening::ShortWrite,
    Happening::FullBuffer,
    Happening::LateEvent,
    Happening::SpuriousEvent,
    Happening::RefusedAtRandom,
    Happening::Unanswered,
    Happening::TurnedAway,
    Happening::WrongListener,
    Happening::NoDescriptor,
    Happening::AcceptAborted,
    Happening::AcceptExhausted,
    Happening::Dropped,
    Happening::ResetAtByte,
    Happening::ResetInTime,
    Happening::ResetDiscarded,
    Happening::ClosedUnread,
    Happening::Lost,
    Happening::Clogged,
    Happening::Released,
    Happening::Parted,
    Happening::Frozen,
    Happening::Thawed,
    Happening::ResolveFailed,
    Happening::ResolveUnanswered,
];

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..40 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1).hash, run(2).hash);
}
