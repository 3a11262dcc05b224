//! How connections come about, how bytes travel, and how it all ends.

use super::connection::{Broken, Cargo, Connection, End, Fate, Phase, Pipe, Side};
use super::happening::Happening;
use super::host::{Change, Kind};
use super::state::{Event, State};
use crate::net::{BACKLOG, Token};
use fsm_core::Moment;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a system goes on trying to connect, about as Linux does.
const GIVE_UP: Duration = Duration::from_secs(127);
/// After how many seconds the first attempt is repeated; the time doubles from then on.
const REPEAT: Duration = Duration::from_secs(1);
/// How often an attempt is repeated.
const REPEATS: u32 = 6;
/// Within what time of its life a connection meets the faults that are planned for it.
const FIRST_MINUTE: Duration = Duration::from_secs(60);
/// Within how many bytes of a direction a connection is reset.
const FIRST_MEGABYTE: u64 = 1 << 20;

impl State {
    // ---- connecting

    /// Begins a connection from a port of a host; answers its number.
    pub(super) fn begin(&mut self, host: IpAddr, local: SocketAddr, target: IpAddr, to: SocketAddr) -> u64 {
        let fate = self.fate(to);
        let mut capacity = || {
            let (least, most) = (self.faults.buffer_least as u64, self.faults.buffer_most as u64);
            self.random.scaled(least.min(most), most.max(least)) as usize
        };
        let connection = Connection {
            upward: Pipe::new(capacity()),
            downward: Pipe::new(capacity()),
            client: End::new(host, local, Phase::Connecting),
            server: End::new(target, to, Phase::Gone),
            fate,
            lost: false,
        };
        self.last_connection += 1;
        let id = self.last_connection;
        self.connections.insert(id, connection);
        self.note(Happening::Connected, id, Side::Client, 0);
        match fate {
            Fate::Refused => self.note(Happening::RefusedAtRandom, id, Side::Client, 0),
            Fate::Unanswered => self.note(Happening::Unanswered, id, Side::Client, 0),
            Fate::Answered => {}
        }
        let latency = self.latency();
        self.plan(latency, Event::Request { connection: id, attempt: 0 });
        self.plan(GIVE_UP, Event::GiveUp { connection: id });
        id
    }

    fn fate(&mut self, to: SocketAddr) -> Fate {
        if let Some(&fate) = self.decided.get(&to) {
            return fate;
        }
        if self.random.chance(self.faults.unanswered) {
            return Fate::Unanswered;
        }
        if self.random.chance(self.faults.refused) { Fate::Refused } else { Fate::Answered }
    }

    /// The request has reached its host, or would have if it could.
    pub(super) fn request(&mut self, id: u64, attempt: u32) {
        let Some(connection) = self.connections.get(&id) else { return };
        let (fate, to) = (connection.fate, connection.server.address);
        if fate == Fate::Unanswered || !self.hosts.contains_key(&connection.server.host) {
            return;
        }
        if self.is_blocked(id, Side::Client) {
            return self.repeat(attempt, |attempt| Event::Request { connection: id, attempt });
        }
        let listener = if fate == Fate::Refused { None } else { self.listener_for(id) };
        let Some((host, token, waiting)) = listener else {
            let latency = self.latency();
            return self.plan(latency, Event::Refuse { connection: id });
        };
        if waiting >= BACKLOG {
            return self.repeat(attempt, |attempt| Event::Request { connection: id, attempt });
        }
        self.arrive(id, host, token, to);
    }

    fn repeat(&mut self, attempt: u32, event: impl Fn(u32) -> Event) {
        if attempt < REPEATS {
            self.plan(REPEAT * 2_u32.pow(attempt), event(attempt + 1));
        }
    }

