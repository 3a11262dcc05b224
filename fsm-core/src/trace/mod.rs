//! The trace: what happens in a kernel, as values for any sink.

mod hash;
mod text;

use core::fmt;
use core::time::Duration;

use crate::address::Address;
use crate::codec::Refused;
use crate::counters::Undelivered;
use crate::moment::Moment;
use crate::name::short;
use crate::value::Value;

pub use hash::TraceHash;
pub use text::TextTrace;

/// How much an event matters. A sink gets the events of its level and above.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::Level;
///
/// assert!(Level::Warning > Level::Trace);
/// assert_eq!("console".parse(), Ok(Level::Console));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Timers, and what programs log at this level.
    Debug,
    /// What programs and the network log about their course.
    Trace,
    /// Points and messages: created, sent, received, ended.
    Object,
    /// What a program tells its user.
    Console,
    /// Something is lost or refused: unknown messages, dead letters.
    Warning,
    /// Something is broken: a panic, a point that would not end.
    Fault,
    /// Nothing at all.
    None,
}

impl Level {
    /// Every level, from the most talkative.
    pub const ALL: [Self; 7] =
        [Self::Debug, Self::Trace, Self::Object, Self::Console, Self::Warning, Self::Fault, Self::None];

    /// The level's name, in capitals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
            Self::Object => "OBJECT",
            Self::Console => "CONSOLE",
            Self::Warning => "WARNING",
            Self::Fault => "FAULT",
            Self::None => "NONE",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuchLevel(String);

impl fmt::Display for NoSuchLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected DEBUG, TRACE, OBJECT, CONSOLE, WARNING, FAULT or NONE, got `{}`", self.0)
    }
}

impl core::error::Error for NoSuchLevel {}

impl core::str::FromStr for Level {
    type Err = NoSuchLevel;

    fn from_str(text: &str) -> Result<Self, NoSuchLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| NoSuchLevel(text.into()))
    }
}

/// One thing that has happened to one point.
///
/// Shown, it is the line of a log: tag, point, state, text. The time stands before it. A sender that is the point itself, as of a
/// timer, is told as such: `Received Tick from itself`.
#[derive(Debug)]
pub struct Event<'a> {
    /// When.
    pub at: Moment,
    /// To whom.
    pub point: Address,
    /// The machine's or routine's name.
    pub name: &'a str,
    /// The state before; empty for a routine.
    pub state: &'a str,
    /// What.
    pub what: What<'a>,
}

/// What has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum What<'a> {
    /// The point was created.
    Created {
        /// By whom.
        parent: Address,
    },
    /// It sent a message.
    Sent {
        /// The message's name.
        message: &'a str,
        /// To whom.
        to: Address,
    },
    /// It passed a message on, with its sender unchanged.
    Forwarded {
        /// The message's name.
        message: &'a str,
        /// To whom.
        to: Address,
        /// Who had sent it.
        from: Address,
    },
    /// It begins to handle a message. What follows, up to `Received`, happens inside.
    Begins {
        /// The message's name.
        message: &'a str,
        /// Who sent it.
        from: Address,
    },
    /// It has handled a message.
    Received {
        /// The message's name.
        message: &'a str,
        /// Who sent it.
        from: Address,
        /// The handler that took it.
        cell: Option<&'a str>,
        /// The state after, when it is another one.
        next: Option<&'a str>,
        /// How long the handler took, when the sink has a stopwatch.
        took: Option<Duration>,
    },
    /// It deferred a message.
    Deferred {
        /// The message's name.
        message: &'a str,
        /// Who sent it.
        from: Address,
    },
    /// Its state has no cell for a message.
    Unknown {
        /// The message's name.
        message: &'a str,
        /// Who sent it.
        from: Address,
        /// What the state has cells for, separated by commas.
        expected: &'a str,
        /// What the message says, when it means failure; otherwise empty.
        fault: &'a str,
    },
    /// It got a body that does not fit its message.
    Refused {
        /// Who sent it.
        from: Address,
        /// Why.
        reason: &'a Refused,
    },
    /// A message that it sent could not be delivered.
    DeadLetter {
        /// The message's name.
        message: &'a str,
        /// To whom it was sent.
        to: Address,
        /// Why.
        reason: Undelivered,
    },
    /// It started a timer.
    TimerStarted {
        /// The timer's name.
        timer: &'a str,
        /// How long it runs.
        after: Duration,
    },
    /// It cancelled a timer.
    TimerCancelled {
        /// The timer's name.
        timer: &'a str,
    },
    /// It has more timers than it may have: this one was not started.
    TimerRefused {
        /// The timer's name.
        timer: &'a str,
    },
    /// It takes no more messages; its children are asked to stop.
    Ending {
        /// With what it will complete.
        value: &'a Value,
    },
    /// It and everything below it have ended.
    Ended,
    /// It panicked.
    Panicked {
        /// The message it was handling.
        message: &'a str,
        /// What the panic said.
        text: &'a str,
    },
    /// It did not end within the grace time and was dropped.
    Dropped,
    /// It said something.
    Said {
        /// How much it matters.
        level: Level,
        /// What.
        text: &'a str,
    },
}

