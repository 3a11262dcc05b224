//! The driver: a kernel, a network, and what lies between them. It decides nothing about time and waits for nothing.
//!
//! It has the doors of a sans-I/O machine: [`Driver::ready`] takes what the network reports, [`Driver::turn`] does a bounded
//! amount of work at the moment it is given, [`Driver::timeout`] says when it wants the next turn. `reactor` opens them
//! with mio, `sim` with virtual time.
//!
//! | file | what it does |
//! |---|---|
//! | `sockets.rs` | which socket is what, and who owns it |
//! | `listening.rs` | ports: binding, accepting, what to do when the system has no room |
//! | `dialling.rs` | attempts to connect, name look-ups |
//! | `openings.rs` | peers that have not opened their links yet: how many there may be |
//! | `origins.rs` | from where connections come: how many there may be from one address |
//! | `connection.rs` | one connection: its state |
//! | `asking.rs` | whether peers are there |
//! | `inbound.rs` | from the socket to the kernel |
//! | `outbound.rs` | from the kernel to the socket |
//! | `holders.rs` | which peers hold which addresses |
//! | `closing.rs` | how connections end |

mod asking;
mod closing;
mod connection;
mod dialling;
mod holders;
mod inbound;
mod listening;
mod openings;
mod origins;
mod outbound;
mod sockets;

use core::fmt;
use std::collections::VecDeque;

use fsm_core::{Address, IntoPoint, Kernel, Limits, Message, Moment};

use crate::net::{Net, Ready};
use crate::settings::NetSettings;
use crate::wire::Pool;

use connection::Connection;
pub use connection::ConnectionId;
use dialling::Dials;
use holders::Holders;
use openings::Openings;
use origins::Origins;
use sockets::Sockets;

/// Timers that come due in one turn at the most. Their messages stand in the run queue before those that come over sockets, and
/// may cost more than those: peers that have not opened their links in time are given up.
const TIMERS: usize = 256;
/// Messages that are handled in one turn at the most.
const MESSAGES: usize = 1_024;
/// Sockets that are served in one turn at the most.
const SOCKETS: usize = 256;
/// Sockets whose links are being opened that are served in one turn at the most, besides the others: each may cost a quarter
/// of a millisecond of computing with keys.
const OPENINGS: usize = 4;
/// Connections that are cut off in one turn at the most, for whatever reason so many are to go at once: the system takes some 50
/// microseconds for each.
const CUTS: usize = 16;
/// What one read takes at the most; a connection is read once a turn.
const READ: usize = 64 * 1024;
/// What is read in one turn, roughly: where many have something to say each is read less, but not less than the second figure.
/// What peers say may be short and take long, and whoever talks to this process waits for a turn.
const READS: (usize, usize) = (256 * 1024, 2 * 1024);
/// Once so many messages of peers were refused in a turn nobody more is read in it: each is told to the trace, which takes longer
/// than to send it.
const REFUSED: u64 = 1_024;

/// A kernel and its network.
///
/// ```
/// use statepoint::{Done, Driver, Limits, Moment, NetSettings, routine, sim::World};
///
/// let world = World::new(1);
/// let mut driver = Driver::new(world.host([10, 0, 0, 1].into()), Limits::default(), NetSettings::default());
/// driver.create(routine(async |_| Done));
/// driver.turn(Moment::ZERO);
/// assert!(driver.kernel_mut().take_result().is_some());
/// ```
pub struct Driver<N: Net> {
    kernel: Kernel,
    net: N,
    settings: NetSettings,
    sockets: Sockets,
    dials: Dials,
    openings: Openings,
    origins: Origins,
    holders: Holders,
    /// How many connections may still be cut off in this turn, and orders to do so that wait for the next.
    cuts_left: usize,
    cuts: VecDeque<(Address, bool)>,
    /// What the network has reported and no turn has looked at.
    events: VecDeque<Ready>,
    scratch: Vec<u8>,
    /// What one read takes in this turn.
    share: usize,
    pool: Pool,
    counters: NetCounters,
}

/// What the driver counts. A point gets it as a message, when it has asked with
/// [`ask_net_counters`](crate::Networking::ask_net_counters); a program that drives the reactor itself reads it there.
///
/// ```
/// use statepoint::prelude::*;
/// use statepoint::NetCounters;
///
/// /// Tells what has been going on.
/// struct Watch;
///
/// #[state_machine]
/// impl Watch {
///     fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
///         cx.ask_net_counters();
///         Next::STAY
///     }
///     fn ANY_NetCounters(&mut self, net: NetCounters, cx: &mut Context) -> Next<Self> {
///         cx.console(format_args!("{} peers, {} messages", net.accepted, cx.counters().handled));
///         Next::STAY
///     }
///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
///         Self::complete(Aborted)
///     }
/// }
/// # let _ = Watch;
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Message)]
#[message(name = "statepoint.NetCounters", local)]
#[non_exhaustive]
pub struct NetCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections made.
    pub connected: u64,
    /// Connections ended, in whatever way. Also those of the next counter.
    pub ended: u64,
    /// Connections that ended before their links were open, for whatever reason: other settings at the other end, another program,
    /// keys that do not fit, too late, gone, given up.
    pub not_opened: u64,
    /// Peers turned away because the system had no room.
    pub turned_away: u64,
    /// Frames received that carried a message.
    pub received: u64,
    /// Frames sent that carried a message.
    pub sent: u64,
    /// Connections ended, after their links were open, because the peer broke the protocol.
    pub protocol_errors: u64,
    /// Messages of peers refused at the border: addresses that were never given, or that have gone.
    pub refused: u64,
}

