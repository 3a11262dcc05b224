//! Message names and their 64-bit ids, computed while compiling.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

/// The 64-bit hash of a message's name. It stands for the name wherever speed matters.
pub type MessageId = u64;

/// The id of a message name: 64-bit FNV-1a, as defined at <http://www.isthe.com/chongo/tech/comp/fnv/>.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// const HELLO: u64 = statepoint::message_id("hello_welcome.Hello");
/// assert_ne!(HELLO, statepoint::message_id("hello_welcome.Welcome"));
/// ```
pub const fn message_id(name: &str) -> MessageId {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

/// A message's name: text that lives as long as the program, or text that came over a connection.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::Name;
///
/// assert_eq!(*Name::from("hello_welcome.Hello"), *"hello_welcome.Hello");
/// ```
#[derive(Clone)]
pub enum Name {
    /// The name of a type of this program.
    Static(&'static str),
    /// A name that a peer spelt once for its connection.
    Shared(Arc<str>),
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl From<&'static str> for Name {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}

impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// A name without its module path: what people are shown.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The length of the default name of the type `name` in the module `path` (as `module_path!()` gives it).
pub const fn name_length(path: &str, name: &str) -> usize {
    let path = path.as_bytes();
    let mut length = name.len();
    let mut at = crate_end(path);
    while at < path.len() {
        if path[at] == b':' {
            at += 1; // the pair `::` becomes one dot
        }
        length += 1;
        at += 1;
    }
    length
}

/// The default name's bytes: the path without its crate, dots for `::`, a dot, the type.
///
/// `N` is what [`name_length`] gives.
pub const fn name_bytes<const N: usize>(path: &str, name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let (path, name) = (path.as_bytes(), name.as_bytes());
    let mut from = crate_end(path);
    let mut to = 0;
    // `crate_end` stands behind the crate's name: on `::` when there is a module, at the end otherwise.
    if from < path.len() {
        from += 2;
        while from < path.len() {
            if path[from] == b':' {
                bytes[to] = b'.';
                from += 1;
            } else {
                bytes[to] = path[from];
            }
            from += 1;
            to += 1;
        }
        bytes[to] = b'.';
        to += 1;
    }
    let mut at = 0;
    while at < name.len() {
        bytes[to + at] = name[at];
        at += 1;
    }
    bytes
}

/// The bytes of [`name_bytes`] as text.
pub const fn name_text(bytes: &'static [u8]) -> &'static str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a module path and a type name are UTF-8"),
    }
}

const fn crate_end(path: &[u8]) -> usize {
    let mut at = 0;
    while at < path.len() && path[at] != b':' {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_module_path_without_its_crate() {
        const BYTES: [u8; name_length("a_crate::b::c", "Deep")] = name_bytes("a_crate::b::c", "Deep");
        assert_eq!(name_text(&BYTES), "b.c.Deep");
    }

    #[test]
    fn a_type_in_the_crate_root_has_no_path() {
        const BYTES: [u8; name_length("a_crate", "Top")] = name_bytes("a_crate", "Top");
        assert_eq!(name_text(&BYTES), "Top");
    }
}