    /// The listener that gets a connection: its host, its token, and how many wait there.
    fn listener_for(&mut self, id: u64) -> Option<(IpAddr, Token, usize)> {
        let connection = self.connections.get(&id)?;
        let (host, to) = (connection.server.host, connection.server.address);
        let mut found = (host, self.hosts.get(&host)?.listener_for(to)?);
        if self.random.chance(self.faults.wrong_listener) {
            let others = self.hosts.values().filter(|host| host.up);
            let others = others.flat_map(|host| host.all_listeners().map(|token| (host.ip, token)));
            let others: Vec<(IpAddr, Token)> = others.filter(|&other| other != found).collect();
            if let Some(&other) = others.get(self.random.below(others.len() as u64) as usize) {
                found = other;
                self.note(Happening::WrongListener, id, Side::Client, 0);
            }
        }
        match &self.hosts.get(&found.0)?.sockets.get(found.1)?.kind {
            Kind::Listener { waiting, .. } => Some((found.0, found.1, waiting.len())),
            Kind::Connection(..) => None,
        }
    }

    /// The connection stands, as far as the system of the listener is concerned.
    fn arrive(&mut self, id: u64, host: IpAddr, listener: Token, to: SocketAddr) {
        let back = self.latency();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.server = End::new(host, to, Phase::Waiting);
        self.plan(back, Event::Open { connection: id, attempt: 0 });
        self.plan_faults(id);
        if self.random.chance(self.faults.turned_away) {
            self.note(Happening::TurnedAway, id, Side::Client, 0);
            self.leave(id, Side::Server);
            return;
        }
        let socket = self.hosts.get_mut(&host).and_then(|host| host.sockets.get_mut(listener));
        if let Some(Kind::Listener { waiting, .. }) = socket.map(|socket| &mut socket.kind) {
            waiting.push_back(id);
        }
        self.note(Happening::Arrived, id, Side::Client, 0);
        self.mark(host, Some(listener), Change::READABLE);
    }

