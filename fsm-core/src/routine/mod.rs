//! Routines: points written as `async fn`.

mod join;
mod point;
mod select;

use core::fmt;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use std::cell::Cell;
use std::rc::Rc;

use crate::Message;
use crate::address::Address;
use crate::body::Body;
use crate::context::Context;
use crate::lifecycle::{Done, Stop, TimedOut};
use crate::name::{MessageId, short};
use crate::point::Lent;
use crate::timers::Charge;
use crate::value::{Fault, Value};
use crate::vocabulary::Vocabulary;

pub use point::{NewRoutine, routine};
pub use select::Select;

/// The `cx` of a routine: every operation of [`Vocabulary`], and those that wait: `select`, `sleep`, `run`, `request`,
/// `concurrently`, `sequentially`. A machine's handler does not wait and has none of these: it creates a
/// [`GetResponse`](crate::GetResponse) instead of a `request`, and has a cell for its `Completed`.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use core::time::Duration;
/// use statepoint::{Aborted, Fault, Kernel, Limits, Routine, TimedOut, Timeout, Vocabulary, routine};
///
/// async fn patient(cx: &mut Routine) -> Result<Aborted, Fault> {
///     cx.start(Duration::from_secs(1), Timeout);
///     cx.select::<Timeout>().await;
///     Ok(cx.select_within::<Aborted>(Duration::from_secs(3)).await?)
/// }
///
/// let mut kernel = Kernel::new(Limits::default());
/// kernel.create(routine(patient));
/// while let Some(deadline) = { kernel.run(100); kernel.next_deadline() } {
///     kernel.advance(deadline, 100);
/// }
/// assert!(kernel.take_result().expect("it ended").1.is::<TimedOut>());
/// ```
pub struct Routine(Rc<Shared>);

/// What a routine's future and the kernel pass to each other.
#[derive(Default)]
pub(crate) struct Shared {
    /// The context, for the length of one poll.
    cx: Cell<Lent>,
    /// The message at hand, until an operation looks at it.
    mail: Cell<Option<Body>>,
    /// Who sent the message at hand.
    sender: Cell<Address>,
    /// Who sent the last message taken.
    from: Cell<Address>,
    /// What the last `select` that took a message had listed; for the report of a panic.
    names: Cell<&'static [&'static str]>,
    /// An operation of this routine waits for a message.
    waits: Cell<bool>,
    /// What the operation that waits accepts and defers. When that changes, what was deferred comes again.
    listens: Cell<Option<Listens>>,
    /// `Stop` came, and was not listed.
    stopped: Cell<bool>,
}

/// What a `select` accepts and defers, as its functions. Two types whose functions are one listen to the same.
type Listens = [fn(MessageId) -> bool; 2];

/// Whether two operations listen to the same messages.
fn listen_alike(one: Option<Listens>, other: Option<Listens>) -> bool {
    match (one, other) {
        (Some([accepts, defers]), Some(other)) => {
            core::ptr::fn_addr_eq(accepts, other[0]) && core::ptr::fn_addr_eq(defers, other[1])
        }
        (None, None) => true,
        _ => false,
    }
}

/// The limit of a `select_within` or a `sleep` has passed.
#[derive(Clone, Copy, Message)]
#[message(name = "statepoint.Limit", local)]
struct Limit;

impl Routine {
    /// Waits for one of the messages that `S` lists: a message type, or an enum with `#[derive(Select)]`.
    ///
    /// Another message is unknown: counted, traced, dropped; `#[select(defer(A))]` keeps it for a later `select`. `Stop`, when `S` does not list it,
    /// ends the routine with [`Aborted`](crate::Aborted).
    pub async fn select<S: Select>(&mut self) -> S {
        poll_fn(|_| match self.look::<S>() {
            Some(Seen::Taken(message)) => Poll::Ready(message),
            Some(Seen::Limit) => {
                // That of a `select_within` which was dropped before it was ready.
                self.0.waits.set(true);
                Poll::Pending
            }
            None => Poll::Pending,
        })
        .await
    }

    /// Waits as [`Routine::select`] does, but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// [`TimedOut`], when none of the messages came in time.
    pub async fn select_within<S: Select>(&mut self, limit: Duration) -> Result<S, TimedOut> {
        self.start_limit(limit);
        poll_fn(|_| match self.look::<S>() {
            Some(Seen::Taken(message)) => {
                self.with(|cx| cx.cancel_timer(crate::context::SELECT_LIMIT, "limit"));
                Poll::Ready(Ok(message))
            }
            Some(Seen::Limit) => {
                let waiting_for = S::NAMES.iter().map(|name| short(name)).collect::<Vec<_>>().join(", ");
                Poll::Ready(Err(TimedOut { waiting_for, limit }))
            }
            None => Poll::Pending,
        })
        .await
    }

