//! What the controller of a connection is told, and whether it has been told of the end.

use core::net::SocketAddr;

use fsm_core::{Address, Context, Done, IntoBody, Moment, Value, Vocabulary};

use crate::host_port::HostPort;
use crate::link::LinkPeer;
use crate::messages::{
    Abandoned, Accepted, Closed, Congested, Connected, Ended, Failure, NotAccepted, NotConnected, Relieved,
};

/// How the connection came about: what it is called towards the controller depends on it.
#[derive(Debug)]
pub(super) enum Origin {
    Accepted { listening: SocketAddr },
    Connected { requested: HostPort, local: SocketAddr },
}

/// Tells the controller of a connection: first that it is open or not, then of its end, once.
#[derive(Debug)]
pub(super) struct News {
    origin: Origin,
    pub(super) controller: Address,
    pub(super) remote: SocketAddr,
    opened: Moment,
    /// In whose name: the session's, or that of the far end.
    pub(super) sender: Address,
    /// The controller knows of the end, or need not.
    is_told: bool,
}

impl News {
    pub(super) fn new(origin: Origin, controller: Address, remote: SocketAddr) -> Self {
        Self { origin, controller, remote, opened: Moment::ZERO, sender: Address::NONE, is_told: false }
    }

    /// Nobody is there to be told any more.
    pub(super) fn stop(&mut self) {
        self.is_told = true;
    }

    fn tell(&self, message: impl IntoBody, cx: &mut Context) {
        cx.send_as(self.sender, self.controller, message);
    }

    /// The link is open, and who takes the peer's messages is known.
    pub(super) fn opened(&mut self, peer: &LinkPeer, cx: &mut Context) {
        self.opened = cx.now();
        let (remote, at) = (self.remote, self.opened);
        let LinkPeer { mode, key, binding, .. } = *peer;
        match &self.origin {
            Origin::Accepted { listening } => {
                self.tell(Accepted { listening: *listening, remote, at, mode, key, binding }, cx)
            }
            Origin::Connected { requested, local } => {
                self.tell(
                    Connected { requested: requested.clone(), remote, local: *local, at, mode, key, binding },
                    cx,
                );
            }
        }
    }

    /// There will be no connection.
    pub(super) fn not_opened(&mut self, reason: Failure, cx: &mut Context) {
        if core::mem::replace(&mut self.is_told, true) {
            return;
        }
        match &self.origin {
            Origin::Accepted { listening } => {
                self.tell(NotAccepted { listening: *listening, remote: Some(self.remote), reason }, cx);
            }
            Origin::Connected { requested, .. } => {
                let tried = Some(self.remote);
                self.tell(NotConnected { requested: requested.clone(), tried, reason }, cx);
            }
        }
    }

    /// The peer has gone, and this end had not closed.
    pub(super) fn abandoned(&mut self, reason: Ended, cx: &mut Context) {
        if core::mem::replace(&mut self.is_told, true) {
            return;
        }
        let Self { remote, opened, .. } = *self;
        self.tell(Abandoned { remote, opened, at: cx.now(), reason }, cx);
    }

    /// This end has closed. Says nothing if the peer has gone before.
    pub(super) fn closed(&mut self, value: Option<Value>, reason: Ended, cx: &mut Context) {
        if self.is_told {
            return;
        }
        let Self { remote, opened, .. } = *self;
        let value = value.unwrap_or_else(|| Value::from(Done));
        // Both ends have closed at once, and the driver heard of the peer's end first.
        let reason = if reason == Ended::ByPeer { Ended::ByUs } else { reason };
        self.tell(Closed { value, remote, opened, at: cx.now(), reason }, cx);
    }

    /// How full the output has become. The session learns it too.
    pub(super) fn filled(&self, congested: bool, waiting: usize, session: Option<Address>, cx: &mut Context) {
        for to in [Some(self.controller), session].into_iter().flatten() {
            let from = cx.me().with_far(1);
            match congested {
                true => cx.send_as(from, to, Congested { waiting }),
                false => cx.send_as(from, to, Relieved),
            }
        }
    }
}
