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
//! | `onlooker.rs` | who else is there: a parent that notes, servers that speak unasked, sessions that take their time |
//! | `meddling.rs`, `slow.rs` | members among points that speak out of turn; groups with such servers and sessions |
//! | `cells.rs` | every cell of these machines |

mod address_group;
mod cells;
mod connect;
mod derive;
mod explore;
mod explore_composed;
mod explore_connect;
mod explore_group;
mod listen;
mod meddling;
mod onlooker;
mod scenarios;
mod slow;
mod storms;
mod support;
mod town;
