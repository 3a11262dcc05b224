//! Groups: sets of named addresses that a manager keeps connected.
//!
//! | file | what it is |
//! |---|---|
//! | `member.rs` | a group in the user's program: [`Group`], [`Member`] |
//! | `table.rs` | its options: [`GroupTable`] |
//! | `address_group.rs` | the manager: [`AddressGroup`] |
//! | `places.rs`, `early.rs` | what it keeps: members with their addresses, messages for its session |
//! | `connect.rs`, `listen.rs` | members that connect and listen, again and again |
//! | `attempts.rs` | what these two share: how often, and when again |
//! | `retry.rs` | how long to wait |
//! | `messages.rs` | what members, groups and owners say to each other |

mod address_group;
mod attempts;
mod connect;
mod early;
mod listen;
mod member;
mod messages;
mod places;
mod retry;
mod table;

pub use address_group::AddressGroup;
pub use connect::ConnectToAddress;
pub use fsm_macros::Group;
pub use listen::ListenAtAddress;
pub use member::{Group, Member};
pub use messages::{Exhausted, GroupUpdate, NoAddress, NotReady, Ready, UseAddress};
pub use retry::Retry;
pub use table::GroupTable;
