//! What a kernel counts, and why a message could not be delivered.

use core::fmt;

/// Why a message became a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undelivered {
    /// The point has ended, or is ending and takes no more messages.
    Ended,
    /// No point ever had this address here: it is unset or made up.
    NoSuchPoint,
    /// The point takes messages more slowly than they come.
    Overflow,
    /// The run queue of the whole kernel is full.
    RunQueueFull,
    /// A local message was sent to a far address.
    LocalOnly,
    /// The message could not be written as bytes.
    Encode,
    /// The encoded message is larger than the connection's frames may be.
    TooLarge,
    /// The peer has said that its point has ended.
    Gone,
    /// The peer used an address that it was never given.
    NeverGiven,
    /// The connection's table of exported addresses is full.
    ExportsFull,
    /// The connection has closed.
    Disconnected,
    /// The connection's output buffer is full: the peer reads too slowly.
    Congested,
}

impl Undelivered {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Ended,
        Self::NoSuchPoint,
        Self::Overflow,
        Self::RunQueueFull,
        Self::LocalOnly,
        Self::Encode,
        Self::TooLarge,
        Self::Gone,
        Self::NeverGiven,
        Self::ExportsFull,
        Self::Disconnected,
        Self::Congested,
    ];
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the point has ended",
            Self::NoSuchPoint => "no point ever had this address",
            Self::Overflow => "the point takes messages more slowly than they come",
            Self::RunQueueFull => "the run queue is full",
            Self::LocalOnly => "a local message cannot leave its process",
            Self::Encode => "the message cannot be written as bytes",
            Self::TooLarge => "the message is larger than a frame may be",
            Self::Gone => "the peer's point has ended",
            Self::NeverGiven => "the peer was never given this address",
            Self::ExportsFull => "the connection's table of exported addresses is full",
            Self::Disconnected => "the connection has closed",
            Self::Congested => "the peer reads too slowly, the connection's output buffer is full",
        })
    }
}

/// What has happened in a kernel so far.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Address, Aborted, Kernel, Limits, Undelivered};
///
/// let mut kernel = Kernel::new(Limits::default());
/// kernel.send(Address::new(7, 1, 0), Address::NONE, Aborted);
/// assert_eq!(kernel.counters().dead(Undelivered::NoSuchPoint), 1);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages that points have handled.
    pub handled: u64,
    /// Points created.
    pub created: u64,
    /// Points not created because there were as many as there may be.
    pub not_created: u64,
    /// Points ended.
    pub ended: u64,
    /// Messages for which a state had no cell.
    pub unknown: u64,
    /// Bodies that did not fit the type that should take them.
    pub refused: u64,
    /// Messages deferred.
    pub deferred: u64,
    /// Points that panicked.
    pub panics: u64,
    /// Points dropped because they did not end within the grace time.
    pub dropped: u64,
    /// Timers refused because a point had too many.
    pub timers_refused: u64,
    /// Dead letters, by the order of [`Undelivered::ALL`].
    pub(crate) dead_letters: [u64; Undelivered::ALL.len()],
}

impl Counters {
    /// How many messages could not be delivered for this reason.
    pub fn dead(&self, reason: Undelivered) -> u64 {
        self.dead_letters[reason as usize]
    }

    /// How many messages could not be delivered, for whatever reason.
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters.iter().sum()
    }
}
