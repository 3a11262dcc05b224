//! Who stands around a member or a group: a parent that notes what it hears, servers that speak unasked, sessions that take
//! their time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{IntoPoint, NewPoint};

use crate::support::*;
use crate::town::*;

/// Creates one point, notes the names of all messages that come, and ends with the value of that point.
struct Onlooker {
    point: Option<NewPoint>,
    child: Rc<Cell<Address>>,
    notes: Notes,
}

#[state_machine]
impl Onlooker {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        if let Some(point) = self.point.take() {
            self.child.set(cx.create(point));
        }
        Next::STAY
    }

    fn ANY_Unknown(&mut self, unknown: Unknown) -> Next<Self> {
        self.notes.add(unknown.name().rsplit('.').next().unwrap_or_default());
        Next::STAY
    }

    fn ANY_Completed(&mut self, completed: Completed) -> Next<Self> {
        Self::complete(completed.value)
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// A point of the client that has started, and what its parent has heard.
pub(crate) struct Watched {
    pub(crate) point: Address,
    pub(crate) notes: Notes,
}

impl Town {
    /// Creates a point below a parent that notes what it hears.
    pub(crate) fn watch(&mut self, point: impl IntoPoint) -> Watched {
        let (child, notes) = (Rc::default(), Notes::default());
        self.create(Onlooker { point: Some(point.into_point()), child: Rc::clone(&child), notes: notes.clone() });
        self.simulation.settle();
        Watched { point: child.get(), notes }
    }
}

/// Time for the reporter to speak.
#[derive(Debug, Clone, Message)]
#[message(name = "groups.Tick", local)]
struct Tick;

/// Sends news to all its peers once a second, from a port that it keeps open.
pub(crate) struct Reporter {
    at: HostPort,
    peers: Vec<Address>,
}

impl Reporter {
    pub(crate) fn new(at: HostPort) -> Self {
        Self { at, peers: Vec::new() }
    }
}

#[state_machine]
impl Reporter {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.create(ListenAtAddress::new(self.at.clone()));
        cx.repeat(seconds(1), Tick);
        Next::STAY
    }

    fn ANY_UseAddress(&mut self, _: UseAddress) -> Next<Self> {
        Next::STAY
    }

    fn ANY_Accepted(&mut self, _: Accepted, cx: &mut Context) -> Next<Self> {
        self.peers.push(cx.from());
        Next::STAY
    }

    fn ANY_Abandoned(&mut self, _: Abandoned, cx: &mut Context) -> Next<Self> {
        self.peers.retain(|peer| *peer != cx.from());
        Next::STAY
    }

    fn ANY_Tick(&mut self, _: Tick, cx: &mut Context) -> Next<Self> {
        for peer in &self.peers {
            cx.send(*peer, News(0));
        }
        Next::STAY
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// The session has said its goodbyes.
#[derive(Debug, Message)]
#[message(name = "groups.Gone", local)]
struct Gone;

/// A session that takes so long to stop. It ends with how many news have come to it.
pub(crate) struct Slow {
    takes: Duration,
    news: u32,
    notes: Notes,
}

impl Slow {
    pub(crate) fn new(takes: Duration, notes: &Notes) -> Self {
        Self { takes, news: 0, notes: notes.clone() }
    }
}

#[state_machine(WORKING, LEAVING, ALWAYS = WORKING | LEAVING)]
impl Slow {
    fn WORKING_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.notes.add("session");
        cx.send(cx.parent(), Verdict(0));
        Self::WORKING
    }

    fn WORKING_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        self.notes.add("told to stop");
        cx.start(self.takes, Gone);
        Self::LEAVING
    }

    fn LEAVING_Gone(&mut self, _: Gone) -> Next<Self> {
        Self::complete(Verdict(self.news))
    }

    fn LEAVING_Stop(&mut self, _: Stop) -> Next<Self> {
        self.notes.add("told again");
        Self::LEAVING
    }

    fn ALWAYS_News(&mut self, _: News) -> Next<Self> {
        self.news += 1;
        Next::STAY
    }
}
