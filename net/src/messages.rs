//! What the network tells a controller.
//!
//! All of them are local: no peer can forge one. They may get more fields, so what makes one (the test of a machine that listens
//! or connects) calls its `new`, and sets those fields that it cares about.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::io;

use fsm_core::{Message, Moment, Value};

use crate::host_port::HostPort;
use crate::link::{Binding, KeyFileError, Mode, PublicKey, SecurityError};
use crate::wire::LinkError;

/// The port is open. From the listener: what [`stop_listen`](crate::Networking::stop_listen) takes.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Listening", local)]
#[non_exhaustive]
pub struct Listening {
    /// Where one asked to listen.
    pub requested: HostPort,
    /// Where it listens: the port is known also when 0 was asked for.
    pub listening: SocketAddr,
    /// Since when.
    pub at: Moment,
}

impl Listening {
    /// For tests of who listens: somebody has asked for `requested`, and got `listening`.
    ///
    /// ```
    /// use statepoint::{HostPort, Listening, Moment};
    ///
    /// let listening = Listening::new(HostPort::new("localhost", 0), ([127, 0, 0, 1], 32011).into(), Moment::ZERO);
    /// assert_eq!(listening.listening.port(), 32011);
    /// ```
    pub fn new(requested: impl Into<HostPort>, listening: SocketAddr, at: Moment) -> Self {
        Self { requested: requested.into(), listening, at }
    }
}

/// The port could not be opened, or is open no more.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.NotListening", local, fault)]
#[non_exhaustive]
pub struct NotListening {
    /// Where one asked to listen.
    pub requested: HostPort,
    /// Why not.
    pub reason: Failure,
}

impl NotListening {
    /// For tests of who listens.
    ///
    /// ```
    /// use statepoint::{Failure, HostPort, NotListening};
    ///
    /// let reason = Failure::from(&std::io::Error::from(std::io::ErrorKind::AddrInUse));
    /// let fault = NotListening::new(HostPort::new("localhost", 80), reason);
    /// assert!(fault.to_string().starts_with("cannot listen at \"localhost:80\""));
    /// ```
    pub fn new(requested: impl Into<HostPort>, reason: impl Into<Failure>) -> Self {
        Self { requested: requested.into(), reason: reason.into() }
    }
}

impl fmt::Display for NotListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen at \"{}\" ({})", self.requested, self.reason)
    }
}

/// Somebody has connected. From the peer, so that a reply goes there; with a session, from the session.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Accepted", local)]
#[non_exhaustive]
pub struct Accepted {
    /// Where one listens.
    pub listening: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
    /// When.
    pub at: Moment,
    /// What the link protects.
    pub mode: Mode,
    /// The key that the peer has proven to own. None unless keys are [asked for](crate::Listen::allow).
    pub key: Option<PublicKey>,
    /// What names this one connection at both its ends, to be compared by people. None in a clear one.
    pub binding: Option<Binding>,
}

impl Accepted {
    /// For tests of who listens: a connection in clear.
    ///
    /// ```
    /// use statepoint::{Accepted, Moment, link::Mode};
    ///
    /// let (here, there) = (([127, 0, 0, 1], 32011).into(), ([127, 0, 0, 1], 40000).into());
    /// let mut accepted = Accepted::new(here, there, Moment::ZERO);
    /// assert_eq!((accepted.mode, accepted.key), (Mode::Clear, None));
    /// accepted.mode = Mode::Encrypted;
    /// ```
    pub fn new(listening: SocketAddr, remote: SocketAddr, at: Moment) -> Self {
        Self { listening, remote, at, mode: Mode::Clear, key: None, binding: None }
    }
}

/// Somebody wanted to connect and could not be served. The listener goes on.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.NotAccepted", local, fault)]
#[non_exhaustive]
pub struct NotAccepted {
    /// Where one listens.
    pub listening: SocketAddr,
    /// The peer's address. None when the system had no room to tell who it was.
    pub remote: Option<SocketAddr>,
    /// Why not.
    pub reason: Failure,
}

