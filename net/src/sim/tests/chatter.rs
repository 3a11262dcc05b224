//! A small program that keeps to the contract of `Net`, in a network where everything goes wrong.

use super::*;
use crate::net::AcceptFailure;
use crate::sim::{Happening, Random};
use std::collections::BTreeMap;

/// How long the faults last.
const TROUBLE: Duration = Duration::from_secs(150);
/// How soon all is well after that.
const RECOVERY: Duration = Duration::from_secs(60);
/// How often each client looks after its connections, and a server after its listener.
const TICK: Duration = Duration::from_secs(1);

/// One end of a connection: sends what it has, and keeps or returns what it gets.
#[derive(Default)]
struct Talk {
    open: bool,
    echoes: bool,
    to_send: Vec<u8>,
    /// Taken by the network.
    sent: Vec<u8>,
    received: Vec<u8>,
    over: bool,
}

struct Host {
    net: SimNet,
    at: SocketAddr,
    listener: Option<Token>,
    talks: BTreeMap<Token, Talk>,
    /// Names that were asked for.
    answers: usize,
}

impl Host {
    /// Acts on events, and on nothing else.
    fn turn(&mut self) {
        for ready in self.net.ready() {
            match ready {
                Ready::Resolved { .. } => self.answers += 1,
                Ready::Socket { token, .. } if Some(token) == self.listener => self.accept(),
                Ready::Socket { token, readable, writable } => self.talk(token, readable, writable),
            }
        }
    }

    fn accept(&mut self) {
        let Some(listener) = self.listener else { return };
        loop {
            match self.net.accept(listener) {
                Ok((token, _, _)) => {
                    self.talks.insert(token, Talk { open: true, echoes: true, ..Talk::default() });
                }
                Err(error) => match AcceptFailure::of(&error) {
                    Some(AcceptFailure::Retry) => {}
                    Some(AcceptFailure::Exhausted) => {
                        self.net.accept_and_drop(listener, 1);
                        return;
                    }
                    Some(AcceptFailure::Fatal) => {
                        self.net.close(listener);
                        self.listener = None;
                        return;
                    }
                    None => return,
                },
            }
        }
    }

    fn talk(&mut self, token: Token, readable: bool, writable: bool) {
        let Some(talk) = self.talks.get_mut(&token) else { return };
        if !talk.open {
            match self.net.connected(token) {
                Ok(Some(_)) => talk.open = true,
                Ok(None) => return,
                Err(_) => talk.over = true,
            }
        }
        if readable && !talk.over {
            talk.read(&mut self.net, token);
        }
        if (writable || !talk.to_send.is_empty()) && !talk.over {
            talk.write(&mut self.net, token);
        }
        if talk.over {
            self.net.close(token);
        }
    }

    /// What a client does each second: one connection to each server, one more message over each.
    fn tick(&mut self, servers: &[SocketAddr], random: &mut Random) {
        self.net.resolve(random.below(8), "server.lab", 80).ok();
        self.net.cancel_resolve(random.below(8));
        self.talks.retain(|_, talk| !talk.over);
        if self.talks.len() < servers.len()
            && let Ok(token) = self.net.connect(servers[self.talks.len()])
        {
            self.talks.insert(token, Talk::default());
        }
        let length = random.scaled(1, 20_000) as usize;
        for (&token, talk) in &mut self.talks {
            if talk.to_send.is_empty() {
                talk.to_send.extend((0..length).map(|_| random.next_u64() as u8));
                if talk.open {
                    talk.write(&mut self.net, token);
                }
            }
        }
    }
}

