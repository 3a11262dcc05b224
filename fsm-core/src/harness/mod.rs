//! The harness: one machine on the table, without a runtime.

mod desk;
mod step;

use core::fmt;
use core::time::Duration;

use crate::address::Address;
use crate::body::IntoBody;
use crate::coverage::Coverage;
use crate::lifecycle::{Completed, Start};
use crate::live::Live;
use crate::machine::{Machine, Next};
use crate::point::{IntoPoint, NewPoint, Point};
use crate::routine::NewRoutine;
use crate::value::IntoValue;

use desk::Desk;
pub use step::Step;

/// Tests one machine, or one routine, without a kernel: make it, put it in a state, hand it a message, look at what it did.
///
/// Time is virtual. Nothing that the machine sends goes anywhere; each [`Step`] tells of it. Deferral, recall, state
/// timeouts and timers work as in a kernel.
///
/// The methods panic when a test uses them in a way that cannot be meant, such as handing a message to a machine that has
/// ended.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use core::time::Duration;
/// use statepoint::{Context, Harness, Message, Next, Start, Stop, Timeout, Vocabulary, Aborted, Machine, state_machine};
///
/// #[derive(Debug, PartialEq, Message)]
/// #[message(local)]
/// struct Beep;
///
/// struct Kettle;
///
/// #[state_machine(COLD, HEATING(timeout = "3m"))]
/// impl Kettle {
///     fn COLD_Start(&mut self, _: Start) -> Next<Self> {
///         Self::HEATING
///     }
///     fn HEATING_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
///         cx.send(cx.parent(), Beep);
///         Self::COLD
///     }
///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
///         Self::complete(Aborted)
///     }
/// }
///
/// # fn main() {
/// let mut test = Harness::new(Kettle).put(Kettle::HEATING);
/// let step = test.advance(Duration::from_secs(180));
/// assert_eq!(step.sent_to::<Beep>(test.parent()), [&Beep]);
/// assert!(test.is_in(Kettle::COLD));
/// # }
/// ```
pub struct Harness<M: Machine> {
    live: Live<M>,
    desk: Desk,
}

impl<M: Machine> Harness<M> {
    /// Puts `machine` on the table, in its first state. It has not got its `Start` yet.
    pub fn new(machine: M) -> Self {
        let live = Live::new(machine);
        let mut desk = Desk::new();
        desk.arm_first(live.first_timeout());
        Self { live, desk }
    }

    /// Puts the machine in `state`, with its time limit armed. No handler, `Enter` or `Exit` runs.
    ///
    /// # Panics
    ///
    /// `state` is `Next::STAY` or an ending.
    #[must_use]
    pub fn put(mut self, state: Next<M>) -> Self {
        let Next::Go(state) = state else {
            panic!("expected a state, as `{}::STATE`, got {state:?}", M::TABLE.shape.machine)
        };
        let index = M::index(&state);
        self.live.state = state;
        self.desk.rearm(M::TABLE.timeouts[index]);
        self
    }

    /// Hands the machine its `Start`, from its parent.
    pub fn start(&mut self) -> Step {
        let parent = self.parent();
        self.give_from(parent, Start)
    }

    /// Hands the machine a message from [`Harness::peer`].
    pub fn give(&mut self, message: impl IntoBody) -> Step {
        let peer = self.peer();
        self.give_from(peer, message)
    }

    /// Hands the machine a message from `from`.
    pub fn give_from(&mut self, from: Address, message: impl IntoBody) -> Step {
        self.desk.give(&mut self.live, from, message.into_body())
    }

    /// Tells the machine that `child` has completed with `value`.
    pub fn complete(&mut self, child: Address, value: impl IntoValue) -> Step {
        self.give_from(child, Completed { value: value.into_value(), dropped: 0 })
    }

    /// Lets time pass; the timers that come due are handed to the machine, each at its moment.
    pub fn advance(&mut self, duration: Duration) -> Step {
        self.desk.advance(&mut self.live, duration)
    }

    /// Whether the machine is in this state. A state with data is compared by its name alone.
    pub fn is_in(&self, state: Next<M>) -> bool {
        !self.desk.has_ended() && matches!(&state, Next::Go(state) if M::index(state) == M::index(&self.live.state))
    }

    /// The name of the machine's state.
    pub fn state(&self) -> &'static str {
        self.live.look().state
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.live.machine
    }

    /// The machine, to be changed.
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.live.machine
    }

    /// The address of the machine.
    pub fn me(&self) -> Address {
        self.desk.me
    }

    /// The address of its parent.
    pub fn parent(&self) -> Address {
        self.desk.parent
    }

    /// The address of somebody else, from whom [`Harness::give`] hands it messages.
    pub fn peer(&self) -> Address {
        self.desk.peer
    }

    /// The address of one more somebody.
    pub fn stranger(&mut self) -> Address {
        self.desk.stranger()
    }

    /// Which cells and edges were taken so far.
    pub fn coverage(&self) -> &Coverage {
        &self.desk.coverage
    }
}

impl<M: Machine> fmt::Debug for Harness<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Harness({}[{}])", self.live.look().name, self.state())
    }
}

/// Tests one routine without a kernel, as [`Harness`] does a machine.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Routine, RoutineHarness, TimedOut, routine};
/// use core::time::Duration;
///
/// async fn patient(cx: &mut Routine) -> Result<Aborted, TimedOut> {
///     cx.select_within::<Aborted>(Duration::from_secs(3)).await
/// }
///
/// let mut test = RoutineHarness::new(routine(patient));
/// test.start();
/// let step = test.advance(Duration::from_secs(3));
/// assert!(step.completed::<TimedOut>().is_some());
/// ```
pub struct RoutineHarness {
    point: Box<dyn Point>,
    desk: Desk,
}

impl RoutineHarness {
    /// Puts the routine on the table. It has not got its `Start` yet.
    pub fn new(routine: NewRoutine) -> Self {
        let NewPoint(point) = routine.into_point();
        Self { point, desk: Desk::new() }
    }

    /// Hands the routine its `Start`, from its parent: it runs up to its first `select`.
    pub fn start(&mut self) -> Step {
        let parent = self.desk.parent;
        self.give_from(parent, Start)
    }

    /// Hands the routine a message from [`RoutineHarness::peer`].
    pub fn give(&mut self, message: impl IntoBody) -> Step {
        let peer = self.desk.peer;
        self.give_from(peer, message)
    }

    /// Hands the routine a message from `from`.
    pub fn give_from(&mut self, from: Address, message: impl IntoBody) -> Step {
        self.desk.give(&mut *self.point, from, message.into_body())
    }

    /// Tells the routine that `child` has completed with `value`.
    pub fn complete(&mut self, child: Address, value: impl IntoValue) -> Step {
        self.give_from(child, Completed { value: value.into_value(), dropped: 0 })
    }

    /// Lets time pass; the timers that come due are handed to the routine, each at its moment.
    pub fn advance(&mut self, duration: Duration) -> Step {
        self.desk.advance(&mut *self.point, duration)
    }

    /// The address of the routine.
    pub fn me(&self) -> Address {
        self.desk.me
    }

    /// The address of its parent.
    pub fn parent(&self) -> Address {
        self.desk.parent
    }

    /// The address of somebody else, from whom [`RoutineHarness::give`] hands it messages.
    pub fn peer(&self) -> Address {
        self.desk.peer
    }

    /// The address of one more somebody.
    pub fn stranger(&mut self) -> Address {
        self.desk.stranger()
    }
}

impl fmt::Debug for RoutineHarness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoutineHarness({})", self.point.look().name)
    }
}
