//! The network as its users see it: the same scenarios on a simulated network and on the system's sockets.
//!
//! | file | what it is about |
//! |---|---|
//! | `world.rs`, `simulated.rs`, `loopback.rs` | the worlds in which each scenario runs |
//! | `puppet.rs` | a point whose strings the test holds |
//! | `listening.rs`, `connecting.rs` | ports and attempts |
//! | `crossing.rs`, `turns.rs` | stopping and closing at every moment; turns that end in the middle of it |
//! | `haste.rs` | much at once, and changes of mind |
//! | `ipv6.rs` | the other kind of address |
//! | `talking.rs`, `addresses.rs`, `relaying.rs` | messages and the addresses in them |
//! | `asking.rs` | questions and answers |
//! | `closing.rs`, `unanswered.rs` | how connections end, also those whose peer ends its own way or not at all |
//! | `asked.rs` | peers that are asked whether they are there |
//! | `unopened.rs` | peers that do not open their link |
//! | `standing_still.rs` | processes that stand still, and go on |
//! | `rebooting.rs` | simulated hosts whose processes begin anew |
//! | `congestion.rs` | peers that read slowly, or not at all |
//! | `sessions.rs` | one point for each connection |
//! | `crowd.rs`, `exhaustion.rs` | many connections, and more than the system has room for |
//! | `cells.rs` | every cell of the network's machines |
//! | `workload.rs`, `faults.rs` | a network in which everything goes wrong, from many seeds |

mod addresses;
mod asked;
mod asking;
mod cells;
mod closing;
mod congestion;
mod connecting;
mod crossing;
mod crowd;
mod exhaustion;
mod faults;
mod frames;
mod haste;
mod ipv6;
mod listening;
mod loopback;
mod messages;
mod puppet;
mod rebooting;
mod relaying;
mod sessions;
mod simulated;
mod standing_still;
mod talking;
mod turns;
mod unanswered;
mod unopened;
mod workload;
mod world;