impl NotAccepted {
    /// For tests of who listens.
    ///
    /// ```
    /// use statepoint::{NotAccepted, wire::LinkError};
    ///
    /// let fault = NotAccepted::new(([127, 0, 0, 1], 32011).into(), None, LinkError::Tampered);
    /// assert_eq!(fault.reason.link, Some(LinkError::Tampered));
    /// ```
    pub fn new(listening: SocketAddr, remote: Option<SocketAddr>, reason: impl Into<Failure>) -> Self {
        Self { listening, remote, reason: reason.into() }
    }
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listening, reason, .. } = self;
        match self.remote {
            Some(remote) => write!(f, "cannot accept {remote} at {listening} ({reason})"),
            None => write!(f, "cannot accept at {listening} ({reason})"),
        }
    }
}

/// The connection is there. From the peer, so that what is sent to that address arrives at the other end; with a session, from
/// the session.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Connected", local)]
#[non_exhaustive]
pub struct Connected {
    /// Whither one asked to connect.
    pub requested: HostPort,
    /// The peer's address.
    pub remote: SocketAddr,
    /// One's own address.
    pub local: SocketAddr,
    /// When.
    pub at: Moment,
    /// What the link protects.
    pub mode: Mode,
    /// The key that the peer has proven to own. None unless one is [expected](crate::Connect::expect).
    pub key: Option<PublicKey>,
    /// What names this one connection at both its ends, to be compared by people. None in a clear one.
    pub binding: Option<Binding>,
}

impl Connected {
    /// For tests of who connects: a connection in clear.
    ///
    /// ```
    /// use statepoint::{Connected, HostPort, Moment, link::Mode};
    ///
    /// let (there, here) = (([127, 0, 0, 1], 32011).into(), ([127, 0, 0, 1], 40000).into());
    /// let connected = Connected::new(HostPort::from(there), there, here, Moment::ZERO);
    /// assert_eq!((connected.mode, connected.key), (Mode::Clear, None));
    /// ```
    pub fn new(requested: impl Into<HostPort>, remote: SocketAddr, local: SocketAddr, at: Moment) -> Self {
        Self { requested: requested.into(), remote, local, at, mode: Mode::Clear, key: None, binding: None }
    }
}

/// There is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.NotConnected", local, fault)]
#[non_exhaustive]
pub struct NotConnected {
    /// Whither one asked to connect.
    pub requested: HostPort,
    /// The address that was tried last; none when the name could not be looked up.
    pub tried: Option<SocketAddr>,
    /// Why not.
    pub reason: Failure,
}

impl NotConnected {
    /// For tests of who connects.
    ///
    /// ```
    /// use statepoint::{HostPort, NotConnected, wire::LinkError};
    ///
    /// let fault = NotConnected::new(HostPort::new("server.lab", 32011), None, LinkError::Tampered);
    /// assert!(fault.to_string().starts_with("cannot connect to \"server.lab:32011\""));
    /// ```
    pub fn new(requested: impl Into<HostPort>, tried: Option<SocketAddr>, reason: impl Into<Failure>) -> Self {
        Self { requested: requested.into(), tried, reason: reason.into() }
    }
}

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to \"{}\" ({})", self.requested, self.reason)
    }
}

/// Closes a connection: send it to the peer's address. What was sent before it arrives first; then `Closed` comes.
///
/// A session closes its connection by ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Close", local)]
pub struct Close;

/// The connection has ended because this end closed it. From the peer's address, or from its session; neither leads anywhere
/// now.
#[derive(Debug, Message)]
#[message(name = "statepoint.Closed", local)]
#[non_exhaustive]
pub struct Closed {
    /// What the session completed with; [`Done`](statepoint::Done) when there was none.
    pub value: Value,
    /// The peer's address.
    pub remote: SocketAddr,
    /// Since when there was a connection.
    pub opened: Moment,
    /// When it ended.
    pub at: Moment,
    /// How it went: [`Ended::ByUs`] when the peer has said goodbye too. Otherwise nobody knows how much it has taken of what was
    /// sent last.
    pub reason: Ended,
}

