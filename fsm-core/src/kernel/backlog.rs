//! Backlogs: what a point has deferred, and what it takes up again.
//!
//! A point has no queue of its own until it defers. From then on, until nothing is left, it has a backlog: `deferred`
//! holds what its states defer; on a change of state that moves, in the order of arrival, in front of `recalled`, and the
//! point runs from `recalled`. What is left after a visit waits for a token at the back of the run queue, and meanwhile
//! new messages for the point go to the back of `recalled`. To the point it is as if it had one mailbox:
//! `tests/deferral_model.rs` compares it with that.

use std::collections::VecDeque;

use super::Kernel;
use crate::address::Address;
use crate::body::Body;
use crate::counters::Undelivered;
use crate::envelope::{Envelope, Kind};
use crate::head::BACKLOG;
use crate::name::MessageId;

/// Messages that a point takes from its backlog in one visit, so that others get their turn.
const VISIT: usize = 8;

#[derive(Default)]
pub(super) struct Backlog {
    deferred: VecDeque<Item>,
    recalled: VecDeque<Item>,
    /// A wake token stands in the run queue.
    awake: bool,
}

enum Item {
    /// A message, with the key of its timer when it comes from one.
    Message { from: Address, body: Body, timer: Option<MessageId> },
    /// A timer that came due while the backlog was there; cancelled, its ticket claims nothing.
    Timer { index: u32, generation: u32 },
}

impl Kernel {
    /// The point has deferred the message at hand: `Context::kept`.
    #[cold]
    pub(super) fn defer(&mut self, slot: u32, from: Address, timer: Option<MessageId>) {
        let Some(cx) = &mut self.cx else { return };
        let Some(body) = cx.kept.take() else { return };
        let backlog = self.backlogs.entry(slot).or_default();
        cx.heads[slot as usize].set(BACKLOG);
        if backlog.deferred.len() >= cx.limits.deferred_per_point {
            let me = cx.me;
            cx.overflow(me, from);
            cx.dead_letter(me, from, body.name(), Undelivered::Overflow);
            return self.tidy(slot);
        }
        cx.counters.deferred += 1;
        backlog.deferred.push_back(Item::Message { from, body, timer });
    }

    /// The point has changed its state: it takes up what it had deferred.
    pub(super) fn recall(&mut self, slot: u32) {
        if !self.cx().heads[slot as usize].has(BACKLOG) {
            return;
        }
        let Some(backlog) = self.backlogs.get_mut(&slot) else { return };
        // Everything deferred arrived before everything that still waits in `recalled`.
        while let Some(item) = backlog.deferred.pop_back() {
            backlog.recalled.push_front(item);
        }
        // During a visit, and while a token waits, `awake` is set: whoever has the turn goes on with what was recalled.
        if !backlog.awake {
            backlog.awake = true;
            self.visit(slot);
        }
    }

    /// A message arrives for a point with a backlog.
    pub(super) fn queue_behind_backlog(&mut self, slot: u32, from: Address, body: Body, timer: Option<MessageId>) {
        let Some(cx) = &mut self.cx else { return };
        let Some(backlog) = self.backlogs.get_mut(&slot) else { return };
        if backlog.recalled.is_empty() {
            self.deliver(slot, from, body, timer);
            return self.tidy(slot);
        }
        if backlog.recalled.len() >= cx.limits.deferred_per_point {
            let to = cx.address(slot);
            cx.overflow(to, from);
            return cx.dead_letter(to, from, body.name(), Undelivered::Overflow);
        }
        backlog.recalled.push_back(Item::Message { from, body, timer });
    }

    /// Puts a due timer behind what is recalled; `false` when nothing is.
    pub(super) fn waits_behind_backlog(&mut self, slot: u32, index: u32, generation: u32) -> bool {
        match self.backlogs.get_mut(&slot) {
            Some(backlog) if !backlog.recalled.is_empty() => {
                backlog.recalled.push_back(Item::Timer { index, generation });
                true
            }
            _ => false,
        }
    }

    /// The point takes a few messages from its backlog; what is left waits for a token at the back of the run queue.
    pub(super) fn visit(&mut self, slot: u32) {
        let generation = self.cx().heads[slot as usize].generation;
        for _ in 0..VISIT {
            let Some(item) = self.backlogs.get_mut(&slot).and_then(|backlog| backlog.recalled.pop_front()) else {
                break;
            };
            match item {
                Item::Message { from, body, timer } => self.deliver(slot, from, body, timer),
                Item::Timer { index, generation } => self.claim(slot, index, generation),
            }
            if self.cx().heads[slot as usize].generation != generation {
                return; // it has ended, and its backlog with it
            }
        }
        let Some(cx) = &mut self.cx else { return };
        if let Some(backlog) = self.backlogs.get_mut(&slot) {
            backlog.awake = !backlog.recalled.is_empty();
            if backlog.awake {
                push_wake(cx, slot);
            }
        }
        self.tidy(slot);
    }

    /// Gives the backlog back when nothing is left of it.
    fn tidy(&mut self, slot: u32) {
        let empty = self
            .backlogs
            .get(&slot)
            .is_some_and(|backlog| backlog.deferred.is_empty() && backlog.recalled.is_empty() && !backlog.awake);
        if empty {
            self.backlogs.remove(&slot);
            self.cx().heads[slot as usize].clear(BACKLOG);
        }
    }

    /// The point has ended: what it had deferred are dead letters.
    pub(super) fn drop_backlog(&mut self, slot: u32, address: Address) {
        let Some(backlog) = self.backlogs.remove(&slot) else { return };
        for item in backlog.deferred.into_iter().chain(backlog.recalled) {
            if let Item::Message { from, body, .. } = item {
                self.cx().dead_letter(address, from, body.name(), Undelivered::Ended);
            }
        }
    }

    /// Timers were cancelled by points with a backlog: what is deferred of them goes too.
    #[cold]
    pub(super) fn recant(&mut self) {
        let recanted = core::mem::take(&mut self.cx().recanted);
        for (slot, key) in recanted {
            if let Some(backlog) = self.backlogs.get_mut(&slot) {
                let stays = |item: &Item| !matches!(item, Item::Message { timer: Some(timer), .. } if *timer == key);
                backlog.deferred.retain(stays);
                backlog.recalled.retain(stays);
            }
        }
    }
}

fn push_wake(cx: &mut crate::context::Context, slot: u32) {
    let to = cx.address(slot);
    cx.heads[slot as usize].queued += 1;
    cx.run.push_back(Envelope::new(Kind::Wake, to, (0, 0), None));
}
