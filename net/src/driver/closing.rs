//! How connections begin and end.

use fsm_core::{Address, Level};

use super::connection::{Connection, ConnectionId, Phase};
use super::sockets::Socket;
use super::{CUTS, Driver};
use crate::messages::Ended;
use crate::net::{Net, Token};
use crate::orders::{Attach, Lost, Released, Slow};
use crate::wire::Border;

/// A peer that takes and sends fewer bytes than this in the time that it has to answer a close is not there. It is given that time
/// again and again; each time that this has happened so often the bytes are doubled, so that nobody holds a connection for hours.
const LEAST: usize = 1_024;
const PATIENCE: u32 = 20;

impl<N: Net> Driver<N> {
    /// The order `Attach`: the connection has a proxy, and is read from now on.
    pub(super) fn attach(&mut self, proxy: Address, attach: &Attach) {
        self.kernel.watch(proxy);
        let ConnectionId(token) = attach.connection;
        let waits = self.sockets.connection(token).is_some_and(|connection| connection.phase == Phase::Waiting);
        if !waits {
            // It was closed between its offer and this order.
            self.tell(proxy, Lost { reason: Ended::Reset });
            return self.tell(proxy, Released { reason: Ended::Reset });
        }
        self.sockets.own(token, proxy);
        let Some(connection) = self.sockets.connection(token) else { return };
        connection.phase = Phase::Opening;
        let offered_to = core::mem::replace(&mut connection.owner, proxy);
        self.sockets.withdraw(token, offered_to);
        if self.sockets.of(offered_to).is_none() {
            // A connector has nothing else; a listener goes on with its port.
            self.tell(offered_to, Released { reason: Ended::ByUs });
        }
        let Some(connection) = self.sockets.connection(token) else { return };
        connection.border = Border::new(proxy);
        let reported = core::mem::take(&mut connection.reported);
        let mut outlet = connection.output.outlet(&mut self.pool);
        if let Err(error) = connection.link.begin(&mut outlet) {
            return self.peer_ended(token, Ended::Link(error));
        }
        self.sockets.mark_dirty(token);
        if reported {
            self.sockets.mark(token, true, true);
        }
        self.open_if_ready(token);
    }

    /// Nothing more comes from the peer: the proxy is told, what waits is written, then the connection is released.
    pub(super) fn peer_ended(&mut self, token: Token, ended: Ended) {
        let Some(connection) = self.sockets.connection(token) else { return };
        let owner = connection.owner;
        match &connection.phase {
            Phase::Waiting | Phase::PeerDone(_) | Phase::Draining(_) => return,
            Phase::Lingering(reason) => {
                let reason = reason.clone();
                return self.finish(token, reason);
            }
            // Both ends close at once: what waits is still written. A frame that the peer had begun is of no interest, and
            // it may have been completed: what comes after the close is not taken.
            Phase::Shutting if ended.is_orderly() => {
                connection.phase = Phase::Draining(closed(ended));
                return self.sockets.mark_dirty(token);
            }
            // This end has closed: the peer's end is all that was missing.
            Phase::Shutting | Phase::Shut => return self.finish(token, closed(ended)),
            Phase::Opening | Phase::Offered | Phase::Open => {}
        }
        if ended.breaks_rules() && connection.link.peer().is_some() {
            self.counters.protocol_errors += 1;
        }
        connection.phase = match ended.is_orderly() {
            true if connection.phase != Phase::Opening => Phase::PeerDone(ended.clone()),
            true => Phase::Draining(ended.clone()),
            false => {
                // What the link has said last is still for the peer.
                connection.output.clear_frames(&mut self.pool);
                if !matches!(ended, Ended::Link(_)) {
                    connection.output.clear(&mut self.pool);
                }
                Phase::Draining(ended.clone())
            }
        };
        if ended != Ended::ByPeer {
            let remote = connection.remote;
            self.kernel.log(owner, Level::Warning, format_args!("the connection with {remote} has ended: {ended}"));
        }
        self.tell(owner, Lost { reason: ended });
        self.sockets.mark_dirty(token);
    }

    /// Writing has failed: there is nobody to write to.
    pub(super) fn write_failed(&mut self, token: Token, ended: Ended) {
        let Some(connection) = self.sockets.connection(token) else { return };
        connection.output.clear(&mut self.pool);
        match &connection.phase {
            Phase::PeerDone(first) | Phase::Draining(first) | Phase::Lingering(first) => {
                let first = first.clone();
                self.finish(token, first);
            }
            // What the peer sent before it went may still be there to be read; its end follows.
            Phase::Opening | Phase::Offered | Phase::Open => {
                connection.write_error = Some(ended);
                self.sockets.mark(token, true, false);
            }
            _ => self.peer_ended(token, ended),
        }
    }