impl Event<'_> {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self.what {
            What::TimerStarted { .. } | What::TimerCancelled { .. } => Level::Debug,
            What::Created { .. }
            | What::Sent { .. }
            | What::Forwarded { .. }
            | What::Begins { .. }
            | What::Received { .. }
            | What::Deferred { .. }
            | What::Ending { .. }
            | What::Ended => Level::Object,
            What::Unknown { message, fault: "", .. } if is_lifecycle(message) => Level::Object,
            What::DeadLetter { message, reason: Undelivered::Ended, .. } if is_of_a_connection(message) => {
                Level::Object
            }
            What::Unknown { .. } | What::Refused { .. } | What::DeadLetter { .. } | What::TimerRefused { .. } => {
                Level::Warning
            }
            What::Panicked { .. } | What::Dropped => Level::Fault,
            What::Said { level, .. } => level,
        }
    }

    /// The sign of the event in a log: `+ X > < ~ _ ^ ? !`.
    pub fn tag(&self) -> char {
        match self.what {
            What::Created { .. } => '+',
            What::Sent { .. } | What::Forwarded { .. } => '>',
            What::Begins { .. } | What::Received { .. } | What::Deferred { .. } => '<',
            What::Ending { .. } | What::Ended => 'X',
            What::TimerStarted { .. } | What::TimerCancelled { .. } => '_',
            What::Unknown { message, fault: "", .. } if is_lifecycle(message) => '<',
            What::DeadLetter { message, reason: Undelivered::Ended, .. } if is_of_a_connection(message) => '>',
            What::Unknown { .. } | What::Refused { .. } | What::DeadLetter { .. } | What::TimerRefused { .. } => '?',
            What::Panicked { .. } | What::Dropped => '!',
            What::Said { level, .. } => match level {
                Level::Debug => '_',
                Level::Trace | Level::Object | Level::None => '~',
                Level::Console => '^',
                Level::Warning => '?',
                Level::Fault => '!',
            },
        }
    }
}

/// Messages of a point's life that a machine may leave without a cell.
fn is_lifecycle(message: &str) -> bool {
    matches!(message, "statepoint.Start" | "statepoint.Completed")
}

/// What the network tells of the life of a connection to whoever has it. It ends with him, so news that cross his end are no loss.
fn is_of_a_connection(message: &str) -> bool {
    let Some(name) = message.strip_prefix("statepoint.") else { return false };
    matches!(name, "Accepted" | "Connected" | "Closed" | "Abandoned" | "Congested" | "Relieved")
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.tag(), self.point, self.name)?;
        if !self.state.is_empty() {
            write!(f, "[{}]", self.state)?;
        }
        f.write_str(" - ")?;
        self.what.show(Some(self.point), f)
    }
}

/// A sender, as the trace of `point` tells it. Few readers compare two numbers in one line.
struct Sender {
    from: Address,
    point: Option<Address>,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.point == Some(self.from) {
            true => f.write_str("itself"),
            false => self.from.fmt(f),
        }
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(None, f)
    }
}

impl What<'_> {
    /// As it is told of `point`, when that is known.
    fn show(&self, point: Option<Address>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sender = |from: &Address| Sender { from: *from, point };
        match self {
            Self::Created { parent } if parent.is_none() => f.write_str("Created"),
            Self::Created { parent } => write!(f, "Created by {parent}"),
            Self::Sent { message, to } => write!(f, "Sent {} to {to}", short(message)),
            Self::Forwarded { message, to, from } => write!(f, "Forward {} to {to} (from {from})", short(message)),
            Self::Begins { message, from } => write!(f, "Begins {} from {}", short(message), sender(from)),
            Self::Received { message, from, cell, next, took } => {
                write!(f, "Received {} from {}", short(message), sender(from))?;
                // The cell's name says more than state and message only when it is another state's: ANY_, a group, Unknown.
                if let Some(cell) = cell {
                    write!(f, " ({cell})")?;
                }
                if let Some(next) = next {
                    write!(f, " -> {next}")?;
                }
                took.map_or(Ok(()), |took| write!(f, " {}us", took.as_micros()))
            }
            Self::Deferred { message, from } => write!(f, "Deferred {} from {}", short(message), sender(from)),
            Self::Unknown { message, from, expected, fault } => {
                // Two messages may differ in what stands in front of their short names only.
                let is_namesake = expected.split(", ").any(|name| name == short(message));
                write!(f, "Unknown {}", if is_namesake { message } else { short(message) })?;
                if !fault.is_empty() {
                    write!(f, " ({fault})")?;
                }
                write!(f, " from {}", sender(from))?;
                if expected.is_empty() { Ok(()) } else { write!(f, ", expected {expected}") }
            }
            Self::Refused { from, reason } => write!(f, "Refused a message from {}: {reason}", sender(from)),
            Self::DeadLetter { message, to, reason } => {
                write!(f, "Dead letter {} to {to}: {reason}", short(message))
            }
            Self::TimerStarted { timer, after } => write!(f, "Started {} for {after:?}", short(timer)),
            Self::TimerCancelled { timer } => write!(f, "Cancelled {}", short(timer)),
            Self::TimerRefused { timer } => write!(f, "Refused timer {}: the point has too many", short(timer)),
            Self::Ending { value } => write!(f, "Ending with {value:?}"),
            Self::Ended => f.write_str("Ended"),
            Self::Panicked { message, text } => write!(f, "Panicked at {}: {text}", short(message)),
            Self::Dropped => f.write_str("Dropped: it did not end within the grace time"),
            Self::Said { text, .. } => f.write_str(text),
        }
    }
}

/// Who takes the trace.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Event, Level, Sink};
///
/// /// Counts what went wrong.
/// struct Faults(usize);
///
/// impl Sink for Faults {
///     fn level(&self) -> Level {
///         Level::Warning
///     }
///
///     fn event(&mut self, _: &Event<'_>) {
///         self.0 += 1;
///     }
/// }
/// ```
pub trait Sink {
    /// The lowest level that is wanted. Asked once, when the sink is given to a kernel.
    fn level(&self) -> Level;

    /// Takes an event.
    fn event(&mut self, event: &Event<'_>);

    /// The time by a stopwatch, when handlers should be timed. The core has no clock of its own.
    fn stopwatch(&mut self) -> Option<Duration> {
        None
    }
}
