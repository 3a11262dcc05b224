//! The manager of a group.

use fsm_core::{
    Aborted, Address, Completed, Context, Faulted, IntoValue, Level, Machine, Message, Next, Start, Stop, TimedOut,
    Timeout, Unknown, Value, Vocabulary, state_machine,
};

use super::early::Early;
use super::messages::{NoAddress, NotReady, Ready, UseAddress};
use super::places::Places;
use super::table::Plan;

/// Keeps the members of a [`Group`](crate::Group) connected, and tells its parent, or creates a session, when all of them
/// are. [`GroupTable::group`](crate::GroupTable::group) makes it.
///
/// Without a session its parent gets [`GroupUpdate`](crate::GroupUpdate) for each change, before the [`Ready`] or
/// [`NotReady`] that comes of it, and what the members' peers send. A member that ends, ends the group with the member's value.
#[derive(Debug)]
pub struct AddressGroup {
    plan: Plan,
    places: Places,
    /// The session, until it has ended.
    session: Address,
    /// What the session before completed with.
    previous: Option<Value>,
    early: Early,
}

/// The group has not become ready in time.
#[derive(Debug, Message)]
#[message(name = "statepoint.group.Deadline", local)]
struct Deadline;

impl AddressGroup {
    pub(super) fn new(plan: Plan) -> Self {
        let (places, early) = (Places::default(), Early::default());
        Self { plan, places, session: Address::NONE, previous: None, early }
    }

    fn has_session(&self) -> bool {
        self.plan.session.is_some()
    }

    /// Notes the address of the member at hand, and tells the parent when there is no session that would be told.
    fn note(&mut self, address: Option<Address>, cx: &mut Context) {
        let update = self.places.note(cx.from(), address);
        if let Some(update) = update.filter(|_| !self.has_session()) {
            cx.send(cx.parent(), update);
        }
    }
}

