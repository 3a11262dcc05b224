//! What the scenarios send.

use statepoint::prelude::*;

use crate::frames;

/// A few words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.Note")]
pub(crate) struct Note {
    pub(crate) number: u64,
}

/// An address for the receiver to keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.Card")]
pub(crate) struct Card {
    pub(crate) at: Address,
    pub(crate) others: Vec<Option<Address>>,
}

impl Card {
    pub(crate) fn of(at: Address) -> Self {
        Self { at, others: Vec::new() }
    }
}

/// Much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.Bulk")]
pub(crate) struct Bulk {
    pub(crate) number: u64,
    pub(crate) filling: String,
}

impl Bulk {
    pub(crate) fn new(number: u64, bytes: usize) -> Self {
        Self { number, filling: "x".repeat(bytes) }
    }
}

/// Something that stays at home.
#[derive(Debug, Message)]
#[message(name = "test.Secret", local)]
pub(crate) struct Secret;

/// The body of a `Note`, by hand.
pub(crate) fn note(number: i64) -> Vec<u8> {
    let mut body = b"\x81\xA6number".to_vec();
    frames::integer(&mut body, number);
    body
}
