//! Groups in the user's program: members as typed fields.

use std::collections::BTreeMap;

use fsm_core::{Address, Create, IntoPoint, TemporarilyUnavailable};

use super::messages::GroupUpdate;
use super::table::GroupTable;

/// One member of a [`Group`]: how to make it, and its present address.
///
/// A member is anything creatable that tells its parent [`UseAddress`](crate::UseAddress) and
/// [`NoAddress`](crate::NoAddress): [`ConnectToAddress`](crate::ConnectToAddress),
/// [`ListenAtAddress`](crate::ListenAtAddress), a machine of one's own.
///
/// ```
/// use statepoint::{Address, ConnectToAddress, HostPort, Member};
///
/// let clock = Member::new(|| ConnectToAddress::new(HostPort::new("127.0.0.1", 32011)));
/// assert_eq!(clock.address(), Address::NONE);
/// ```
#[derive(Debug, Clone)]
pub struct Member {
    pub(super) create: Create,
    address: Address,
}

impl Member {
    /// A member that `create` makes. It is called once for each group that is made of the table.
    pub fn new<P: IntoPoint>(create: impl Fn() -> P + 'static) -> Self {
        Self { create: Create::new(create), address: Address::NONE }
    }

    /// Its address as last told by [`Group::update`]; [`Address::NONE`] when it has none. What is sent there while it has none is
    /// a dead letter, as what is sent to an address that was lost a moment ago. A group's session is made when all members
    /// have one.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Whether it has an address.
    pub fn has_address(&self) -> bool {
        !self.address.is_none()
    }

    pub(super) fn set(&mut self, address: Option<Address>) {
        self.address = address.unwrap_or(Address::NONE);
    }
}

/// A set of named members that a manager, [`AddressGroup`](crate::AddressGroup), keeps connected.
///
/// `#[derive(Group)]` implements it for a struct whose fields are [`Member`]s. A set that is known only when the program runs
/// is a `BTreeMap<String, Member>`.
///
/// ```
/// use core::time::Duration;
/// use statepoint::{ConnectToAddress, Group, HostPort, Member};
///
/// #[derive(Group)]
/// struct Servers {
///     clock: Member,
///     store: Member,
/// }
///
/// # fn main() {
/// let servers = Servers {
///     clock: Member::new(|| ConnectToAddress::new(HostPort::new("127.0.0.1", 32011))),
///     store: Member::new(|| ConnectToAddress::new(HostPort::new("127.0.0.1", 32012))),
/// };
/// let group = servers.table().get_ready(Duration::from_secs(30)).group();
/// // cx.create(group), then for each `GroupUpdate`: servers.update(&update), and servers.clock.address()
/// # let _ = group;
/// assert_eq!(servers.missing(), ["clock", "store"]);
/// # }
/// ```
pub trait Group: Sized + 'static {
    /// The members with their names, in their order.
    fn members(&self) -> Vec<(&str, &Member)>;

    /// The member of this name.
    fn member_mut(&mut self, name: &str) -> Option<&mut Member>;

    /// The same members once more.
    fn copy(&self) -> Self;

    /// What a manager is made of: the members, and options.
    fn table(&self) -> GroupTable<Self> {
        GroupTable::new(self.copy())
    }

    /// Notes what the manager has told. What it tells of a member that is not of this group changes nothing; two groups with
    /// members of the same name are told apart by who has sent the update.
    fn update(&mut self, update: &GroupUpdate) {
        if let Some(member) = self.member_mut(&update.member) {
            member.set(update.address);
        }
    }

    /// Whether every member has an address; as an error, what to answer to a request that needs them all.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use statepoint::{ConnectToAddress, Group, HostPort, Member};
    ///
    /// let clock = Member::new(|| ConnectToAddress::new(HostPort::new("127.0.0.1", 32011)));
    /// let servers = BTreeMap::from([("clock".to_owned(), clock)]);
    /// assert_eq!(servers.roll_call().unwrap_err().unavailable, ["clock"]);
    /// ```
    ///
    /// # Errors
    ///
    /// Some are missing; their names.
    fn roll_call(&self) -> Result<(), TemporarilyUnavailable> {
        let unavailable: Vec<_> = self.missing().into_iter().map(str::to_owned).collect();
        match unavailable.is_empty() {
            true => Ok(()),
            false => Err(TemporarilyUnavailable { unavailable, ..TemporarilyUnavailable::default() }),
        }
    }

    /// The names of the members that have no address.
    fn missing(&self) -> Vec<&str> {
        let members = self.members().into_iter();
        members.filter(|(_, member)| !member.has_address()).map(|(name, _)| name).collect()
    }
}

impl Group for BTreeMap<String, Member> {
    fn members(&self) -> Vec<(&str, &Member)> {
        self.iter().map(|(name, member)| (name.as_str(), member)).collect()
    }

    fn member_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.get_mut(name)
    }

    fn copy(&self) -> Self {
        self.clone()
    }
}
