//! What `listen` and `connect` take.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use fsm_core::{Address, IntoPoint, NewPoint};

use crate::host_port::HostPort;
use crate::link::{Binding, ConnectSecurity, Identity, KnownKeys, LinkPeer, ListenSecurity, PublicKey};
use crate::messages::Failure;

/// How long a peer may take to open its link, unless told otherwise.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Whom a session talks to.
///
/// ```
/// use statepoint::{Done, HostPort, Listen, Peer, Routine, Stop, Vocabulary, routine};
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
    /// The key that the peer has proven to own. None where it proves none, see [`ListenSecurity`].
    pub key: Option<PublicKey>,
    /// What names this one connection at both its ends, to be compared by people. None in a clear one.
    pub binding: Option<Binding>,
}

impl Peer {
    pub(crate) fn new(address: Address, controller: Address, remote: SocketAddr, link: &LinkPeer) -> Self {
        Self { address, controller, remote, key: link.key, binding: link.binding }
    }
}

/// Makes the session of each connection.
#[derive(Clone)]
pub(crate) struct SessionMaker(Rc<dyn Fn(&Peer) -> NewPoint>);

impl SessionMaker {
    fn new<P: IntoPoint>(create: impl Fn(&Peer) -> P + 'static) -> Self {
        Self(Rc::new(move |peer| create(peer).into_point()))
    }

    /// None: the user's closure has panicked.
    pub(crate) fn create(&self, peer: &Peer) -> Option<NewPoint> {
        catch_unwind(AssertUnwindSafe(|| (self.0)(peer))).ok()
    }
}

impl fmt::Debug for SessionMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionMaker")
    }
}

/// Where and how to listen.
///
/// A [`HostPort`] converts into it, so options need to be named only when they differ from the usual. What travels can be
/// read and changed on the way unless one of the options about keys is named; [`ListenSecurity`] has a table of them.
///
/// ```
/// use statepoint::{HostPort, Listen};
///
/// let listen = Listen::at(HostPort::new("127.0.0.1", 32011));
/// assert_eq!(listen.host_port(), Listen::from(HostPort::new("127.0.0.1", 32011)).host_port());
///
/// // Clients know this server by its key, and it serves one client only.
/// use statepoint::link::Identity;
/// let (own, client) = (Identity::generate()?, Identity::generate()?);
/// let listen = listen.identity(own).allow([client.public_key()]);
/// # let _ = listen;
/// # Ok::<(), statepoint::wire::LinkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Listen {
    pub(crate) at: HostPort,
    pub(crate) session: Option<SessionMaker>,
    pub(crate) security: ListenSecurity,
    pub(crate) open_within: Duration,
    pub(crate) check_every: Option<Duration>,
    /// Why one cannot listen in this way.
    pub(crate) broken: Option<Failure>,
}

impl Listen {
    /// Listens at `at`. Port 0 lets the system choose; `Listening` tells what it chose.
    pub fn at(at: impl Into<HostPort>) -> Self {
        let (at, session, security) = (at.into(), None, ListenSecurity::clear());
        Self { at, session, security, open_within: OPEN_WITHIN, check_every: None, broken: None }
    }

    /// Creates a point for each connection: a machine or a routine. It takes what the peer sends without naming another
    /// address, and its end closes the connection: the controller gets `Closed` with its value.
    ///
    /// `Accepted`, `Closed` and `Abandoned` still go to the controller; their sender is the session.
    #[must_use]
    pub fn session<P: IntoPoint>(self, create: impl Fn(&Peer) -> P + 'static) -> Self {
        Self { session: Some(SessionMaker::new(create)), ..self }
    }

    /// Encrypts, against those who listen on the way. **Nobody is authenticated**: a man in the middle is not noticed. The
    /// connecting end must ask for the same.
    #[must_use]
    pub fn encrypted(self) -> Self {
        Self { security: self.security.with_encryption(), ..self }
    }

