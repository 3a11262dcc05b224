//! From the kernel to the socket.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fsm_core::{Address, Body, EncodeError, Encoded, Level, Message, Outbound, Undelivered};

use super::Driver;
use super::connection::Phase;
use super::inbound::ended_by;
use crate::messages::{Close, Ended};
use crate::net::{Net, Token};
use crate::orders::{Attach, Begin, Bind, Check, Count, Cut, Decline, Dial, Filled, Release, Shut};
use crate::wire::{Fill, SendError, encode_message};

impl<N: Net> Driver<N> {
    /// A message has left the kernel.
    pub(super) fn outbound(&mut self, outbound: Outbound) {
        let Outbound { to, from, body } = outbound;
        if to == Address::DRIVER {
            self.order(from, body);
        } else if body.is_local() && body.is::<Close>() {
            self.kernel.send(to.near(), from, body);
        } else {
            self.send_far(to, from, body);
        }
    }

    /// A machine's order. Whoever else sends to the driver gets nowhere.
    fn order(&mut self, from: Address, body: Body) {
        if let Some(bind) = body.peek::<Bind>() {
            self.bind(from, bind);
        } else if let Some(dial) = body.peek::<Dial>() {
            self.dial(from, dial);
        } else if let Some(attach) = body.peek::<Attach>() {
            self.attach(from, attach);
        } else if let Some(decline) = body.peek::<Decline>() {
            self.decline(from, decline.connection);
        } else if let Some(begin) = body.peek::<Begin>() {
            self.begin(from, begin.target);
        } else if body.is::<Release>() {
            self.release(from);
        } else if body.is::<Shut>() {
            self.shut(from);
        } else if let Some(check) = body.peek::<Check>() {
            self.check(from, check.silence);
        } else if let Some(cut) = body.peek::<Cut>() {
            self.cut(from, cut.at_once);
        } else if body.is::<Count>() {
            self.tell(from, self.counters);
        } else {
            self.kernel.dead_letter(Address::DRIVER, from, body.name(), Undelivered::NoSuchPoint);
        }
    }

    /// Tells a machine something.
    pub(super) fn tell(&mut self, to: Address, message: impl Message) {
        self.kernel.send(to, Address::DRIVER, message);
    }

    /// Writes a message into the output of the connection that leads to its receiver.
    fn send_far(&mut self, to: Address, from: Address, body: Body) {
        // Encoding runs the user's `Serialize`. A panic in it must not reach the other points.
        let written = catch_unwind(AssertUnwindSafe(|| body.into_encoded()));
        let Ok(written) = written else {
            self.kernel.log(from, Level::Fault, "panicked while a message of it was written as bytes");
            return self.kernel.dead_letter(to, from, "a message", Undelivered::Encode);
        };
        let encoded = match written {
            Ok(encoded) => encoded,
            Err(error) => {
                let (name, reason) = match error {
                    EncodeError::Local { name } => (name, Undelivered::LocalOnly),
                    EncodeError::Serialize { name, ref reason } => {
                        self.kernel.log(from, Level::Warning, format_args!("cannot write {name}: {reason}"));
                        (name, Undelivered::Encode)
                    }
                    _ => ("", Undelivered::Encode),
                };
                return self.kernel.dead_letter(to, from, name, reason);
            }
        };
        if let Err(reason) = self.write_far(to, from, &encoded) {
            self.kernel.dead_letter(to, from, &encoded.name, reason);
        }
    }

