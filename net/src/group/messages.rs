//! What members, groups and owners say to each other. All of it is local.

use fsm_core::{Address, Message, Name};

/// From a member to its group: this address can be used from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.UseAddress", local)]
pub struct UseAddress {
    /// The address.
    pub address: Address,
}

/// From a member to its group: its address leads nowhere any more. It tries to get another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.NoAddress", local)]
pub struct NoAddress;

/// From a group to its owner: a member has got an address, or has lost it. Give it to [`Group::update`](crate::Group::update).
///
/// It comes before the [`Ready`] or [`NotReady`] that comes of it, so in any state of the owner.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[message(name = "statepoint.GroupUpdate", local)]
pub struct GroupUpdate {
    /// The member's name.
    pub member: Name,
    /// Its address, when it has one.
    pub address: Option<Address>,
}

/// From a group to its owner: every member has an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.Ready", local)]
pub struct Ready;

/// From a group to its owner: a member has lost its address, so the group is not ready any more. The [`GroupUpdate`] that says which
/// has come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[message(name = "statepoint.NotReady", local)]
pub struct NotReady;

/// As many attempts have failed one after another as [`Retry::attempts`](crate::Retry::attempts) allows.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[message(name = "statepoint.Exhausted", local, fault)]
pub struct Exhausted {
    /// How many.
    pub attempts: u32,
    /// What the last of them failed with, for people.
    pub last: String,
}

impl core::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let plural = if self.attempts == 1 { "" } else { "s" };
        write!(f, "gave up after {} attempt{plural}: {}", self.attempts, self.last)
    }
}
