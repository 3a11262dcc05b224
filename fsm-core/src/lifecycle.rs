//! The messages that a point's life is made of.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Message;
use crate::address::Address;
use crate::value::Value;

/// The first message of every point, from its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Start", local)]
pub struct Start;

/// Asks a point to end. Whoever may send to a point of its own process may stop it; a peer cannot.
///
/// Every state of a machine answers it (the compiler checks that); a routine that does not list it ends by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Stop", local)]
pub struct Stop;

/// Asks a point to hold its work, whatever that means to it. The signal USR1 sends it to the main point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Pause", local)]
pub struct Pause;

/// Asks a point to go on with its work. The signal USR2 sends it to the main point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Resume", local)]
pub struct Resume;

/// Tells a parent that a child has ended, and everything below the child with it. The last thing a point sends.
#[derive(Debug, Message)]
#[message(name = "statepoint.Completed", local)]
pub struct Completed {
    /// What the child ended with.
    pub value: Value,
    /// How many points below the child did not end within the grace time and were dropped. Each is in the trace.
    pub dropped: u32,
}

/// The time limit of a state has passed: `timeout = ".."` in the header of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Timeout", local)]
pub struct Timeout;

/// A point takes messages more slowly than they come: one that this sender sent was dropped.
///
/// Sent once for each episode, to the sender of its first dropped message; every dropped message is counted and traced. The
/// episode ends when half of the point's bound is free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Overflow", local)]
pub struct Overflow {
    /// The point that is too slow.
    pub to: Address,
}

/// Ended because it was asked to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Aborted", fault)]
pub struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("aborted (user or software interrupt)")
    }
}

/// Waited, and what was waited for did not come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.TimedOut", fault)]
#[serde(default)]
pub struct TimedOut {
    /// What was waited for; may be empty.
    pub waiting_for: String,
    /// How long; zero when not told.
    pub limit: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")?;
        if !self.waiting_for.is_empty() {
            write!(f, " waiting for {}", self.waiting_for)?;
        }
        if !self.limit.is_zero() {
            write!(f, " ({:?})", self.limit)?;
        }
        Ok(())
    }
}

/// A failure in words, for which no type of its own is worth while.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Fault, Faulted};
///
/// fn port(text: &str) -> Result<u16, Fault> {
///     let port = text.parse().map_err(Faulted::new)?; // the error of another library, in its own words
///     if port < 1024 { Err(Faulted::new(format_args!("port {port} is for the system")).into()) } else { Ok(port) }
/// }
///
/// assert_eq!(port("lab").unwrap_err().to_string(), "invalid digit found in string");
/// assert_eq!(port("80").unwrap_err().to_string(), "port 80 is for the system");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Faulted", fault)]
pub struct Faulted {
    /// What is wrong.
    pub condition: String,
    /// Why, or what to do; may be empty.
    pub explanation: String,
}

impl Faulted {
    /// A failure in the words of `condition`: a text, or an error of another library. Without an explanation.
    pub fn new(condition: impl fmt::Display) -> Self {
        Self { condition: condition.to_string(), explanation: String::new() }
    }
}

impl fmt::Display for Faulted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.condition)?;
        if !self.explanation.is_empty() {
            write!(f, " ({})", self.explanation)?;
        }
        Ok(())
    }
}

/// A point panicked. It has ended, alone; its parent gets this as the value of `Completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Panicked", fault)]
pub struct Panicked {
    /// The machine's or routine's name.
    pub machine: String,
    /// The state it was in; empty for a routine.
    pub state: String,
    /// The message it was handling.
    pub message: String,
    /// What the panic said.
    pub text: String,
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, state, message, text } = self;
        let separator = if state.is_empty() { "" } else { "/" };
        write!(f, "{machine} panicked at {state}{separator}{message}: {text}")
    }
}

/// A routine awaited a future that is no operation of its `Routine`.
///
/// Only messages wake a routine, so it would never have gone on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.ForeignAwait", fault)]
pub struct ForeignAwait {
    /// The routine's name.
    pub routine: String,
}

impl fmt::Display for ForeignAwait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the routine {} awaits something foreign: only what its own `Routine` waits for can wake it: `select`, `select_within` and `sleep`, `run`, `request` and the like",
            self.routine
        )
    }
}

/// The value of a routine that returns nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Done")]
pub struct Done;

// So that `?` takes them where a `Box<dyn Error>` is returned.
impl core::error::Error for Aborted {}
impl core::error::Error for TimedOut {}
impl core::error::Error for Faulted {}
impl core::error::Error for Panicked {}
impl core::error::Error for ForeignAwait {}
