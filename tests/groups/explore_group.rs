//! AddressGroup with three members in surroundings that may do anything at any moment.

use statepoint::prelude::*;
use statepoint::{AddressGroup, Step};

use crate::address_group::{Trio, Work, trio};
use crate::explore::{Scene, explore};
use crate::support::*;

/// What the group may do to get ready, and what time passes at once.
const TICK: u64 = 5;
/// Messages of peers that wait for a session at the most: more of them behave the same.
const EARLY: usize = 2;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// A member has an address: the first of two, or the second.
    Found(usize, usize),
    /// A member has none.
    Lost(usize),
    MemberEnds(usize),
    SessionEnds,
    /// The session sends something to its parent.
    SessionSpeaks,
    /// Somebody who is no member says what only members say.
    Stranger,
    /// A peer sends one of two messages.
    News(u32),
    /// Five seconds pass.
    Tick,
    Stop,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    session: bool,
    resident: bool,
    until_stopped: bool,
    get_ready: bool,
}

impl Rules {
    fn group(self) -> AddressGroup {
        let table = trio().table();
        let table = if self.get_ready { table.get_ready(seconds(TICK)) } else { table };
        let table = match (self.session, self.resident) {
            (true, true) => table.resident(Work::new),
            (true, false) => table.session(|trio: &Trio| Work::new(trio, None)),
            _ => table,
        };
        if self.until_stopped { table.until_stopped().group() } else { table.group() }
    }
}

struct Surroundings {
    rules: Rules,
    table: Table<AddressGroup>,
    members: Vec<Address>,
    /// The addresses as the members have told them.
    addresses: [Option<Address>; 3],
    /// The session that has not ended, and the addresses it was given.
    session: Option<(Address, [Address; 3])>,
    is_told_to_stop: bool,
    early: Vec<u32>,
    /// What the owner knows.
    told: [Option<Address>; 3],
    is_ready: bool,
    /// Time that the group has had to get ready, and that a session has had to stop.
    ticks: u64,
    stopping: u64,
    was_ready: bool,
    has_ended: bool,
}

impl Surroundings {
    fn new(rules: Rules) -> Self {
        let mut table = Table::new(rules.group());
        let members = table.start().children();
        Self {
            rules,
            table,
            members,
            addresses: [None; 3],
            session: None,
            is_told_to_stop: false,
            early: Vec::new(),
            told: [None; 3],
            is_ready: false,
            ticks: 0,
            stopping: 0,
            was_ready: false,
            has_ended: false,
        }
    }

    fn is_full(&self) -> bool {
        self.addresses.iter().all(Option::is_some)
    }

    fn member(&mut self, member: usize, address: Option<Address>) {
        let (before, was_known) = (self.table.state(), self.addresses[member] == address);
        self.addresses[member] = address;
        let from = self.members[member];
        let step = match address {
            Some(address) => self.table.give_from(from, UseAddress { address }),
            None => self.table.give_from(from, NoAddress),
        };
        let loses_its_session = before == "WORKING" && !was_known && !self.rules.resident;
        assert_eq!(step.completed::<Faulted>().is_some(), loses_its_session);
        self.look(&step);
    }

    fn member_ends(&mut self, member: usize) {
        let before = self.table.state();
        self.addresses[member] = None;
        let step = self.table.complete(self.members[member], Verdict(7));
        assert_eq!(step.completed() == Some(&Verdict(7)), before != "STOPPING");
        let told = step.said().iter().any(|line| line.starts_with("the member ") && line.ends_with("groups.Result"));
        assert_eq!(told, before != "STOPPING");
        self.look(&step);
    }

    fn session_ends(&mut self) {
        let before = self.table.state();
        let (session, _) = self.session.take().expect("there is a session");
        let step = self.table.complete(session, Verdict(3));
        self.is_told_to_stop = false;
        assert_eq!(step.completed() == Some(&Verdict(3)), before != "RESTARTING");
        self.look(&step);
    }

    fn session_speaks(&mut self) {
        let (before, (session, _)) = (self.key(), self.session.expect("there is a session"));
        let step = self.table.give_from(session, News(0));
        assert!(step.forwarded::<News>(self.table.parent(), session));
        self.look(&step);
        assert_eq!(self.key(), before);
    }

