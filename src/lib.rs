//! statepoint: finite-state machines that talk over the network.
//!
//! You write a machine as an `impl` whose methods are named `STATE_Message`; one thread drives a million such machines; and
//! the same `send` reaches a machine in this process or one behind a TCP connection.
//!
//! ```
//! use statepoint::prelude::*;
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
//! #[message(name = "lamp.Press")]
//! pub struct Press;
//!
//! pub struct Lamp;
//!
//! #[state_machine(OFF, ON(timeout = "60s"))]
//! impl Lamp {
//!     fn OFF_Press(&mut self, _: Press) -> Next<Self> {
//!         Self::ON
//!     }
//!     fn ON_Press(&mut self, _: Press) -> Next<Self> {
//!         Self::OFF
//!     }
//!     fn ON_Timeout(&mut self, _: Timeout) -> Next<Self> {
//!         Self::OFF
//!     }
//!     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
//!         Self::complete(Aborted)
//!     }
//! }
//!
//! let mut test = Harness::new(Lamp).put(Lamp::ON);
//! assert_eq!(test.give(Press).next(), "OFF");
//! ```
//!
//! | look into | for |
//! |---|---|
//! | [`prelude`] | everything that a program of machines imports |
//! | [`run`] | a whole program: settings, flags, trace, signals, exit code |
//! | [`guide`] | how it works, and why a method that looks odd is a table cell |
//! | [`Machine`], [`Message`], [`Routine`], [`Harness`] | the language, and testing it |
//! | [`Concurrently`], [`Sequentially`], [`GetResponse`] | points made of points |
//! | [`Networking`] | `cx.listen`, `cx.connect`, and what follows |
//! | [`link`] | identities, keys, whom to trust: connections that nobody on the way can read or change |
//! | [`Group`], [`ConnectToAddress`], [`ListenAtAddress`] | connections that are made again when they are lost |
//! | [`reactor`], [`sim`], [`Simulation`] | what drives it all: the system's sockets, or a simulated world |
#![forbid(unsafe_code)]
#![deny(unreachable_pub)]

// The derived code names the package by its name, as in users' programs.
extern crate self as statepoint;

pub mod guide;
mod program;

pub use fsm_core::*;
pub use fsm_macros::Settings;
pub use fsm_net::{
    Abandoned, Accepted, Close, Closed, Congested, Connect, Connected, Connector, Driver, Ended, Failure, Host,
    HostPort, Listen, Listener, Listening, NetCounters, NetSettings, Networking, NoHostPort, NotAccepted, NotConnected,
    NotListening, Peer, Proxy, Relieved, Simulation, link, net, reactor, sim, wire,
};
pub use fsm_net::{
    AddressGroup, ConnectToAddress, Exhausted, Group, GroupTable, GroupUpdate, ListenAtAddress, Member, NoAddress,
    NotReady, Ready, Retry, UseAddress,
};
pub use program::{ConnectSettings, ListenSettings, Program, Settings, SettingsField, run};

/// Everything that a program of machines imports.
///
/// ```
/// use statepoint::prelude::*;
/// ```
pub mod prelude {
    pub use fsm_core::{
        Aborted, Address, Completed, Concurrently, ConnectionLost, Context, Coverage, Create, Done, Fault, Faulted,
        GetResponse, Harness, IntoPoint, Level, Machine, Message, Moment, NewRoutine, Next, OutOfService, Outcome,
        Overflow, Overloaded, Routine, RoutineHarness, Select, Sequentially, Start, Stop, TemporarilyUnavailable,
        TimedOut, Timeout, Unknown, Value, Vocabulary, routine, state_machine,
    };
    pub use fsm_macros::Settings;
    pub use fsm_net::{
        Abandoned, Accepted, Close, Closed, Congested, Connect, ConnectToAddress, Connected, Group, GroupUpdate,
        HostPort, Listen, ListenAtAddress, Listening, Member, Networking, NoAddress, NotAccepted, NotConnected,
        NotListening, NotReady, Peer, Ready, Relieved, Retry, UseAddress,
    };
    pub use serde::{Deserialize, Serialize};

    pub use crate::program::{ConnectSettings, ListenSettings};
}
