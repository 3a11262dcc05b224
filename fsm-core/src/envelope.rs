//! Envelopes: what stands in the run queue.

use crate::address::Address;
use crate::body::Body;

/// What an envelope carries besides its body. Two bits of the receiver's slot say so, which keeps an envelope at 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message between two points of this process.
    Plain,
    /// A message with a far address: its body is a `Distant`.
    Distant,
    /// A timer that is due: `from` is its ticket, the body is empty.
    Timer,
    /// The point has more in its backlog.
    Wake,
}

const SHIFT: u32 = 30;
const SLOT: u32 = (1 << SHIFT) - 1;
/// The highest slot that fits beside the kind.
pub(crate) const MAX_SLOT: u32 = SLOT;

/// A body on its way, 32 bytes.
///
/// Receiver and sender are whole words, written and read as such: a word that was just written in two halves cannot be
/// forwarded to a wider load, and a hop would wait for it.
pub(crate) struct Envelope {
    /// Slot and kind in the low half, generation in the high half.
    to: u64,
    from: u64,
    pub(crate) body: Option<Body>,
}

/// Two halves as one word.
#[inline]
const fn word(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

/// The halves of a word.
#[inline]
const fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

impl Envelope {
    #[inline]
    pub(crate) fn new(kind: Kind, to: Address, from: (u32, u32), body: Option<Body>) -> Self {
        Self { to: word(to.slot() | (kind as u32) << SHIFT, to.generation()), from: word(from.0, from.1), body }
    }

    /// The parts, so that the queue is read word by word.
    #[inline]
    pub(crate) fn into_parts(self) -> (u64, u64, Option<Body>) {
        (self.to, self.from, self.body)
    }

    #[inline]
    pub(crate) fn from_parts(to: u64, from: u64, body: Option<Body>) -> Self {
        Self { to, from, body }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.to as u32 >> SHIFT {
            0 => Kind::Plain,
            1 => Kind::Distant,
            2 => Kind::Timer,
            _ => Kind::Wake,
        }
    }

    #[inline]
    pub(crate) fn slot(&self) -> u32 {
        self.to as u32 & SLOT
    }

    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        halves(self.to).1
    }

    /// The sender, of a plain message.
    #[inline]
    pub(crate) fn from(&self) -> Address {
        let (slot, generation) = halves(self.from);
        Address::new(slot, generation, 0)
    }

    /// Index and generation of a timer's ticket.
    pub(crate) fn ticket(&self) -> (u32, u32) {
        halves(self.from)
    }
}

/// A message whose receiver or sender lies beyond a connection. Boxed, so that plain envelopes stay small.
pub(crate) struct Distant {
    pub(crate) to_far: u64,
    pub(crate) from: Address,
    pub(crate) body: Body,
}

const _: () = assert!(core::mem::size_of::<Envelope>() == 32);
