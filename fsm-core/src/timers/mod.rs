//! The timers of all points: a hierarchical timing wheel.
//!
//! A timer has a point (`owner`) and a `key`; a point has at most one of each key. Starting and cancelling one costs the
//! same however many there are. Time is an argument and every order is fixed, so equal calls give equal answers.
//!
//! The clock is the latest moment that [`Timers::expire`] was told. Deadlines are rounded up to a tick of one
//! millisecond, so that no timer comes early. One that the clock has passed when the timer starts counts as the clock's
//! own tick: it is due at once and does not overtake what was due before.
//!
//! All timers live in one vector of entries, a cache line each, and know their place in the [`wheel`]. The timers of one
//! point are linked in one direction only, since they are few. A point keeps the beginning of its list (`head`, at first
//! [`NIL`]) and lends it to every call.
//!
//! A due timer is given out as a [`Ticket`], which waits in the run queue; the timer stays in its point's list until the
//! ticket claims it. Each ticket that an entry gives has the next generation, and only the last one, while the timer still
//! waits for it, claims anything. So a timer that was cancelled or started anew is never delivered by an older ticket.

mod wheel;

#[cfg(test)]
mod tests;

use core::fmt;
use core::time::Duration;

use crate::body::Body;
use crate::moment::Moment;
use wheel::{BLOCK, Batch, Wheel};

/// No timer: the end of a list, and the head of an empty one.
pub(crate) const NIL: u32 = u32::MAX;

/// Nanoseconds in one tick.
const TICK: u64 = 1_000_000;
/// The last tick that a [`Moment`] can reach, 584 years after the beginning. A deadline behind it never comes.
const LAST_TICK: u64 = u64::MAX / TICK;

/// A timer that is due. The kernel queues it for the point and has it [claimed](Timers::claim) when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The point that started the timer.
    pub(crate) owner: u32,
    /// Which timer it is, for [`Timers::claim`].
    pub(crate) index: u32,
    /// Which ticket of this timer it is, for [`Timers::claim`].
    pub(crate) generation: u32,
}

/// What a timer delivers, and whether it goes on.
pub(crate) enum Charge {
    /// The timer ends when it has delivered this body.
    Once(Body),
    /// The timer goes on until it is cancelled: its deadlines are the first one and every `period` after it. A period of
    /// less than a tick comes once in a tick.
    Repeat {
        /// Time from one deadline to the next.
        period: Duration,
        /// Makes the body of each delivery.
        again: Box<dyn Fn() -> Body>,
    },
}

/// What [`Timers::start`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// The point had no timer of that key.
    New,
    /// The point had one, which has been started anew with the new deadline and charge.
    Again,
}

/// A [`Charge`] as an entry keeps it: small, since most timers never repeat.
enum Held {
    Nothing,
    Once(Body),
    Repeat(Box<Repeat>),
}

struct Repeat {
    /// The present deadline in nanoseconds, not rounded, so that the period does not drift.
    deadline: u64,
    /// In nanoseconds, never zero.
    period: u64,
    again: Box<dyn Fn() -> Body>,
}

impl Held {
    fn new(charge: Charge, deadline: Moment) -> Held {
        match charge {
            Charge::Once(body) => Held::Once(body),
            Charge::Repeat { period, again } => Held::Repeat(Box::new(Repeat {
                deadline: deadline.as_nanos(),
                period: u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1),
                again,
            })),
        }
    }
}

impl Repeat {
    /// Goes on to the first deadline after `now`; those in between have been missed and are left out.
    fn next_after(&mut self, now: u64) -> u64 {
        let missed = now.saturating_sub(self.deadline) / self.period;
        self.deadline = missed.saturating_add(1).saturating_mul(self.period).saturating_add(self.deadline);
        self.deadline
    }
}

/// One timer, or a place for one. It fills exactly one line of the processor's cache.
#[repr(align(64))]
struct Entry {
    key: u64,
    tick: u64,
    held: Held,
    /// Where it stands in the wheel: a block, and `at` in it.
    block: u32,
    /// The next timer of the same point; in a vacant entry the next vacant one.
    sibling: u32,
    owner: u32,
    /// That of the last ticket given out. At its maximum the entry can give no more and is left vacant for ever.
    generation: u32,
    at: u8,
    state: State,
}

/// Where a timer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is no timer in the entry.
    Vacant,
    /// In the wheel.
    Armed,
    /// Its deadline lies behind the last tick.
    Never,
    /// It was due, and its ticket has not come back.
    Given,
}

/// All timers of a kernel.
pub(crate) struct Timers {
    entries: Vec<Entry>,
    /// The first vacant entry.
    vacant: u32,
    len: usize,
    /// The clock, in nanoseconds.
    now: u64,
    wheel: Wheel,
}

