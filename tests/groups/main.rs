//! Groups and their members: each machine alone, explored exhaustively, and over a simulated network.
//!
//! | file | what it is about |
//! |---|---|
//! | `support.rs` | messages as the network sends them; one machine on the table |
//! | `connect.rs`, `listen.rs`, `address_group.rs` | every cell and edge of these machines |
//! | `derive.rs` | `#[derive(Group)]`, and groups that are known only when the program runs |
//! | `explore.rs` | the walk through everything that can happen |
//! | `explore_connect.rs`, `explore_group.rs`, `explore_composed.rs` | the machines that it walks through |
//! | `town.rs` | a client and three servers on a simulated network |
//! | `scenarios.rs`, `storms.rs` | what becomes of them: servers come late, die, come back; everything goes wrong |

mod address_group;
mod connect;
mod derive;
mod explore;
mod explore_composed;
mod explore_connect;
mod explore_group;
mod listen;
mod scenarios;
mod storms;
mod support;
mod town;
