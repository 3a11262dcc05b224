//! The context: all that a handler may touch.

mod family;
mod observer;
mod post;
mod timing;

use core::fmt;
use std::collections::VecDeque;

use crate::address::Address;
use crate::body::{Body, IntoBody};
use crate::codec::Refused;
use crate::counters::{Counters, Undelivered};
use crate::envelope::Envelope;
use crate::head::{Head, MAX_QUEUED};
use crate::limits::Limits;
use crate::machine::{Machine, Next};
use crate::moment::Moment;
use crate::name::MessageId;
use crate::point::Point;
use crate::timers::Timers;

pub(crate) use observer::Observer;
pub(crate) use post::SPARE;
pub(crate) use timing::SELECT_LIMIT;

/// All that a handler may touch: who it is, who sent the message, and every operation of
/// [`Vocabulary`](crate::Vocabulary).
///
/// Nothing in it waits, as a handler runs to its end: what is `cx.request(..).await` in a [`Routine`](crate::Routine) is
/// `cx.create(GetResponse::new(..))` in a machine, and a cell for `Completed`; see [`GetResponse`](crate::GetResponse).
///
/// It is a plain owned value without lifetime or type parameter. The kernel holds it beside the points, so a handler
/// borrows both at once; what a handler creates becomes a point after it has returned, its address valid at once.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Context, Vocabulary};
///
/// fn refuse_politely(cx: &mut Context) {
///     cx.reply(Aborted);
///     cx.console(format_args!("refused {}", cx.from()));
/// }
/// ```
pub struct Context {
    pub(crate) now: Moment,
    pub(crate) me: Address,
    pub(crate) from: Address,
    /// The message at hand, for the report of a panic.
    pub(crate) handling: MessageId,
    /// The state of the random numbers: SplitMix64 (Steele, Lea, Flood, 2014).
    pub(crate) random: u64,
    /// Slot 0 belongs to the driver.
    pub(crate) heads: Vec<Head>,
    pub(crate) free: Vec<u32>,
    pub(crate) run: VecDeque<Envelope>,
    /// The handler has left something in `births` or `recanted`.
    pub(crate) has_aftermath: bool,
    pub(crate) births: Vec<(u32, Box<dyn Point>)>,
    pub(crate) timers: Timers,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    /// The message that the point has just deferred, on its way to the backlog.
    pub(crate) kept: Option<Body>,
    /// Timers cancelled by points with a backlog: what is deferred of them goes too.
    pub(crate) recanted: Vec<(u32, MessageId)>,
    /// Messages in the run queue that come from beyond connections.
    pub(crate) inbound: usize,
    /// Far senders whose messages did not fit, for the driver to count.
    pub(crate) refusals: VecDeque<Address>,
    pub(crate) observer: Option<Box<Observer>>,
    /// Whether it wants to know of every message. One that wants warnings only must not cost much.
    pub(crate) is_watched: bool,
    /// What the harness looks at; a kernel keeps no notes.
    pub(crate) notes: Option<Box<Notes>>,
}

/// Refusals that wait for the driver at the most; it takes them each turn.
const MAX_REFUSALS: usize = 4_096;

/// What a handler did that leaves no other trace in the context.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) started: Vec<(MessageId, &'static str, core::time::Duration)>,
    pub(crate) cancelled: Vec<MessageId>,
    pub(crate) unknown: Vec<String>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) said: Vec<String>,
    pub(crate) lost: Vec<(String, Undelivered)>,
}

impl Context {
    pub(crate) fn new(mut limits: Limits) -> Self {
        limits.queued_per_point = limits.queued_per_point.min(MAX_QUEUED);
        Self {
            now: Moment::ZERO,
            me: Address::NONE,
            from: Address::NONE,
            handling: 0,
            random: 0,
            heads: vec![Head::new(Address::DRIVER.generation())],
            free: Vec::new(),
            run: VecDeque::new(),
            has_aftermath: false,
            births: Vec::new(),
            timers: Timers::new(),
            limits,
            counters: Counters::default(),
            kept: None,
            recanted: Vec::new(),
            inbound: 0,
            refusals: VecDeque::new(),
            observer: None,
            is_watched: false,
            notes: None,
        }
    }

    /// Sends a message in the name of another address, for points that stand for others, as a proxy does for its peer.
    /// Points of one process trust each other; a peer has no such means.
    pub fn send_as(&mut self, from: Address, to: Address, message: impl IntoBody) {
        self.post(to, from, message.into_body());
    }

    pub(crate) fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// For generated code: the body of the message at hand does not fit its type. Counted and traced; the machine stays.
    #[cold]
    pub fn refuse<M: Machine>(&mut self, refused: Refused) -> Next<M> {
        self.note_refused(refused);
        Next::Stay
    }

    #[cold]
    pub(crate) fn note_refused(&mut self, refused: Refused) {
        self.counters.refused += 1;
        if self.from.is_far() && self.refusals.len() < MAX_REFUSALS {
            self.refusals.push_back(self.from);
        }
        self.trace_refused(&refused);
        if let Some(notes) = &mut self.notes {
            notes.refused.push(refused);
        }
    }

    /// A message for which the state has no cell.
    #[cold]
    pub(crate) fn note_unknown(&mut self, body: &Body, expected: &[&str]) {
        if !is_untold(body) {
            self.counters.unknown += 1;
        }
        self.trace_unknown(body, expected);
        if let Some(notes) = &mut self.notes {
            notes.unknown.push(body.name().to_owned());
        }
    }
}

/// Messages of a point's life that a point need not know: traced, not counted as unknown.
fn is_untold(body: &Body) -> bool {
    use crate::lifecycle::{Completed, Start};
    body.peek::<Start>().is_some() || body.peek::<Completed>().is_some()
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("me", &self.me)
            .field("from", &self.from)
            .field("queued", &self.run.len())
            .finish_non_exhaustive()
    }
}
