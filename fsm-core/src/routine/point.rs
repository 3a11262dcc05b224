//! How a routine is driven: one poll for each message.

use core::any::type_name;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Poll, Waker};
use std::rc::Rc;

use super::{Outcome, Routine, Shared};
use crate::body::Body;
use crate::lifecycle::{Aborted, ForeignAwait, Start};
use crate::message::Message as _;
use crate::name::{MessageId, message_id};
use crate::point::{Did, IntoPoint, Lent, Look, NewPoint, Place, Point};
use crate::value::Value;

/// A point written as an `async fn`. Give it to `create`.
///
/// A routine ends by returning; what it returns is the value of its `Completed`. Its name in the trace is that of the
/// function in which `routine` was called, unless it is [named](NewRoutine::named).
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Routine, Stop, Vocabulary, routine};
///
/// async fn child(cx: &mut Routine, greeting: String) -> Aborted {
///     cx.console(greeting);
///     cx.select::<Stop>().await;
///     Aborted
/// }
///
/// async fn parent(cx: &mut Routine) -> Aborted {
///     let greeting = String::from("hello");
///     let child = cx.create(routine(async move |cx| child(cx, greeting).await));
///     cx.stop(child);
///     Aborted
/// }
/// # let _ = routine(parent);
/// ```
pub fn routine<F, T>(work: F) -> NewRoutine
where
    F: AsyncFnOnce(&mut Routine) -> T + 'static,
    T: Outcome + 'static,
{
    let shared = Rc::new(Shared::default());
    let mut cx = Routine(Rc::clone(&shared));
    // The outer block owns the `Routine`, the inner future borrows it: no self-reference of our own making.
    let future = Box::pin(async move { work(&mut cx).await.into_value() });
    NewRoutine(RoutinePoint { shared, future, name: plain_name(type_name::<F>()), begun: false })
}

/// A routine that has not been created yet.
pub struct NewRoutine(RoutinePoint);

impl NewRoutine {
    /// Gives the routine this name in the trace.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.0.name = name;
        self
    }
}

impl fmt::Debug for NewRoutine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewRoutine({})", self.0.name)
    }
}

impl IntoPoint for NewRoutine {
    fn into_point(self) -> NewPoint {
        NewPoint(Box::new(self.0))
    }
}

/// `talk` of `program::talk<u8>`, of `program::talk::{{closure}}` and of `<program::Line as Talk>::talk`.
fn plain_name(path: &'static str) -> &'static str {
    let (mut depth, mut before) = (0_usize, ' ');
    // What stands between angle brackets is no part of the path. The arrow of a function's type is no bracket.
    let parts = path.split(|character| {
        match character {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = character;
        depth > 0 || matches!(character, ':' | '>')
    });
    parts.filter(|part| !part.is_empty() && !part.starts_with('{')).last().unwrap_or(path)
}

struct RoutinePoint {
    shared: Rc<Shared>,
    future: Pin<Box<dyn Future<Output = Value>>>,
    name: &'static str,
    /// It has had its `Start`; another one is a message like any other.
    begun: bool,
}

/// Lends the context for one poll, and takes it back also when the poll panics.
struct Loan<'a> {
    shared: &'a Shared,
    lent: &'a mut Lent,
}

impl<'a> Loan<'a> {
    fn new(shared: &'a Shared, lent: &'a mut Lent) -> Self {
        shared.cx.set(lent.take());
        Self { shared, lent }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        *self.lent = self.shared.cx.take();
    }
}

impl Point for RoutinePoint {
    fn receive(&mut self, body: Body, lent: &mut Lent) -> Did {
        let shared = &*self.shared;
        let Some(cx) = lent else { unreachable!("a routine is only driven by a kernel that has its context") };
        cx.handling = body.id();
        shared.sender.set(cx.from);
        if !core::mem::replace(&mut self.begun, true) && body.id() == Start::ID {
            shared.from.set(cx.from);
        } else {
            shared.mail.set(Some(body));
            cx.from = shared.from.get();
        }
        shared.waits.set(false);
        let listened = shared.listens.get();
        let polled = {
            let _loan = Loan::new(shared, lent);
            self.future.as_mut().poll(&mut core::task::Context::from_waker(Waker::noop()))
        };
        match polled {
            Poll::Ready(value) => Did::Ended(Box::new(value)),
            Poll::Pending if shared.stopped.get() => Did::Ended(Box::new(Aborted.into())),
            Poll::Pending if !shared.waits.get() => {
                Did::Ended(Box::new(ForeignAwait { routine: self.name.into() }.into()))
            }
            Poll::Pending if lent.as_ref().is_some_and(|cx| cx.kept.is_some()) => Did::Deferred,
            Poll::Pending if !super::listen_alike(listened, shared.listens.get()) => Did::Moved,
            Poll::Pending => Did::Stayed,
        }
    }

    fn touch(&self) {
        core::hint::black_box(self.shared.waits.get());
    }

    fn look(&self) -> Look {
        Look { name: self.name, state: "" }
    }

    fn cell(&self, _: MessageId) -> Place {
        Place::NOWHERE
    }

    fn message(&self, id: MessageId) -> &'static str {
        let listed = self.shared.names.get().iter().find(|name| message_id(name) == id);
        listed.copied().unwrap_or(if id == Start::ID { Start::NAME } else { "a message" })
    }
}
