//! What `listen` and `connect` take.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::rc::Rc;

use fsm_core::{Address, IntoPoint, NewPoint};

use crate::host_port::HostPort;

/// Whom a session talks to.
///
/// ```
/// use fsm_core::{Done, Routine, Stop, Vocabulary, routine};
/// use fsm_net::{HostPort, Listen, Peer};
///
/// let listen = Listen::at(HostPort::new("127.0.0.1", 0)).session(|peer: &Peer| {
///     let address = peer.address;
///     routine(async move |cx: &mut Routine| cx.send(address, Done))
/// });
/// # let _ = listen;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The far end: what is sent there arrives at the peer's session or controller.
    pub address: Address,
    /// Who asked to listen or connect.
    pub controller: Address,
    /// The peer's network address.
    pub remote: SocketAddr,
}

/// Makes the session of each connection.
#[derive(Clone)]
pub(crate) struct SessionMaker(Rc<dyn Fn(&Peer) -> NewPoint>);

impl SessionMaker {
    fn new<P: IntoPoint>(create: impl Fn(&Peer) -> P + 'static) -> Self {
        Self(Rc::new(move |peer| create(peer).into_point()))
    }

    pub(crate) fn create(&self, peer: &Peer) -> NewPoint {
        (self.0)(peer)
    }
}

impl fmt::Debug for SessionMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionMaker")
    }
}

/// Where and how to listen.
///
/// A [`HostPort`] converts into it, so options need to be named only when they differ from the usual.
///
/// ```
/// use fsm_net::{HostPort, Listen};
///
/// let listen = Listen::at(HostPort::new("127.0.0.1", 32011));
/// assert_eq!(listen.host_port(), Listen::from(HostPort::new("127.0.0.1", 32011)).host_port());
/// ```
#[derive(Clone, Debug)]
pub struct Listen {
    pub(crate) at: HostPort,
    pub(crate) session: Option<SessionMaker>,
}

impl Listen {
    /// Listens at `at`. Port 0 lets the system choose; `Listening` tells what it chose.
    pub fn at(at: impl Into<HostPort>) -> Self {
        Self { at: at.into(), session: None }
    }

    /// Creates a point for each connection: a machine or a routine. It takes what the peer sends without naming another
    /// address, and its end closes the connection: the controller gets `Closed` with its value.
    ///
    /// `Accepted`, `Closed` and `Abandoned` still go to the controller; their sender is the session.
    #[must_use]
    pub fn session<P: IntoPoint>(self, create: impl Fn(&Peer) -> P + 'static) -> Self {
        Self { session: Some(SessionMaker::new(create)), ..self }
    }

    /// Where.
    pub fn host_port(&self) -> &HostPort {
        &self.at
    }
}

impl<T: Into<HostPort>> From<T> for Listen {
    fn from(at: T) -> Self {
        Self::at(at)
    }
}

/// Whither and how to connect.
///
/// ```
/// use core::time::Duration;
/// use fsm_net::{Connect, HostPort};
///
/// let connect = Connect::to(HostPort::new("server.lab", 32011)).within(Duration::from_secs(2));
/// assert_eq!(connect.host_port().port(), 32011);
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    pub(crate) to: HostPort,
    pub(crate) within: Duration,
    pub(crate) session: Option<SessionMaker>,
}

impl Connect {
    /// Connects to `to`.
    pub fn to(to: impl Into<HostPort>) -> Self {
        Self { to: to.into(), within: Duration::from_secs(10), session: None }
    }

    /// Creates a point when there is a connection, as [`Listen::session`] does for each peer.
    #[must_use]
    pub fn session<P: IntoPoint>(self, create: impl Fn(&Peer) -> P + 'static) -> Self {
        Self { session: Some(SessionMaker::new(create)), ..self }
    }

    /// Gives up after `limit`, name look-up included. 10 seconds unless told otherwise.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { within: limit, ..self }
    }

    /// Whither.
    pub fn host_port(&self) -> &HostPort {
        &self.to
    }
}

impl<T: Into<HostPort>> From<T> for Connect {
    fn from(to: T) -> Self {
        Self::to(to)
    }
}
