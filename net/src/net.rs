//! What the driver asks of a network: the trait [`Net`], written twice: over the system's sockets (`reactor`) and
//! over a simulated network ([`sim`](crate::sim)).
//!
//! The trait has no `poll`. Time and waiting belong to whoever drives; a network only does what it is asked, at once,
//! and answers `WouldBlock` where a thread would have to wait. What may have changed meanwhile comes to the driver as
//! [`Ready`], by **edges**: one event after a change, none while nothing changes. So whoever gets an event goes on
//! until `WouldBlock`, or remembers that there is more to do.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;

use crate::link::Seed;
use crate::wire::LinkError;

/// The name of one open socket in one [`Net`].
///
/// It is the index of a slot and the generation of that slot, so a token whose socket was closed is recognised:
/// operations on it answer `NotConnected` and never touch the socket that has the slot now.
///
/// ```
/// use statepoint::net::Net;
/// use statepoint::sim::World;
///
/// let mut net = World::new(1).host([10, 0, 0, 1].into());
/// let (old, at) = net.listen("10.0.0.1:80".parse()?)?;
/// net.close(old);
/// let (new, _) = net.listen(at)?;
/// assert_eq!(old.index(), new.index());
/// assert_ne!(old, new);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token {
    index: u32,
    generation: u32,
}

impl Token {
    /// No token is less.
    pub(crate) const LEAST: Self = Self { index: 0, generation: 0 };

    /// The slot: small numbers, used again. A side table of the driver can be a `Vec` by index that keeps the whole
    /// token beside its value and compares it.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// How often the slot had been used before.
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}.{})", self.index, self.generation)
    }
}

/// What a network tells the driver.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ready {
    /// Something may have changed at a socket. The flags are hints and may be true in vain (after an error both are);
    /// but a change is never left out.
    ///
    /// * a listener is `readable`: call [`accept`](Net::accept) until `WouldBlock`;
    /// * a socket that was connecting is `writable`: ask [`connected`](Net::connected);
    /// * a connection is `readable` (bytes, the end of the stream, or an error): [`read`](Net::read);
    /// * a connection is `writable`: there is room again after a `WouldBlock` of
    ///   [`write_vectored`](Net::write_vectored).
    ///
    /// A newly accepted or connected socket always gets a first event.
    Socket {
        /// Which socket. It may have been closed since.
        token: Token,
        /// Reading (or accepting) may get on.
        readable: bool,
        /// Writing (or connecting) may get on.
        writable: bool,
    },
    /// A name look-up has ended. Each [`resolve`](Net::resolve) is answered once, unless it was cancelled.
    Resolved {
        /// The number given to `resolve`.
        query: u64,
        /// At least one address and at most [`MOST_ADDRESSES`], in the order of the system's preference; `NotFound`
        /// when the name is not known or the look-up failed.
        answer: io::Result<Vec<SocketAddr>>,
    },
}

/// How many look-ups may be under way in one [`Net`]; [`Net::resolve`] refuses one more.
pub const MOST_QUERIES: usize = 1_024;

/// How many addresses an answer holds at most; what the system tells beyond is dropped.
pub const MOST_ADDRESSES: usize = 64;

/// How many peers may wait at one listener until they are accepted.
pub const BACKLOG: usize = 1_024;

/// The longest host name that is looked up, in bytes.
pub const LONGEST_NAME: usize = 255;

