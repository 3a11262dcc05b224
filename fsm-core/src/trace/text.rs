//! The trace as lines of text, in the order of a story.

use core::fmt;
use core::time::Duration;

use super::{Event, Level, Sink, What};
use crate::moment::Moment;

/// How many lines of one handler are kept back until the handler has returned. Behind that they come before it.
const KEPT_LINES: usize = 256;

/// A sink that writes lines: `time tag <id>Machine[STATE] - text`.
///
/// The line of a received message tells the state change and the time taken, so it can be written only after the handler
/// has returned; the lines of what the handler did are kept back and follow it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use std::{cell::RefCell, rc::Rc};
/// use statepoint::{Kernel, Level, Limits, TextTrace};
///
/// let lines = Rc::new(RefCell::new(Vec::new()));
/// let sink = lines.clone();
/// let mut kernel = Kernel::new(Limits::default());
/// kernel.set_sink(TextTrace::new(Level::Object, move |line: &str| sink.borrow_mut().push(line.to_owned())));
/// kernel.create(statepoint::routine(async |_| statepoint::Aborted).named("short"));
/// kernel.run(100);
/// assert_eq!(lines.borrow()[0], "0.000000s + <00000001>short - Created");
/// ```
pub struct TextTrace<W> {
    level: Level,
    write: W,
    stopwatch: Option<fn() -> Duration>,
    time: Box<dyn Fn(&Event<'_>) -> String>,
    inside: bool,
    kept: Vec<String>,
    quota: Quota,
}

/// How many lines are written in a second.
struct Quota {
    most: u32,
    /// The second at hand, and what was written and left out in it.
    second: u64,
    written: u32,
    left_out: u32,
}

impl Quota {
    /// Whether there is room for one more line; with how many were left out before this second, when that is to be told.
    fn admit(&mut self, second: u64) -> (bool, u32) {
        let mut left_out = 0;
        if second != self.second {
            (self.second, self.written) = (second, 0);
            left_out = core::mem::take(&mut self.left_out);
        }
        let is_admitted = self.written < self.most;
        self.written += u32::from(is_admitted);
        self.left_out += u32::from(!is_admitted);
        (is_admitted, left_out)
    }
}

impl<W: FnMut(&str)> TextTrace<W> {
    /// A sink that gives each line of `level` and above to `write`, without the line's end.
    pub fn new(level: Level, write: W) -> Self {
        Self {
            level,
            write,
            stopwatch: None,
            time: Box::new(|event| event.at.to_string()),
            inside: false,
            kept: Vec::new(),
            quota: Quota { most: u32::MAX, second: 0, written: 0, left_out: 0 },
        }
    }

    /// Writes at most so many lines in a second of kernel time, and before the next one how many were left out.
    ///
    /// What a peer can cause must not be written as fast as it likes; and a flood would wash away what matters. Lines that are
    /// left out are not even made.
    #[must_use]
    pub fn at_most(mut self, lines: u32) -> Self {
        self.quota.most = lines;
        self
    }

    /// Times handlers by `stopwatch`, which gives the time since any fixed moment.
    #[must_use]
    pub fn with_stopwatch(mut self, stopwatch: fn() -> Duration) -> Self {
        self.stopwatch = Some(stopwatch);
        self
    }

    /// Writes the time of an event as `time` says, instead of seconds since the beginning.
    #[must_use]
    pub fn with_time(mut self, time: impl Fn(&Event<'_>) -> String + 'static) -> Self {
        self.time = Box::new(time);
        self
    }

    fn release(&mut self) {
        self.inside = false;
        for line in self.kept.drain(..) {
            (self.write)(&line);
        }
    }
}

impl<W: FnMut(&str)> Sink for TextTrace<W> {
    fn level(&self) -> Level {
        self.level
    }

    fn event(&mut self, event: &Event<'_>) {
        if matches!(event.what, What::Begins { .. }) {
            self.release();
            self.inside = true;
            return;
        }
        let closes = matches!(
            event.what,
            What::Received { .. }
                | What::Deferred { .. }
                | What::Unknown { .. }
                | What::Refused { .. }
                | What::Panicked { .. }
        );
        let (is_admitted, left_out) = self.quota.admit((event.at - Moment::ZERO).as_secs());
        if left_out > 0 {
            (self.write)(&format!("{} ({left_out} lines were left out)", (self.time)(event)));
        }
        if !is_admitted {
            if closes {
                self.release();
            }
            return;
        }
        let line = plain(format!("{} {event}", (self.time)(event)));
        if self.inside && !closes {
            self.kept.push(line);
            if self.kept.len() >= KEPT_LINES {
                self.release();
            }
        } else {
            (self.write)(&line);
            self.release();
        }
    }

    fn stopwatch(&mut self) -> Option<Duration> {
        self.stopwatch.map(|stopwatch| stopwatch())
    }
}

/// One line that is one line: what a peer wrote may be part of it, and must neither forge a line nor steer a terminal.
fn plain(line: String) -> String {
    if !line.contains(char::is_control) {
        return line;
    }
    line.chars().fold(String::with_capacity(line.len() + 8), |mut plain, character| {
        match character.is_control() {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
        plain
    })
}

impl<W> fmt::Debug for TextTrace<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextTrace").field("level", &self.level).finish_non_exhaustive()
    }
}
