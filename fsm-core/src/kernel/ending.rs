//! How points end: from the leaves up.
//!
//! A point that ends takes no more messages and its timers die; its children get `Stop`. When the last of them has ended,
//! its parent gets `Completed`. So whoever sees `Completed` knows that nothing below is alive.

use super::Kernel;
use crate::address::Address;
use crate::body::Body;
use crate::head::{Head, NIL, QUIET, WATCHED};
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
        let address = self.close(slot);
        let cx = self.cx();
        cx.trace_as(address, look, || What::Ending { value: &value });
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
        // Last, because a `Drop` of the user's may panic.
        drop(point);
    }

    /// From now on the slot's address leads nowhere: what was queued, deferred or timed for it goes. The old address.
    fn close(&mut self, slot: u32) -> Address {
        let cx = self.cx();
        let address = cx.address(slot);
        let head = &mut cx.heads[slot as usize];
        // 0 means that the slot is spent: an address is never reused.
        head.generation = head.generation.wrapping_add(1);
        head.queued &= WATCHED | QUIET;
        cx.timers.cancel_all(&mut head.timers);
        self.drop_backlog(slot, address);
        address
    }

    /// The point and everything below it have ended. Its parent may have waited for just that.
    fn finish(&mut self, mut slot: u32, mut ending: Ending) {
        loop {
            let Ending { address, look, value, dropped } = ending;
            let cx = self.cx();
            cx.trace_as(address, look, || What::Ended);
            cx.counters.ended += 1;
            let parent = cx.unlink(slot);
            let head = &mut cx.heads[slot as usize];
            let (watched, quiet) = (head.has(WATCHED), head.has(QUIET));
            *head = Head::new(head.generation);
            if head.generation != 0 {
                cx.free.push(slot);
            }
            if watched {
                self.gone.push_back(address);
            }
            if parent == NIL {
                if !quiet {
                    self.results.push_back((address, value));
                }
                return;
            }
            let Some(mut waiting) = self.endings.remove(&parent) else {
                if !quiet {
                    let cx = self.cx();
                    let parent = cx.address(parent);
                    cx.post_always(parent, address, Body::new(Completed { value, dropped }));
                }
                return;
            };
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
            if !self.endings.get(&address.slot()).is_some_and(|ending| ending.address == address) {
                self.overdue.pop_front(); // it has ended in time
                continue;
            }
            if deadline > now {
                return;
            }
            self.overdue.pop_front();
            self.drop_descendants(address.slot());
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
        let mut points = Vec::new();
        for slot in family.iter().rev().copied() {
            self.drop_one(slot, &mut points);
        }
        if let Some(mut ending) = self.endings.remove(&slot) {
            ending.dropped += u32::try_from(family.len()).unwrap_or(u32::MAX);
            self.finish(slot, ending);
        }
        self.dropped.append(&mut points);
    }

    fn drop_one(&mut self, slot: u32, points: &mut Vec<Box<dyn crate::point::Point>>) {
        let (address, look) = match self.endings.remove(&slot) {
            Some(ending) => (ending.address, ending.look),
            None => {
                let point = self.points.get_mut(slot as usize).and_then(Option::take);
                let look = point.as_ref().map_or(Look { name: "", state: "" }, |point| point.look());
                points.extend(point);
                (self.close(slot), look)
            }
        };
        let cx = self.cx();
        cx.counters.dropped += 1;
        cx.trace_as(address, look, || What::Dropped);
        cx.counters.ended += 1;
        cx.unlink(slot);
        let head = &mut cx.heads[slot as usize];
        let watched = head.has(WATCHED);
        *head = Head::new(head.generation);
        if head.generation != 0 {
            cx.free.push(slot);
        }
        if watched {
            self.gone.push_back(address);
        }
    }

    /// Ends the point that has panicked, if one has. Runs where a panic is caught, since a `Drop` may panic again.
    pub(super) fn bury(&mut self) {
        self.dropped.clear();
        let Some((address, text)) = self.panicked.take() else { return };
        self.settle();
        let slot = address.slot();
        let cx = self.cx();
        cx.counters.panics += 1;
        cx.kept = None;
        let handling = cx.handling;
        if !cx.is_alive(address) || address.slot() == 0 {
            return; // the drop of a point that had ended
        }
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
