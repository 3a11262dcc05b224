//! The whole simulated network: hosts, connections, and the agenda of what happens when.

use super::connection::{Connection, Side};
use super::faults::Faults;
use super::happening::{Entry, Happening, History};
use super::host::{Change, Host};
use super::random::Random;
use crate::net::{Ready, Token};
use fsm_core::Moment;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Changes bytes on their way: from, to, the bytes.
pub(super) type Tamper = Box<dyn FnMut(SocketAddr, SocketAddr, &mut Vec<u8>)>;

/// The longest that an event is held back.
const LATEST_EVENT: Duration = Duration::from_millis(1);

/// Something that will happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// The request to connect reaches its host (or would, at this attempt).
    Request { connection: u64, attempt: u32 },
    /// The answer reaches who connects.
    Open { connection: u64, attempt: u32 },
    /// The refusal reaches who connects.
    Refuse { connection: u64 },
    /// Who connects gives up.
    GiveUp { connection: u64 },
    /// Something arrives at the end of a pipe.
    Deliver { connection: u64, from: Side },
    /// The sender into a pipe hears that so many bytes were read.
    Acknowledge { connection: u64, from: Side, bytes: usize },
    /// A fault: both ends are reset.
    Reset { connection: u64 },
    /// A fault: nothing is delivered any more.
    Lose { connection: u64 },
    /// A fault: a pipe stops delivering, for that long.
    Clog { connection: u64, from: Side, time: Duration },
    /// The pipe goes on.
    Release { connection: u64, from: Side },
    /// A name look-up ends.
    Resolve { host: IpAddr, query: u64, ticket: u64 },
    /// Events that were held back are shown.
    Show { host: IpAddr },
}

pub(super) struct State {
    pub(super) now: Moment,
    pub(super) seed: u64,
    pub(super) random: Random,
    /// For the keys of connections: apart, so that the network does the same whether it is encrypted or not.
    secrets: Random,
    pub(super) faults: Faults,
    pub(super) hosts: BTreeMap<IpAddr, Host>,
    pub(super) connections: BTreeMap<u64, Connection>,
    pub(super) last_connection: u64,
    agenda: BinaryHeap<Reverse<(Moment, u64, Event)>>,
    last_event: u64,
    pub(super) names: BTreeMap<String, Vec<IpAddr>>,
    /// Look-ups under way: host and name by ticket.
    pub(super) look_ups: BTreeMap<u64, (String, u16)>,
    pub(super) last_look_up: u64,
    /// Pairs of hosts between which nothing gets through, in this direction.
    pub(super) parted: BTreeSet<(IpAddr, IpAddr)>,
    /// What a test decided about attempts to connect to an address.
    pub(super) decided: BTreeMap<SocketAddr, super::connection::Fate>,
    pub(super) history: History,
    pub(super) tamper: Option<Tamper>,
}

