//! The machine that stands for the far end of one connection.

use core::net::SocketAddr;
use core::time::Duration;

use fsm_core::{
    Address, Completed, Context, Done, Level, Machine, Message, Next, Start, Stop, Timeout, Value, Vocabulary,
    state_machine,
};

use super::news::{News, Origin};
use crate::driver::ConnectionId;
use crate::host_port::HostPort;
use crate::link::LinkPeer;
use crate::messages::{Close, Ended, Failure};
use crate::orders::{
    Attach, Begin, Check, Checked, Cut, Dialled, Filled, GiveUp, Lost, Opened, Released, Settled, Shut, Slow,
};
use crate::request::{Peer, SessionMaker};

/// How long a session may take to end when its connection is to be closed.
const SESSION_END: Duration = Duration::from_secs(3);
/// The same when the controller ends: it has less than the grace time of points for all that is below it.
const HURRY: Duration = Duration::from_millis(1_500);
/// How long a peer may take to read some of what was sent before the close.
const PATIENCE: Duration = Duration::from_secs(3);

/// A connection, as its controller's quiet child; its session, when it has one, is its own child.
///
/// Messages to far addresses behind it do not pass through this machine: the driver writes them. It hears of changes only,
/// and decides what the controller is told: one of `Closed` and `Abandoned`, once.
#[derive(Debug)]
pub struct Proxy {
    connection: ConnectionId,
    news: News,
    open_within: Duration,
    check_every: Option<Duration>,
    /// The attempt that waits for the link to be open or not.
    attempt: Option<Address>,
    maker: Option<SessionMaker>,
    session: Option<Address>,
    /// What the session has completed with.
    value: Option<Value>,
    /// How the connection was lost, while its session still ends.
    lost: Option<Ended>,
    /// The session was asked to end.
    is_closing: bool,
    /// The driver has nothing of the connection any more.
    is_released: bool,
    /// Whether the controller ends, which leaves no time for a peer that reads slowly.
    stopped: bool,
}

/// The link has not been opened in time.
#[derive(Debug, Message)]
#[message(name = "statepoint.order.Unopened", local)]
struct Unopened;

/// It is time to see whether the peer is there.
#[derive(Debug, Message)]
#[message(name = "statepoint.order.Tick", local)]
struct Tick;

/// A peer that reads slowly has had its time.
#[derive(Debug, Message)]
#[message(name = "statepoint.order.Waited", local)]
struct Waited;

/// The session has not ended in time.
#[derive(Debug, Message)]
#[message(name = "statepoint.order.Stubborn", local)]
struct Stubborn;

impl Proxy {
    pub(crate) fn accepted(
        connection: ConnectionId,
        controller: Address,
        listening: SocketAddr,
        remote: SocketAddr,
    ) -> Self {
        Self::new(connection, News::new(Origin::Accepted { listening }, controller, remote))
    }

    pub(crate) fn connected(dialled: Dialled, controller: Address, requested: HostPort) -> Self {
        let Dialled { connection, remote, local } = dialled;
        Self::new(connection, News::new(Origin::Connected { requested, local }, controller, remote))
    }

    fn new(connection: ConnectionId, news: News) -> Self {
        let (open_within, check_every, attempt, maker, session, value) = (Duration::ZERO, None, None, None, None, None);
        Self {
            connection,
            news,
            open_within,
            check_every,
            attempt,
            maker,
            session,
            value,
            lost: None,
            is_closing: false,
            is_released: false,
            stopped: false,
        }
    }

    pub(crate) fn session(self, maker: Option<SessionMaker>) -> Self {
        Self { maker, ..self }
    }

    pub(crate) fn open_within(self, open_within: Duration) -> Self {
        Self { open_within, ..self }
    }

    pub(crate) fn check_every(self, check_every: Option<Duration>) -> Self {
        Self { check_every, ..self }
    }

    /// Tells this attempt when the link is open, or never will be.
    pub(crate) fn settles(self, attempt: Address) -> Self {
        Self { attempt: Some(attempt), ..self }
    }

    /// Who takes the peer's messages: the session, when there is to be one, else the controller.
    fn target(&mut self, link: &LinkPeer, cx: &mut Context) -> Result<Address, Failure> {
        let Some(maker) = &self.maker else { return Ok(self.news.controller) };
        let peer = Peer::behind(cx.me().with_far(1), self.news.controller, self.news.remote, link);
        let session = maker.create(&peer).map(|session| cx.create(session));
        let session = session.ok_or_else(|| {
            cx.log(Level::Fault, "the closure that makes sessions has panicked");
            Failure::no_session()
        })?;
        if session.is_none() {
            return Err(Failure::no_room());
        }
        (self.session, self.news.sender) = (Some(session), session);
        Ok(session)
    }

    /// The controller ends, so there is nobody to tell.
    fn stop(&mut self) {
        self.news.stop();
        self.stopped = true;
    }
}

#[state_machine(INITIAL, OPENING(defer(Close)), OPEN, CLOSING(timeout = "3s"))]
impl Proxy {
    fn give_up(&mut self, reason: Failure, cx: &mut Context) -> Next<Self> {
        self.news.not_opened(reason, cx);
        self.cut(true, cx)
    }

