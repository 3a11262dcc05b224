//! The network of statepoint: machines that listen and connect, over mio or over a simulated network.
//!
//! | look into | for |
//! |---|---|
//! | [`Networking`] | `cx.listen`, `cx.connect`: what a point can do |
//! | [`Listening`], [`Accepted`], [`Connected`], [`Closed`], [`Abandoned`] .. | what it is told |
//! | [`Group`], [`ConnectToAddress`], [`ListenAtAddress`] | addresses that are kept connected |
//! | `machines/` | the machines behind it: [`Listener`], [`Connector`], [`Proxy`] |
//! | `driver/` | what they order: sockets, connections, bytes. Sans-I/O, with three doors |
//! | [`wire`] | frames, borders, names: the bytes of a connection |
//! | [`link`] | the secured byte stream under the frames: keys, trust, handshake, records |
//! | [`net`] | the trait between the driver and a network |
//! | [`reactor`] | that trait over the system's sockets, and the loop that waits |
//! | [`sim`] | that trait over a simulated network, and virtual time |
//!
//! Programs use it through the package `statepoint`.
#![forbid(unsafe_code)]
#![deny(unreachable_pub)]

// Generated code names the core `::statepoint`, as users do.
extern crate fsm_core as statepoint;

mod driver;
mod group;
mod host_port;
pub mod link;
mod machines;
mod messages;
pub mod net;
mod networking;
mod orders;
mod protection;
pub mod reactor;
mod request;
mod settings;
pub mod sim;
mod simulation;
pub mod wire;

pub use driver::{ConnectionId, Driver, NetCounters};
pub use group::{
    AddressGroup, ConnectToAddress, Exhausted, Group, GroupTable, GroupUpdate, ListenAtAddress, Member, NoAddress,
    NotReady, Ready, Retry, UseAddress,
};
pub use host_port::{HostPort, NoHostPort};
pub use machines::{Connector, Listener, Proxy};
pub use messages::{
    Abandoned, Accepted, Close, Closed, Congested, Connected, Ended, Failure, Listening, NotAccepted, NotConnected,
    NotListening, Relieved,
};
pub use networking::Networking;
pub use request::{Connect, Listen, Peer};
pub use settings::NetSettings;
pub use simulation::{Host, Simulation};
