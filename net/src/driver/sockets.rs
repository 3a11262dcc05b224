//! Which socket is what, who owns it, and which of them need to be served.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use fsm_core::{Address, Moment};

use super::Connection;
use super::connection::Phase;
use super::listening::Port;
use crate::net::Token;

/// What a socket is.
pub(super) enum Socket {
    Port(Box<Port>),
    /// An attempt to connect, by its owner.
    Dialling(Address),
    Connection(Box<Connection>),
    /// A connection that is being worked on elsewhere in the driver.
    Lent,
}

/// What the network has reported of a socket since it was last served.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Readiness {
    pub(super) readable: bool,
    pub(super) writable: bool,
}

struct Entry {
    token: Token,
    socket: Socket,
    /// The point that owns it; none while it is offered.
    owner: Option<Address>,
    readiness: Readiness,
    /// It stands in `marked`.
    is_marked: bool,
    /// It stands in `dirty`.
    is_dirty: bool,
    /// It stands in `stalled`.
    is_stalled: bool,
    /// It stands in `pulses`.
    has_pulse: bool,
    /// Under which it stands in `unfinished`.
    due: Option<Moment>,
}

impl Entry {
    /// Its link is being opened.
    fn opens(&self) -> bool {
        matches!(&self.socket, Socket::Connection(connection) if connection.phase == Phase::Opening)
    }
}

#[derive(Default)]
pub(super) struct Sockets {
    /// By the token's index.
    entries: Vec<Option<Entry>>,
    count: usize,
    /// The socket that a point owns. Only looked into, never walked: its order must not show.
    owners: HashMap<Address, Token>,
    marked: VecDeque<Token>,
    /// Those of them whose links are being opened. They have turns of their own, so that they do not hold up the others, nor
    /// the others them.
    opening: VecDeque<Token>,
    /// Connections that were to be read while too much waits. They are the first to be read when it does not.
    postponed: Vec<Token>,
    dirty: VecDeque<Token>,
    /// Connections of which so much waits to be opened that they are not read.
    stalled: Vec<Token>,
    /// The same, and some that were, in the order in which they are to show next that this end is there.
    pulses: VecDeque<(Moment, Token)>,
    /// Ports that wait for the system to have room again.
    throttled: Vec<(Moment, Token)>,
    /// Connections whose peers have begun a record, and when it must have come whole.
    unfinished: BTreeSet<(Moment, Token)>,
    /// Connections that were offered to a listener or connector and have no proxy yet.
    offers: BTreeMap<Address, Vec<Token>>,
}

impl Sockets {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// A new socket of `owner`.
    pub(super) fn insert(&mut self, token: Token, owner: Address, socket: Socket) {
        self.put(token, socket);
        self.own(token, owner);
    }

    /// A new connection, offered to `to`.
    pub(super) fn offer(&mut self, token: Token, to: Address, connection: Connection) {
        self.put(token, Socket::Connection(Box::new(connection)));
        self.offers.entry(to).or_default().push(token);
    }

    fn put(&mut self, token: Token, socket: Socket) {
        let index = token.index();
        if self.entries.len() <= index {
            self.entries.resize_with(index + 1, || None);
        }
        let (owner, readiness, due) = (None, Readiness::default(), None);
        let entry = Entry {
            token,
            socket,
            owner,
            readiness,
            is_marked: false,
            is_dirty: false,
            is_stalled: false,
            has_pulse: false,
            due,
        };
        self.count += usize::from(self.entries[index].replace(entry).is_none());
    }

    /// The socket has this owner from now on.
    pub(super) fn own(&mut self, token: Token, owner: Address) {
        self.disown(token);
        if let Some(entry) = self.entry(token) {
            entry.owner = Some(owner);
            self.owners.insert(owner, token);
        }
    }

    /// The offer was taken, or is withdrawn.
    pub(super) fn withdraw(&mut self, token: Token, from: Address) {
        if let Some(offers) = self.offers.get_mut(&from) {
            offers.retain(|offered| *offered != token);
            if offers.is_empty() {
                self.offers.remove(&from);
            }
        }
    }

    /// What was offered to the point and not taken.
    pub(super) fn take_offers(&mut self, to: Address) -> Vec<Token> {
        self.offers.remove(&to).unwrap_or_default()
    }

