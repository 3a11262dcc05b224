//! What a host asks of its sockets: the operations of [`Net`](crate::net::Net) on the state of the world.

use super::connection::{Broken, Cargo, Phase, Side};
use super::happening::Happening;
use super::host::{Change, Host, Kind, Socket};
use super::state::{Event, State};
use crate::net::{AcceptFailure, Token, check_query, not_a_connection, not_a_listener, not_open, too_many_open};
use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

impl State {
    fn running(&mut self, ip: IpAddr) -> io::Result<&mut Host> {
        self.hosts.get_mut(&ip).filter(|host| host.up).ok_or_else(|| ErrorKind::NetworkDown.into())
    }

    fn socket(&self, ip: IpAddr, token: Token) -> io::Result<&Socket> {
        self.hosts.get(&ip).and_then(|host| host.sockets.get(token)).ok_or_else(not_open)
    }

    fn connection(&self, ip: IpAddr, token: Token) -> io::Result<(u64, Side)> {
        match self.socket(ip, token)?.kind {
            Kind::Connection(id, side) => Ok((id, side)),
            Kind::Listener { .. } => Err(not_a_connection()),
        }
    }

    /// Fails if the host has no descriptor for one more socket, or a fault says so.
    fn check_descriptors(&mut self, ip: IpAddr) -> io::Result<()> {
        let full = self.running(ip)?.is_full();
        if full || self.random.chance(self.faults.no_descriptor) {
            self.note_host(Happening::NoDescriptor, ip, 0);
            return Err(too_many_open());
        }
        Ok(())
    }

    // ---- listening

    pub(super) fn listen(&mut self, ip: IpAddr, mut at: SocketAddr) -> io::Result<(Token, SocketAddr)> {
        self.check_descriptors(ip)?;
        let host = self.running(ip)?;
        if !(at.ip().is_unspecified() || at.ip().is_loopback() || at.ip() == ip) {
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        if at.port() == 0 {
            at.set_port(host.free_port().ok_or(ErrorKind::AddrInUse)?);
        }
        if host.is_in_use(at) {
            return Err(ErrorKind::AddrInUse.into());
        }
        let token = host.sockets.insert(Socket::new(Kind::Listener { at, waiting: Default::default() }));
        host.listens(at, token);
        self.note_pair(Happening::Listened, at, at);
        Ok((token, at))
    }

    pub(super) fn accept(&mut self, ip: IpAddr, token: Token) -> io::Result<(Token, SocketAddr, SocketAddr)> {
        self.check_accept(ip, token)?;
        let id = self.next_waiting(ip, token).ok_or(ErrorKind::WouldBlock)?;
        let host = self.running(ip)?;
        let accepted = host.sockets.insert(Socket::new(Kind::Connection(id, Side::Server)));
        let connection = self.connections.get_mut(&id).ok_or(ErrorKind::ConnectionAborted)?;
        (connection.server.phase, connection.server.token) = (Phase::Open, Some(accepted));
        let (peer, local) = (connection.client.address, connection.server.address);
        let ended = connection.upward.ended || connection.server.broken != Broken::No;
        let readable = ended || !connection.upward.arrived.is_empty();
        self.note(Happening::Accepted, id, Side::Server, 0);
        self.mark(ip, Some(accepted), Change { readable, writable: true, ended });
        Ok((accepted, peer, local))
    }

    /// The connection that waits longest at a listener.
    fn next_waiting(&mut self, ip: IpAddr, listener: Token) -> Option<u64> {
        match &mut self.hosts.get_mut(&ip)?.sockets.get_mut(listener)?.kind {
            Kind::Listener { waiting, .. } => waiting.pop_front(),
            Kind::Connection(..) => None,
        }
    }

    /// Fails if something keeps the host from accepting.
    fn check_accept(&mut self, ip: IpAddr, token: Token) -> io::Result<()> {
        let (at, anybody) = match &self.socket(ip, token)?.kind {
            Kind::Listener { at, waiting } => (*at, !waiting.is_empty()),
            Kind::Connection(..) => return Err(not_a_listener()),
        };
        let host = self.running(ip)?;
        let failure = if let Some(failure) = host.accept_failures.pop_front() {
            failure
        } else if host.is_full() || (anybody && self.random.chance(self.faults.accept_exhausted)) {
            AcceptFailure::Exhausted
        } else if anybody && self.random.chance(self.faults.accept_aborted) {
            AcceptFailure::Retry
        } else {
            return Ok(());
        };
        let (what, error) = match failure {
            AcceptFailure::Retry => (Happening::AcceptAborted, ErrorKind::ConnectionAborted.into()),
            AcceptFailure::Exhausted => (Happening::AcceptExhausted, too_many_open()),
            AcceptFailure::Fatal => (Happening::AcceptBroken, ErrorKind::InvalidInput.into()),
        };
        self.note_pair(what, at, at);
        if failure == AcceptFailure::Retry
            && let Some(id) = self.next_waiting(ip, token)
        {
            self.abandon(id, Side::Server);
        }
        Err(error)
    }

    pub(super) fn accept_and_drop(&mut self, ip: IpAddr, token: Token, most: usize) -> usize {
        let mut dropped = 0;
        while dropped < most {
            let Some(id) = self.next_waiting(ip, token) else { break };
            self.note(Happening::Dropped, id, Side::Server, 0);
            self.leave(id, Side::Server);
            dropped += 1;
        }
        dropped
    }

    // ---- connecting

    pub(super) fn connect(&mut self, ip: IpAddr, to: SocketAddr) -> io::Result<Token> {
        self.check_descriptors(ip)?;
        let loopback: IpAddr = if to.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        let (local, target, dialled) = match to.ip() {
            any if any.is_unspecified() => (loopback, ip, loopback),
            inner if inner.is_loopback() => (inner, ip, inner),
            outer if outer.is_ipv4() == ip.is_ipv4() => (ip, outer, outer),
            _ => return Err(ErrorKind::NetworkUnreachable.into()),
        };
        let host = self.running(ip)?;
        let port = host.free_port().ok_or(ErrorKind::AddrNotAvailable)?;
        host.ports.insert(port);
        let to = SocketAddr::new(dialled, to.port());
        let id = self.begin(ip, SocketAddr::new(local, port), target, to);
        let token = self.running(ip)?.sockets.insert(Socket::new(Kind::Connection(id, Side::Client)));
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.client.token = Some(token);
        }
        Ok(token)
    }