/// A network as the driver sees it: sockets that never block, with the semantics of `std::io`.
///
/// * No method waits. Where the system would, the answer is `WouldBlock`. `Interrupted` is never answered.
/// * A token that is not open (any more) answers `NotConnected`; a listener where a connection is expected, or the
///   reverse, answers `InvalidInput`.
/// * After an error of [`connected`](Net::connected), `read` or `write_vectored` other than `WouldBlock` the socket is
///   of no more use, but stays open until it is closed.
///
/// ```
/// use statepoint::net::{Net, Ready};
/// use statepoint::sim::World;
///
/// let world = World::new(1);
/// let mut server = world.host([10, 0, 0, 1].into());
/// let mut client = world.host([10, 0, 0, 2].into());
/// let (listener, at) = server.listen("10.0.0.1:0".parse()?)?;
/// let token = client.connect(at)?;
/// while let Some(next) = world.next_event() {
///     world.advance(next);
///     for ready in server.ready() {
///         if matches!(ready, Ready::Socket { token, .. } if token == listener) {
///             let (_, peer, local) = server.accept(listener)?;
///             assert_eq!((peer.ip(), local), ([10, 0, 0, 2].into(), at));
///         }
///     }
///     client.ready();
/// }
/// assert!(matches!(client.connected(token), Ok(Some((peer, _))) if peer == at));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Net {
    /// Listens at an address; port 0 lets the network choose one. Answers the listener and the address it got.
    ///
    /// At most [`BACKLOG`] peers wait. On Unix an address can be used again at once after its listener was closed. A
    /// listener at `[::]` serves IPv4 too, where the system can.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`, or no descriptor left.
    fn listen(&mut self, at: SocketAddr) -> io::Result<(Token, SocketAddr)>;

    /// Takes one waiting peer: the connection, the peer's address and our own.
    ///
    /// # Errors
    /// `WouldBlock` when nobody waits; for all others see [`AcceptFailure::of`].
    fn accept(&mut self, listener: Token) -> io::Result<(Token, SocketAddr, SocketAddr)>;

    /// Turns waiting peers away when descriptors are exhausted: gives up the descriptor held in reserve, accepts and
    /// closes up to `most` peers, takes the reserve again. The peers learn at once that they are not served, instead
    /// of waiting without an answer. Answers how many it turned away; 0 also when the listener is not open.
    ///
    /// Those who wait longer give **no new event** when descriptors come free: accept again by timer, and whenever a
    /// connection was closed.
    fn accept_and_drop(&mut self, listener: Token, most: usize) -> usize;

    /// Begins to connect. An event follows when it is known how that ended, then ask [`connected`](Net::connected).
    /// There is no deadline but the system's own (two minutes): close the token to give up.
    ///
    /// # Errors
    /// What is known at once: `NetworkUnreachable`, no descriptor left ..
    fn connect(&mut self, to: SocketAddr) -> io::Result<Token>;

    /// How the connecting stands: `None` while it is under way, then the peer's address and our own. Also true of an
    /// accepted connection.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `ConnectionReset` .. : there is no connection, or not any more; close the token.
    fn connected(&mut self, token: Token) -> io::Result<Option<(SocketAddr, SocketAddr)>>;

    /// Begins to look a name up; the answer comes as [`Ready::Resolved`]. An IP address in the usual notation is a
    /// name too, and is answered in the same way.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is empty or longer than [`LONGEST_NAME`] bytes, `AlreadyExists` when the query
    /// number is under way, `QuotaExceeded` when [`MOST_QUERIES`] are.
    fn resolve(&mut self, query: u64, host: &str, port: u16) -> io::Result<()>;

    /// Forgets a look-up: it will not be answered, and its number is free. Nothing happens when it is not under way.
    fn cancel_resolve(&mut self, query: u64);

    /// Reads what has come, at most `into.len()` bytes. `Ok(0)` is the end of the stream, unless `into` is empty: that
    /// tells nothing.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has come, `ConnectionReset` ..
    fn read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize>;

    /// Whether a `read` that filled only a part of its buffer has taken all there was, so that an event announces
    /// what comes next. Where this is false, read until `WouldBlock`.
    ///
    /// It is false where the system makes no such promise, and once the stream is known to have ended: the end is
    /// still to be read, and no event follows.
    fn short_read_drains(&self, token: Token) -> bool;

    /// Writes the slices one after the other, as much as there is room for, and answers how many bytes that was. A
    /// short count does not mean that there is no room: write the rest until `WouldBlock`, then an event follows when
    /// there is.
    ///
    /// # Errors
    /// `WouldBlock`; `BrokenPipe` after `shutdown`, or when the peer has gone; `ConnectionReset`.
    fn write_vectored(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ends our direction: the peer reads all that was written and then the end of the stream. Reading goes on. Asked
    /// twice it does nothing.
    ///
    /// # Errors
    /// `NotConnected` when there is no connection (any more).
    fn shutdown(&mut self, token: Token) -> io::Result<()>;

    /// Closes a connection, a listener or an attempt to connect. What was written is still delivered; but if
    /// something had come that was not read, the peer gets a reset that may overtake it: to be sure, `shutdown` first
    /// and read to the end. Peers that wait at a closed listener get a reset. Nothing happens when the token is not
    /// open.
    fn close(&mut self, token: Token);

    /// Closes a connection with a reset: what was not delivered is lost, the peer gets `ConnectionReset`. For a peer
    /// that must not cost anything more. Of a listener it is the same as `close`.
    fn abort(&mut self, token: Token);

    /// Our own address of a listener or a connection.
    ///
    /// # Errors
    /// `NotConnected` when the token is not open.
    fn local_address(&self, token: Token) -> io::Result<SocketAddr>;

    /// Fresh secret random bytes, for the keys of one connection. A simulated network draws them from its own seed.
    ///
    /// # Errors
    /// [`LinkError::NoRandomness`]: the system has none to give.
    fn seed(&mut self) -> Result<Seed, LinkError>;
}