    fn disown(&mut self, token: Token) {
        if let Some(owner) = self.entry(token).and_then(|entry| entry.owner.take()) {
            self.owners.remove(&owner);
        }
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<Socket> {
        self.disown(token);
        self.expect_whole(token, None);
        self.entry(token)?;
        let entry = self.entries[token.index()].take()?;
        self.count -= 1;
        self.throttled.retain(|(_, throttled)| *throttled != token);
        Some(entry.socket)
    }

    /// Takes a connection out, to work on it together with the rest of the driver.
    pub(super) fn lend(&mut self, token: Token) -> Option<Box<Connection>> {
        let entry = self.entry(token)?;
        match core::mem::replace(&mut entry.socket, Socket::Lent) {
            Socket::Connection(connection) => Some(connection),
            other => {
                entry.socket = other;
                None
            }
        }
    }

    pub(super) fn give_back(&mut self, token: Token, connection: Box<Connection>) {
        if let Some(entry) = self.entry(token) {
            entry.socket = Socket::Connection(connection);
        }
    }

    fn entry(&mut self, token: Token) -> Option<&mut Entry> {
        self.entries.get_mut(token.index())?.as_mut().filter(|entry| entry.token == token)
    }

    pub(super) fn get(&mut self, token: Token) -> Option<&mut Socket> {
        self.entry(token).map(|entry| &mut entry.socket)
    }

    pub(super) fn port(&mut self, token: Token) -> Option<&mut Port> {
        match self.get(token)? {
            Socket::Port(port) => Some(port),
            _ => None,
        }
    }

    pub(super) fn connection(&mut self, token: Token) -> Option<&mut Connection> {
        match self.get(token)? {
            Socket::Connection(connection) => Some(connection),
            _ => None,
        }
    }

    /// The socket that the point owns.
    pub(super) fn of(&self, owner: Address) -> Option<Token> {
        self.owners.get(&owner).copied()
    }

    /// The network reports something of a socket, or it was not served to the end.
    pub(super) fn mark(&mut self, token: Token, readable: bool, writable: bool) {
        let Some(entry) = self.entry(token) else { return };
        entry.readiness.readable |= readable;
        entry.readiness.writable |= writable;
        let opens = entry.opens();
        if !core::mem::replace(&mut entry.is_marked, true) {
            if opens { self.opening.push_back(token) } else { self.marked.push_back(token) }
        }
    }

    pub(super) fn marked_len(&self) -> usize {
        self.marked.len()
    }

    /// The next of the first `left`, of which so many fewer are left then.
    pub(super) fn take_marked(&mut self, left: &mut usize) -> Option<(Token, Readiness)> {
        while *left > 0 {
            *left -= 1;
            let token = self.marked.pop_front()?;
            // It was attached since it was marked.
            if self.entry(token).is_some_and(|entry| entry.opens()) {
                self.opening.push_back(token);
            } else if let Some(readiness) = self.unmark(token) {
                return Some((token, readiness));
            }
        }
        None
    }

    pub(super) fn opening_len(&self) -> usize {
        self.opening.len()
    }

    /// The next of those whose links are being opened.
    pub(super) fn take_opening(&mut self) -> Option<(Token, Readiness)> {
        while let Some(token) = self.opening.pop_front() {
            if let Some(readiness) = self.unmark(token) {
                return Some((token, readiness));
            }
        }
        None
    }

    /// The connection is not read before [`Sockets::unstall`] finds room for what it sends.
    /// Its peer is shown at `pulse` that this end is there.
    pub(super) fn stall(&mut self, token: Token, pulse: Moment) {
        let Some(entry) = self.entry(token).filter(|entry| !entry.is_stalled) else { return };
        entry.is_stalled = true;
        self.stalled.push(token);
        self.show(token, pulse);
    }

    /// The connection is not read: its peer is shown at `pulse` that this end is there.
    fn show(&mut self, token: Token, pulse: Moment) {
        let Some(entry) = self.entry(token) else { return };
        if !core::mem::replace(&mut entry.has_pulse, true) {
            self.pulses.push_back((pulse, token));
        }
    }

    /// The next connection that is not read and whose peer is to be shown at `now` that this end is there; at `next`, which is
    /// later than all before, again.
    pub(super) fn take_pulse(&mut self, now: Moment, next: Moment) -> Option<Token> {
        while let Some((_, token)) = self.pulses.front().copied().filter(|(due, _)| *due <= now) {
            self.pulses.pop_front();
            let is_unread = self.is_unread(token);
            let Some(entry) = self.entry(token) else { continue };
            entry.has_pulse = is_unread;
            if is_unread {
                self.pulses.push_back((next, token));
                return Some(token);
            }
        }
        None
    }

    /// The connection is to be read when less waits, before those that were read since. Its peer is shown at `pulse` that this
    /// end is there.
    pub(super) fn postpone(&mut self, token: Token, pulse: Moment) {
        let Some(entry) = self.entry(token) else { return };
        entry.readiness.readable = true;
        if !core::mem::replace(&mut entry.is_marked, true) {
            self.postponed.push(token);
        }
        self.show(token, pulse);
    }

    /// Those that were postponed are the next.
    pub(super) fn resume_postponed(&mut self) {
        for token in core::mem::take(&mut self.postponed).into_iter().rev() {
            self.marked.push_front(token);
        }
    }

    /// Those of which less than `limit` bytes wait are read again.
    pub(super) fn unstall(&mut self, limit: usize) {
        if !self.can_unstall(limit) {
            return;
        }
        let (still, over): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.stalled).into_iter().partition(|token| self.has_unopened(*token, limit));
        self.stalled = still;
        for token in over {
            if let Some(entry) = self.entry(token) {
                entry.is_stalled = false;
            }
            self.mark(token, true, false);
        }
    }

