//! Timers named by message.

use core::time::Duration;

use super::Context;
use crate::body::Body;
use crate::head::BACKLOG;
use crate::lifecycle::Timeout;
use crate::name::{MessageId, message_id};
use crate::timers::{Charge, Started};
use crate::trace::What;

/// The key of a state's time limit. It has its own, so that a program's own timer with the message `Timeout` is another.
pub(crate) const STATE_TIMEOUT: MessageId = message_id("statepoint.Timeout of a state");
/// The key of the limit of a routine's `select_within` and `sleep`.
pub(crate) const SELECT_LIMIT: MessageId = message_id("statepoint.limit of a select");

impl Context {
    /// Starts the timer `key` of the point at hand, or starts it anew.
    pub(crate) fn start_timer(&mut self, key: MessageId, name: &'static str, after: Duration, charge: Charge) {
        self.recant(key);
        let slot = self.me.slot();
        let Some(head) = self.heads.get_mut(slot as usize) else { return };
        // Without its limit a state or a `select_within` would wait for ever, so the kernel's own have room above the bound.
        let own = key == STATE_TIMEOUT || key == SELECT_LIMIT;
        let full = !own && self.timers.count(head.timers) >= self.limits.timers_per_point;
        // A timer that runs already is started anew, which takes no more room.
        if full && !self.timers.cancel(&mut head.timers, key) {
            self.counters.timers_refused += 1;
            self.trace(self.me, || What::TimerRefused { timer: name });
            return;
        }
        match self.timers.start(&mut head.timers, slot, key, self.now + after, charge) {
            Started::New | Started::Again => {}
        }
        self.trace(self.me, || What::TimerStarted { timer: name, after });
        if let Some(notes) = &mut self.notes {
            notes.started.push((key, name, after));
        }
    }

    /// Cancels the timer `key` of the point at hand: whether it ran, or was due and not yet delivered.
    pub(crate) fn cancel_timer(&mut self, key: MessageId, name: &'static str) -> bool {
        self.recant(key);
        let Some(head) = self.heads.get_mut(self.me.slot() as usize) else { return false };
        let ran = self.timers.cancel(&mut head.timers, key);
        if ran {
            self.trace(self.me, || What::TimerCancelled { timer: name });
            if let Some(notes) = &mut self.notes {
                notes.cancelled.push(key);
            }
        }
        ran
    }

    /// A deferred message of a timer goes with its timer. Only the kernel reaches the backlog, so it is told.
    fn recant(&mut self, key: MessageId) {
        let slot = self.me.slot();
        if self.heads.get(slot as usize).is_some_and(|head| head.has(BACKLOG)) {
            self.has_aftermath = true;
            self.recanted.push((slot, key));
        }
    }

    /// The state with this limit was entered.
    pub(crate) fn arm(&mut self, limit: Duration) {
        self.start_timer(STATE_TIMEOUT, "Timeout", limit, Charge::Once(Body::new(Timeout)));
    }

    /// The state with a limit was left.
    pub(crate) fn disarm(&mut self) {
        self.cancel_timer(STATE_TIMEOUT, "Timeout");
    }
}
