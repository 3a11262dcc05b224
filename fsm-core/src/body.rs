//! Bodies: what an envelope carries.

use core::any::Any;
use core::fmt;

use crate::codec::{EncodeError, Encoded, Refused};
use crate::envelope::Distant;
use crate::message::Message;
use crate::name::{MessageId, short};
use crate::unopened::{Lease, OVERHEAD, UnopenedBytes};

/// A message of any type, two words wide: a value, or bytes that nobody has opened yet.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Body, Message, Stop};
///
/// let body = Body::new(Aborted);
/// assert!(body.is::<Aborted>() && !body.is::<Stop>());
/// assert_eq!(body.open::<Aborted>(), Ok(Aborted));
/// ```
pub struct Body(Box<dyn Content>);

/// The object-safe half of a message.
trait Content: Any {
    fn id(&self) -> MessageId;
    fn name(&self) -> &str;
    fn is_local(&self) -> bool;
    fn fault(&self) -> Option<String>;
    fn encode(&self) -> Result<Encoded, EncodeError>;
}

impl<T: Message> Content for T {
    #[inline]
    fn id(&self) -> MessageId {
        T::ID
    }

    fn name(&self) -> &str {
        T::NAME
    }

    fn is_local(&self) -> bool {
        T::LOCAL
    }

    fn fault(&self) -> Option<String> {
        Message::fault(self)
    }

    fn encode(&self) -> Result<Encoded, EncodeError> {
        Message::encode(self)
    }
}

/// The bytes as they came. A wrapper, because `Encoded` itself could one day be somebody's message.
struct Unopened {
    encoded: Encoded,
    _lease: Option<Lease>,
}

impl Content for Unopened {
    fn id(&self) -> MessageId {
        self.encoded.id
    }

    fn name(&self) -> &str {
        &self.encoded.name
    }

    fn is_local(&self) -> bool {
        false
    }

    fn fault(&self) -> Option<String> {
        None
    }

    fn encode(&self) -> Result<Encoded, EncodeError> {
        Ok(self.encoded.clone())
    }
}

impl Content for Distant {
    fn id(&self) -> MessageId {
        self.body.id()
    }

    fn name(&self) -> &str {
        self.body.name()
    }

    fn is_local(&self) -> bool {
        self.body.is_local()
    }

    fn fault(&self) -> Option<String> {
        self.body.fault()
    }

    fn encode(&self) -> Result<Encoded, EncodeError> {
        self.body.encode()
    }
}

impl Body {
    /// A body with the far parts of its receiver and sender. Only the run queue holds such a one.
    pub(crate) fn distant(distant: Distant) -> Self {
        Self(Box::new(distant))
    }

    /// The way back from [`Body::distant`].
    pub(crate) fn into_distant(self) -> Option<Distant> {
        let content: Box<dyn Any> = self.0;
        content.downcast().ok().map(|distant| *distant)
    }

    /// The body of `message`.
    #[inline]
    pub fn new<T: Message>(message: T) -> Self {
        Self(Box::new(message))
    }

    /// A body that came over a connection.
    pub fn encoded(encoded: Encoded) -> Self {
        Self(Box::new(Unopened { encoded, _lease: None }))
    }

    /// The same, counted in `unopened` for as long as nobody has opened it, wherever it waits.
    pub fn encoded_in(encoded: Encoded, unopened: &UnopenedBytes) -> Self {
        let lease = unopened.lease(encoded.bytes.len() + size_of_val(&*encoded.addresses) + OVERHEAD);
        Self(Box::new(Unopened { encoded, _lease: Some(lease) }))
    }

    /// The id of the message's name.
    #[inline]
    pub fn id(&self) -> MessageId {
        self.0.id()
    }

    /// The message's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The message's name without its module path.
    pub fn short_name(&self) -> &str {
        short(self.0.name())
    }

    /// Whether the message is a `T`, by its name or a former name. A body that came over a connection may still be
    /// refused when it is opened.
    pub fn is<T: Message>(&self) -> bool {
        let id = self.id();
        id == T::ID || T::ALSO.contains(&id)
    }

    /// Whether the message must stay in its process.
    pub fn is_local(&self) -> bool {
        self.0.is_local()
    }

    /// Whether it is bytes that came over a connection and that nobody has opened.
    pub(crate) fn is_unopened(&self) -> bool {
        let content: &dyn Any = &*self.0;
        content.is::<Unopened>()
    }

    /// What to tell people, when the message is known to mean failure.
    pub fn fault(&self) -> Option<String> {
        self.0.fault()
    }

    /// The message, when it is a value of type `T`; `None` also while it is bytes.
    pub fn peek<T: Message>(&self) -> Option<&T> {
        let content: &dyn Any = &*self.0;
        content.downcast_ref()
    }

    /// The message as a `T`. Bytes are decoded here.
    ///
    /// # Errors
    ///
    /// It is a value of another type, or its bytes do not fit `T`.
    #[inline]
    pub fn open<T: Message>(self) -> Result<T, Refused> {
        let content: Box<dyn Any> = self.0;
        match content.downcast::<T>() {
            Ok(message) => Ok(*message),
            Err(content) => decode(content),
        }
    }

    /// The message as bytes.
    ///
    /// # Errors
    ///
    /// The message is local, or its `Serialize` failed.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        self.0.encode()
    }

    /// The message as bytes, without a copy when it is bytes already.
    ///
    /// # Errors
    ///
    /// As [`Body::encode`].
    pub fn into_encoded(self) -> Result<Encoded, EncodeError> {
        let content: &dyn Any = &*self.0;
        if !content.is::<Unopened>() {
            return self.0.encode();
        }
        let content: Box<dyn Any> = self.0;
        match content.downcast::<Unopened>() {
            Ok(unopened) => Ok(unopened.encoded),
            Err(_) => unreachable!("its type was looked at three lines above"),
        }
    }
}

#[cold]
fn decode<T: Message>(content: Box<dyn Any>) -> Result<T, Refused> {
    match content.downcast::<Unopened>() {
        Ok(unopened) => T::decode(unopened.encoded),
        Err(_) => Err(Refused::new(T::NAME, "another type", "it is a value of another type")),
    }
}

impl<T: Message> From<T> for Body {
    #[inline]
    fn from(message: T) -> Self {
        Self::new(message)
    }
}

/// What can be sent: any [`Message`], a [`Body`], an [`Unknown`](crate::Unknown) that is passed on, a [`Value`](crate::Value) or
/// [`Fault`](crate::Fault) with which another point has completed.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Ack, Body, IntoBody};
///
/// fn names(messages: impl IntoIterator<Item: IntoBody>) -> Vec<String> {
///     messages.into_iter().map(|message| message.into_body().name().to_owned()).collect()
/// }
/// assert_eq!(names([Ack]), names([Body::new(Ack)]));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "not a message",
    note = "a message is a type of yours with `#[derive(Serialize, Deserialize, Message)]`, or `#[derive(Message)] #[message(local)]` when it stays in its process; wrap a type that is not yours in one"
)]
pub trait IntoBody {
    /// Makes a body of it.
    fn into_body(self) -> Body;
}

impl<T: Message> IntoBody for T {
    #[inline]
    fn into_body(self) -> Body {
        Body::new(self)
    }
}

impl IntoBody for Body {
    #[inline]
    fn into_body(self) -> Body {
        self
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::render::debug(self, f)
    }
}
