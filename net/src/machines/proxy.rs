//! The machine that stands for the far end of one connection.

use core::net::SocketAddr;
use core::time::Duration;

use fsm_core::{
    Address, Body, Completed, Context, Done, Machine, Message, Moment, Next, Start, Stop, Timeout, Value, Vocabulary,
    state_machine,
};

use crate::driver::ConnectionId;
use crate::host_port::HostPort;
use crate::link::LinkPeer;
use crate::messages::{
    Abandoned, Accepted, Close, Closed, Congested, Connected, Ended, Failure, NotAccepted, NotConnected, Relieved,
};
use crate::orders::{Attach, Begin, Cut, Dialled, Filled, Lost, Opened, Released, Shut, Slow};
use crate::request::{Peer, SessionMaker};

/// How long a session may take to end when its connection is to be closed.
const SESSION_END: Duration = Duration::from_secs(3);
/// How long a peer may take to read some of what was sent before the close.
const PATIENCE: Duration = Duration::from_secs(3);

/// A connection, as its controller's quiet child; its session, when it has one, is its own child.
///
/// Messages to far addresses behind it do not pass through this machine: the driver writes them. It hears of changes only,
/// and decides what the controller is told: one of `Closed` and `Abandoned`, once.
#[derive(Debug)]
pub struct Proxy {
    connection: ConnectionId,
    controller: Address,
    origin: Origin,
    remote: SocketAddr,
    open_within: Duration,
    opened: Moment,
    maker: Option<SessionMaker>,
    session: Option<Address>,
    /// What the session has completed with.
    value: Option<Value>,
    /// Whether the controller has been told of the end, or need not be.
    told: bool,
    /// Whether the controller ends, which leaves no time for a peer that reads slowly.
    stopped: bool,
}

#[derive(Debug)]
enum Origin {
    Accepted { listening: SocketAddr },
    Connected { requested: HostPort, local: SocketAddr },
}

/// The link has not been opened in time.
#[derive(Debug, Message)]
#[message(name = "statepoint.order.Unopened", local)]
struct Unopened;

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
        Self::new(connection, controller, Origin::Accepted { listening }, remote)
    }

    pub(crate) fn connected(dialled: Dialled, controller: Address, requested: HostPort) -> Self {
        let Dialled { connection, remote, local } = dialled;
        Self::new(connection, controller, Origin::Connected { requested, local }, remote)
    }

    fn new(connection: ConnectionId, controller: Address, origin: Origin, remote: SocketAddr) -> Self {
        let (open_within, opened) = (Duration::ZERO, Moment::ZERO);
        let (maker, session, value, told, stopped) = (None, None, None, false, false);
        Self { connection, controller, origin, remote, open_within, opened, maker, session, value, told, stopped }
    }

    pub(crate) fn session(self, maker: Option<SessionMaker>) -> Self {
        Self { maker, ..self }
    }

    pub(crate) fn open_within(self, open_within: Duration) -> Self {
        Self { open_within, ..self }
    }

    /// Tells the controller something, in the name of the session or of the peer.
    fn tell(&self, message: impl Into<Body>, cx: &mut Context) {
        let from = self.session.unwrap_or_else(|| cx.me().with_far(1));
        cx.send_as(from, self.controller, message);
    }

    fn tell_opened(&self, peer: &LinkPeer, cx: &mut Context) {
        let (remote, at, key) = (self.remote, self.opened, peer.key);
        match &self.origin {
            Origin::Accepted { listening } => self.tell(Accepted { listening: *listening, remote, at, key }, cx),
            Origin::Connected { requested, local } => {
                self.tell(Connected { requested: requested.clone(), remote, local: *local, at, key }, cx);
            }
        }
    }

    fn tell_not_opened(&mut self, reason: Failure, cx: &mut Context) {
        self.told = true;
        match &self.origin {
            Origin::Accepted { listening } => self.tell(NotAccepted { listening: *listening, reason }, cx),
            Origin::Connected { requested, .. } => {
                let tried = Some(self.remote);
                self.tell(NotConnected { requested: requested.clone(), tried, reason }, cx);
            }
        }
    }

    /// Who takes the peer's messages: the session, when there is to be one, else the controller.
    fn target(&mut self, link: &LinkPeer, cx: &mut Context) -> Address {
        let Some(maker) = &self.maker else { return self.controller };
        let peer = Peer::new(cx.me().with_far(1), self.controller, self.remote, link);
        let session = cx.create(maker.create(&peer));
        self.session = Some(session).filter(|session| !session.is_none());
        session
    }
}

