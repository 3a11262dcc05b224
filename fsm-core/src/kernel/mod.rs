//! The kernel: points, and the loop that gives them their messages.

mod backlog;
mod deliver;
mod ending;
#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::address::Address;
use crate::body::{Body, IntoBody};
use crate::context::Context;
use crate::counters::{Counters, Undelivered};
use crate::coverage::Coverage;
use crate::envelope::Envelope;
use crate::head::{NIL, WATCHED};
use crate::limits::Limits;
use crate::moment::Moment;
use crate::point::{IntoPoint, Lent, Point};
use crate::trace::Sink;
use crate::value::Value;

use backlog::Backlog;
use ending::Ending;

/// Messages whose points are fetched together.
const AHEAD: usize = 16;

/// The points of a smaller kernel are in the processor's cache as it is.
const LARGE: usize = 10_000;

/// The part of a reactor without I/O: it owns the points, and gives each its messages, one at a time.
///
/// Whoever drives it passes time and messages in, and takes out what leaves the process. The same inputs give the same
/// outputs and the same trace. Reactor and simulator do so; a program needs a kernel of its own only in tests.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Kernel, Limits, routine};
///
/// let mut kernel = Kernel::new(Limits::default());
/// let point = kernel.create(routine(async |_| Aborted));
/// kernel.run(1_000);
/// let (address, value) = kernel.take_result().expect("the routine has ended");
/// assert!(address == point && value.is::<Aborted>());
/// ```
///
/// A panic in a handler ends that point alone. With `panic = "abort"` there is no such isolation.
pub struct Kernel {
    pub(crate) points: Vec<Option<Box<dyn Point>>>,
    pub(crate) cx: Lent,
    backlogs: BTreeMap<u32, Backlog>,
    endings: BTreeMap<u32, Ending>,
    /// When which ending has lasted too long, the earliest first: the grace time is the same for all.
    overdue: VecDeque<(Moment, Address)>,
    outbound: VecDeque<Outbound>,
    results: VecDeque<(Address, Value)>,
    gone: VecDeque<Address>,
    panicked: Option<(Address, String)>,
}

/// A message that leaves the kernel: its receiver is the driver, or lies beyond a connection.
#[derive(Debug)]
pub struct Outbound {
    /// The receiver.
    pub to: Address,
    /// The sender.
    pub from: Address,
    /// The message.
    pub body: Body,
}

impl Kernel {
    /// A kernel without points, at [`Moment::ZERO`].
    pub fn new(limits: Limits) -> Self {
        Self {
            points: vec![None],
            cx: Some(Box::new(Context::new(limits))),
            backlogs: BTreeMap::new(),
            endings: BTreeMap::new(),
            overdue: VecDeque::new(),
            outbound: VecDeque::new(),
            results: VecDeque::new(),
            gone: VecDeque::new(),
            panicked: None,
        }
    }

    /// Creates a root point: its end is told by [`Kernel::take_result`].
    pub fn create(&mut self, point: impl IntoPoint) -> Address {
        let address = self.cx().birth(point.into_point(), NIL, false);
        self.settle();
        address
    }

    /// Queues a message.
    pub fn send(&mut self, to: Address, from: Address, message: impl IntoBody) {
        self.cx().post(to, from, message.into_body());
    }

    /// Queues a message that came over a connection, also one that nobody there signed.
    pub fn deliver_from_far(&mut self, to: Address, from: Address, message: impl IntoBody) {
        self.cx().post_distant(to, from, message.into_body());
    }

    /// Handles up to `budget` messages; how many it handled. Fewer than `budget`: nothing is left to do.
    pub fn run(&mut self, budget: usize) -> usize {
        let mut left = budget;
        loop {
            let batch = catch_unwind(AssertUnwindSafe(|| {
                self.bury();
                while left > 0 {
                    let until = left.saturating_sub(self.fetch_ahead());
                    while left > until {
                        left -= 1;
                        if !self.one() {
                            left += 1;
                            return;
                        }
                    }
                }
            }));
            let cx = self.cx();
            let me = core::mem::replace(&mut cx.me, Address::NONE);
            cx.from = Address::NONE;
            match batch {
                Ok(()) => return budget - left,
                Err(panic) => self.panicked = Some((me, panic_text(&*panic))),
            }
        }
    }

    /// Touches the points of the next messages, and says after how many to do so again. The points of a large kernel lie
    /// scattered over memory: touched in a row they are fetched together, while with a whole hop in between the processor
    /// waits for each.
    #[inline(never)]
    fn fetch_ahead(&self) -> usize {
        if self.points.len() < LARGE {
            return LARGE;
        }
        for envelope in self.context().run.iter().take(AHEAD) {
            if let Some(Some(point)) = self.points.get(envelope.to().slot() as usize) {
                point.touch();
            }
        }
        AHEAD
    }

    /// Whether no message waits to be handled.
    pub fn is_idle(&self) -> bool {
        self.context().run.is_empty()
    }

    /// Messages that wait to be handled.
    pub fn queued(&self) -> usize {
        self.context().run.len()
    }

    /// Messages from beyond connections that wait to be handled.
    pub fn queued_from_far(&self) -> usize {
        self.context().inbound
    }

