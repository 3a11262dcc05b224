//! Ports: binding, accepting, and what to do when the system has no room.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use fsm_core::Address;

use super::Driver;
use super::connection::{Connection, ConnectionId};
use super::sockets::Socket;
use crate::host_port::HostPort;
use crate::messages::Failure;
use crate::net::{AcceptFailure, Net, Token};
use crate::orders::{Bound, Incoming, NotBound, TurnedAway};

/// Peers that one port accepts in one turn at the most.
const ACCEPTS: usize = 64;
/// How long a port waits when the system has no room; doubled each time up to the second figure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// An open port.
pub(super) struct Port {
    pub(super) owner: Address,
    /// How long it will wait when the system has no room; zero while it has.
    pause: Duration,
    /// The owner knows that peers are turned away.
    is_told: bool,
}

impl<N: Net> Driver<N> {
    /// The order `Bind`.
    pub(super) fn bind(&mut self, owner: Address, at: &HostPort) {
        self.kernel.watch(owner);
        match at.address() {
            Some(address) => self.bind_address(owner, address),
            None => self.look_up(owner, at, super::dialling::Purpose::Bind),
        }
    }

    pub(super) fn bind_address(&mut self, owner: Address, at: SocketAddr) {
        match self.net.listen(at) {
            Ok((token, at)) => {
                let port = Port { owner, pause: Duration::ZERO, is_told: false };
                self.sockets.insert(token, owner, Socket::Port(Box::new(port)));
                self.tell(owner, Bound { at });
            }
            Err(error) => self.not_bound(owner, &error),
        }
    }

    pub(super) fn not_bound(&mut self, owner: Address, error: &io::Error) {
        self.tell(owner, NotBound { reason: Failure::from(error) });
    }

    /// Accepts those who wait at a port.
    pub(super) fn accept(&mut self, token: Token) {
        let Some(owner) = self.sockets.port(token).map(|port| port.owner) else { return };
        for _ in 0..ACCEPTS {
            match self.net.accept(token) {
                Ok((connection, remote, _)) => self.accepted(token, owner, connection, remote),
                Err(error) => match AcceptFailure::of(&error) {
                    None => return,
                    Some(AcceptFailure::Retry) => {}
                    Some(AcceptFailure::Exhausted) => return self.exhausted(token, owner, &error),
                    Some(AcceptFailure::Fatal) => {
                        self.sockets.remove(token);
                        self.net.close(token);
                        return self.not_bound(owner, &error);
                    }
                },
            }
        }
        // There may be more: the others have their turn first.
        self.sockets.mark(token, true, false);
    }

    fn accepted(&mut self, port: Token, owner: Address, token: Token, remote: SocketAddr) {
        if let Some(port) = self.sockets.port(port) {
            (port.pause, port.is_told) = (Duration::ZERO, false);
        }
        self.counters.accepted += 1;
        let connection = Connection::new(owner, remote, &self.settings);
        self.sockets.offer(token, owner, connection);
        self.tell(owner, Incoming { connection: ConnectionId(token), remote });
    }

    /// The system has no room: whoever waits learns it at once, and the port waits before it tries again.
    fn exhausted(&mut self, token: Token, owner: Address, error: &io::Error) {
        let turned_away = self.net.accept_and_drop(token, ACCEPTS);
        self.counters.turned_away += turned_away as u64;
        let now = self.kernel.now();
        let Some(port) = self.sockets.port(token) else { return };
        // The system says that it has no room also when nobody waits: it was the last peer that took the last room.
        let is_news = turned_away > 0 && !port.is_told;
        port.is_told |= is_news;
        port.pause = (port.pause * 2).clamp(PAUSE.0, PAUSE.1);
        let until = now + port.pause;
        self.sockets.throttle(token, until);
        if is_news {
            self.tell(owner, TurnedAway { reason: Failure::from(error) });
        }
    }
}
