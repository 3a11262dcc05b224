//! The machine that stands for the far end of one connection.

use core::net::SocketAddr;

use fsm_core::{Address, Body, Context, Done, Machine, Moment, Next, Start, Stop, Timeout, Vocabulary, state_machine};

use crate::driver::ConnectionId;
use crate::host_port::HostPort;
use crate::messages::{
    Abandoned, Accepted, Close, Closed, Congested, Connected, Ended, Failure, NotAccepted, NotConnected, Relieved,
};
use crate::orders::{Attach, Cut, Dialled, Filled, Lost, Opened, Released, Shut};

/// A connection, as its controller's quiet child.
///
/// Messages to far addresses behind it do not pass through this machine: the driver writes them. It hears of changes only,
/// and decides what the controller is told: one of `Closed` and `Abandoned`, once.
#[derive(Debug)]
pub struct Proxy {
    connection: ConnectionId,
    controller: Address,
    origin: Origin,
    remote: SocketAddr,
    opened: Moment,
    /// Whether the controller has been told of the end, or need not be.
    told: bool,
}

#[derive(Debug)]
enum Origin {
    Accepted { listening: SocketAddr },
    Connected { requested: HostPort, local: SocketAddr },
}

impl Proxy {
    pub(crate) fn accepted(
        connection: ConnectionId,
        controller: Address,
        listening: SocketAddr,
        remote: SocketAddr,
    ) -> Self {
        Self::new(connection, controller, Origin::Accepted { listening }, remote)
    }

    pub(crate) fn connected(dialled: Dialled, controller: Address, requested: HostPort) -> Self {
        let Dialled { connection, remote, local } = dialled;
        Self::new(connection, controller, Origin::Connected { requested, local }, remote)
    }

    fn new(connection: ConnectionId, controller: Address, origin: Origin, remote: SocketAddr) -> Self {
        Self { connection, controller, origin, remote, opened: Moment::ZERO, told: false }
    }

    /// Tells the controller something in the name of the peer, so that it can reply there.
    fn tell(&self, message: impl Into<Body>, cx: &mut Context) {
        cx.send_as_far(1, self.controller, message);
    }

    fn tell_opened(&self, cx: &mut Context) {
        let (remote, at) = (self.remote, cx.now());
        match &self.origin {
            Origin::Accepted { listening } => self.tell(Accepted { listening: *listening, remote, at }, cx),
            Origin::Connected { requested, local } => {
                self.tell(Connected { requested: requested.clone(), remote, local: *local, at }, cx);
            }
        }
    }

    fn tell_not_opened(&self, reason: &Ended, cx: &mut Context) {
        let reason = match reason {
            Ended::System(failure) => failure.clone(),
            other => Failure { kind: std::io::ErrorKind::ConnectionAborted, code: None, text: other.to_string() },
        };
        match &self.origin {
            Origin::Accepted { listening } => self.tell(NotAccepted { listening: *listening, reason }, cx),
            Origin::Connected { requested, .. } => {
                self.tell(NotConnected { requested: requested.clone(), tried: Some(self.remote), reason }, cx);
            }
        }
    }
}

#[state_machine(INITIAL, OPENING(defer(Close)), OPEN, CLOSING(timeout = "3s"))]
impl Proxy {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Attach { connection: self.connection, target: self.controller });
        Self::OPENING
    }

    fn OPENING_Opened(&mut self, _: Opened, cx: &mut Context) -> Next<Self> {
        self.opened = cx.now();
        self.tell_opened(cx);
        Self::OPEN
    }

    /// The connection has gone before its link was open: there never was a peer to speak of.
    fn OPENING_Lost(&mut self, lost: Lost, cx: &mut Context) -> Next<Self> {
        self.tell_not_opened(&lost.reason, cx);
        self.told = true;
        Self::CLOSING
    }

    fn OPEN_Lost(&mut self, lost: Lost, cx: &mut Context) -> Next<Self> {
        let Self { remote, opened, .. } = *self;
        self.tell(Abandoned { remote, opened, at: cx.now(), reason: lost.reason }, cx);
        self.told = true;
        Self::CLOSING
    }

    fn OPEN_Close(&mut self, _: Close, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Shut);
        Self::CLOSING
    }

    fn OPEN_Filled(&mut self, filled: Filled, cx: &mut Context) -> Next<Self> {
        if filled.congested {
            self.tell(Congested { waiting: filled.waiting }, cx);
        } else {
            self.tell(Relieved, cx);
        }
        Self::OPEN
    }

    /// The controller ends, so there is nobody to tell.
    fn ANY_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        self.told = true;
        cx.send(Address::DRIVER, Shut);
        Self::CLOSING
    }

    fn CLOSING_Stop(&mut self, _: Stop) -> Next<Self> {
        self.told = true;
        Self::CLOSING
    }

    fn CLOSING_Released(&mut self, released: Released, cx: &mut Context) -> Next<Self> {
        if !self.told {
            let Self { remote, opened, .. } = *self;
            self.tell(Closed { remote, opened, at: cx.now(), reason: released.reason }, cx);
        }
        Self::complete(Done)
    }

    /// The peer neither reads nor answers.
    fn CLOSING_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Cut);
        Self::CLOSING
    }

    /// Both ends close at once, or the controller closes twice: the close is under way. So with the following three.
    fn CLOSING_Close(&mut self, _: Close) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_Lost(&mut self, _: Lost) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_Filled(&mut self, _: Filled) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_Opened(&mut self, _: Opened) -> Next<Self> {
        Self::CLOSING
    }
}
