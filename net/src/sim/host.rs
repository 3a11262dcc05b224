//! One simulated host: its sockets, its ports, its look-ups, and the events it was not shown yet.

use crate::net::{AcceptFailure, Slab, Token};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first port that a host gives away itself.
const FIRST_PORT: u16 = 49_152;

/// What changed at a socket since its events were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Change {
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// No more events about reading will come.
    pub(super) ended: bool,
}

impl Change {
    pub(super) const READABLE: Change = Change { readable: true, writable: false, ended: false };
    pub(super) const WRITABLE: Change = Change { readable: false, writable: true, ended: false };
    pub(super) const ENDED: Change = Change { readable: true, writable: false, ended: true };
    pub(super) const BROKEN: Change = Change { readable: true, writable: true, ended: true };

    pub(super) fn add(&mut self, more: Change) {
        self.readable |= more.readable;
        self.writable |= more.writable;
        self.ended |= more.ended;
    }
}

#[derive(Debug)]
pub(super) enum Kind {
    Listener {
        at: SocketAddr,
        /// Connections that wait to be accepted.
        waiting: VecDeque<u64>,
    },
    Connection(u64, super::connection::Side),
}

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) kind: Kind,
    pub(super) change: Change,
    /// It is in `changed` or in `held` of its host.
    pub(super) queued: bool,
    /// The host was shown that no more events about reading will come.
    pub(super) ended: bool,
}

impl Socket {
    pub(super) fn new(kind: Kind) -> Self {
        Socket { kind, change: Change::default(), queued: false, ended: false }
    }
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) ip: IpAddr,
    pub(super) up: bool,
    /// The process does not run and takes no events.
    pub(super) frozen: bool,
    pub(super) sockets: Slab<Socket>,
    listeners: BTreeMap<(u16, IpAddr), Token>,
    /// Ports of connections that were begun here.
    pub(super) ports: BTreeSet<u16>,
    next_port: u16,
    /// How many sockets may be open.
    pub(super) limit: usize,
    /// How the next calls of `accept` will fail.
    pub(super) accept_failures: VecDeque<AcceptFailure>,
    /// Sockets whose events are to be shown.
    pub(super) changed: Vec<Token>,
    /// Sockets whose events are to be shown later.
    pub(super) held: Vec<Token>,
    /// The ticket of each look-up under way.
    pub(super) queries: BTreeMap<u64, u64>,
    /// Answers that are to be shown.
    pub(super) answers: Vec<(u64, io::Result<Vec<SocketAddr>>)>,
}

impl Host {
    pub(super) fn new(ip: IpAddr) -> Self {
        Host {
            ip,
            up: true,
            frozen: false,
            sockets: Slab::new(),
            listeners: BTreeMap::new(),
            ports: BTreeSet::new(),
            next_port: FIRST_PORT,
            limit: usize::MAX,
            accept_failures: VecDeque::new(),
            changed: Vec::new(),
            held: Vec::new(),
            queries: BTreeMap::new(),
            answers: Vec::new(),
        }
    }

    /// Whether there is something to be shown. (Sockets may have been closed since they changed.)
    pub(super) fn has_news(&self) -> bool {
        !self.frozen
            && (!self.answers.is_empty() || self.changed.iter().any(|&token| self.sockets.get(token).is_some()))
    }

    pub(super) fn is_full(&self) -> bool {
        self.sockets.count() >= self.limit
    }

    /// A port that nobody on this host uses.
    pub(super) fn free_port(&mut self) -> Option<u16> {
        for _ in FIRST_PORT..=u16::MAX {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
            if !self.ports.contains(&port) && self.listening_at(port).next().is_none() {
                return Some(port);
            }
        }
        None
    }

    fn listening_at(&self, port: u16) -> impl Iterator<Item = IpAddr> + '_ {
        let (least, most) = (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)));
        self.listeners.range((port, least)..=(port, most)).map(|((_, ip), _)| *ip)
    }

    /// Whether a listener at this address would take what is meant for another one.
    pub(super) fn is_in_use(&self, at: SocketAddr) -> bool {
        let shared = |ip: IpAddr| ip == at.ip() || ip.is_unspecified() || at.ip().is_unspecified();
        self.listening_at(at.port()).any(shared)
    }

    pub(super) fn listens(&mut self, at: SocketAddr, listener: Token) {
        self.listeners.insert((at.port(), at.ip()), listener);
    }

    pub(super) fn listens_no_more(&mut self, at: SocketAddr) {
        self.listeners.remove(&(at.port(), at.ip()));
    }

    pub(super) fn all_listeners(&self) -> impl Iterator<Item = Token> + '_ {
        self.listeners.values().copied()
    }

    /// The listener that takes what comes for this address.
    pub(super) fn listener_for(&self, to: SocketAddr) -> Option<Token> {
        let any: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        // As on a real host, [::] serves IPv4 too, but 0.0.0.0 does not serve IPv6.
        let candidates = [Some(to.ip()), to.is_ipv4().then_some(any[0]), Some(any[1])];
        candidates.into_iter().flatten().find_map(|ip| self.listeners.get(&(to.port(), ip))).copied()
    }

    /// Notes a change; the socket's next event will show it.
    pub(super) fn mark(&mut self, token: Token, change: Change) {
        if let Some(socket) = self.sockets.get_mut(token) {
            socket.change.add(change);
            if !socket.queued {
                socket.queued = true;
                self.changed.push(token);
            }
        }
    }

    /// Forgets everything that lives in the host's memory. Old tokens stay invalid. Answers the tickets of the
    /// look-ups that were under way.
    pub(super) fn wipe(&mut self) -> Vec<u64> {
        let tokens: Vec<Token> = self.sockets.tokens().collect();
        for token in tokens {
            self.sockets.remove(token);
        }
        self.listeners.clear();
        self.changed.clear();
        self.held.clear();
        self.answers.clear();
        std::mem::take(&mut self.queries).into_values().collect()
    }
}