impl State {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        State {
            now: Moment::ZERO,
            seed,
            random: Random::new(seed),
            secrets: Random::new(seed ^ 0x5345_4352_4554_0001),
            faults,
            hosts: BTreeMap::new(),
            connections: BTreeMap::new(),
            last_connection: 0,
            agenda: BinaryHeap::new(),
            last_event: 0,
            names: BTreeMap::new(),
            look_ups: BTreeMap::new(),
            last_look_up: 0,
            parted: BTreeSet::new(),
            decided: BTreeMap::new(),
            history: History::new(),
            tamper: None,
        }
    }

    /// The next 32 bytes that a host takes for a secret.
    pub(super) fn secret(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&self.secrets.next_u64().to_le_bytes());
        }
        bytes
    }

    // ---- time

    pub(super) fn next_event(&mut self) -> Option<Moment> {
        if self.hosts.values().any(Host::has_news) {
            return Some(self.now);
        }
        while let Some(&Reverse((at, _, event))) = self.agenda.peek() {
            if self.matters(event) {
                return Some(at.max(self.now));
            }
            self.agenda.pop();
        }
        None
    }

    pub(super) fn advance(&mut self, to: Moment) {
        while let Some(&Reverse((at, _, event))) = self.agenda.peek() {
            if at > to.max(self.now) {
                break;
            }
            self.agenda.pop();
            if self.matters(event) {
                self.now = self.now.max(at);
                self.happen(event);
            }
        }
        self.now = self.now.max(to);
    }

    /// Puts an event on the agenda.
    pub(super) fn plan(&mut self, after: Duration, event: Event) {
        self.plan_at(self.now + after, event);
    }

    pub(super) fn plan_at(&mut self, at: Moment, event: Event) {
        self.last_event += 1;
        self.agenda.push(Reverse((at, self.last_event, event)));
    }

    /// Takes the faults that were planned off the agenda.
    pub(super) fn cancel_faults(&mut self) {
        self.agenda.retain(|Reverse((_, _, event))| {
            !matches!(event, Event::Reset { .. } | Event::Lose { .. } | Event::Clog { .. } | Event::Release { .. })
        });
    }

    /// How long something takes that sets off now.
    pub(super) fn latency(&mut self) -> Duration {
        let more = self.random.duration_around(self.faults.latency_mean);
        self.faults.latency_least.saturating_add(more)
    }

    /// Whether an event on the agenda can still make a difference.
    fn matters(&self, event: Event) -> bool {
        match event {
            Event::Request { connection, .. } | Event::Open { connection, .. } | Event::Refuse { connection } => {
                self.is_connecting(connection)
            }
            Event::GiveUp { connection } => self.is_connecting(connection),
            Event::Deliver { connection, .. }
            | Event::Acknowledge { connection, .. }
            | Event::Reset { connection }
            | Event::Lose { connection }
            | Event::Clog { connection, .. }
            | Event::Release { connection, .. } => self.connections.contains_key(&connection),
            Event::Resolve { ticket, .. } => self.look_ups.contains_key(&ticket),
            Event::Show { host } => self.hosts.get(&host).is_some_and(|host| !host.held.is_empty()),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Request { connection, attempt } => self.request(connection, attempt),
            Event::Open { connection, attempt } => self.open(connection, attempt),
            Event::Refuse { connection } => self.fail(connection, io::ErrorKind::ConnectionRefused, Happening::Refused),
            Event::GiveUp { connection } => self.fail(connection, io::ErrorKind::TimedOut, Happening::GaveUp),
            Event::Deliver { connection, from } => self.deliver(connection, from),
            Event::Acknowledge { connection, from, bytes } => self.acknowledge(connection, from, bytes),
            Event::Reset { connection } => {
                self.note(Happening::ResetInTime, connection, Side::Client, 0);
                self.reset_both(connection);
            }
            Event::Lose { connection } => self.lose(connection),
            Event::Clog { connection, from, time } => self.clog_pipe(connection, from, time),
            Event::Release { connection, from } => self.release_pipe(connection, from),
            Event::Resolve { host, query, ticket } => self.answer_query(host, query, ticket),
            Event::Show { host } => {
                if let Some(host) = self.hosts.get_mut(&host) {
                    host.changed.append(&mut host.held);
                }
            }
        }
    }

    // ---- what is shown to hosts

    pub(super) fn mark(&mut self, host: IpAddr, token: Option<Token>, change: Change) {
        if let (Some(host), Some(token)) = (self.hosts.get_mut(&host), token) {
            host.mark(token, change);
        }
    }

    pub(super) fn take_ready(&mut self, ip: IpAddr) -> Vec<Ready> {
        let Some(host) = self.hosts.get_mut(&ip).filter(|host| !host.frozen) else { return Vec::new() };
        let (mut ready, mut late) = (Vec::with_capacity(host.changed.len()), 0);
        for token in std::mem::take(&mut host.changed) {
            let Some(socket) = host.sockets.get_mut(token) else { continue };
            if self.random.chance(self.faults.late_events) {
                host.held.push(token);
                late += 1;
                continue;
            }
            let change = std::mem::take(&mut socket.change);
            socket.queued = false;
            socket.ended |= change.ended;
            ready.push(Ready::Socket { token, readable: change.readable, writable: change.writable });
        }
        for (query, answer) in std::mem::take(&mut host.answers) {
            host.queries.remove(&query);
            ready.push(Ready::Resolved { query, answer });
        }
        if !ready.is_empty() {
            ready.extend(self.spurious_event(ip));
            self.note_host(Happening::Shown, ip, ready.len() as u64);
        }
        if late > 0 {
            self.note_host(Happening::LateEvent, ip, late);
            let after = self.random.duration_between(Duration::from_nanos(1), LATEST_EVENT);
            self.plan(after, Event::Show { host: ip });
        }
        ready
    }

    fn spurious_event(&mut self, ip: IpAddr) -> Option<Ready> {
        if !self.random.chance(self.faults.spurious_events) {
            return None;
        }
        let tokens: Vec<Token> = self.hosts.get(&ip)?.sockets.tokens().collect();
        let token = *tokens.get(self.random.below(tokens.len() as u64) as usize)?;
        let (readable, writable) = (self.random.chance(0.5), self.random.chance(0.5));
        self.note_host(Happening::SpuriousEvent, ip, 0);
        Some(Ready::Socket { token, readable, writable })
    }

    /// Forgets all that lives in a host's memory.
    pub(super) fn wipe(&mut self, ip: IpAddr) {
        let tickets = self.hosts.get_mut(&ip).map(Host::wipe);
        for ticket in tickets.unwrap_or_default() {
            self.look_ups.remove(&ticket);
        }
    }

    // ---- what is remembered

    /// Notes what happened at one end of a connection.
    pub(super) fn note(&mut self, what: Happening, connection: u64, at: Side, bytes: usize) {
        if let Some(found) = self.connections.get(&connection) {
            let (from, to) = (found.end(at).address, found.end(at.other()).address);
            self.history.add(Entry { at: self.now, what, connection, from, to, bytes: bytes as u64 });
        }
    }

    /// Notes what happened at a host; `number` is hashed with it.
    pub(super) fn note_host(&mut self, what: Happening, ip: IpAddr, number: u64) {
        self.history.word(number);
        self.note_pair(what, SocketAddr::new(ip, 0), SocketAddr::new(ip, 0));
    }

    pub(super) fn note_pair(&mut self, what: Happening, from: SocketAddr, to: SocketAddr) {
        self.history.add(Entry { at: self.now, what, connection: 0, from, to, bytes: 0 });
    }

    fn is_connecting(&self, connection: u64) -> bool {
        let client = self.connections.get(&connection).map(|found| found.client.phase);
        client == Some(super::connection::Phase::Connecting)
    }
}