impl Closed {
    /// For tests of who has a connection: it was opened and ended at these moments.
    ///
    /// ```
    /// use core::time::Duration;
    /// use statepoint::{Closed, Done, Ended, Moment};
    ///
    /// let (opened, at) = (Moment::ZERO, Moment::ZERO + Duration::from_secs(9));
    /// let closed = Closed::new(Done, ([127, 0, 0, 1], 40000).into(), opened, at, Ended::ByUs);
    /// assert!(closed.value.is::<Done>());
    /// ```
    pub fn new(value: impl Into<Value>, remote: SocketAddr, opened: Moment, at: Moment, reason: Ended) -> Self {
        Self { value: value.into(), remote, opened, at, reason }
    }
}

/// The connection has ended, and this end did not close it. From the peer's address, or from its session; neither leads
/// anywhere now.
///
/// What was sent and not answered may have arrived or not.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Abandoned", local, fault)]
#[non_exhaustive]
pub struct Abandoned {
    /// The peer's address.
    pub remote: SocketAddr,
    /// Since when there was a connection.
    pub opened: Moment,
    /// When it ended.
    pub at: Moment,
    /// Why.
    pub reason: Ended,
}

impl Abandoned {
    /// For tests of who has a connection: it was opened and ended at these moments.
    ///
    /// ```
    /// use core::time::Duration;
    /// use statepoint::{Abandoned, Ended, Moment};
    ///
    /// let (opened, at) = (Moment::ZERO, Moment::ZERO + Duration::from_secs(9));
    /// let fault = Abandoned::new(([127, 0, 0, 1], 40000).into(), opened, at, Ended::Reset);
    /// assert_eq!(fault.to_string(), "abandoned by \"127.0.0.1:40000\" (reset by the peer)");
    /// ```
    pub fn new(remote: SocketAddr, opened: Moment, at: Moment, reason: Ended) -> Self {
        Self { remote, opened, at, reason }
    }
}

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "abandoned by \"{}\" ({})", self.remote, self.reason)
    }
}

/// The peer reads more slowly than messages are sent to it: send less. From the peer's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Congested", local)]
pub struct Congested {
    /// How many bytes wait.
    pub waiting: usize,
}

/// The peer has caught up. From the peer's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
#[message(name = "statepoint.Relieved", local)]
pub struct Relieved;

/// Why something of the network could not be had. The system, or what it met, is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure.
    pub kind: io::ErrorKind,
    /// The system's number for it, which is the exit code of a program that ends with it.
    pub code: Option<i32>,
    /// What the system says.
    pub text: String,
    /// Why the link between the ends was not opened, when it was for that.
    pub link: Option<LinkError>,
    /// It was for settings that make no sense together.
    wrong_settings: bool,
}

impl Failure {
    /// Whether another attempt with the same settings must end in the same way: they make no sense together, or a peer that
    /// was known before does not admit this end ([`LinkError::is_final`]). Everything else may be mended while the program
    /// runs, a key file that is missing too.
    ///
    /// ```
    /// use statepoint::{Failure, wire::LinkError};
    ///
    /// assert!(!Failure::from(LinkError::Tampered).is_final());
    /// ```
    pub fn is_final(&self) -> bool {
        self.wrong_settings || self.link.as_ref().is_some_and(LinkError::is_final)
    }

    /// The kernel has as many points as it may have.
    pub(crate) fn no_room() -> Self {
        Self::new(io::ErrorKind::QuotaExceeded, "No room for another point")
    }

    /// The user's closure has made none.
    pub(crate) fn no_session() -> Self {
        Self::new(io::ErrorKind::Other, "The session could not be made: the closure for it has panicked")
    }

    /// As many sockets are open as may be.
    pub(crate) fn full(limit: usize) -> Self {
        Self::new(io::ErrorKind::QuotaExceeded, format!("There are {limit} sockets already, as many as there may be"))
    }

    /// One address has its share of the connections.
    pub(crate) fn share(count: usize, from: IpAddr) -> Self {
        Self::new(
            io::ErrorKind::QuotaExceeded,
            format!("There are {count} connections from {from} already, and must be room for others"),
        )
    }

    /// More peers open their links at once than may.
    pub(crate) fn crowded() -> Self {
        Self::new(io::ErrorKind::QuotaExceeded, "Too many peers are connecting")
    }

    pub(crate) fn timed_out(text: impl Into<String>) -> Self {
        Self::new(io::ErrorKind::TimedOut, text)
    }

