//! What is fuzzed, as plain functions over bytes.
//!
//! `cargo +nightly fuzz run frames` (in `fuzz/`) drives them with coverage; the tests below drive them on stable, from a seed.
#![forbid(unsafe_code)]

// Generated code names the core `::statepoint`.
extern crate fsm_core as statepoint;

use std::collections::{BTreeMap, HashMap};

use fsm_core::{Address, Body, Encoded, Message, Name, Value};
use fsm_net::wire::{Border, Decoder, FrameLimit, IncomingNames, decode_message};
use serde::{Deserialize, Serialize};

/// The peer's bytes, from the socket to messages: no panic, bounded memory, and the same frames however they are cut.
pub fn frames(bytes: &[u8]) {
    let whole = take(bytes, bytes.len().max(1));
    let in_pieces = take(bytes, 1 + bytes.first().map_or(0, |first| usize::from(*first) % 7));
    assert_eq!(whole, in_pieces, "how the stream was cut made a difference");
}

/// Takes a stream in pieces of `size`; what came of it, in words.
fn take(bytes: &[u8], size: usize) -> Vec<String> {
    let mut decoder = Decoder::new(FrameLimit::default());
    let mut border = Border::new(Address::new(7, 1, 0));
    let mut names = IncomingNames::new();
    // Refused only for a proxy or the driver.
    let _ = border.set_default(Address::new(1, 1, 0));
    let mut seen = Vec::new();
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
            assert!(decoder.held() <= FrameLimit::default().bytes(), "more was kept than a frame may hold");
        }
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
    if let Ok(message) = Everything::decode(encoded)
        && let Ok(again) = message.encode().map(Everything::decode)
    {
        assert!(again.is_ok_and(|again| again == message || message.share.is_nan()), "it changed on the way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fsm_net::sim::Random;

    /// A valid stream and a valid body, so that a change of a byte leads deep into the format.
    fn seeds() -> (Vec<u8>, Vec<u8>) {
        let message = Everything {
            number: -5,
            share: 0.5,
            text: "Gladys".into(),
            list: vec![None, Some(Address::new(1, 1, 0))],
            map: BTreeMap::from([("x".into(), (1, Address::new(2, 1, 5)))]),
            keyed: HashMap::from([(7, Loose::At { who: Address::new(1, 1, 0) })]),
            inner: Inner { far: Address::new(2, 1, 5) },
        };
        let body = message.encode().expect("it can be written").bytes;
        let mut frame = vec![0x94, 0xff, 0x00, 0xaf];
        frame.extend_from_slice(Everything::NAME.as_bytes());
        frame.extend_from_slice(&[0x92, 0xff, 0x01]);
        frame.extend_from_slice(&body);
        let mut stream = u32::try_from(frame.len()).expect("it is short").to_be_bytes().to_vec();
        stream.extend_from_slice(&frame);
        stream.extend_from_slice(&[0, 0, 0, 3, 0x92, 1, 1]);
        (stream, body)
    }

    /// Calls `target` with the seed, changed in a few places, cut, or grown.
    fn run(seed: &[u8], rounds: u64, target: fn(&[u8])) {
        let mut random = Random::new(rounds);
        for _ in 0..rounds {
            let mut bytes = seed.to_vec();
            for _ in 0..=random.below(4) {
                let at = usize::try_from(random.below(bytes.len().max(1) as u64)).unwrap_or(0);
                match random.below(4) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at.min(bytes.len()), random.next_u64() as u8),
                    _ => {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte = random.next_u64() as u8;
                        }
                    }
                }
            }
            target(&bytes);
        }
    }

    #[test]
    fn a_valid_stream_is_taken() {
        let (stream, body) = seeds();
        let seen = take(&stream, 3);
        assert!(seen.len() == 2 && seen[0].contains("Message") && seen[1].contains("Gone"), "{seen:?}");
        bodies(&body);
    }

    #[test]
    fn changed_streams_do_no_harm() {
        run(&seeds().0, 20_000, frames);
    }

    #[test]
    fn changed_bodies_do_no_harm() {
        run(&seeds().1, 20_000, bodies);
    }
}