    fn write_far(&mut self, to: Address, from: Address, encoded: &Encoded) -> Result<(), Undelivered> {
        let token = self.sockets.of(to.near()).ok_or(Undelivered::Disconnected)?;
        let connection = self.sockets.connection(token).ok_or(Undelivered::Disconnected)?;
        if !connection.takes_messages() {
            return Err(Undelivered::Disconnected);
        }
        // Otherwise who floods a peer through this process could have it cut off as too slow.
        let is_relayed = from.is_far() && from.near() != to.near();
        if is_relayed && connection.output.len() >= self.settings.marks.hard / 2 {
            return Err(Undelivered::Congested);
        }
        let (border, names, limit) = (&mut connection.border, &mut connection.outgoing, connection.frame_limit);
        let appended = connection
            .output
            .append(&mut self.pool, |out| encode_message(border, names, limit, to, from, encoded, out));
        for address in connection.border.take_fresh() {
            self.kernel.watch(address.near());
            self.holders.note(address, token);
        }
        self.sockets.mark_dirty(token);
        match appended {
            Ok(_) => {
                self.counters.sent += 1;
                self.tell_fill(token);
                Ok(())
            }
            Err(SendError::OutputFull { .. }) => {
                self.peer_ended(token, Ended::TooSlow);
                Err(Undelivered::Congested)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the proxy when the output has become congested, or is no more.
    pub(super) fn tell_fill(&mut self, token: Token) {
        let Some(connection) = self.sockets.connection(token) else { return };
        let (owner, waiting) = (connection.owner, connection.output.len());
        // Between congested and full nothing changes for those who send: at full the connection ends.
        let congested = connection.output.fill() != Fill::Normal;
        if core::mem::replace(&mut connection.is_congested, congested) != congested {
            self.tell(owner, Filled { congested, waiting });
        }
    }

    /// One write for each connection that has something to say.
    pub(super) fn flush(&mut self) {
        for _ in 0..self.sockets.dirty_len() {
            let Some(token) = self.sockets.take_dirty() else { return };
            self.flush_one(token);
        }
    }

    pub(super) fn flush_one(&mut self, token: Token) {
        let Some(connection) = self.sockets.connection(token) else { return };
        if let Err(error) = connection.seal(&mut self.pool) {
            return self.write_failed(token, error.into());
        }
        let before = connection.output.ready();
        if before > 0 {
            match self.net.write_vectored(token, &connection.output.slices()) {
                Ok(count) => {
                    connection.output.consume(count, &mut self.pool);
                    connection.took(count, self.kernel.now());
                    if connection.output.ready() > 0 {
                        self.sockets.mark_dirty(token); // the rest in the next turn
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    connection.is_blocked = true;
                    return self.tell_fill(token);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => return self.sockets.mark_dirty(token),
                Err(error) => return self.write_failed(token, ended_by(&error)),
            }
        }
        self.answer_what_waited(token, before);
        self.tell_fill(token);
        self.flushed(token);
    }

    /// The peer may have asked whether this end is there while so much waited that the link did not answer: now that some of
    /// the `before` bytes are written it does. Otherwise it would only when the peer says something else, which asks but once.
    fn answer_what_waited(&mut self, token: Token, before: usize) {
        let Some(connection) = self.sockets.connection(token) else { return };
        let left = connection.output.ready();
        if left >= before || connection.phase != Phase::Open {
            return;
        }
        let mut nothing: &mut [u8] = &mut [];
        // A link that has failed has nothing to answer. Its error was told when it was read.
        let _ = connection.link.receive(&mut nothing, &mut connection.output.outlet(&mut self.pool));
        if connection.output.ready() > left {
            self.sockets.mark_dirty(token);
        }
    }

    /// Everything that waited may have been written: what was to be done then.
    fn flushed(&mut self, token: Token) {
        let Some(connection) = self.sockets.connection(token) else { return };
        if !connection.output.is_empty() {
            return;
        }
        match &connection.phase {
            Phase::Shutting => self.shut_write_half(token),
            // The peer is still to read why.
            Phase::Draining(ended @ Ended::Link(_)) if connection.link.peer().is_none() => {
                connection.phase = Phase::Lingering(ended.clone());
                self.shut_write_half(token);
            }
            Phase::Draining(ended) => {
                let ended = ended.clone();
                self.finish(token, ended);
            }
            _ => {}
        }
    }
}
