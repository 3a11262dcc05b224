//! A group of two servers: AddressGroup and two ConnectToAddress together. What they say to each other travels as late as it
//! likes, in order.

use std::collections::{BTreeMap, VecDeque};

use statepoint::prelude::*;
use statepoint::{AddressGroup, Step};

use crate::explore::{Scene, explore};
use crate::support::*;

const NAMES: [&str; 2] = ["clock", "store"];
/// Messages from one member to the group under way at the most.
const FLIGHT: usize = 2;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Connect(usize),
    Fail(usize),
    /// The connection of a member is lost, after it was stable or before.
    Abandon(usize, bool),
    Due(usize),
    /// The first server sends something. One who does so is enough.
    News,
    /// What a member has said first of all that is under way reaches the group.
    Arrive(usize),
    SessionEnds,
    Stop,
}

/// From a member to the group.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Said {
    Use(Address),
    No,
    News(Address),
    Ended,
}

struct Side {
    /// The far end of its connections: one is like the other.
    server: Address,
    table: Table<ConnectToAddress>,
    attempt: Address,
    is_trying: bool,
    connection: Option<Address>,
    flight: VecDeque<Said>,
    has_ended: bool,
}

impl Side {
    fn new(server: Address) -> Self {
        let retry = Retry::steps([], millis(100)).attempts(2);
        let mut table = Table::new(ConnectToAddress::new(at()).retry(retry));
        let attempt = table.start().children()[0];
        let flight = VecDeque::new();
        Self { server, table, attempt, is_trying: true, connection: None, flight, has_ended: false }
    }

    /// What the member has said is under way.
    fn look(&mut self, step: &Step) {
        let parent = self.table.parent();
        self.flight.extend(step.sent_to::<UseAddress>(parent).iter().map(|found| Said::Use(found.address)));
        self.flight.extend(step.sent_to::<NoAddress>(parent).iter().map(|_| Said::No));
        for attempt in step.children() {
            (self.attempt, self.is_trying) = (attempt, true);
        }
        if step.value().is_some() {
            self.has_ended = true;
            self.flight.push_back(Said::Ended);
        }
    }

    fn connect(&mut self) {
        (self.is_trying, self.connection) = (false, Some(self.server));
        let step = self.table.give_from(self.server, connected());
        self.look(&step);
    }

    fn fail(&mut self) {
        self.is_trying = false;
        let step = self.table.give_from(self.attempt, not_connected(None));
        self.look(&step);
    }

    fn abandon(&mut self, stable: bool) {
        let server = self.connection.take().expect("there is a connection");
        let step = self.table.give_from(server, abandoned(if stable { seconds(10) } else { seconds(1) }));
        self.look(&step);
    }

    fn due(&mut self) {
        let step = self.table.advance(millis(100));
        assert_eq!(step.next(), "PENDING");
        self.look(&step);
    }

    fn news(&mut self) {
        let server = self.connection.expect("there is a connection");
        let step = self.table.give_from(server, News(7));
        assert!(step.forwarded::<News>(self.table.parent(), server));
        self.flight.push_back(Said::News(server));
    }

    fn is_glaring(&self) -> bool {
        !self.has_ended && self.table.state() == "GLARING"
    }

    fn key(&self) -> String {
        let machine = format!("{:?}", self.table.machine()).replace(&self.attempt.to_string(), "attempt");
        let Self { is_trying, connection, flight, has_ended, .. } = self;
        format!("{} {machine} {is_trying} {connection:?} {flight:?} {has_ended}", self.table.state())
    }
}

struct Surroundings {
    has_session: bool,
    group: Table<AddressGroup>,
    members: Vec<Address>,
    sides: [Side; 2],
    session: Option<Address>,
    is_told_to_stop: bool,
    /// What the owner knows, or the present session was given.
    known: [Option<Address>; 2],
    /// Messages of peers that wait for a session.
    early: Vec<Address>,
    has_ended: bool,
}

/// A session that tells the addresses it was given.
struct Session([Address; 2]);

#[state_machine]
impl Session {
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

impl Surroundings {
    fn new(has_session: bool) -> Self {
        let servers = NAMES.map(|name| (name.to_owned(), Member::new(|| ConnectToAddress::new(at()))));
        let table = BTreeMap::from(servers).table();
        let table = if has_session {
            table.resident(|servers, _| Session(NAMES.map(|name| servers[name].address())))
        } else {
            table
        };
        let mut group = Table::new(table.group());
        Self {
            has_session,
            members: group.start().children(),
            group,
            sides: [Side::new(far(1)), Side::new(far(2))],
            session: None,
            is_told_to_stop: false,
            known: [None; 2],
            early: Vec::new(),
            has_ended: false,
        }
    }

    fn arrive(&mut self, side: usize) {
        let said = self.sides[side].flight.pop_front().expect("something is under way");
        let member = self.members[side];
        let step = match said {
            Said::Use(address) => self.group.give_from(member, UseAddress { address }),
            Said::No => self.group.give_from(member, NoAddress),
            Said::Ended => self.group.complete(member, Verdict(7)),
            Said::News(server) => return self.news(server),
        };
        assert_eq!(step.completed() == Some(&Verdict(7)), said == Said::Ended);
        self.look(&step);
    }

