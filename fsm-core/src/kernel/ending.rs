//! How points end: from the leaves up.
//!
//! A point that ends takes no more messages and its timers die; its children get `Stop`. When the last of them has ended,
//! its parent gets `Completed`. So whoever sees `Completed` knows that nothing below is alive.

use core::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Kernel, panic_text};
use crate::address::Address;
use crate::body::Body;
use crate::counters::Undelivered;
use crate::head::{COUNT, Head, NIL, QUIET, VACANT, WATCHED};
use crate::lifecycle::{Completed, Panicked, Stop};
use crate::moment::Moment;
use crate::point::Look;
use crate::trace::What;
use crate::value::Value;

/// A point that has ended and waits for its children.
pub(super) struct Ending {
    address: Address,
    look: Look,
    value: Value,
    dropped: u32,
}

impl Kernel {
    /// The point takes no more messages; it will complete with `value`.
    pub(super) fn end(&mut self, slot: u32, value: Value) {
        self.settle();
        let Some(point) = self.points.get_mut(slot as usize).and_then(Option::take) else { return };
        let look = point.look();
        let mut rubbish = Vec::new();
        let address = self.close(slot, &mut rubbish);
        // The value is shown by the user's code, which may panic.
        let cx = self.cx();
        let traced = catch_unwind(AssertUnwindSafe(|| cx.trace_as(address, look, || What::Ending { value: &value })));
        if let Err(panic) = traced {
            self.panicked_in_drop(address, &panic_text(&*panic));
        }
        let cx = self.cx();
        let children = cx.children(slot);
        for child in &children {
            let child = cx.address(*child);
            cx.post_always(child, address, Body::new(Stop));
        }
        let ending = Ending { address, look, value, dropped: 0 };
        if children.is_empty() {
            self.finish(slot, ending);
        } else {
            let deadline = cx.now + cx.limits.grace;
            self.overdue.push_back((deadline, address));
            self.endings.insert(slot, ending);
        }
        for thing in rubbish {
            self.discard(address, thing);
        }
        self.discard(address, point);
    }

    /// From now on the slot's address leads nowhere: what was queued, deferred or timed for it goes. The old address.
    fn close(&mut self, slot: u32, rubbish: &mut Vec<Box<dyn Any>>) -> Address {
        let cx = self.cx();
        let address = cx.address(slot);
        let head = &mut cx.heads[slot as usize];
        // 0 means that the slot is spent: an address is never reused.
        head.generation = head.generation.wrapping_add(1);
        head.queued = head.queued & (WATCHED | QUIET) | VACANT | COUNT;
        self.drop_timers(slot, address);
        if let Some(body) = self.cx().kept.take() {
            // A routine deferred the message and ended by it nevertheless.
            let from = self.cx().from;
            self.cx().dead_letter(address, from, body.name(), Undelivered::Ended);
            rubbish.push(Box::new(body));
        }
        self.drop_backlog(slot, address, rubbish);
        address
    }

    /// Cancels the point's timers. What they hold is the user's, and its `Drop` may panic: each time one timer less.
    fn drop_timers(&mut self, slot: u32, address: Address) {
        while self.cx().heads[slot as usize].timers != NIL {
            let cx = self.cx();
            let timers = &mut cx.heads[slot as usize].timers;
            let cancelled = catch_unwind(AssertUnwindSafe(|| cx.timers.cancel_all(timers)));
            if let Err(panic) = cancelled {
                self.panicked_in_drop(address, &panic_text(&*panic));
            }
        }
    }

