//! The model: one mailbox for each point.

use crate::{Act, DEFERS, Entry, LIMITS, Mail, POINTS, START, TIMEOUT, fixed};

/// A message in a mailbox; one of a timer can be cancelled.
pub(super) struct Item {
    mail: Mail,
    timer: bool,
}

/// One mailbox for each point.
#[derive(Default)]
pub(super) struct Mailbox {
    state: usize,
    items: Vec<Item>,
    pub(super) alive: bool,
}

/// A timer of the model. Those of one moment come due in the order in which they were started, which is that of the list.
pub(super) struct Running {
    point: usize,
    deadline: u64,
    mail: Mail,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) mailboxes: [Mailbox; POINTS],
    pub(super) timers: Vec<Running>,
    /// Milliseconds.
    pub(super) now: u64,
    pub(super) dead: u64,
}

impl Model {
    pub(super) fn create(&mut self, point: usize) {
        let start = Item { mail: fixed(START), timer: false };
        self.mailboxes[point] = Mailbox { state: 0, items: vec![start], alive: true };
    }

    pub(super) fn send(&mut self, to: usize, mail: Mail) {
        if self.mailboxes[to].alive {
            self.mailboxes[to].items.push(Item { mail, timer: false });
        } else {
            self.dead += 1;
        }
    }

    fn cancel(&mut self, point: usize, kind: usize) {
        self.timers.retain(|timer| (timer.point, timer.mail.kind) != (point, kind));
        self.mailboxes[point].items.retain(|item| !item.timer || item.mail.kind != kind);
    }

    fn start(&mut self, point: usize, after: u64, mail: Mail) {
        self.cancel(point, mail.kind);
        self.timers.push(Running { point, deadline: self.now + after, mail });
    }

    /// Hands out up to `budget` timers that are due.
    pub(super) fn advance(&mut self, now: u64, budget: usize) {
        self.now = now;
        for _ in 0..budget {
            let due = self.timers.iter().enumerate().filter(|(_, timer)| timer.deadline <= now);
            let Some((first, _)) = due.min_by_key(|(at, timer)| (timer.deadline, *at)) else { return };
            let Running { point, mail, .. } = self.timers.remove(first);
            self.mailboxes[point].items.push(Item { mail, timer: true });
        }
    }

    /// What the point takes next, if it can take anything.
    fn next(&self, point: usize) -> Option<usize> {
        let Mailbox { state, items, .. } = &self.mailboxes[point];
        items.iter().position(|item| !DEFERS[*state].contains(&item.mail.kind))
    }

    /// The number of the message that the point would take next.
    pub(super) fn next_serial(&self, point: usize) -> Option<u64> {
        self.next(point).map(|at| self.mailboxes[point].items[at].mail.serial)
    }

    /// The point takes a message.
    pub(super) fn handle(&mut self, point: usize) -> Option<Entry> {
        let next = self.next(point)?;
        let Mail { kind, serial, acts } = self.mailboxes[point].items.remove(next).mail;
        let state = self.mailboxes[point].state;
        let (mut to, mut ends) = (state, false);
        for act in acts {
            match act {
                Act::Go(state) => (to, ends) = (state, false),
                Act::End => ends = true,
                Act::Cancel(kind) => self.cancel(point, kind),
                Act::Send(to, mail) => self.send(to, mail),
                Act::Start(after, mail) => self.start(point, after, mail),
            }
        }
        if ends {
            let ended = core::mem::take(&mut self.mailboxes[point]);
            self.dead += ended.items.iter().filter(|item| !item.timer).count() as u64;
            self.timers.retain(|timer| timer.point != point);
        } else if to != state {
            self.cancel(point, TIMEOUT);
            self.mailboxes[point].state = to;
            if let Some(limit) = LIMITS[to] {
                self.start(point, limit, fixed(TIMEOUT));
            }
        }
        Some(Entry { point, state, kind, serial })
    }
}
