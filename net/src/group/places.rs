//! Which members a group has, and what addresses they have.

use fsm_core::{Address, Name};

use super::messages::GroupUpdate;

/// The members, in the order of the table.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    name: Name,
    member: Address,
    address: Option<Address>,
}

impl Places {
    pub(super) fn add(&mut self, name: Name, member: Address) {
        self.0.push(Place { name, member, address: None });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a member could not be created.
    pub(super) fn has_gap(&self) -> bool {
        self.0.iter().any(|place| place.member.is_none())
    }

    /// Whether every member has an address.
    pub(super) fn is_full(&self) -> bool {
        self.0.iter().all(|place| place.address.is_some())
    }

    pub(super) fn addresses(&self) -> Vec<Address> {
        self.0.iter().filter_map(|place| place.address).collect()
    }

    /// The name of who is a member.
    pub(super) fn name_of(&self, member: Address) -> Option<&Name> {
        self.0.iter().find(|place| place.member == member).map(|place| &place.name)
    }

    /// Whether this is a member that had another address, or none.
    pub(super) fn is_news(&self, member: Address, address: Option<Address>) -> bool {
        self.0.iter().any(|place| place.member == member && place.address != address)
    }

    /// Notes the address of a member; what an owner is to be told when that is news.
    pub(super) fn note(&mut self, member: Address, address: Option<Address>) -> Option<GroupUpdate> {
        let place = self.0.iter_mut().find(|place| place.member == member && place.address != address)?;
        place.address = address;
        Some(GroupUpdate { member: place.name.clone(), address })
    }
}
