//! The machine behind `cx.listen`.

use core::net::SocketAddr;

use fsm_core::{Aborted, Address, Context, Done, Machine, Next, Start, Stop, Vocabulary, state_machine};

use crate::machines::Proxy;
use crate::messages::{Failure, Listening, NotAccepted, NotListening};
use crate::orders::{Bind, Bound, Decline, Incoming, NotBound, Release, Released, TurnedAway};
use crate::request::Listen;

/// An open port. A quiet child of its controller; the connections it accepts are its siblings, so they outlive it.
#[derive(Debug)]
pub struct Listener {
    listen: Listen,
    controller: Address,
    at: Option<SocketAddr>,
}

impl Listener {
    pub(crate) fn new(listen: Listen, controller: Address) -> Self {
        Self { listen, controller, at: None }
    }

    /// What was asked for.
    pub fn listen(&self) -> &Listen {
        &self.listen
    }
}

#[state_machine(INITIAL, BINDING, LISTENING, RELEASING)]
impl Listener {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let at = self.listen.at.clone();
        match self.listen.security.now() {
            Ok(security) => cx.send(Address::DRIVER, Bind { at, security }),
            Err(reason) => {
                cx.send(self.controller, NotListening { requested: at, reason });
                return Self::complete(Done);
            }
        }
        Self::BINDING
    }

    fn BINDING_Bound(&mut self, bound: Bound, cx: &mut Context) -> Next<Self> {
        self.at = Some(bound.at);
        let requested = self.listen.at.clone();
        cx.send(self.controller, Listening { requested, listening: bound.at, at: cx.now() });
        Self::LISTENING
    }

    /// The port cannot be opened.
    fn BINDING_NotBound(&mut self, fault: NotBound, cx: &mut Context) -> Next<Self> {
        cx.send(self.controller, NotListening { requested: self.listen.at.clone(), reason: fault.reason });
        Self::complete(Done)
    }

    fn LISTENING_Incoming(&mut self, incoming: Incoming, cx: &mut Context) -> Next<Self> {
        if let Some(listening) = self.at {
            let proxy = Proxy::accepted(incoming.connection, self.controller, listening, incoming.remote)
                .session(self.listen.session.clone())
                .open_within(self.listen.open_within)
                .check_every(self.listen.check_every);
            if cx.create_beside(proxy).is_none() {
                cx.send(Address::DRIVER, Decline { connection: incoming.connection });
                let (remote, reason) = (Some(incoming.remote), Failure::no_room());
                cx.send(self.controller, NotAccepted { listening, remote, reason });
            }
        }
        Self::LISTENING
    }

    /// The system has no room for more connections at the moment.
    fn LISTENING_TurnedAway(&mut self, turned_away: TurnedAway, cx: &mut Context) -> Next<Self> {
        if let Some(listening) = self.at {
            let TurnedAway { remote, reason } = turned_away;
            cx.send(self.controller, NotAccepted { listening, remote, reason });
        }
        Self::LISTENING
    }

    /// The port has broken.
    fn LISTENING_NotBound(&mut self, fault: NotBound, cx: &mut Context) -> Next<Self> {
        cx.send(self.controller, NotListening { requested: self.listen.at.clone(), reason: fault.reason });
        Self::complete(Done)
    }

    fn ANY_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Release);
        Self::RELEASING
    }

    fn RELEASING_Released(&mut self, _: Released) -> Next<Self> {
        Self::complete(Aborted)
    }

    /// Asked twice: the release is under way.
    fn RELEASING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::RELEASING
    }

    /// The answer to `Bind` and the wish to end have crossed. So have the following two; the driver gives back what they
    /// tell of.
    fn RELEASING_Bound(&mut self, _: Bound) -> Next<Self> {
        Self::RELEASING
    }

    fn RELEASING_NotBound(&mut self, _: NotBound) -> Next<Self> {
        Self::RELEASING
    }

    fn RELEASING_Incoming(&mut self, _: Incoming) -> Next<Self> {
        Self::RELEASING
    }

    fn RELEASING_TurnedAway(&mut self, _: TurnedAway) -> Next<Self> {
        Self::RELEASING
    }
}
