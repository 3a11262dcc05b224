//! What those who ask and those who serve say to each other, and what a composition completes with.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::Message;
use crate::value::Value;

/// Asks a point whether it is there. A point that serves others answers with [`Ack`].
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Ack, Context, Machine, Next, Ping, Stop, Vocabulary, state_machine};
///
/// struct Clock;
///
/// #[state_machine]
/// impl Clock {
///     fn ANY_Ping(&mut self, _: Ping, cx: &mut Context) -> Next<Self> {
///         cx.reply(Ack);
///         Next::STAY
///     }
///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
///         Self::complete(Aborted)
///     }
/// }
/// # fn main() { let _ = Clock; }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Ping")]
pub struct Ping;

/// Yes: the answer to [`Ping`], and to whatever needs no more of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Ack")]
pub struct Ack;

/// A service cannot take a request now, because others that it needs are not there. It will be back: ask again later.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{TemporarilyUnavailable, Value};
///
/// let fault = TemporarilyUnavailable { request: "Hello".into(), unavailable: vec!["clock".into(), "store".into()] };
/// assert_eq!(fault.to_string(), "temporarily unavailable (Hello; missing: clock, store)");
/// assert!(Value::from(fault).is_fault());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.TemporarilyUnavailable", fault)]
#[serde(default)]
pub struct TemporarilyUnavailable {
    /// What was asked for; may be empty.
    pub request: String,
    /// The names of those that are missing, as a group's `missing()` tells them; may be empty.
    pub unavailable: Vec<String>,
}

/// A service has more to do than it can: it has dropped this request. Ask again later, and less often.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::Overloaded;
///
/// let fault = Overloaded { request: "Hello".into(), explanation: "300 wait".into() };
/// assert_eq!(fault.to_string(), "overloaded (Hello; 300 wait)");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.Overloaded", fault)]
#[serde(default)]
pub struct Overloaded {
    /// What was asked for; may be empty.
    pub request: String,
    /// Why; may be empty.
    pub explanation: String,
}

/// A service does not take requests any more, or was taken out of service by hand. Asking again at this address is of no use.
///
/// It is also what a question to an address that leads nowhere any more ends with: it was not sent. Was that address beyond a
/// connection, the next connection to the same server gives another one.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::OutOfService;
///
/// let fault = OutOfService { request: "Hello".into(), ..OutOfService::default() };
/// assert_eq!(fault.to_string(), "out of service (Hello)");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.OutOfService", fault)]
#[serde(default)]
pub struct OutOfService {
    /// What was asked for; may be empty.
    pub request: String,
    /// Why; may be empty.
    pub explanation: String,
}

/// The connection has ended while a request was under way: it may have arrived, and been carried out, or not. Once there is a
/// connection again, ask again if a request that arrives twice does no harm.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{ConnectionLost, Value};
///
/// let fault = ConnectionLost { request: "Measure".into() };
/// assert!(fault.to_string().starts_with("the connection ended while Measure was under way: nobody can say whether it arrived"));
/// assert!(Value::from(fault).is_fault());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Message)]
#[message(name = "statepoint.ConnectionLost", fault)]
#[serde(default)]
pub struct ConnectionLost {
    /// What was asked for; may be empty.
    pub request: String,
}

/// `what (request; explanation)`, without what is empty.
fn tell(f: &mut fmt::Formatter<'_>, what: &str, request: &str, explanation: &str) -> fmt::Result {
    match (request.is_empty(), explanation.is_empty()) {
        (true, true) => f.write_str(what),
        (false, true) => write!(f, "{what} ({request})"),
        (true, false) => write!(f, "{what} ({explanation})"),
        (false, false) => write!(f, "{what} ({request}; {explanation})"),
    }
}

impl fmt::Display for TemporarilyUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = match self.unavailable.is_empty() {
            true => String::new(),
            false => format!("missing: {}", self.unavailable.join(", ")),
        };
        tell(f, "temporarily unavailable", &self.request, &missing)
    }
}

impl fmt::Display for Overloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell(f, "overloaded", &self.request, &self.explanation)
    }
}

impl fmt::Display for OutOfService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell(f, "out of service", &self.request, &self.explanation)
    }
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = if self.request.is_empty() { "a request" } else { &self.request };
        write!(
            f,
            "the connection ended while {request} was under way: nobody can say whether it arrived; connect again and ask again \
             if that does no harm"
        )
    }
}

// So that `?` takes them where a `Box<dyn Error>` is returned.
impl core::error::Error for TemporarilyUnavailable {}
impl core::error::Error for Overloaded {}
impl core::error::Error for OutOfService {}
impl core::error::Error for ConnectionLost {}

/// What several points have completed with, in the order in which the points were given: the value of
/// [`Concurrently`](crate::Concurrently) and [`Sequentially`](crate::Sequentially).
///
/// [`Value::open`](crate::Value::open) makes a vector, an array or a tuple of it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Ack, Done, Value, Values};
///
/// let value = Value::from(Values(vec![Ack.into(), Done.into()]));
/// let (Ack, Done) = value.open()?;
/// # Ok::<(), statepoint::Fault>(())
/// ```
#[derive(Debug, Message)]
#[message(name = "statepoint.Values", local)]
pub struct Values(pub Vec<Value>);
