//! A question and its answer.

use core::time::Duration;

use super::{ConnectionLost, OutOfService, Overloaded, TemporarilyUnavailable};
use crate::address::Address;
use crate::body::{Body, IntoBody};
use crate::codec::Refused;
use crate::context::Context;
use crate::counters::Undelivered;
use crate::lifecycle::{Aborted, Faulted, ForeignAwait, Panicked, Start, Stop, TimedOut};
use crate::machine::{Machine, Next};
use crate::name::short;
use crate::unknown::Unknown;
use crate::value::Value;
use crate::vocabulary::Vocabulary as _;
use crate::{Message, state_machine};

/// A point that sends a message and completes with the answer.
///
/// It has an address of its own, and the first message that comes there is the answer, whoever sends it: the one who was asked,
/// or another one to whom the question was handed on. So an answer that comes too late meets nobody; it is never taken for that
/// to a later question, as it would be by a point that asks in its own name.
///
/// It completes with [`TimedOut`] when no answer comes within ten seconds, or what [`GetResponse::within`] says. When the question
/// becomes a dead letter it completes at once: with [`OutOfService`] when the point that should answer has ended before it looked
/// at the question; with [`Overloaded`] when there was no room for the question in a queue; with [`Faulted`] when the question
/// cannot be sent at all. It completes with [`ConnectionLost`] when the connection over which the question went has ended before an
/// answer came: nobody can say then whether it arrived. An answer from another process stays bytes until [`Value::open`] names its type, apart from
/// the faults that every program knows (`Aborted`, `TimedOut`, `Faulted`, `Overloaded` ..): those are opened, so that they are
/// known to mean failure.
///
/// A machine creates it; in a routine [`Routine::request`](crate::Routine::request) waits for it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{
///     Aborted, Ack, Address, Completed, Context, GetResponse, Harness, Machine, Next, Ping, Start, Stop, Vocabulary,
///     state_machine,
/// };
///
/// struct Doctor {
///     patient: Address,
/// }
///
/// #[state_machine(INITIAL, ASKING)]
/// impl Doctor {
///     fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
///         cx.create(GetResponse::new(self.patient, Ping));
///         Self::ASKING
///     }
///     fn ASKING_Completed(&mut self, completed: Completed) -> Next<Self> {
///         match completed.value.open::<Ack>() {
///             Ok(ack) => Self::complete(ack),
///             Err(fault) => Self::complete(fault),
///         }
///     }
///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
///         Self::complete(Aborted)
///     }
/// }
///
/// # fn main() {
/// let mut test = Harness::new(Doctor { patient: Address::NONE });
/// let step = test.start();
/// assert_eq!(step.created::<GetResponse>()[0].request::<Ping>(), Some(&Ping));
/// assert!(test.complete(step.children()[0], Ack).completed::<Ack>().is_some());
/// # }
/// ```
#[derive(Debug)]
pub struct GetResponse {
    to: Address,
    request: Option<Body>,
    limit: Duration,
    is_signed: bool,
    /// The name of the question, when it has been sent.
    asked: String,
}

/// An answer with its sender: for the routine that asked, since the sender of `Completed` is the point between.
#[derive(Debug, Message)]
#[message(name = "statepoint.compose.Answer", local)]
pub(crate) struct Answer(pub(crate) Unknown);

/// The answer has not come in time.
#[derive(Debug, Message)]
#[message(name = "statepoint.compose.NoAnswer", local)]
struct NoAnswer;

/// The question has become a dead letter.
#[derive(Debug, Message)]
#[message(name = "statepoint.compose.Returned", local)]
pub(crate) struct Returned {
    pub(crate) reason: Undelivered,
}

/// No connection is left over which an answer could come.
#[derive(Debug, Message)]
#[message(name = "statepoint.compose.Unanswerable", local)]
pub(crate) struct Unanswerable;

impl GetResponse {
    /// How long to wait for an answer unless told otherwise.
    pub const LIMIT: Duration = Duration::from_secs(10);

    /// Will send `request` to `to`.
    pub fn new(to: Address, request: impl IntoBody) -> Self {
        Self { to, request: Some(request.into_body()), limit: Self::LIMIT, is_signed: false, asked: String::new() }
    }

    /// Gives up after `limit`. `Duration::MAX` is longer than any program runs.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Completes with an [`Answer`].
    pub(crate) fn signed(self) -> Self {
        Self { is_signed: true, ..self }
    }

    /// Who is asked.
    pub fn to(&self) -> Address {
        self.to
    }

    /// What is asked, when it is a `T` and was not sent yet: for tests of those who create this.
    pub fn request<T: crate::Message>(&self) -> Option<&T> {
        self.request.as_ref()?.peek()
    }
}

#[state_machine(INITIAL, ASKING)]
impl GetResponse {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let Some(request) = self.request.take() else {
            unreachable!("`Start` comes once, and nothing else takes the request")
        };
        self.asked = short(request.name()).to_owned();
        cx.get_returned();
        cx.send(self.to, request);
        cx.start(self.limit, NoAnswer);
        Self::ASKING
    }
    fn ASKING_Unknown(&mut self, answer: Unknown, cx: &mut Context) -> Next<Self> {
        let from = answer.from();
        let body = open_fault(answer.into()).unwrap_or_else(|refused| {
            cx.note_refused(refused.clone());
            refused.into()
        });
        Self::complete(match self.is_signed {
            true => Answer(Unknown::new(body, from)).into(),
            false => Value::from(body),
        })
    }
    fn ASKING_NoAnswer(&mut self, _: NoAnswer) -> Next<Self> {
        Self::complete(TimedOut { waiting_for: format!("an answer to {}", self.asked), limit: self.limit })
    }
    fn ASKING_Returned(&mut self, returned: Returned) -> Next<Self> {
        let (request, explanation) = (self.asked.clone(), returned.reason.to_string());
        Self::complete(match returned.reason {
            // None of these was sent.
            Undelivered::Ended | Undelivered::NoSuchPoint | Undelivered::Gone | Undelivered::Disconnected => {
                Value::from(OutOfService { request, explanation })
            }
            Undelivered::Overflow | Undelivered::RunQueueFull | Undelivered::Congested => {
                Value::from(Overloaded { request, explanation })
            }
            _ => Value::from(Faulted { condition: format!("{request} cannot be sent"), explanation }),
        })
    }
    fn ASKING_Unanswerable(&mut self, _: Unanswerable) -> Next<Self> {
        Self::complete(ConnectionLost { request: core::mem::take(&mut self.asked) })
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Opens an answer that came as bytes when it is one of the faults that every program knows.
fn open_fault(answer: Body) -> Result<Body, Refused> {
    macro_rules! known {
        ($($fault:ty),*) => {
            match answer.id() {
                $(<$fault>::ID => answer.open::<$fault>().map(Body::new),)*
                _ => Ok(answer),
            }
        };
    }
    known!(
        Aborted,
        TimedOut,
        Faulted,
        Panicked,
        ForeignAwait,
        TemporarilyUnavailable,
        Overloaded,
        OutOfService,
        ConnectionLost
    )
}
