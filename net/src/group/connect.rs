//! A connection that is made again when it is lost.

use fsm_core::{
    Aborted, Address, Context, Done, Machine, Message, Moment, Next, Start, Stop, Unknown, Vocabulary, state_machine,
};

use super::messages::{Exhausted, NoAddress, UseAddress};
use super::retry::Retry;
use crate::messages::{Abandoned, Closed, Connected, NotConnected};
use crate::networking::Networking;
use crate::request::Connect;

/// Connects, and connects again: the member of a group that stands for a server.
///
/// Its parent gets [`UseAddress`] when there is a connection and [`NoAddress`] when it is lost. Messages of the server that
/// name no other address are passed on to the parent, or to whom [`ConnectToAddress::deliver_to`] names. It ends when it is
/// stopped, when this end closes the connection, or with [`Exhausted`] when no attempt is left.
///
/// ```
/// use fsm_net::{ConnectToAddress, HostPort, Retry};
///
/// let server = ConnectToAddress::new(HostPort::new("127.0.0.1", 32011)).retry(Retry::by_scope().attempts(5));
/// # let _ = server;
/// ```
#[derive(Debug, Clone)]
pub struct ConnectToAddress {
    connect: Connect,
    retry: Retry,
    keeps: bool,
    owner: Option<Address>,
    /// Attempts since the last stable connection.
    attempts: u32,
    opened: Moment,
}

/// It is time for the next attempt.
#[derive(Debug, Message)]
#[message(name = "statepoint.group.Glare", local)]
pub(super) struct Glare;

impl ConnectToAddress {
    /// Connects to `connect`, with the reference's delays between attempts.
    pub fn new(connect: impl Into<Connect>) -> Self {
        Self {
            connect: connect.into(),
            retry: Retry::default(),
            keeps: true,
            owner: None,
            attempts: 0,
            opened: Moment::ZERO,
        }
    }

    /// Waits between attempts as `retry` says.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Ends when the connection is lost, instead of making it again.
    #[must_use]
    pub fn once(self) -> Self {
        Self { keeps: false, ..self }
    }

    /// Passes the server's messages on to `owner` instead of its parent.
    #[must_use]
    pub fn deliver_to(self, owner: Address) -> Self {
        Self { owner: Some(owner), ..self }
    }

    fn try_once(&mut self, cx: &mut Context) {
        self.attempts = self.attempts.saturating_add(1);
        cx.connect(self.connect.clone());
    }

    fn owner(&self, cx: &Context) -> Address {
        self.owner.unwrap_or_else(|| cx.parent())
    }
}

#[state_machine(INITIAL, PENDING, CONNECTED, GLARING)]
impl ConnectToAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.try_once(cx);
        Self::PENDING
    }

    fn PENDING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        self.opened = cx.now();
        let address = cx.from();
        cx.send(cx.parent(), UseAddress { address });
        Self::CONNECTED
    }

    fn PENDING_NotConnected(&mut self, fault: NotConnected, cx: &mut Context) -> Next<Self> {
        let random = cx.random();
        let Some(delay) = self.retry.delay(self.attempts, fault.tried, random) else {
            return Self::complete(Exhausted { attempts: self.attempts, last: fault.to_string() });
        };
        cx.start(delay, Glare);
        Self::GLARING
    }

    /// The connection is lost: it is made again, after a wait, unless one was enough.
    fn CONNECTED_Abandoned(&mut self, fault: Abandoned, cx: &mut Context) -> Next<Self> {
        if !self.keeps {
            return Self::complete(fault);
        }
        if self.retry.is_stable(cx.now() - self.opened) {
            self.attempts = 0;
        }
        cx.send(cx.parent(), NoAddress);
        let random = cx.random();
        let Some(delay) = self.retry.delay(self.attempts.max(1), Some(fault.remote), random) else {
            return Self::complete(Exhausted { attempts: self.attempts, last: fault.to_string() });
        };
        cx.start(delay, Glare);
        Self::GLARING
    }

    /// This end has closed the connection.
    fn CONNECTED_Closed(&mut self, _: Closed) -> Next<Self> {
        Self::complete(Done)
    }

    fn GLARING_Glare(&mut self, _: Glare, cx: &mut Context) -> Next<Self> {
        self.try_once(cx);
        Self::PENDING
    }

    /// What the server sends, and what comes late of an earlier connection.
    fn ANY_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        let owner = self.owner(cx);
        cx.forward(owner, unknown);
        Next::STAY
    }

    /// Attempt and connection are below this machine, so they end before it does.
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