    /// Drops what is the user's. A `Drop` that panics is counted and traced, and hinders nothing.
    pub(super) fn discard<T>(&mut self, address: Address, thing: T) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(thing))) {
            self.panicked_in_drop(address, &panic_text(&*panic));
        }
    }

    fn panicked_in_drop(&mut self, address: Address, text: &str) {
        let cx = self.cx();
        cx.counters.panics += 1;
        cx.trace_as(address, Look { name: "", state: "" }, || What::Panicked { message: "drop", text });
    }

    /// The point and everything below it have ended. Its parent may have waited for just that.
    fn finish(&mut self, slot: u32, ending: Ending) {
        self.finish_upwards(slot, ending);
        self.forget_overdue();
    }

    fn finish_upwards(&mut self, mut slot: u32, mut ending: Ending) {
        loop {
            let Ending { address, look, value, dropped } = ending;
            let cx = self.cx();
            cx.trace_as(address, look, || What::Ended);
            cx.counters.ended += 1;
            let parent = cx.unlink(slot);
            let head = &mut cx.heads[slot as usize];
            let (watched, quiet) = (head.has(WATCHED), head.has(QUIET));
            *head = Head::vacant(head.generation);
            if head.generation != 0 {
                cx.free.push(slot);
            }
            if watched {
                self.gone.push_back(address);
            }
            if parent == NIL {
                match quiet {
                    true => self.discard(address, value),
                    false => self.results.push_back((address, value)),
                }
                return;
            }
            let Some(mut waiting) = self.endings.remove(&parent) else {
                if quiet {
                    return self.discard(address, value);
                }
                let cx = self.cx();
                let parent = cx.address(parent);
                return cx.post_always(parent, address, Body::new(Completed { value, dropped }));
            };
            // Nobody will ask for it, and its `Drop` must not cost the parent its end.
            self.discard(address, value);
            waiting.dropped += dropped;
            if self.cx().heads[parent as usize].first_child != NIL {
                self.endings.insert(parent, waiting);
                return;
            }
            (slot, ending) = (parent, waiting);
        }
    }

    /// Points whose children have taken longer than the grace time: those children are dropped.
    pub(super) fn drop_overdue(&mut self, now: Moment) {
        while let Some((deadline, address)) = self.overdue.front().copied() {
            if deadline > now {
                return;
            }
            self.overdue.pop_front();
            self.drop_descendants(address.slot());
        }
    }

    /// Those that have ended in time need no deadline: the first that is left is that of a point which still waits.
    fn forget_overdue(&mut self) {
        while let Some((_, address)) = self.overdue.front() {
            if self.endings.get(&address.slot()).is_some_and(|ending| ending.address == *address) {
                return;
            }
            self.overdue.pop_front();
        }
    }

    /// Drops everything below `slot`, the leaves first, and lets `slot` finish.
    fn drop_descendants(&mut self, slot: u32) {
        let mut family = self.cx().children(slot);
        let mut next = 0;
        while next < family.len() {
            let children = self.cx().children(family[next]);
            family.extend(children);
            next += 1;
        }
        let mut rubbish = Vec::new();
        for slot in family.iter().rev().copied() {
            self.drop_one(slot, &mut rubbish);
        }
        let address = self.cx().address(slot);
        if let Some(mut ending) = self.endings.remove(&slot) {
            ending.dropped += u32::try_from(family.len()).unwrap_or(u32::MAX);
            self.finish(slot, ending);
        }
        for thing in rubbish {
            self.discard(address, thing);
        }
    }

    fn drop_one(&mut self, slot: u32, rubbish: &mut Vec<Box<dyn Any>>) {
        let (address, look) = match self.endings.remove(&slot) {
            Some(ending) => (ending.address, ending.look),
            None => {
                let point = self.points.get_mut(slot as usize).and_then(Option::take);
                let look = point.as_ref().map_or(Look { name: "", state: "" }, |point| point.look());
                rubbish.extend(point.map(|point| point as Box<dyn Any>));
                (self.close(slot, rubbish), look)
            }
        };
        let cx = self.cx();
        cx.counters.dropped += 1;
        cx.trace_as(address, look, || What::Dropped);
        cx.counters.ended += 1;
        cx.unlink(slot);
        let head = &mut cx.heads[slot as usize];
        let watched = head.has(WATCHED);
        *head = Head::vacant(head.generation);
        if head.generation != 0 {
            cx.free.push(slot);
        }
        if watched {
            self.gone.push_back(address);
        }
    }

    /// Ends the point that has panicked, if one has.
    pub(super) fn bury(&mut self) {
        let Some((address, text)) = self.panicked.take() else { return };
        self.settle();
        let slot = address.slot();
        let cx = self.cx();
        cx.counters.panics += 1;
        cx.recanted.clear();
        let handling = cx.handling;
        let Some(point) = self.points.get(slot as usize).and_then(Option::as_ref) else { return };
        let (look, message) = (point.look(), point.message(handling));
        self.cx().trace_as(address, look, || What::Panicked { message, text: &text });
        let fault = Panicked {
            machine: look.name.into(),
            state: look.state.into(),
            message: crate::name::short(message).into(),
            text,
        };
        self.end(slot, Value::from(fault));
    }
}
