//! From the socket to the kernel.

use core::time::Duration;
use std::io::{self, ErrorKind};

use fsm_core::{Address, Body, Level, Undelivered};

use super::Driver;
use super::asking::PULSE;
use super::connection::{Connection, Phase};
use super::sockets::{Readiness, Socket};
use crate::messages::{Ended, Failure};
use crate::net::{Net, Token};
use crate::orders::Opened;
use crate::wire::{Inbound, LinkState, Refusal, decode_message, encode_gone};

/// How long a peer may take from the beginning of a record to its end. For a large one it has a second more for each so many
/// bytes.
const RECORD: Duration = Duration::from_secs(30);
pub(super) const RECORD_RATE: usize = 64 * 1024;

/// What one read takes from a peer whose messages go where nobody is any more.
const IN_VAIN: usize = 1_024;

/// What reading a connection has come to.
enum Read {
    /// All that there was; the network will report more.
    Drained,
    /// There may be more.
    More,
    /// Nothing more will come.
    Over(Ended),
}

impl<N: Net> Driver<N> {
    /// Serves a socket of which the network has reported something.
    pub(super) fn serve(&mut self, token: Token, readiness: Readiness) {
        match self.sockets.get(token) {
            Some(Socket::Port(_)) => self.accept(token),
            Some(Socket::Dialling(owner)) => {
                let owner = *owner;
                self.dialling(token, owner);
                // What was reported may already be the peer's first bytes.
                if readiness.readable && self.sockets.connection(token).is_some() {
                    self.sockets.mark(token, true, true);
                }
            }
            Some(Socket::Connection(connection)) => {
                // `attach` and `begin` look again.
                connection.reported |= readiness.readable && !connection.reads();
                if connection.phase == Phase::Waiting {
                    return;
                }
                if readiness.writable {
                    self.sockets.mark_dirty(token);
                }
                if readiness.readable {
                    self.receive(token);
                }
            }
            Some(Socket::Lent) | None => {}
        }
    }

