//! What is fuzzed, as plain functions over bytes. Each panics when a promise is broken.
//!
//! `cargo +nightly fuzz run frames` drives one with coverage; `tests/` drives all of them on stable, over the corpus and from a
//! seed. `fuzz/README.md` says what each promises.
#![forbid(unsafe_code)]

// Generated code names the core `::statepoint`.
extern crate fsm_core as statepoint;

use std::collections::{BTreeMap, HashMap};

use fsm_core::{Address, Body, Encoded, Message, Name, Value};
pub use fsm_net::link::fuzzing::{handshake_initiator, handshake_responder, record_stream};
use fsm_net::wire::{Border, Decoder, FrameLimit, IncomingNames, decode_message};
use serde::{Deserialize, Serialize};

/// Something that is fuzzed.
pub type Target = fn(&[u8]);

/// All of them, under the names of the programs and of the folders of the corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("bodies", bodies),
    ("frames", frames),
    ("handshake_initiator", handshake_initiator),
    ("handshake_responder", handshake_responder),
    ("record_stream", record_stream),
];

/// The peer's bytes, from the socket to messages: no panic, bounded memory, and the same frames however they are cut.
pub fn frames(bytes: &[u8]) {
    let whole = take(bytes, bytes.len().max(1));
    let in_pieces = take(bytes, 1 + bytes.first().map_or(0, |first| usize::from(*first) % 7));
    assert_eq!(whole, in_pieces, "how the stream was cut made a difference");
}

/// Takes a stream in pieces of `size`, at least 1; what came of it, in words.
pub fn take(bytes: &[u8], size: usize) -> Vec<String> {
    let mut decoder = Decoder::new(FrameLimit::default());
    let mut border = Border::new(Address::new(7, 1, 0));
    let mut names = IncomingNames::new();
    // Refused only for a proxy or the driver.
    let _ = border.set_default(Address::new(1, 1, 0));
    let (mut seen, mut come) = (Vec::new(), 0);
    for mut piece in bytes.chunks(size) {
        loop {
            match decoder.next_frame(&mut piece) {
                Ok(Some(frame)) => match decode_message(&border, &mut names, frame) {
                    Ok(inbound) => seen.push(format!("{inbound:?}")),
                    Err(error) => {
                        seen.push(error.to_string());
                        return seen;
                    }
                },
                Ok(None) => break,
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
        come += size;
        assert!(decoder.held() <= (2 * come).max(256), "more is kept than has come");
    }
    seen
}

/// A message with something of everything.
#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "fuzz.Everything")]
pub struct Everything {
    number: i64,
    share: f64,
    text: String,
    list: Vec<Option<Address>>,
    map: BTreeMap<String, (u8, Address)>,
    keyed: HashMap<u16, Loose>,
    #[serde(flatten)]
    inner: Inner,
}

impl Everything {
    /// One that is valid.
    pub fn example() -> Self {
        Self {
            number: -5,
            share: 0.5,
            text: "Gladys".into(),
            list: vec![None, Some(Address::new(1, 1, 0))],
            map: BTreeMap::from([("x".into(), (1, Address::new(2, 1, 5)))]),
            keyed: HashMap::from([(7, Loose::At { who: Address::new(1, 1, 0) })]),
            inner: Inner { far: Address::new(2, 1, 5) },
        }
    }
}

/// A part of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Inner {
    far: Address,
}

/// Another part of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Loose {
    /// An address.
    At {
        /// Whose.
        who: Address,
    },
    /// Text.
    Text(String),
}

/// A body, from bytes to a value, and to text for people: no panic; what was taken can be sent and taken again.
pub fn bodies(bytes: &[u8]) {
    let encoded = Encoded {
        name: Name::from(Everything::NAME),
        id: Everything::ID,
        bytes: bytes.to_vec(),
        addresses: vec![Address::new(1, 1, 0), Address::new(2, 1, 5)],
    };
    let _ = Value::from(Body::encoded(encoded.clone())).to_json();
    if let Ok(message) = Everything::decode(encoded) {
        let again = message.encode().map(Everything::decode).expect("what was taken can be sent");
        assert!(again.is_ok_and(|again| again == message || message.share.is_nan()), "it changed on the way");
    }
}