    /// Moves kernel time to `now` and queues up to `budget` timers that are due; how many it queued. It also drops what
    /// has not ended within the grace time. An earlier `now` than the last is ignored.
    pub fn advance(&mut self, now: Moment, budget: usize) -> usize {
        let cx = self.cx();
        cx.now = cx.now.max(now);
        let now = cx.now;
        let Context { timers, run, heads, .. } = cx;
        let fired = timers.expire(now, budget, &mut |ticket| {
            let head = &mut heads[ticket.owner as usize];
            head.queued += 1;
            let to = Address::new(ticket.owner, head.generation, 0);
            run.push_back(Envelope::timer(to, ticket.index, ticket.generation));
        });
        self.drop_overdue(now);
        fired
    }

    /// The latest moment at which [`Kernel::advance`] should be called, if there is one.
    pub fn next_deadline(&self) -> Option<Moment> {
        let overdue = self.overdue.front().map(|(deadline, _)| *deadline);
        [self.context().timers.next_deadline(), overdue].into_iter().flatten().min()
    }

    /// Kernel time.
    pub fn now(&self) -> Moment {
        self.context().now
    }

    /// Whether a point of this process has this address and takes messages.
    pub fn is_alive(&self, address: Address) -> bool {
        address.slot() != 0 && self.context().is_alive(address)
    }

    /// How many points there are, ending ones included.
    pub fn points(&self) -> usize {
        let Counters { created, ended, .. } = self.context().counters;
        usize::try_from(created - ended).unwrap_or(usize::MAX)
    }

    /// How many timers run.
    pub fn timers(&self) -> usize {
        self.context().timers.len()
    }

    /// The next message that leaves the kernel. They come in the order in which they left the run queue.
    pub fn take_outbound(&mut self) -> Option<Outbound> {
        self.outbound.pop_front()
    }

    /// The next root point that has ended, and with what.
    pub fn take_result(&mut self) -> Option<(Address, Value)> {
        self.results.pop_front()
    }

    /// Asks to be told by [`Kernel::take_gone`] when `point` has ended, in whatever way.
    pub fn watch(&mut self, point: Address) {
        if self.is_alive(point) {
            self.cx().heads[point.slot() as usize].set(WATCHED);
        } else {
            self.gone.push_back(point);
        }
    }

    /// The next watched point that has ended.
    pub fn take_gone(&mut self) -> Option<Address> {
        self.gone.pop_front()
    }

    /// The sender of the next message from beyond a connection whose body was refused.
    pub fn take_refused(&mut self) -> Option<Address> {
        self.cx().refusals.pop_front()
    }

    /// Counts and traces a message that the driver could not deliver.
    pub fn dead_letter(&mut self, to: Address, from: Address, message: &str, reason: Undelivered) {
        self.cx().dead_letter(to, from, message, reason);
    }

    /// Tells a point that asks, such as a [`GetResponse`](crate::GetResponse), that nobody who holds its address can answer any
    /// more: the last connection of theirs has ended. Other points are told nothing.
    pub fn give_up_question(&mut self, asker: Address) {
        self.cx().give_up_question(asker);
    }

    /// What has happened so far.
    pub fn counters(&self) -> &Counters {
        &self.context().counters
    }

    /// Begins the random numbers that points get with this seed. Without it every kernel begins with 0.
    pub fn set_seed(&mut self, seed: u64) {
        self.cx().random = seed;
    }

    /// Gives the trace to `sink` from now on.
    pub fn set_sink(&mut self, sink: impl Sink + 'static) {
        self.cx().set_sink(Some(Box::new(sink)));
    }

    /// Traces something that the driver did, in the name of `point`.
    pub fn log(&mut self, point: Address, level: crate::trace::Level, text: impl fmt::Display) {
        let cx = self.cx();
        if cx.wants(level) {
            let text = text.to_string();
            cx.trace(point, || crate::trace::What::Said { level, text: &text });
        }
    }

    /// Begins to count which cells and edges are taken.
    pub fn record_coverage(&mut self) {
        self.cx().record_coverage();
    }

    /// What was counted since [`Kernel::record_coverage`].
    pub fn coverage(&self) -> Option<&Coverage> {
        self.context().observer.as_ref()?.coverage.as_ref()
    }

    pub(crate) fn cx(&mut self) -> &mut Context {
        let Some(cx) = &mut self.cx else { unreachable!("a routine gives the context back, also when it panics") };
        cx
    }

    fn context(&self) -> &Context {
        let Some(cx) = &self.cx else { unreachable!("a routine gives the context back, also when it panics") };
        cx
    }

    /// What was created becomes a point.
    fn settle(&mut self) {
        let Some(cx) = &mut self.cx else { return };
        for (slot, point) in cx.births.drain(..) {
            let slot = slot as usize;
            if slot >= self.points.len() {
                self.points.resize_with(slot + 1, || None);
            }
            self.points[slot] = Some(point);
        }
    }
}

fn panic_text(panic: &(dyn core::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "a panic without a text".to_owned(),
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if let Some(coverage) = self.coverage() {
            coverage.hand_in();
        }
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("now", &self.now())
            .field("points", &self.points())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
