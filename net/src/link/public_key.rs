//! Keys that everybody may know.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Serialize, Serializer};

use super::base32::{self, Flaw};

const PURPOSE: &[u8] = b"FSM-LINK public key";

/// By what an end of a link is known. It may be shown to anybody; compare it over a way that an attacker cannot change.
///
/// As text it has 56 letters and digits, a checksum of 24 bits among them, so that a slip in copying is found. serde writes
/// it as that text. Each key has exactly one spelling, as bytes and as text.
///
/// ```
/// use statepoint::link::{Identity, PublicKey, Seed};
///
/// let key = Identity::from_seed(Seed::from_bytes([7; 32])).public_key();
/// let text = key.to_string();
/// assert_eq!(text, "co7e72xk6icmp7jtld6jyadsdca5c5bhqeuce7wgotzx677jpnwtd5yr");
/// assert_eq!(text.parse::<PublicKey>()?, key);
/// assert!(text.replace("co7e", "c07e").parse::<PublicKey>().is_err());
/// # Ok::<(), statepoint::link::NoPublicKey>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key with these bytes.
    ///
    /// # Errors
    ///
    /// [`NoPublicKey::Unsafe`]: no honest end has such a key. What is agreed on with one of the few points of small order
    /// would be known to everybody, and a point that is spelt in two ways would pass lists that name it in the other.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, NoPublicKey> {
        let [first, middle @ .., last] = &bytes;
        let has_spare_bit = last & 0x80 != 0;
        // The prime is ed ff .. ff 7f; the number below it has a small order, all from it on are other spellings.
        let near_prime = *first >= 0xec && middle.iter().all(|byte| *byte == 0xff) && *last == 0x7f;
        let zero_or_one = *first < 2 && middle.iter().chain([last]).all(|byte| *byte == 0);
        if has_spare_bit || near_prime || zero_or_one || ORDER_8.contains(&bytes) {
            return Err(NoPublicKey::Unsafe);
        }
        Ok(Self(bytes))
    }

    /// Its bytes, the only ones that this key has.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What this program has computed from a secret needs no check.
    pub(super) const fn computed(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The points of order 8.
const ORDER_8: [[u8; 32]; 2] = [
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
        0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
];

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&base32::encode(PURPOSE, &self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = NoPublicKey;

    fn from_str(text: &str) -> Result<Self, NoPublicKey> {
        let bytes = base32::decode(PURPOSE, text.as_bytes()).map_err(|flaw| match flaw {
            Flaw::Length(got) => NoPublicKey::Length { got },
            Flaw::Letter(at) => NoPublicKey::Letter { at },
            Flaw::Checksum => NoPublicKey::Checksum,
        })?;
        Self::from_bytes(*bytes)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = PublicKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the 56 letters of a public key")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PublicKey, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text).map_err(D::Error::custom)
    }
}

/// The bytes or the text are no public key. Whoever wrote them is to blame.
///
/// The text itself is not shown: it may have been a secret, pasted at the wrong place.
///
/// ```
/// use statepoint::link::{NoPublicKey, PublicKey};
///
/// assert_eq!("abc".parse::<PublicKey>(), Err(NoPublicKey::Length { got: 3 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoPublicKey {
    /// The text is too short or too long.
    Length {
        /// How many bytes it has.
        got: usize,
    },
    /// Something else than a to z and 2 to 7.
    Letter {
        /// Which letter, the first is 0.
        at: usize,
    },
    /// The checksum disagrees: a letter is wrong, or it is a key of another kind.
    Checksum,
    /// A key that would make a link unsafe.
    Unsafe,
}

impl fmt::Display for NoPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got } => write!(f, "expected the {} letters of a public key, got {got}", base32::TEXT),
            Self::Letter { at } => {
                write!(f, "expected a letter a to z or a digit 2 to 7, got something else as letter {}", at + 1)
            }
            Self::Checksum => f.write_str(
                "expected a public key, got letters whose checksum is wrong; copy it again, and take no secret for it",
            ),
            Self::Unsafe => f.write_str("expected the public key of an honest end, got one that nobody can own alone"),
        }
    }
}

impl std::error::Error for NoPublicKey {}
