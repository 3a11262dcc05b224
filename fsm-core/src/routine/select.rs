//! What a routine can wait for.

use crate::body::Body;
use crate::codec::Refused;
use crate::lifecycle::Stop;
use crate::message::Message;
use crate::name::MessageId;

/// What a `select` waits for: every message type, and enums with `#[derive(Select)]`.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// # fn main() {}
/// use statepoint::{Completed, Routine, Select, Stop, TimedOut, Value, Aborted};
///
/// #[derive(Select)]
/// #[select(defer(TimedOut))]
/// enum News {
///     Completed(Completed),
///     Stop(Stop),
/// }
///
/// async fn parent(cx: &mut Routine) -> Value {
///     match cx.select::<News>().await {
///         News::Completed(completed) => completed.value,
///         News::Stop(_) => Aborted.into(),
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected",
    label = "neither a message nor an enum of messages",
    note = "a `select` waits for a message, a type of yours with `#[derive(Message)]`, or for one of an enum of messages with `#[derive(Select)]`",
    note = "if nothing says for which, name it: `cx.select::<Welcome>().await`"
)]
pub trait Select: Sized {
    /// The names of the messages it lists.
    const NAMES: &'static [&'static str];
    /// Whether it lists `Stop`.
    const LISTS_STOP: bool;

    /// Whether it lists the message.
    fn accepts(id: MessageId) -> bool;

    /// Whether it keeps the message for a later `select`.
    fn defers(id: MessageId) -> bool;

    /// The message, opened.
    ///
    /// # Errors
    ///
    /// The body does not fit the message.
    fn take(body: Body) -> Result<Self, Refused>;
}

impl<T: Message> Select for T {
    const NAMES: &'static [&'static str] = &[T::NAME];
    const LISTS_STOP: bool = T::ID == Stop::ID;

    fn accepts(id: MessageId) -> bool {
        id == T::ID || T::ALSO.contains(&id)
    }

    fn defers(_: MessageId) -> bool {
        false
    }

    fn take(body: Body) -> Result<Self, Refused> {
        body.open()
    }
}

/// Lists nothing and defers everything: a routine that sleeps.
pub(super) enum Nothing {}

impl Select for Nothing {
    const NAMES: &'static [&'static str] = &[];
    const LISTS_STOP: bool = false;

    fn accepts(_: MessageId) -> bool {
        false
    }

    fn defers(_: MessageId) -> bool {
        true
    }

    fn take(body: Body) -> Result<Self, Refused> {
        Err(Refused::new("nothing", body.name(), "a sleeping routine takes no message"))
    }
}