    fn news(&mut self, server: Address) {
        let step = self.group.give_from(server, News(7));
        let receiver = if self.has_session { self.session } else { Some(self.group.parent()) };
        match receiver.filter(|_| !self.is_told_to_stop) {
            Some(receiver) => assert!(step.forwarded::<News>(receiver, server)),
            None => {
                assert!(step.sent_names().is_empty());
                self.early.push(server);
            }
        }
        self.look(&step);
    }

    fn session_ends(&mut self) {
        let session = self.session.take().expect("there is a session");
        let was_told = core::mem::take(&mut self.is_told_to_stop);
        let step = self.group.complete(session, Done);
        assert_eq!(step.value().is_some(), !was_told);
        self.known = [None; 2];
        self.look(&step);
    }

    fn look(&mut self, step: &Step) {
        assert!(step.unknown().is_empty() && step.refused().is_empty(), "{step:?}");
        for update in step.sent::<GroupUpdate>() {
            let index = NAMES.iter().position(|name| *update.member == **name).expect("a member");
            assert_ne!(core::mem::replace(&mut self.known[index], update.address), update.address, "told twice");
        }
        if let [session] = *step.created::<Session>() {
            (self.session, self.known) = (Some(step.children()[0]), session.0.map(Some));
            for server in self.early.drain(..) {
                assert!(step.forwarded::<News>(step.children()[0], server));
            }
        }
        if !step.sent::<Stop>().is_empty() {
            assert!(!core::mem::replace(&mut self.is_told_to_stop, true));
        }
        self.has_ended = step.value().is_some();
        // When nothing is under way, who uses the group knows the truth.
        let is_quiet = self.sides.iter().all(|side| side.flight.is_empty());
        if is_quiet && !self.has_ended && !self.is_told_to_stop {
            let truth = self.sides.each_ref().map(|side| side.connection);
            let is_full = truth.iter().all(Option::is_some);
            assert_eq!(["READY", "WORKING"].contains(&self.group.state()), is_full);
            assert!(self.known == truth || (self.has_session && !is_full));
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
        let mut events = vec![Stop];
        if self.session.is_some() {
            events.push(SessionEnds);
        }
        for (index, side) in self.sides.iter().enumerate() {
            if !side.flight.is_empty() {
                events.push(Arrive(index));
            }
            if side.has_ended || side.flight.len() >= FLIGHT {
                continue;
            }
            if side.is_trying {
                events.extend([Connect(index), Fail(index)]);
            }
            if side.connection.is_some() {
                events.extend([Abandon(index, true), Abandon(index, false)]);
                let is_quiet = !side.flight.iter().any(|said| matches!(said, Said::News(_)));
                if index == 0 && is_quiet && self.early.is_empty() {
                    events.push(News);
                }
            }
            if side.is_glaring() {
                events.push(Due(index));
            }
        }
        events
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Connect(side) => self.sides[side].connect(),
            Event::Fail(side) => self.sides[side].fail(),
            Event::Abandon(side, stable) => self.sides[side].abandon(stable),
            Event::Due(side) => self.sides[side].due(),
            Event::News => self.sides[0].news(),
            Event::Arrive(side) => self.arrive(side),
            Event::SessionEnds => self.session_ends(),
            Event::Stop => {
                let step = self.group.give(Stop);
                assert!(step.completed::<Aborted>().is_some());
                self.look(&step);
                // The kernel passes it on.
                for side in self.sides.iter_mut().filter(|side| !side.has_ended) {
                    assert!(side.table.give(Stop).completed::<Aborted>().is_some());
                    side.has_ended = true;
                }
            }
        }
    }

    fn key(&self) -> String {
        let mut group = format!("{:?}", self.group.machine());
        if let Some(session) = self.session {
            group = group.replace(&session.to_string(), "session");
        }
        let Self { is_told_to_stop, known, early, has_ended, .. } = self;
        let sides = self.sides.each_ref().map(Side::key).join(" | ");
        format!("{} {group} {sides} {is_told_to_stop} {known:?} {early:?} {has_ended}", self.group.state())
    }

    /// When the faults end, and what is under way arrives, and the session ends when it was told to, the group is ready; or it
    /// has ended, because a member had no attempt left.
    fn probe(mut self) {
        for side in self.sides.iter_mut().filter(|side| !side.has_ended) {
            if side.is_glaring() {
                side.due();
            }
            if side.is_trying {
                side.connect();
            }
        }
        for side in 0..2 {
            while !self.has_ended && !self.sides[side].flight.is_empty() {
                self.arrive(side);
            }
        }
        if !self.has_ended && self.is_told_to_stop {
            self.session_ends();
        }
        let is_at_work = ["READY", "WORKING"].contains(&self.group.state());
        assert!(self.has_ended || is_at_work);
    }
}

fn check(has_session: bool) {
    let explored = explore(|| Surroundings::new(has_session), 25);
    eprintln!("sessions: {has_session}: {explored:?}");
    assert!(explored.is_complete);
}

#[test]
fn every_state_of_two_servers_and_their_group_is_explored() {
    check(false);
}

#[test]
fn every_state_of_two_servers_their_group_and_its_sessions_is_explored() {
    check(true);
}
