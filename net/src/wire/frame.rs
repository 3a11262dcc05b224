//! Frames: what stands on the wire between two lengths.
//!
//! The format stands in the documentation of [`wire`](super). The body is copied and not looked into: it is opened by
//! whoever takes it.

use fsm_core::{Address, Encoded, Name};

use super::border::{Border, MAX_NUMBER, Refusal, Wire};
use super::error::{FrameError, Part, SendError};
use super::message_pack::{Either, Reader, write_array, write_integer, write_nil, write_text};
use super::names::{IncomingNames, OutgoingNames, Spelling};

/// How many addresses a message may mention.
pub const ADDRESSES: usize = 1_024;

/// The bytes of a length.
const PREFIX: usize = 4;
const MESSAGE_FIELDS: u16 = 4;
const CONTROL_FIELDS: u16 = 2;
const GONE: i64 = 1;

/// The largest frame that one end accepts, without its length.
///
/// ```
/// use statepoint::wire::FrameLimit;
///
/// assert_eq!(FrameLimit::default().bytes(), 1024 * 1024);
/// assert_eq!(FrameLimit::new(65 * 1024 * 1024), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameLimit(u32);

impl FrameLimit {
    /// No frame is larger than this, whatever the settings are: 64 MiB.
    pub const CAP: Self = Self(64 << 20);

    /// A limit of so many bytes: 1 to [`Self::CAP`], otherwise `None`.
    pub const fn new(bytes: usize) -> Option<Self> {
        if bytes >= 1 && bytes <= Self::CAP.bytes() { Some(Self(bytes as u32)) } else { None }
    }

    /// The limit in bytes.
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }
}

/// 1 MiB.
impl Default for FrameLimit {
    fn default() -> Self {
        Self(1 << 20)
    }
}

/// A frame of the peer, in local terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A message for `to`: a local point, or one beyond another connection (that is all there is to a relay).
    Message {
        /// The target.
        to: Address,
        /// The sender, beyond this connection or come home over it; [`Address::NONE`] if nobody can be answered.
        from: Address,
        /// The name, the body's bytes as they came, and the addresses that it mentions.
        encoded: Encoded,
    },
    /// A far address, behind this connection, has ended. To be passed on with [`Border::gone`] to the connections on which
    /// it was exported.
    Gone(Address),
    /// A message that names an address which this end never gave or which has gone. It is a dead letter; the connection
    /// goes on. Its body was skipped.
    Refused {
        /// The target, [`Address::NONE`] if it is what could not be read.
        to: Address,
        /// The sender, [`Address::NONE`] if it is what could not be read.
        from: Address,
        /// The message's name.
        message: Name,
        /// Where the address stands that could not be read. The first one, if there are several.
        part: Part,
        /// Why it could not be read.
        reason: Refusal,
    },
}

/// Appends a message to `out` as one frame, its length included. `limit` is what the *peer* accepts.
///
/// The same for an own message and for a relayed one, whose body stays bytes. New addresses are exported, a new name is
/// bound.
///
/// # Errors
///
/// Nothing was written then: `out`, the exports and the names are what they were before.
pub fn encode_message(
    border: &mut Border,
    names: &mut OutgoingNames,
    limit: FrameLimit,
    to: Address,
    from: Address,
    encoded: &Encoded,
    out: &mut Vec<u8>,
) -> Result<(), SendError> {
    let start = out.len();
    border.take_fresh(); // of an earlier message, when nobody has asked for it
    let written = write_header(border, names, to, from, encoded, out)
        .and_then(|spelling| append_body(encoded, limit, start, out).map(|()| spelling));
    match written {
        Ok(Spelling::Text) => names.spelt(&encoded.name),
        Ok(Spelling::Number(_)) => {}
        Err(error) => {
            // The peer has not seen these numbers, and must not be able to guess them.
            border.take_back();
            out.truncate(start);
            return Err(error);
        }
    }
    Ok(())
}

/// Room for the length, and the header behind it.
fn write_header(
    border: &mut Border,
    names: &mut OutgoingNames,
    to: Address,
    from: Address,
    encoded: &Encoded,
    out: &mut Vec<u8>,
) -> Result<Spelling, SendError> {
    let got = encoded.addresses.len();
    let count = u16::try_from(got)
        .ok()
        .filter(|_| got <= ADDRESSES)
        .ok_or(SendError::TooManyAddresses { got, limit: ADDRESSES })?;
    let spelling = names.spelling(&encoded.name).map_err(SendError::Name)?;
    out.extend([0; PREFIX]);
    write_array(out, MESSAGE_FIELDS);
    let number = border.target(to).map_err(|reason| SendError::Refused { part: Part::To, address: to, reason })?;
    write_address(out, Wire::Yours(number));
    let mut write = |part, address, out: &mut Vec<u8>| {
        let wire = border.write(address);
        wire.map(|wire| write_address(out, wire)).map_err(|reason| SendError::Refused { part, address, reason })
    };
    write(Part::From, from, out)?;
    match spelling {
        Spelling::Number(number) => write_integer(out, number.into()),
        Spelling::Text => write_text(out, &encoded.name),
    }
    write_array(out, count);
    for address in &encoded.addresses {
        write(Part::Addresses, *address, out)?;
    }
    Ok(spelling)
}

