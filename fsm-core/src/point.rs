//! Points: what a kernel drives.

use core::time::Duration;

use crate::body::Body;
use crate::context::Context;
use crate::name::MessageId;
use crate::value::Value;

/// The context, lent to a point for the length of one message. It is `None` only while a routine holds it.
pub(crate) type Lent = Option<Box<Context>>;

/// What has become of a message.
pub(crate) enum Did {
    /// It was handled; the point stays in its state.
    Stayed,
    /// It was handled; the state has changed.
    Moved,
    /// The state defers it: it lies in `Context::kept`.
    Deferred,
    /// The point has ended.
    Ended(Box<Value>),
}

/// What is known of a point beside its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The name of the machine or routine.
    pub(crate) name: &'static str,
    /// The state's name; empty for a routine.
    pub(crate) state: &'static str,
}

/// A machine or a routine in its slot.
pub(crate) trait Point: core::any::Any {
    fn receive(&mut self, body: Body, lent: &mut Lent) -> Did;
    /// Reads what the next message will need, so that it is in the processor's cache. Runs no code of the user.
    fn touch(&self);
    fn look(&self) -> Look;
    /// The cell that would take the message now.
    fn cell(&self, id: MessageId) -> Place;
    /// The name of the message in the source, for a message that panicked.
    fn message(&self, id: MessageId) -> &'static str;
    /// The time limit of the state that the point is in before anything has happened.
    fn first_timeout(&self) -> Option<Duration> {
        None
    }
}

/// A cell of a table, for the trace and for coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) shape: Option<&'static crate::shape::Shape>,
    pub(crate) state: usize,
    pub(crate) column: Option<usize>,
}

impl Place {
    pub(crate) const NOWHERE: Self = Self { shape: None, state: 0, column: None };

    /// The name of the handler, when there is one.
    pub(crate) fn handler(&self) -> Option<&'static str> {
        let shape = self.shape?;
        match self.column {
            Some(column) => match shape.handler(self.state, column) {
                Some(handler) => Some(handler.name),
                None => self.fallback(),
            },
            None => self.fallback(),
        }
    }

    fn fallback(&self) -> Option<&'static str> {
        let shape = self.shape?;
        let index = (*shape.unknown.get(self.state)?)?;
        shape.handlers.get(index).map(|handler| handler.name)
    }
}

/// A point that has not been given to a kernel yet.
pub struct NewPoint(pub(crate) Box<dyn Point>);

impl core::fmt::Debug for NewPoint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "NewPoint({})", self.0.look().name)
    }
}

/// What `create` takes: a machine, or [`routine`](crate::routine).
pub trait IntoPoint {
    /// The point, ready to be given to a kernel.
    fn into_point(self) -> NewPoint;
}

/// How to make a point, as often as needed.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Create, Done, Kernel, Limits, routine};
///
/// let create = Create::new(|| routine(async |_| Done));
/// let mut kernel = Kernel::new(Limits::default());
/// assert_ne!(kernel.create(&create), kernel.create(&create));
/// ```
#[derive(Clone)]
pub struct Create(std::rc::Rc<dyn Fn() -> NewPoint>);

impl Create {
    /// Makes points by calling `create`.
    pub fn new<P: IntoPoint>(create: impl Fn() -> P + 'static) -> Self {
        Self(std::rc::Rc::new(move || create().into_point()))
    }
}

impl IntoPoint for &Create {
    fn into_point(self) -> NewPoint {
        (self.0)()
    }
}

/// A point that was made before it was known who creates it.
impl IntoPoint for NewPoint {
    fn into_point(self) -> NewPoint {
        self
    }
}

impl core::fmt::Debug for Create {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Create")
    }
}