    /// Draws what will befall a new connection.
    fn plan_faults(&mut self, id: u64) {
        let moment = |state: &mut State| state.random.duration_between(Duration::ZERO, FIRST_MINUTE);
        if self.random.chance(self.faults.reset_in_time) {
            let after = moment(self);
            self.plan(after, Event::Reset { connection: id });
        }
        if self.random.chance(self.faults.lost) {
            let after = moment(self);
            self.plan(after, Event::Lose { connection: id });
        }
        for from in Side::BOTH {
            if self.random.chance(self.faults.clogged) {
                let after = moment(self);
                let (least, most) = (self.faults.clogged_least, self.faults.clogged_most);
                let time = self.random.duration_between(least, most);
                self.plan(after, Event::Clog { connection: id, from, time });
            }
            if self.random.chance(self.faults.reset_at_byte) {
                let byte = self.random.scaled(1, FIRST_MEGABYTE);
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.pipe_mut(from).reset_after = Some(byte);
                }
            }
        }
    }

    /// The answer has reached who connects, or would have if it could.
    pub(super) fn open(&mut self, id: u64, attempt: u32) {
        if self.is_blocked(id, Side::Server) {
            return self.repeat(attempt, |attempt| Event::Open { connection: id, attempt });
        }
        self.opened(id);
    }

    fn opened(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.client.phase == Phase::Connecting {
            connection.client.phase = Phase::Open;
            let (host, token) = (connection.client.host, connection.client.token);
            self.note(Happening::Opened, id, Side::Client, 0);
            self.mark(host, token, Change::WRITABLE);
        }
    }

    /// There will be no connection.
    pub(super) fn fail(&mut self, id: u64, kind: io::ErrorKind, what: Happening) {
        if what == Happening::Refused && self.is_blocked(id, Side::Server) {
            return self.plan(REPEAT, Event::Refuse { connection: id });
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.client.phase = Phase::Failed(kind);
        let (host, token) = (connection.client.host, connection.client.token);
        self.note(what, id, Side::Client, 0);
        self.mark(host, token, Change::BROKEN);
    }

    // ---- travelling

    /// Sends something into a pipe; it arrives after what was sent before.
    pub(super) fn send(&mut self, id: u64, from: Side, cargo: Cargo) {
        let arrives = self.now + self.latency();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.pipe_mut(from).travelling.push_back((arrives, cargo));
        self.schedule(id, from);
    }

    /// Sees to it that the head of a pipe is delivered when it arrives.
    fn schedule(&mut self, id: u64, from: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let pipe = connection.pipe_mut(from);
        if let (Some(&(arrives, _)), false, false) = (pipe.travelling.front(), pipe.scheduled, pipe.held) {
            pipe.scheduled = true;
            self.plan_at(arrives, Event::Deliver { connection: id, from });
        }
    }

    /// Delivers what has arrived at the end of a pipe.
    pub(super) fn deliver(&mut self, id: u64, from: Side) {
        let (blocked, now) = (self.is_blocked(id, from), self.now);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let pipe = connection.pipe_mut(from);
        (pipe.scheduled, pipe.held) = (false, blocked);
        if blocked {
            return;
        }
        if from == Side::Server {
            self.opened(id); // whatever comes from the far end answers the request
        }
        while let Some(cargo) = self.arrived(id, from, now) {
            match cargo {
                Cargo::Bytes(bytes) => self.deliver_bytes(id, from, bytes),
                Cargo::Finish => self.deliver_finish(id, from),
                Cargo::Reset => self.deliver_reset(id, from),
            }
        }
        self.schedule(id, from);
    }

    fn arrived(&mut self, id: u64, from: Side, now: Moment) -> Option<Cargo> {
        let travelling = &mut self.connections.get_mut(&id)?.pipe_mut(from).travelling;
        match travelling.front() {
            Some(&(arrives, _)) if arrives <= now => travelling.pop_front().map(|(_, cargo)| cargo),
            _ => None,
        }
    }

    fn deliver_bytes(&mut self, id: u64, from: Side, bytes: Vec<u8>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let (end, count) = (connection.end(from.other()), bytes.len());
        if end.takes() {
            let (host, token) = (end.host, end.token);
            connection.pipe_mut(from).arrived.extend(bytes);
            self.note(Happening::Delivered, id, from.other(), count);
            self.mark(host, token, Change::READABLE);
        } else if matches!(end.phase, Phase::Gone | Phase::Failed(_)) {
            self.reset(id, from.other()); // nobody is there to take it
        }
    }

    fn deliver_finish(&mut self, id: u64, from: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.pipe_mut(from).ended = true;
        let end = connection.end(from.other());
        if end.takes() {
            let (host, token) = (end.host, end.token);
            self.note(Happening::Ended, id, from.other(), 0);
            self.mark(host, token, Change::ENDED);
        }
    }

    fn deliver_reset(&mut self, id: u64, from: Side) {
        let discards = self.random.chance(self.faults.reset_discards);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if !connection.end(from.other()).takes() {
            return;
        }
        connection.end_mut(from.other()).broken = Broken::Untold;
        let (host, token) = (connection.end(from.other()).host, connection.end(from.other()).token);
        let unread = connection.pipe(from).arrived.len();
        if discards && unread > 0 {
            connection.pipe_mut(from).arrived.clear();
            self.note(Happening::ResetDiscarded, id, from.other(), unread);
        }
        self.note(Happening::WasReset, id, from.other(), 0);
        self.mark(host, token, Change::BROKEN);
    }

    /// The sender into a pipe hears that bytes were read.
    pub(super) fn acknowledge(&mut self, id: u64, from: Side, bytes: usize) {
        let blocked = self.is_blocked(id, from.other());
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let (host, token) = (connection.end(from).host, connection.end(from).token);
        let pipe = connection.pipe_mut(from);
        if blocked {
            pipe.acknowledgements_held += bytes;
            return;
        }
        pipe.unacknowledged = pipe.unacknowledged.saturating_sub(bytes);
        if pipe.wanted && pipe.room() > 0 {
            pipe.wanted = false;
            self.mark(host, token, Change::WRITABLE);
        }
    }

    // ---- ending

    /// One end sends a reset: what it sent before and has not arrived is lost.
    pub(super) fn reset(&mut self, id: u64, from: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let travelling = &mut connection.pipe_mut(from).travelling;
        travelling.retain(|(_, cargo)| *cargo == Cargo::Reset); // the first one is final
        if travelling.is_empty() {
            self.note(Happening::Reset, id, from, 0);
            self.send(id, from, Cargo::Reset);
        }
    }

    /// Something between the ends resets both.
    pub(super) fn reset_both(&mut self, id: u64) {
        for from in Side::BOTH {
            self.reset(id, from);
        }
    }

    /// The application at one end is gone; its system says goodbye for it.
    pub(super) fn leave(&mut self, id: u64, side: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let unread = connection.pipe(side.other()).arrived.len();
        let end = connection.end_mut(side);
        let (phase, whole) = (end.phase, end.broken == Broken::No);
        (end.phase, end.token) = (Phase::Gone, None);
        self.note(Happening::Closed, id, side, 0);
        match phase {
            Phase::Open | Phase::Waiting if whole && unread > 0 => {
                self.note(Happening::ClosedUnread, id, side, unread);
                self.reset(id, side);
            }
            Phase::Open | Phase::Waiting if whole => self.finish(id, side),
            Phase::Connecting | Phase::Failed(_) => self.reset(id, side),
            _ => {}
        }
        self.forget_if_over(id);
    }

    /// The application at one end is gone, or never came, and its system resets the other.
    pub(super) fn abandon(&mut self, id: u64, side: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let end = connection.end_mut(side);
        let whole = end.broken == Broken::No;
        (end.phase, end.token) = (Phase::Gone, None);
        self.note(Happening::Closed, id, side, 0);
        if whole {
            self.reset(id, side);
        }
        self.forget_if_over(id);
    }

    /// One end has said its last.
    pub(super) fn finish(&mut self, id: u64, from: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let pipe = connection.pipe_mut(from);
        if !pipe.finished {
            pipe.finished = true;
            self.note(Happening::Finished, id, from, 0);
            self.send(id, from, Cargo::Finish);
        }
    }

    /// One end is gone without a word, and what it sent last with it.
    pub(super) fn vanish(&mut self, id: u64, side: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let end = connection.end_mut(side);
        (end.phase, end.token) = (Phase::Gone, None);
        connection.pipe_mut(side).travelling.clear();
        self.forget_if_over(id);
    }

    pub(super) fn forget_if_over(&mut self, id: u64) {
        if self.connections.get(&id).is_some_and(Connection::is_over)
            && let Some(connection) = self.connections.remove(&id)
        {
            let port = connection.client.address.port();
            if let Some(host) = self.hosts.get_mut(&connection.client.host) {
                host.ports.remove(&port);
            }
        }
    }

    // ---- blocking

    /// Whether nothing gets through a pipe just now.
    fn is_blocked(&self, id: u64, from: Side) -> bool {
        let Some(connection) = self.connections.get(&id) else { return false };
        let (source, target) = (connection.end(from).host, connection.end(from.other()).host);
        let down = self.hosts.get(&target).is_none_or(|host| !host.up);
        down || connection.lost || connection.pipe(from).clogged || self.parted.contains(&(source, target))
    }

    pub(super) fn lose(&mut self, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.lost = true;
            self.note(Happening::Lost, id, Side::Client, 0);
        }
    }

    pub(super) fn clog_pipe(&mut self, id: u64, from: Side, time: Duration) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.pipe_mut(from).clogged = true;
            self.note(Happening::Clogged, id, from, 0);
            self.plan(time, Event::Release { connection: id, from });
        }
    }

    pub(super) fn release_pipe(&mut self, id: u64, from: Side) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.pipe_mut(from).clogged = false;
            self.note(Happening::Released, id, from, 0);
            self.resume(id, from);
        }
    }

    /// Sets everything going again that is not blocked any more.
    pub(super) fn resume_all(&mut self) {
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        for id in ids {
            self.resume(id, Side::Client);
            self.resume(id, Side::Server);
        }
    }

    /// Sets going what was held up on its way from one side: its bytes, and its acknowledgements of the other's.
    fn resume(&mut self, id: u64, from: Side) {
        if self.is_blocked(id, from) {
            return;
        }
        let latency = self.latency();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let bytes = std::mem::take(&mut connection.pipe_mut(from.other()).acknowledgements_held);
        let pipe = connection.pipe_mut(from);
        if std::mem::take(&mut pipe.held) {
            pipe.scheduled = true;
            self.plan(latency, Event::Deliver { connection: id, from });
        }
        if bytes > 0 {
            self.plan(latency, Event::Acknowledge { connection: id, from: from.other(), bytes });
        }
    }
}
