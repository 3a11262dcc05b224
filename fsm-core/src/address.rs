//! Addresses: the values that name points.

use core::cell::Cell;
use core::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};

use crate::extension::Extension;

/// The name of a point, in this process or beyond connections.
///
/// An address is 16 bytes and `Copy`. It is a value like any other: keep it, compare it, use it as a map key, put it into
/// a message. When such a message crosses a connection the receiver gets an address that leads back to the same point.
///
/// * `slot` and `generation` name a point of this process. An address is never reused for another point.
/// * `far` is 0 for a point of this process. For the slot of a proxy it stands for a point at the other end of that
///   connection.
///
/// Sending to an address whose point has ended is not an error: the message becomes a dead letter, counted and traced.
///
/// An address can be serialised only as a part of a message that is sent: inside the body stands an index (MessagePack
/// extension type 1), and the address itself travels beside the body, so that each connection can translate it. Anywhere
/// else serialising an address is an error that says so.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::Address;
///
/// assert!(Address::default().is_none());
/// assert_eq!(core::mem::size_of::<Address>(), 16);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address {
    /// Slot (the high half) and generation. Two words in all, so that an address is passed in two registers.
    near: u64,
    far: u64,
}

impl Address {
    /// No point at all: the sender of a message that nobody sent, the parent of a point without one.
    pub const NONE: Self = Self::new(0, 0, 0);

    /// Whoever drives the kernel: the reactor or the simulator. What is sent there leaves the kernel in its turn.
    pub const DRIVER: Self = Self::new(0, 1, 0);

    /// The address with these three parts. Made by kernels and connections; a made-up address names nothing.
    pub const fn new(slot: u32, generation: u32, far: u64) -> Self {
        Self { near: (slot as u64) << 32 | generation as u64, far }
    }

    /// The address of a point of this process, from its [`word`](Address::word).
    #[inline]
    pub(crate) const fn of_word(near: u64) -> Self {
        Self { near, far: 0 }
    }

    /// Slot (the high half) and generation.
    #[inline]
    pub(crate) const fn word(self) -> u64 {
        self.near
    }

    /// The place in the kernel's table of points.
    pub const fn slot(self) -> u32 {
        (self.near >> 32) as u32
    }

    /// How many points have had this slot; it tells an earlier point from a later one.
    pub const fn generation(self) -> u32 {
        self.near as u32
    }

    /// 0, or the number under which the far end of a connection exported the point, plus one.
    pub const fn far(self) -> u64 {
        self.far
    }

    /// The point of this process that leads there: the proxy of a far address, the address itself otherwise.
    #[must_use]
    pub const fn near(self) -> Self {
        Self { far: 0, ..self }
    }

    /// The same slot with another far part.
    #[must_use]
    pub const fn with_far(self, far: u64) -> Self {
        Self { far, ..self }
    }

    /// Whether this is [`Address::NONE`].
    pub const fn is_none(self) -> bool {
        self.generation() == 0
    }

    /// Whether the point lies beyond a connection.
    pub const fn is_far(self) -> bool {
        self.far != 0
    }
}

/// `<0000000a>` for a point of this process, `<0000000a/1>` for one beyond the proxy in slot 10, `<none>`, `<driver>`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("<none>"),
            Self::DRIVER => f.write_str("<driver>"),
            Self { far: 0, .. } => write!(f, "<{:08x}>", self.slot()),
            Self { far, .. } => write!(f, "<{:08x}/{far:x}>", self.slot()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The MessagePack extension type under which an address stands in a body.
pub(crate) const EXTENSION: i8 = 1;
const EXPECTED: &str = "an address (MessagePack extension type 1)";
const OUTSIDE: &str = "an address has a meaning only inside a message that is sent; here it is serialised by itself";

// serde's derives pass no context along, so the address list of the frame at hand is lent to `Address` for the length of
// one encode or decode.
thread_local! {
    static LENT: Cell<Option<Vec<Address>>> = const { Cell::new(None) };
}

/// Lends `list` to every `Address` that `work` serialises or deserialises, and gives it back.
///
/// A message whose serialisation itself encodes another message gets a list of its own: the outer one is put aside.
pub(crate) fn lend<T>(list: Vec<Address>, work: impl FnOnce() -> T) -> (T, Vec<Address>) {
    /// Puts the outer list back also when `work` panics, so that a later encode does not meet a stale one.
    struct Outer(Option<Vec<Address>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            LENT.set(self.0.take());
        }
    }
    let outer = Outer(LENT.replace(Some(list)));
    let done = work();
    let list = LENT.take().unwrap_or_default();
    drop(outer);
    (done, list)
}

/// Puts `address` on the lent list; its index, or `None` when no list is lent.
fn put(address: Address) -> Option<usize> {
    let mut list = LENT.take()?;
    let index = list.len();
    list.push(address);
    LENT.set(Some(list));
    Some(index)
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = put(*self).ok_or_else(|| ser::Error::custom(OUTSIDE))?;
        let index = u16::try_from(index)
            .map_err(|_| ser::Error::custom("expected at most 65,536 addresses in a message, got more"))?;
        Extension::new(EXTENSION, &index.to_be_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_extension(Extension::read(deserializer, EXPECTED)?)
    }
}

/// The address that the lent list has for an extension.
pub(crate) fn from_extension<E: de::Error>(extension: Extension) -> Result<Address, E> {
    let kind = extension.kind;
    if kind != EXTENSION {
        return Err(E::custom(format_args!("expected an address, extension type 1, got extension type {kind}")));
    }
    let index = extension.bytes().try_into().map(u16::from_be_bytes);
    let index = index.map_err(|_| E::invalid_length(extension.bytes().len(), &"the two bytes of an address index"))?;
    let list = LENT.take().ok_or_else(|| E::custom(OUTSIDE))?;
    let (found, length) = (list.get(usize::from(index)).copied(), list.len());
    LENT.set(Some(list));
    found.ok_or_else(|| {
        E::custom(format_args!(
            "expected an address index below {length}, got {index}: the frame lists no such address"
        ))
    })
}
