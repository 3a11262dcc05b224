//! What stands around a point on the table: its context, its parent, its peer, virtual time.

use core::time::Duration;
use std::collections::VecDeque;

use super::step::{Sent, Step};
use crate::address::Address;
use crate::body::Body;
use crate::context::{Context, Notes};
use crate::coverage::Coverage;
use crate::envelope::Kind;
use crate::head::{BACKLOG, Head, NIL};
use crate::lifecycle::Start;
use crate::limits::Limits;
use crate::moment::Moment;
use crate::name::MessageId;
use crate::point::{Did, Lent, Point};

pub(super) struct Desk {
    lent: Lent,
    pub(super) me: Address,
    pub(super) parent: Address,
    pub(super) peer: Address,
    deferred: VecDeque<Item>,
    pub(super) coverage: Coverage,
    ended: bool,
}

/// A message for the point, with the key of its timer when it comes from one.
struct Item {
    from: Address,
    body: Body,
    timer: Option<MessageId>,
}

impl Desk {
    pub(super) fn new() -> Self {
        let mut cx = Box::new(Context::new(Limits::default()));
        cx.notes = Some(Box::new(Notes::default()));
        let [parent, me, peer] = [1, 2, 3].map(|slot| {
            cx.heads.push(Head::new(1));
            Address::new(slot, 1, 0)
        });
        cx.heads[me.slot() as usize].parent = parent.slot();
        cx.heads[parent.slot() as usize].first_child = me.slot();
        cx.me = me;
        Self {
            lent: Some(cx),
            me,
            parent,
            peer,
            deferred: VecDeque::new(),
            coverage: Coverage::default(),
            ended: false,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn stranger(&mut self) -> Address {
        let cx = self.cx();
        cx.heads.push(Head::new(1));
        Address::new(u32::try_from(cx.heads.len() - 1).unwrap_or(NIL), 1, 0)
    }

    /// Arms the limit of the first state, which a kernel does when it creates the machine.
    pub(super) fn arm_first(&mut self, limit: Option<Duration>) {
        if let Some(limit) = limit {
            self.rearm(Some(limit));
        }
    }

    pub(super) fn rearm(&mut self, limit: Option<Duration>) {
        let cx = self.cx();
        cx.disarm();
        if let Some(limit) = limit {
            cx.arm(limit);
        }
        cx.notes = Some(Box::default()); // what the test arranges is no part of the next step
    }

    pub(super) fn give(&mut self, point: &mut dyn Point, from: Address, body: Body) -> Step {
        let mut step = Step::default();
        self.run(point, Item { from, body, timer: None }, &mut step);
        self.collect(point, &mut step);
        step
    }

    pub(super) fn advance(&mut self, point: &mut dyn Point, duration: Duration) -> Step {
        let mut step = Step::default();
        let until = self.cx().now + duration;
        while let Some(deadline) = self.cx().timers.next_deadline().filter(|deadline| *deadline <= until) {
            if self.ended {
                break;
            }
            self.fire(point, deadline, &mut step);
        }
        self.cx().now = until;
        self.fire(point, until, &mut step);
        self.collect(point, &mut step);
        step
    }

    /// Hands over the timers that are due at `now`.
    fn fire(&mut self, point: &mut dyn Point, now: Moment, step: &mut Step) {
        let cx = self.cx();
        cx.now = cx.now.max(now);
        let mut due = Vec::new();
        cx.timers.expire(now, usize::MAX, &mut |ticket| due.push(ticket));
        let me = self.me;
        // The limits of children that were created run too, but there is nobody to take them.
        for ticket in due.into_iter().filter(|ticket| ticket.owner == me.slot()) {
            if self.ended {
                return;
            }
            let cx = self.cx();
            let now = cx.now;
            let head = &mut cx.heads[me.slot() as usize];
            if let Some((key, body)) = cx.timers.claim(&mut head.timers, ticket.index, ticket.generation, now) {
                self.run(point, Item { from: me, body, timer: Some(key) }, step);
            }
        }
    }

    /// Hands over one message, and those that the change of state recalls.
    fn run(&mut self, point: &mut dyn Point, item: Item, step: &mut Step) {
        let mut mail = VecDeque::from([item]);
        while let Some(Item { from, body, timer }) = mail.pop_front() {
            assert!(
                !self.ended,
                "expected a running {}, but it has ended and takes no {}",
                point.look().name,
                body.name()
            );
            let me = self.me;
            let cx = self.cx();
            (cx.me, cx.from) = (me, from);
            let refused = cx.counters.refused;
            let place = point.cell(body.id());
            let did = point.receive(body, &mut self.lent);
            // The handler of a body that was refused did not run.
            if self.cx().counters.refused == refused {
                self.coverage.record(place, &did, point.cell(0).state);
            }
            // A timer that was cancelled is not delivered, also when it was deferred.
            let recanted = core::mem::take(&mut self.cx().recanted);
            for items in [&mut mail, &mut self.deferred] {
                items.retain(|item| !recanted.iter().any(|(_, key)| item.timer == Some(*key)));
            }
            match did {
                Did::Stayed => {}
                Did::Moved => {
                    step.moved = true;
                    while let Some(item) = self.deferred.pop_back() {
                        mail.push_front(item);
                    }
                }
                Did::Deferred => {
                    if let Some(body) = self.cx().kept.take() {
                        step.deferred = true;
                        self.deferred.push_back(Item { from, body, timer });
                        self.cx().heads[me.slot() as usize].set(BACKLOG); // so that what is cancelled is told
                    }
                }
                Did::Ended(value) => {
                    self.ended = true;
                    step.completed = Some(*value);
                    mail.clear(); // dead letters
                }
            }
        }
    }

    /// Takes out of the context what the handlers did.
    fn collect(&mut self, point: &dyn Point, step: &mut Step) {
        step.next = point.look().state;
        let cx = self.cx();
        step.created = cx.births.drain(..).map(|(slot, point)| (Address::new(slot, 1, 0), point)).collect();
        let run = core::mem::take(&mut cx.run);
        for envelope in run {
            let (kind, to, from) = (envelope.kind(), envelope.to(), envelope.from());
            let head = &mut cx.heads[to.slot() as usize];
            head.queued = head.queued.saturating_sub(1);
            let Some(body) = envelope.body else { continue };
            let sent = match kind {
                Kind::Distant => body.into_distant().map(|distant| Sent {
                    to: to.with_far(distant.to_far),
                    from: distant.from,
                    body: distant.body,
                }),
                _ => Some(Sent { to, from, body }),
            };
            let births = &step.created;
            step.sent.extend(sent.filter(|sent| {
                let is_birth = sent.body.is::<Start>() && births.iter().any(|(child, _)| *child == sent.to);
                !is_birth
            }));
        }
        if let Some(notes) = &mut cx.notes {
            step.notes = core::mem::take(&mut **notes);
        }
    }

    fn cx(&mut self) -> &mut Context {
        let Some(cx) = &mut self.lent else { unreachable!("a point gives the context back, also when it panics") };
        cx
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.coverage.hand_in();
    }
}
