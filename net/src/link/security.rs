//! How a link is to be protected: what users set at either end.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::handshake::Handshake;
use super::identity::{Identity, Seed};
use super::known_keys::{KnownKeys, check_address};
use super::preamble::{End, LEAST_LIMIT, Mode, PREAMBLE, Preamble, Reason};
use super::public_key::PublicKey;
use super::record::{Epochs, REKEY_RECORDS};
use super::secured::Secured;
use super::trust::{Standing, Trust};
use crate::wire::{FrameLimit, Link, LinkError};

/// How many keys one address may have.
const PINS: usize = 4;

/// How long a realm may be, in bytes.
const REALM: usize = 255;

/// What the protocol itself needs to know, at either end.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) realm: Arc<str>,
    pub(super) identity: Option<Identity>,
    pub(super) trust: Trust,
    pub(super) epochs: Epochs,
}

impl Settings {
    /// What to make of the key that the peer has proven to own.
    pub(super) fn judge(&self, key: &PublicKey) -> Result<Standing, LinkError> {
        if self.identity.as_ref().is_some_and(|own| own.public_key() == *key) {
            return Err(LinkError::WrongKey { expected: "a key other than this end's own".into(), got: *key });
        }
        self.trust.judge(key)
    }

    /// What to say when the peer does not trust this end's key.
    pub(super) fn refused_key(&self) -> String {
        let own = self.identity.as_ref().map_or_else(String::new, |own| format!(" {}", own.public_key()));
        format!("the peer expects another key than this end's{own}")
    }
}

/// What both builders collect.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Common {
    encrypted: bool,
    identity: Option<Identity>,
    realm: Arc<str>,
    epochs: Epochs,
}

impl Common {
    fn new(encrypted: bool) -> Self {
        Self { encrypted, identity: None, realm: "".into(), epochs: Epochs::new(REKEY_RECORDS) }
    }

    fn check(&self, is_protected: bool) -> Result<(), SecurityError> {
        let got = self.realm.len();
        if got > REALM {
            return Err(SecurityError::RealmTooLong { got, limit: REALM });
        }
        if got > 0 && !is_protected { Err(SecurityError::RealmInClear) } else { Ok(()) }
    }

    fn handshake(&self, end: End, mode: Mode, trust: Trust, limit: FrameLimit, seed: Seed) -> Handshake {
        let (realm, identity) = (Arc::clone(&self.realm), self.identity.clone());
        let settings = Settings { mode, realm, identity, trust, epochs: self.epochs };
        // A smaller limit cannot be announced. The decoder behind the link still keeps to it.
        let limit = LEAST_LIMIT.max(limit.bytes() as u32);
        Handshake::new(end, settings, limit, seed.into_secret())
    }
}

/// How a listening end protects its connections.
///
/// | setting | mode | who can connect |
/// |---|---|---|
/// | [`clear`](Self::clear) | [`Mode::Clear`] | anybody |
/// | [`encrypted`](Self::encrypted) | [`Mode::Encrypted`] | anybody; a man in the middle is not noticed |
/// | [`identity`](Self::identity) | [`Mode::ServerAuthenticated`] | anybody, who then knows this end by its key |
/// | `identity` and [`allow`](Self::allow) | [`Mode::Mutual`] | the owners of these keys |
/// | `identity` and [`allow_anybody`](Self::allow_anybody) | [`Mode::Mutual`] | whoever has a key; the session sees it and decides |
///
/// Both ends must be set to the same mode. One that asks for another is refused, and told why; nothing is ever done with less
/// than what was set.
///
/// ```
/// use statepoint::link::{Identity, ListenSecurity, Mode, Seed};
///
/// let friend = Identity::from_seed(Seed::from_bytes([1; 32])).public_key();
/// let own = Identity::generate()?;
/// let security = ListenSecurity::clear().identity(own).allow([friend]);
/// assert_eq!(security.mode(), Mode::Mutual);
/// assert_eq!(security.check(), Ok(()));
/// # Ok::<(), statepoint::wire::LinkError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenSecurity {
    common: Common,
    allowed: Option<Arc<BTreeSet<PublicKey>>>,
    anybody: bool,
}

/// Clear.
impl Default for ListenSecurity {
    fn default() -> Self {
        Self::clear()
    }
}

impl ListenSecurity {
    /// Nothing is protected.
    pub fn clear() -> Self {
        Self { common: Common::new(false), allowed: None, anybody: false }
    }

