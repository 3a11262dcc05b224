//! A port that is opened again when it cannot be, or breaks.

use core::time::Duration;

use fsm_core::{
    Aborted, Address, Context, Level, Machine, Moment, Next, Start, Stop, Unknown, Vocabulary, state_machine,
};

use super::attempts::{Attempts, Glare};
use super::messages::{Exhausted, NoAddress, UseAddress};
use super::retry::Retry;
use crate::messages::{Abandoned, Accepted, Closed, Listening, NotAccepted, NotListening};
use crate::networking::Networking;
use crate::request::Listen;

/// Listens, and tries again while the port cannot be had: the member of a group that stands for a port.
///
/// Its parent gets [`UseAddress`] with this machine's address when the port is open, and [`NoAddress`] when it breaks;
/// `Accepted`, `NotAccepted`, `Abandoned` and `Closed` of the connections, with the peer as their sender; and the messages of
/// peers that name no other address. It ends when it is stopped (port and connections end first), with [`Exhausted`] when
/// [`Retry`] allows no more attempts, or with [`NotListening`] at once when the settings about keys make no sense together. A
/// key file that cannot be read is one more reason to try again: it is read at each attempt, and may be mended meanwhile.
///
/// Why it has to try again is told in the trace, as a warning: once, until the reason changes or the port was open for long enough.
///
/// ```
/// use statepoint::{HostPort, ListenAtAddress};
///
/// let port = ListenAtAddress::new(HostPort::new("127.0.0.1", 32011));
/// # let _ = port;
/// ```
#[derive(Debug, Clone)]
pub struct ListenAtAddress {
    listen: Listen,
    attempts: Attempts,
    owner: Option<Address>,
    /// Who holds the port, or tries to.
    listener: Address,
    /// Since when the port is open.
    since: Moment,
}

impl ListenAtAddress {
    /// Listens at `listen`; when it cannot it tries again every 4 to 8 seconds, as the reference does.
    pub fn new(listen: impl Into<Listen>) -> Self {
        let listen = listen.into();
        let there = listen.host_port().address();
        Self {
            listen,
            attempts: Attempts::new(Retry::for_ports(), there),
            owner: None,
            listener: Address::NONE,
            since: Moment::ZERO,
        }
    }

    /// Waits between attempts as `retry` says.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.attempts.retry = retry;
        self
    }

    /// Passes the peers' messages on to `owner` instead of its parent.
    #[must_use]
    pub fn deliver_to(self, owner: Address) -> Self {
        Self { owner: Some(owner), ..self }
    }
}

/// `UP` takes what comes at any time: of connections, which outlive a port that has broken, and late of an earlier port.
#[state_machine(INITIAL, PENDING, ACCEPTING, GLARING, UP = PENDING | ACCEPTING | GLARING)]
impl ListenAtAddress {
    fn try_once(&mut self, cx: &mut Context) -> Next<Self> {
        self.listener = cx.listen(self.listen.clone());
        if self.listener.is_none() {
            let waited = self.attempts.failed(None, &"there is no room for more points", cx.random());
            return self.wait(waited, cx);
        }
        Self::PENDING
    }

    fn wait(&mut self, waited: Result<Duration, Exhausted>, cx: &mut Context) -> Next<Self> {
        self.attempts.tell(&waited, cx);
        match waited {
            Ok(delay) => {
                cx.start(delay, Glare);
                Self::GLARING
            }
            Err(exhausted) => Self::complete(exhausted),
        }
    }

    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.try_once(cx)
    }

    fn PENDING_Listening(&mut self, listening: Listening, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.listener {
            cx.stop_listen(cx.from());
            return Self::PENDING;
        }
        self.since = listening.at;
        cx.send(cx.parent(), UseAddress { address: cx.me() });
        Self::ACCEPTING
    }

    fn PENDING_NotListening(&mut self, fault: NotListening, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.listener {
            return Self::PENDING;
        }
        if fault.reason.is_final() {
            cx.log(Level::Warning, format_args!("{fault}; not trying again"));
            return Self::complete(fault);
        }
        let waited = self.attempts.failed(None, &fault, cx.random());
        self.wait(waited, cx)
    }

    /// The port has broken; its connections have not.
    fn ACCEPTING_NotListening(&mut self, fault: NotListening, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.listener {
            return Self::ACCEPTING;
        }
        let waited = self.attempts.lost(cx.now() - self.since, None, &fault, cx.random());
        if waited.is_ok() {
            cx.send(cx.parent(), NoAddress);
        }
        self.wait(waited, cx)
    }

    fn GLARING_Glare(&mut self, _: Glare, cx: &mut Context) -> Next<Self> {
        self.try_once(cx)
    }

    /// One port is enough.
    fn UP_Listening(&mut self, _: Listening, cx: &mut Context) -> Next<Self> {
        cx.stop_listen(cx.from());
        Next::STAY
    }

    fn UP_NotListening(&mut self, _: NotListening) -> Next<Self> {
        Next::STAY
    }

    fn UP_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), accepted);
        Next::STAY
    }

    fn UP_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), fault);
        Next::STAY
    }

    fn UP_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), abandoned);
        Next::STAY
    }

    fn UP_Closed(&mut self, closed: Closed, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), closed);
        Next::STAY
    }

    /// What peers send.
    fn UP_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        let owner = self.owner.unwrap_or_else(|| cx.parent());
        cx.forward(owner, unknown);
        Next::STAY
    }

    /// Port and connections are below this machine, so they end before it does.
    fn UP_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