    fn stranger(&mut self) {
        let (before, stranger) = (self.key(), self.table.peer());
        for step in [
            self.table.give_from(stranger, UseAddress { address: far(3) }),
            self.table.give_from(stranger, NoAddress),
            self.table.complete(stranger, Done),
        ] {
            assert!(step.sent_names().is_empty() && step.value().is_none());
        }
        assert_eq!(self.key(), before);
    }

    fn news(&mut self, number: u32) {
        let step = self.table.give_from(far(1), News(number));
        let receiver = match self.session {
            None if !self.rules.session => self.table.parent(),
            Some((session, _)) if !self.is_in("RESTARTING") => session,
            _ => {
                self.early.push(number);
                assert!(step.sent_names().is_empty());
                return self.look(&step);
            }
        };
        assert!(step.forwarded::<News>(receiver, far(1)) && step.sent_to::<News>(receiver) == [&News(number)]);
        self.look(&step);
    }

    fn tick(&mut self) {
        let step = self.table.advance(seconds(TICK));
        self.ticks += 1;
        self.stopping += u64::from(self.is_told_to_stop);
        let rules = self.rules;
        let is_late = rules.get_ready && !rules.resident && !self.was_ready && self.ticks * TICK >= 5;
        assert_eq!(step.completed::<TimedOut>().is_some(), is_late);
        let is_stubborn = self.is_told_to_stop && self.stopping * TICK >= 10;
        assert_eq!(step.value().is_some(), is_late || is_stubborn);
        self.look(&step);
    }

    fn stop(&mut self) {
        let waits = self.rules.until_stopped && self.session.is_some();
        if !self.is_in("STOPPING") {
            self.stopping = 0;
        }
        let step = self.table.give(Stop);
        assert_eq!((step.completed::<Aborted>().is_some(), step.next() == "STOPPING"), (!waits, waits));
        if let Some((session, _)) = self.session.filter(|_| waits) {
            self.check_early(&step, session);
        }
        self.look(&step);
    }

    fn is_in(&self, state: &str) -> bool {
        !self.has_ended && self.table.state() == state
    }

    /// What holds after every step.
    fn look(&mut self, step: &Step) {
        assert!(step.unknown().is_empty() && step.refused().is_empty(), "{step:?}");
        self.look_at_owner(step);
        self.look_at_session(step);
        self.has_ended = step.value().is_some();
        if self.has_ended {
            let dropped = step.said().iter().filter(|line| line.starts_with("dropped "));
            assert_eq!(dropped.count(), self.early.len(), "what nobody takes is told");
            return;
        }
        let (has_session, is_full) = (self.session.is_some(), self.is_full());
        match self.table.state() {
            "PENDING" => assert!(!has_session && !is_full && !self.is_ready),
            "READY" => assert!(!self.rules.session && is_full && self.is_ready),
            "WORKING" => {
                let given = self.session.map(|(_, addresses)| addresses.map(Some));
                assert!(given == Some(self.addresses) && !self.is_told_to_stop && self.early.is_empty());
            }
            "RESTARTING" => assert!(has_session && self.is_told_to_stop && self.rules.resident),
            "STOPPING" => {
                assert!(has_session && self.is_told_to_stop && self.rules.until_stopped && self.early.is_empty());
            }
            other => panic!("expected a state, got {other}"),
        }
    }

    /// The owner hears each change once, in an order that makes sense; nothing when there are sessions.
    fn look_at_owner(&mut self, step: &Step) {
        let names: Vec<_> = step.sent_names().into_iter().filter(|name| !["News", "Stop"].contains(name)).collect();
        let orders: [&[&str]; 4] = [&[], &["GroupUpdate"], &["GroupUpdate", "Ready"], &["GroupUpdate", "NotReady"]];
        assert!(orders.contains(&&*names), "{names:?}");
        assert!(names.is_empty() || !self.rules.session);
        for update in step.sent_to::<GroupUpdate>(self.table.parent()) {
            let index = ["clock", "store", "scale"].iter().position(|name| *update.member == **name);
            let told = &mut self.told[index.expect("a member")];
            assert_ne!(*told, update.address, "told twice");
            *told = update.address;
        }
        if !step.sent::<Ready>().is_empty() {
            assert!(!core::mem::replace(&mut self.is_ready, true) && self.told.iter().all(Option::is_some));
            self.was_ready = true;
        }
        if !step.sent::<NotReady>().is_empty() {
            assert!(core::mem::replace(&mut self.is_ready, false));
        }
        assert!(self.rules.session || self.told == self.addresses);
    }

