//! Lists and maps say at their beginning how many elements they have, and whoever decodes them makes room for these.

use rmp::Marker;

/// Whether a list or map in these bytes of MessagePack announces more elements than there are bytes behind its beginning.
///
/// serde makes room for what is announced, a mebibyte of it at the most, and so does each list in a list: a few hundred bytes
/// could take 64 MiB. Elements follow each other, those of inner lists too, so that one look at each is enough. Bytes that are
/// broken in another way are left to the decoder.
pub(crate) fn exceeds(mut bytes: &[u8]) -> bool {
    while let Some((first, rest)) = bytes.split_first() {
        let (count, behind) = match Marker::from_u8(*first) {
            Marker::FixArray(count) => (u64::from(count), Some(rest)),
            Marker::FixMap(count) => (2 * u64::from(count), Some(rest)),
            Marker::Array16 => number::<2>(rest),
            Marker::Array32 => number::<4>(rest),
            Marker::Map16 => twice(number::<2>(rest)),
            Marker::Map32 => twice(number::<4>(rest)),
            marker => (0, scalar(marker, rest)),
        };
        let Some(behind) = behind else { return false };
        if count > behind.len() as u64 {
            return true;
        }
        bytes = behind;
    }
    false
}

/// What is behind a value that has no elements; `None` when it is cut.
fn scalar(marker: Marker, rest: &[u8]) -> Option<&[u8]> {
    // An extension has a byte for its type.
    let (length, rest) = match marker {
        Marker::FixStr(length) => (u64::from(length), Some(rest)),
        Marker::U8 | Marker::I8 => (1, Some(rest)),
        Marker::U16 | Marker::I16 => (2, Some(rest)),
        Marker::U32 | Marker::I32 | Marker::F32 => (4, Some(rest)),
        Marker::U64 | Marker::I64 | Marker::F64 => (8, Some(rest)),
        Marker::Str8 | Marker::Bin8 => number::<1>(rest),
        Marker::Str16 | Marker::Bin16 => number::<2>(rest),
        Marker::Str32 | Marker::Bin32 => number::<4>(rest),
        Marker::FixExt1 => (2, Some(rest)),
        Marker::FixExt2 => (3, Some(rest)),
        Marker::FixExt4 => (5, Some(rest)),
        Marker::FixExt8 => (9, Some(rest)),
        Marker::FixExt16 => (17, Some(rest)),
        Marker::Ext8 => one_more(number::<1>(rest)),
        Marker::Ext16 => one_more(number::<2>(rest)),
        Marker::Ext32 => one_more(number::<4>(rest)),
        _ => (0, Some(rest)),
    };
    rest?.get(usize::try_from(length).ok()?..)
}

/// A big-endian number of so many bytes, and what is behind it.
fn number<const SIZE: usize>(bytes: &[u8]) -> (u64, Option<&[u8]>) {
    match bytes.split_first_chunk::<SIZE>() {
        Some((number, behind)) => (number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), Some(behind)),
        None => (0, None),
    }
}

fn twice((number, behind): (u64, Option<&[u8]>)) -> (u64, Option<&[u8]>) {
    (2 * number, behind)
}

fn one_more((number, behind): (u64, Option<&[u8]>)) -> (u64, Option<&[u8]>) {
    (number + 1, behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_and_map_must_have_room_for_what_it_announces() {
        let cases: [(&[u8], bool); 14] = [
            (&[], false),
            (&[0x92, 1, 2], false),
            (&[0x93, 1, 2], true),
            (&[0x81, 1, 2], false),
            (&[0x82, 1, 2], true),
            (&[0xdc, 0, 2, 1, 2], false),
            (&[0xdc, 0, 3, 1, 2], true),
            (&[0xdd, 0xff, 0xff, 0xff, 0xff], true),
            (&[0xde, 0, 1, 1, 2], false),
            (&[0xdf, 0x80, 0, 0, 1, 1, 2], true),
            // In a list behind a text, a number, an extension.
            (&[0x94, 0xa2, b'h', b'i', 0xcd, 1, 2, 0xd4, 1, 7, 0x92, 1], true),
            (&[0x94, 0xa2, b'h', b'i', 0xcd, 1, 2, 0xd4, 1, 7, 0x91, 1], false),
            // What looks like a list is a part of a text; a text is cut.
            (&[0x91, 0xd9, 2, 0xdd, 0xff], false),
            (&[0x91, 0xdb, 0xff, 0xff, 0xff, 0xff, 0xdd], false),
        ];
        for (bytes, expected) in cases {
            assert_eq!(exceeds(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn whatever_is_encoded_has_room_and_is_walked_to_its_end() {
        use std::collections::BTreeMap;
        let lists: Vec<_> = [0, 1, 15, 16, 300, 70_000].map(|length| vec![length; length]).into();
        let maps: Vec<BTreeMap<usize, (f64, String)>> = [0, 1, 15, 16, 300, 70_000]
            .map(|length| (0..length).map(|key| (key, (0.5, "x".repeat(key % 300)))).collect())
            .into();
        let mut bytes =
            rmp_serde::to_vec(&(lists, maps, -1i64, i64::MIN, u64::MAX, true, ())).expect("it can be written");
        assert!(!exceeds(&bytes));
        // It has come to the end only if it finds a list there.
        bytes.push(0x91);
        assert!(exceeds(&bytes));
    }
}
