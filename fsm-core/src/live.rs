//! How a machine is driven: dispatch through its table.

use core::hint::black_box;
use core::mem::discriminant;
use core::time::Duration;

use crate::body::Body;
use crate::context::Context;
use crate::lifecycle::{Completed, Start, Stop};
use crate::machine::{Cell, Machine, Next};
use crate::message::Message as _;
use crate::name::MessageId;
use crate::point::{Did, IntoPoint, Lent, Look, NewPoint, Place, Point};
use crate::shape::Shape;
use crate::unknown::Unknown;

/// A machine and its state.
pub(crate) struct Live<M: Machine> {
    pub(crate) machine: M,
    pub(crate) state: M::State,
}

impl<M: Machine> Live<M> {
    /// Whether any state has data, so that entering it from itself means something.
    const HAS_DATA: bool = {
        let states = M::TABLE.shape.states;
        let (mut state, mut found) = (0, false);
        while state < states.len() {
            found |= states[state].data.is_some();
            state += 1;
        }
        found
    };

    pub(crate) fn new(machine: M) -> Self {
        Self { machine, state: M::first() }
    }

    /// Gives a message to the state's cell.
    #[inline]
    pub(crate) fn dispatch(&mut self, body: Body, cx: &mut Context) -> Did {
        let id = body.id();
        cx.handling = id;
        let state = M::index(&self.state);
        let Some(column) = M::column(id) else { return self.otherwise(state, id, body, cx) };
        match &M::TABLE.cells[state][column] {
            Cell::Call(handler) => {
                let next = handler(&mut self.machine, &mut self.state, body, cx);
                self.follow(state, Some(column), next, cx)
            }
            Cell::Defer => {
                cx.kept = Some(body);
                Did::Deferred
            }
            Cell::Unknown => self.otherwise(state, id, body, cx),
        }
    }

    #[inline]
    fn follow(&mut self, from: usize, column: Option<usize>, next: Next<M>, cx: &mut Context) -> Did {
        if cfg!(debug_assertions) {
            check_edge::<M>(from, column, &next);
        }
        match next {
            Next::Stay => Did::Stayed,
            Next::Go(to) => {
                let index = M::index(&to);
                if index == from && (!Self::HAS_DATA || M::TABLE.shape.states[index].data.is_none()) {
                    return Did::Stayed;
                }
                self.change(from, to, index, cx);
                Did::Moved
            }
            Next::End(value) => Did::Ended(value),
        }
    }

    /// Leaves one state and enters another.
    pub(crate) fn change(&mut self, from: usize, to: M::State, index: usize, cx: &mut Context) {
        self.machine.exit(&mut self.state, cx);
        if M::TABLE.timeouts[from].is_some() {
            cx.disarm();
        }
        self.state = to;
        if let Some(limit) = M::TABLE.timeouts[index] {
            cx.arm(limit);
        }
        self.machine.enter(&mut self.state, cx);
    }

    /// A message without a cell.
    #[cold]
    fn otherwise(&mut self, state: usize, id: MessageId, body: Body, cx: &mut Context) -> Did {
        match M::TABLE.unknown[state] {
            Some(handler) if !is_lifecycle(id) => {
                let unknown = Unknown::new(body, cx.from);
                let next = handler(&mut self.machine, &mut self.state, unknown, cx);
                self.follow(state, None, next, cx)
            }
            _ => {
                let expected: Vec<_> = M::TABLE.shape.expected(state).collect();
                cx.note_unknown(&body, &expected);
                Did::Stayed
            }
        }
    }
}

/// Messages that `STATE_Unknown` never catches: a machine that forgets one of them should be told.
fn is_lifecycle(id: MessageId) -> bool {
    id == Start::ID || id == Stop::ID || id == Completed::ID
}

/// The diagram is drawn from the edges that the macro found. Here it is held to them.
fn check_edge<M: Machine>(state: usize, column: Option<usize>, next: &Next<M>) {
    let shape: &Shape = M::TABLE.shape;
    let handler = match column {
        Some(column) => shape.handler(state, column),
        None => shape.unknown[state].and_then(|index| shape.handlers.get(index)),
    };
    let Some(handler) = handler else { return };
    if let Next::Go(to) = next {
        let to = M::index(to);
        assert!(
            handler.goes.contains(&to),
            "`{}` of `{}` went to `{to}`, which its body does not show; put `#[goes({to})]` on it",
            handler.name,
            shape.machine,
            to = shape.state_name(to),
        );
    }
}

impl<M: Machine> Point for Live<M> {
    #[inline]
    fn receive(&mut self, body: Body, lent: &mut Lent) -> Did {
        let Some(cx) = lent else { unreachable!("a machine is only driven by a kernel that has its context") };
        self.dispatch(body, cx)
    }

    fn touch(&self) {
        black_box(discriminant(&self.state));
    }

    fn look(&self) -> Look {
        let shape = M::TABLE.shape;
        Look { name: shape.machine, state: shape.state_name(M::index(&self.state)) }
    }

    fn cell(&self, id: MessageId) -> Place {
        Place { shape: Some(M::TABLE.shape), state: M::index(&self.state), column: M::column(id) }
    }

    fn message(&self, id: MessageId) -> &'static str {
        M::column(id)
            .and_then(|column| M::TABLE.shape.messages.get(column).copied())
            .unwrap_or("a message without a cell")
    }

    fn first_timeout(&self) -> Option<Duration> {
        M::TABLE.timeouts.first().copied().flatten()
    }
}

impl<M: Machine> IntoPoint for M {
    fn into_point(self) -> NewPoint {
        NewPoint(Box::new(Live::new(self)))
    }
}
