//! Machines: points written as finite-state machines.

use core::fmt;
use core::time::Duration;

use crate::body::Body;
use crate::context::Context;
use crate::name::MessageId;
use crate::shape::Shape;
use crate::unknown::Unknown;
use crate::value::{IntoValue, Value};

/// A point written as a finite-state machine. `#[state_machine]` on an `impl` writes it.
///
/// The trait can also be written by hand: `fsm-core/tests/twin.rs` does so, and both forms pass the same tests.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a machine",
    label = "not a machine",
    note = "put `#[state_machine(..)]` on `impl {Self}`; an `async fn` is created as `routine(..)`"
)]
pub trait Machine: Sized + 'static {
    /// One variant for each state; the data of a state is the field of its variant.
    type State: 'static;

    /// What happens to each message in each state.
    const TABLE: &'static Table<Self>;

    /// The state in which a machine begins.
    fn first() -> Self::State;

    /// The place of a state in the header.
    fn index(state: &Self::State) -> usize;

    /// The column of a message in the table.
    fn column(id: MessageId) -> Option<usize>;

    /// Runs after a change of state, in the new state.
    fn enter(&mut self, _state: &mut Self::State, _cx: &mut Context) {}

    /// Runs before a change of state, in the old state. Not when the machine ends: then state data and machine are dropped.
    fn exit(&mut self, _state: &mut Self::State, _cx: &mut Context) {}

    /// Ends the machine: its parent gets `value` once everything below the machine has ended.
    fn complete(value: impl IntoValue) -> Next<Self> {
        Next::complete(value)
    }

    /// The machine as a Mermaid state diagram.
    fn diagram() -> String {
        crate::diagram::mermaid(Self::TABLE.shape, None)
    }

    /// The machine as a table in Markdown: a row for each state, a column for each message.
    fn matrix() -> String {
        crate::diagram::matrix(Self::TABLE.shape)
    }
}

/// What a handler returns: where its machine goes.
///
/// Returning the state the machine is in means to stay: nothing is left or entered, a time limit goes on. A state with
/// data is entered anew by returning it; [`Next::STAY`] stays there.
#[must_use = "a handler returns its `Next`; alone it does nothing"]
pub enum Next<M: Machine> {
    /// Stay in the state, whichever it is.
    Stay,
    /// Go to this state.
    Go(M::State),
    /// End with this value.
    End(Box<Value>),
}

impl<M: Machine> Next<M> {
    /// Stay in the state, whichever it is: the way to stay in a state with data.
    pub const STAY: Self = Self::Stay;

    /// End with `value`.
    pub fn complete(value: impl IntoValue) -> Self {
        Self::End(Box::new(value.into_value()))
    }
}

impl<M: Machine> fmt::Debug for Next<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stay => f.write_str("STAY"),
            Self::Go(state) => f.write_str(M::TABLE.shape.state_name(M::index(state))),
            Self::End(value) => write!(f, "complete({value:?})"),
        }
    }
}

/// A handler as the table holds it: it opens the body and calls the method.
pub type Handler<M> = fn(&mut M, &mut <M as Machine>::State, Body, &mut Context) -> Next<M>;

/// The handler of messages without a cell: `STATE_Unknown`.
pub type Otherwise<M> = fn(&mut M, &mut <M as Machine>::State, Unknown, &mut Context) -> Next<M>;

/// What a state does with a message.
pub enum Cell<M: Machine> {
    /// Nothing is written for it.
    Unknown,
    /// Keep it until the state changes.
    Defer,
    /// Call this.
    Call(Handler<M>),
}

impl<M: Machine> fmt::Debug for Cell<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Defer => "Defer",
            Self::Call(_) => "Call",
        })
    }
}

/// A machine's dispatch table. Every slice has one entry for each state.
pub struct Table<M: Machine> {
    /// The cells, by state and column.
    pub cells: &'static [&'static [Cell<M>]],
    /// The handlers of messages without a cell.
    pub unknown: &'static [Option<Otherwise<M>>],
    /// The time limits.
    pub timeouts: &'static [Option<Duration>],
    /// The same as data.
    pub shape: &'static Shape,
}

impl<M: Machine> fmt::Debug for Table<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("shape", self.shape).finish_non_exhaustive()
    }
}