    /// Against listeners on the way. **Nobody is authenticated**: a man in the middle is not noticed.
    pub fn encrypted() -> Self {
        Self { common: Common::new(true), ..Self::clear() }
    }

    /// The same settings, encrypted at the least.
    pub(crate) fn with_encryption(mut self) -> Self {
        self.common.encrypted = true;
        self
    }

    /// Proves to every connector that this end owns `identity`.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.common.identity = Some(identity);
        self
    }

    /// Admits the owners of these keys, besides those named before, and nobody else. No keys: nobody.
    #[must_use]
    pub fn allow(mut self, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Arc::make_mut(self.allowed.get_or_insert_default()).extend(keys);
        self
    }

    /// Admits whoever proves to own a key, whichever it is: the peer's key is known, and to be decided by later.
    #[must_use]
    pub fn allow_anybody(mut self) -> Self {
        self.anybody = true;
        self
    }

    /// Lets only ends of the same realm open a protected link, so that two systems that share keys do not mix. At most 255
    /// bytes, compared as they are. Not a password: it can be guessed. To the other end a wrong realm looks like tampering.
    /// A link in the mode [`Mode::Clear`] cannot have one: [`SecurityError::RealmInClear`].
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.common.realm = realm.into();
        self
    }

    /// New keys after so many records: 1,024 to 1,048,576.
    #[doc(hidden)]
    #[must_use]
    pub fn rekey_after(mut self, records: u64) -> Self {
        self.common.epochs = Epochs::new(records);
        self
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn epochs(mut self, epochs: Epochs) -> Self {
        self.common.epochs = epochs;
        self
    }

    /// What it comes to.
    pub fn mode(&self) -> Mode {
        match (self.asks_for_keys(), self.common.identity.is_some()) {
            (true, _) => Mode::Mutual,
            (false, true) => Mode::ServerAuthenticated,
            (false, false) if self.common.encrypted => Mode::Encrypted,
            (false, false) => Mode::Clear,
        }
    }

    /// The key that connectors are to expect, if this end has one.
    pub fn public_key(&self) -> Option<PublicKey> {
        self.common.identity.as_ref().map(Identity::public_key)
    }

    /// Whether the settings make sense together. [`Self::link`] asks this too; before listening one learns it sooner.
    ///
    /// # Errors
    ///
    /// They do not. Nothing weaker is tried instead.
    pub fn check(&self) -> Result<(), SecurityError> {
        self.check_with(false)
    }

    /// The same, when an identity is to come from a file.
    pub(crate) fn check_with(&self, identity_file: bool) -> Result<(), SecurityError> {
        let has_identity = identity_file || self.common.identity.is_some();
        if self.anybody && self.allowed.is_some() {
            return Err(SecurityError::Contradiction);
        }
        if self.asks_for_keys() && !has_identity {
            return Err(SecurityError::NoIdentity);
        }
        self.common.check(has_identity || self.common.encrypted)
    }

    /// The link of one accepted connection. `limit` is the largest frame that this end accepts (1,024 bytes are announced if
    /// it is less), `seed` is fresh.
    ///
    /// # Errors
    ///
    /// The settings make no sense.
    pub fn link(&self, limit: FrameLimit, seed: Seed) -> Result<Box<dyn Link>, SecurityError> {
        Ok(Box::new(Secured::new(self.handshake(limit, seed)?)))
    }

    pub(super) fn handshake(&self, limit: FrameLimit, seed: Seed) -> Result<Handshake, SecurityError> {
        self.check()?;
        let trust = match &self.allowed {
            Some(allowed) => Trust::OneOf(Arc::clone(allowed)),
            None if self.anybody => Trust::Anybody,
            None => Trust::NotAsked,
        };
        Ok(self.common.handshake(End::Listener, self.mode(), trust, limit, seed))
    }

    /// What to write to a connection that cannot be served now, before it is closed. It costs no computation and needs no
    /// link.
    pub(crate) fn busy(&self) -> [u8; PREAMBLE] {
        Preamble::refusal(self.mode(), Reason::Busy).encode()
    }

    fn asks_for_keys(&self) -> bool {
        self.anybody || self.allowed.is_some()
    }
}