/// What to do after [`Net::accept`] failed. Both networks are judged by the same rule.
///
/// ```
/// use statepoint::net::AcceptFailure;
/// use std::io::{Error, ErrorKind};
///
/// assert_eq!(AcceptFailure::of(&ErrorKind::WouldBlock.into()), None);
/// assert_eq!(AcceptFailure::of(&ErrorKind::ConnectionAborted.into()), Some(AcceptFailure::Retry));
/// assert_eq!(AcceptFailure::of(&ErrorKind::OutOfMemory.into()), Some(AcceptFailure::Exhausted));
/// assert_eq!(AcceptFailure::of(&ErrorKind::NotConnected.into()), Some(AcceptFailure::Fatal));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcceptFailure {
    /// This peer was lost, the next may be well: accept again at once.
    Retry,
    /// Descriptors or memory are exhausted (or something unknown is wrong): neither loop nor give up. Turn the waiting
    /// peers away with [`Net::accept_and_drop`], then accept again by timer and whenever a connection was closed.
    Exhausted,
    /// The listener itself is of no use (any more): close it.
    Fatal,
}

impl AcceptFailure {
    /// What the error means; `None` for `WouldBlock`, which is no failure: nobody waits.
    ///
    /// An error that is not known counts as `Exhausted`: waiting before the next attempt neither spins nor leaves the
    /// listener for dead.
    pub fn of(error: &io::Error) -> Option<AcceptFailure> {
        use io::ErrorKind as Kind;
        Some(match error.kind() {
            Kind::WouldBlock => return None,
            Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::Interrupted
            | Kind::PermissionDenied
            | Kind::TimedOut
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::HostUnreachable => AcceptFailure::Retry,
            Kind::NotConnected | Kind::InvalidInput => AcceptFailure::Fatal,
            _ if error.raw_os_error().is_some_and(|code| system::LOST_PEER.contains(&code)) => AcceptFailure::Retry,
            _ => AcceptFailure::Exhausted,
        })
    }
}

/// Error numbers for which the standard library has no kind.
mod system {
    /// Errors of the peer's that Linux hands to `accept`: ENONET, EPROTO, ENOPROTOOPT, EHOSTDOWN.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) const LOST_PEER: &[i32] = &[64, 71, 92, 112];
    /// EPROTO.
    #[cfg(any(target_os = "macos", target_os = "ios"))]
    pub(super) const LOST_PEER: &[i32] = &[100];
    /// None known.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "ios")))]
    pub(super) const LOST_PEER: &[i32] = &[];

    /// WSAEMFILE.
    #[cfg(windows)]
    pub(super) const TOO_MANY_OPEN: i32 = 10_024;
    /// EMFILE, the same number on every Unix.
    #[cfg(not(windows))]
    pub(super) const TOO_MANY_OPEN: i32 = 24;
}

/// The error of the system when a process has no descriptor left, for the simulated network.
pub(crate) fn too_many_open() -> io::Error {
    io::Error::from_raw_os_error(system::TOO_MANY_OPEN)
}

/// The answer about a token that is not open.
pub(crate) fn not_open() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// The answer about a connection where a listener was expected.
pub(crate) fn not_a_listener() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "expected a listener, got a connection")
}

/// The answer about a listener where a connection was expected.
pub(crate) fn not_a_connection() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "expected a connection, got a listener")
}

/// The checks of [`Net::resolve`] that are the same in both networks. `exists` and `count` speak of the look-ups under
/// way.
pub(crate) fn check_query(host: &str, exists: bool, count: usize) -> io::Result<()> {
    if host.is_empty() || host.len() > LONGEST_NAME {
        let text = format!("expected a host name of 1 to {LONGEST_NAME} bytes, got {} bytes", host.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    if exists {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "expected a query number that is not under way"));
    }
    if count >= MOST_QUERIES {
        let text = format!("expected fewer than {MOST_QUERIES} look-ups under way: wait until one is answered");
        return Err(io::Error::new(io::ErrorKind::QuotaExceeded, text));
    }
    Ok(())
}