    fn receive(&mut self, token: Token) {
        let waits = self.kernel.queued_from_far() >= self.settings.read_pause;
        let Some(connection) = self.sockets.connection(token).filter(|connection| connection.reads()) else { return };
        // While a link opens nothing reaches a point.
        if waits && connection.phase != Phase::Opening {
            return self.sockets.postpone(token, self.kernel.now() + PULSE);
        }
        if connection.phase == Phase::Open && connection.unopened.get() >= self.settings.unopened {
            // Nothing more is read, so nobody else would see that there is no peer any more.
            let failed =
                connection.write_error.clone().or_else(|| self.net.connected(token).err().as_ref().map(ended_by));
            return match failed {
                Some(failed) => self.peer_ended(token, failed),
                None => self.sockets.stall(token, self.kernel.now() + PULSE),
            };
        }
        let share = if connection.talks_in_vain { IN_VAIN } else { self.share };
        let mut scratch = core::mem::take(&mut self.scratch);
        let read = match self.net.read(token, &mut scratch[..share]) {
            Ok(0) => Read::Over(end_of_stream(connection)),
            Ok(count) => match self.take_bytes(token, &mut scratch[..count]) {
                Ok(()) if count < share && self.net.short_read_drains(token) => Read::Drained,
                Ok(()) => Read::More,
                Err(ended) => Read::Over(ended),
            },
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => Read::Drained,
                ErrorKind::Interrupted => Read::More,
                _ => Read::Over(ended_by(&error)),
            },
        };
        self.scratch = scratch;
        match self.with_write_error(token, read) {
            Read::Drained => {}
            Read::More => self.sockets.mark(token, true, false),
            Read::Over(ended) => self.peer_ended(token, ended),
        }
    }

    /// When writing has failed before: that is how the connection ended, unless reading has found more to take.
    fn with_write_error(&mut self, token: Token, read: Read) -> Read {
        let failed = self.sockets.connection(token).and_then(|connection| connection.write_error.clone());
        match (failed, read) {
            (Some(failed), Read::Drained) => Read::Over(failed),
            (Some(failed), Read::Over(ended)) if ended.is_orderly() => Read::Over(failed),
            (_, read) => read,
        }
    }

    /// Takes what came over the socket: through the link, cut into frames.
    fn take_bytes(&mut self, token: Token, mut bytes: &mut [u8]) -> Result<(), Ended> {
        // The connection is taken out for as long as its frames go to the kernel.
        let Some(mut connection) = self.sockets.lend(token) else { return Ok(()) };
        match connection.phase {
            Phase::Lingering(_) => {
                self.sockets.give_back(token, connection);
                return Ok(());
            }
            Phase::Shut => {
                connection.moved += bytes.len();
                connection.dropped += bytes.len();
            }
            _ => {}
        }
        connection.lives(self.kernel.now());
        let (count, refused) = (bytes.len(), self.counters.refused);
        let done = self.take_frames(&mut connection, &mut bytes);
        connection.talks_in_vain = self.counters.refused > refused;
        self.time_record(token, &mut connection, count);
        let is_silent = connection.output.is_empty();
        self.sockets.give_back(token, connection);
        if !is_silent {
            self.sockets.mark_dirty(token);
        }
        done?;
        self.open_if_ready(token);
        Ok(())
    }

    /// A record that has begun must end. So many bytes of it, and of others before it, were just read.
    fn time_record(&mut self, token: Token, connection: &mut Connection, count: usize) {
        let before = core::mem::replace(&mut connection.missing, connection.link.missing());
        let Some(missing) = connection.missing.filter(|_| connection.phase == Phase::Open) else {
            return self.sockets.expect_whole(token, None);
        };
        // Otherwise it is the same record, and its time goes on.
        if before.is_none_or(|before| before <= count) {
            let due = self.kernel.now() + RECORD + Duration::from_secs((missing / RECORD_RATE) as u64);
            self.sockets.expect_whole(token, Some(due));
        }
    }

    /// Ends connections whose peers have begun a record and do not end it.
    pub(super) fn end_overdue(&mut self) {
        let now = self.kernel.now();
        while let Some((token, is_unread)) = self.sockets.take_overdue(now) {
            let is_open = self.sockets.connection(token).is_some_and(|connection| connection.phase == Phase::Open);
            if is_unread {
                // It is this end that does not read.
                self.sockets.expect_whole(token, Some(now + RECORD));
            } else if is_open {
                self.peer_ended(
                    token,
                    Ended::System(Failure::timed_out("the peer has begun a message and not ended it")),
                );
            }
        }
    }

    fn take_frames(&mut self, connection: &mut Connection, bytes: &mut &mut [u8]) -> Result<(), Ended> {
        let mut link = connection.lend_link();
        let done = loop {
            let mut outlet = connection.output.outlet(&mut self.pool);
            let part: &[u8] = match link.receive(bytes, &mut outlet) {
                Ok(Some(part)) => part,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            match connection.phase {
                // This end has closed: what still comes is not taken.
                Phase::Shutting | Phase::Shut => continue,
                // The handshake's end and the first frames came together.
                Phase::Opening => {
                    connection.early.extend_from_slice(part);
                    continue;
                }
                _ => {}
            }
            if let Err(ended) = self.take_clear(connection, part) {
                break Err(ended);
            }
        };
        connection.link = link;
        done
    }

    /// Cuts what the link gave into frames, and takes them.
    fn take_clear(&mut self, connection: &mut Connection, mut part: &[u8]) -> Result<(), Ended> {
        let mut decoder = connection.lend_decoder();
        let framed = loop {
            match decoder.next_frame(&mut part) {
                Ok(Some(frame)) => {
                    if let Err(ended) = self.take_frame(connection, frame) {
                        break Err(ended);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(Ended::Protocol(error.to_string())),
            }
        };
        connection.decoder = decoder;
        framed
    }

    fn take_frame(&mut self, connection: &mut Connection, frame: &[u8]) -> Result<(), Ended> {
        let inbound = decode_message(&connection.border, &mut connection.incoming, frame)
            .map_err(|error| Ended::Protocol(error.to_string()))?;
        // A peer speaks in its own name, or in that of points behind it. In the name of somebody else, who was made known to it, it
        // could pass for that one.
        let owner = connection.owner;
        let in_own_name = |from: Address| if from.is_far() && from.near() == owner { from } else { owner.with_far(1) };
        match inbound {
            Inbound::Message { to, from, encoded } => {
                self.counters.received += 1;
                let from = in_own_name(from);
                if !to.is_far() && !self.kernel.is_alive(to) {
                    self.announce_gone(connection, to);
                }
                let body = Body::encoded_in(encoded, &connection.unopened);
                self.kernel.deliver_from_far(to, from, body);
            }
            Inbound::Gone(address) => self.peer_point_gone(address),
            Inbound::Refused { to, from, message, part, reason } => {
                self.counters.refused += 1;
                let dead = match reason {
                    Refusal::Gone => Undelivered::Gone,
                    _ => Undelivered::NeverGiven,
                };
                self.kernel.dead_letter(to, in_own_name(from), &message, dead);
                // News of an end and a message may cross, so only what was never given counts against the peer.
                if reason != Refusal::Gone {
                    let text = format_args!("refused {message} of {}: {part}: {reason}", connection.remote);
                    self.kernel.log(connection.owner, Level::Warning, text);
                    self.refused(connection)?;
                }
            }
        }
        Ok(())
    }

    /// One more message of the peer's was refused.
    fn refused(&self, connection: &mut Connection) -> Result<(), Ended> {
        connection.refused += 1;
        if connection.refused >= self.settings.refusals { Err(Ended::TooManyRefused) } else { Ok(()) }
    }

    /// Bodies that did not fit the message that should take them: known only after somebody has opened them. They count against
    /// a peer that sent them in its own name: one that passes messages on does not look into them, and whoever is behind it could
    /// have it cut off otherwise.
    pub(super) fn count_refusals(&mut self) {
        while let Some(from) = self.kernel.take_refused() {
            if from != from.near().with_far(1) {
                continue;
            }
            let Some(token) = self.sockets.of(from.near()) else { continue };
            let Some(mut connection) = self.sockets.lend(token) else { continue };
            let verdict = self.refused(&mut connection);
            self.sockets.give_back(token, connection);
            if let Err(ended) = verdict {
                self.peer_ended(token, ended);
            }
        }
    }

    /// A point that the peer was given has ended: the peer is told.
    pub(super) fn announce_gone(&mut self, connection: &mut Connection, address: Address) {
        for number in connection.border.gone(address) {
            connection.announce(number, &mut self.pool);
        }
    }

    /// A point behind one connection has ended: the peers that know it through this process are told.
    fn peer_point_gone(&mut self, address: Address) {
        for token in self.holders.take(address) {
            self.tell_gone(address, token);
        }
    }

    /// Tells the peer of a connection that an address it was given leads nowhere any more.
    pub(super) fn tell_gone(&mut self, address: Address, token: Token) {
        let Some(connection) = self.sockets.connection(token) else { return };
        let numbers = connection.border.gone(address);
        if !connection.takes_messages() {
            return; // it ends, and everything with it
        }
        for number in numbers {
            connection.announce(number, &mut self.pool);
        }
        self.sockets.mark_dirty(token);
    }

    /// The link's handshake may have ended with what came last.
    pub(super) fn open_if_ready(&mut self, token: Token) {
        let Some(connection) = self.sockets.connection(token) else { return };
        if connection.phase != Phase::Opening || connection.link.state() != LinkState::Open {
            return;
        }
        let Some(peer) = connection.link.peer().copied() else { return };
        connection.phase = Phase::Offered;
        connection.frame_limit = connection.frame_limit.min(peer.frame_limit);
        let owner = connection.owner;
        self.openings.end(token);
        self.tell(owner, Opened { peer });
    }

    /// The order `Begin`: the proxy has said who takes the peer's messages.
    pub(super) fn begin(&mut self, proxy: Address, target: Address) {
        let Some(token) = self.sockets.of(proxy) else { return };
        let Some(connection) = self.sockets.connection(token) else { return };
        if connection.phase != Phase::Offered {
            return;
        }
        connection.phase = Phase::Open;
        // Refused only for the driver and proxies, which control nothing; then the peer reaches nobody by number 0.
        let _ = connection.border.set_default(target);
        if core::mem::take(&mut connection.reported) {
            self.sockets.mark(token, true, true);
        }
        let Some(mut connection) = self.sockets.lend(token) else { return };
        let early = core::mem::take(&mut connection.early);
        let done = self.take_clear(&mut connection, &early);
        self.time_record(token, &mut connection, usize::MAX);
        self.sockets.give_back(token, connection);
        if let Err(ended) = done {
            self.peer_ended(token, ended);
        }
    }
}

impl Connection {
    fn announce(&mut self, number: u64, pool: &mut crate::wire::Pool) {
        // A full output ends the connection soon; then the peer needs no news of single points.
        let _ = self.output.append(pool, |out| {
            encode_gone(number, out);
            Ok(())
        });
    }
}

/// What the end of the stream means.
fn end_of_stream(connection: &mut Connection) -> Ended {
    match connection.link.end() {
        Err(error) => error.into(),
        Ok(()) if connection.decoder.is_idle() => Ended::ByPeer,
        Ok(()) => Ended::Protocol("expected the rest of a frame, got a goodbye".into()),
    }
}

/// What an error of the socket means.
pub(super) fn ended_by(error: &io::Error) -> Ended {
    match error.kind() {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Ended::Reset,
        _ => Ended::System(error.into()),
    }
}
