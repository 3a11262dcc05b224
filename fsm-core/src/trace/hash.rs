//! The trace as one number: the same run gives the same number.

use std::cell::Cell;
use std::rc::Rc;

use super::{Event, Level, Sink};
use crate::name::message_id;

/// A sink that hashes the whole trace. Clones share one hash.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Kernel, Limits, TraceHash};
///
/// let run = || {
///     let hash = TraceHash::new();
///     let mut kernel = Kernel::new(Limits::default());
///     kernel.set_sink(hash.clone());
///     kernel.create(statepoint::routine(async |_| statepoint::Aborted));
///     kernel.run(100);
///     hash.value()
/// };
/// assert_eq!(run(), run());
/// ```
#[derive(Debug, Clone, Default)]
pub struct TraceHash(Rc<Cell<u64>>);

impl TraceHash {
    /// The hash of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of all events so far.
    pub fn value(&self) -> u64 {
        self.0.get()
    }
}

impl Sink for TraceHash {
    fn level(&self) -> Level {
        Level::Debug
    }

    fn event(&mut self, event: &Event<'_>) {
        let line = message_id(&format!("{} {event}", event.at.as_nanos()));
        self.0.set(self.0.get().rotate_left(5) ^ line.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}
