//! Messages: the typed values that points send to each other.

use core::any::Any;

use crate::codec::{EncodeError, Encoded, Refused};
use crate::name::{MessageId, message_id};

/// A typed value that is sent: usually `#[derive(Message)]` on a serde struct or enum.
///
/// A message has a name, which is what a peer sees, and an id, which is the name's hash. The default name is the module
/// path without its crate plus the type's name. Give messages that other programs know an explicit name, so that moving a
/// type to another module does not change what is on the wire:
///
/// ```
/// # extern crate fsm_core as statepoint;
/// # fn main() {}
/// use statepoint::Message;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Message)]
/// #[message(name = "hello_welcome.Hello")]
/// struct Hello {
///     my_name: String,
/// }
///
/// const _: () = assert!(Hello::ID == statepoint::message_id("hello_welcome.Hello"));
/// ```
///
/// | attribute | what it means |
/// |---|---|
/// | `#[message(name = "a.B")]` | the name, 1 to 256 bytes |
/// | `#[message(also = "old.B")]` | a former name that is still understood; may stand several times |
/// | `#[message(local)]` | stays in its process and needs no serde; sending it to a far address is a dead letter |
/// | `#[message(fault)]` | means failure; needs `Display`, the text for people |
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "not a message",
    note = "a message is a type of yours with `#[derive(Serialize, Deserialize, Message)]`, or `#[derive(Message)] #[message(local)]` when it stays in its process; wrap a type that is not yours in one"
)]
pub trait Message: Any + Sized {
    /// What a peer sees.
    const NAME: &'static str;
    /// The hash of [`Self::NAME`].
    const ID: MessageId = message_id(Self::NAME);
    /// The ids of former names.
    const ALSO: &'static [MessageId] = &[];
    /// Whether it stays in its process.
    const LOCAL: bool = false;

    /// What to tell people, when the message means failure.
    fn fault(&self) -> Option<String> {
        None
    }

    /// The message as bytes and addresses.
    ///
    /// # Errors
    ///
    /// The message is local, or its `Serialize` failed.
    fn encode(&self) -> Result<Encoded, EncodeError>;

    /// The message from bytes and addresses.
    ///
    /// # Errors
    ///
    /// The message is local, or the bytes do not fit the type.
    fn decode(encoded: Encoded) -> Result<Self, Refused>;
}

/// A message that means failure. `#[message(fault)]` implements it.
///
/// A routine's `Err` holds one as a [`Fault`](crate::Fault).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not mean failure",
    // `?` shows the label only.
    label = "no fault: derive it with `#[message(fault)]`, or `.map_err(Faulted::new)?`",
    note = "a fault is a message of yours with `#[message(fault)]` and `Display`; or make one of another error: `.map_err(Faulted::new)?`"
)]
pub trait FaultMessage: Message {}