impl Talk {
    fn read(&mut self, net: &mut SimNet, token: Token) {
        let mut buffer = [0; 1024];
        loop {
            match net.read(token, &mut buffer) {
                Ok(0) => return self.over = true,
                Ok(count) => {
                    if self.echoes {
                        self.to_send.extend(&buffer[..count]);
                    }
                    self.received.extend(&buffer[..count]);
                    if count < buffer.len() && net.short_read_drains(token) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.over = true,
            }
        }
    }

    fn write(&mut self, net: &mut SimNet, token: Token) {
        while !self.to_send.is_empty() {
            let (one, two) = self.to_send.split_at(self.to_send.len() / 2);
            match net.write_vectored(token, &[IoSlice::new(one), IoSlice::new(two)]) {
                Ok(count) => self.sent.extend(self.to_send.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.over = true,
            }
        }
    }
}

struct Play {
    world: World,
    servers: Vec<Host>,
    clients: Vec<Host>,
    random: Random,
}

fn host(world: &World, last: u8) -> Host {
    let ip = IpAddr::from([10, 0, 0, last]);
    let (net, at) = (world.host(ip), SocketAddr::new(ip, 80));
    Host { net, at, listener: None, talks: BTreeMap::new(), answers: 0 }
}

impl Play {
    fn new(seed: u64) -> Self {
        let world = World::with_faults(seed, Faults::swarm(seed));
        world.name("server.lab", vec![SERVER]);
        let servers = [1, 2].map(|last| host(&world, last)).into();
        let clients = [3, 4].map(|last| host(&world, last)).into();
        Play { world, servers, clients, random: Random::new(!seed) }
    }

    /// Plays until a moment; before each tick somebody may do mischief.
    fn until(&mut self, end: Moment, mischief: fn(&World, &mut Random)) {
        while self.world.now() < end {
            let tick = self.world.after(TICK);
            let mut events = 0;
            while let Some(next) = self.world.next_event().filter(|next| *next < tick) {
                events += 1;
                assert!(events < 100_000, "no end of events: {:#?}", self.world.history());
                self.world.advance(next);
                self.servers.iter_mut().chain(&mut self.clients).for_each(Host::turn);
            }
            self.world.advance(tick);
            mischief(&self.world, &mut self.random);
            self.tick();
            self.check();
        }
    }

    fn tick(&mut self) {
        let at: Vec<SocketAddr> = self.servers.iter().map(|server| server.at).collect();
        for server in &mut self.servers {
            server.talks.retain(|_, talk| !talk.over);
            if server.listener.is_none_or(|listener| server.net.local_address(listener).is_err()) {
                server.listener = server.net.listen(server.at).ok().map(|(token, _)| token);
            }
            server.accept(); // those who waited when there was no descriptor
        }
        for client in &mut self.clients {
            client.tick(&at, &mut self.random);
        }
    }

    /// What comes back is what was sent, in order, never more.
    fn check(&self) {
        for talk in self.clients.iter().flat_map(|client| client.talks.values()) {
            assert!(talk.sent.starts_with(&talk.received), "{:#?}", self.world.history());
        }
    }
}

fn no_mischief(_: &World, _: &mut Random) {}

/// Everything that a test can do to a world, now and then.
fn mischief(world: &World, random: &mut Random) {
    if !random.chance(0.1) {
        return;
    }
    let ip = |random: &mut Random| IpAddr::from([10, 0, 0, random.between(1, 4) as u8]);
    let (one, other) = (ip(random), ip(random));
    let between = world.connections();
    let connection = between.get(random.below(between.len() as u64) as usize).map(|found| found.connection);
    match random.below(14) {
        0 => world.clog(one, other),
        1 => world.unclog(one, other),
        2 => world.isolate(one),
        3 => world.crash(one),
        4 => world.restart(one),
        5 => world.kill(one),
        6 => world.reset(connection.unwrap_or(0)),
        7 => world.lose(connection.unwrap_or(0)),
        8 => world.fail_accepts(one, AcceptFailure::Fatal, 1),
        9 => world.limit_sockets(one, random.below(4) as usize),
        10 => world.freeze(one),
        11 => world.thaw(one),
        12 => world.swallow(SocketAddr::new(one, 80)),
        _ => world.refuse(SocketAddr::new(one, 80)),
    }
}

fn play(seed: u64) -> Play {
    let mut play = Play::new(seed);
    play.until(Moment::ZERO + TROUBLE, mischief);
    play
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    for seed in 0..5 {
        let (one, same, other) = (play(seed).world, play(seed).world, play(seed + 100).world);
        assert_eq!(one.trace_hash(), same.trace_hash());
        assert_eq!(one.history(), same.history());
        assert_ne!(one.trace_hash(), other.trace_hash());
    }
}

#[test]
fn everything_that_can_happen_does_and_all_is_well_after_healing() {
    let mut counts: BTreeMap<Happening, u64> = BTreeMap::new();
    for seed in 0..30 {
        let mut play = play(seed);
        play.world.heal();
        play.clients.iter_mut().for_each(restart);
        play.until(play.world.after(RECOVERY), no_mischief);
        for client in &play.clients {
            assert_eq!(client.talks.len(), 2, "seed {seed}");
            for talk in client.talks.values() {
                assert!(talk.open && talk.received.len() > 1_000, "seed {seed}: {:#?}", play.world.history());
            }
        }
        for &what in Happening::ALL {
            *counts.entry(what).or_default() += play.world.count(what);
        }
    }
    let never: Vec<_> = counts.iter().filter(|(_, count)| **count == 0).map(|(what, _)| *what).collect();
    assert_eq!(never, [Happening::Tampered], "which has its own test");
}

/// Begins anew: connections may be lost without a sign, and only a deadline, which these clients have not, would tell.
fn restart(client: &mut Host) {
    for (token, _) in std::mem::take(&mut client.talks) {
        client.net.close(token);
    }
}

#[test]
fn nothing_is_left_when_all_is_closed() {
    for seed in 0..20 {
        let mut play = play(seed);
        play.world.heal();
        for host in play.servers.iter_mut().chain(&mut play.clients) {
            play.world.kill(host.net.ip());
        }
        for host in play.servers.iter_mut().chain(&mut play.clients) {
            assert_eq!(play.world.open_sockets(host.net.ip()), 0);
            assert!(host.net.ready().is_empty());
        }
        assert_eq!((play.world.connections(), play.world.next_event()), (vec![], None), "seed {seed}");
    }
}