/// How a connecting end protects its connection, and whom it expects at the other end.
///
/// | setting | mode | who may answer |
/// |---|---|---|
/// | [`clear`](Self::clear) | [`Mode::Clear`] | anybody |
/// | [`encrypted`](Self::encrypted) | [`Mode::Encrypted`] | anybody; a man in the middle is not noticed |
/// | [`expect`](Self::expect) | [`Mode::ServerAuthenticated`] | the owner of that key |
/// | [`trust_on_first_use`](Self::trust_on_first_use) | [`Mode::ServerAuthenticated`] | whoever answered there first |
/// | one of these and [`identity`](Self::identity) | [`Mode::Mutual`] | the same; and this end is known by its key |
///
/// A key is expected at an address. There is no list of friends who may answer anywhere: each of them could then answer in
/// place of the others.
///
/// ```
/// use statepoint::link::{ConnectSecurity, Identity, Mode, SecurityError};
///
/// let (own, server) = (Identity::generate()?, Identity::generate()?);
/// let security = ConnectSecurity::clear().expect(server.public_key());
/// assert_eq!(security.mode(), Mode::ServerAuthenticated);
/// assert_eq!(security.identity(own.clone()).mode(), Mode::Mutual);
///
/// // One's own name is not told to somebody unknown.
/// assert_eq!(ConnectSecurity::encrypted().identity(own).check(), Err(SecurityError::NobodyExpected));
/// # Ok::<(), statepoint::wire::LinkError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSecurity {
    common: Common,
    /// The keys that were named, in their order.
    expected: Vec<PublicKey>,
    first_use: Option<KnownKeys>,
    anybody: bool,
}

/// Clear.
impl Default for ConnectSecurity {
    fn default() -> Self {
        Self::clear()
    }
}

impl ConnectSecurity {
    /// Nothing is protected.
    pub fn clear() -> Self {
        Self { common: Common::new(false), expected: Vec::new(), first_use: None, anybody: false }
    }

    /// Against listeners on the way. **Nobody is authenticated**: a man in the middle is not noticed.
    pub fn encrypted() -> Self {
        Self { common: Common::new(true), ..Self::clear() }
    }

    /// The same settings, encrypted at the least.
    pub(crate) fn with_encryption(mut self) -> Self {
        self.common.encrypted = true;
        self
    }

    /// Only the owner of `key` may answer. Up to four keys can be named, for an address whose key changes.
    #[must_use]
    pub fn expect(mut self, key: PublicKey) -> Self {
        if !self.expected.contains(&key) {
            self.expected.push(key);
        }
        self
    }

    /// The first key that is met at an address is written down, and later only its owner may answer there. Whoever stands
    /// between the ends at that first time stays there unnoticed: [`Self::expect`] is better wherever it is possible.
    #[must_use]
    pub fn trust_on_first_use(mut self, known: &KnownKeys) -> Self {
        self.first_use = Some(known.clone());
        self
    }

    /// Whoever has any key may answer. It is known afterwards, and worth nothing unless somebody compares it.
    #[must_use]
    pub fn trust_any_unauthenticated(mut self) -> Self {
        self.anybody = true;
        self
    }