    /// What was kept comes first, in order.
    fn check_early(&mut self, step: &Step, session: Address) {
        let early: Vec<u32> = step.sent_to::<News>(session).iter().map(|news| news.0).collect();
        assert_eq!(early, core::mem::take(&mut self.early));
    }

    /// A session is made once all are there, and told to stop once.
    fn look_at_session(&mut self, step: &Step) {
        if let [work] = *step.created::<Work>() {
            assert!(self.session.is_none() && work.addresses.map(Some) == self.addresses);
            let session = step.children()[0];
            self.check_early(step, session);
            (self.session, self.was_ready) = (Some((session, work.addresses)), true);
        }
        if !step.sent::<Stop>().is_empty() {
            let (session, _) = self.session.expect("somebody to stop");
            assert_eq!(step.sent_to::<Stop>(session).len(), 1);
            assert!(!core::mem::replace(&mut self.is_told_to_stop, true));
            self.stopping = 0;
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
        let mut events = vec![Tick, Stop, Stranger];
        events.extend((0..3).flat_map(|member| [Found(member, 0), Found(member, 1), Lost(member), MemberEnds(member)]));
        if self.session.is_some() {
            events.extend([SessionEnds, SessionSpeaks]);
        }
        if self.early.len() < EARLY {
            events.extend([News(0), News(1)]);
        }
        events
    }

    fn apply(&mut self, event: Event) {
        match event {
            // Two addresses are enough to tell whose they are: they differ from member to member.
            Event::Found(member, which) => self.member(member, Some(far(1 + ((member + which) % 3) as u32))),
            Event::Lost(member) => self.member(member, None),
            Event::MemberEnds(member) => self.member_ends(member),
            Event::SessionEnds => self.session_ends(),
            Event::SessionSpeaks => self.session_speaks(),
            Event::Stranger => self.stranger(),
            Event::News(number) => self.news(number),
            Event::Tick => self.tick(),
            Event::Stop => self.stop(),
        }
    }

    fn key(&self) -> String {
        let mut machine = format!("{:?}", self.table.machine());
        if let Some((session, _)) = self.session {
            machine = machine.replace(&session.to_string(), "session");
        }
        // More time than is needed for anything makes no difference.
        let ticks = if self.rules.get_ready && !self.was_ready { self.ticks.min(1) } else { 0 };
        let stopping = if self.is_told_to_stop { self.stopping } else { 0 };
        let Self { addresses, early, has_ended, .. } = self;
        format!("{} {machine} {addresses:?} {early:?} {ticks} {stopping} {has_ended}", self.table.state())
    }

    /// Whatever has happened: when all members are there and sessions stop when told to, the group works. And it can be
    /// stopped, whatever its session does.
    fn probe(mut self) {
        if self.has_ended {
            return;
        }
        let is_stopping = self.is_in("STOPPING");
        if self.is_told_to_stop {
            self.session_ends();
        }
        for member in 0..3 {
            if !self.has_ended && self.addresses[member].is_none() {
                self.apply(Event::Found(member, 0));
            }
        }
        assert!(self.is_in("READY") || self.is_in("WORKING") || is_stopping);
        if !self.has_ended {
            self.stop();
            for _ in 0..2 {
                if !self.has_ended {
                    self.tick();
                }
            }
            assert!(self.has_ended);
        }
    }
}

fn check(session: bool, resident: bool, until_stopped: bool, get_ready: bool) {
    let rules = Rules { session, resident, until_stopped, get_ready };
    let explored = explore(|| Surroundings::new(rules), usize::MAX);
    eprintln!("{rules:?}: {explored:?}");
    assert!(explored.is_complete);
}

#[test]
fn every_state_of_a_group_without_session_is_explored() {
    check(false, false, false, false);
    check(false, false, false, true);
}

#[test]
fn every_state_of_a_group_with_a_session_is_explored() {
    check(true, false, false, false);
    check(true, false, true, true);
}

#[test]
fn every_state_of_a_resident_group_is_explored() {
    check(true, true, false, true);
    check(true, true, true, false);
}
