//! Whether peers are there: asking them, and showing them that this end is.
//!
//! Two things show that a peer lives: something comes from it, or the socket takes bytes again after it took none, because then
//! the peer's system has taken some. That the socket takes bytes shows nothing otherwise: they may go no further than this end's
//! system. So a peer that reads, however slowly, is not taken for one that has vanished, and one that has vanished is found when
//! the buffers of the two systems have had time to become empty, or are full.

use core::time::Duration;

use fsm_core::{Address, Moment};

use super::Driver;
use super::connection::{Connection, Phase};
use super::inbound::RECORD_RATE;
use crate::messages::Ended;
use crate::net::Net;
use crate::orders::Checked;

/// How long a peer may take to answer a question that it has before it, or to take something of what waits.
const ANSWER: Duration = Duration::from_secs(5);
/// What the buffers of both systems may hold together. Whoever is asked reads it before the question.
const UNDER_WAY: usize = 16 << 20;
/// How often an end that does not read shows that it is there. More often than once in the time that an answer may take.
pub(super) const PULSE: Duration = Duration::from_secs(2);
/// How many do so in one turn at the most.
const PULSES: usize = 256;

impl<N: Net> Driver<N> {
    /// The order `Check`.
    pub(super) fn check(&mut self, proxy: Address, silence: Duration) {
        let Some(token) = self.sockets.of(proxy) else { return };
        let is_open = |connection: &&mut Connection| connection.phase == Phase::Open;
        // The system tells late that there is room for what waits. Whether there is shows when it is written.
        if self.sockets.connection(token).filter(is_open).is_some_and(|connection| !connection.output.is_empty()) {
            self.flush_one(token);
        }
        // Who is not read cannot be heard: too much waits, or so many have said something that it is not this one's turn yet.
        let is_busy = self.kernel.queued_from_far() >= self.settings.read_pause;
        let now = self.kernel.now();
        let is_unread = self.sockets.is_unread(token);
        let Some(connection) = self.sockets.connection(token).filter(is_open) else { return };
        if is_busy || is_unread || connection.unopened.get() >= self.settings.unopened {
            connection.lives(now);
        }
        let quiet = now - connection.lived;
        if quiet < silence {
            return self.tell(proxy, Checked { again: silence - quiet });
        }
        if connection.asked {
            return self.peer_ended(token, Ended::Silent);
        }
        // A question would stand behind what waits. If the peer takes some of that, it is there; whether it does is seen when the
        // socket takes no more.
        connection.asked = connection.is_blocked || connection.output.is_empty();
        if !connection.output.is_empty() {
            return self.tell(proxy, Checked { again: ANSWER });
        }
        let again = ANSWER + (connection.read_by - now);
        if let Err(error) = connection.link.ping(&mut connection.output.outlet(&mut self.pool)) {
            return self.write_failed(token, error.into());
        }
        self.sockets.mark_dirty(token);
        self.tell(proxy, Checked { again });
    }

    /// Shows peers that are not read that this end is there: they may ask, and nobody sees it. Where something waits to be
    /// written that shows it as well, or would stand before this.
    pub(super) fn show_that_one_lives(&mut self) {
        let now = self.kernel.now();
        for _ in 0..PULSES {
            let Some(token) = self.sockets.take_pulse(now, now + PULSE) else { return };
            let connection = self.sockets.connection(token);
            let is_quiet =
                |connection: &&mut Connection| connection.phase == Phase::Open && connection.output.is_empty();
            let Some(connection) = connection.filter(is_quiet) else { continue };
            match connection.link.ping(&mut connection.output.outlet(&mut self.pool)) {
                Ok(()) => self.sockets.mark_dirty(token),
                Err(error) => self.write_failed(token, error.into()),
            }
        }
    }
}

impl Connection {
    /// The peer has shown that it is there.
    pub(super) fn lives(&mut self, now: Moment) {
        (self.lived, self.asked) = (now, false);
    }

    /// The socket has taken so many bytes.
    pub(super) fn took(&mut self, count: usize, now: Moment) {
        self.moved += count;
        if core::mem::take(&mut self.is_blocked) {
            self.lives(now);
        }
        self.read_by = (self.read_by.max(now) + time_for(count)).min(now + time_for(UNDER_WAY));
    }
}

/// How long a slow peer takes to read so many bytes.
fn time_for(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 1_000_000 / RECORD_RATE as u64)
}
