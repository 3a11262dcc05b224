//! Groups: sets of named addresses that a manager keeps connected.
//!
//! | file | what it is |
//! |---|---|
//! | `address_group.rs` | the manager: [`AddressGroup`] |
//! | `table.rs` | what a group is made of: [`GroupTable`] |
//! | `connect.rs`, `listen.rs` | members that connect and listen, again and again |
//! | `retry.rs` | when to try again |
//! | `messages.rs` | what members, groups and owners say to each other |

mod address_group;
mod connect;
mod listen;
mod messages;
mod retry;
mod table;

pub use address_group::AddressGroup;
pub use connect::ConnectToAddress;
pub use listen::ListenAtAddress;
pub use messages::{Exhausted, GroupUpdate, NoAddress, NotReady, Ready, UseAddress};
pub use retry::Retry;
pub use table::{GroupMembers, GroupTable};
