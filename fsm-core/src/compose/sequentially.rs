//! Several points, one after the other.

use core::time::Duration;

use super::steps::{Steps, TimeLimit};
use crate::context::Context;
use crate::lifecycle::{Aborted, Completed, Start, Stop};
use crate::machine::{Machine, Next};
use crate::point::IntoPoint;
use crate::state_machine;

/// A point that creates several others, each when the one before it has ended, and completes with their values:
/// [`Values`](crate::Values), in their order.
///
/// The first fault ends it: it completes with that fault, and those that would have followed are never created. So does its
/// time limit, with [`TimedOut`](crate::TimedOut), and `Stop`, with [`Aborted`]. It never ends before the point it has created.
///
/// A machine creates it. A routine waits for one thing after another anyway; there it is for lists that are made elsewhere, by
/// [`Routine::sequentially`](crate::Routine::sequentially).
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Ack, Kernel, Limits, Routine, Sequentially, Value, Vocabulary, routine};
///
/// let rinse = routine(async |cx: &mut Routine| cx.console("rinsing"));
/// let dry = routine(async |_: &mut Routine| Ack);
/// let mut kernel = Kernel::new(Limits::default());
/// kernel.create(Sequentially::from((rinse, dry)));
/// kernel.run(100);
/// let (_, value) = kernel.take_result().expect("both have ended");
/// let ((), Ack) = value.open()?;
/// # Ok::<(), statepoint::Fault>(())
/// ```
#[derive(Debug)]
pub struct Sequentially(Steps);

/// One after the other is one at once.
const AT_ONCE: usize = 1;

impl Sequentially {
    /// Of these points, in this order: machines, [`routine`](crate::routine)s, other compositions. Points of different types go
    /// into a tuple: `Sequentially::from((one, another))`.
    pub fn new(points: impl IntoIterator<Item: IntoPoint>) -> Self {
        Self(Steps::new(points))
    }

    /// Ends all of it with `TimedOut` after `limit`. Without this there is no limit but those of the points.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Takes a fault for a value like any other: the next point is created nevertheless.
    #[must_use]
    pub fn keep_faults(mut self) -> Self {
        self.0.keeps_faults = true;
        self
    }
}

#[state_machine(INITIAL, RUNNING)]
impl Sequentially {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        match self.0.begin(AT_ONCE, cx) {
            None => Self::RUNNING,
            Some(value) => Self::complete(value),
        }
    }
    fn RUNNING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        match self.0.completed(completed.value, AT_ONCE, cx) {
            None => Self::RUNNING,
            Some(value) => Self::complete(value),
        }
    }
    fn RUNNING_TimeLimit(&mut self, _: TimeLimit) -> Next<Self> {
        Self::complete(self.0.too_late())
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

impl<P: IntoPoint> From<Vec<P>> for Sequentially {
    fn from(points: Vec<P>) -> Self {
        Self::new(points)
    }
}

impl<P: IntoPoint, const COUNT: usize> From<[P; COUNT]> for Sequentially {
    fn from(points: [P; COUNT]) -> Self {
        Self::new(points)
    }
}

super::tuples::from_tuples!(Sequentially);