impl<N: Net> Driver<N> {
    /// A driver of a new kernel.
    ///
    /// While as many messages wait as a quarter of what one point may have waiting, connections are not read, whatever the
    /// settings say: otherwise a peer's messages would find no room.
    pub fn new(net: N, limits: Limits, mut settings: NetSettings) -> Self {
        settings.read_pause = settings.read_pause.min((limits.queued_per_point as usize / 4).max(1));
        Self {
            kernel: Kernel::new(limits),
            net,
            settings,
            sockets: Sockets::default(),
            dials: Dials::default(),
            openings: Openings::default(),
            origins: Origins::default(),
            holders: Holders::default(),
            cuts_left: CUTS,
            cuts: VecDeque::new(),
            events: VecDeque::new(),
            scratch: vec![0; READ],
            share: READ,
            pool: Pool::new(),
            counters: NetCounters::default(),
        }
    }

    /// Creates a root point.
    pub fn create(&mut self, point: impl IntoPoint) -> fsm_core::Address {
        self.kernel.create(point)
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The kernel, to create points, to send, to set a sink.
    pub fn kernel_mut(&mut self) -> &mut Kernel {
        &mut self.kernel
    }

    /// The network.
    pub fn net(&self) -> &N {
        &self.net
    }

    /// The network, to take what it reports.
    pub fn net_mut(&mut self) -> &mut N {
        &mut self.net
    }

    /// What was counted so far.
    pub fn counters(&self) -> NetCounters {
        self.counters
    }

    /// How many sockets are held: ports, attempts and connections. 0 when everything has ended.
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// How many addresses the peers hold that messages have given them, all connections together. 0 when the points have ended;
    /// the targets of the connections are not counted.
    pub fn exports(&self) -> usize {
        self.holders.len()
    }

    /// Takes what the network reports. It is looked at in the next turn.
    pub fn ready(&mut self, event: Ready) {
        match event {
            Ready::Socket { token, readable, writable } => self.sockets.mark(token, readable, writable),
            other => self.events.push_back(other),
        }
    }

    /// When the next turn should be: now ([`Moment::ZERO`]) when work is left, at a deadline, or not before the network
    /// reports something.
    pub fn timeout(&self) -> Option<Moment> {
        let has_work = self.sockets.has_work() || self.sockets.can_unstall(self.settings.unopened);
        if !self.kernel.is_idle() || !self.events.is_empty() || !self.cuts.is_empty() || has_work {
            return Some(Moment::ZERO);
        }
        [self.kernel.next_deadline(), self.sockets.next_deadline()].into_iter().flatten().min()
    }

    /// Does a bounded amount of work at the moment `now`: timers, sockets, messages, and one write for each connection that
    /// has something to say.
    pub fn turn(&mut self, now: Moment) {
        self.kernel.advance(now, TIMERS);
        self.sockets.unthrottle(self.kernel.now());
        while let Some(event) = self.events.pop_front() {
            if let Ready::Resolved { query, answer } = event {
                self.resolved(query, answer);
            }
        }
        self.cut_the_rest();
        // Those marked again meanwhile have their next turn after the messages of this one: a peer's end of the stream is seen only
        // behind what it sent before.
        let marked = SOCKETS.min(self.sockets.marked_len());
        self.share = (READS.0 / marked.max(1)).clamp(READS.1, READ);
        let most = self.counters.refused + REFUSED;
        let mut left = marked;
        while self.counters.refused < most
            && let Some((token, readiness)) = self.sockets.take_marked(&mut left)
        {
            self.serve(token, readiness);
        }
        self.sockets.resume_postponed();
        for _ in 0..OPENINGS.min(self.sockets.opening_len()) {
            let Some((token, readiness)) = self.sockets.take_opening() else { break };
            self.serve(token, readiness);
        }
        self.end_overdue();
        self.show_that_one_lives();
        self.kernel.run(MESSAGES);
        while let Some(outbound) = self.kernel.take_outbound() {
            self.outbound(outbound);
        }
        self.sockets.unstall(self.settings.unopened);
        self.count_refusals();
        self.flush();
        while let Some(point) = self.kernel.take_gone() {
            self.release_of(point);
        }
    }
}

impl<N: Net> fmt::Debug for Driver<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("kernel", &self.kernel)
            .field("sockets", &self.sockets.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
