//! How a message gets into the run queue.

use super::Context;
use crate::address::Address;
use crate::body::Body;
use crate::compose::{Returned, Unanswerable};
use crate::counters::Undelivered;
use crate::envelope::{Distant, Envelope};
use crate::head::{ASKS, COUNT, OVERFLOWING, VACANT};
use crate::lifecycle::{Overflow, Stop};
use crate::trace::What;

/// Room above a bound, for `Stop` alone.
pub(crate) const SPARE: u32 = 64;

impl Context {
    /// Queues a message of the point at hand, or makes it a dead letter.
    ///
    /// The way of nearly every message: no more arguments than are passed in registers, and no call but the last one.
    pub(crate) fn post_own(&mut self, to: Address, body: Body) {
        debug_assert!(!self.me.is_far(), "the point at hand is of this process");
        if self.has_room_at_once(to) {
            self.heads[to.slot() as usize].queued += 1;
            self.run.push_back(Envelope::plain(to, self.me, body));
        } else {
            self.post_own_slowly(to, body);
        }
    }

    /// Whether a message of this process for `to` can be queued as it is, without a look at anything else.
    #[inline]
    fn has_room_at_once(&self, to: Address) -> bool {
        let Some(head) = self.heads.get(to.slot() as usize) else { return false };
        !self.is_watched
            && to.far() == 0
            && head.generation == to.generation()
            && head.count() < self.limits.queued_per_point
            && self.run.len() < self.limits.run_queue.min(self.run.capacity())
    }

    #[cold]
    #[inline(never)]
    fn post_own_slowly(&mut self, to: Address, body: Body) {
        self.post(to, self.me, body);
    }

    /// Queues `body` for `to`, or makes it a dead letter.
    pub(crate) fn post(&mut self, to: Address, from: Address, body: Body) {
        if self.observer.is_some() {
            self.trace_post(to, from, &body);
        }
        if (to.far() | from.far()) != 0 {
            return self.post_distant(to, from, body);
        }
        match self.admit(to, from, &body) {
            Ok(()) => self.run.push_back(Envelope::plain(to, from, body)),
            Err(reason) => self.dead_letter(to, from, body.name(), reason),
        }
    }

    /// Queues a message of the kernel itself, which no bound may refuse: `Start`, `Stop`, `Completed`.
    pub(crate) fn post_always(&mut self, to: Address, from: Address, body: Body) {
        if let Some(head) = self
            .heads
            .get_mut(to.slot() as usize)
            .filter(|head| head.generation == to.generation() && !head.has(VACANT))
        {
            head.queued += 1;
            self.run.push_back(Envelope::plain(to, from, body));
        }
    }

    /// A message that comes from, or goes to, beyond a connection. Its far parts travel in a box.
    #[cold]
    pub(crate) fn post_distant(&mut self, to: Address, from: Address, body: Body) {
        match self.admit(to, from, &body) {
            Ok(()) => {
                self.inbound += usize::from(from.is_far());
                let distant = Body::distant(Distant { to_far: to.far(), from, body });
                self.run.push_back(Envelope::distant(to, distant));
            }
            Err(reason) => self.dead_letter(to, from, body.name(), reason),
        }
    }

    /// Counts one more message for `to`, or says why it cannot be.
    #[inline]
    fn admit(&mut self, to: Address, from: Address, body: &Body) -> Result<(), Undelivered> {
        let Some(head) = self.heads.get_mut(to.slot() as usize) else { return Err(Undelivered::NoSuchPoint) };
        if head.generation != to.generation() {
            // A spent slot, whose generation has wrapped to 0, has had points of every other one.
            return Err(if to.generation() == 0 || to.generation() > head.generation.wrapping_sub(1) {
                Undelivered::NoSuchPoint
            } else {
                Undelivered::Ended
            });
        }
        if head.count() >= self.limits.queued_per_point || self.run.len() >= self.limits.run_queue {
            return self.admit_beyond_bounds(to, from, body);
        }
        head.queued += 1;
        Ok(())
    }

    #[cold]
    fn admit_beyond_bounds(&mut self, to: Address, from: Address, body: &Body) -> Result<(), Undelivered> {
        let head = &mut self.heads[to.slot() as usize];
        if head.has(VACANT) {
            return Err(Undelivered::NoSuchPoint);
        }
        // What network machines and driver say to each other is bounded by sockets, and none of it may be lost.
        let is_order = to == Address::DRIVER || from == Address::DRIVER;
        if is_order && head.count() < COUNT - SPARE {
            head.queued += 1;
            return Ok(());
        }
        if self.run.len() >= self.limits.run_queue {
            return Err(Undelivered::RunQueueFull);
        }
        // A connection that is flooded can still be closed: a local message for a far address is for its proxy.
        let is_close = to.is_far() && body.is_local();
        // A point that is flooded can still be stopped. The spare room has its own bound, and is not for what a peer calls
        // a `Stop`.
        if (is_close || body.peek::<Stop>().is_some()) && head.count() < self.limits.queued_per_point + SPARE {
            head.queued += 1;
            return Ok(());
        }
        self.overflow(to, from);
        Err(Undelivered::Overflow)
    }

    /// Tells the sender that `to` is too slow, once in an episode.
    pub(crate) fn overflow(&mut self, to: Address, from: Address) {
        // Who asks is told each time, by the dead letter.
        if self.heads[to.slot() as usize].has(OVERFLOWING) || self.asks(from) {
            return;
        }
        self.heads[to.slot() as usize].set(OVERFLOWING);
        if from.far() == 0 && self.is_alive(from) {
            self.post_always(from, to, Body::new(Overflow { to }));
        }
    }

    /// Counts and traces a message that could not be delivered.
    #[cold]
    pub(crate) fn dead_letter(&mut self, to: Address, from: Address, message: &str, reason: Undelivered) {
        self.counters.dead_letters[reason as usize] += 1;
        if let Some(notes) = &mut self.notes {
            notes.lost.push((message.to_owned(), reason));
        }
        self.trace(from, || What::DeadLetter { message, to, reason });
        if self.asks(from) {
            self.post_always(from, to, Body::new(Returned { reason }));
        }
    }

    /// Nobody is left who could answer.
    pub(crate) fn give_up_question(&mut self, asker: Address) {
        if self.asks(asker) {
            self.post_always(asker, Address::DRIVER, Body::new(Unanswerable));
        }
    }

    /// From now on the point at hand gets a [`Returned`] for each dead letter in its name.
    pub(crate) fn get_returned(&mut self) {
        self.heads[self.me.slot() as usize].set(ASKS);
    }

    /// Whether this is a point here that is told of dead letters in its name.
    fn asks(&self, address: Address) -> bool {
        address.far() == 0 && self.is_alive(address) && self.heads[address.slot() as usize].has(ASKS)
    }

    pub(crate) fn is_alive(&self, address: Address) -> bool {
        let head = self.heads.get(address.slot() as usize);
        head.is_some_and(|head| head.generation == address.generation() && !head.has(VACANT))
    }
}