    pub(super) fn connected(&self, ip: IpAddr, token: Token) -> io::Result<Option<(SocketAddr, SocketAddr)>> {
        let (id, side) = self.connection(ip, token)?;
        let connection = self.connections.get(&id).ok_or_else(not_open)?;
        let end = connection.end(side);
        match (end.phase, end.broken) {
            (Phase::Connecting, _) => Ok(None),
            (Phase::Failed(kind), _) => Err(kind.into()),
            (_, Broken::No) => Ok(Some((connection.end(side.other()).address, end.address))),
            (_, Broken::Untold | Broken::Told) => Err(ErrorKind::ConnectionReset.into()),
        }
    }

    pub(super) fn local_address(&self, ip: IpAddr, token: Token) -> io::Result<SocketAddr> {
        match self.socket(ip, token)?.kind {
            Kind::Listener { at, .. } => Ok(at),
            Kind::Connection(id, side) => {
                self.connections.get(&id).map(|connection| connection.end(side).address).ok_or_else(not_open)
            }
        }
    }

    // ---- reading and writing

    /// Whether an application may use this end now; tells it of a reset, once.
    fn check_end(&mut self, id: u64, side: Side) -> io::Result<Broken> {
        let end = self.connections.get_mut(&id).ok_or_else(not_open)?.end_mut(side);
        match (end.phase, end.broken) {
            (Phase::Connecting, _) => Err(ErrorKind::WouldBlock.into()),
            (Phase::Failed(_), _) => Ok(Broken::Told),
            (_, Broken::Untold) => {
                end.broken = Broken::Told;
                Err(ErrorKind::ConnectionReset.into())
            }
            (_, broken) => Ok(broken),
        }
    }

