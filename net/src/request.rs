//! What `listen` and `connect` take.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use fsm_core::{Address, IntoPoint, NewPoint};

use crate::host_port::HostPort;
use crate::link::{Binding, ConnectSecurity, Identity, KnownKeys, LinkPeer, ListenSecurity, Mode, PublicKey};
use crate::protection::Protection;

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
    /// What the link protects: a session can refuse to talk in clear, or of some things.
    pub mode: Mode,
    /// The key that the peer has proven to own. None where it proves none, see [`ListenSecurity`].
    pub key: Option<PublicKey>,
    /// What names this one connection at both its ends, to be compared by people. None in a clear one.
    pub binding: Option<Binding>,
}

impl Peer {
    /// A peer for the tests of what makes sessions: at `remote`, what is sent to `address` arrives there. It has no controller, is
    /// connected in clear and has proven no key; its fields can be set.
    ///
    /// ```
    /// use statepoint::link::{Identity, PublicKey};
    /// use statepoint::{Address, Peer};
    ///
    /// fn may_order(peer: &Peer, customers: &[PublicKey]) -> bool {
    ///     peer.key.is_some_and(|key| customers.contains(&key))
    /// }
    ///
    /// let customer = Identity::generate()?.public_key();
    /// let peer = Peer::new(([10, 0, 0, 2], 40_000).into(), Address::NONE);
    /// assert!(!may_order(&peer, &[customer]));
    /// assert!(may_order(&peer.with_key(customer), &[customer]));
    /// # Ok::<(), statepoint::wire::LinkError>(())
    /// ```
    pub fn new(remote: SocketAddr, address: Address) -> Self {
        Self { address, controller: Address::NONE, remote, mode: Mode::Clear, key: None, binding: None }
    }

    /// The same, when both ends have proven their keys, and `key` is that of the peer.
    #[must_use]
    pub fn with_key(self, key: PublicKey) -> Self {
        Self { mode: Mode::Mutual, key: Some(key), ..self }
    }

    pub(crate) fn behind(address: Address, controller: Address, remote: SocketAddr, link: &LinkPeer) -> Self {
        let LinkPeer { mode, key, binding, .. } = *link;
        Self { address, controller, remote, mode, key, binding }
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
    pub(crate) security: Protection<ListenSecurity>,
    pub(crate) open_within: Duration,
    pub(crate) check_every: Option<Duration>,
}

impl Listen {
    /// Listens at `at`. Port 0 lets the system choose; `Listening` tells what it chose.
    pub fn at(at: impl Into<HostPort>) -> Self {
        let (at, session, security) = (at.into(), None, Protection::new(ListenSecurity::clear()));
        Self { at, session, security, open_within: OPEN_WITHIN, check_every: None }
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
        Self { security: self.security.and(|it| it.with_encryption()), ..self }
    }

    /// Encrypts, and proves to whoever connects that this end owns `identity`. The connecting end names its public key with
    /// [`Connect::expect`].
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Self { security: self.security.and(|it| it.identity(identity)).identity_file(None), ..self }
    }

    /// As [`Listen::identity`], with the one that is kept in this file. It is read each time somebody begins to listen, so a
    /// file may come, and be replaced, while the program runs. When it cannot be had, [`NotListening`](crate::NotListening)
    /// comes and says why.
    ///
    /// The reactor's thread reads it, and waits for the disk: if it may lie on one that is slow, load it elsewhere with
    /// [`Identity::load`] and name it with [`Listen::identity`].
    #[must_use]
    pub fn identity_file(self, path: impl Into<PathBuf>) -> Self {
        Self { security: self.security.and(|it| it).identity_file(Some(path.into())), ..self }
    }

    /// Admits the owners of these keys, besides those named before, and nobody else. It needs [`Listen::identity`].
    #[must_use]
    pub fn allow(self, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { security: self.security.and(|it| it.allow(keys)), ..self }
    }

    /// Admits whoever proves to own a key, whichever it is: a session sees it in its [`Peer`] and decides. It needs
    /// [`Listen::identity`].
    #[must_use]
    pub fn allow_anybody(self) -> Self {
        Self { security: self.security.and(ListenSecurity::allow_anybody), ..self }
    }

    /// Lets only ends of the same realm open a link, see [`ListenSecurity::realm`]. It needs an option that encrypts.
    #[must_use]
    pub fn realm(self, realm: impl Into<Arc<str>>) -> Self {
        Self { security: self.security.and(|it| it.realm(realm)), ..self }
    }