#[state_machine(
    INITIAL, PENDING, READY, WORKING, RESTARTING(timeout = "10s"), STOPPING(timeout = "10s"),
    UP = PENDING | READY | WORKING | RESTARTING | STOPPING
)]
impl AddressGroup {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        for (name, create) in &self.plan.members {
            self.places.add(name.clone(), cx.create(create));
        }
        if self.places.is_empty() {
            return self.fail("a group without members", "it would never have anything to do", cx);
        }
        if self.places.has_gap() {
            return self.fail("a group without a member", "there is no room for more points", cx);
        }
        if let Some(limit) = self.plan.get_ready {
            cx.start(limit, Deadline);
        }
        Self::PENDING
    }

    fn PENDING_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.note(Some(found.address), cx);
        if !self.places.is_full() {
            return Self::PENDING;
        }
        cx.cancel::<Deadline>();
        if self.has_session() {
            return self.work(cx);
        }
        cx.send(cx.parent(), Ready);
        Self::READY
    }

    /// All members are there: creates the session.
    fn work(&mut self, cx: &mut Context) -> Next<Self> {
        self.session = match &self.plan.session {
            Some(session) => cx.create(session(&self.places.addresses(), self.previous.take())),
            None => Address::NONE,
        };
        if self.session.is_none() {
            return self.fail("a group without its session", "there is no room for more points", cx);
        }
        self.early.hand_over(self.session, cx);
        Self::WORKING
    }

    fn fail(&mut self, condition: &str, explanation: &str, cx: &mut Context) -> Next<Self> {
        self.end(Faulted { condition: condition.into(), explanation: explanation.into() }, cx)
    }

    /// No message is lost in silence.
    fn end(&mut self, value: impl IntoValue, cx: &mut Context) -> Next<Self> {
        self.early.drop_all(cx);
        Self::complete(value)
    }

    fn PENDING_Deadline(&mut self, _: Deadline, cx: &mut Context) -> Next<Self> {
        let limit = self.plan.get_ready.unwrap_or_default();
        self.end(TimedOut { waiting_for: "the group to be ready".into(), limit }, cx)
    }

    /// For the session, when there will be one.
    fn PENDING_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        if self.has_session() {
            self.early.keep(unknown, cx);
        } else {
            self.pass(unknown, cx);
        }
        Self::PENDING
    }

    fn READY_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        if !self.places.is_news(cx.from(), None) {
            return Self::READY;
        }
        self.note(None, cx);
        cx.send(cx.parent(), NotReady);
        Self::PENDING
    }

    fn READY_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        if self.places.is_news(cx.from(), None) {
            self.note(None, cx);
            cx.send(cx.parent(), NotReady);
        }
        self.ended(completed, cx)
    }

    /// A member has another address now: the session has the old one, which leads nowhere.
    fn WORKING_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.change(Some(found.address), cx)
    }

    fn WORKING_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        self.change(None, cx)
    }

    /// What the session was told is not true any more.
    fn change(&mut self, address: Option<Address>, cx: &mut Context) -> Next<Self> {
        if !self.places.is_news(cx.from(), address) {
            return Self::WORKING;
        }
        self.note(address, cx);
        if !self.plan.is_resident {
            let condition = format!("lost \"{}\"", self.places.name_of(cx.from()).map_or("", |name| name));
            return self.fail(&condition, "the group is no longer complete", cx);
        }
        cx.stop(self.session);
        Self::RESTARTING
    }

    fn WORKING_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        if !self.plan.until_stopped {
            return Self::complete(Aborted);
        }
        cx.stop(self.session);
        Self::STOPPING
    }

    /// The session has stopped because a member was lost: a new one comes when all are there again.
    fn RESTARTING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.session {
            return self.ended(completed, cx);
        }
        self.session = Address::NONE;
        self.previous = Some(completed.value);
        if self.places.is_full() { self.work(cx) } else { Self::PENDING }
    }

    /// What peers send is for the next session.
    fn RESTARTING_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        if cx.from() == self.session {
            self.pass(unknown, cx);
        } else {
            self.early.keep(unknown, cx);
        }
        Self::RESTARTING
    }

    /// There will be no next session: this one takes what was kept.
    fn RESTARTING_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        if !self.plan.until_stopped {
            return self.end(Aborted, cx);
        }
        self.early.hand_over(self.session, cx);
        Self::STOPPING
    }

    /// A session that takes no notice of `Stop` would keep the group from its work for ever.
    fn RESTARTING_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        self.fail("the session of a group does not stop", "a member was lost, so it was told to", cx)
    }

    /// The session's value is the group's. A member that ends meanwhile changes nothing.
    fn STOPPING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        if cx.from() == self.session { Self::complete(completed.value) } else { Self::STOPPING }
    }

    /// Asked twice: the session is stopping.
    fn STOPPING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::STOPPING
    }

    fn STOPPING_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(Aborted)
    }

    fn UP_UseAddress(&mut self, found: UseAddress, cx: &mut Context) -> Next<Self> {
        self.note(Some(found.address), cx);
        Next::STAY
    }

    fn UP_NoAddress(&mut self, _: NoAddress, cx: &mut Context) -> Next<Self> {
        self.note(None, cx);
        Next::STAY
    }

    fn UP_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        self.pass(unknown, cx);
        Next::STAY
    }

    /// The session gets what peers send, the parent what the session sends; without a session, what peers send too.
    fn pass(&mut self, unknown: Unknown, cx: &mut Context) {
        let is_for_parent = self.session.is_none() || cx.from() == self.session;
        let to = if is_for_parent { cx.parent() } else { self.session };
        cx.forward(to, unknown);
    }

    fn UP_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        self.ended(completed, cx)
    }

    /// The session or a member has ended, and the group with it.
    fn ended(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.session {
            let Some(name) = self.places.name_of(cx.from()) else { return Next::STAY };
            let why = completed.value.fault().unwrap_or_else(|| completed.value.name().to_owned());
            let text =
                format_args!("the member \"{name}\" has ended, and all other connections of the group with it: {why}");
            cx.log(Level::Warning, text);
        }
        self.note(None, cx);
        self.end(completed.value, cx)
    }

    fn UP_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        self.end(Aborted, cx)
    }
}
