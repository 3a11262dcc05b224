//! What the tests of the kernel share: a few messages, a log, and small points.
#![allow(dead_code, reason = "each test file takes what it needs")]

use core::fmt::Display;
use std::cell::RefCell;
use std::rc::Rc;

use fsm_core::{Address, Done, Kernel, Limits, Message, NewRoutine, Routine, Stop, routine};
use serde::{Deserialize, Serialize};

/// A message with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "test.Note")]
pub(crate) struct Note(pub(crate) u32);

/// Another type of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "test.Go")]
pub(crate) struct Go;

/// A message that names a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "test.Meet")]
pub(crate) struct Meet(pub(crate) Address);

/// What happened, in its order. Clones share one log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Display) {
        self.0.borrow_mut().push(line.to_string());
    }

    /// The lines so far; the log begins anew.
    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// A value that writes `line` when it is dropped.
    pub(crate) fn when_dropped(&self, line: &'static str) -> Grave {
        Grave { log: self.clone(), line }
    }
}

/// Writes to a log when it is dropped.
#[derive(Debug)]
pub(crate) struct Grave {
    log: Log,
    line: &'static str,
}

impl Drop for Grave {
    fn drop(&mut self) {
        self.log.add(self.line);
    }
}

/// A kernel with the usual limits.
pub(crate) fn kernel() -> Kernel {
    Kernel::new(Limits::default())
}

/// Handles every message there is.
pub(crate) fn settle(kernel: &mut Kernel) {
    while kernel.run(1_000) > 0 {}
    assert!(kernel.is_idle());
}

/// A point that logs the number of every note.
pub(crate) fn listener(log: &Log) -> NewRoutine {
    let log = log.clone();
    routine(async move |cx| -> Done {
        loop {
            let Note(number) = cx.select().await;
            log.add(number);
        }
    })
}

/// A point that ends when it is told to, logging that.
pub(crate) fn leaf(log: &Log, name: &'static str) -> NewRoutine {
    let grave = log.when_dropped(name);
    routine(async move |cx| {
        let _grave = grave;
        cx.select::<Stop>().await;
        Done
    })
}

/// A point that hears of `Stop` and ends only when it gets a note.
pub(crate) async fn reluctant(cx: &mut Routine) -> Note {
    cx.select::<Stop>().await;
    cx.select::<Note>().await
}
