//! The keys that were met first, by the addresses where they were met.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key_file::{self, Closed, KeyFileError};
use super::public_key::PublicKey;

/// No larger file is read, in bytes.
const FILE: usize = 1 << 20;

/// No longer address is written, in bytes.
const ADDRESS: usize = 512;

/// The keys of peers, by the address at which each was met first. For
/// [`trust_on_first_use`](super::ConnectSecurity::trust_on_first_use).
///
/// The file has a line for each: the address as it was configured, in small letters (names differ in nothing by capitals, so
/// `Server.lab:80` and `server.lab:80` are one address), a space, the key. Lines that begin with `#` and empty ones are
/// skipped. The file must belong to root or to the user of the process, and must not be writable by others.
///
/// **To accept another key for an address, change its line.** A process that runs reads the file when it is opened, before a
/// line is added, and once for each attempt that meets a key other than the known one: so the attempt after the change goes
/// well. The old key is taken until then; when it was stolen, start the process again. Several processes can share a file; two that meet the same address for the first time in the same moment may both
/// write, and the file is then refused if they met different keys.
///
/// **What a process knows it does not forget**, whatever becomes of the file: a line that is changed counts, one that is taken
/// out counts for processes that start later. A file that has gone is written anew, with all that this process knows, when the
/// next key is written down; until then, and where that is impossible, the keys that are known stay the only ones at their
/// addresses. So to forget everything, stop the processes before the file is deleted.
///
/// Clones are the same book.
///
/// ```
/// use statepoint::link::{Identity, KnownKeys};
///
/// let known = KnownKeys::in_memory();
/// let key = Identity::generate()?.public_key();
/// assert_eq!(known.get("server.lab:32011"), None);
/// known.remember("server.lab:32011", key)?;
/// assert_eq!(known.get("server.lab:32011"), Some(key));
/// assert!(known.remember("server.lab:32011", Identity::generate()?.public_key()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KnownKeys(Arc<Book>);

struct Book {
    path: Option<PathBuf>,
    keys: Mutex<BTreeMap<String, PublicKey>>,
}

impl KnownKeys {
    /// A book that is forgotten when the process ends.
    pub fn in_memory() -> Self {
        Self(Arc::new(Book { path: None, keys: Mutex::default() }))
    }

    /// The book in this file. A file that does not exist is an empty book; it is made when the first key is written down.
    ///
    /// # Errors
    ///
    /// The file cannot be read, others can write it, it belongs neither to root nor to the user of the process, or it is no such
    /// book.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyFileError> {
        let path = path.into();
        let keys = Mutex::new(read(&path)?.unwrap_or_default());
        Ok(Self(Arc::new(Book { path: Some(path), keys })))
    }

    /// The key that is known for this address.
    pub fn get(&self, address: &str) -> Option<PublicKey> {
        self.keys().get(&*folded(address)).copied()
    }

    /// The same, after the file was read again: somebody may have changed the line.
    pub(super) fn get_anew(&self, address: &str) -> Result<Option<PublicKey>, KeyFileError> {
        let mut keys = self.keys();
        if let Some(path) = &self.0.path {
            keys.extend(read(path)?.unwrap_or_default());
        }
        Ok(keys.get(&*folded(address)).copied())
    }

    /// Writes down that this key was met at this address. Nothing is written if that is known already.
    ///
    /// # Errors
    ///
    /// Another key is known for the address, or the file cannot be written. Nothing is remembered then.
    pub fn remember(&self, address: &str, key: PublicKey) -> Result<(), NotRemembered> {
        let mut keys = self.keys();
        let line = folded(address);
        let mut is_lost = false;
        if let Some(path) = &self.0.path {
            // Another process may have been here first.
            match read(path)? {
                Some(written) => keys.extend(written),
                None => is_lost = !keys.is_empty(),
            }
        }
        match keys.get(&*line) {
            Some(known) if *known == key => return Ok(()),
            Some(known) => return Err(NotRemembered::OtherKey { address: address.into(), known: *known }),
            None => {}
        }
        if let Some(path) = &self.0.path {
            if !check_address(address) {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "the address cannot be written in one line");
                return Err(KeyFileError::system(path, "write", &error).into());
            }
            let new = format!("{line} {key}\n");
            let written = if is_lost {
                let known: String = keys.iter().map(|(address, key)| format!("{address} {key}\n")).collect();
                let draft = format!("{key}-{}", std::process::id());
                key_file::write_new(path, &draft, format!("{known}{new}").as_bytes())
            } else {
                key_file::append(path, &new)
            };
            written.map_err(|error| KeyFileError::system(path, "write", &error))?;
        }
        keys.insert(line.into_owned(), key);
        Ok(())
    }

    /// Whoever panicked while it held this has at worst not remembered a key.
    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, PublicKey>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for KnownKeys {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KnownKeys {}

impl fmt::Debug for KnownKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownKeys").field("path", &self.0.path).field("keys", &self.keys().len()).finish()
    }
}

/// Whether an address can stand in such a file.
pub(super) fn check_address(address: &str) -> bool {
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    (1..=ADDRESS).contains(&address.len()) && !address.starts_with('#') && address.chars().all(is_plain)
}

/// Names are equal whatever letters are capitals in them.
fn folded(address: &str) -> Cow<'_, str> {
    match address.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(address.to_ascii_lowercase()),
        false => Cow::Borrowed(address),
    }
}

/// What is in the file. None: there is none.
fn read(path: &Path) -> Result<Option<BTreeMap<String, PublicKey>>, KeyFileError> {
    let bytes = match key_file::read(path, Closed::ToWriters, FILE) {
        Err(KeyFileError::System { kind: io::ErrorKind::NotFound, .. }) => return Ok(None),
        read => read?,
    };
    let content = |line: usize, expected| KeyFileError::Content { path: path.into(), line, expected };
    let text = std::str::from_utf8(&bytes).map_err(|_| content(1, "text"))?;
    let mut keys = BTreeMap::new();
    // A line that was not written to its end counts for nothing, and nothing may be written behind it.
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(content(text.lines().count(), "a whole line"));
    }
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let (address, key) = line.split_once(' ').ok_or_else(|| content(at + 1, "an address, a space and a key"))?;
        let key = key.parse().map_err(|_| content(at + 1, "a public key behind the address"))?;
        if keys.insert(folded(address).into_owned(), key).is_some_and(|other| other != key) {
            return Err(content(at + 1, "the only key of this address"));
        }
    }
    Ok(Some(keys))
}

/// Why a key was not written down.
///
/// ```
/// use statepoint::link::{Identity, KnownKeys, NotRemembered};
///
/// let known = KnownKeys::in_memory();
/// let (first, second) = (Identity::generate()?.public_key(), Identity::generate()?.public_key());
/// known.remember("a:1", first)?;
/// assert_eq!(known.remember("a:1", second), Err(NotRemembered::OtherKey { address: "a:1".into(), known: first }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRemembered {
    /// Another key is known for the address.
    OtherKey {
        /// The address.
        address: String,
        /// Its key.
        known: PublicKey,
    },
    /// The file is no good.
    File(KeyFileError),
}

impl From<KeyFileError> for NotRemembered {
    fn from(error: KeyFileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for NotRemembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKey { address, known } => write!(f, "expected the key {known} at {address}, got another"),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotRemembered {}
