//! What happened in a simulated network: counted, hashed, and the latest of it kept to be read after a failure.

use fsm_core::Moment;
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// How many entries [`World::history`](super::World::history) keeps.
pub const HISTORY: usize = 256;

macro_rules! happenings {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// The kinds of things that happen in a simulated network.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Happening { $($(#[$doc])* $name,)* }

        impl Happening {
            /// All kinds, to see after many runs which of them never came about.
            pub const ALL: &'static [Happening] = &[$(Happening::$name,)*];

            const fn text(self) -> &'static str {
                match self { $(Happening::$name => $text,)* }
            }
        }
    };
}

happenings! {
    /// A host began to listen.
    Listened "listens",
    /// A host began to connect.
    Connected "begins to connect to",
    /// A connection came to the queue of a listener.
    Arrived "waits to be accepted by",
    /// Who connects has heard that the connection is open.
    Opened "has a connection to",
    /// Who connects has heard that it was refused.
    Refused "was refused by",
    /// Who connects has heard nothing for two minutes.
    GaveUp "was not answered by",
    /// A connection was accepted.
    Accepted "accepts",
    /// Bytes were written.
    Sent "sends to",
    /// Bytes arrived.
    Delivered "has delivered to it, from",
    /// Bytes were read.
    Read "reads from",
    /// A direction was ended by `shutdown` or `close`.
    Finished "has said its last to",
    /// The end of a direction arrived.
    Ended "hears the end of",
    /// A socket was closed.
    Closed "closes towards",
    /// A reset was sent.
    Reset "resets",
    /// A reset arrived.
    WasReset "was reset by",
    /// A name was answered.
    Resolved "resolves",
    /// A look-up failed.
    NotResolved "could not resolve",
    /// Events were shown to a host.
    Shown "is shown events",

    /// Fault: what was written arrives in pieces.
    SplitWrite "sends in pieces to",
    /// Fault: a read returned a part only.
    ShortRead "reads a part from",
    /// Fault: a write took a part only.
    ShortWrite "sends a part to",
    /// A write found the buffer full.
    FullBuffer "has no room towards",
    /// Fault: an event was held back.
    LateEvent "sees an event late",
    /// Fault: an event without a cause was shown.
    SpuriousEvent "sees an event in vain",
    /// Fault: a connection was refused though somebody listens.
    RefusedAtRandom "is refused at random by",
    /// Fault: an attempt to connect will never be answered.
    Unanswered "will not be answered by",
    /// Fault: a connection was closed by the far end before it was accepted.
    TurnedAway "is turned away by",
    /// Fault: a connection leads elsewhere.
    WrongListener "is led astray to",
    /// Fault: no descriptor for `connect` or `listen`.
    NoDescriptor "has no descriptor for",
    /// Fault: `accept` failed and the peer was lost.
    AcceptAborted "loses, while accepting,",
    /// Fault: `accept` failed and the peer waits on.
    AcceptExhausted "has no descriptor to accept",
    /// Any other failure of `accept` that a test asked for.
    AcceptBroken "cannot accept any more at",
    /// A peer was accepted and closed with the descriptor in reserve.
    Dropped "turns away",
    /// Fault: a connection was reset at a random byte.
    ResetAtByte "is reset at a byte towards",
    /// Fault: a connection was reset at a random moment.
    ResetInTime "is reset at a moment towards",
    /// Fault: a reset destroyed bytes that were not read.
    ResetDiscarded "loses unread bytes from",
    /// Bytes that were not read turned a close into a reset.
    ClosedUnread "closes without reading all from",
    /// Fault: a connection delivers nothing any more.
    Lost "has lost without knowing",
    /// Fault: a direction of a connection stopped delivering.
    Clogged "is clogged towards",
    /// A clogged direction of a connection goes on.
    Released "is released towards",
    /// Fault: all from one host to another is held up.
    Parted "is cut off from",
    /// That is over.
    Rejoined "is joined again with",
    /// Fault: a host lost its power.
    Crashed "crashed",
    /// A host came back after a crash.
    Restarted "restarted",
    /// Fault: the process on a host does not run, its system goes on.
    Frozen "is frozen",
    /// It runs again.
    Thawed "is thawed",
    /// Fault: the process on a host was killed; its system closed the sockets.
    Killed "was killed",
    /// Fault: a name that is known was not found.
    ResolveFailed "cannot find a name at random",
    /// Fault: a look-up will never be answered.
    ResolveUnanswered "will get no answer about a name",
    /// Fault: a test changed bytes on their way.
    Tampered "is tampered with towards",
}

/// One thing that happened; `Display` and `Debug` tell it in a line.
///
/// ```
/// # use statepoint::{net::Net, sim::World};
/// let world = World::new(1);
/// world.host([10, 0, 0, 1].into()).listen("10.0.0.1:80".parse()?)?;
/// assert_eq!(world.history()[0].to_string().trim(), "0.000000 #0 10.0.0.1:80 listens");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// What.
    pub what: Happening,
    /// The number of the connection, in the order of `connect`; 0 if it was about none.
    pub connection: u64,
    /// At which host; port 0 if it was about no socket.
    pub from: SocketAddr,
    /// Towards whom; the same as `from` if it was about nobody else.
    pub to: SocketAddr,
    /// How many bytes; 0 if it was about none.
    pub bytes: u64,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.at.as_nanos() / 1_000;
        write!(f, "{:>6}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)?;
        write!(f, " #{} {} {}", self.connection, Place(self.from), self.what.text())?;
        if self.to != self.from {
            write!(f, " {}", Place(self.to))?;
        }
        if self.bytes > 0 {
            write!(f, " ({} bytes)", self.bytes)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address without its port if that is 0.
struct Place(SocketAddr);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            0 => self.0.ip().fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

/// The counts, the running hash and the latest entries.
#[derive(Debug)]
pub(super) struct History {
    hash: u64,
    counts: [u64; Happening::ALL.len()],
    latest: VecDeque<Entry>,
}

impl History {
    pub(super) fn new() -> Self {
        History { hash: 0xCBF2_9CE4_8422_2325, counts: [0; Happening::ALL.len()], latest: VecDeque::new() }
    }

    pub(super) fn add(&mut self, entry: Entry) {
        if let Some(count) = self.counts.get_mut(entry.what as usize) {
            *count += 1;
        }
        self.word(entry.at.as_nanos());
        self.word(entry.what as u64);
        self.word(entry.connection);
        self.address(entry.from);
        self.address(entry.to);
        self.word(entry.bytes);
        if self.latest.len() == HISTORY {
            self.latest.pop_front();
        }
        self.latest.push_back(entry);
    }

    /// Hashes contents that an entry does not hold.
    pub(super) fn content(&mut self, bytes: &[u8]) {
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        for word in words {
            self.word(word.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        self.word(rest.iter().fold(bytes.len() as u64, |word, &byte| word << 8 | u64::from(byte)));
    }

    /// Hashes a number that an entry does not hold.
    pub(super) fn word(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.hash ^= self.hash >> 32;
    }

    fn address(&mut self, address: SocketAddr) {
        match address.ip() {
            IpAddr::V4(ip) => self.word(u64::from(u32::from(ip))),
            IpAddr::V6(ip) => {
                let bits = u128::from(ip);
                self.word(bits as u64);
                self.word((bits >> 64) as u64);
            }
        }
        self.word(u64::from(address.port()));
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn count(&self, what: Happening) -> u64 {
        self.counts.get(what as usize).copied().unwrap_or(0)
    }

    pub(super) fn latest(&self) -> Vec<Entry> {
        self.latest.iter().cloned().collect()
    }
}
