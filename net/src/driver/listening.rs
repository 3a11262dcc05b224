//! Ports: binding, accepting, and what to do when the system has no room.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use fsm_core::Address;

use super::Driver;
use super::connection::{Connection, ConnectionId, Phase};
use super::dialling::Purpose;
use super::origins::Origin;
use super::sockets::Socket;
use crate::link::ListenSecurity;
use crate::messages::{Ended, Failure};
use crate::net::{AcceptFailure, Net, Token};
use crate::orders::{Bind, Bound, Incoming, NotBound, TurnedAway};

/// Peers that one port accepts in one turn at the most. When there are too many who have not opened their links, each costs one
/// of the others its place: some 100 microseconds together.
const ACCEPTS: usize = 16;
/// Peers that one port turns away in one turn at the most.
const TURNED_AWAY: usize = 64;
/// So many from one address who have not opened their links make room when the system has none: one after the other, for each
/// peer that comes.
const CROWD: usize = 8;
/// How long a port waits when the system has no room; doubled each time up to the second figure.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// An open port.
pub(super) struct Port {
    pub(super) owner: Address,
    security: ListenSecurity,
    /// How long it will wait when the system has no room; zero while it has.
    pause: Duration,
    /// The owner knows that peers are turned away.
    is_told: bool,
}

impl<N: Net> Driver<N> {
    /// The order `Bind`.
    pub(super) fn bind(&mut self, owner: Address, bind: &Bind) {
        self.kernel.watch(owner);
        if let Err(error) = bind.security.check() {
            return self.tell(owner, NotBound { reason: Failure::wrong_settings(&error) });
        }
        let security = bind.security.clone();
        match bind.at.address() {
            Some(address) => self.bind_address(owner, address, security),
            None => self.look_up(owner, &bind.at, Purpose::Bind(security)),
        }
    }

    pub(super) fn bind_address(&mut self, owner: Address, at: SocketAddr, security: ListenSecurity) {
        match self.net.listen(at) {
            Ok((token, at)) => {
                let port = Port { owner, security, pause: Duration::ZERO, is_told: false };
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
        let origin = Origin::of(remote.ip());
        if let Err(reason) = self.has_room_for(origin, remote) {
            return self.turn_away(port, owner, (token, remote), reason);
        }
        let Some(port) = self.sockets.port(port) else { return };
        (port.pause, port.is_told) = (Duration::ZERO, false);
        let link = match self.net.seed() {
            Ok(seed) => {
                port.security.link(self.settings.frame_limit, seed).map_err(|error| Failure::wrong_settings(&error))
            }
            Err(error) => Err(error.into()),
        };
        let link = match link {
            Ok(link) => link,
            Err(reason) => {
                self.net.close(token);
                self.counters.turned_away += 1;
                return self.tell(owner, TurnedAway { remote: Some(remote), reason });
            }
        };
        self.make_room_to_open();
        self.counters.accepted += 1;
        let mut connection = Connection::new(owner, remote, link, &self.settings);
        connection.origin = Some(origin);
        self.sockets.offer(token, owner, connection);
        self.origins.begin(origin);
        self.openings.begin(token, origin);
        self.tell(owner, Incoming { connection: ConnectionId(token), remote });
    }

    /// Nobody has more connections than there is still room for.
    fn has_room_for(&self, origin: Origin, remote: SocketAddr) -> Result<(), Failure> {
        let room = self.settings.sockets.saturating_sub(self.sockets.len());
        let count = self.origins.count(origin);
        match room {
            0 => Err(Failure::full(self.settings.sockets)),
            _ if count > room => Err(Failure::share(count, remote.ip())),
            _ => Ok(()),
        }
    }

    /// The peer learns that this end is busy, and the owner of the port that somebody was told so.
    fn turn_away(&mut self, port: Token, owner: Address, peer: (Token, SocketAddr), reason: Failure) {
        let (token, remote) = peer;
        let Some(port) = self.sockets.port(port) else { return };
        let is_news = !core::mem::replace(&mut port.is_told, true);
        let busy = port.security.busy();
        // Whoever does not read it learns no more than that the connection is closed.
        let _ = self.net.write_vectored(token, &[io::IoSlice::new(&busy)]);
        self.net.close(token);
        self.counters.turned_away += 1;
        if is_news {
            self.tell(owner, TurnedAway { remote: Some(remote), reason });
        }
    }

    /// Of those who have not opened their links one has to go when they are too many, also when it was told to go and has not
    /// gone.
    fn make_room_to_open(&mut self) {
        while self.openings.len() >= self.settings.openings.max(1) && self.crowd_out(1) {}
    }

    /// Of those who have not opened their links one has to go, if there are at least so many from one address.
    fn crowd_out(&mut self, least: usize) -> bool {
        let Some(token) = self.openings.crowd_out(least) else { return false };
        let Some(connection) = self.sockets.connection(token) else { return true };
        let owner = connection.owner;
        match &connection.phase {
            Phase::Waiting => self.decline(owner, ConnectionId(token)),
            Phase::Opening => self.peer_ended(token, Ended::System(Failure::crowded())),
            Phase::Draining(ended) | Phase::Lingering(ended) => {
                let ended = ended.clone();
                self.finish(token, ended);
            }
            _ => self.finish(token, Ended::ByUs),
        }
        true
    }

    /// The system has no room: whoever waits learns it at once, and the port waits before it tries again.
    fn exhausted(&mut self, token: Token, owner: Address, error: &io::Error) {
        // Those who have not opened their links may be what has taken it.
        if self.crowd_out(CROWD) {
            return self.sockets.mark(token, true, false);
        }
        let turned_away = self.net.accept_and_drop(token, TURNED_AWAY);
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
            self.tell(owner, TurnedAway { remote: None, reason: Failure::from(error) });
        }
    }
}
