//! How a message gets from the run queue to its point.

use super::{Kernel, Outbound};
use crate::address::Address;
use crate::body::Body;
use crate::counters::Undelivered;
use crate::envelope::{Envelope, Kind};
use crate::head::{BACKLOG, OVERFLOWING};
use crate::lifecycle::Stop;
use crate::name::MessageId;
use crate::point::Did;
use crate::trace::What;

impl Kernel {
    /// Handles one message. `false`: there is none.
    #[inline]
    pub(super) fn one(&mut self) -> bool {
        let Some(cx) = &mut self.cx else { return false };
        // Taken apart at once, so that it is read word by word.
        let Some(Envelope { to: word, from, body }) = cx.run.pop_front() else { return false };
        let to = Address::of_word(word);
        let slot = to.slot();
        // No head is as high as the slot of an envelope that is not plain.
        let Some(head) = cx.heads.get_mut(slot as usize) else {
            self.one_special(Envelope { to: word, from, body });
            return true;
        };
        if head.generation != to.generation() {
            self.bounce(Envelope { to: word, from, body });
            return true;
        }
        head.queued -= 1;
        let from = Address::of_word(from);
        let Some(body) = body else { return true };
        let is_slow = head.queued & (BACKLOG | OVERFLOWING) != 0 || cx.is_watched;
        if is_slow {
            self.one_slow(slot, from, body, None);
            return true;
        }
        let Some(Some(point)) = self.points.get_mut(slot as usize) else {
            self.hand_out(slot, from, body);
            return true;
        };
        (cx.me, cx.from) = (to, from);
        cx.counters.handled += 1;
        if cx.observer.is_some() {
            cx.looks_at(point.look());
        }
        let did = point.receive(body, &mut self.cx);
        // What nearly every message leads to is looked for at once.
        let Some(cx) = &self.cx else { return true };
        if !matches!(did, Did::Stayed) || cx.has_aftermath {
            self.follow(slot, from, did, None);
        }
        true
    }

    /// Gives a message to its point. `timer` is its timer's key when it comes from one.
    #[inline(never)]
    pub(super) fn deliver(&mut self, slot: u32, from: Address, body: Body, timer: Option<MessageId>) {
        let Some(Some(point)) = self.points.get_mut(slot as usize) else {
            return self.hand_out(slot, from, body);
        };
        let Some(cx) = &mut self.cx else { return };
        cx.me = cx.address(slot);
        cx.from = from;
        cx.counters.handled += 1;
        if cx.observer.is_some() {
            cx.looks_at(point.look());
        }
        let did = if cx.is_watched { self.receive_watched(slot, body) } else { point.receive(body, &mut self.cx) };
        self.follow(slot, from, did, timer);
    }

    /// What has to be done after a message, besides the message.
    #[inline(never)]
    fn follow(&mut self, slot: u32, from: Address, did: Did, timer: Option<MessageId>) {
        if let Some(cx) = &mut self.cx
            && core::mem::take(&mut cx.has_aftermath)
        {
            self.settle();
            // Before a change of state recalls anything: what was cancelled is not delivered.
            self.recant();
        }
        match did {
            Did::Stayed => {}
            Did::Moved => self.recall(slot),
            Did::Deferred => self.defer(slot, from, timer),
            Did::Ended(value) => self.end(slot, *value),
        }
    }

    /// The same as `receive`, told to trace and coverage.
    #[cold]
    fn receive_watched(&mut self, slot: u32, body: Body) -> Did {
        let Some(point) = self.points.get_mut(slot as usize).and_then(Option::as_mut) else { return Did::Stayed };
        let Some(cx) = &mut self.cx else { return Did::Stayed };
        let (before, place) = (point.look(), point.cell(body.id()));
        let message = body.name().to_owned();
        let refused = cx.counters.refused;
        let from = cx.from; // a routine sees another one until it takes the message
        let began = cx.begins(before, &message);
        let did = point.receive(body, &mut self.cx);
        let Some(cx) = &mut self.cx else { return did };
        let took = cx.took(began);
        match &did {
            Did::Deferred => cx.trace(cx.me, || What::Deferred { message: &message, from }),
            _ if cx.observer().closed => {}
            _ => {
                let after = point.look();
                let next = (after.state != before.state).then_some(after.state);
                let cell = place.handler().filter(|cell| !is_own_cell(cell, before.state));
                cx.trace(cx.me, || What::Received { message: &message, from, cell, next, took });
            }
        }
        // The handler of a body that was refused did not run.
        let ran = cx.counters.refused == refused;
        if let Some(coverage) = cx.observer().coverage.as_mut().filter(|_| ran) {
            coverage.record(place, &did, point.cell(0).state);
        }
        did
    }

