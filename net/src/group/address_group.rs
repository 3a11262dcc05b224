//! The manager of a group.

use std::collections::VecDeque;

use fsm_core::{
    Aborted, Address, Completed, Context, Create, Faulted, Machine, Message, Next, Start, Stop, TimedOut, Unknown,
    Value, Vocabulary, state_machine,
};

use super::messages::{GroupUpdate, NoAddress, NotReady, Ready, UseAddress};
use super::table::{GroupMembers, GroupTable};

/// Messages that are kept until there is a session to take them, as many as the reference keeps.
const EARLY: usize = 32;

/// Keeps the members of a [`GroupTable`] connected, and tells its parent, or creates a session, when all of them are.
///
/// Without a session its parent gets [`GroupUpdate`] for each change, [`Ready`] and [`NotReady`], and what the members' peers
/// send. A member that ends, ends the group with the member's value.
#[derive(Debug)]
pub struct AddressGroup {
    table: GroupTable,
    places: Vec<Place>,
    session: Address,
    /// What the session before completed with.
    previous: Option<Value>,
    early: VecDeque<Unknown>,
}

#[derive(Debug)]
struct Place {
    name: &'static str,
    member: Address,
    address: Option<Address>,
}

/// The group has not become ready in time.
#[derive(Debug, Message)]
#[message(name = "statepoint.group.Deadline", local)]
struct Deadline;

impl AddressGroup {
    pub(super) fn new(table: GroupTable) -> Self {
        Self { table, places: Vec::new(), session: Address::NONE, previous: None, early: VecDeque::new() }
    }

    fn has_session(&self) -> bool {
        self.table.session.is_some()
    }

    fn is_full(&self) -> bool {
        self.places.iter().all(|place| place.address.is_some())
    }

    /// Notes the address of the member at hand, and tells the parent when there is no session that would be told.
    fn note(&mut self, address: Option<Address>, cx: &mut Context) -> Option<&'static str> {
        let from = cx.from();
        let place = self.places.iter_mut().find(|place| place.member == from)?;
        place.address = address;
        let member = place.name;
        if !self.has_session() {
            cx.send(cx.parent(), GroupUpdate { member, address });
        }
        Some(member)
    }

    /// Keeps a message until there is a session; the oldest gives way.
    fn keep(&mut self, unknown: Unknown) {
        if self.early.len() >= EARLY {
            self.early.pop_front();
        }
        self.early.push_back(unknown);
    }

    fn lost(member: Option<&'static str>) -> Faulted {
        Faulted { condition: format!("lost {}", member.unwrap_or("a member")), explanation: "a group member".into() }
    }
}

#[state_machine(INITIAL, PENDING, READY, WORKING, RESTARTING, STOPPING)]
impl AddressGroup {
    /// Goes on as the members stand: ready, with a session, or waiting.
    fn look_around(&mut self, cx: &mut Context) -> Next<Self> {
        if !self.is_full() {
            return Self::PENDING;
        }
        cx.cancel::<Deadline>();
        let Some(session) = &self.table.session else {
            cx.send(cx.parent(), Ready);
            return Self::READY;
        };
        let addresses = self.places.iter().filter_map(|place| Some((place.name, place.address?))).collect();
        let members = GroupMembers { addresses, previous: self.previous.take() };
        self.session = cx.create(session.create(&members));
        for unknown in self.early.drain(..) {
            cx.pass_on(self.session, unknown);
        }
        Self::WORKING
    }

    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        if self.table.members.is_empty() {
            let explanation = "add one with GroupTable::member".into();
            return Self::complete(Faulted { condition: "a group without members".into(), explanation });
        }
        let members: Vec<(&'static str, Create)> = self.table.members.clone();
        for (name, create) in &members {
            self.places.push(Place { name, member: cx.create(create), address: None });
        }
        if let Some(limit) = self.table.get_ready.filter(|_| !self.table.is_resident) {
            cx.start(limit, Deadline);
        }
        Self::PENDING
    }

    fn PENDING_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.note(Some(found.address), cx);
        self.look_around(cx)
    }

    fn PENDING_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        self.note(None, cx);
        Self::PENDING
    }

    fn PENDING_Deadline(&mut self, _: Deadline) -> Next<Self> {
        let limit = self.table.get_ready.unwrap_or_default();
        Self::complete(TimedOut { waiting_for: "the group to be ready".into(), limit })
    }

    /// Without a session the parent takes what peers send; with one it is kept until the session is there.
    fn PENDING_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        if self.has_session() {
            self.keep(unknown);
        } else {
            cx.forward(cx.parent(), unknown);
        }
        Self::PENDING
    }

    fn READY_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.note(Some(found.address), cx);
        Self::READY
    }

    fn READY_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        cx.send(cx.parent(), NotReady);
        self.note(None, cx);
        Self::PENDING
    }

    fn READY_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), unknown);
        Self::READY
    }

    /// A member has changed its address without a word: the session goes on with the old one until it fails.
    fn WORKING_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.note(Some(found.address), cx);
        Self::WORKING
    }

    fn WORKING_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        let member = self.note(None, cx);
        if !self.table.is_resident {
            return Self::complete(Self::lost(member));
        }
        cx.stop(self.session);
        Self::RESTARTING
    }

    fn WORKING_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.forward(self.session, unknown);
        Self::WORKING
    }

    fn WORKING_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        if !self.table.until_stopped {
            return Self::complete(Aborted);
        }
        cx.stop(self.session);
        Self::STOPPING
    }

    /// The session has stopped because a member was lost: a new one comes when all are there again.
    fn RESTARTING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.session {
            return Self::complete(completed.value);
        }
        self.previous = Some(completed.value);
        self.look_around(cx)
    }

    fn RESTARTING_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.note(Some(found.address), cx);
        Self::RESTARTING
    }

    fn RESTARTING_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        self.note(None, cx);
        Self::RESTARTING
    }

    fn RESTARTING_Unknown(&mut self, unknown: Unknown) -> Next<Self> {
        self.keep(unknown);
        Self::RESTARTING
    }

    /// The session's value is the group's. A member that ends meanwhile changes nothing.
    fn STOPPING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        if cx.from() == self.session { Self::complete(completed.value) } else { Self::STOPPING }
    }

    fn STOPPING_UseAddress(&mut self, _: UseAddress) -> Next<Self> {
        Self::STOPPING
    }

    fn STOPPING_NoAddress(&mut self, _: NoAddress) -> Next<Self> {
        Self::STOPPING
    }

    fn STOPPING_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.forward(self.session, unknown);
        Self::STOPPING
    }

    /// Asked twice: the session is stopping.
    fn STOPPING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::STOPPING
    }

    /// A member or the session has ended, and the group with it.
    fn ANY_Completed(&mut self, completed: Completed) -> Next<Self> {
        Self::complete(completed.value)
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