    /// Proves to the peer, once it has proven who it is, that this end owns `identity`.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.common.identity = Some(identity);
        self
    }

    /// See [`ListenSecurity::realm`].
    #[must_use]
    pub fn realm(mut self, realm: impl Into<Arc<str>>) -> Self {
        self.common.realm = realm.into();
        self
    }

    /// New keys after so many records: 1,024 to 1,048,576.
    #[doc(hidden)]
    #[must_use]
    pub fn rekey_after(mut self, records: u64) -> Self {
        self.common.epochs = Epochs::new(records);
        self
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn epochs(mut self, epochs: Epochs) -> Self {
        self.common.epochs = epochs;
        self
    }

    /// What it comes to.
    pub fn mode(&self) -> Mode {
        match (self.common.identity.is_some(), self.expects_somebody()) {
            (true, _) => Mode::Mutual,
            (false, true) => Mode::ServerAuthenticated,
            (false, false) if self.common.encrypted => Mode::Encrypted,
            (false, false) => Mode::Clear,
        }
    }

    /// Whether the settings make sense together. [`Self::link`] asks this too; before connecting one learns it sooner.
    ///
    /// # Errors
    ///
    /// They do not. Nothing weaker is tried instead.
    pub fn check(&self) -> Result<(), SecurityError> {
        self.check_files((false, false))
    }

    /// The same, and whether the keys of this address could be remembered if they are to be.
    pub(crate) fn check_at(&self, address: &str) -> Result<(), SecurityError> {
        self.check_with(address, (false, false))
    }

    /// The same, when an identity, or the keys met first, are to come from a file.
    pub(crate) fn check_with(&self, address: &str, files: (bool, bool)) -> Result<(), SecurityError> {
        self.check_files(files)?;
        let remembers = files.1 || self.first_use.is_some();
        if remembers && !check_address(address) { Err(SecurityError::Address) } else { Ok(()) }
    }

    fn check_files(&self, (identity, known_keys): (bool, bool)) -> Result<(), SecurityError> {
        let has_identity = identity || self.common.identity.is_some();
        // Two books are two ways: the pins of one of them would not be looked at.
        let kinds = [!self.expected.is_empty(), known_keys, self.first_use.is_some(), self.anybody];
        let ways = kinds.into_iter().filter(|is_set| *is_set).count();
        if ways > 1 {
            return Err(SecurityError::Contradiction);
        }
        if self.expected.len() > PINS {
            return Err(SecurityError::TooManyKeys { got: self.expected.len(), limit: PINS });
        }
        if has_identity && ways == 0 {
            return Err(SecurityError::NobodyExpected);
        }
        self.common.check(ways > 0 || self.common.encrypted)
    }

    /// The link of one attempt to connect to `address`, which is the address as it was configured and not what it was
    /// resolved to. `limit` is the largest frame that this end accepts (1,024 bytes are announced if it is less), `seed` is
    /// fresh: each attempt has its own.
    ///
    /// # Errors
    ///
    /// The settings make no sense.
    pub fn link(&self, address: &str, limit: FrameLimit, seed: Seed) -> Result<Box<dyn Link>, SecurityError> {
        Ok(Box::new(Secured::new(self.handshake(address, limit, seed)?)))
    }

    pub(super) fn handshake(&self, address: &str, limit: FrameLimit, seed: Seed) -> Result<Handshake, SecurityError> {
        self.check_at(address)?;
        let trust = match &self.first_use {
            Some(known) => Trust::FirstUse(known.clone(), address.into()),
            None if self.anybody => Trust::Anybody,
            None if self.expected.is_empty() => Trust::NotAsked,
            None => Trust::OneOf(Arc::new(BTreeSet::from_iter(self.expected.iter().copied()))),
        };
        Ok(self.common.handshake(End::Connector, self.mode(), trust, limit, seed))
    }

    fn expects_somebody(&self) -> bool {
        !self.expected.is_empty() || self.first_use.is_some() || self.anybody
    }
}

/// Settings that make no sense together. Whoever made them is to blame.
///
/// ```
/// use statepoint::link::{ListenSecurity, SecurityError};
///
/// let error = ListenSecurity::encrypted().allow([]).check();
/// assert_eq!(error, Err(SecurityError::NoIdentity));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityError {
    /// A listening end wants to know who connects and has no identity of its own.
    NoIdentity,
    /// A connecting end would show its identity to somebody unknown.
    NobodyExpected,
    /// More keys are expected at one address than it can have.
    TooManyKeys {
        /// How many.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// More than one way to trust: certain keys, the first one met, anybody. Or
    /// [`Listen::security`](crate::Listen::security), [`Connect::security`](crate::Connect::security) besides other options
    /// about keys.
    Contradiction,
    /// A realm is named for a link that is not protected, where it would mean nothing.
    RealmInClear,
    /// The realm is too long.
    RealmTooLong {
        /// Its length in bytes.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// Keys cannot be remembered for this address: it is empty, too long, or has spaces or control characters.
    Address,
}

impl fmt::Display for SecurityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentity => {
                f.write_str("expected an identity of the listening end besides allowed keys, got none; name one (`--identity`)")
            }
            Self::NobodyExpected => f.write_str(
                "expected a key that the other end must have besides this end's identity, which is shown to nobody unknown, got \
                 none; name one (`--expect`), or keep the first one met (`--known-keys`)",
            ),
            Self::TooManyKeys { got, limit } => write!(f, "expected at most {limit} keys for one address, got {got}"),
            Self::Contradiction => f.write_str(
                "expected settings that go together, got several ways to trust the peer: certain keys (`--expect`), the first \
                 one met (`--known-keys`), anybody; or `security` besides other options about keys",
            ),
            Self::RealmInClear => {
                f.write_str("expected a protected link for a realm, got one in clear; encrypt it, or name no realm")
            }
            Self::RealmTooLong { got, limit } => write!(f, "expected a realm of at most {limit} bytes, got {got}"),
            Self::Address => f.write_str("expected an address without spaces of at most 512 bytes, got another"),
        }
    }
}

impl std::error::Error for SecurityError {}
