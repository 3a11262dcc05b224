//! The border: which local addresses one peer was given, under which numbers.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use fsm_core::{Address, Undelivered};

/// How many addresses one peer may be given at a time, besides the default target.
pub const EXPORTS: u32 = 65_536;

/// The largest number of an export. It fits, with a sign, into one MessagePack integer.
pub const MAX_NUMBER: u64 = i64::MAX as u64;

/// A slot whose generation has come this far is retired, so that no number is ever used again.
const MAX_GENERATION: u32 = (1 << 31) - 1;

/// An address as one end of a connection writes it. Both ends read the same numbers from their own side.
///
/// On the wire it is one MessagePack integer: `n` is export `n` of the end that writes, `-(n + 1)` is export `n` of the end
/// that reads, nil is no address.
///
/// ```
/// use statepoint::wire::Wire;
///
/// assert_eq!(Wire::Yours(0).to_string(), "your export 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// [`Address::NONE`]: an unset field, a message that nobody sent.
    None,
    /// An export of the end that writes.
    Mine(u64),
    /// An export of the end that reads: it goes home.
    Yours(u64),
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no address"),
            Self::Mine(number) => write!(f, "my export {number}"),
            Self::Yours(number) => write!(f, "your export {number}"),
        }
    }
}

/// Why an address does not cross the border.
///
/// ```
/// use statepoint::wire::Refusal;
///
/// assert_eq!(Refusal::Gone.to_string(), "its point or its connection has ended");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// No address was ever given under this number. The peer is to blame: it guesses, or it is broken.
    NeverGiven,
    /// There was such an address, and its point or the connection behind it has ended. Nobody is to blame: the news and the
    /// message have crossed.
    Gone,
    /// The peer has as many addresses as it may have, or as many of those behind one other connection as leave room for others.
    /// Who sends so many is to blame.
    Full,
    /// The address names a part of the networking itself, the driver or a proxy, which no peer may reach.
    Private,
    /// The target is not behind this connection. The caller is to blame.
    Elsewhere,
    /// The default target is set already. The caller is to blame.
    DefaultIsSet,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverGiven => "it was never given over this connection",
            Self::Gone => "its point or its connection has ended",
            Self::Full => "the peer holds as many addresses as it may",
            Self::Private => "it is a part of the networking itself, which no peer may reach",
            Self::Elsewhere => "it is not behind this connection",
            Self::DefaultIsSet => "expected the default target to be set once, got a second one",
        })
    }
}

impl Error for Refusal {}

/// The reason under which a message with such an address is counted as a dead letter.
impl From<Refusal> for Undelivered {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NeverGiven => Self::NeverGiven,
            Refusal::Gone => Self::Gone,
            Refusal::Full => Self::ExportsFull,
            Refusal::Private => Self::Encode,
            Refusal::Elsewhere | Refusal::DefaultIsSet => Self::NoSuchPoint,
        }
    }
}

/// The export table of one connection. A peer reaches only what it was given: what it can name is an index into this table.
///
/// An address of this process gets a number when it is first written to the peer, and keeps it until its point ends or the
/// connection behind it closes. An address that came from the peer goes home as the peer's own number. The peer's exports
/// are not stored at all: export `n` reads as the far address `n + 1` behind this connection's proxy.
///
/// A number is an index and a generation, and is never used again. Number 0 is the default target: the point to which the
/// peer's messages go before it was given any address.
///
/// ```
/// use statepoint::{Address, Undelivered};
/// use statepoint::wire::{Border, Refusal, Wire};
///
/// let proxy = Address::new(7, 1, 0);
/// let (session, child) = (Address::new(1, 1, 0), Address::new(2, 1, 0));
/// let mut border = Border::new(proxy);
/// border.set_default(session)?;
///
/// assert_eq!(border.write(child), Ok(Wire::Mine(1)));
/// assert_eq!(border.read(Wire::Yours(1)), Ok(child)); // the peer answers
/// assert_eq!(border.read(Wire::Yours(2)), Err(Refusal::NeverGiven)); // the peer guesses
///
/// let far = border.read(Wire::Mine(5))?; // something of the peer's
/// assert_eq!(far, proxy.with_far(6));
/// assert_eq!(border.write(far), Ok(Wire::Yours(5)));
///
/// assert_eq!(border.gone(child), [1]); // to be announced
/// assert_eq!(border.read(Wire::Yours(1)), Err(Refusal::Gone));
/// # Ok::<(), Refusal>(())
/// ```
pub struct Border {
    proxy: Address,
    default: DefaultTarget,
    /// Slot `i` holds the numbers with index `i + 1`; index 0 is the default target.
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Only looked into, never walked: its order must not show.
    numbers: HashMap<Address, u64>,
    /// How many of the exports lie behind each other connection, by its proxy. Only looked into, never walked.
    beyond: HashMap<Address, usize>,
    /// What the message at hand has given the peer for the first time.
    fresh: Vec<Address>,
    bound: u32,
    closed: bool,
}

