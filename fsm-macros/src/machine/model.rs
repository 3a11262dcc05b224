//! What the passes hand to each other.
//!
//! `parse` gives [`Header`] and the methods, `analyse` gives a [`Machine`], `lower` adds a [`Table`], `check` judges both
//! and `codegen` writes them out. Everything compares with `==` (identifiers by their text, whatever their place).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::{Ident, Path, Type};

/// The name that stands for every state.
pub(super) const ANY: &str = "ANY";

/// What stands in the parentheses of `#[state_machine(..)]`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Header {
    /// The states, in order.
    pub(super) states: Vec<StateItem>,
    /// The groups, in order.
    pub(super) groups: Vec<GroupItem>,
    /// Some of it could not be read: a name may be missing above.
    pub(super) damaged: bool,
}

/// A state as declared.
#[derive(Debug, PartialEq)]
pub(super) struct StateItem {
    /// Its name.
    pub(super) name: Ident,
    /// The messages of `defer(..)`.
    pub(super) defers: Vec<Ident>,
    /// The time limit.
    pub(super) timeout: Timeout,
    /// The type of its data.
    pub(super) data: Data,
    /// A property could not be read: what is missing here may have been meant.
    pub(super) damaged: bool,
}

impl StateItem {
    /// A state without properties.
    pub(super) fn new(name: Ident) -> Self {
        Self { name, defers: Vec::new(), timeout: Timeout::None, data: Data::None, damaged: false }
    }
}

/// `UP = PENDING | LISTENING`
#[derive(Debug, PartialEq)]
pub(super) struct GroupItem {
    /// Its name.
    pub(super) name: Ident,
    /// The names of its states.
    pub(super) members: Vec<Ident>,
}

/// The time limit of a state.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Timeout {
    /// There is none.
    None,
    /// `timeout = "5s"`
    Literal {
        /// The text between the quotes.
        written: String,
        /// What it says.
        duration: Duration,
    },
    /// `timeout = LIMIT`: a `const` of type `Duration`.
    Constant(Path),
    /// There is one, but it could not be read.
    Broken,
}

/// The data of a state.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    /// There is none.
    None,
    /// `data = T`
    Type(Box<Type>),
    /// There is some, but its type could not be read.
    Broken,
}

/// A machine: names are resolved, and every handler fits its name.
#[derive(Debug, PartialEq)]
pub(super) struct Machine {
    /// The name of its type.
    pub(super) name: Ident,
    /// The doc comment on its `impl`.
    pub(super) doc: String,
    /// It was declared without states; it has one, named `ANY`, that no handler can return.
    pub(super) stateless: bool,
    /// The states, in the order of the header; the first is where it begins.
    pub(super) states: Vec<State>,
    /// The groups, in the order of the header.
    pub(super) groups: Vec<Group>,
    /// What the names of states and groups, and `ANY`, stand for in the names of handlers.
    pub(super) scopes: BTreeMap<String, Scope>,
    /// The messages that handlers take, in the order of the source: the columns of the table.
    pub(super) messages: Vec<Message>,
    /// The handlers, in the order of the source.
    pub(super) handlers: Vec<Handler>,
    /// What earlier errors leave open.
    pub(super) doubts: Doubts,
}

/// A state.
#[derive(Debug, PartialEq)]
pub(super) struct State {
    /// Its name.
    pub(super) name: Ident,
    /// What it defers.
    pub(super) defers: Vec<Deferral>,
    /// The time limit.
    pub(super) timeout: Timeout,
    /// Its data.
    pub(super) data: Data,
    /// See [`StateItem::damaged`].
    pub(super) damaged: bool,
}

/// A message that a state defers.
#[derive(Debug, PartialEq)]
pub(super) struct Deferral {
    /// The word in the header.
    pub(super) name: Ident,
    /// Its column.
    pub(super) message: usize,
}

/// A group of states.
#[derive(Debug, PartialEq)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: Ident,
    /// Its states.
    pub(super) members: BTreeSet<usize>,
}

/// A column.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    /// The name as handlers spell it.
    pub(super) name: String,
    /// The type as handlers spell it.
    pub(super) ty: Type,
}

/// A handler.
#[derive(Debug, PartialEq)]
pub(super) struct Handler {
    /// Its name: `PENDING_Listening`.
    pub(super) name: Ident,
    /// The states it serves.
    pub(super) scope: Scope,
    /// What it is called for.
    pub(super) role: Role,
    /// It takes the data of its state.
    pub(super) data: bool,
    /// It takes the context.
    pub(super) context: bool,
    /// Its doc comment.
    pub(super) doc: String,
    /// Where it may go.
    pub(super) edges: Edges,
}

/// The states a handler is written for, most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// One state.
    State(usize),
    /// The states of a group.
    Group(usize),
    /// Every state.
    Any,
}

/// What a handler is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The message of this column.
    Message(usize),
    /// A message without a cell.
    Unknown,
    /// Entering the state.
    Enter,
    /// Leaving the state.
    Exit,
}

/// Where a handler may go, as far as its tokens tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// The states it may return.
    pub(super) goes: BTreeSet<usize>,
    /// It may return `Next::STAY`.
    pub(super) stays: bool,
    /// It may end the machine.
    pub(super) ends: bool,
}

impl Edges {
    /// Adds those of another method; whether there was anything new.
    pub(super) fn absorb(&mut self, other: &Edges) -> bool {
        let before = (self.goes.len(), self.stays, self.ends);
        self.goes.extend(&other.goes);
        self.stays |= other.stays;
        self.ends |= other.ends;
        before != (self.goes.len(), self.stays, self.ends)
    }
}

/// What cannot be judged because of an earlier error, or because the code is unfinished. One mistake is one error.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Doubts {
    /// Some edges may be missing.
    pub(super) edges: bool,
    /// Handlers of these messages may be missing.
    pub(super) messages: BTreeSet<String>,
}

/// The table: which handler serves which state.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    /// By state and column.
    pub(super) cells: Vec<Vec<Cell>>,
    /// `STATE_Unknown`, by state.
    pub(super) unknown: Vec<Option<usize>>,
    /// `STATE_Enter`, by state.
    pub(super) enter: Vec<Option<usize>>,
    /// `STATE_Exit`, by state.
    pub(super) exit: Vec<Option<usize>>,
}

/// What a state does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing.
    None,
    /// Keeps it until the state changes.
    Defer,
    /// Calls this handler.
    Handler(usize),
}

impl Machine {
    /// The column of the message with this name.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.messages.iter().position(|message| message.name == name)
    }

    /// Whether a handler of `scope` serves `state` when nothing more specific does.
    pub(super) fn serves(&self, scope: Scope, state: usize) -> bool {
        match scope {
            Scope::State(own) => own == state,
            Scope::Group(group) => self.groups.get(group).is_some_and(|group| group.members.contains(&state)),
            Scope::Any => true,
        }
    }
}

/// Where an error about the whole machine is shown: at its first state, or at its name.
pub(super) fn heading(machine: &Machine) -> Span {
    match machine.states.first() {
        Some(first) if !machine.stateless => first.name.span(),
        _ => machine.name.span(),
    }
}
