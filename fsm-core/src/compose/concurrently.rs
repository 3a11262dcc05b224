//! Several points at once.

use core::time::Duration;

use super::steps::{Steps, TimeLimit};
use crate::context::Context;
use crate::lifecycle::{Aborted, Completed, Start, Stop};
use crate::machine::{Machine, Next};
use crate::point::IntoPoint;
use crate::state_machine;

/// A point that creates several others at once and completes with their values: [`Values`](crate::Values), in the order in
/// which the points were given.
///
/// The first fault ends it: the others are stopped, and it completes with that fault. So does its time limit, with
/// [`TimedOut`](crate::TimedOut), and `Stop`, with [`Aborted`]. It never ends before the points it has created.
///
/// A machine creates it; in a routine [`Routine::concurrently`](crate::Routine::concurrently) waits for it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use core::time::Duration;
/// use statepoint::{
///     Aborted, Ack, Address, Completed, Concurrently, Context, Fault, GetResponse, Machine, Next, Ping, Start, Stop,
///     Vocabulary, state_machine,
/// };
///
/// struct RollCall {
///     members: Vec<Address>,
/// }
///
/// #[state_machine(INITIAL, ASKING)]
/// impl RollCall {
///     fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
///         let questions = self.members.iter().map(|member| GetResponse::new(*member, Ping));
///         cx.create(Concurrently::new(questions).keep_faults().within(Duration::from_secs(30)));
///         Self::ASKING
///     }
///     fn ASKING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
///         match completed.value.open::<Vec<Result<Ack, Fault>>>() {
///             Ok(answers) => cx.console(format_args!("{} are there", answers.iter().flatten().count())),
///             Err(fault) => cx.console(fault),
///         }
///         Self::complete(Ack)
///     }
///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
///         Self::complete(Aborted)
///     }
/// }
/// # fn main() { let _ = RollCall { members: vec![] }; }
/// ```
#[derive(Debug)]
pub struct Concurrently {
    steps: Steps,
    at_once: usize,
}

impl Concurrently {
    /// Of these points: machines, [`routine`](crate::routine)s, other compositions. Points of different types go into a tuple:
    /// `Concurrently::from((one, another))`.
    pub fn new(points: impl IntoIterator<Item: IntoPoint>) -> Self {
        Self { steps: Steps::new(points), at_once: usize::MAX }
    }

    /// Ends all of it with `TimedOut` after `limit`. Without this there is no limit but those of the points.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.steps.limit = Some(limit);
        self
    }

    /// Takes a fault for a value like any other: every point is waited for.
    #[must_use]
    pub fn keep_faults(mut self) -> Self {
        self.steps.keeps_faults = true;
        self
    }

    /// Lets at most `count` points run at once, and at least one; the others are created as these end.
    #[must_use]
    pub fn at_once(self, count: usize) -> Self {
        Self { at_once: count.max(1), ..self }
    }
}

#[state_machine(INITIAL, RUNNING)]
impl Concurrently {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        match self.steps.begin(self.at_once, cx) {
            None => Self::RUNNING,
            Some(value) => Self::complete(value),
        }
    }
    fn RUNNING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        match self.steps.completed(completed.value, self.at_once, cx) {
            None => Self::RUNNING,
            Some(value) => Self::complete(value),
        }
    }
    fn RUNNING_TimeLimit(&mut self, _: TimeLimit) -> Next<Self> {
        Self::complete(self.steps.too_late())
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

impl<P: IntoPoint> From<Vec<P>> for Concurrently {
    fn from(points: Vec<P>) -> Self {
        Self::new(points)
    }
}

impl<P: IntoPoint, const COUNT: usize> From<[P; COUNT]> for Concurrently {
    fn from(points: [P; COUNT]) -> Self {
        Self::new(points)
    }
}

super::tuples::from_tuples!(Concurrently);