#[derive(Clone, Copy)]
enum DefaultTarget {
    Unset,
    Given(Address),
    Gone,
}

#[derive(Clone, Copy)]
struct Slot {
    /// [`Address::NONE`] when the slot is free.
    address: Address,
    /// Of the export it holds, or of the next one.
    generation: u32,
}

impl Border {
    /// An empty table for the connection whose proxy is the point `proxy`.
    pub fn new(proxy: Address) -> Self {
        Self::with_bound(proxy, EXPORTS)
    }

    /// An empty table for at most `bound` exports besides the default target.
    pub fn with_bound(proxy: Address, bound: u32) -> Self {
        Self {
            proxy: proxy.near(),
            default: DefaultTarget::Unset,
            slots: Vec::new(),
            free: Vec::new(),
            numbers: HashMap::new(),
            beyond: HashMap::new(),
            fresh: Vec::new(),
            bound: bound.min(u32::MAX - 1),
            closed: false,
        }
    }

    /// The connection's proxy, with far part 0.
    pub fn proxy(&self) -> Address {
        self.proxy
    }

    /// Sets the point to which export 0 leads: the controller or the session. Until then a message to it is refused as
    /// [`Refusal::NeverGiven`].
    ///
    /// # Errors
    ///
    /// The default target is set already, the table is closed, or no peer may reach `address`.
    pub fn set_default(&mut self, address: Address) -> Result<(), Refusal> {
        match self.default {
            _ if self.closed => return Err(Refusal::Gone),
            DefaultTarget::Given(_) | DefaultTarget::Gone => return Err(Refusal::DefaultIsSet),
            DefaultTarget::Unset => {}
        }
        if address.is_none() || is_private(address) || address.slot() == self.proxy.slot() {
            return Err(Refusal::Private);
        }
        self.default = DefaultTarget::Given(address);
        // It keeps the number under which it was exported before, if it was.
        self.numbers.entry(address).or_insert(0);
        Ok(())
    }

    /// `address` in the peer's terms. A local address, or one beyond another connection, is exported if it was not yet.
    ///
    /// # Errors
    ///
    /// [`Refusal::Full`], [`Refusal::Private`], or [`Refusal::Gone`] for an address that lay behind this proxy's slot before
    /// this connection, and for every address once the table is closed.
    pub fn write(&mut self, address: Address) -> Result<Wire, Refusal> {
        if address.is_none() {
            return Ok(Wire::None);
        }
        if self.closed {
            return Err(Refusal::Gone);
        }
        if address.slot() == self.proxy.slot() {
            return self.target(address).map(Wire::Yours);
        }
        if let Some(number) = self.numbers.get(&address) {
            return Ok(Wire::Mine(*number));
        }
        if is_private(address) {
            return Err(Refusal::Private);
        }
        let number = self.export(address)?;
        self.fresh.push(address);
        Ok(Wire::Mine(number))
    }