    fn cut(&self, at_once: bool, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Cut { at_once });
        Self::CLOSING
    }

    fn shut(&self, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Shut);
        Self::CLOSING
    }

    /// A session ends first, and its end closes the connection.
    fn close(&mut self, cx: &mut Context) -> Next<Self> {
        let Some(session) = self.session else { return self.leave(cx) };
        if !core::mem::replace(&mut self.is_closing, true) {
            cx.stop(session);
            cx.start(SESSION_END, Stubborn);
        }
        if self.stopped {
            cx.start(HURRY, Stubborn);
        }
        Self::OPEN
    }

    /// The session, if there was one, has ended or had its time. What this end has said since the peer went comes before the
    /// order, and is still written: the peer may have ended its half only.
    fn leave(&mut self, cx: &mut Context) -> Next<Self> {
        if let Some(reason) = self.lost.take() {
            self.news.abandoned(reason, cx);
        }
        if self.is_released {
            return Self::complete(Done);
        }
        self.shut(cx)
    }

    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.news.sender = cx.me().with_far(1);
        cx.send(Address::DRIVER, Attach { connection: self.connection });
        cx.start(self.open_within, Unopened);
        Self::OPENING
    }

    fn OPENING_Opened(&mut self, Opened { peer }: Opened, cx: &mut Context) -> Next<Self> {
        cx.cancel::<Unopened>();
        match self.target(&peer, cx) {
            Ok(target) => {
                self.news.opened(&peer, cx);
                cx.send(Address::DRIVER, Begin { target });
                Self::OPEN
            }
            Err(reason) => self.give_up(reason, cx),
        }
    }

    /// The connection has gone before its link was open: there never was a peer to speak of.
    fn OPENING_Lost(&mut self, lost: Lost, cx: &mut Context) -> Next<Self> {
        self.news.not_opened(lost.reason.into(), cx);
        self.shut(cx)
    }

    /// The attempt was stopped: nobody is to be told of a connection.
    fn OPENING_GiveUp(&mut self, _: GiveUp, cx: &mut Context) -> Next<Self> {
        self.stop();
        self.shut(cx)
    }

    fn OPENING_Exit(&mut self, cx: &mut Context) {
        if let Some(attempt) = self.attempt.take() {
            cx.send(attempt, Settled);
        }
    }

    fn OPENING_Unopened(&mut self, _: Unopened, cx: &mut Context) -> Next<Self> {
        self.give_up(Failure::timed_out("the peer has not opened its link in time"), cx)
    }

    /// The session, if there is one, is asked to end, and the controller told when it has.
    fn OPEN_Lost(&mut self, lost: Lost, cx: &mut Context) -> Next<Self> {
        self.lost = Some(lost.reason);
        self.close(cx)
    }

    fn OPEN_Close(&mut self, _: Close, cx: &mut Context) -> Next<Self> {
        self.close(cx)
    }

    /// The attempt was stopped too late: this is a connection now.
    fn OPEN_GiveUp(&mut self, _: GiveUp) -> Next<Self> {
        Self::OPEN
    }

    /// The session can still say goodbye to its peer.
    fn OPEN_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        self.stop();
        self.close(cx)
    }

    fn OPEN_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        self.value = Some(completed.value);
        self.leave(cx)
    }

    /// The session does not end: the connection does.
    fn OPEN_Stubborn(&mut self, _: Stubborn, cx: &mut Context) -> Next<Self> {
        self.leave(cx)
    }

    /// The socket of a lost connection is closed, and the session still ends.
    fn OPEN_Released(&mut self, _: Released) -> Next<Self> {
        self.is_released = true;
        Self::OPEN
    }

    fn OPEN_Enter(&mut self, cx: &mut Context) {
        if let Some(silence) = self.check_every {
            cx.start(silence, Tick);
        }
    }

    fn OPEN_Exit(&mut self, cx: &mut Context) {
        cx.cancel::<Tick>();
    }

    fn OPEN_Tick(&mut self, _: Tick, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Check { silence: self.check_every.unwrap_or_default() });
        Self::OPEN
    }

    fn OPEN_Checked(&mut self, Checked { again }: Checked, cx: &mut Context) -> Next<Self> {
        cx.start(again, Tick);
        Self::OPEN
    }

    fn OPEN_Filled(&mut self, Filled { congested, waiting }: Filled, cx: &mut Context) -> Next<Self> {
        self.news.filled(congested, waiting, self.session, cx);
        Self::OPEN
    }

    fn ANY_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        self.stop();
        self.shut(cx)
    }

    fn CLOSING_Stop(&mut self, _: Stop) -> Next<Self> {
        self.stop();
        Self::CLOSING
    }

    fn CLOSING_Released(&mut self, released: Released, cx: &mut Context) -> Next<Self> {
        self.news.closed(self.value.take(), released.reason, cx);
        Self::complete(Done)
    }

    /// The peer neither reads nor answers.
    fn CLOSING_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        self.cut(self.stopped, cx)
    }

    /// It does read what was sent before the close: it has as long again.
    fn CLOSING_Slow(&mut self, _: Slow, cx: &mut Context) -> Next<Self> {
        cx.start(PATIENCE, Waited);
        Self::CLOSING
    }

    fn CLOSING_Waited(&mut self, _: Waited, cx: &mut Context) -> Next<Self> {
        self.cut(self.stopped, cx)
    }

    fn CLOSING_Completed(&mut self, completed: Completed) -> Next<Self> {
        self.value = Some(completed.value);
        Self::CLOSING
    }

    /// Both ends close at once, or the controller closes twice: the close is under way. So with the following.
    fn CLOSING_Close(&mut self, _: Close) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_GiveUp(&mut self, _: GiveUp) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_Checked(&mut self, _: Checked) -> Next<Self> {
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

    fn CLOSING_Unopened(&mut self, _: Unopened) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_Stubborn(&mut self, _: Stubborn) -> Next<Self> {
        Self::CLOSING
    }
}
