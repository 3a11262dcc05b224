//! What can be wrong with a frame, and why a message cannot be sent.

use std::error::Error;
use std::fmt;

use fsm_core::{Address, Undelivered};

use super::border::Refusal;
use super::names::NameError;

/// A part of a frame, to say where something is wrong.
///
/// ```
/// assert_eq!(statepoint::wire::Part::To.to_string(), "the target");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The array that holds the header.
    Header,
    /// The address that the message goes to.
    To,
    /// The address that the message comes from.
    From,
    /// The message's name, spelt or as a number.
    Name,
    /// The list of addresses that the body mentions.
    Addresses,
    /// What kind of control frame it is.
    Kind,
    /// The argument of a control frame.
    Argument,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "the header",
            Self::To => "the target",
            Self::From => "the sender",
            Self::Name => "the message name",
            Self::Addresses => "the address list",
            Self::Kind => "the kind of control frame",
            Self::Argument => "the argument of the control frame",
        })
    }
}

/// A frame that breaks the wire format. The peer is to blame, and the connection cannot go on: close it.
///
/// Nothing that a healthy peer does leads here. A message that merely names an address which has gone is
/// [`Inbound::Refused`](super::Inbound::Refused) instead.
///
/// ```
/// use statepoint::wire::FrameError;
///
/// let error = FrameError::TooLong { got: 2_000_000, limit: 1_048_576 };
/// assert_eq!(error.to_string(), "expected a frame of at most 1048576 bytes, got one of 2000000");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The length is 0.
    Empty,
    /// The length is over the limit of this end. The peer may have a larger limit for itself; its senders must keep to ours.
    TooLong {
        /// The length announced, in bytes.
        got: u32,
        /// The limit, in bytes.
        limit: u32,
    },
    /// The frame ends inside its header.
    Truncated {
        /// Where it ends.
        part: Part,
    },
    /// Another MessagePack type than the format has there.
    WrongType {
        /// Where.
        part: Part,
        /// The first byte of the value: its MessagePack marker.
        marker: u8,
    },
    /// The value is right but written longer than need be. Each value has one spelling.
    NotShortest {
        /// Where.
        part: Part,
    },
    /// The number is larger than any that this format can mean.
    OutOfRange {
        /// Where.
        part: Part,
    },
    /// The header has neither the 4 fields of a message nor the 2 of a control frame.
    WrongFields {
        /// How many it has.
        got: u32,
    },
    /// The target is not an address that this end exported.
    WrongTarget,
    /// The address list is too long.
    TooManyAddresses {
        /// How many addresses are announced.
        got: u32,
        /// The limit.
        limit: u32,
    },
    /// The message name cannot be one.
    Name(NameError),
    /// The message name is a number that no name is bound to.
    UnboundName {
        /// The number.
        got: u64,
        /// How many names are bound; their numbers are below this.
        bound: u64,
    },
    /// The message name is spelt although it is bound to a number.
    SpeltAgain {
        /// The number that should have been used.
        number: u64,
    },
    /// Nothing follows the header of a message.
    NoBody,
    /// A control frame of a kind that does not exist.
    UnknownControl {
        /// The kind.
        kind: u64,
    },
    /// Something follows a control frame.
    Trailing {
        /// How many bytes.
        bytes: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("expected a frame of at least 1 byte, got one of 0"),
            Self::TooLong { got, limit } => write!(f, "expected a frame of at most {limit} bytes, got one of {got}"),
            Self::Truncated { part } => write!(f, "expected more bytes, got the end of the frame inside {part}"),
            Self::WrongType { part: Part::Header | Part::Addresses, marker } => {
                write!(f, "expected a MessagePack array, got marker {marker:#04x}")
            }
            Self::WrongType { part, marker } => {
                write!(f, "expected another MessagePack type for {part}, got marker {marker:#04x}")
            }
            Self::NotShortest { part } => {
                write!(f, "expected the shortest MessagePack form in {part}, got a longer one")
            }
            Self::OutOfRange { part } => {
                write!(f, "expected a number that {part} can have, got one beyond its range")
            }
            Self::WrongFields { got } => write!(f, "expected a header of 4 or 2 fields, got {got}"),
            Self::WrongTarget => f.write_str("expected one of our exports as the target, got another address"),
            Self::TooManyAddresses { got, limit } => {
                write!(f, "expected at most {limit} addresses, got {got}")
            }
            Self::Name(error) => error.fmt(f),
            Self::UnboundName { got, bound } => {
                write!(f, "expected the number of one of {bound} bound message names, got {got}")
            }
            Self::SpeltAgain { number } => {
                write!(f, "expected number {number} for a bound message name, got the name spelt again")
            }
            Self::NoBody => f.write_str("expected a body behind the header, got the end of the frame"),
            Self::UnknownControl { kind } => {
                write!(f, "expected a control frame of kind 1, got kind {kind}")
            }
            Self::Trailing { bytes } => write!(f, "expected the end of the control frame, got {bytes} more bytes"),
        }
    }
}

impl Error for FrameError {}

/// Why a message cannot be written to a connection. It is a dead letter; the connection goes on.
///
/// ```
/// use statepoint::wire::SendError;
///
/// let error = SendError::TooLarge { size: 2_000_000, limit: 1_048_576 };
/// assert_eq!(error.to_string(), "expected a frame of at most 1048576 bytes, got 2000000; send less at once");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// An address cannot cross this connection.
    Refused {
        /// Where in the message it stands.
        part: Part,
        /// The address.
        address: Address,
        /// Why it cannot.
        reason: Refusal,
    },
    /// The body mentions too many addresses. The sender is to blame.
    TooManyAddresses {
        /// How many.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// The message's name cannot be one. The sender is to blame.
    Name(NameError),
    /// The message has no body, not even an empty one. The sender is to blame.
    NoBody,
    /// The frame would be larger than the peer accepts. The sender is to blame.
    TooLarge {
        /// The frame, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Too much waits to be written already. The peer is to blame, it reads too slowly.
    OutputFull {
        /// How many bytes wait.
        waiting: usize,
        /// The hard mark, in bytes.
        limit: usize,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { part, address, reason } => {
                write!(f, "{part} {address} cannot cross the connection: {reason}")
            }
            Self::TooManyAddresses { got, limit } => {
                write!(f, "expected a message with at most {limit} addresses, got {got}; send them in several messages")
            }
            Self::Name(error) => error.fmt(f),
            Self::NoBody => f.write_str("expected an encoded body, got no bytes at all"),
            Self::TooLarge { size, limit } => {
                write!(f, "expected a frame of at most {limit} bytes, got {size}; send less at once")
            }
            Self::OutputFull { waiting, limit } => {
                write!(f, "expected fewer than {limit} bytes to wait for the peer, got {waiting}; it reads too slowly")
            }
        }
    }
}

impl Error for SendError {}

/// The reason under which the message is counted as a dead letter.
impl From<SendError> for Undelivered {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused { reason, .. } => reason.into(),
            SendError::TooManyAddresses { .. } | SendError::TooLarge { .. } => Self::TooLarge,
            SendError::Name(_) | SendError::NoBody => Self::Encode,
            SendError::OutputFull { .. } => Self::Congested,
        }
    }
}
