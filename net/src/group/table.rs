//! What a manager is made of.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use fsm_core::{Address, Create, IntoPoint, Name, NewPoint, Value};

use super::address_group::AddressGroup;
use super::member::Group;

/// The members of a group, and what to do when all of them are there. [`Group::table`] makes it.
///
/// ```
/// use core::time::Duration;
/// use std::collections::BTreeMap;
/// use statepoint::{ConnectToAddress, Done, Group, HostPort, Member, Routine, Vocabulary, routine};
///
/// let clock = Member::new(|| ConnectToAddress::new(HostPort::new("127.0.0.1", 32011)));
/// let servers = BTreeMap::from([("clock".to_owned(), clock)]);
/// let table = servers.table().get_ready(Duration::from_secs(30)).session(|servers| {
///     let clock = servers["clock"].address();
///     routine(async move |cx: &mut Routine| cx.send(clock, Done))
/// });
/// let group = table.group(); // to be created
/// # let _ = group;
/// ```
pub struct GroupTable<G> {
    group: G,
    get_ready: Option<Duration>,
    session: Option<MakeSession<G>>,
    is_resident: bool,
    until_stopped: bool,
}

/// Makes a session of the members and the value of the session before.
type MakeSession<G> = Box<dyn Fn(&G, Option<Value>) -> NewPoint>;

/// The same without the type of the user's group.
pub(super) struct Plan {
    pub(super) members: Vec<(Name, Create)>,
    /// None for a resident group, which waits for ever.
    pub(super) get_ready: Option<Duration>,
    /// Makes a session of the members' addresses, in their order, and the value of the session before.
    pub(super) session: Option<MakePlannedSession>,
    pub(super) is_resident: bool,
    pub(super) until_stopped: bool,
}

pub(super) type MakePlannedSession = Box<dyn Fn(&[Address], Option<Value>) -> NewPoint>;

impl<G: Group> GroupTable<G> {
    pub(super) fn new(group: G) -> Self {
        Self { group, get_ready: None, session: None, is_resident: false, until_stopped: false }
    }

    /// Ends the group with `TimedOut` when it has not become ready within `limit`. Losing a member later does not count. A
    /// resident group waits for ever, whatever is said here.
    #[must_use]
    pub fn get_ready(self, limit: Duration) -> Self {
        Self { get_ready: Some(limit), ..self }
    }

    /// Creates a session when all members are there, and gives it their addresses. The owner then hears nothing of members;
    /// messages of members' peers go to the session, and the last 32 that came before it are given to it first. What the
    /// session sends to its parent goes to the owner.
    ///
    /// When the session ends, so does the group, with the session's value. When a member is lost, the group ends with a fault.
    #[must_use]
    pub fn session<P: IntoPoint>(self, create: impl Fn(&G) -> P + 'static) -> Self {
        let session: MakeSession<G> = Box::new(move |group, _| create(group).into_point());
        Self { session: Some(session), is_resident: false, ..self }
    }

    /// Creates one session after the other: when a member is lost the session is stopped, and when all are there again the next
    /// one is created. It also gets the value with which the session before it has completed.
    ///
    /// When a session ends without having been stopped, so does the group, with the session's value.
    #[must_use]
    pub fn resident<P: IntoPoint>(self, create: impl Fn(&G, Option<Value>) -> P + 'static) -> Self {
        let session: MakeSession<G> = Box::new(move |group, previous| create(group, previous).into_point());
        Self { session: Some(session), is_resident: true, ..self }
    }

    /// When the group is stopped while there is a session, its value is that of the session, instead of `Aborted`. The members
    /// stay until the session has ended.
    #[must_use]
    pub fn until_stopped(self) -> Self {
        Self { until_stopped: true, ..self }
    }

    /// The manager, to be created. Also the main point of a program that is nothing but a group and its session.
    pub fn group(self) -> AddressGroup {
        let Self { group, get_ready, session, is_resident, until_stopped } = self;
        let name = |name: &str| Name::from(Arc::<str>::from(name));
        let members = group.members();
        let members = members.into_iter().map(|(member, made)| (name(member), made.create.clone())).collect();
        let session = session.map(|create| -> MakePlannedSession {
            Box::new(move |addresses, previous| {
                let mut copy = group.copy();
                for ((name, _), address) in group.members().into_iter().zip(addresses) {
                    if let Some(member) = copy.member_mut(name) {
                        member.set(Some(*address));
                    }
                }
                create(&copy, previous)
            })
        });
        let get_ready = get_ready.filter(|_| !is_resident);
        AddressGroup::new(Plan { members, get_ready, session, is_resident, until_stopped })
    }
}

impl<G: Group> fmt::Debug for GroupTable<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.group.members().iter().map(|(name, _)| (*name).to_owned()).collect();
        f.debug_struct("GroupTable").field("members", &names).finish_non_exhaustive()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.iter().map(|(name, _)| name).collect();
        f.debug_struct("Plan").field("members", &names).finish_non_exhaustive()
    }
}