    /// A timer that is due, a message with a far address, or more from the backlog.
    #[cold]
    fn one_special(&mut self, envelope: Envelope) {
        let Some(cx) = &mut self.cx else { return };
        let slot = envelope.to().slot();
        let head = &mut cx.heads[slot as usize];
        if head.generation != envelope.to().generation() {
            // A timer or a token of a point that has ended is nobody's loss.
            if envelope.kind() == Kind::Distant {
                self.bounce(envelope);
            }
            return;
        }
        head.queued -= 1;
        match envelope.kind() {
            Kind::Wake => self.visit(slot),
            Kind::Timer => self.one_timer(slot, envelope.ticket()),
            Kind::Distant | Kind::Plain => {
                let Some(distant) = envelope.body.and_then(Body::into_distant) else { return };
                if let Some(cx) = &mut self.cx {
                    cx.inbound -= usize::from(distant.from.is_far());
                }
                self.relieve(slot);
                let Some(cx) = &mut self.cx else { return };
                if distant.to_far == 0 {
                    self.one_slow(slot, distant.from, distant.body, None);
                } else {
                    let to = cx.address(slot).with_far(distant.to_far);
                    self.outbound.push_back(Outbound { to, from: distant.from, body: distant.body });
                }
            }
        }
    }

    fn one_timer(&mut self, slot: u32, (index, generation): (u32, u32)) {
        let Some(cx) = &mut self.cx else { return };
        if cx.heads[slot as usize].has(BACKLOG) && self.waits_behind_backlog(slot, index, generation) {
            return;
        }
        self.claim(slot, index, generation);
    }

    /// Delivers a timer, unless it was cancelled or started anew since it came due.
    pub(super) fn claim(&mut self, slot: u32, index: u32, generation: u32) {
        let Some(cx) = &mut self.cx else { return };
        let now = cx.now;
        let me = cx.address(slot);
        // A timer that repeats makes its message here, by the user's code: it is the point's panic.
        (cx.me, cx.from, cx.handling) = (me, me, 0);
        let head = &mut cx.heads[slot as usize];
        if let Some((key, body)) = cx.timers.claim(&mut head.timers, index, generation, now) {
            self.deliver(slot, me, body, Some(key));
        }
    }

    /// A message for a point that has a backlog, or whose senders were told to go slowly.
    #[cold]
    fn one_slow(&mut self, slot: u32, from: Address, body: Body, timer: Option<MessageId>) {
        self.relieve(slot);
        if self.cx().heads[slot as usize].has(BACKLOG) {
            self.queue_behind_backlog(slot, from, body, timer);
        } else {
            self.deliver(slot, from, body, timer);
        }
    }

    /// A message for a slot without a point: the driver's, or one whose point has panicked and is not yet buried.
    #[cold]
    fn hand_out(&mut self, slot: u32, from: Address, body: Body) {
        let to = self.cx().address(slot);
        if slot == Address::DRIVER.slot() {
            self.outbound.push_back(Outbound { to, from, body });
        } else {
            self.cx().dead_letter(to, from, body.name(), Undelivered::Ended);
            self.discard(to, body);
        }
    }

    /// A message for a point that ended while the message waited.
    #[cold]
    fn bounce(&mut self, envelope: Envelope) {
        let (mut to, mut from) = (envelope.to(), envelope.from());
        let kind = envelope.kind();
        let Some(mut body) = envelope.body else { return };
        if kind == Kind::Distant {
            let Some(distant) = body.into_distant() else { return };
            self.cx().inbound -= usize::from(distant.from.is_far());
            (to, from, body) = (to.with_far(distant.to_far), distant.from, distant.body);
        }
        // What a `Stop` wants has come about.
        if !body.is::<Stop>() {
            self.cx().dead_letter(to, from, body.name(), Undelivered::Ended);
        }
        self.discard(to, body);
    }
}

/// `PENDING_Listening` says no more than state and message do; `ANY_Stop` and `PENDING_Unknown` say more.
fn is_own_cell(cell: &str, state: &str) -> bool {
    cell.strip_prefix(state).is_some_and(|rest| rest.starts_with('_') && rest != "_Unknown")
}