    /// Whether some that are stalled need not be any more.
    pub(super) fn can_unstall(&self, limit: usize) -> bool {
        self.stalled.iter().any(|token| !self.has_unopened(*token, limit))
    }

    fn has_unopened(&self, token: Token, limit: usize) -> bool {
        let entry = self.entries.get(token.index()).and_then(Option::as_ref).filter(|entry| entry.token == token);
        match entry.map(|entry| &entry.socket) {
            Some(Socket::Connection(connection)) => connection.unopened.get() >= limit,
            _ => false,
        }
    }

    fn unmark(&mut self, token: Token) -> Option<Readiness> {
        let entry = self.entry(token)?;
        entry.is_marked = false;
        Some(core::mem::take(&mut entry.readiness))
    }

    /// The connection has something to write.
    pub(super) fn mark_dirty(&mut self, token: Token) {
        let Some(entry) = self.entry(token) else { return };
        if !core::mem::replace(&mut entry.is_dirty, true) {
            self.dirty.push_back(token);
        }
    }

    pub(super) fn take_dirty(&mut self) -> Option<Token> {
        while let Some(token) = self.dirty.pop_front() {
            if let Some(entry) = self.entry(token) {
                entry.is_dirty = false;
                return Some(token);
            }
        }
        None
    }

    pub(super) fn dirty_len(&self) -> usize {
        self.dirty.len()
    }

    pub(super) fn has_work(&self) -> bool {
        !(self.marked.is_empty() && self.opening.is_empty() && self.postponed.is_empty() && self.dirty.is_empty())
    }

    /// The port accepts nothing before `until`.
    pub(super) fn throttle(&mut self, token: Token, until: Moment) {
        // Peers that come meanwhile are tried too, so it may stand there already.
        self.throttled.retain(|(_, throttled)| *throttled != token);
        self.throttled.push((until, token));
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let throttled = self.throttled.iter().map(|(until, _)| *until).min();
        let unfinished = self.unfinished.first().map(|(due, _)| *due);
        let pulse = self.pulses.front().map(|(due, _)| *due);
        [throttled, unfinished, pulse].into_iter().flatten().min()
    }

    /// The record that the peer has begun must have come whole by then. None: it has.
    pub(super) fn expect_whole(&mut self, token: Token, due: Option<Moment>) {
        let Some(entry) = self.entry(token) else { return };
        let before = core::mem::replace(&mut entry.due, due);
        if before != due {
            self.unfinished.extend(due.map(|due| (due, token)));
            before.map(|before| self.unfinished.remove(&(before, token)));
        }
    }

    /// The next connection whose record should be whole at `now` and is not, and whether there is something to read of it.
    pub(super) fn take_overdue(&mut self, now: Moment) -> Option<(Token, bool)> {
        let (_, token) = self.unfinished.first().copied().filter(|(due, _)| *due <= now)?;
        self.expect_whole(token, None);
        Some((token, self.is_unread(token)))
    }

    /// Whether there may be something to read that this end has not read yet.
    pub(super) fn is_unread(&mut self, token: Token) -> bool {
        self.entry(token).is_some_and(|entry| (entry.is_marked && entry.readiness.readable) || entry.is_stalled)
    }

    /// Ports whose wait is over at `now` accept again.
    pub(super) fn unthrottle(&mut self, now: Moment) {
        if self.throttled.is_empty() {
            return;
        }
        let (over, still): (Vec<_>, Vec<_>) = self.throttled.drain(..).partition(|(until, _)| *until <= now);
        self.throttled = still;
        for (_, token) in over {
            self.mark(token, true, false);
        }
    }

    /// A descriptor has come free: throttled ports try again at once.
    pub(super) fn unthrottle_all(&mut self) {
        for (_, token) in core::mem::take(&mut self.throttled) {
            self.mark(token, true, false);
        }
    }
}
