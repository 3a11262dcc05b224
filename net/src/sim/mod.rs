//! A simulated network in memory: virtual time, a seed, and every fault that TCP allows.
//!
//! A [`World`] has hosts; each [`SimNet`] is the [`Net`](crate::net::Net) of one of them, and what drives the
//! system's sockets drives these unchanged. **The world moves time, not a host**: [`World::advance`] lets everything
//! happen that is due, and each host then takes the events that [`SimNet::ready`] shows it.
//!
//! What is simulated is TCP as an application sees it. Within a connection nothing is reordered, doubled or lost:
//! bytes arrive in order after a delay, in pieces, as long as the buffer has room, or the connection breaks. Sending
//! on is acknowledged by the reader's reading: who reads nothing stops the sender when the buffer (one for both
//! systems) is full. Peers that vanish, directions that are clogged, closes that turn into resets because something
//! was not read, listeners whose queue is full, and requests that are repeated for two minutes are there too. Not
//! simulated are keep-alives and the time-outs of established connections: a vanished peer is noticed by the
//! application or never.
//!
//! Everything is in `Faults`, drawn from the seed, or done by a test through the world. The same seed gives the same
//! run.

mod connection;
mod faults;
mod happening;
mod host;
mod random;
mod sim_net;
mod sockets;
mod state;
mod traffic;
mod world;

pub use faults::Faults;
pub use happening::{Entry, HISTORY, Happening};
pub use random::Random;
pub use sim_net::SimNet;
pub use world::{Between, World};

#[cfg(test)]
mod parity;
#[cfg(test)]
mod tests;
