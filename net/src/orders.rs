//! What network machines and driver say to each other. All of it is local.
//!
//! Machines decide, the driver does: it owns sockets and connections. Orders leave the kernel in their turn, so an order
//! keeps its place among the messages sent before and after it.

use core::net::SocketAddr;
use core::time::Duration;

use fsm_core::{Address, Message};

use crate::driver::ConnectionId;
use crate::host_port::HostPort;
use crate::link::{ConnectSecurity, LinkPeer, ListenSecurity};
use crate::messages::{Ended, Failure};

/// To the driver: open a port.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Bind", local)]
pub(crate) struct Bind {
    pub(crate) at: HostPort,
    /// How the links of those who connect are protected.
    pub(crate) security: ListenSecurity,
}

/// From the driver: the port is open.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Bound", local)]
pub(crate) struct Bound {
    pub(crate) at: SocketAddr,
}

/// From the driver: the port is not open, or no more.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.NotBound", local)]
pub(crate) struct NotBound {
    pub(crate) reason: Failure,
}

/// From the driver: a peer waits to be attached.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Incoming", local)]
pub(crate) struct Incoming {
    pub(crate) connection: ConnectionId,
    pub(crate) remote: SocketAddr,
}

/// From the driver: peers were turned away, of which this is one when it is known.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.TurnedAway", local)]
pub(crate) struct TurnedAway {
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) reason: Failure,
}

/// To the driver: connect.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Dial", local)]
pub(crate) struct Dial {
    pub(crate) to: HostPort,
    pub(crate) security: ConnectSecurity,
}

/// From the driver: connected, and waits to be attached.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Dialled", local)]
pub(crate) struct Dialled {
    pub(crate) connection: ConnectionId,
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// From the driver: not connected.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.NotDialled", local)]
pub(crate) struct NotDialled {
    pub(crate) tried: Option<SocketAddr>,
    pub(crate) reason: Failure,
}

/// To the driver: give back what the sender holds, a port or an attempt to connect. `Released` follows, and nothing after
/// it.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Release", local)]
pub(crate) struct Release;

/// From the driver: the port, the attempt or the connection is no more.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Released", local)]
pub(crate) struct Released {
    pub(crate) reason: Ended,
}

/// To the driver: the sender is the connection's proxy.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Attach", local)]
pub(crate) struct Attach {
    pub(crate) connection: ConnectionId,
}

/// From an attempt to the proxy of its connection: nobody wants it any more, unless its link is open.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.GiveUp", local)]
pub(crate) struct GiveUp;

/// From that proxy to the attempt: the link is open, or never will be.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Settled", local)]
pub(crate) struct Settled;

/// To the driver, from a listener: nobody will attach this connection.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Decline", local)]
pub(crate) struct Decline {
    pub(crate) connection: ConnectionId,
}

/// From the driver: the link is open. The driver waits for `Begin` before it takes the peer's messages.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Opened", local)]
pub(crate) struct Opened {
    /// Whom it leads to, as far as the link has found out.
    pub(crate) peer: LinkPeer,
}

/// To the driver: messages go both ways from now on.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Begin", local)]
pub(crate) struct Begin {
    /// Who gets the messages of the peer that name no other address.
    pub(crate) target: Address,
}

/// From the driver: nothing more will come from the peer. `Released` follows.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Lost", local)]
pub(crate) struct Lost {
    pub(crate) reason: Ended,
}

/// To the driver: write what waits, then close in order. `Released` follows.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Shut", local)]
pub(crate) struct Shut;

/// To the driver: close, whatever waits. `Released` follows, or `Slow` when it need not be at once and the peer still reads.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Cut", local)]
pub(crate) struct Cut {
    pub(crate) at_once: bool,
}

/// From the driver: the peer still takes what was sent before the close. It was not cut.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Slow", local)]
pub(crate) struct Slow;

/// To the driver: has the peer shown lately that it is there? If not, it is asked.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Check", local)]
pub(crate) struct Check {
    pub(crate) silence: Duration,
}

/// From the driver: the answer, unless it was that the peer was asked before and has not answered; then `Lost` comes.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Checked", local)]
pub(crate) struct Checked {
    /// When to look again.
    pub(crate) again: Duration,
}

/// From the driver: how full the output has become.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Filled", local)]
pub(crate) struct Filled {
    pub(crate) congested: bool,
    pub(crate) waiting: usize,
}

/// To the driver, from any point: what has been counted? `NetCounters` is the answer.
#[derive(Debug, PartialEq, Message)]
#[message(name = "statepoint.order.Count", local)]
pub(crate) struct Count;