    /// The addresses that the peer was given for the first time since this was last asked, or since the last message began:
    /// whoever keeps the border watches their points, and tells it by [`Self::gone`] when they end.
    pub fn take_fresh(&mut self) -> Vec<Address> {
        core::mem::take(&mut self.fresh)
    }

    /// The addresses that the peer holds, in the order of their numbers' indices; the default target is not among them.
    pub fn exported(&self) -> impl Iterator<Item = Address> {
        self.slots.iter().map(|slot| slot.address).filter(|address| !address.is_none())
    }

    /// The peer's number of a message's target. Exports nothing.
    ///
    /// # Errors
    ///
    /// The target is not behind this connection, or was behind an earlier one, or is the proxy itself.
    pub fn target(&self, address: Address) -> Result<u64, Refusal> {
        if address.slot() != self.proxy.slot() || address.is_none() {
            return Err(Refusal::Elsewhere);
        }
        if address.generation() != self.proxy.generation() || self.closed {
            return Err(Refusal::Gone);
        }
        match address.far().checked_sub(1) {
            Some(number @ 0..=MAX_NUMBER) => Ok(number),
            Some(_) => Err(Refusal::NeverGiven),
            None => Err(Refusal::Private),
        }
    }

    /// What the peer wrote, in local terms.
    ///
    /// # Errors
    ///
    /// The peer names an export of ours that has gone, or that it was never given.
    pub fn read(&self, wire: Wire) -> Result<Address, Refusal> {
        match wire {
            Wire::None => Ok(Address::NONE),
            _ if self.closed => Err(Refusal::Gone),
            Wire::Mine(number @ 0..=MAX_NUMBER) => Ok(self.proxy.with_far(number + 1)),
            Wire::Mine(_) => Err(Refusal::NeverGiven),
            Wire::Yours(0) => match self.default {
                DefaultTarget::Unset => Err(Refusal::NeverGiven),
                DefaultTarget::Given(address) => Ok(address),
                DefaultTarget::Gone => Err(Refusal::Gone),
            },
            Wire::Yours(number) => {
                let (index, generation) = split(number);
                match index.and_then(|index| self.slots.get(index)) {
                    Some(slot) if generation < slot.generation => Err(Refusal::Gone),
                    Some(slot) if generation == slot.generation && !slot.address.is_none() => Ok(slot.address),
                    _ => Err(Refusal::NeverGiven),
                }
            }
        }
    }

    /// A point, or a far address, has ended. Returns the numbers to announce to the peer: usually none or one, and two when
    /// the default target had been exported before it was set.
    pub fn gone(&mut self, address: Address) -> Vec<u64> {
        let mut announce = Vec::new();
        if matches!(self.default, DefaultTarget::Given(default) if default == address) {
            self.default = DefaultTarget::Gone;
            announce.push(0);
        }
        if let Some(number) = self.numbers.remove(&address)
            && number != 0
        {
            self.release(number, true);
            announce.push(number);
        }
        announce
    }

    /// The peer has announced that its export `number` has ended: the address by which it was known here, so that other
    /// connections on which it was exported can be told with [`Self::gone`]. `None` for a number that cannot be one.
    pub fn peer_gone(&self, number: u64) -> Option<Address> {
        self.read(Wire::Mine(number)).ok()
    }

    /// The connection has closed: gives all memory back. From now on every address is [`Refusal::Gone`].
    pub fn clear(&mut self) {
        *self = Self { default: DefaultTarget::Gone, closed: true, ..Self::with_bound(self.proxy, self.bound) };
    }

    /// How many addresses the peer holds, the default target included.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether the peer holds no address.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Takes back what the message at hand would have given: the peer has not seen the numbers. They were never used, so they
    /// can be given later.
    pub(super) fn take_back(&mut self) {
        for address in self.take_fresh().into_iter().rev() {
            if let Some(number) = self.numbers.remove(&address) {
                self.release(number, false);
            }
        }
    }

