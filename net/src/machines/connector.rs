//! The machine behind `cx.connect`.

use core::net::SocketAddr;

use fsm_core::{
    Aborted, Address, Context, Done, Machine, Message, Moment, Next, Start, Stop, Vocabulary, state_machine,
};

use crate::machines::Proxy;
use crate::messages::{Failure, NotConnected};
use crate::orders::{Dial, Dialled, GiveUp, NotDialled, Release, Released, Settled};
use crate::request::Connect;

/// An attempt to connect, until the link is open. A quiet child of its controller; the connection is its sibling, so it
/// outlives the attempt.
#[derive(Debug)]
pub struct Connector {
    connect: Connect,
    controller: Address,
    /// When the time is over.
    until: Moment,
    /// The connection, when there is one.
    proxy: Address,
    /// The proxy has attached itself. Until then the connection is this machine's: the driver closes it when this machine ends.
    is_attached: bool,
}

/// The attempt has taken as long as it may.
#[derive(Debug, Message)]
#[message(name = "statepoint.order.Deadline", local)]
struct Deadline;

impl Connector {
    pub(crate) fn new(connect: Connect, controller: Address) -> Self {
        Self { connect, controller, until: Moment::ZERO, proxy: Address::NONE, is_attached: false }
    }

    /// What was asked for.
    pub fn connect(&self) -> &Connect {
        &self.connect
    }

    fn fail(&self, tried: Option<SocketAddr>, reason: Failure, cx: &mut Context) {
        cx.send(self.controller, NotConnected { requested: self.connect.to.clone(), tried, reason });
    }
}

#[state_machine(INITIAL, DIALLING, OPENING, RELEASING)]
impl Connector {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let to = self.connect.to.clone();
        match self.connect.security.now(&to) {
            Ok(security) => cx.send(Address::DRIVER, Dial { to, security }),
            Err(reason) => {
                self.fail(None, reason, cx);
                return Self::complete(Done);
            }
        }
        self.until = cx.now() + self.connect.within;
        cx.start(self.connect.within, Deadline);
        Self::DIALLING
    }

    fn DIALLING_Dialled(&mut self, dialled: Dialled, cx: &mut Context) -> Next<Self> {
        let (requested, remote) = (self.connect.to.clone(), dialled.remote);
        let proxy = Proxy::connected(dialled, self.controller, requested)
            .session(self.connect.session.clone())
            .open_within(self.until - cx.now())
            .check_every(self.connect.check_every)
            .settles(cx.me());
        self.proxy = cx.create_beside(proxy);
        if self.proxy.is_none() {
            self.fail(Some(remote), Failure::no_room(), cx);
            return Self::complete(Done); // the driver closes a connection that nobody attached
        }
        cx.cancel::<Deadline>();
        Self::OPENING
    }

    fn DIALLING_NotDialled(&mut self, fault: NotDialled, cx: &mut Context) -> Next<Self> {
        self.fail(fault.tried, fault.reason, cx);
        Self::complete(Done)
    }

    fn DIALLING_Deadline(&mut self, _: Deadline, cx: &mut Context) -> Next<Self> {
        let tried = self.connect.to.address();
        self.fail(tried, Failure::timed_out(format!("no answer within {:?}", self.connect.within)), cx);
        cx.send(Address::DRIVER, Release);
        Self::RELEASING
    }

    fn OPENING_Released(&mut self, _: Released) -> Next<Self> {
        self.is_attached = true;
        Self::OPENING
    }

    /// The controller knows what has become of it.
    fn OPENING_Settled(&mut self, _: Settled) -> Next<Self> {
        if self.is_attached { Self::complete(Done) } else { Self::RELEASING }
    }

    /// The proxy settles it at once, unless it has done so already.
    fn OPENING_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        cx.send(self.proxy, GiveUp);
        Self::OPENING
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

    /// The answer to `Dial` and the wish to end have crossed. The driver closes a connection that nobody attached.
    fn RELEASING_Dialled(&mut self, _: Dialled) -> Next<Self> {
        Self::RELEASING
    }

    fn RELEASING_NotDialled(&mut self, _: NotDialled) -> Next<Self> {
        Self::RELEASING
    }

    fn RELEASING_Deadline(&mut self, _: Deadline) -> Next<Self> {
        Self::RELEASING
    }
}
