//! Message names: spelt once for each connection and direction, then a number.
//!
//! Both ends keep the same table without talking about it: **a name that is spelt is bound to the next number, from 0, as
//! long as fewer than [`NAMES`] are bound; after that nothing more is bound and further names are spelt each time.** So a
//! peer that invents names (through a relay, say) costs bounded memory, and cannot keep anybody's names from being sent. A
//! bound name is never spelt again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use fsm_core::{MessageId, Name, message_id};

use super::error::{FrameError, Part};

/// How many names are bound for each connection and direction.
pub const NAMES: usize = 4_096;

/// How long a name may be, in bytes.
pub const NAME_BYTES: usize = 256;

/// Why a text cannot be the name of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty or too long.
    Length {
        /// How many bytes it has.
        got: usize,
    },
    /// It is not UTF-8.
    NotUtf8,
    /// It has a space or a control character.
    Character {
        /// The character.
        got: char,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got } => write!(f, "expected a message name of 1 to {NAME_BYTES} bytes, got {got} bytes"),
            Self::NotUtf8 => f.write_str("expected a message name in UTF-8, got other bytes"),
            Self::Character { got } => {
                write!(f, "expected a message name without spaces and control characters, got {got:?}")
            }
        }
    }
}

impl Error for NameError {}

/// The text of a message name: 1 to [`NAME_BYTES`] bytes of UTF-8 without spaces and control characters.
///
/// # Errors
///
/// The bytes are something else.
///
/// ```
/// use statepoint::wire::{NameError, check_name};
///
/// assert_eq!(check_name(b"hello_welcome.Hello"), Ok("hello_welcome.Hello"));
/// assert_eq!(check_name(b"Hello\n"), Err(NameError::Character { got: '\n' }));
/// ```
pub fn check_name(bytes: &[u8]) -> Result<&str, NameError> {
    if bytes.is_empty() || bytes.len() > NAME_BYTES {
        return Err(NameError::Length { got: bytes.len() });
    }
    let name = std::str::from_utf8(bytes).map_err(|_| NameError::NotUtf8)?;
    match name.chars().find(|character| character.is_control() || character.is_whitespace()) {
        Some(got) => Err(NameError::Character { got }),
        None => Ok(name),
    }
}

/// How a name goes over the connection this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Number(u16),
    /// As text; the peer binds it when there is room.
    Text,
}

/// The names that this end has spelt on one connection.
///
/// ```
/// use statepoint::wire::OutgoingNames;
///
/// assert!(OutgoingNames::new().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct OutgoingNames {
    numbers: HashMap<Key, u16>,
    /// The name that was sent last: most connections say the same thing many times.
    last: Option<(Name, u16)>,
}

impl OutgoingNames {
    /// A table for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many names are bound.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether no name is bound yet.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How `name` is to be written. Changes nothing that the peer could notice: see [`Self::spelt`].
    pub(super) fn spelling(&mut self, name: &Name) -> Result<Spelling, NameError> {
        if let Some((last, number)) = &self.last
            && last == name
        {
            return Ok(Spelling::Number(*number));
        }
        if let Some(number) = self.numbers.get(&**name) {
            self.last = Some((name.clone(), *number));
            return Ok(Spelling::Number(*number));
        }
        check_name(name.as_bytes())?;
        Ok(Spelling::Text)
    }

    /// A frame with `name` spelt out is on its way: the peer will bind the name, so it is bound here too.
    pub(super) fn spelt(&mut self, name: &Name) {
        if self.numbers.len() < NAMES
            && let Ok(number) = u16::try_from(self.numbers.len())
        {
            self.numbers.insert(Key(name.clone()), number);
        }
    }
}

/// A name that is found by its text. A peer can choose names, in a relay, so ids would not do: they can be made to collide.
#[derive(Debug, PartialEq, Eq)]
struct Key(Name);

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        str::hash(&self.0, state);
    }
}

/// The names that the peer has spelt on one connection.
///
/// ```
/// use statepoint::wire::IncomingNames;
///
/// assert!(IncomingNames::new().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct IncomingNames {
    names: Vec<(Name, MessageId)>,
}

impl IncomingNames {
    /// A table for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many names are bound.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is bound yet.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The peer has spelt a name: bind it when there is room.
    pub(super) fn spelt(&mut self, bytes: &[u8]) -> Result<(Name, MessageId), FrameError> {
        let name = check_name(bytes).map_err(FrameError::Name)?;
        let id = message_id(name);
        // While there is room each name is spelt once, so nothing is gained by an index for this search. Later every name that
        // found no room is spelt each time, and a search each time would be the peer's to repeat.
        let has_room = self.names.len() < NAMES;
        let bound = if has_room { &self.names[..] } else { &[] };
        if let Some(number) = bound.iter().position(|(bound, it)| *it == id && **bound == *name) {
            return Err(FrameError::SpeltAgain { number: number as u64 });
        }
        let name = Name::from(Arc::<str>::from(name));
        if has_room {
            self.names.push((name.clone(), id));
        }
        Ok((name, id))
    }

    /// The peer has used the number of a name.
    pub(super) fn numbered(&self, number: i64) -> Result<(Name, MessageId), FrameError> {
        let number = u64::try_from(number).map_err(|_| FrameError::OutOfRange { part: Part::Name })?;
        usize::try_from(number)
            .ok()
            .and_then(|index| self.names.get(index))
            .cloned()
            .ok_or(FrameError::UnboundName { got: number, bound: self.names.len() as u64 })
    }
}