/// Values under tokens. Removing a value makes its token invalid for ever: a slot whose generation is spent is retired.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    count: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Slab { slots: Vec::new(), free: Vec::new(), count: 0 }
    }

    /// The token that the next [`insert`](Self::insert) will give, for what must be told before it can be inserted.
    pub(crate) fn next_token(&self) -> Token {
        match self.free.last() {
            Some(&index) => {
                let slot = self.slots.get(index as usize);
                Token { index, generation: slot.map_or(0, |slot| slot.generation) }
            }
            None => {
                // Descriptors run out long before; the greatest index stays free for tokens of the reactor's own.
                let index = u32::try_from(self.slots.len()).ok().filter(|&index| index != u32::MAX);
                Token { index: index.expect("a slab has fewer than 2^32 slots"), generation: 0 }
            }
        }
    }

    pub(crate) fn insert(&mut self, value: T) -> Token {
        let token = self.next_token();
        self.count += 1;
        match self.free.pop() {
            Some(index) => self.slots[index as usize].value = Some(value),
            None => self.slots.push(Slot { generation: 0, value: Some(value) }),
        }
        token
    }

    pub(crate) fn remove(&mut self, token: Token) -> Option<T> {
        let slot = self.slots.get_mut(token.index()).filter(|slot| slot.generation == token.generation)?;
        let value = slot.value.take()?;
        self.count -= 1;
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(token.index);
        }
        Some(value)
    }

    pub(crate) fn get(&self, token: Token) -> Option<&T> {
        self.slots.get(token.index()).filter(|slot| slot.generation == token.generation)?.value.as_ref()
    }

    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut T> {
        self.slots.get_mut(token.index()).filter(|slot| slot.generation == token.generation)?.value.as_mut()
    }

    /// The token of the value that has this slot now.
    pub(crate) fn token_at(&self, index: usize) -> Option<Token> {
        let slot = self.slots.get(index).filter(|slot| slot.value.is_some())?;
        Some(Token { index: u32::try_from(index).ok()?, generation: slot.generation })
    }

    /// The tokens in use, by index.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = Token> + '_ {
        (0..self.slots.len()).filter_map(|index| self.token_at(index))
    }

    /// How many values there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_value_is_not_reached_by_its_token_when_the_slot_is_used_again() {
        let mut slab = Slab::new();
        let old = slab.insert("old");
        assert_eq!(slab.remove(old), Some("old"));
        assert_eq!(slab.next_token(), Token { index: 0, generation: 1 });
        let new = slab.insert("new");
        assert_eq!(slab.get(old), None);
        assert_eq!(slab.get_mut(old), None);
        assert_eq!(slab.remove(old), None);
        assert_eq!((slab.get(new), slab.token_at(0), slab.count()), (Some(&"new"), Some(new), 1));
    }

    #[test]
    fn a_slot_whose_generation_is_spent_is_retired() {
        let mut slab = Slab::new();
        slab.insert(1);
        slab.slots[0].generation = u32::MAX;
        let last = slab.token_at(0).expect("in use");
        assert_eq!(slab.remove(last), Some(1));
        assert_eq!(slab.insert(2), Token { index: 1, generation: 0 });
        assert_eq!(slab.get(last), None);
    }

    #[test]
    fn accept_errors_are_judged_by_what_helps() {
        use AcceptFailure::{Exhausted, Fatal, Retry};
        let of = |error: io::Error| AcceptFailure::of(&error);
        assert_eq!(of(too_many_open()), Some(Exhausted));
        assert_eq!(of(io::Error::other("unheard of")), Some(Exhausted));
        assert_eq!(of(not_open()), Some(Fatal));
        assert_eq!(of(not_a_listener()), Some(Fatal));
        assert_eq!(of(io::ErrorKind::WouldBlock.into()), None);
        for kind in [io::ErrorKind::ConnectionAborted, io::ErrorKind::PermissionDenied, io::ErrorKind::NetworkDown] {
            assert_eq!(of(kind.into()), Some(Retry), "{kind:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_errors_of_accept_in_the_manual_of_linux_have_their_class() {
        use AcceptFailure::{Exhausted, Fatal, Retry};
        let class = |code: i32| AcceptFailure::of(&io::Error::from_raw_os_error(code));
        // EMFILE, ENFILE, ENOBUFS, ENOMEM
        assert!([24, 23, 105, 12].iter().all(|&code| class(code) == Some(Exhausted)));
        // ECONNABORTED, EINTR, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH
        assert!([103, 4, 1, 71, 100, 92, 112, 64, 113, 101].iter().all(|&code| class(code) == Some(Retry)));
        // EINVAL: not listening (any more)
        assert_eq!(class(22), Some(Fatal));
    }
}
