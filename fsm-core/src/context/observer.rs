//! The side of the context that watches: trace and coverage.

use core::time::Duration;

use super::Context;
use crate::address::Address;
use crate::body::Body;
use crate::codec::Refused;
use crate::coverage::Coverage;
use crate::lifecycle::Completed;
use crate::point::Look;
use crate::trace::{Event, Level, Sink, What};

/// Present only while somebody watches, so that watching costs one branch when nobody does.
pub(crate) struct Observer {
    sink: Option<Box<dyn Sink>>,
    level: Level,
    pub(crate) coverage: Option<Coverage>,
    /// The point at hand, as it was when its message came.
    look: Look,
    /// Whether the message at hand has its closing line already.
    pub(crate) closed: bool,
}

const NOBODY: Look = Look { name: "", state: "" };

impl Observer {
    fn event(&mut self, event: &Event<'_>) {
        if let Some(sink) = &mut self.sink
            && event.level() >= self.level
        {
            sink.event(event);
        }
    }
}

impl Context {
    pub(crate) fn set_sink(&mut self, sink: Option<Box<dyn Sink>>) {
        let level = sink.as_ref().map_or(Level::None, |sink| sink.level());
        if level == Level::None && self.observer.is_none() {
            return; // nobody watches, so nothing is paid for
        }
        let sink = sink.filter(|_| level < Level::None);
        let observer = self.observer();
        (observer.sink, observer.level) = (sink, level);
        self.watch_as_wanted();
    }

    /// Counts cells and edges from now on.
    pub(crate) fn record_coverage(&mut self) {
        self.observer().coverage.get_or_insert_default();
        self.watch_as_wanted();
    }

    fn watch_as_wanted(&mut self) {
        let wants_all = |observer: &Observer| observer.level <= Level::Object || observer.coverage.is_some();
        self.is_watched = self.observer.as_deref().is_some_and(wants_all);
    }

    /// The point at hand, for what may be told of it.
    #[cold]
    pub(crate) fn looks_at(&mut self, look: Look) {
        if let Some(observer) = &mut self.observer {
            observer.look = look;
        }
    }

    pub(crate) fn observer(&mut self) -> &mut Observer {
        self.observer.get_or_insert_with(|| {
            Box::new(Observer { sink: None, level: Level::None, coverage: None, look: NOBODY, closed: false })
        })
    }

    /// Whether an event of this level would be seen by anyone.
    pub(crate) fn wants(&self, level: Level) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.sink.is_some() && level >= observer.level)
    }

    /// Traces what happens to `point`, which is the one at hand or one of which no more is known.
    #[inline]
    pub(crate) fn trace<'a>(&mut self, point: Address, what: impl FnOnce() -> What<'a>) {
        if self.observer.is_some() {
            self.trace_watched(point, what());
        }
    }

    #[cold]
    fn trace_watched(&mut self, point: Address, what: What<'_>) {
        let (at, me) = (self.now, self.me);
        if let Some(observer) = &mut self.observer {
            let look = if point == me { observer.look } else { NOBODY };
            observer.event(&Event { at, point, name: look.name, state: look.state, what });
        }
    }

    /// Traces what happens to a point that is not at hand.
    pub(crate) fn trace_as<'a>(&mut self, point: Address, look: Look, what: impl FnOnce() -> What<'a>) {
        let at = self.now;
        if let Some(observer) = &mut self.observer {
            observer.event(&Event { at, point, name: look.name, state: look.state, what: what() });
        }
    }

    #[cold]
    pub(super) fn trace_post(&mut self, to: Address, from: Address, body: &Body) {
        let (me, message) = (self.me, body.name());
        if me.is_none() {
            // The driver sends: what comes of it is told when it is received.
        } else if from == me {
            self.trace(me, || What::Sent { message, to });
        } else {
            self.trace(me, || What::Forwarded { message, to, from });
        }
    }

    #[cold]
    pub(super) fn trace_unknown(&mut self, body: &Body, expected: &[&str]) {
        if self.observer.is_none() {
            return;
        }
        let (from, expected) = (self.from, expected.join(", "));
        // The end of a child that has failed is a fault too.
        let failed = || body.peek::<Completed>().and_then(|completed| completed.value.fault());
        let fault = body.fault().or_else(failed).unwrap_or_default();
        self.trace(self.me, || What::Unknown { message: body.name(), from, expected: &expected, fault: &fault });
        self.observer().closed = true;
    }

    #[cold]
    pub(super) fn trace_refused(&mut self, reason: &Refused) {
        if self.observer.is_none() {
            return;
        }
        let from = self.from;
        self.trace(self.me, || What::Refused { from, reason });
        self.observer().closed = true;
    }

    /// The point at hand begins to handle a message; the stopwatch's time.
    pub(crate) fn begins(&mut self, look: Look, message: &str) -> Option<Duration> {
        let (at, me, from) = (self.now, self.me, self.from);
        let observer = self.observer.as_mut()?;
        observer.look = look;
        observer.closed = false;
        observer.event(&Event {
            at,
            point: me,
            name: look.name,
            state: look.state,
            what: What::Begins { message, from },
        });
        observer.sink.as_mut()?.stopwatch()
    }

    /// The stopwatch's time since `began`.
    pub(crate) fn took(&mut self, began: Option<Duration>) -> Option<Duration> {
        let began = began?;
        let now = self.observer.as_mut()?.sink.as_mut()?.stopwatch()?;
        now.checked_sub(began)
    }
}
