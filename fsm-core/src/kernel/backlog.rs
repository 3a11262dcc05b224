//! Backlogs: what a point has deferred, and what it takes up again.
//!
//! A point has no queue of its own until it defers. From then on, until nothing is left, it has a backlog: `deferred`
//! holds what its states defer; on a change of state that moves, in the order of arrival, in front of `recalled`, and the
//! point runs from `recalled`. What is left after a visit waits for a token at the back of the run queue, and meanwhile
//! new messages for the point go to the back of `recalled`. To the point it is as if it had one mailbox:
//! `tests/deferral_model/` compares it with that.

use core::any::Any;
use std::collections::VecDeque;

use super::Kernel;
use crate::address::Address;
use crate::body::Body;
use crate::context::SPARE;
use crate::counters::Undelivered;
use crate::envelope::Envelope;
use crate::head::{BACKLOG, OVERFLOWING};
use crate::lifecycle::{Completed, Stop};
use crate::name::MessageId;

/// Messages that a point takes from its backlog in one visit, so that others get their turn.
const VISIT: usize = 8;

#[derive(Default)]
pub(super) struct Backlog {
    deferred: VecDeque<Item>,
    recalled: VecDeque<Item>,
    /// How many of the messages come from timers: mostly none, and then there is nothing to look for.
    timed: usize,
    /// A wake token stands in the run queue.
    awake: bool,
}

impl Backlog {
    fn next(&mut self) -> Option<Item> {
        let item = self.recalled.pop_front()?;
        if let Item::Message { timer: Some(_), .. } = item {
            self.timed -= 1;
        }
        Some(item)
    }
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
        if backlog.deferred.len() >= room_for(&body, cx.limits.deferred_per_point) {
            let me = cx.me;
            cx.overflow(me, from);
            cx.dead_letter(me, from, body.name(), Undelivered::Overflow);
            self.discard(me, body);
            return self.tidy(slot);
        }
        cx.counters.deferred += 1;
        backlog.timed += usize::from(timer.is_some());
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
        if backlog.recalled.len() >= room_for(&body, cx.limits.deferred_per_point) {
            let to = cx.address(slot);
            cx.overflow(to, from);
            cx.dead_letter(to, from, body.name(), Undelivered::Overflow);
            return self.discard(to, body);
        }
        backlog.timed += usize::from(timer.is_some());
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
            let Some(item) = self.backlogs.get_mut(&slot).and_then(Backlog::next) else {
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
        self.relieve(slot);
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

    /// Ends the episode of a point's overflow, when half of its bounds is free again.
    pub(super) fn relieve(&mut self, slot: u32) {
        let Some(cx) = &mut self.cx else { return };
        if !cx.heads[slot as usize].has(OVERFLOWING) {
            return;
        }
        let half = cx.limits.deferred_per_point / 2;
        let crowded = |backlog: &Backlog| backlog.deferred.len() > half || backlog.recalled.len() > half;
        let head = &mut cx.heads[slot as usize];
        if head.count() <= cx.limits.queued_per_point / 2 && !self.backlogs.get(&slot).is_some_and(crowded) {
            head.clear(OVERFLOWING);
        }
    }

    /// The point has ended: what it had deferred are dead letters.
    pub(super) fn drop_backlog(&mut self, slot: u32, address: Address, rubbish: &mut Vec<Box<dyn Any>>) {
        let Some(backlog) = self.backlogs.remove(&slot) else { return };
        for item in backlog.deferred.into_iter().chain(backlog.recalled) {
            if let Item::Message { from, body, timer } = item {
                // A timer of a point that has ended is nobody's loss, deferred or not.
                if timer.is_none() {
                    self.cx().dead_letter(address, from, body.name(), Undelivered::Ended);
                }
                rubbish.push(Box::new(body));
            }
        }
    }

    /// Timers were cancelled by points with a backlog: what is deferred of them goes too.
    #[cold]
    pub(super) fn recant(&mut self) {
        let recanted = core::mem::take(&mut self.cx().recanted);
        for (slot, key) in recanted {
            let Some(backlog) = self.backlogs.get_mut(&slot).filter(|backlog| backlog.timed > 0) else { continue };
            let goes = |item: &Item| matches!(item, Item::Message { timer: Some(timer), .. } if *timer == key);
            let mut gone = take_out(&mut backlog.deferred, goes);
            gone.append(&mut take_out(&mut backlog.recalled, goes));
            backlog.timed -= gone.len();
            let address = self.cx().address(slot);
            for item in gone {
                self.discard(address, item);
            }
            self.tidy(slot);
        }
    }
}

/// Takes out those that go; the others keep their order.
fn take_out(items: &mut VecDeque<Item>, goes: impl Fn(&Item) -> bool) -> Vec<Item> {
    let mut gone = Vec::new();
    for _ in 0..items.len() {
        let Some(item) = items.pop_front() else { break };
        if goes(&item) {
            gone.push(item);
        } else {
            items.push_back(item);
        }
    }
    gone
}

/// How many messages may wait there before this one. The end of a child and the wish to stop must get through, when nothing
/// else does; what a peer calls by their names does not count. What peers send fills no more than half:
/// otherwise they could keep a point from the message of this process that it waits for, and so in the state that defers theirs,
/// for ever. What a proxy tells of its connection is of this process.
fn room_for(body: &Body, bound: usize) -> usize {
    if body.peek::<Completed>().is_some() {
        usize::MAX
    } else if body.peek::<Stop>().is_some() {
        bound.saturating_add(SPARE as usize)
    } else if body.is_unopened() {
        bound.div_ceil(2)
    } else {
        bound
    }
}

fn push_wake(cx: &mut crate::context::Context, slot: u32) {
    let to = cx.address(slot);
    cx.heads[slot as usize].queued += 1;
    cx.run.push_back(Envelope::wake(to));
}
