//! A connection that is made again when it is lost.

use core::time::Duration;

use fsm_core::{Aborted, Address, Context, Level, Machine, Next, Start, Stop, Unknown, Vocabulary, state_machine};

use super::attempts::{Attempts, Glare, REFUSED};
use super::messages::{Exhausted, NoAddress, UseAddress};
use super::retry::Retry;
use crate::messages::{Abandoned, Close, Closed, Connected, Ended, NotConnected};
use crate::networking::Networking;
use crate::request::Connect;
use crate::wire::LinkError;

/// Connects, and connects again: the member of a group that stands for a server.
///
/// Its parent gets [`UseAddress`] when there is a connection and [`NoAddress`] when it is lost. Messages of the server that
/// name no other address are passed on to the parent, or to whom [`ConnectToAddress::deliver_to`] names. With
/// [`Connect::session`] the address is that of the session, which takes those messages itself.
///
/// It ends when it is stopped, when this end closes the connection or the session ends (with the session's value), or with
/// [`Exhausted`] when [`Retry`] allows no more attempts. It ends with [`NotConnected`] at once when no other attempt could go
/// better ([`Failure::is_final`](crate::Failure::is_final)): a server whose key is known does not admit this end's key (unless
/// it was told to [keep trying](ConnectToAddress::keep_trying)), or the settings about keys make no sense together. A key
/// file that cannot be read is one more reason to try again: it is read at each attempt, and may be mended meanwhile.
///
/// Why it has to try again is told in the trace, as a warning: once, until the reason changes or a connection was stable.
///
/// ```
/// use statepoint::{ConnectToAddress, HostPort, Retry};
///
/// let server = ConnectToAddress::new(HostPort::new("127.0.0.1", 32011)).retry(Retry::by_scope().attempts(5));
/// # let _ = server;
/// ```
#[derive(Debug, Clone)]
pub struct ConnectToAddress {
    connect: Connect,
    attempts: Attempts,
    keeps: bool,
    insists: bool,
    owner: Option<Address>,
    /// Who tries at present.
    attempt: Address,
    /// The far end of the present connection, or of the one before.
    server: Address,
}

impl ConnectToAddress {
    /// Connects to `connect`, with the reference's delays between attempts.
    pub fn new(connect: impl Into<Connect>) -> Self {
        let connect = connect.into();
        let there = connect.host_port().address();
        Self {
            connect,
            attempts: Attempts::new(Retry::by_scope(), there),
            keeps: true,
            insists: false,
            owner: None,
            attempt: Address::NONE,
            server: Address::NONE,
        }
    }

    /// Waits between attempts as `retry` says.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.attempts.retry = retry;
        self
    }

    /// Ends with [`Abandoned`] when the connection is lost, instead of making it again.
    #[must_use]
    pub fn once(self) -> Self {
        Self { keeps: false, ..self }
    }

    /// Asks a server that does not admit this end's key again too, once in a minute, instead of ending.
    #[must_use]
    pub fn keep_trying(self) -> Self {
        Self { insists: true, ..self }
    }

    /// Passes the server's messages on to `owner` instead of its parent.
    #[must_use]
    pub fn deliver_to(self, owner: Address) -> Self {
        Self { owner: Some(owner), ..self }
    }
}

/// `UP` takes what comes late of an attempt or a connection that is no more: none of it may pass for news, or be passed on.
#[state_machine(INITIAL, PENDING, CONNECTED, GLARING, UP = PENDING | CONNECTED | GLARING)]
impl ConnectToAddress {
    fn try_once(&mut self, cx: &mut Context) -> Next<Self> {
        self.attempt = cx.connect(self.connect.clone());
        if self.attempt.is_none() {
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

    fn PENDING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        self.server = cx.from();
        cx.send(cx.parent(), UseAddress { address: self.server });
        Self::CONNECTED
    }

    /// From who tries, or from the proxy of a connection that was lost before it was open.
    fn PENDING_NotConnected(&mut self, fault: NotConnected, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.attempt && !cx.from().is_far() {
            return Self::PENDING;
        }
        let is_refused = fault.reason.link.as_ref().is_some_and(LinkError::is_final);
        if fault.reason.is_final() && !(is_refused && self.insists) {
            cx.log(Level::Warning, format_args!("{fault}; not trying again"));
            return Self::complete(fault);
        }
        let waited = self.attempts.failed(fault.tried, &fault, cx.random());
        let least = if is_refused { REFUSED } else { Duration::ZERO };
        self.wait(waited.map(|delay| delay.max(least)), cx)
    }

    /// The connection is lost: it is made again, after a wait, unless one was enough.
    fn CONNECTED_Abandoned(&mut self, fault: Abandoned, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.server {
            return Self::CONNECTED;
        }
        if !self.keeps {
            return Self::complete(fault);
        }
        let lasted = fault.at - fault.opened;
        let waited = self.attempts.lost(lasted, Some(fault.remote), &fault, cx.random());
        self.attempts.excuse(fault.reason == Ended::ByPeer);
        if waited.is_ok() {
            cx.send(cx.parent(), NoAddress);
        }
        self.wait(waited, cx)
    }

    /// This end has closed the connection, or its session has ended.
    fn CONNECTED_Closed(&mut self, closed: Closed, cx: &mut Context) -> Next<Self> {
        if cx.from() != self.server {
            return Self::CONNECTED;
        }
        Self::complete(closed.value)
    }

    fn GLARING_Glare(&mut self, _: Glare, cx: &mut Context) -> Next<Self> {
        self.try_once(cx)
    }

    /// One connection is enough. With sessions the connection is closed by the end of its session.
    fn UP_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        if cx.from().is_far() {
            cx.reply(Close);
        } else {
            cx.stop(cx.from());
        }
        Next::STAY
    }

    fn UP_NotConnected(&mut self, _: NotConnected) -> Next<Self> {
        Next::STAY
    }

    fn UP_Abandoned(&mut self, _: Abandoned) -> Next<Self> {
        Next::STAY
    }

    fn UP_Closed(&mut self, _: Closed) -> Next<Self> {
        Next::STAY
    }

    /// What the server sends.
    fn UP_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        let owner = self.owner.unwrap_or_else(|| cx.parent());
        cx.forward(owner, unknown);
        Next::STAY
    }

    /// Attempt and connection are below this machine, so they end before it does.
    fn UP_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