#[state_machine(INITIAL, OPENING(defer(Close)), OPEN, CLOSING(timeout = "3s"))]
impl Proxy {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Attach { connection: self.connection });
        cx.start(self.open_within, Unopened);
        Self::OPENING
    }

    fn OPENING_Opened(&mut self, Opened { peer }: Opened, cx: &mut Context) -> Next<Self> {
        cx.cancel::<Unopened>();
        self.opened = cx.now();
        let target = self.target(&peer, cx);
        if target.is_none() {
            // The kernel has no room for the session.
            return self.give_up(Failure::no_room(), cx);
        }
        self.tell_opened(&peer, cx);
        cx.send(Address::DRIVER, Begin { target });
        Self::OPEN
    }

    /// The connection has gone before its link was open: there never was a peer to speak of.
    fn OPENING_Lost(&mut self, lost: Lost, cx: &mut Context) -> Next<Self> {
        self.tell_not_opened(lost.reason.into(), cx);
        self.shut(cx)
    }

    fn OPENING_Unopened(&mut self, _: Unopened, cx: &mut Context) -> Next<Self> {
        self.give_up(Failure::timed_out("the peer has not opened its link in time"), cx)
    }

    fn give_up(&mut self, reason: Failure, cx: &mut Context) -> Next<Self> {
        self.tell_not_opened(reason, cx);
        cx.send(Address::DRIVER, Cut { at_once: true });
        Self::CLOSING
    }

    fn shut(&self, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Shut);
        Self::CLOSING
    }

    /// The session, if there is one, is below this machine: it is asked to end, and ends before this machine does.
    fn OPEN_Lost(&mut self, lost: Lost, cx: &mut Context) -> Next<Self> {
        let Self { remote, opened, .. } = *self;
        self.tell(Abandoned { remote, opened, at: cx.now(), reason: lost.reason }, cx);
        self.told = true;
        if let Some(session) = self.session {
            cx.stop(session);
        }
        // What this end has said since goes before this order, and is still written: the peer may have ended its half only.
        self.shut(cx)
    }

    fn OPEN_Close(&mut self, _: Close, cx: &mut Context) -> Next<Self> {
        self.close(cx)
    }

    /// The controller ends, so there is nobody to tell. The session can still say goodbye to its peer.
    fn OPEN_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        (self.told, self.stopped) = (true, true);
        self.close(cx)
    }

    /// A session ends first, and its end closes the connection.
    fn close(&mut self, cx: &mut Context) -> Next<Self> {
        if let Some(session) = self.session {
            cx.stop(session);
            cx.start(SESSION_END, Stubborn);
            return Self::OPEN;
        }
        self.shut(cx)
    }

    fn OPEN_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        self.value = Some(completed.value);
        self.shut(cx)
    }

    /// The session does not end: the connection does.
    fn OPEN_Stubborn(&mut self, _: Stubborn, cx: &mut Context) -> Next<Self> {
        self.shut(cx)
    }

    fn OPEN_Filled(&mut self, filled: Filled, cx: &mut Context) -> Next<Self> {
        let Filled { congested, waiting } = filled;
        for to in [Some(self.controller), self.session].into_iter().flatten() {
            let from = cx.me().with_far(1);
            match congested {
                true => cx.send_as(from, to, Congested { waiting }),
                false => cx.send_as(from, to, Relieved),
            }
        }
        Self::OPEN
    }

    /// The controller ends, so there is nobody to tell.
    fn ANY_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        (self.told, self.stopped) = (true, true);
        self.shut(cx)
    }

    fn CLOSING_Stop(&mut self, _: Stop) -> Next<Self> {
        (self.told, self.stopped) = (true, true);
        Self::CLOSING
    }

    fn CLOSING_Released(&mut self, released: Released, cx: &mut Context) -> Next<Self> {
        if !self.told {
            let Self { remote, opened, .. } = *self;
            let value = self.value.take().unwrap_or_else(|| Value::from(Done));
            // Both ends have closed at once, and the driver heard of the peer's end first.
            let reason = if released.reason.is_orderly() { Ended::ByUs } else { released.reason };
            self.tell(Closed { value, remote, opened, at: cx.now(), reason }, cx);
        }
        Self::complete(Done)
    }

    /// The peer neither reads nor answers.
    fn CLOSING_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Cut { at_once: self.stopped });
        Self::CLOSING
    }

    /// It does read what was sent before the close: it has as long again.
    fn CLOSING_Slow(&mut self, _: Slow, cx: &mut Context) -> Next<Self> {
        cx.start(PATIENCE, Waited);
        Self::CLOSING
    }

    fn CLOSING_Waited(&mut self, _: Waited, cx: &mut Context) -> Next<Self> {
        cx.send(Address::DRIVER, Cut { at_once: self.stopped });
        Self::CLOSING
    }

    fn CLOSING_Completed(&mut self, completed: Completed) -> Next<Self> {
        self.value = Some(completed.value);
        Self::CLOSING
    }

    /// Both ends close at once, or the controller closes twice: the close is under way. So with the following.
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

    fn CLOSING_Unopened(&mut self, _: Unopened) -> Next<Self> {
        Self::CLOSING
    }

    fn CLOSING_Stubborn(&mut self, _: Stubborn) -> Next<Self> {
        Self::CLOSING
    }
}
