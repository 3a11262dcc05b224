//! Links of every mode under the network as its users see it: who can talk to whom, what both ends are told, and what those
//! achieve who are on the way or at the other end and do not keep to the rules.
//!
//! | file | what it is about |
//! |---|---|
//! | `modes.rs` | both ends' settings in each mode, and tests that run in every mode and every world |
//! | `matrix.rs` | every setting of a listener with every setting of a connector |
//! | `settings.rs` | settings that make no sense |
//! | `key_files.rs` | files of keys that are something else |
//! | `talking.rs` | messages of all sizes, several conversations, several connections |
//! | `sessions.rs`, `groups.rs`, `relaying.rs` | sessions, routines, groups and relays over links |
//! | `asking.rs` | whether the other end is there |
//! | `closing.rs` | how links end: in order, at once, cut at any byte |
//! | `openings.rs` | peers that never open their links |
//! | `randomness.rs` | keys of single connections |
//! | `unfinished.rs` | records that are begun and not ended |
//! | `conversation.rs`, `way.rs`, `attacks.rs` | a conversation, an attacker between its ends, and what he achieves |
//! | `carrier.rs`, `cuts.rs` | somebody who carries the bytes, and cuts them off |
//! | `peers.rs`, `misdeeds.rs`, `witness.rs` | peers that misbehave in ways drawn from seeds, what they do, and who sees what comes of it |
//! | `insider.rs` | a peer that knows how links work, and writes what a test likes |

mod asking;
mod attacks;
mod carrier;
mod closing;
mod conversation;
mod cuts;
#[path = "../network/frames.rs"]
#[allow(dead_code, reason = "shared with the tests of the network, which use all of it")]
mod frames;
mod groups;
mod insider;
mod key_files;
#[path = "../network/loopback.rs"]
mod loopback;
mod matrix;
#[path = "../network/messages.rs"]
#[allow(dead_code, reason = "shared with the tests of the network, which use all of it")]
mod messages;
mod misdeeds;
mod modes;
mod openings;
mod peers;
#[path = "../network/puppet.rs"]
#[allow(dead_code, reason = "shared with the tests of the network, which use all of it")]
mod puppet;
mod randomness;
mod relaying;
mod sessions;
mod settings;
#[path = "../network/simulated.rs"]
#[allow(dead_code, reason = "shared with the tests of the network, which use all of it")]
mod simulated;
mod talking;
mod unfinished;
mod way;
mod witness;
#[path = "../network/world.rs"]
#[allow(dead_code, reason = "shared with the tests of the network, which use all of it")]
mod world;
