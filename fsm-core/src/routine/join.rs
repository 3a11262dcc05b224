//! How a routine waits for others: for a child to end, for an answer.

use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;

use super::{Routine, select};
use crate::address::Address;
use crate::body::{Body, IntoBody};
use crate::codec::Refused;
use crate::compose::{Answer, Concurrently, FromValue, GetResponse, Overloaded, Sequentially};
use crate::head::QUIET;
use crate::lifecycle::{Completed, Stop};
use crate::point::IntoPoint;
use crate::value::{Fault, Value};
use crate::vocabulary::Vocabulary;

/// Waiting for others. What comes meanwhile is deferred, as in [`Routine::sleep`]; `Stop` stops those who are waited for, and
/// ends the routine.
impl Routine {
    /// Creates a child and waits until it has ended: what it completed with.
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// use statepoint::{Ack, Fault, Routine, routine};
    ///
    /// async fn parent(cx: &mut Routine) -> Result<Ack, Fault> {
    ///     cx.run(routine(async |_: &mut Routine| Ack)).await
    /// }
    /// # let _ = routine(parent);
    /// ```
    ///
    /// # Errors
    ///
    /// The child's value when it means failure; a fault when it is no `T`; [`Overloaded`] when there are as many points as there
    /// may be.
    pub async fn run<T: FromValue>(&mut self, point: impl IntoPoint) -> Result<T, Fault> {
        self.wait_for(point).await?.open()
    }

    /// Sends a message and waits for the answer, ten seconds at the most.
    ///
    /// The answer is the first message that comes to the address from which the question was sent, which is that of a
    /// [`GetResponse`], made for this one question. [`from`](Vocabulary::from) is then who answered.
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// use statepoint::{Ack, Address, Fault, Ping, Routine};
    ///
    /// async fn is_there(cx: &mut Routine, server: Address) -> Result<Ack, Fault> {
    ///     cx.request(server, Ping).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The answer, when it is one of the faults that every program knows, and `T` does not list it; a fault when it is no `T`, or
    /// does not fit; [`TimedOut`](crate::TimedOut), [`OutOfService`](crate::OutOfService), [`ConnectionLost`](crate::ConnectionLost) and
    /// [`Overloaded`] when there is none, as with `GetResponse`.
    pub async fn request<T: FromValue>(&mut self, to: Address, message: impl IntoBody) -> Result<T, Fault> {
        self.request_within(to, message, GetResponse::LIMIT).await
    }

    /// Sends a message and waits for the answer as [`Routine::request`] does, but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// As [`Routine::request`].
    pub async fn request_within<T: FromValue>(
        &mut self,
        to: Address,
        message: impl IntoBody,
        limit: Duration,
    ) -> Result<T, Fault> {
        let value = self.wait_for(GetResponse::new(to, message).within(limit).signed()).await?;
        let value = self.take_answer(value);
        // A fault that did not fit was refused already, by the point between.
        let is_fault = value.is_fault();
        let opened = value.open();
        if let Err(fault) = &opened
            && !is_fault
            && let Some(refused) = fault.peek::<Refused>()
        {
            self.lend(|cx| cx.note_refused(refused.clone()));
        }
        opened
    }

    /// Creates several children at once and waits until all have ended: what they completed with, in their order. The first fault
    /// stops the others.
    ///
    /// Takes an array or vector of points, or a tuple of points of different types; or a [`Concurrently`], which has options.
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// use core::time::Duration;
    /// use statepoint::{Ack, Address, Concurrently, Done, Fault, GetResponse, Ping, Routine, routine};
    ///
    /// async fn prepare(cx: &mut Routine, clock: Address) -> Result<Ack, Fault> {
    ///     let warm_up = routine(async |cx: &mut Routine| cx.sleep(Duration::from_secs(2)).await);
    ///     let (ack, Done) = cx.concurrently((GetResponse::new(clock, Ping), warm_up)).await?;
    ///     Ok(ack)
    /// }
    ///
    /// async fn roll_call(cx: &mut Routine, all: Vec<Address>) -> Result<Done, Fault> {
    ///     let questions = all.iter().map(|member| GetResponse::new(*member, Ping));
    ///     let answers: Vec<Result<Ack, Fault>> = cx.concurrently(Concurrently::new(questions).keep_faults()).await?;
    ///     assert_eq!(answers.len(), all.len());
    ///     Ok(Done)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The first fault; [`TimedOut`](crate::TimedOut) when the composition has a limit; a fault when `T` is of another shape, or a
    /// value of another type.
    pub async fn concurrently<T: FromValue>(&mut self, points: impl Into<Concurrently>) -> Result<T, Fault> {
        self.run(points.into()).await
    }

    /// Creates several children, each when the one before it has ended, and waits for the last: what they completed with. After a
    /// fault no more are created.
    ///
    /// Takes what [`Routine::concurrently`] takes, or a [`Sequentially`], which has options.
    ///
    /// # Errors
    ///
    /// As [`Routine::concurrently`].
    pub async fn sequentially<T: FromValue>(&mut self, points: impl Into<Sequentially>) -> Result<T, Fault> {
        self.run(points.into()).await
    }

    /// Takes the answer out of what the point between has completed with, and notes who sent it.
    fn take_answer(&mut self, value: Value) -> Value {
        let (value, from) = match value.take::<Answer>() {
            Ok(Answer(answer)) => {
                let from = answer.from();
                (Value::from(Body::from(answer)), from)
            }
            Err(fault) if fault.is_fault() => return fault, // nobody has answered
            // A test on the table has made the child complete with an answer.
            Err(value) => (value, self.0.sender.get()),
        };
        self.0.from.set(from);
        self.lend(|cx| cx.from = from);
        value
    }

    /// Creates a child and waits for its `Completed`.
    async fn wait_for(&mut self, point: impl IntoPoint) -> Result<Value, Fault> {
        let child = self.create(point);
        if child.is_none() {
            let explanation = "there is no room for another point".into();
            return Err(Overloaded { request: String::new(), explanation }.into());
        }
        let awaited = Awaited { routine: self, child };
        let value = poll_fn(|_| awaited.look()).await;
        Ok(value)
    }
}

/// A child that a routine waits for. When the routine stops waiting, the child is stopped, and its end is nobody's news.
struct Awaited<'a> {
    routine: &'a Routine,
    child: Address,
}

impl Awaited<'_> {
    /// Looks whether the message at hand is the child's end.
    fn look(&self) -> Poll<Value> {
        let shared = &*self.routine.0;
        if let Some(body) = shared.mail.take() {
            if shared.sender.get() == self.child && body.peek::<Completed>().is_some() {
                if let Ok(completed) = body.open::<Completed>() {
                    return Poll::Ready(completed.value);
                }
            } else if body.peek::<Stop>().is_some() {
                shared.stopped.set(true);
            } else if body.peek::<super::Limit>().is_none() {
                // The limit would be that of a `select_within` which was dropped before it was ready.
                self.routine.lend(|cx| cx.kept = Some(body));
            }
        }
        self.routine.wait::<select::Nothing>();
        Poll::Pending
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        // Without a context the routine itself has ended, and the kernel stops its children.
        self.routine.lend_if_any(|cx| {
            if cx.is_alive(self.child) {
                cx.heads[self.child.slot() as usize].set(QUIET);
                cx.stop(self.child);
            }
        });
    }
}