    pub(super) fn read(&mut self, ip: IpAddr, token: Token, into: &mut [u8]) -> io::Result<usize> {
        let (id, side) = self.connection(ip, token)?;
        let pipe = self.connections.get_mut(&id).ok_or_else(not_open)?.pipe_mut(side.other());
        if pipe.arrived.is_empty() {
            let ended = pipe.ended;
            let broken = self.check_end(id, side)?;
            return if ended || broken == Broken::Told { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let there = pipe.arrived.len().min(into.len());
        let mut count = there;
        if there > 1 && self.random.chance(self.faults.short_reads) {
            count = self.random.between(1, there as u64 - 1) as usize;
        }
        let into = into.get_mut(..count).unwrap_or_default();
        pipe.arrived.read_exact(into)?;
        if count < there {
            self.note(Happening::ShortRead, id, side, count);
        }
        self.note(Happening::Read, id, side, count);
        let latency = self.latency();
        self.plan(latency, Event::Acknowledge { connection: id, from: side.other(), bytes: count });
        Ok(count)
    }

    pub(super) fn short_read_drains(&self, ip: IpAddr, token: Token) -> bool {
        let socket = self.socket(ip, token);
        self.faults.short_reads == 0.0
            && socket.is_ok_and(|socket| matches!(socket.kind, Kind::Connection(..)) && !socket.ended)
    }

    pub(super) fn write(&mut self, ip: IpAddr, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let (id, side) = self.connection(ip, token)?;
        let offered: usize = from.iter().map(|slice| slice.len()).sum();
        let room = self.room(id, side, offered)?;
        let mut count = offered.min(room);
        if count > 1 && self.random.chance(self.faults.short_writes) {
            count = self.random.between(1, count as u64 - 1) as usize;
            self.note(Happening::ShortWrite, id, side, count);
        }
        if count > 0 {
            self.transmit(id, side, gathered(from, count));
        }
        Ok(count)
    }

    /// How many bytes this end may write.
    fn room(&mut self, id: u64, side: Side, offered: usize) -> io::Result<usize> {
        let broken = self.check_end(id, side)?;
        let pipe = self.connections.get_mut(&id).ok_or_else(not_open)?.pipe_mut(side);
        if broken == Broken::Told || pipe.finished {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let room = pipe.room();
        // Only who was told that there is no room gets an event: write until WouldBlock.
        pipe.wanted |= offered > 0 && room == 0;
        if offered > room {
            self.note(Happening::FullBuffer, id, side, room);
        }
        if offered > 0 && room == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(room) }
    }

    /// Sends bytes on their way: changed, in pieces, or cut off by a reset, if it is to be.
    fn transmit(&mut self, id: u64, side: Side, mut bytes: Vec<u8>) {
        self.history.content(&bytes);
        self.note(Happening::Sent, id, side, bytes.len());
        self.tamper(id, side, &mut bytes);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let pipe = connection.pipe_mut(side);
        pipe.unacknowledged += bytes.len();
        let cut = match &mut pipe.reset_after {
            Some(left) if *left <= bytes.len() as u64 => {
                bytes.truncate(*left as usize);
                true
            }
            Some(left) => {
                *left -= bytes.len() as u64;
                false
            }
            None => false,
        };
        self.send_pieces(id, side, bytes);
        if cut {
            self.note(Happening::ResetAtByte, id, side, 0);
            self.send(id, side, Cargo::Reset);
            self.reset(id, side.other());
        }
    }

    fn send_pieces(&mut self, id: u64, side: Side, mut bytes: Vec<u8>) {
        if bytes.len() > 1 && self.random.chance(self.faults.split_writes) {
            self.note(Happening::SplitWrite, id, side, bytes.len());
            for _ in 0..self.random.between(1, 3) {
                if bytes.len() > 1 {
                    let rest = bytes.split_off(self.random.between(1, bytes.len() as u64 - 1) as usize);
                    self.send(id, side, Cargo::Bytes(std::mem::replace(&mut bytes, rest)));
                }
            }
        }
        self.send(id, side, Cargo::Bytes(bytes));
    }

    fn tamper(&mut self, id: u64, side: Side, bytes: &mut Vec<u8>) {
        let Some(connection) = self.connections.get(&id) else { return };
        let (from, to) = (connection.end(side).address, connection.end(side.other()).address);
        if let Some(mut tamper) = self.tamper.take() {
            let before = bytes.clone();
            tamper(from, to, bytes);
            self.tamper = Some(tamper);
            if *bytes != before {
                self.history.content(bytes);
                self.note(Happening::Tampered, id, side, bytes.len());
            }
        }
    }

    // ---- ending

    pub(super) fn shutdown(&mut self, ip: IpAddr, token: Token) -> io::Result<()> {
        let (id, side) = self.connection(ip, token)?;
        let end = self.connections.get(&id).ok_or_else(not_open)?.end(side);
        if end.phase != Phase::Open || end.broken != Broken::No {
            return Err(not_open());
        }
        self.finish(id, side);
        Ok(())
    }

    pub(super) fn close(&mut self, ip: IpAddr, token: Token, politely: bool) {
        let Some(host) = self.hosts.get_mut(&ip) else { return };
        match host.sockets.remove(token).map(|socket| socket.kind) {
            Some(Kind::Connection(id, side)) if politely => self.leave(id, side),
            Some(Kind::Connection(id, side)) => self.abandon(id, side),
            Some(Kind::Listener { at, waiting }) => {
                host.listens_no_more(at);
                self.note_pair(Happening::Closed, at, at);
                for id in waiting {
                    self.abandon(id, Side::Server);
                }
            }
            None => {}
        }
    }

    // ---- names

    pub(super) fn resolve(&mut self, ip: IpAddr, query: u64, name: &str, port: u16) -> io::Result<()> {
        let host = self.running(ip)?;
        check_query(name, host.queries.contains_key(&query), host.queries.len())?;
        self.last_look_up += 1;
        let ticket = self.last_look_up;
        self.running(ip)?.queries.insert(query, ticket);
        self.note_host(Happening::Resolved, ip, query);
        if self.random.chance(self.faults.resolve_unanswered) {
            self.note_host(Happening::ResolveUnanswered, ip, query);
            return Ok(());
        }
        self.look_ups.insert(ticket, (name.to_owned(), port));
        // To the server of names and back.
        let time = self.latency().saturating_add(self.latency());
        self.plan(time, Event::Resolve { host: ip, query, ticket });
        Ok(())
    }

    pub(super) fn cancel_resolve(&mut self, ip: IpAddr, query: u64) {
        if let Some(host) = self.hosts.get_mut(&ip) {
            host.answers.retain(|(answered, _)| *answered != query);
            if let Some(ticket) = host.queries.remove(&query) {
                self.look_ups.remove(&ticket);
            }
        }
    }

    pub(super) fn answer_query(&mut self, ip: IpAddr, query: u64, ticket: u64) {
        let Some((name, port)) = self.look_ups.remove(&ticket) else { return };
        let failed = self.random.chance(self.faults.resolve_failed);
        let known = match name.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => self.names.get(&name).cloned().unwrap_or_default(),
        };
        if failed && !known.is_empty() {
            self.note_host(Happening::ResolveFailed, ip, query);
        }
        let answer = if failed || known.is_empty() {
            self.note_host(Happening::NotResolved, ip, query);
            let text = format!("expected the addresses of {name:?}, got none");
            Err(io::Error::new(ErrorKind::NotFound, text))
        } else {
            Ok(known.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
        };
        if let Some(host) = self.hosts.get_mut(&ip)
            && host.queries.get(&query) == Some(&ticket)
        {
            host.answers.push((query, answer));
        }
    }
}

/// The first bytes of some slices.
fn gathered(from: &[IoSlice<'_>], count: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count);
    for slice in from {
        let wanted = slice.len().min(count - bytes.len());
        bytes.extend_from_slice(slice.get(..wanted).unwrap_or_default());
    }
    bytes
}
