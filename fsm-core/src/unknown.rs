//! Messages for which a state has no cell.

use core::fmt;

use crate::address::Address;
use crate::body::{Body, IntoBody};
use crate::codec::Refused;
use crate::message::Message;
use crate::name::MessageId;

/// A message for which the state has no cell, in the hands of `STATE_Unknown`.
///
/// It can be looked at, opened, kept, or forwarded with its sender unchanged (`cx.forward(to, unknown)`).
pub struct Unknown {
    body: Body,
    from: Address,
}

impl Unknown {
    /// The message `body` that `from` sent.
    pub fn new(body: Body, from: Address) -> Self {
        Self { body, from }
    }

    /// The message's name.
    pub fn name(&self) -> &str {
        self.body.name()
    }

    /// The id of the message's name.
    pub fn id(&self) -> MessageId {
        self.body.id()
    }

    /// Who sent it.
    pub fn from(&self) -> Address {
        self.from
    }

    /// Whether it is a `T`, by its name.
    pub fn is<T: Message>(&self) -> bool {
        self.body.is::<T>()
    }

    /// The message as a `T`.
    ///
    /// # Errors
    ///
    /// It is a value of another type, or its bytes do not fit `T`.
    pub fn open<T: Message>(self) -> Result<T, Refused> {
        self.body.open()
    }
}

impl From<Unknown> for Body {
    fn from(unknown: Unknown) -> Self {
        unknown.body
    }
}

impl IntoBody for Unknown {
    fn into_body(self) -> Body {
        self.body
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unknown({:?} from {})", self.body, self.from)
    }
}
