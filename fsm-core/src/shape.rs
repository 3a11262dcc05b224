//! The shape of a machine: its table as data for diagrams, traces, coverage and inspectors.

/// Everything about a machine's table that can be said without its types.
///
/// `#[state_machine]` writes it; [`Machine::TABLE`](crate::Machine::TABLE) holds it. Diagrams, the matrix, the trace and
/// transition coverage all come from it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{CellShape, HandlerShape, Shape, StateShape};
///
/// const SHAPE: Shape = Shape {
///     machine: "Lamp",
///     doc: "",
///     states: &[StateShape { name: "OFF", data: None, timeout: None }],
///     messages: &["Stop"],
///     handlers: &[HandlerShape { name: "OFF_Stop", doc: "", goes: &[], stays: false, ends: true }],
///     cells: &[&[CellShape::Handler(0)]],
///     unknown: &[None],
///     enter: &[None],
///     exit: &[None],
/// };
/// assert_eq!(SHAPE.handler(0, 0).map(|handler| handler.name), Some("OFF_Stop"));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    /// The machine's name.
    pub machine: &'static str,
    /// The doc comment on its `impl`.
    pub doc: &'static str,
    /// The states, in the order of the header; the first is where a machine begins.
    pub states: &'static [StateShape],
    /// The messages by column, as the handlers' names spell them.
    pub messages: &'static [&'static str],
    /// Every handler, in the order of the source.
    pub handlers: &'static [HandlerShape],
    /// What happens to a message, by state and column.
    pub cells: &'static [&'static [CellShape]],
    /// The handler of messages without a cell, by state.
    pub unknown: &'static [Option<usize>],
    /// What runs when a state is entered, by state.
    pub enter: &'static [Option<usize>],
    /// What runs when a state is left, by state.
    pub exit: &'static [Option<usize>],
}

/// A state as the header of the machine declares it.
#[derive(Debug, PartialEq, Eq)]
pub struct StateShape {
    /// Its name.
    pub name: &'static str,
    /// The type of its data, as written.
    pub data: Option<&'static str>,
    /// Its time limit, as written.
    pub timeout: Option<&'static str>,
}

/// A handler, and where it may go.
#[derive(Debug, PartialEq, Eq)]
pub struct HandlerShape {
    /// Its name, as in the source: `PENDING_Listening`, `ANY_Stop`.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// The states it may go to.
    pub goes: &'static [usize],
    /// Whether it may stay by `Next::STAY`.
    pub stays: bool,
    /// Whether it may end the machine.
    pub ends: bool,
}

/// What a state does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellShape {
    /// Nothing is written for it.
    None,
    /// It is deferred until the state changes.
    Defer,
    /// The handler with this index takes it.
    Handler(usize),
}

impl Shape {
    /// The handler of the cell, when it has one.
    pub fn handler(&self, state: usize, column: usize) -> Option<&'static HandlerShape> {
        match self.cells.get(state)?.get(column)? {
            CellShape::Handler(index) => self.handlers.get(*index),
            CellShape::None | CellShape::Defer => None,
        }
    }

    /// The name of the state, empty when there is no such state.
    pub fn state_name(&self, state: usize) -> &'static str {
        self.states.get(state).map_or("", |state| state.name)
    }

    /// The messages for which the state has a cell: what was expected when something else came.
    pub fn expected(&self, state: usize) -> impl Iterator<Item = &'static str> {
        let cells = self.cells.get(state).copied().unwrap_or_default();
        self.messages.iter().zip(cells).filter(|(_, cell)| **cell != CellShape::None).map(|(name, _)| *name)
    }
}
