//! A port that is opened again when it cannot be.

use fsm_core::{Aborted, Address, Context, Machine, Next, Start, Stop, Unknown, Vocabulary, state_machine};

use super::connect::Glare;
use super::messages::{Exhausted, NoAddress, UseAddress};
use super::retry::Retry;
use crate::messages::{Abandoned, Accepted, Closed, Listening, NotAccepted, NotListening};
use crate::networking::Networking;
use crate::request::Listen;

use core::time::Duration;

/// Listens, and tries again while the port cannot be had: the member of a group that stands for a port.
///
/// Its parent gets [`UseAddress`] with this machine's address when the port is open, and [`NoAddress`] when it breaks;
/// `Accepted`, `NotAccepted`, `Abandoned` and `Closed` of the connections, with the peer as their sender; and the messages of
/// peers that name no other address. It ends when it is stopped: port and connections end first.
///
/// ```
/// use fsm_net::{HostPort, ListenAtAddress};
///
/// let port = ListenAtAddress::new(HostPort::new("127.0.0.1", 32011));
/// # let _ = port;
/// ```
#[derive(Debug, Clone)]
pub struct ListenAtAddress {
    listen: Listen,
    retry: Retry,
    owner: Option<Address>,
    attempts: u32,
}

impl ListenAtAddress {
    /// Listens at `listen`; when it cannot it tries again every 4 to 8 seconds, as the reference does.
    pub fn new(listen: impl Into<Listen>) -> Self {
        let every = Duration::from_secs(4);
        Self { listen: listen.into(), retry: Retry::steps([], every), owner: None, attempts: 0 }
    }

    /// Waits between attempts as `retry` says.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Passes the peers' messages on to `owner` instead of its parent.
    #[must_use]
    pub fn deliver_to(self, owner: Address) -> Self {
        Self { owner: Some(owner), ..self }
    }

    fn try_once(&mut self, cx: &mut Context) {
        self.attempts = self.attempts.saturating_add(1);
        cx.listen(self.listen.clone());
    }

    fn owner(&self, cx: &Context) -> Address {
        self.owner.unwrap_or_else(|| cx.parent())
    }
}

#[state_machine(INITIAL, PENDING, ACCEPTING, GLARING)]
impl ListenAtAddress {
    fn wait(&mut self, fault: &NotListening, cx: &mut Context) -> Next<Self> {
        let random = cx.random();
        let Some(delay) = self.retry.delay(self.attempts, None, random) else {
            return Self::complete(Exhausted { attempts: self.attempts, last: fault.to_string() });
        };
        cx.start(delay, Glare);
        Self::GLARING
    }

    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.try_once(cx);
        Self::PENDING
    }

    fn PENDING_Listening(&mut self, _: Listening, cx: &mut Context) -> Next<Self> {
        self.attempts = 0;
        let address = cx.me();
        cx.send(cx.parent(), UseAddress { address });
        Self::ACCEPTING
    }

    fn PENDING_NotListening(&mut self, fault: NotListening, cx: &mut Context) -> Next<Self> {
        self.wait(&fault, cx)
    }

    /// The port has broken; its connections have not.
    fn ACCEPTING_NotListening(&mut self, fault: NotListening, cx: &mut Context) -> Next<Self> {
        cx.send(cx.parent(), NoAddress);
        self.wait(&fault, cx)
    }

    fn GLARING_Glare(&mut self, _: Glare, cx: &mut Context) -> Next<Self> {
        self.try_once(cx);
        Self::PENDING
    }

    fn ANY_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), accepted);
        Next::STAY
    }

    fn ANY_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), fault);
        Next::STAY
    }

    fn ANY_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), abandoned);
        Next::STAY
    }

    fn ANY_Closed(&mut self, closed: Closed, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), closed);
        Next::STAY
    }

    /// What peers send.
    fn ANY_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        let owner = self.owner(cx);
        cx.forward(owner, unknown);
        Next::STAY
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
