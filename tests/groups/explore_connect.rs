//! ConnectToAddress in surroundings that may do anything at any moment.

use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Connector, Exhausted, Step};

use crate::explore::{Explored, Scene, explore};
use crate::support::*;

/// Without jitter.
const STEPS: [u64; 2] = [100, 200];
const THEN: u64 = 400;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// The attempt gives a connection.
    Connect,
    /// The attempt fails, before or after there was a socket.
    Fail {
        opened: bool,
    },
    /// The connection is lost after it was stable, or before.
    Abandon {
        stable: bool,
    },
    /// This end closes the connection.
    Close,
    /// It is time for the next attempt.
    Due,
    /// The server at the far end of some connection, of the present one or an earlier, sends something.
    News {
        present: bool,
    },
    /// Messages of earlier attempts and connections.
    LateConnected,
    LateNotConnected,
    LateAbandoned,
    LateClosed,
    Stop,
}

/// What the machine is to do.
#[derive(Debug, Clone, Copy)]
struct Rules {
    keeps: bool,
    attempts: Option<u32>,
}

struct Surroundings {
    rules: Rules,
    table: Table<ConnectToAddress>,
    /// The attempt that was ordered last.
    attempt: Address,
    /// It has not been answered.
    is_trying: bool,
    /// The number of the connection that the machine has taken.
    connection: Option<u32>,
    /// The number of the latest connection that it has taken, from 1 to 3.
    latest: u32,
    /// Whether the parent was told an address last.
    is_told: bool,
    /// What should be counted: failures in a row, and waits since the last stable connection.
    failed: u32,
    waits: u32,
    has_ended: bool,
}

impl Surroundings {
    fn new(rules: Rules) -> Self {
        let retry = Retry::steps(STEPS.map(millis), millis(THEN));
        let retry = rules.attempts.map_or(retry.clone(), |most| retry.attempts(most));
        let machine = ConnectToAddress::new(at()).retry(retry);
        let mut table = Table::new(if rules.keeps { machine } else { machine.once() });
        let attempt = table.start().children()[0];
        Self {
            rules,
            table,
            attempt,
            is_trying: true,
            connection: None,
            latest: 0,
            is_told: false,
            failed: 0,
            waits: 0,
            has_ended: false,
        }
    }

    /// The number of another connection than that.
    fn other(&self) -> u32 {
        self.latest % 3 + 1
    }

    fn is_in(&self, state: &str) -> bool {
        !self.has_ended && self.table.state() == state
    }

    fn delay(&self) -> Duration {
        millis(STEPS.get(self.waits as usize - 1).copied().unwrap_or(THEN))
    }

    /// A failure should have been counted: a wait follows, or the end.
    fn check_failed(&mut self, step: &Step) {
        self.failed += 1;
        if self.rules.attempts == Some(self.failed) {
            let exhausted = step.completed::<Exhausted>().expect("no attempt is left");
            assert_eq!(exhausted.attempts, self.failed);
        } else {
            self.check_waits(step);
        }
    }

    fn check_waits(&mut self, step: &Step) {
        self.waits += 1;
        assert_eq!((step.next(), step.value().is_none()), ("GLARING", true));
    }

    fn lost(&mut self, stable: bool) {
        let server = far(self.connection.take().expect("there is a connection"));
        let step = self.table.give_from(server, abandoned(if stable { seconds(10) } else { seconds(1) }));
        if !self.rules.keeps {
            assert!(step.completed::<Abandoned>().is_some());
        } else if stable {
            (self.failed, self.waits) = (0, 0);
            self.check_waits(&step);
        } else {
            self.check_failed(&step);
        }
        self.look(&step);
    }

    /// A connection is there: it is taken, or closed at once.
    fn connect(&mut self) {
        let (number, is_wanted) = (self.other(), self.is_in("PENDING"));
        let server = far(number);
        let step = self.table.give_from(server, connected());
        assert_eq!(step.sent_to::<Close>(server).len(), usize::from(!is_wanted), "one connection, no more");
        if is_wanted {
            assert_eq!(step.sent_to::<UseAddress>(self.table.parent()), [&UseAddress { address: server }]);
            (self.connection, self.latest) = (Some(number), number);
        }
        self.look(&step);
    }

    fn news(&mut self, from: Address, message: u32) {
        let step = self.table.give_from(from, News(message));
        assert!(step.forwarded::<News>(self.table.parent(), from));
        self.look(&step);
    }

    /// Gives something that is no news: it changes nothing and reaches nobody.
    fn late(&mut self, from: Address, message: impl statepoint::IntoBody) {
        let before = self.key();
        let step = self.table.give_from(from, message);
        assert!(step.sent_names().is_empty());
        self.look(&step);
        assert_eq!(self.key(), before);
    }

