//! What a group is made of.

use core::fmt;
use core::time::Duration;
use std::rc::Rc;

use fsm_core::{Address, Create, IntoPoint, NewPoint, Value};

use super::address_group::AddressGroup;

/// The named members of a group, and what to do when all of them are there.
///
/// A member is anything creatable that tells its parent [`UseAddress`](crate::UseAddress) and
/// [`NoAddress`](crate::NoAddress): [`ConnectToAddress`](crate::ConnectToAddress),
/// [`ListenAtAddress`](crate::ListenAtAddress), a machine of one's own.
///
/// ```
/// use core::time::Duration;
/// use fsm_net::{ConnectToAddress, GroupTable, HostPort};
///
/// let table = GroupTable::new()
///     .member("clock", || ConnectToAddress::new(HostPort::new("127.0.0.1", 32011)))
///     .member("store", || ConnectToAddress::new(HostPort::new("127.0.0.1", 32012)))
///     .get_ready(Duration::from_secs(30));
/// let group = table.group(); // to be created
/// # let _ = group;
/// ```
#[derive(Clone, Default)]
pub struct GroupTable {
    pub(super) members: Vec<(&'static str, Create)>,
    pub(super) get_ready: Option<Duration>,
    pub(super) session: Option<GroupSession>,
    pub(super) is_resident: bool,
    pub(super) until_stopped: bool,
}

/// Makes the session of a group from its members and the value of the session before.
#[derive(Clone)]
pub(super) struct GroupSession(Rc<dyn Fn(&GroupMembers) -> NewPoint>);

impl GroupSession {
    pub(super) fn create(&self, members: &GroupMembers) -> NewPoint {
        (self.0)(members)
    }
}

impl GroupTable {
    /// A table without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member under a name. `create` may be called again, so it makes a new one each time.
    #[must_use]
    pub fn member<P: IntoPoint>(mut self, name: &'static str, create: impl Fn() -> P + 'static) -> Self {
        self.members.push((name, Create::new(create)));
        self
    }

    /// Ends the group with `TimedOut` when it is not ready within `limit`. A resident group waits for ever.
    #[must_use]
    pub fn get_ready(mut self, limit: Duration) -> Self {
        self.get_ready = Some(limit);
        self
    }

    /// Creates a session when all members are there. The group then sends its owner nothing; messages of members' peers go
    /// to the session. When the session ends, so does the group, with the session's value.
    #[must_use]
    pub fn session<P: IntoPoint>(mut self, create: impl Fn(&GroupMembers) -> P + 'static) -> Self {
        self.session = Some(GroupSession(Rc::new(move |members| create(members).into_point())));
        self
    }

    /// Keeps the group when a member is lost: the session is stopped, and a new one is created when all are there again.
    #[must_use]
    pub fn resident(mut self) -> Self {
        self.is_resident = true;
        self
    }

    /// When the group is stopped, its value is that of its session, instead of `Aborted`.
    #[must_use]
    pub fn until_stopped(mut self) -> Self {
        self.until_stopped = true;
        self
    }

    /// The group, to be created.
    pub fn group(self) -> AddressGroup {
        AddressGroup::new(self)
    }
}

impl fmt::Debug for GroupTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.iter().map(|(name, _)| name).collect();
        f.debug_struct("GroupTable").field("members", &names).finish_non_exhaustive()
    }
}

/// The members of a group that is ready, for its session.
///
/// ```
/// use fsm_net::{GroupMembers, GroupTable};
/// use fsm_core::{Done, routine};
///
/// let table = GroupTable::new().session(|members: &GroupMembers| {
///     let clock = members.get("clock");
///     routine(async move |_| Done)
/// });
/// # let _ = table;
/// ```
#[derive(Debug, Default)]
pub struct GroupMembers {
    pub(super) addresses: Vec<(&'static str, Address)>,
    pub(super) previous: Option<Value>,
}

impl GroupMembers {
    /// The address of the member; [`Address::NONE`] when there is none of this name.
    pub fn get(&self, name: &str) -> Address {
        self.addresses.iter().find(|(member, _)| *member == name).map_or(Address::NONE, |(_, address)| *address)
    }

    /// All members, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Address)> {
        self.addresses.iter().copied()
    }

    /// What the session before completed with, when there was one.
    pub fn previous(&self) -> Option<&Value> {
        self.previous.as_ref()
    }
}