    /// All that can be said about keys, as a value: **instead of** the other options about keys. Named besides one of them, or
    /// twice, it is a [`SecurityError::Contradiction`](crate::link::SecurityError::Contradiction), told as
    /// [`NotListening`](crate::NotListening): nothing that was named is thrown away.
    ///
    /// ```
    /// use statepoint::link::{Identity, ListenSecurity};
    /// use statepoint::{HostPort, Listen};
    ///
    /// let own = Identity::generate()?;
    /// let security = ListenSecurity::default().identity(own).allow_anybody().realm("lab");
    /// let listen = Listen::at(HostPort::new("127.0.0.1", 32011)).security(security);
    /// # let _ = listen;
    /// # Ok::<(), statepoint::wire::LinkError>(())
    /// ```
    #[must_use]
    pub fn security(self, security: ListenSecurity) -> Self {
        Self { security: self.security.whole(security), ..self }
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
    pub(crate) security: Protection<ConnectSecurity>,
    pub(crate) check_every: Option<Duration>,
}

impl Connect {
    /// Connects to `to`.
    pub fn to(to: impl Into<HostPort>) -> Self {
        let (to, within, session) = (to.into(), Duration::from_secs(10), None);
        Self { to, within, session, security: Protection::new(ConnectSecurity::clear()), check_every: None }
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
        Self { security: self.security.and(|it| it.with_encryption()), ..self }
    }

    /// Encrypts, and only the owner of `key` may answer. Up to four keys can be named, for a server whose key changes.
    #[must_use]
    pub fn expect(self, key: PublicKey) -> Self {
        Self { security: self.security.and(|it| it.expect(key)), ..self }
    }

    /// Encrypts, and whoever answers first is written down as the only one who may answer there later. Whoever stands between
    /// the ends at that first time stays there unnoticed: [`Self::expect`] is better wherever it is possible.
    #[must_use]
    pub fn trust_on_first_use(self, known: &KnownKeys) -> Self {
        Self { security: self.security.and(|it| it.trust_on_first_use(known)), ..self }
    }

    /// Proves to the other end, once that has proven who it is, that this end owns `identity`.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Self { security: self.security.and(|it| it.identity(identity)).identity_file(None), ..self }
    }

    /// As [`Connect::identity`], with the one that is kept in this file. It is read at each attempt, so a file may come, and
    /// be replaced, while the program runs. When it cannot be had, [`NotConnected`](crate::NotConnected) comes and says why.
    ///
    /// The reactor's thread reads it, and waits for the disk: if it may lie on one that is slow, load it elsewhere with
    /// [`Identity::load`] and name it with [`Connect::identity`].
    #[must_use]
    pub fn identity_file(self, path: impl Into<PathBuf>) -> Self {
        Self { security: self.security.and(|it| it).identity_file(Some(path.into())), ..self }
    }

    /// As [`Connect::trust_on_first_use`], with the book that is kept in this file; a new one if there is none. It is opened at
    /// the first attempt, and at each one after that until it can be. While it cannot, [`NotConnected`](crate::NotConnected)
    /// comes and says why. Clones share the book that was opened, and what it knows stays when the file goes; so keep one and
    /// clone it, for each call names a book that has to be opened anew.
    ///
    /// The reactor's thread reads and writes it, and waits for the disk.
    #[must_use]
    pub fn known_keys_file(self, path: impl Into<PathBuf>) -> Self {
        Self { security: self.security.and(|it| it).known_keys_file(path.into()), ..self }
    }

    /// Lets only ends of the same realm open a link, see [`ListenSecurity::realm`]. It needs an option that encrypts.
    #[must_use]
    pub fn realm(self, realm: impl Into<Arc<str>>) -> Self {
        Self { security: self.security.and(|it| it.realm(realm)), ..self }
    }

    /// All that can be said about keys, as a value: **instead of** the other options about keys. Named besides one of them, or
    /// twice, it is a [`SecurityError::Contradiction`](crate::link::SecurityError::Contradiction), told as
    /// [`NotConnected`](crate::NotConnected): nothing that was named is thrown away.
    #[must_use]
    pub fn security(self, security: ConnectSecurity) -> Self {
        Self { security: self.security.whole(security), ..self }
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
