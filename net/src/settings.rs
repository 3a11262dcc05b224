//! The bounds of the network.

use core::time::Duration;

use crate::wire::{FrameLimit, Marks};

/// How much a driver's connections may hold and forgive.
///
/// ```
/// use statepoint::NetSettings;
///
/// let strict = NetSettings { refusals: 1, ..NetSettings::default() };
/// assert_eq!(strict.refusals, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetSettings {
    /// The longest frame that is taken from a peer, and that is sent to one. 1 MiB.
    pub frame_limit: FrameLimit,
    /// When a connection's output counts as congested, and when as full. A connection whose output is full is ended. What other
    /// peers say to this one through here fills no more than half of it: the rest of that is lost, and counted as a dead letter.
    pub marks: Marks,
    /// How many messages of a peer may be refused before its connection is ended: addresses it was never given, and
    /// bodies that do not fit, where it did not merely pass them on. 100.
    pub refusals: u32,
    /// While this many messages of peers wait to be handled, connections are not read: peers wait, and memory stays bounded. 2,048: whoever connects waits behind them.
    ///
    /// One read may bring 6,500 messages more. The sum must stay below
    /// [`Limits::queued_per_point`](statepoint::Limits::queued_per_point): what a point has no room for is lost.
    pub read_pause: usize,
    /// How many bytes of one peer's messages may wait to be opened: queued, deferred, or kept unopened by a handler. Beyond it
    /// this peer's connection is not read, so that it has to wait, until some are opened or dropped. 16 MiB.
    pub unopened: usize,
    /// When nothing has come over a connection for so long, and nothing waits to be sent, the system asks the peer's system
    /// whether it is there, and after four questions without an answer, a quarter of this time apart, the connection counts as
    /// reset. While something waits that the peer's system has not acknowledged it is sent again instead, and the connection
    /// ends when the system gives up: on Linux after about a quarter of an hour. A peer whose system answers is never ended,
    /// whether it reads or not.
    ///
    /// None: never. From one second to nine hours: less counts as one second, more as nine hours. It is the system that is asked,
    /// not the program: see [`Listen::check_every`](crate::Listen::check_every). A simulated network has nothing of the kind.
    /// 60 seconds.
    pub keep_alive: Option<Duration>,
    /// How many sockets may be open at once: ports, attempts and connections. An attempt to connect that would be one more fails,
    /// with [`NotConnected`](crate::NotConnected) and `QuotaExceeded`; a port can be opened all the same. A peer that comes when
    /// there are so many is told that this end is busy, and turned away; so is one from an address that has more connections here already than there is still
    /// room for (of IPv6, from such a network of 64 bits): no single one takes more than half. 65,536; the system's own limit
    /// of descriptors is often lower, and then this should be lower than that.
    pub sockets: usize,
    /// How many peers may be opening their links at once. When there is one more, the oldest goes of those that come from the
    /// address with the most of them (of IPv6, from the network of 64 bits): who fills the house fills it with his own. 1,024.
    pub openings: usize,
}

impl Default for NetSettings {
    fn default() -> Self {
        let (frame_limit, marks) = (FrameLimit::default(), Marks::default());
        let keep_alive = Some(Duration::from_secs(60));
        Self {
            frame_limit,
            marks,
            refusals: 100,
            read_pause: 2_048,
            unopened: 16 << 20,
            keep_alive,
            sockets: 65_536,
            openings: 1_024,
        }
    }
}
