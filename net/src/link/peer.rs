//! What an open link knows about the peer.

use std::fmt;

use super::base32::letters;
use super::preamble::Mode;
use super::public_key::PublicKey;
use super::suite::Hash;
use crate::wire::FrameLimit;

/// What a link knows about its peer once it is open. From [`Link::peer`](crate::wire::Link::peer); the example of the
/// [module](super) has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkPeer {
    /// What the link protects.
    pub mode: Mode,
    /// The largest frame that the peer accepts, without its length.
    pub frame_limit: FrameLimit,
    /// The peer's key, which it has proven to own. None in modes in which it proves none.
    pub key: Option<PublicKey>,
    /// What names this one connection. None in a clear link.
    pub binding: Option<Binding>,
}

/// A name of one connection that is the same at both its ends, and at no two ends of different connections.
///
/// It is **public**: never a key, a password or a token. Two people who read its 20 letters to each other, and find them
/// equal, know that nobody stands between the ends, also when neither end has an identity. It shows as these letters, 100
/// bits of it; fewer are not enough.
///
/// ```
/// use statepoint::link::{ConnectSecurity, Seed};
/// use statepoint::wire::FrameLimit;
///
/// let link = ConnectSecurity::encrypted().link("a:1", FrameLimit::default(), Seed::random()?)?;
/// assert_eq!(link.peer().and_then(|peer| peer.binding), None); // not open yet
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding(pub(super) Hash);

impl Binding {
    /// All of it.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in letters(&self.0).chars().take(20).enumerate() {
            let dash = if at % 5 == 0 && at > 0 { "-" } else { "" };
            write!(f, "{dash}{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({self})")
    }
}