    /// A caller's settings that make no sense together.
    pub(crate) fn wrong_settings(error: &SecurityError) -> Self {
        Self { wrong_settings: true, ..Self::new(io::ErrorKind::InvalidInput, error.to_string()) }
    }

    /// A file with keys that cannot be used.
    pub(crate) fn no_key_file(error: &KeyFileError) -> Self {
        let kind = match error {
            KeyFileError::System { kind, .. } => *kind,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error.to_string())
    }

    fn new(kind: io::ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, code: None, text: text.into(), link: None, wrong_settings: false }
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        let kind = match error {
            LinkError::WrongKey { .. } | LinkError::NotAuthorised { .. } => io::ErrorKind::PermissionDenied,
            LinkError::Malformed { .. } | LinkError::Tampered => io::ErrorKind::InvalidData,
            LinkError::NoRandomness | LinkError::NotRemembered { .. } => io::ErrorKind::Other,
            _ => io::ErrorKind::ConnectionRefused,
        };
        Self { link: Some(error.clone()), ..Self::new(kind, error.to_string()) }
    }
}

/// How a connection that was never there has ended.
impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::System(failure) => failure,
            Ended::Link(error) => error.into(),
            other => Self::new(io::ErrorKind::ConnectionAborted, other.to_string()),
        }
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        let text = match error.raw_os_error() {
            Some(_) => error.to_string(),
            // Without a number the text of a kind is in small letters; say it as the system would.
            None => capitalised(&error.to_string()),
        };
        Self { code: error.raw_os_error(), ..Self::new(error.kind(), text) }
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// This end closed it, in order.
    ByUs,
    /// The peer closed it, in order.
    ByPeer,
    /// The peer's stream ended without a goodbye: its program was killed, or somebody on the way has cut it.
    CutShort,
    /// The peer, or something between, has reset it.
    Reset,
    /// The peer broke the protocol: what was expected, and what it sent.
    Protocol(String),
    /// The link could not be opened, or could not go on: its settings at either end, another program, or tampering.
    Link(LinkError),
    /// The peer sent too many messages that could not be taken: addresses it was never given, bodies that did not fit.
    TooManyRefused,
    /// The peer read too slowly.
    TooSlow,
    /// Nothing came from the peer, not even when it was [asked](crate::Listen::check_every) whether it is there.
    Silent,
    /// The peer did not answer the close in time.
    NoAnswer,
    /// The system reported something else.
    System(Failure),
}

impl From<LinkError> for Ended {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::CutOff => Self::CutShort,
            error => Self::Link(error),
        }
    }
}

impl Ended {
    /// The peer, or somebody on the way, did what the protocol does not allow.
    pub(crate) fn breaks_rules(&self) -> bool {
        match self {
            Self::Protocol(_) => true,
            Self::Link(error) => error.breaks_rules(),
            _ => false,
        }
    }

    /// The peer's stream has come to its end, which says nothing of the other direction: the peer may still read.
    pub(crate) fn is_orderly(&self) -> bool {
        matches!(self, Self::ByPeer | Self::CutShort)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByUs => f.write_str("closed by this end"),
            Self::ByPeer => f.write_str("closed by the peer"),
            Self::CutShort => f.write_str("expected a goodbye, got the end of the stream"),
            Self::Reset => f.write_str("reset by the peer"),
            Self::Protocol(text) => write!(f, "protocol: {text}"),
            Self::Link(error) => write!(f, "link: {error}"),
            Self::TooManyRefused => f.write_str("the peer sent too many messages that could not be taken"),
            Self::TooSlow => f.write_str("the peer read too slowly"),
            Self::Silent => f.write_str("the peer was asked whether it is there, and did not answer"),
            Self::NoAnswer => f.write_str("the peer did not answer the close in time"),
            Self::System(failure) => failure.fmt(f),
        }
    }
}

// So that `?` takes them where a `Box<dyn Error>` is returned.
impl core::error::Error for NotListening {}
impl core::error::Error for NotAccepted {}
impl core::error::Error for NotConnected {}
impl core::error::Error for Abandoned {}
impl core::error::Error for Failure {}
