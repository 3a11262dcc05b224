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
pub(crate) struct Envelope {
    to: (u32, u32),
    from: (u32, u32),
    pub(crate) body: Option<Body>,
}

impl Envelope {
    #[inline]
    pub(crate) fn new(kind: Kind, to: Address, from: (u32, u32), body: Option<Body>) -> Self {
        Self { to: (to.slot() | (kind as u32) << SHIFT, to.generation()), from, body }
    }

    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.to.0 <= SLOT
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.to.0 >> SHIFT {
            0 => Kind::Plain,
            1 => Kind::Distant,
            2 => Kind::Timer,
            _ => Kind::Wake,
        }
    }

    #[inline]
    pub(crate) fn slot(&self) -> u32 {
        self.to.0 & SLOT
    }

    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.to.1
    }

    /// The sender, of a plain message.
    #[inline]
    pub(crate) fn from(&self) -> Address {
        Address::new(self.from.0, self.from.1, 0)
    }

    /// Index and generation of a timer's ticket.
    pub(crate) fn ticket(&self) -> (u32, u32) {
        self.from
    }
}

/// A message whose receiver or sender lies beyond a connection. Boxed, so that plain envelopes stay small.
pub(crate) struct Distant {
    pub(crate) to_far: u64,
    pub(crate) from: Address,
    pub(crate) body: Body,
}

const _: () = assert!(core::mem::size_of::<Envelope>() == 32);
