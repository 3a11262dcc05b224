//! The secret by which an end proves who it is, and where it is kept.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::base32;
use super::key_file::{self, Closed, KeyFileError};
use super::public_key::PublicKey;
use super::suite::Secret;
use crate::wire::LinkError;

const PURPOSE: &[u8] = b"FSM-LINK identity";
const HEADING: &[u8] = b"statepoint-identity-1 ";
const FILE: usize = HEADING.len() + base32::TEXT + 1;

/// 32 secret random bytes for one key: the ephemeral key of one connection, or an identity. It can be used only once.
///
/// Randomness is an argument: nothing else in a link asks the system for any, so a simulated world repeats itself.
///
/// ```
/// use statepoint::link::{Identity, Seed};
///
/// let identity = Identity::from_seed(Seed::random()?);
/// assert_ne!(identity, Identity::generate()?);
/// # Ok::<(), statepoint::wire::LinkError>(())
/// ```
#[derive(Debug)]
pub struct Seed(Secret);

impl Seed {
    /// From the system's generator of random numbers.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoRandomness`]: the system has none to give.
    pub fn random() -> Result<Self, LinkError> {
        Secret::random().map(Self)
    }

    /// These bytes, for simulations and tests. Elsewhere they must come from a generator made for secrets, and **never be
    /// used for a second connection**: who sees two links with the same seed can open one with the other.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(&Zeroizing::new(bytes)))
    }

    pub(super) fn into_secret(self) -> Secret {
        self.0
    }
}

/// By what an end proves who it is. Its public half may be shown to anybody, the other half never leaves the process.
///
/// Clones share the one secret, which is wiped when the last of them is dropped. Two are equal when their public keys are. Use
/// it for nothing but links of this package.
///
/// ```
/// use statepoint::link::Identity;
///
/// let directory = std::env::temp_dir().join(format!("identity-{}", std::process::id()));
/// std::fs::create_dir_all(&directory)?;
/// let path = directory.join("server.key");
/// let made = Identity::load_or_create(&path)?;
/// let loaded = Identity::load_or_create(&path)?;
/// assert_eq!(made.public_key(), loaded.public_key());
/// assert_eq!(format!("{made:?}"), format!("Identity({})", made.public_key()));
/// std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Identity(Arc<Keys>);

struct Keys {
    secret: Secret,
    public: PublicKey,
}

impl Identity {
    /// A new one, kept nowhere.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoRandomness`]: the system has none to give.
    pub fn generate() -> Result<Self, LinkError> {
        Seed::random().map(Self::from_seed)
    }

    /// The identity that follows from a seed.
    pub fn from_seed(seed: Seed) -> Self {
        let secret = seed.into_secret();
        let public = secret.public();
        Self(Arc::new(Keys { secret, public }))
    }

    /// The identity kept in this file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, others than its owner can read or write it, it belongs neither to root nor to the user of the
    /// process, or there is something else in it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let bytes = key_file::read(path, Closed::ToReaders, FILE)?;
        let text = bytes.strip_prefix(HEADING).and_then(|text| text.strip_suffix(b"\n"));
        let secret = text.and_then(|text| base32::decode(PURPOSE, text).ok());
        let secret = secret.ok_or(KeyFileError::Content { path: path.into(), line: 1, expected: "an identity" })?;
        Ok(Self::from_seed(Seed(Secret::new(&secret))))
    }

    /// The identity kept in this file; if there is no file, a new one is made and written there, for its owner only.
    ///
    /// Several processes may do this at once and get the same identity.
    ///
    /// The file is written under another name first: its own, `.new-` and the public key. A crash in between can leave that
    /// behind, closed to others as the file itself. If it has become the file, it is removed here the next time; if not, it has
    /// a key that nobody has ever used, and may be deleted.
    ///
    /// # Errors
    ///
    /// As [`Self::load`]; or the file cannot be written, or there is no randomness. A file that is there is never replaced.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        match Self::load(path) {
            Err(KeyFileError::System { kind: io::ErrorKind::NotFound, .. }) => {}
            Err(error) => return Err(error),
            Ok(identity) => {
                // Where it cannot be removed the identity is good all the same.
                let _ = key_file::remove_draft(path, &identity.public_key().to_string());
                return Ok(identity);
            }
        }
        let identity = Self::generate().map_err(|_| KeyFileError::NoRandomness)?;
        let secret = base32::encode(PURPOSE, &identity.secret().bytes());
        let content = Zeroizing::new([HEADING, secret.as_bytes(), b"\n"].concat());
        let draft = identity.public_key().to_string(); // random, so nobody else's
        match key_file::write_new(path, &draft, &content) {
            Ok(()) => Ok(identity),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(KeyFileError::system(path, "write", &error)),
        }
    }

    /// By what others know this identity.
    pub fn public_key(&self) -> PublicKey {
        self.0.public
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.0.secret
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.public_key() == other.public_key()
    }
}

impl Eq for Identity {}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public_key())
    }
}
