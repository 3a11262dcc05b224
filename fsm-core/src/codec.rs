//! Bodies as bytes: MessagePack maps with field names, and the addresses beside them.

use core::fmt;
use std::io::ErrorKind;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::Message;
use crate::address::{self, Address};
use crate::announced;
use crate::name::{MessageId, Name};

/// How deep the containers of a body may nest.
///
/// The default of the decoder underneath, 1,024, overflows a stack of 2 MiB in a debug build, which no isolation catches.
pub const MAX_DEPTH: usize = 64;

/// A message that is not, or not yet, a value: bytes that came over a connection, or that go over one.
///
/// It is decoded by whoever takes it, once a cell of a machine, a `select` or [`Unknown::open`](crate::Unknown::open)
/// has named the type. Forwarding, deferring and dropping never decode.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Message};
///
/// let encoded = Aborted.encode()?;
/// assert_eq!(&*encoded.name, Aborted::NAME);
/// assert_eq!(Aborted::decode(encoded), Ok(Aborted));
/// # Ok::<(), statepoint::EncodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The message's name.
    pub name: Name,
    /// The hash of the name.
    pub id: MessageId,
    /// The body: MessagePack, structs as maps with field names, an address as its index in `addresses`.
    pub bytes: Vec<u8>,
    /// The addresses that the body mentions.
    pub addresses: Vec<Address>,
}

/// Why a message could not be written as bytes. The sender is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message is `#[message(local)]`.
    Local {
        /// Its name.
        name: &'static str,
    },
    /// Its `Serialize` failed.
    Serialize {
        /// Its name.
        name: &'static str,
        /// What the serialiser said.
        reason: String,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { name } => {
                write!(
                    f,
                    "`{name}` is a local message and stays in its process; send a message without `#[message(local)]`"
                )
            }
            Self::Serialize { name, reason } => write!(f, "`{name}` cannot be written: {reason}"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Why a body was refused by the type that should take it. Usually the peer is to blame.
///
/// It is a fault, so in a routine `?` takes it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Encoded, Message, TimedOut};
///
/// let mut encoded = TimedOut::default().encode()?;
/// encoded.bytes.truncate(1);
/// let refused = TimedOut::decode(encoded).expect_err("bytes are missing");
/// assert_eq!(refused.expected(), TimedOut::NAME);
/// # Ok::<(), statepoint::EncodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Message)]
#[message(name = "statepoint.Refused", local, fault)]
pub struct Refused(Box<Reason>);

#[derive(Clone, PartialEq, Eq)]
struct Reason {
    expected: &'static str,
    got: String,
    text: String,
}

impl Refused {
    pub(crate) fn new(expected: &'static str, got: &str, text: impl Into<String>) -> Self {
        Self(Box::new(Reason { expected, got: got.into(), text: text.into() }))
    }

    /// The name of the type that should take the body.
    pub fn expected(&self) -> &'static str {
        self.0.expected
    }

    /// The name that the message came with.
    pub fn got(&self) -> &str {
        &self.0.got
    }

    /// What the decoder said.
    pub fn reason(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reason { expected, got, text } = &*self.0;
        if expected == got {
            return write!(f, "the body of `{expected}` does not fit: {text}");
        }
        write!(f, "expected a body of `{expected}`, got `{got}` whose body does not fit: {text}")
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({self})")
    }
}

impl core::error::Error for Refused {}

/// What `#[derive(Message)]` calls for a message that may leave its process.
///
/// # Errors
///
/// The message's `Serialize` failed.
pub fn encode<T: Message + Serialize>(message: &T) -> Result<Encoded, EncodeError> {
    let (bytes, addresses) = to_bytes(message).map_err(|reason| EncodeError::Serialize { name: T::NAME, reason })?;
    Ok(Encoded { name: Name::Static(T::NAME), id: T::ID, bytes, addresses })
}

/// What `#[derive(Message)]` calls for a local message.
///
/// # Errors
///
/// Always: [`EncodeError::Local`].
pub fn encode_local<T: Message>(_: &T) -> Result<Encoded, EncodeError> {
    Err(EncodeError::Local { name: T::NAME })
}

/// What `#[derive(Message)]` calls for a message that may come from another process.
///
/// # Errors
///
/// The bytes do not fit the type, or something follows the body.
pub fn decode<T: Message + DeserializeOwned>(encoded: Encoded) -> Result<T, Refused> {
    let Encoded { name, bytes, addresses, .. } = encoded;
    from_bytes(&bytes, addresses).map_err(|reason| Refused::new(T::NAME, &name, reason))
}

/// What `#[derive(Message)]` calls for a local message.
///
/// # Errors
///
/// Always: a local message never comes from another process, so a peer that sends its name is lying.
pub fn decode_local<T: Message>(encoded: Encoded) -> Result<T, Refused> {
    Err(Refused::new(T::NAME, &encoded.name, "it is a local message, which no peer can send"))
}

/// Serialises `value` with its addresses put beside it.
///
/// Types that have two forms, as a network address or a UUID, take the one for people, here and in [`from_bytes`]: behind
/// `flatten` and in untagged enums serde expects that one, whatever was written.
pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Result<(Vec<u8>, Vec<Address>), String> {
    let mut bytes = Vec::with_capacity(64);
    let mut encoder = rmp_serde::Serializer::new(&mut bytes).with_struct_map().with_human_readable();
    let (done, addresses) = address::lend(Vec::new(), || value.serialize(&mut encoder));
    done.map(|()| (bytes, addresses)).map_err(|error| error.to_string())
}

/// The one place where a MessagePack decoder is made, so that every one has the same limit of depth.
pub(crate) fn from_bytes<T: for<'de> Deserialize<'de>>(bytes: &[u8], addresses: Vec<Address>) -> Result<T, String> {
    if announced::exceeds(bytes) {
        return Err("expected as many elements as a list or map announces, got fewer bytes".into());
    }
    let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
    decoder.set_max_depth(MAX_DEPTH);
    let (done, _) = address::lend(addresses, || T::deserialize(&mut decoder));
    let value = done.map_err(|error| error.to_string())?;
    // The decoder does not tell how far it came, but it does tell when there is nothing left to come to.
    match IgnoredAny::deserialize(&mut decoder) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(error)) if error.kind() == ErrorKind::UnexpectedEof => {
            Ok(value)
        }
        _ => Err("expected the end of the body, got more bytes".into()),
    }
}