    /// Waits for `duration`. Messages that come meanwhile are deferred; `Stop` ends the routine.
    pub async fn sleep(&mut self, duration: Duration) {
        self.start_limit(duration);
        poll_fn(|_| match self.look::<select::Nothing>() {
            Some(Seen::Limit) => Poll::Ready(()),
            Some(Seen::Taken(_)) | None => Poll::Pending,
        })
        .await;
    }

    fn start_limit(&mut self, limit: Duration) {
        self.with(|cx| cx.start_timer(crate::context::SELECT_LIMIT, "limit", limit, Charge::Once(Body::new(Limit))));
    }

    /// Looks at the message at hand; `None` when the routine has to wait for the next one.
    fn look<S: Select>(&self) -> Option<Seen<S>> {
        let shared = &*self.0;
        let Some(body) = shared.mail.take() else {
            self.wait::<S>();
            return None;
        };
        let id = body.id();
        if S::accepts(id) {
            match S::take(body) {
                Ok(message) => {
                    shared.names.set(S::NAMES);
                    shared.from.set(shared.sender.get());
                    self.lend(|cx| cx.from = shared.sender.get());
                    return Some(Seen::Taken(message));
                }
                Err(refused) => self.lend(|cx| {
                    cx.from = shared.sender.get();
                    cx.note_refused(refused);
                    cx.from = shared.from.get();
                }),
            }
        } else if body.peek::<Limit>().is_some() {
            return Some(Seen::Limit);
        } else if body.peek::<Stop>().is_some() {
            // By value: what a peer calls a `Stop` stops nobody.
            shared.stopped.set(true);
        } else if S::defers(id) {
            self.lend(|cx| cx.kept = Some(body));
        } else {
            let expected: Vec<_> = S::NAMES.iter().map(|name| short(name)).collect();
            self.lend(|cx| {
                cx.from = shared.sender.get();
                cx.note_unknown(&body, &expected);
                cx.from = shared.from.get();
            });
        }
        self.wait::<S>();
        None
    }

    /// Notes that an operation waits, and for what.
    fn wait<S: Select>(&self) {
        self.0.waits.set(true);
        self.0.listens.set(Some([S::accepts, S::defers]));
    }

    /// Lends the context when there is one: the routine is being polled.
    fn lend_if_any(&self, work: impl FnOnce(&mut Context)) {
        let lent = self.0.cx.take();
        let is_lent = lent.is_some();
        self.0.cx.set(lent);
        if is_lent {
            self.lend(work);
        }
    }

    fn lend<R>(&self, work: impl FnOnce(&mut Context) -> R) -> R {
        /// Puts the context back also when `work` panics, which it may: it makes texts and messages by the user's code.
        struct Taken<'a>(&'a Cell<Lent>, Lent);
        impl Drop for Taken<'_> {
            fn drop(&mut self) {
                self.0.set(self.1.take());
            }
        }
        let mut taken = Taken(&self.0.cx, self.0.cx.take());
        let Some(cx) = &mut taken.1 else {
            unreachable!("a routine's `cx` was used while the routine was being dropped; a `Drop` has no context")
        };
        work(cx)
    }
}

/// What a look at the message at hand has found.
enum Seen<S> {
    Taken(S),
    Limit,
}

impl Vocabulary for Routine {
    fn with<R>(&mut self, work: impl FnOnce(&mut Context) -> R) -> R {
        self.lend(work)
    }

    fn view<R>(&self, work: impl FnOnce(&Context) -> R) -> R {
        self.lend(|cx| work(cx))
    }
}

impl fmt::Debug for Routine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Routine")
    }
}

/// What a routine may return: a message, a [`Value`], a [`Fault`], `()`, or a `Result` of them.
#[diagnostic::on_unimplemented(
    message = "a routine cannot return `{Self}`",
    label = "neither a message nor a `Result` of messages",
    note = "a routine returns a message, a `Value`, `()`, or a `Result` of one of them and a `Fault` or a message that means failure",
    note = "one that never ends returns `()` behind its loop, or is written `-> ()`"
)]
pub trait Outcome {
    /// The value that the routine completes with.
    fn into_value(self) -> Value;
}

impl<T: Message> Outcome for T {
    fn into_value(self) -> Value {
        Value::from(self)
    }
}

impl Outcome for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl Outcome for Fault {
    fn into_value(self) -> Value {
        Value::from(self)
    }
}

/// A routine that returns nothing completes with [`Done`].
impl Outcome for () {
    fn into_value(self) -> Value {
        Value::from(Done)
    }
}

impl<T: Outcome, E: Outcome> Outcome for Result<T, E> {
    fn into_value(self) -> Value {
        match self {
            Ok(value) => value.into_value(),
            Err(fault) => fault.into_value(),
        }
    }
}
