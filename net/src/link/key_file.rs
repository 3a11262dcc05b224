//! Files with keys in them: small, and writable (secrets: readable) by their owner only.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// What is wrong with a file of keys. The system, or whoever made the file, is to blame.
///
/// ```
/// use std::path::Path;
/// use statepoint::link::{Identity, KeyFileError};
///
/// let error = Identity::load("/no/such/file").unwrap_err();
/// assert!(matches!(error, KeyFileError::System { .. }));
/// assert!(error.to_string().starts_with("expected to read the key file /no/such/file, got: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The system does not give or take the file.
    System {
        /// Which file.
        path: PathBuf,
        /// What was tried: "read", "write".
        operation: &'static str,
        /// What kind of error.
        kind: io::ErrorKind,
        /// What the system says.
        text: String,
    },
    /// Others than the owner may do with the file what only the owner should.
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to a user who is neither root nor the one whom the process runs for: that user may do with it what only the
    /// owner should.
    Owner {
        /// Which file.
        path: PathBuf,
        /// The number of the user whom it belongs to.
        owner: u32,
        /// The number of the user whom the process runs for.
        user: u32,
    },
    /// There is something else in it. What it is is not shown: it may be secret.
    Content {
        /// Which file.
        path: PathBuf,
        /// In which line, the first is 1; 0 when it is about the whole file.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The system gave no random bytes for a new key.
    NoRandomness,
}

impl KeyFileError {
    pub(super) fn system(path: &Path, operation: &'static str, error: &io::Error) -> Self {
        Self::System { path: path.into(), operation, kind: error.kind(), text: error.to_string() }
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { path, operation, kind, text } => {
                write!(f, "expected to {operation} the key file {}, got: {text}", path.display())?;
                // A new key helps only those whom somebody tells of it.
                match kind {
                    io::ErrorKind::NotFound if *operation == "read" => {
                        f.write_str("; `make_key` makes one, whose public key others must be told")
                    }
                    _ => Ok(()),
                }
            }
            Self::Permissions { path, mode } => {
                let path = path.display();
                write!(
                    f,
                    "expected a key file for its owner only, got mode {mode:03o}; if nobody has changed or seen it: "
                )?;
                write!(f, "chmod 600 {path}")
            }
            Self::Owner { path, owner, user } => {
                let path = path.display();
                write!(
                    f,
                    "expected a key file of the user {user} or of root, got one of the user {owner}; if nobody has changed or \
                     seen it: chown {user} {path}"
                )
            }
            Self::Content { path, line: 0, expected } => {
                write!(f, "expected the key file {} to be {expected}, got something else", path.display())
            }
            Self::Content { path, line, expected } => {
                write!(f, "expected {expected} in line {line} of the key file {}, got something else", path.display())
            }
            Self::NoRandomness => f.write_str("expected random bytes from the system for a new key, got none"),
        }
    }
}

impl std::error::Error for KeyFileError {}

/// Whom a file must be closed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Others may not read it.
    ToReaders,
    /// Others may read it and not write it.
    ToWriters,
}

impl Closed {
    /// The permission bits that others must not have.
    #[cfg(unix)]
    fn forbidden(self) -> u32 {
        match self {
            Self::ToReaders => 0o077,
            Self::ToWriters => 0o022,
        }
    }
}

/// Reads a whole file of at most `most` bytes. What is read is wiped when it is dropped.
pub(super) fn read(path: &Path, closed: Closed, most: usize) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let failed = |error: io::Error| KeyFileError::system(path, "read", &error);
    // To open a pipe would wait for somebody who writes into it.
    check_kind(path, &path.metadata().map_err(failed)?)?;
    let file = File::open(path).map_err(failed)?;
    check_permissions(path, &file, closed)?;
    // One byte more than allowed shows that it is too long. The buffer never grows, so no copy is left behind.
    let mut bytes = Zeroizing::new(vec![0; most + 1]);
    let mut length = 0;
    while length < bytes.len() {
        match (&file).read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    if length > most {
        return Err(KeyFileError::Content { path: path.into(), line: 0, expected: "much smaller" });
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), KeyFileError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(KeyFileError::Content { path: path.into(), line: 0, expected: "an ordinary file" })
}

/// Asks the open file, so that nobody can exchange it in between.
fn check_permissions(path: &Path, file: &File, closed: Closed) -> Result<(), KeyFileError> {
    let metadata = file.metadata().map_err(|error| KeyFileError::system(path, "read", &error))?;
    check_kind(path, &metadata)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & closed.forbidden() != 0 {
            return Err(KeyFileError::Permissions { path: path.into(), mode });
        }
        let (owner, user) = (metadata.uid(), user().map_err(|error| KeyFileError::system(path, "read", &error))?);
        if owner != 0 && owner != user {
            return Err(KeyFileError::Owner { path: path.into(), owner, user });
        }
    }
    #[cfg(not(unix))]
    let _ = closed;
    Ok(())
}

/// Whom the process runs for: the effective user. A new pipe belongs to that one, and needs no place in the file system. (The
/// system can be asked more directly, but not without unsafe code or another dependency.)
#[cfg(unix)]
fn user() -> io::Result<u32> {
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt;
    let (reader, _writer) = io::pipe()?;
    Ok(File::from(OwnedFd::from(reader)).metadata()?.uid())
}

/// Writes a new file, whole or not at all; `AlreadyExists` if somebody was there before. Nobody else writes under the same
/// `draft`, a word that goes into the name of a file beside it.
pub(super) fn write_new(path: &Path, draft: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path, draft)?;
    let written = open_private(OpenOptions::new().write(true).create_new(true), &draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        // Unlike renaming, this replaces nothing.
        .and_then(|()| std::fs::hard_link(&draft, path));
    let removed = remove(&draft);
    written?;
    sync_names(path);
    removed
}

/// Removes the draft of a file that was written as a whole: who wrote it has crashed before it could.
pub(super) fn remove_draft(path: &Path, draft: &str) -> io::Result<()> {
    remove(&draft_of(path, draft)?)
}

fn draft_of(path: &Path, draft: &str) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
    name.push(format!(".new-{draft}"));
    Ok(path.with_file_name(name))
}

/// It may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
        .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// A file that was made keeps its name through a crash of the system. Not every file system can promise that, and the file is
/// good all the same.
fn sync_names(path: &Path) {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Appends a line in one write. Both the line and the file that may have been made for it outlast a crash behind it.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = open_private(OpenOptions::new().append(true).create(true), path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    sync_names(path);
    Ok(())
}

/// If it makes the file, only the owner may read it.
fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
