//! Extensions of MessagePack: values that no plain number or text can be mistaken for.
//!
//! | type | bytes | stands for |
//! |---|---|---|
//! | 1 | two | an [`Address`](crate::Address), by its index in the list beside the body |
//! | 2 | one, two or four | a [`Node`](crate::Node), by its index in the graph around it |
//!
//! Numbers are in network byte order. To serde an extension is a newtype around the pair (type, bytes), also in serde's own
//! buffer behind `flatten` and untagged enums.

use core::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// The name by which rmp-serde knows a newtype as an extension.
const NAME: &str = "_ExtStruct";

/// What an extension holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) kind: i8,
    bytes: [u8; 4],
    length: usize,
}

impl Extension {
    /// An extension with at most four bytes; further ones are left out.
    pub(crate) fn new(kind: i8, bytes: &[u8]) -> Self {
        let mut extension = Self { kind, bytes: [0; 4], length: bytes.len().min(4) };
        for (place, byte) in extension.bytes.iter_mut().zip(bytes) {
            *place = *byte;
        }
        extension
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Reads an extension where one should stand.
    pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, Reader(expected))
    }

    /// Reads the inside of an extension, where a decoder without a type has met one.
    pub(crate) fn read_inside<'de, D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
        Reader("an extension of MessagePack").visit_newtype_struct(inner)
    }
}

impl Serialize for Extension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Bytes<'a>(&'a [u8]);
        impl Serialize for Bytes<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }
        serializer.serialize_newtype_struct(NAME, &(self.kind, Bytes(self.bytes())))
    }
}

/// With what to tell whoever finds something else.
struct Reader(&'static str);

impl<'de> Visitor<'de> for Reader {
    type Value = Extension;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Extension, D::Error> {
        deserializer.deserialize_tuple(2, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Extension, A::Error> {
        let kind = pair.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let Few { bytes, length } = pair.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
        Ok(Extension { kind, bytes, length })
    }
}

/// At most four bytes.
struct Few {
    bytes: [u8; 4],
    length: usize,
}

impl<'de> Deserialize<'de> for Few {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtMostFour;
        impl Visitor<'_> for AtMostFour {
            type Value = Few;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the one to four bytes of an index")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Few, E> {
                if bytes.is_empty() || bytes.len() > 4 {
                    return Err(E::invalid_length(bytes.len(), &self));
                }
                let Extension { bytes, length, .. } = Extension::new(0, bytes);
                Ok(Few { bytes, length })
            }
        }
        deserializer.deserialize_bytes(AtMostFour)
    }
}
