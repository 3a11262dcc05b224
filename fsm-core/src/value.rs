//! Values of a type that is not known where they arrive.

use core::fmt;

use crate::body::{Body, IntoBody};
use crate::compose::FromValue;
use crate::lifecycle::Faulted;
use crate::message::{FaultMessage, Message};

/// A value of a type that is not known here: what a point completed with.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Stop, Value};
///
/// let value = Value::from(Aborted);
/// assert!(value.is_fault());
/// let value = value.take::<Stop>().expect_err("it is no Stop");
/// assert_eq!(value.take::<Aborted>().expect("it is an Aborted"), Aborted);
/// ```
pub struct Value(Body);

impl Value {
    /// The name of the value's type.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The name of the value's type without its module path.
    pub fn short_name(&self) -> &str {
        self.0.short_name()
    }

    /// Whether the value is a `T`.
    pub fn is<T: Message>(&self) -> bool {
        self.0.is::<T>()
    }

    /// A look at the value, when it is a `T`.
    pub fn peek<T: Message>(&self) -> Option<&T> {
        self.0.peek()
    }

    /// The value as a `T`.
    ///
    /// # Errors
    ///
    /// The value itself, when it is not a `T`.
    pub fn take<T: Message>(self) -> Result<T, Self> {
        if !self.is::<T>() {
            return Err(self);
        }
        self.0.open().map_err(|refused| {
            Self::from(Faulted { condition: "a value cannot be opened".into(), explanation: refused.to_string() })
        })
    }

    /// The value as a `T`, which may be a message, an enum with `#[derive(Select)]`, or several of them: see
    /// [`FromValue`](crate::FromValue).
    ///
    /// # Errors
    ///
    /// The value itself when it means failure and `T` does not list it; a fault that says so when it is of another type, or is
    /// bytes that do not fit.
    pub fn open<T: FromValue>(self) -> Result<T, Fault> {
        T::from_value(self)
    }

    /// The value, or as an error the value that means failure.
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// use statepoint::{Aborted, Done, Value};
    ///
    /// assert!(Value::from(Done).into_result().is_ok());
    /// assert!(Value::from(Aborted).into_result().is_err_and(|fault| fault.is::<Aborted>()));
    /// ```
    ///
    /// # Errors
    ///
    /// The value means failure.
    pub fn into_result(self) -> Result<Self, Fault> {
        if self.is_fault() { Err(Fault(self)) } else { Ok(self) }
    }

    /// Whether the value means failure.
    pub fn is_fault(&self) -> bool {
        self.0.fault().is_some()
    }

    /// What to tell people, when the value means failure.
    pub fn fault(&self) -> Option<String> {
        self.0.fault()
    }

    /// The value for people, in the manner of the seed: the type's name, then a line for each field. `Display` shows it so too.
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// use statepoint::{Faulted, Value};
    ///
    /// let value = Value::from(Faulted { condition: "too warm".into(), explanation: "31 degrees".into() });
    /// assert_eq!(format!("{value}"), value.to_text());
    /// assert_eq!(value.to_text(), "Faulted\n+   condition: \"too warm\"\n+   explanation: \"31 degrees\"");
    /// ```
    pub fn to_text(&self) -> String {
        crate::render::text(&self.0)
    }

    pub(crate) fn body(&self) -> &Body {
        &self.0
    }

    /// The value as JSON. A local value, which has no serde, is its name.
    ///
    /// ```
    /// # extern crate fsm_core as statepoint;
    /// use statepoint::{Faulted, Value};
    ///
    /// let value = Value::from(Faulted { condition: "too warm".into(), explanation: String::new() });
    /// assert_eq!(value.to_json(), r#"{"condition":"too warm","explanation":""}"#);
    /// ```
    pub fn to_json(&self) -> String {
        crate::render::json(&self.0)
    }
}

impl<T: Message> From<T> for Value {
    fn from(message: T) -> Self {
        Self(Body::new(message))
    }
}

impl From<Body> for Value {
    fn from(body: Body) -> Self {
        Self(body)
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        value.0
    }
}

/// For people: as [`Value::to_text`], several lines when the value has fields. `{:?}` is one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A [`Value`] that is known to mean failure: the error of a routine.
///
/// Every message with `#[message(fault)]` converts into it, so `?` works on each of them. So does text, which becomes a
/// [`Faulted`]; of the error of another library [`Faulted::new`] makes one: `.map_err(Faulted::new)?`.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Fault, TimedOut};
///
/// fn late() -> Result<(), Fault> {
///     Err(TimedOut::default())?
/// }
///
/// assert!(late().unwrap_err().is::<TimedOut>());
/// assert_eq!(Fault::from("the door is open").to_string(), "the door is open");
/// ```
pub struct Fault(Value);

impl Fault {
    /// Whether the fault is a `T`.
    pub fn is<T: Message>(&self) -> bool {
        self.0.is::<T>()
    }

    /// A look at the fault, when it is a `T`.
    pub fn peek<T: Message>(&self) -> Option<&T> {
        self.0.peek()
    }
}

impl<T: FaultMessage> From<T> for Fault {
    fn from(fault: T) -> Self {
        Self(Value::from(fault))
    }
}

/// A failure in words, as a [`Faulted`].
impl From<&str> for Fault {
    fn from(condition: &str) -> Self {
        Faulted::new(condition).into()
    }
}

/// A failure in words, as a [`Faulted`].
impl From<String> for Fault {
    fn from(condition: String) -> Self {
        Faulted::new(condition).into()
    }
}

impl From<Fault> for Value {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

/// What a point can complete with: any [`Message`], a [`Value`], a [`Fault`], a [`Body`].
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Ack, IntoValue, Value};
///
/// assert!(Ack.into_value().is::<Ack>() && Value::from(Ack).into_value().is::<Ack>());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message, so no point can complete with it",
    label = "not a message",
    note = "a message is a type of yours with `#[derive(Serialize, Deserialize, Message)]`, or `#[derive(Message)] #[message(local)]` when it stays in its process; wrap a type that is not yours in one"
)]
pub trait IntoValue {
    /// Makes a value of it.
    fn into_value(self) -> Value;
}

impl<T: Message> IntoValue for T {
    fn into_value(self) -> Value {
        self.into()
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl IntoValue for Fault {
    fn into_value(self) -> Value {
        self.0
    }
}

impl IntoValue for Body {
    fn into_value(self) -> Value {
        Value(self)
    }
}

impl IntoBody for Value {
    fn into_body(self) -> Body {
        self.0
    }
}

impl IntoBody for Fault {
    fn into_body(self) -> Body {
        self.0.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.fault() {
            Some(text) => f.write_str(&text),
            None => f.write_str(self.0.name()),
        }
    }
}

impl core::error::Error for Fault {}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
