//! Attempts to connect, and name look-ups.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};
use std::io;

use fsm_core::Address;

use super::Driver;
use super::connection::{Connection, ConnectionId};
use super::sockets::Socket;
use crate::host_port::HostPort;
use crate::link::{ConnectSecurity, ListenSecurity};
use crate::messages::Failure;
use crate::net::{Net, Token};
use crate::orders::{Dial, Dialled, NotDialled};
use crate::wire::Link;

/// Look-ups under way, and the addresses that attempts have not tried.
#[derive(Default)]
pub(super) struct Dials {
    next_query: u64,
    queries: BTreeMap<u64, Query>,
    /// What is left to try, by the owner of the attempt.
    attempts: BTreeMap<Address, Attempt>,
}

struct Attempt {
    untried: VecDeque<SocketAddr>,
    tried: Option<SocketAddr>,
    secured: Secured,
}

/// How the link is to be protected. The address is the one that was asked for: keys are known under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secured {
    security: ConnectSecurity,
    address: HostPort,
}

struct Query {
    owner: Address,
    purpose: Purpose,
}

/// What the answer of a look-up is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    Bind(ListenSecurity),
    Dial(Secured),
}

impl<N: Net> Driver<N> {
    /// The order `Dial`.
    pub(super) fn dial(&mut self, owner: Address, dial: &Dial) {
        self.kernel.watch(owner);
        if let Err(error) = dial.security.check_at(&dial.to.to_string()) {
            return self.tell(owner, NotDialled { tried: None, reason: Failure::wrong_settings(&error) });
        }
        let secured = Secured { security: dial.security.clone(), address: dial.to.clone() };
        match dial.to.address() {
            Some(address) => self.try_all(owner, [address].into(), secured),
            None => self.look_up(owner, &dial.to, Purpose::Dial(secured)),
        }
    }

    pub(super) fn look_up(&mut self, owner: Address, name: &HostPort, purpose: Purpose) {
        let query = self.dials.next_query;
        self.dials.next_query += 1;
        match self.net.resolve(query, name.host(), name.port()) {
            Ok(()) => drop(self.dials.queries.insert(query, Query { owner, purpose })),
            Err(error) => self.not_found(owner, &purpose, &error),
        }
    }

    fn not_found(&mut self, owner: Address, purpose: &Purpose, error: &io::Error) {
        match purpose {
            Purpose::Bind(_) => self.not_bound(owner, error),
            Purpose::Dial(_) => self.tell(owner, NotDialled { tried: None, reason: Failure::from(error) }),
        }
    }

    /// A look-up has ended.
    pub(super) fn resolved(&mut self, query: u64, answer: io::Result<Vec<SocketAddr>>) {
        let Some(Query { owner, purpose }) = self.dials.queries.remove(&query) else { return };
        match (answer, purpose) {
            (Ok(addresses), Purpose::Dial(secured)) => self.try_all(owner, addresses.into(), secured),
            (Ok(addresses), Purpose::Bind(security)) => match addresses.first() {
                Some(address) => self.bind_address(owner, *address, security),
                None => self.not_bound(owner, &io::ErrorKind::AddrNotAvailable.into()),
            },
            (Err(error), purpose) => self.not_found(owner, &purpose, &error),
        }
    }

    fn try_all(&mut self, owner: Address, untried: VecDeque<SocketAddr>, secured: Secured) {
        self.dials.attempts.insert(owner, Attempt { untried, tried: None, secured });
        self.try_next(owner, &io::ErrorKind::AddrNotAvailable.into());
    }

    /// Tries the next address of an attempt; when none is left, it has failed with `last`.
    fn try_next(&mut self, owner: Address, last: &io::Error) {
        let mut reason = Failure::from(last);
        let Some(mut attempt) = self.dials.attempts.remove(&owner) else { return };
        while let Some(address) = attempt.untried.pop_front() {
            if self.sockets.len() >= self.settings.sockets {
                reason = Failure::full(self.settings.sockets);
                break;
            }
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
                self.sockets.remove(token);
                let attempt = self.dials.attempts.remove(&owner);
                match attempt.map(|attempt| self.link_of(&attempt.secured)) {
                    Some(Ok(link)) => self.connected(owner, token, (remote, local), link),
                    Some(Err(reason)) => {
                        self.net.close(token);
                        self.tell(owner, NotDialled { tried: Some(remote), reason });
                    }
                    None => self.net.close(token),
                }
            }
            Err(error) => {
                self.sockets.remove(token);
                self.net.close(token);
                self.try_next(owner, &error);
            }
        }
    }

    fn link_of(&mut self, secured: &Secured) -> Result<Box<dyn Link>, Failure> {
        let seed = self.net.seed()?;
        let link = secured.security.link(&secured.address.to_string(), self.settings.frame_limit, seed);
        link.map_err(|error| Failure::wrong_settings(&error))
    }

    fn connected(
        &mut self,
        owner: Address,
        token: Token,
        (remote, local): (SocketAddr, SocketAddr),
        link: Box<dyn Link>,
    ) {
        self.counters.connected += 1;
        self.sockets.offer(token, owner, Connection::new(owner, remote, link, &self.settings));
        self.tell(owner, Dialled { connection: ConnectionId(token), remote, local });
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