    /// What holds after every step.
    fn look(&mut self, step: &Step) {
        assert!(step.unknown().is_empty() && step.refused().is_empty(), "{step:?}");
        let told = ["UseAddress", "NoAddress", "News", "Close"];
        assert!(step.sent_names().iter().all(|name| told.contains(name)), "{step:?}");
        for _ in step.sent::<UseAddress>() {
            assert!(!core::mem::replace(&mut self.is_told, true), "two addresses in a row");
        }
        for _ in step.sent::<NoAddress>() {
            assert!(core::mem::replace(&mut self.is_told, false), "no address twice");
        }
        for attempt in step.children() {
            assert_eq!(step.created::<Connector>().len(), 1);
            (self.attempt, self.is_trying) = (attempt, true);
        }
        self.has_ended = step.value().is_some();
        if !self.has_ended {
            assert_eq!(self.is_told, self.is_in("CONNECTED"));
            assert_eq!(self.connection.is_some(), self.is_in("CONNECTED"));
            assert!(!self.is_in("PENDING") || self.is_trying, "it waits for an attempt that there is not");
        }
    }
}

impl Scene for Surroundings {
    type Event = Event;

    fn events(&self) -> Vec<Event> {
        use Event::*;
        if self.has_ended {
            return Vec::new();
        }
        let mut events =
            vec![Stop, News { present: false }, LateConnected, LateNotConnected, LateAbandoned, LateClosed];
        if self.is_trying {
            events.extend([Connect, Fail { opened: false }]);
            // A proxy exists for an attempt that has got a socket; an earlier one has told all.
            if self.is_in("PENDING") {
                events.push(Fail { opened: true });
            }
        }
        if self.connection.is_some() {
            events.extend([Abandon { stable: true }, Abandon { stable: false }, Close, News { present: true }]);
        }
        if self.is_in("GLARING") {
            events.push(Due);
        }
        events
    }

    fn apply(&mut self, event: Event) {
        let earlier = far(self.other());
        match event {
            Event::Connect => {
                self.is_trying = false;
                self.connect();
            }
            Event::Fail { opened } => {
                self.is_trying = false;
                let is_awaited = self.is_in("PENDING");
                let from = if opened { far(self.other()) } else { self.attempt };
                let step = self.table.give_from(from, not_connected(Some(at())));
                if is_awaited {
                    self.check_failed(&step);
                }
                self.look(&step);
            }
            Event::Abandon { stable } => self.lost(stable),
            Event::Close => {
                let server = far(self.connection.take().expect("there is a connection"));
                let step = self.table.give_from(server, closed());
                assert_eq!(step.completed(), Some(&Verdict(1)));
                self.look(&step);
            }
            Event::Due => {
                let delay = self.delay();
                assert_eq!(self.table.advance(delay - millis(1)).next(), "GLARING", "too early");
                // An attempt that goes on is one of an earlier connection: the machine has forgotten it.
                let step = self.table.advance(millis(1));
                assert_eq!((step.next(), step.children().len()), ("PENDING", 1), "too late");
                self.look(&step);
            }
            Event::News { present } => {
                let present = self.connection.filter(|_| present).map(far);
                self.news(present.unwrap_or(earlier), 7);
            }
            Event::LateConnected => self.connect(),
            Event::LateNotConnected => {
                let stranger = self.table.peer();
                self.late(stranger, not_connected(None));
            }
            Event::LateAbandoned => self.late(earlier, abandoned(seconds(60))),
            Event::LateClosed => self.late(earlier, closed()),
            Event::Stop => {
                let step = self.table.give(Stop);
                assert!(step.completed::<Aborted>().is_some() && step.sent_names().is_empty());
                self.look(&step);
            }
        }
    }

    fn key(&self) -> String {
        let machine = format!("{:?}", self.table.machine()).replace(&self.attempt.to_string(), "attempt");
        let Self { is_trying, connection, latest, is_told, has_ended, .. } = self;
        format!("{} {machine} {is_trying} {connection:?} {latest} {is_told} {has_ended}", self.table.state())
    }

    /// Whatever has happened, it gets connected when it is due and the next attempt succeeds.
    fn probe(mut self) {
        if self.has_ended {
            return;
        }
        if self.is_in("GLARING") {
            self.apply(Event::Due);
        }
        if self.is_in("PENDING") {
            self.apply(Event::Connect);
        }
        assert!(self.is_in("CONNECTED"));
    }
}

fn explored(rules: Rules, depth: usize) -> Explored {
    let explored = explore(|| Surroundings::new(rules), depth);
    eprintln!("{rules:?}: {explored:?}");
    explored
}

#[test]
fn with_a_limit_of_attempts_every_state_is_explored() {
    for keeps in [true, false] {
        for attempts in [1, 2, 4] {
            assert!(explored(Rules { keeps, attempts: Some(attempts) }, usize::MAX).is_complete);
        }
    }
}

#[test]
fn without_a_limit_every_state_within_25_events_is_explored() {
    assert_eq!(explored(Rules { keeps: true, attempts: None }, 25).depth, 25);
}