impl Timers {
    /// No timers; the clock is at zero.
    pub(crate) fn new() -> Self {
        Timers { entries: Vec::new(), vacant: NIL, len: 0, now: 0, wheel: Wheel::new() }
    }

    /// How many timers there are, those that are due and not yet claimed among them.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many timers a point has. The cost grows with their number.
    pub(crate) fn count(&self, head: u32) -> usize {
        let mut count = 0;
        let mut index = head;
        while index != NIL {
            count += 1;
            index = self.entries[index as usize].sibling;
        }
        count
    }

    /// Starts the timer `key` of the point whose list begins at `head`. One that there is already is started anew, as if
    /// it had been cancelled, whether it is due or not.
    pub(crate) fn start(&mut self, head: &mut u32, owner: u32, key: u64, deadline: Moment, charge: Charge) -> Started {
        let held = Held::new(charge, deadline);
        let Some((before, index)) = self.find(*head, |_, entry| entry.key == key) else {
            self.insert(head, owner, key, deadline.as_nanos(), held);
            return Started::New;
        };
        self.disarm(index);
        let entry = &mut self.entries[index as usize];
        let former = if entry.generation == u32::MAX {
            let former = self.remove(head, before, index);
            self.insert(head, owner, key, deadline.as_nanos(), held);
            former
        } else {
            let former = core::mem::replace(&mut entry.held, held);
            self.arm(index, deadline.as_nanos());
            former
        };
        // Last, since it is the user's code and may panic.
        drop(former);
        Started::Again
    }

    /// Cancels the timer `key`, also when it is due and its ticket has been given out. `false` when there is none.
    pub(crate) fn cancel(&mut self, head: &mut u32, key: u64) -> bool {
        let Some((before, index)) = self.find(*head, |_, entry| entry.key == key) else {
            return false;
        };
        self.disarm(index);
        self.remove(head, before, index);
        true
    }

    /// Cancels all timers of a point and tells how many there were.
    pub(crate) fn cancel_all(&mut self, head: &mut u32) -> usize {
        let mut count = 0;
        while *head != NIL {
            let index = *head;
            self.disarm(index);
            self.remove(head, NIL, index);
            count += 1;
        }
        count
    }

    /// Moves the clock to `now`, unless it is later already, and gives at most `budget` due timers to `due`, in the order
    /// of their ticks and within a tick in the order in which they were started. Returns how many: when it is the whole
    /// budget, more may be due, and the next call goes on with them; when it is less, nothing is.
    pub(crate) fn expire(&mut self, now: Moment, budget: usize, due: &mut impl FnMut(Ticket)) -> usize {
        self.now = self.now.max(now.as_nanos());
        let clock = self.now / TICK;
        let mut given = 0;
        let mut batch = Batch::default();
        while let Some(stop) = self.wheel.next() {
            if stop.begins() > clock {
                break;
            }
            if !stop.is_lowest() {
                self.wheel.turn(stop.earliest.min(clock));
                self.wheel.cascade(&mut self.entries, stop);
                continue;
            }
            self.wheel.turn(stop.earliest);
            loop {
                if given == budget {
                    return given;
                }
                let taken = self.wheel.take(stop, budget - given, &mut batch);
                if taken.is_empty() {
                    break;
                }
                given += taken.len();
                self.give(taken, due);
            }
        }
        self.wheel.turn(clock);
        given
    }

    /// When [`expire`](Timers::expire) has to be called next; `None` when nothing will ever be due. Never later than the
    /// next deadline, rounded up to its tick. It is earlier only when that one is not on the wheel's lowest level and an
    /// earlier timer of its slot has been cancelled. Timers that were given out do not count.
    pub(crate) fn next_deadline(&self) -> Option<Moment> {
        let stop = self.wheel.next()?;
        Some(Moment::from_nanos(stop.earliest * TICK))
    }

    /// Redeems a ticket for the timer's key and body; `None` when the timer has been cancelled or started anew since. The
    /// head is that of the ticket's owner. A timer that repeats is armed again, for its first deadline after `now`.
    pub(crate) fn claim(&mut self, head: &mut u32, index: u32, generation: u32, now: Moment) -> Option<(u64, Body)> {
        let entry = self.entries.get_mut(index as usize)?;
        if entry.state != State::Given || entry.generation != generation {
            return None;
        }
        let (owner, key) = (entry.owner, entry.key);
        let Held::Repeat(repeat) = &mut entry.held else {
            return match self.detach(head, index) {
                Held::Once(body) => Some((key, body)),
                Held::Nothing | Held::Repeat(_) => None,
            };
        };
        let deadline = repeat.next_after(self.now.max(now.as_nanos()));
        let mut armed = index;
        if generation == u32::MAX {
            let held = self.detach(head, index);
            armed = self.insert(head, owner, key, deadline, held);
        } else {
            self.arm(index, deadline);
        }
        // Last, since it is the user's code and may panic.
        match &self.entries[armed as usize].held {
            Held::Repeat(repeat) => Some((key, (repeat.again)())),
            Held::Nothing | Held::Once(_) => None,
        }
    }

