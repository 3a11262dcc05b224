//! Parents and children.

use super::Context;
use crate::address::Address;
use crate::body::Body;
use crate::envelope::MAX_SLOT;
use crate::head::{Head, NIL, QUIET, VACANT};
use crate::lifecycle::{Start, Stop, Timeout};
use crate::point::NewPoint;
use crate::timers::Charge;
use crate::trace::{Level, What};

impl Context {
    /// The address of the slot's present point, also while it waits for its children to end.
    pub(crate) fn address(&self, slot: u32) -> Address {
        match self.heads.get(slot as usize) {
            Some(head) if head.has(VACANT) => Address::new(slot, head.generation.wrapping_sub(1), 0),
            Some(head) => Address::new(slot, head.generation, 0),
            None => Address::NONE,
        }
    }

    /// The parent's slot of the point at hand.
    pub(crate) fn parent_slot(&self) -> u32 {
        self.heads.get(self.me.slot() as usize).map_or(NIL, |head| head.parent)
    }

    /// Takes a slot for `point` below `parent` and queues its `Start`. It becomes a point when the handler has returned.
    ///
    /// Over the bound of points the address is `NONE`, so that what is sent to it is a dead letter.
    pub(crate) fn birth(&mut self, point: NewPoint, parent: u32, quiet: bool) -> Address {
        let NewPoint(point) = point;
        let Some(slot) = self.take_slot() else {
            self.counters.not_created += 1;
            let text = format!("cannot create {}: there are as many points as there may be", point.look().name);
            self.trace(self.me, || What::Said { level: Level::Warning, text: &text });
            return Address::NONE;
        };
        self.counters.created += 1;
        let child = self.address(slot);
        self.link(slot, parent);
        if quiet {
            self.heads[slot as usize].set(QUIET);
        }
        let creator = if parent == NIL { Address::NONE } else { self.address(parent) };
        if self.observer.is_some() {
            let look = point.look();
            self.trace_as(child, look, || What::Created { parent: creator });
        }
        if let Some(limit) = point.first_timeout() {
            let deadline = self.now + limit;
            let head = &mut self.heads[slot as usize].timers;
            self.timers.start(head, slot, super::timing::STATE_TIMEOUT, deadline, Charge::Once(Body::new(Timeout)));
        }
        self.has_aftermath = true;
        self.births.push((slot, point));
        self.post_always(child, creator, Body::new(Start));
        // A parent that has ended has asked its children to stop already; this one was created beside one of them.
        if parent != NIL && self.heads[parent as usize].has(VACANT) {
            self.post_always(child, creator, Body::new(Stop));
        }
        child
    }

    fn take_slot(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            let head = &mut self.heads[slot as usize];
            *head = Head::new(head.generation);
            return Some(slot);
        }
        // Slot 0 is the driver's.
        let slot = u32::try_from(self.heads.len()).ok().filter(|slot| *slot <= self.limits.points.min(MAX_SLOT))?;
        self.heads.push(Head::new(1));
        Some(slot)
    }

    /// Puts `slot` at the front of `parent`'s list of children.
    fn link(&mut self, slot: u32, parent: u32) {
        if parent == NIL {
            return;
        }
        let first = core::mem::replace(&mut self.heads[parent as usize].first_child, slot);
        if first != NIL {
            self.heads[first as usize].previous_sibling = slot;
        }
        let head = &mut self.heads[slot as usize];
        head.parent = parent;
        head.next_sibling = first;
    }

    /// Takes `slot` out of its parent's list; the parent.
    pub(crate) fn unlink(&mut self, slot: u32) -> u32 {
        let head = &self.heads[slot as usize];
        let (parent, previous, next) = (head.parent, head.previous_sibling, head.next_sibling);
        if next != NIL {
            self.heads[next as usize].previous_sibling = previous;
        }
        if previous != NIL {
            self.heads[previous as usize].next_sibling = next;
        } else if parent != NIL {
            self.heads[parent as usize].first_child = next;
        }
        parent
    }

    /// The children of `slot`, the oldest first.
    pub(crate) fn children(&self, slot: u32) -> Vec<u32> {
        let mut children = Vec::new();
        let mut child = self.heads[slot as usize].first_child;
        while child != NIL {
            children.push(child);
            child = self.heads[child as usize].next_sibling;
        }
        children.reverse();
        children
    }
}
