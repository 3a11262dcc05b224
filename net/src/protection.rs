//! The options about keys, as they were named one after the other, and what they come to when there is an attempt.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

use crate::host_port::HostPort;
use crate::link::{ConnectSecurity, Identity, KnownKeys, ListenSecurity, SecurityError};
use crate::messages::Failure;

/// How a link is to be protected. Files are named here, and read by [`Protection::now`].
#[derive(Clone, Debug)]
pub(crate) struct Protection<S> {
    settings: S,
    named: Named,
    identity_file: Option<PathBuf>,
    known_keys: Option<KnownKeysFile>,
}

/// Which options have been named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Nothing,
    /// One thing at a time.
    Singly,
    /// All of it, as a value.
    Whole,
    /// Both, or two values: one of them would have to be thrown away.
    Both,
}

/// A book of keys that is opened at the first attempt. Clones share it, so that what was learned once stays when the file goes.
#[derive(Clone, Debug)]
struct KnownKeysFile {
    path: PathBuf,
    book: Rc<OnceCell<KnownKeys>>,
}

impl KnownKeysFile {
    fn book(&self) -> Result<&KnownKeys, Failure> {
        if let Some(book) = self.book.get() {
            return Ok(book);
        }
        let book = KnownKeys::open(&self.path).map_err(|error| Failure::no_key_file(&error))?;
        Ok(self.book.get_or_init(|| book))
    }
}

impl<S> Protection<S> {
    pub(crate) fn new(settings: S) -> Self {
        Self { settings, named: Named::Nothing, identity_file: None, known_keys: None }
    }

    /// One thing more.
    pub(crate) fn and(self, add: impl FnOnce(S) -> S) -> Self {
        let named = match self.named {
            Named::Nothing | Named::Singly => Named::Singly,
            Named::Whole | Named::Both => Named::Both,
        };
        Self { settings: add(self.settings), named, ..self }
    }

    /// All of it.
    pub(crate) fn whole(self, settings: S) -> Self {
        let named = if self.named == Named::Nothing { Named::Whole } else { Named::Both };
        Self { settings, named, ..self }
    }

    /// The identity is in this file, or none is.
    pub(crate) fn identity_file(self, path: Option<PathBuf>) -> Self {
        Self { identity_file: path, ..self }
    }

    /// The keys met first are in this file.
    pub(crate) fn known_keys_file(self, path: PathBuf) -> Self {
        Self { known_keys: Some(KnownKeysFile { path, book: Rc::default() }), ..self }
    }

    fn check_names(&self) -> Result<(), SecurityError> {
        if self.named == Named::Both { Err(SecurityError::Contradiction) } else { Ok(()) }
    }

    fn identity(&self) -> Result<Option<Identity>, Failure> {
        let load = |path| Identity::load(path).map_err(|error| Failure::no_key_file(&error));
        self.identity_file.as_ref().map(load).transpose()
    }
}

impl Protection<ListenSecurity> {
    /// What to listen with. Files are read, after all that does not need them was checked.
    pub(crate) fn now(&self) -> Result<ListenSecurity, Failure> {
        let wrong = |error| Failure::wrong_settings(&error);
        self.check_names().map_err(wrong)?;
        self.settings.check_with(self.identity_file.is_some()).map_err(wrong)?;
        let settings = self.settings.clone();
        Ok(match self.identity()? {
            Some(identity) => settings.identity(identity),
            None => settings,
        })
    }
}

impl Protection<ConnectSecurity> {
    /// What to connect to `to` with. Files are read, after all that does not need them was checked.
    pub(crate) fn now(&self, to: &HostPort) -> Result<ConnectSecurity, Failure> {
        let wrong = |error| Failure::wrong_settings(&error);
        self.check_names().map_err(wrong)?;
        let files = (self.identity_file.is_some(), self.known_keys.is_some());
        self.settings.check_with(&to.to_string(), files).map_err(wrong)?;
        let mut settings = self.settings.clone();
        if let Some(file) = &self.known_keys {
            settings = settings.trust_on_first_use(file.book()?);
        }
        Ok(match self.identity()? {
            Some(identity) => settings.identity(identity),
            None => settings,
        })
    }
}