    /// The order `Shut`: what waits is written, then the write half is shut, then the peer's end is awaited.
    pub(super) fn shut(&mut self, proxy: Address) {
        let Some(token) = self.sockets.of(proxy) else {
            return self.tell_released(proxy);
        };
        let Some(connection) = self.sockets.connection(token) else { return };
        match &connection.phase {
            Phase::PeerDone(ended) => connection.phase = Phase::Draining(ended.clone()),
            Phase::Opening | Phase::Offered | Phase::Open => connection.phase = Phase::Shutting,
            _ => return,
        }
        connection.moved = 0;
        self.sockets.mark_dirty(token);
    }

    /// The proxy's socket is no more. It may know that already, and have ended.
    fn tell_released(&mut self, proxy: Address) {
        if self.kernel.is_alive(proxy) {
            self.tell(proxy, Released { reason: Ended::ByUs });
        }
    }

    pub(super) fn shut_write_half(&mut self, token: Token) {
        let Some(connection) = self.sockets.connection(token) else { return };
        if !matches!(connection.phase, Phase::Lingering(_)) {
            connection.phase = Phase::Shut;
        }
        // It fails when the peer has gone. The peer's end, whichever it was, may lie in the socket unread.
        let _ = self.net.shutdown(token);
        self.sockets.mark(token, true, false);
    }

    /// Orders for which there was no time in the turn before.
    pub(super) fn cut_the_rest(&mut self) {
        self.cuts_left = CUTS;
        for _ in 0..CUTS {
            let Some((proxy, at_once)) = self.cuts.pop_front() else { return };
            self.cut(proxy, at_once);
        }
    }

    /// The order `Cut`. When too many go at once it is carried out a little later.
    pub(super) fn cut(&mut self, proxy: Address, at_once: bool) {
        if self.cuts_left == 0 {
            return self.cuts.push_back((proxy, at_once));
        }
        let Some(token) = self.sockets.of(proxy) else {
            return self.tell_released(proxy);
        };
        let Some(connection) = self.sockets.connection(token) else { return };
        let least = LEAST << (connection.waited / PATIENCE).min(20);
        let moves = core::mem::take(&mut connection.moved) >= least && connection.dropped < self.settings.marks.hard;
        if moves && !at_once {
            connection.waited += 1;
            return self.tell(proxy, Slow);
        }
        self.cuts_left -= 1;
        // Where all is written the system goes on to deliver it when the socket is closed.
        if !matches!(connection.phase, Phase::Shut | Phase::Lingering(_)) {
            self.net.abort(token);
        }
        self.finish(token, Ended::NoAnswer);
    }

    /// The socket is closed, its proxy told. The last that is heard of a connection.
    pub(super) fn finish(&mut self, token: Token, reason: Ended) {
        let Some(Socket::Connection(connection)) = self.sockets.remove(token) else { return };
        self.forget_exports(token, &connection);
        self.net.close(token);
        self.openings.end(token);
        self.ended(&connection);
        self.sockets.unthrottle_all();
        self.tell(connection.owner, Released { reason });
    }

    fn ended(&mut self, connection: &Connection) {
        self.counters.ended += 1;
        self.counters.not_opened += u64::from(connection.link.peer().is_none());
        if let Some(origin) = connection.origin {
            self.origins.end(origin);
        }
    }

    /// The order `Release` of a listener or connector.
    pub(super) fn release(&mut self, owner: Address) {
        self.give_back(owner);
        self.tell(owner, Released { reason: Ended::ByUs });
    }

    /// The peer of a connection that has ended holds nothing any more, and answers nobody. A question that was handed to another
    /// peer too may still be answered by that one.
    fn forget_exports(&mut self, token: Token, connection: &Connection) {
        for address in connection.border.exported() {
            self.holders.forget(address, token);
            if !self.holders.has(address) {
                self.kernel.give_up_question(address);
            }
        }
    }

    /// A watched point has ended, in whatever way: what it held is given back, and those who hold its address are told.
    pub(super) fn release_of(&mut self, point: Address) {
        self.give_back(point);
        // Neither does it lead anywhere, nor what lay behind it when it was a proxy.
        for (address, token) in self.holders.take_with_all_beyond(point) {
            self.tell_gone(address, token);
        }
    }

    /// The order `Decline`.
    pub(super) fn decline(&mut self, listener: Address, ConnectionId(token): ConnectionId) {
        if self.sockets.connection(token).is_some_and(|connection| connection.phase == Phase::Waiting) {
            self.sockets.withdraw(token, listener);
            self.close(token);
        }
    }

    fn give_back(&mut self, owner: Address) {
        self.forget_dials(owner);
        let mut tokens = self.sockets.take_offers(owner);
        tokens.extend(self.sockets.of(owner));
        for token in tokens {
            self.close(token);
        }
    }

    /// The socket is closed, and nobody is told.
    fn close(&mut self, token: Token) {
        if let Some(Socket::Connection(connection)) = self.sockets.remove(token) {
            self.forget_exports(token, &connection);
            self.ended(&connection);
        }
        self.openings.end(token);
        self.net.close(token);
        self.sockets.unthrottle_all();
    }
}

/// How a connection has ended that this end was closing. Only a peer that says goodbye has heard all of it.
fn closed(ended: Ended) -> Ended {
    if ended == Ended::ByPeer { Ended::ByUs } else { ended }
}
