//! Attempts to connect, and name look-ups.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};
use std::io;

use fsm_core::Address;

use super::Driver;
use super::connection::{Connection, ConnectionId};
use super::sockets::Socket;
use crate::host_port::HostPort;
use crate::messages::Failure;
use crate::net::{Net, Token};
use crate::orders::{Dialled, NotDialled};

/// Look-ups under way, and the addresses that attempts have not tried.
#[derive(Default)]
pub(super) struct Dials {
    next_query: u64,
    queries: BTreeMap<u64, Query>,
    /// What is left to try, by the owner of the attempt.
    attempts: BTreeMap<Address, Attempt>,
}

#[derive(Default)]
struct Attempt {
    untried: VecDeque<SocketAddr>,
    tried: Option<SocketAddr>,
}

struct Query {
    owner: Address,
    purpose: Purpose,
}

/// What the answer of a look-up is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Bind,
    Dial,
}

impl<N: Net> Driver<N> {
    /// The order `Dial`.
    pub(super) fn dial(&mut self, owner: Address, to: &HostPort) {
        self.kernel.watch(owner);
        match to.address() {
            Some(address) => self.try_all(owner, [address].into()),
            None => self.look_up(owner, to, Purpose::Dial),
        }
    }

    pub(super) fn look_up(&mut self, owner: Address, name: &HostPort, purpose: Purpose) {
        let query = self.dials.next_query;
        self.dials.next_query += 1;
        match self.net.resolve(query, name.host(), name.port()) {
            Ok(()) => drop(self.dials.queries.insert(query, Query { owner, purpose })),
            Err(error) => self.not_found(owner, purpose, &error),
        }
    }

    fn not_found(&mut self, owner: Address, purpose: Purpose, error: &io::Error) {
        match purpose {
            Purpose::Bind => self.not_bound(owner, error),
            Purpose::Dial => self.tell(owner, NotDialled { tried: None, reason: Failure::from(error) }),
        }
    }

    /// A look-up has ended.
    pub(super) fn resolved(&mut self, query: u64, answer: io::Result<Vec<SocketAddr>>) {
        let Some(Query { owner, purpose }) = self.dials.queries.remove(&query) else { return };
        match (answer, purpose) {
            (Ok(addresses), Purpose::Dial) => self.try_all(owner, addresses.into()),
            (Ok(addresses), Purpose::Bind) => match addresses.first() {
                Some(address) => self.bind_address(owner, *address),
                None => self.not_bound(owner, &io::ErrorKind::AddrNotAvailable.into()),
            },
            (Err(error), purpose) => self.not_found(owner, purpose, &error),
        }
    }

    fn try_all(&mut self, owner: Address, untried: VecDeque<SocketAddr>) {
        self.dials.attempts.insert(owner, Attempt { untried, tried: None });
        self.try_next(owner, &io::ErrorKind::AddrNotAvailable.into());
    }

    /// Tries the next address of an attempt; when none is left, it has failed with `last`.
    fn try_next(&mut self, owner: Address, last: &io::Error) {
        let mut reason = Failure::from(last);
        let mut attempt = self.dials.attempts.remove(&owner).unwrap_or_default();
        while let Some(address) = attempt.untried.pop_front() {
            attempt.tried = Some(address);
            match self.net.connect(address) {
                Ok(token) => {
                    self.dials.attempts.insert(owner, attempt);
                    return self.sockets.insert(token, owner, Socket::Dialling(owner));
                }
                Err(error) => reason = Failure::from(&error),
            }
        }
        self.tell(owner, NotDialled { tried: attempt.tried, reason });
    }

    /// The network reports something of an attempt.
    pub(super) fn dialling(&mut self, token: Token, owner: Address) {
        match self.net.connected(token) {
            Ok(None) => {}
            Ok(Some((remote, local))) => {
                self.dials.attempts.remove(&owner);
                self.counters.connected += 1;
                let connection = Connection::new(owner, remote, &self.settings);
                self.sockets.remove(token);
                self.sockets.offer(token, owner, connection);
                self.tell(owner, Dialled { connection: ConnectionId(token), remote, local });
            }
            Err(error) => {
                self.sockets.remove(token);
                self.net.close(token);
                self.try_next(owner, &error);
            }
        }
    }

    /// The owner gives its attempt up, if it has one that is not a socket yet.
    pub(super) fn forget_dials(&mut self, owner: Address) {
        self.dials.attempts.remove(&owner);
        let queries: Vec<_> =
            self.dials.queries.iter().filter(|(_, query)| query.owner == owner).map(|(query, _)| *query).collect();
        for query in queries {
            self.dials.queries.remove(&query);
            self.net.cancel_resolve(query);
        }
    }
}
