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

/// Where the kind stands in the word of the receiver's address.
const SHIFT: u32 = 62;
const ADDRESS: u64 = (1 << SHIFT) - 1;
/// The highest slot that fits beside the kind.
pub(crate) const MAX_SLOT: u32 = (ADDRESS >> 32) as u32;

/// A body on its way, 32 bytes.
///
/// Receiver and sender are whole words, written and read as such: a word that was just written in two halves cannot be
/// forwarded to a wider load, and a hop would wait for it.
pub(crate) struct Envelope {
    /// The word of the receiver's address, and the kind above it.
    pub(crate) to: u64,
    /// The word of the sender's address, or a timer's ticket.
    pub(crate) from: u64,
    pub(crate) body: Option<Body>,
}

impl Envelope {
    /// A message between two points of this process.
    #[inline]
    pub(crate) fn plain(to: Address, from: Address, body: Body) -> Self {
        Self { to: to.word(), from: from.word(), body: Some(body) }
    }

    /// A message from or to beyond a connection: `body` is a [`Distant`], `to` the point of this process.
    pub(crate) fn distant(to: Address, body: Body) -> Self {
        Self { to: marked(to, Kind::Distant), from: 0, body: Some(body) }
    }

    /// A timer that is due, and index and generation of its ticket.
    #[inline]
    pub(crate) fn timer(to: Address, index: u32, generation: u32) -> Self {
        Self { to: marked(to, Kind::Timer), from: u64::from(index) << 32 | u64::from(generation), body: None }
    }

    /// A token for a point with a backlog.
    pub(crate) fn wake(to: Address) -> Self {
        Self { to: marked(to, Kind::Wake), from: 0, body: None }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.to >> SHIFT {
            0 => Kind::Plain,
            1 => Kind::Distant,
            2 => Kind::Timer,
            _ => Kind::Wake,
        }
    }

    /// The receiver, without its far part.
    #[inline]
    pub(crate) fn to(&self) -> Address {
        Address::of_word(self.to & ADDRESS)
    }

    /// The sender, of a plain message.
    #[inline]
    pub(crate) fn from(&self) -> Address {
        Address::of_word(self.from)
    }

    /// Index and generation of a timer's ticket.
    pub(crate) fn ticket(&self) -> (u32, u32) {
        ((self.from >> 32) as u32, self.from as u32)
    }
}

#[inline]
const fn marked(to: Address, kind: Kind) -> u64 {
    to.word() | (kind as u64) << SHIFT
}

/// A message whose receiver or sender lies beyond a connection. Boxed, so that plain envelopes stay small.
pub(crate) struct Distant {
    pub(crate) to_far: u64,
    pub(crate) from: Address,
    pub(crate) body: Body,
}

const _: () = assert!(core::mem::size_of::<Envelope>() == 32);
