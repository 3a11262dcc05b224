//! Whether a key that the peer has proven to own is one that this end wants to talk to.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::known_keys::{KnownKeys, NotRemembered};
use super::public_key::PublicKey;
use crate::wire::LinkError;

/// How many keys an error spells out.
const SPELT: usize = 4;

/// Whose keys this end accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// In this mode the peer proves none.
    NotAsked,
    /// These and no others.
    OneOf(Arc<BTreeSet<PublicKey>>),
    /// The key that was met first at this address.
    FirstUse(KnownKeys, Arc<str>),
    /// Any; who looks at the key later decides.
    Anybody,
}

/// How well the peer's key is known.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It was known before the connection.
    Known,
    /// It is new, and will be known if the link opens.
    New(KnownKeys, Arc<str>),
    /// Nobody has vouched for it, or there is none.
    Unproven,
}

impl Trust {
    /// What to make of a key whose owner the peer is.
    pub(super) fn judge(&self, key: &PublicKey) -> Result<Standing, LinkError> {
        match self {
            Self::OneOf(keys) if keys.contains(key) => Ok(Standing::Known),
            Self::OneOf(keys) => Err(LinkError::WrongKey { expected: spell(keys), got: *key }),
            Self::FirstUse(known, address) => match known.get(address) {
                None => Ok(Standing::New(known.clone(), Arc::clone(address))),
                Some(first) if first == *key => Ok(Standing::Known),
                Some(first) => changed(known, address, first, *key),
            },
            Self::Anybody | Self::NotAsked => Ok(Standing::Unproven),
        }
    }
}

impl Standing {
    /// The link opens: a new key is written down.
    pub(super) fn confirm(self, key: Option<PublicKey>) -> Result<(), LinkError> {
        match (self, key) {
            (Self::New(known, address), Some(key)) => known.remember(&address, key).map_err(|error| match error {
                NotRemembered::OtherKey { known, .. } => other_than(known, key),
                NotRemembered::File(error) => LinkError::NotRemembered { reason: error.to_string() },
            }),
            _ => Ok(()),
        }
    }
}

/// The key is not the one that was met first: somebody may have written so into the file of known keys meanwhile.
fn changed(known: &KnownKeys, address: &str, first: PublicKey, got: PublicKey) -> Result<Standing, LinkError> {
    match known.get_anew(address) {
        Ok(Some(now)) if now == got => Ok(Standing::Known),
        Ok(now) => Err(other_than(now.unwrap_or(first), got)),
        // Whoever has changed the line should learn why it does not help.
        Err(error) => {
            Err(LinkError::WrongKey { expected: format!("the key {first}, which was met there first ({error})"), got })
        }
    }
}

/// What to do when the peer was set up anew.
const HINT: &str = " (to accept another one change its line in the file of known keys)";

fn other_than(first: PublicKey, got: PublicKey) -> LinkError {
    LinkError::WrongKey { expected: format!("the key {first}, which was met there first{HINT}"), got }
}

fn spell(keys: &BTreeSet<PublicKey>) -> String {
    let texts: Vec<String> = keys.iter().map(PublicKey::to_string).collect();
    match &texts[..] {
        [] => "one of no keys at all".into(),
        [one] => format!("the key {one}"),
        few if few.len() <= SPELT => format!("one of the keys {}", few.join(", ")),
        many => format!("one of {} keys", many.len()),
    }
}