/// The body behind the header, and the length in front of it.
fn append_body(encoded: &Encoded, limit: FrameLimit, start: usize, out: &mut Vec<u8>) -> Result<(), SendError> {
    if encoded.bytes.is_empty() {
        return Err(SendError::NoBody);
    }
    let size = out.len() - start - PREFIX + encoded.bytes.len();
    if size > limit.bytes() {
        return Err(SendError::TooLarge { size, limit: limit.bytes() });
    }
    out.extend_from_slice(&encoded.bytes);
    write_prefix(out, start);
    Ok(())
}

/// Appends the announcement to `out` that export `number` of this end has gone, as one frame with its length.
///
/// ```
/// let mut out = Vec::new();
/// statepoint::wire::encode_gone(3, &mut out);
/// assert_eq!(out, [0, 0, 0, 3, 0x92, 1, 3]);
/// ```
pub fn encode_gone(number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; PREFIX]);
    write_array(out, CONTROL_FIELDS);
    write_integer(out, GONE);
    write_address(out, Wire::Mine(number));
    write_prefix(out, start);
}

fn write_prefix(out: &mut [u8], start: usize) {
    let length = out.len() - start - PREFIX;
    // No frame is longer than `FrameLimit::CAP`.
    out[start..start + PREFIX].copy_from_slice(&(length as u32).to_be_bytes());
}

fn write_address(out: &mut Vec<u8>, wire: Wire) {
    match wire {
        Wire::None => write_nil(out),
        // Numbers are at most `MAX_NUMBER`, so the sign is free; `!n` is `-(n + 1)`.
        Wire::Mine(number) => write_integer(out, number.min(MAX_NUMBER).cast_signed()),
        Wire::Yours(number) => write_integer(out, !number.min(MAX_NUMBER).cast_signed()),
    }
}

/// Reads one frame, without its length, as [`Decoder`](super::Decoder) gives it.
///
/// A name that it spells is bound, also when the message is refused: the peer counts on it.
///
/// # Errors
///
/// The frame breaks the format. The connection must be closed: the tables of both ends may no longer agree.
pub fn decode_message(border: &Border, names: &mut IncomingNames, frame: &[u8]) -> Result<Inbound, FrameError> {
    let mut reader = Reader::new(frame);
    match reader.array(Part::Header)? {
        fields if fields == MESSAGE_FIELDS.into() => decode_fields(border, names, reader),
        fields if fields == CONTROL_FIELDS.into() => decode_control(border, reader),
        got => Err(FrameError::WrongFields { got }),
    }
}

fn decode_fields(border: &Border, names: &mut IncomingNames, mut reader: Reader<'_>) -> Result<Inbound, FrameError> {
    let mut refused = None;
    let mut read = |wire, part| {
        border.read(wire).unwrap_or_else(|reason| {
            refused.get_or_insert((part, reason));
            Address::NONE
        })
    };
    let to = match read_address(&mut reader, Part::To)? {
        wire @ Wire::Yours(_) => read(wire, Part::To),
        Wire::None | Wire::Mine(_) => return Err(FrameError::WrongTarget),
    };
    let from = read(read_address(&mut reader, Part::From)?, Part::From);
    let (message, id) = match reader.value(Part::Name)? {
        (_, Either::Text(bytes)) => names.spelt(bytes)?,
        (_, Either::Integer(number)) => names.numbered(number)?,
        (marker, Either::Nil) => {
            return Err(FrameError::WrongType { part: Part::Name, marker });
        }
    };
    let count = reader.array(Part::Addresses)?;
    if count as usize > ADDRESSES {
        return Err(FrameError::TooManyAddresses { got: count, limit: ADDRESSES as u32 });
    }
    // An address takes at least a byte, so memory is in proportion to what has come.
    let mut addresses = Vec::with_capacity(reader.rest().len().min(count as usize));
    for _ in 0..count {
        addresses.push(read(read_address(&mut reader, Part::Addresses)?, Part::Addresses));
    }
    if reader.rest().is_empty() {
        return Err(FrameError::NoBody);
    }
    Ok(match refused {
        Some((part, reason)) => Inbound::Refused { to, from, message, part, reason },
        None => {
            let encoded = Encoded { name: message, id, bytes: reader.rest().to_vec(), addresses };
            Inbound::Message { to, from, encoded }
        }
    })
}

fn read_address(reader: &mut Reader<'_>, part: Part) -> Result<Wire, FrameError> {
    match reader.value(part)? {
        (_, Either::Nil) => Ok(Wire::None),
        (_, Either::Integer(number @ 0..)) => Ok(Wire::Mine(number.cast_unsigned())),
        (_, Either::Integer(number)) => Ok(Wire::Yours((!number).cast_unsigned())),
        (marker, Either::Text(_)) => Err(FrameError::WrongType { part, marker }),
    }
}

fn decode_control(border: &Border, mut reader: Reader<'_>) -> Result<Inbound, FrameError> {
    let unsigned = |integer, part| u64::try_from(integer).map_err(|_| FrameError::OutOfRange { part });
    let kind = unsigned(reader.integer(Part::Kind)?, Part::Kind)?;
    if kind != GONE.cast_unsigned() {
        return Err(FrameError::UnknownControl { kind });
    }
    let number = unsigned(reader.integer(Part::Argument)?, Part::Argument)?;
    match reader.rest().len() {
        0 => {
            let address = border.peer_gone(number).unwrap_or_default();
            Ok(Inbound::Gone(address))
        }
        bytes => Err(FrameError::Trailing { bytes }),
    }
}