    /// The first timer of a point's list that is `wanted`, and the one before it.
    fn find(&self, head: u32, wanted: impl Fn(u32, &Entry) -> bool) -> Option<(u32, u32)> {
        let (mut before, mut index) = (NIL, head);
        while index != NIL {
            let entry = &self.entries[index as usize];
            if wanted(index, entry) {
                return Some((before, index));
            }
            (before, index) = (index, entry.sibling);
        }
        None
    }

    /// Makes a timer, puts it in front of the point's list and arms it.
    fn insert(&mut self, head: &mut u32, owner: u32, key: u64, deadline: u64, held: Held) -> u32 {
        let mut index = self.vacant;
        if index == NIL {
            assert!(self.entries.len() < NIL as usize, "there is an index for every timer");
            index = self.entries.len() as u32;
            self.entries.push(Entry {
                key,
                tick: 0,
                held,
                block: NIL,
                sibling: *head,
                owner,
                generation: 0,
                at: 0,
                state: State::Vacant,
            });
        } else {
            let entry = &mut self.entries[index as usize];
            self.vacant = entry.sibling;
            entry.key = key;
            entry.owner = owner;
            entry.held = held;
            entry.sibling = *head;
        }
        *head = index;
        self.len += 1;
        self.arm(index, deadline);
        index
    }

    /// Puts a timer into the wheel, if its deadline can come.
    fn arm(&mut self, index: u32, deadline: u64) {
        let entry = &mut self.entries[index as usize];
        entry.tick = deadline.div_ceil(TICK);
        if entry.tick > LAST_TICK {
            entry.state = State::Never;
            return;
        }
        if deadline <= self.now {
            entry.tick = self.now / TICK;
        }
        entry.state = State::Armed;
        let tick = entry.tick;
        self.wheel.append(&mut self.entries, index, tick);
    }

    /// Takes a timer out of the wheel, if it is there.
    fn disarm(&mut self, index: u32) {
        if self.entries[index as usize].state == State::Armed {
            self.wheel.unlink(&self.entries, index);
        }
    }

    /// Gives out timers that have been taken out of the wheel.
    ///
    /// All tickets are made before the first is given: entries lie scattered over memory, and so do the owners that `due`
    /// looks at. In this order the processor fetches many of them together.
    fn give(&mut self, taken: &[u32], due: &mut impl FnMut(Ticket)) {
        let mut tickets = [Ticket { owner: 0, index: 0, generation: 0 }; BLOCK];
        for (ticket, index) in tickets.iter_mut().zip(taken) {
            *ticket = self.ticket(*index);
        }
        for ticket in &tickets[..taken.len()] {
            due(*ticket);
        }
    }

    /// Makes the ticket of a timer that has been taken out of the wheel.
    fn ticket(&mut self, index: u32) -> Ticket {
        let entry = &mut self.entries[index as usize];
        entry.state = State::Given;
        // Cannot overflow: an entry with a spent generation is never armed.
        entry.generation += 1;
        Ticket { owner: entry.owner, index, generation: entry.generation }
    }

    /// Removes a timer that is not in the wheel, wherever it stands in its point's list.
    fn detach(&mut self, head: &mut u32, index: u32) -> Held {
        let Some((before, _)) = self.find(*head, |at, _| at == index) else {
            unreachable!("a timer is in the list of its point");
        };
        self.remove(head, before, index)
    }

    /// Removes a timer that is not in the wheel and follows `before` in its point's list. The caller drops what it held
    /// when all else is done: that is the user's code, and may panic.
    fn remove(&mut self, head: &mut u32, before: u32, index: u32) -> Held {
        let entry = &mut self.entries[index as usize];
        let sibling = entry.sibling;
        let held = core::mem::replace(&mut entry.held, Held::Nothing);
        entry.state = State::Vacant;
        if entry.generation < u32::MAX {
            entry.sibling = self.vacant;
            self.vacant = index;
        }
        if before == NIL {
            *head = sibling;
        } else {
            self.entries[before as usize].sibling = sibling;
        }
        self.len -= 1;
        held
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("len", &self.len).field("now", &self.now).finish_non_exhaustive()
    }
}