    fn export(&mut self, address: Address) -> Result<u64, Refusal> {
        // Many peers may be relayed over this connection. None of them takes more numbers than there are left.
        let left = (self.bound as usize + self.free.len()).saturating_sub(self.slots.len());
        if address.is_far() && self.beyond.get(&address.near()).is_some_and(|count| *count >= left) {
            return Err(Refusal::Full);
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() < self.bound as usize => {
                self.slots.push(Slot { address: Address::NONE, generation: 0 });
                self.slots.len() as u32 - 1
            }
            None => return Err(Refusal::Full),
        };
        let slot = &mut self.slots[index as usize];
        slot.address = address;
        if address.is_far() {
            *self.beyond.entry(address.near()).or_default() += 1;
        }
        let number = number(index, slot.generation);
        self.numbers.insert(address, number);
        Ok(number)
    }

    /// Frees the slot of `number`; when the number was `used` the slot goes on with the next generation, if there is one.
    fn release(&mut self, number: u64, used: bool) {
        let (Some(index), _) = split(number) else {
            return;
        };
        let slot = &mut self.slots[index];
        let address = core::mem::replace(&mut slot.address, Address::NONE);
        slot.generation += u32::from(used);
        if slot.generation <= MAX_GENERATION {
            self.free.push(index as u32);
        }
        if let Some(count) = self.beyond.get_mut(&address.near()).filter(|_| address.is_far()) {
            *count -= 1;
            if *count == 0 {
                self.beyond.remove(&address.near());
            }
        }
    }
}

fn is_private(address: Address) -> bool {
    address.near() == Address::DRIVER
}

/// The number of the slot at `index` in its `generation`: at most [`MAX_NUMBER`].
fn number(index: u32, generation: u32) -> u64 {
    (u64::from(index) + 1) | (u64::from(generation) << 32)
}

/// A number as the place in `slots`, which the default target has not, and the generation.
fn split(number: u64) -> (Option<usize>, u32) {
    ((number as u32).checked_sub(1).map(|index| index as usize), (number >> 32) as u32)
}

impl fmt::Debug for Border {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Border")
            .field("proxy", &self.proxy)
            .field("len", &self.len())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: Address = Address::new(7, 3, 0);

    fn point(slot: u32) -> Address {
        Address::new(slot, 1, 0)
    }

    #[test]
    fn a_slot_whose_generation_is_spent_is_retired() {
        let mut border = Border::with_bound(PROXY, 1);
        let first = border.write(point(20));
        let last = number(0, MAX_GENERATION);
        border.slots[0].generation = MAX_GENERATION;
        border.numbers.insert(point(20), last);
        assert!(last <= MAX_NUMBER);
        assert_eq!(border.read(Wire::Yours(last)), Ok(point(20)));
        assert_eq!(border.gone(point(20)), [last]);
        assert_eq!(border.write(point(21)), Err(Refusal::Full), "a number would have been used again");
        assert_eq!(border.read(Wire::Yours(last)), Err(Refusal::Gone));
        assert_eq!(first, Ok(Wire::Mine(1)));
    }

    /// Several peers may be relayed over one connection.
    #[test]
    fn one_connection_that_is_relayed_leaves_numbers_for_others() {
        let mut border = Border::with_bound(PROXY, 11);
        let given = |border: &mut Border, proxy: u32, from: u64| {
            (from..from + 20).filter(|far| border.write(point(proxy).with_far(*far)).is_ok()).count()
        };
        assert_eq!(given(&mut border, 20, 1), 6, "it takes no more than there are left");
        assert_eq!((given(&mut border, 21, 1), given(&mut border, 22, 1)), (3, 1));
        // What is of this process has no share.
        assert!(border.write(point(30)).is_ok());
        assert_eq!(border.write(point(31)), Err(Refusal::Full));
        for far in 1..=6 {
            assert_eq!(border.gone(point(20).with_far(far)).len(), 1);
        }
        assert_eq!((given(&mut border, 22, 101), border.beyond.get(&point(20))), (3, None));
    }
}
