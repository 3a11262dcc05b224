//! Tests of the wire layer: examples, and long runs of chance from fixed seeds.

mod border;
mod decoder;
mod encode;
mod frame;
mod junk;
mod link;
mod message_pack;
mod names;
mod network;
mod output;
mod relay;

use fsm_core::{Address, Encoded, Name, message_id};

use super::{
    Border, FrameError, FrameLimit, Inbound, IncomingNames, OutgoingNames, SendError, decode_message, encode_message,
};

/// A generator of chance that gives the same numbers in each run (splitmix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

pub(super) fn point(slot: u32) -> Address {
    Address::new(slot, 1, 0)
}

pub(super) fn message(name: &str, bytes: &[u8], addresses: &[Address]) -> Encoded {
    Encoded {
        name: Name::from(std::sync::Arc::<str>::from(name)),
        id: message_id(name),
        bytes: bytes.to_vec(),
        addresses: addresses.to_vec(),
    }
}

/// One end of a connection, without the bytes between.
pub(super) struct End {
    pub(super) border: Border,
    pub(super) outgoing: OutgoingNames,
    pub(super) incoming: IncomingNames,
}

impl End {
    pub(super) fn new(proxy: Address) -> Self {
        Self::with_bound(proxy, super::EXPORTS)
    }

    pub(super) fn with_bound(proxy: Address, bound: u32) -> Self {
        Self {
            border: Border::with_bound(proxy, bound),
            outgoing: OutgoingNames::new(),
            incoming: IncomingNames::new(),
        }
    }

    pub(super) fn with_default(proxy: Address, default: Address) -> Self {
        let mut end = Self::new(proxy);
        assert_eq!(end.border.set_default(default), Ok(()));
        end
    }

    /// The frame without its length.
    pub(super) fn encode(&mut self, to: Address, from: Address, encoded: &Encoded) -> Result<Vec<u8>, SendError> {
        let (border, names) = (&mut self.border, &mut self.outgoing);
        let mut out = Vec::new();
        encode_message(border, names, FrameLimit::default(), to, from, encoded, &mut out)?;
        let (length, frame) = out.split_at(4);
        assert_eq!(length, (frame.len() as u32).to_be_bytes());
        Ok(frame.to_vec())
    }

    pub(super) fn decode(&mut self, frame: &[u8]) -> Result<Inbound, FrameError> {
        decode_message(&self.border, &mut self.incoming, frame)
    }
}