    /// Encrypts, and proves to whoever connects that this end owns `identity`. The connecting end names its public key with
    /// [`Connect::expect`].
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Self { security: self.security.identity(identity), ..self }
    }

    /// As [`Listen::identity`], with the one that is kept in this file. When it cannot be had,
    /// [`NotListening`](crate::NotListening) comes and says why.
    #[must_use]
    pub fn identity_file(self, path: impl AsRef<Path>) -> Self {
        match Identity::load(path) {
            Ok(identity) => self.identity(identity),
            Err(error) => Self { broken: Some(Failure::no_key_file(&error)), ..self },
        }
    }

    /// Admits the owners of these keys, besides those named before, and nobody else. It needs [`Listen::identity`].
    #[must_use]
    pub fn allow(self, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { security: self.security.allow(keys), ..self }
    }

    /// Admits whoever proves to own a key, whichever it is: a session sees it in its [`Peer`] and decides. It needs
    /// [`Listen::identity`].
    #[must_use]
    pub fn allow_anybody(self) -> Self {
        Self { security: self.security.allow_anybody(), ..self }
    }

    /// All that can be said about keys, as a value.
    #[must_use]
    pub fn security(self, security: ListenSecurity) -> Self {
        Self { security, ..self }
    }

    /// Gives a peer up that has not opened its link within `limit`: [`NotAccepted`](crate::NotAccepted) comes. 5 seconds unless
    /// told otherwise.
    #[must_use]
    pub fn open_within(self, limit: Duration) -> Self {
        Self { open_within: limit, ..self }
    }

    /// Asks a peer of which nothing has come for so long whether it is there. One that does not answer within 5 seconds is
    /// abandoned, with [`Ended::Silent`](crate::Ended::Silent); where much was sent to it lately it has a second more for each
    /// 64 KiB, but no more than 4 minutes and a half, to read that first.
    ///
    /// A peer that reads, however slowly, is not asked while something waits to be written to it: that it reads shows that it is
    /// there. One that reads nothing of what waits for 5 seconds longer than `silence` counts as silent, unless it says something:
    /// a peer that is written with this package does so every two seconds when it does not read because too much waits there.
    ///
    /// Without this a peer that has lost its power is noticed by the system, see
    /// [`NetSettings::keep_alive`](crate::NetSettings::keep_alive), but not one whose process hangs.
    #[must_use]
    pub fn check_every(self, silence: Duration) -> Self {
        Self { check_every: Some(silence), ..self }
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
/// use statepoint::{Connect, HostPort};
///
/// let connect = Connect::to(HostPort::new("server.lab", 32011)).within(Duration::from_secs(2));
/// assert_eq!(connect.host_port().port(), 32011);
///
/// // Only the owner of this key may answer.
/// use statepoint::link::Identity;
/// let server = Identity::generate()?.public_key();
/// let connect = connect.expect(server);
/// # let _ = connect;
/// # Ok::<(), statepoint::wire::LinkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    pub(crate) to: HostPort,
    pub(crate) within: Duration,
    pub(crate) session: Option<SessionMaker>,
    pub(crate) security: ConnectSecurity,
    pub(crate) check_every: Option<Duration>,
    /// Why one cannot connect in this way.
    pub(crate) broken: Option<Failure>,
}

impl Connect {
    /// Connects to `to`.
    pub fn to(to: impl Into<HostPort>) -> Self {
        let (to, within, session) = (to.into(), Duration::from_secs(10), None);
        Self { to, within, session, security: ConnectSecurity::clear(), check_every: None, broken: None }
    }

    /// Creates a point when there is a connection, as [`Listen::session`] does for each peer.
    #[must_use]
    pub fn session<P: IntoPoint>(self, create: impl Fn(&Peer) -> P + 'static) -> Self {
        Self { session: Some(SessionMaker::new(create)), ..self }
    }

    /// Gives up after `limit`, from the look-up of the name to the open link. 10 seconds unless told otherwise.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { within: limit, ..self }
    }

    /// Encrypts, against those who listen on the way. **Nobody is authenticated**: a man in the middle is not noticed. The
    /// listening end must ask for the same.
    #[must_use]
    pub fn encrypted(self) -> Self {
        Self { security: self.security.with_encryption(), ..self }
    }

    /// Encrypts, and only the owner of `key` may answer. Up to four keys can be named, for a server whose key changes.
    #[must_use]
    pub fn expect(self, key: PublicKey) -> Self {
        Self { security: self.security.expect(key), ..self }
    }

    /// Encrypts, and whoever answers first is written down as the only one who may answer there later. Whoever stands between
    /// the ends at that first time stays there unnoticed: [`Self::expect`] is better wherever it is possible.
    #[must_use]
    pub fn trust_on_first_use(self, known: &KnownKeys) -> Self {
        Self { security: self.security.trust_on_first_use(known), ..self }
    }

    /// Proves to the other end, once that has proven who it is, that this end owns `identity`.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Self { security: self.security.identity(identity), ..self }
    }

    /// As [`Connect::identity`], with the one that is kept in this file. When it cannot be had,
    /// [`NotConnected`](crate::NotConnected) comes and says why.
    #[must_use]
    pub fn identity_file(self, path: impl AsRef<Path>) -> Self {
        match Identity::load(path) {
            Ok(identity) => self.identity(identity),
            Err(error) => Self { broken: Some(Failure::no_key_file(&error)), ..self },
        }
    }

    /// As [`Connect::trust_on_first_use`], with the book that is kept in this file; a new one if there is none. When it cannot
    /// be had, [`NotConnected`](crate::NotConnected) comes and says why.
    #[must_use]
    pub fn known_keys_file(self, path: impl Into<PathBuf>) -> Self {
        match KnownKeys::open(path) {
            Ok(known) => self.trust_on_first_use(&known),
            Err(error) => Self { broken: Some(Failure::no_key_file(&error)), ..self },
        }
    }

    /// All that can be said about keys, as a value.
    #[must_use]
    pub fn security(self, security: ConnectSecurity) -> Self {
        Self { security, ..self }
    }

    /// As [`Listen::check_every`].
    #[must_use]
    pub fn check_every(self, silence: Duration) -> Self {
        Self { check_every: Some(silence), ..self }
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
