//! Vectors, sets, maps, byte strings.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};

use serde_bytes::ByteBuf;
use statepoint::prelude::*;

use crate::trip::survive;

#[test]
fn vectors_and_arrays() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Vectors")]
    struct Vectors {
        empty: Vec<String>,
        nested: Vec<Vec<u16>>,
        long: Vec<u32>,
        array: [[i8; 3]; 2],
        ends: VecDeque<u8>,
        links: LinkedList<u8>,
        slice: Box<[u8]>,
    }
    survive([Vectors {
        empty: vec![],
        nested: vec![vec![], vec![1], vec![2, 3]],
        long: (0..100_000).collect(),
        array: [[1, 2, 3], [-1, -2, -3]],
        ends: [1, 2].into(),
        links: [3, 4].into(),
        slice: [5, 6].into(),
    }]);
}

#[test]
fn sets() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Sets")]
    struct Sets {
        ordered: BTreeSet<String>,
        hashed: HashSet<(u8, char)>,
        of_sets: BTreeSet<BTreeSet<u8>>,
    }
    survive([Sets {
        ordered: ["b", "a"].map(String::from).into(),
        hashed: [(1, 'a'), (2, 'b')].into(),
        of_sets: [[].into(), [1, 2].into()].into(),
    }]);
}

#[test]
fn heaps() {
    #[derive(Debug, Clone, Serialize, Deserialize, Message)]
    #[message(name = "types.Heap")]
    struct Heap(BinaryHeap<u8>);
    /// A heap of the standard library cannot be compared.
    impl PartialEq for Heap {
        fn eq(&self, other: &Self) -> bool {
            self.0.clone().into_sorted_vec() == other.0.clone().into_sorted_vec()
        }
    }
    survive([Heap([3, 1, 2].into())]);
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    Nobody,
    Number(i32),
    Both { name: String, number: Option<u8> },
}

#[test]
fn maps_with_any_key() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Maps")]
    struct Maps {
        texts: BTreeMap<String, u8>,
        numbers: HashMap<i64, BTreeMap<bool, char>>,
        tuples: BTreeMap<(u8, u8), f32>,
        enums: HashMap<Key, Key>,
        options: BTreeMap<Option<u8>, Option<u8>>,
        lists: BTreeMap<Vec<u8>, ()>,
        sets: BTreeMap<BTreeSet<char>, u8>,
    }
    let both = Key::Both { name: "two".into(), number: Some(2) };
    survive([Maps {
        texts: [("one".into(), 1), (String::new(), 0)].into(),
        numbers: [(i64::MIN, [(true, 'x')].into()), (0, [].into())].into(),
        tuples: [((1, 2), 0.5)].into(),
        enums: [(Key::Nobody, Key::Number(-1)), (both.clone(), both)].into(),
        options: [(None, None), (Some(1), Some(2))].into(),
        lists: [(vec![1, 2], ()), (vec![], ())].into(),
        sets: [(['a', 'b'].into(), 2)].into(),
    }]);
}

#[test]
fn byte_strings() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Bytes")]
    struct Bytes {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        #[serde(with = "serde_bytes")]
        digest: [u8; 4],
        many: Vec<ByteBuf>,
        numbers: Vec<u8>,
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    survive([Bytes {
        bytes: bytes.clone(),
        digest: [0, 1, 254, 255],
        many: vec![ByteBuf::new(), ByteBuf::from([1])],
        numbers: bytes.clone(),
    }]);
    // The guide says what the difference is: a vector of numbers takes two bytes for each from 128 up.
    #[derive(Serialize, Deserialize, Message)]
    #[message(name = "types.Numbers")]
    struct Numbers(Vec<u8>);
    #[derive(Serialize, Deserialize, Message)]
    #[message(name = "types.Blob")]
    struct Blob(ByteBuf);
    let length = |body: statepoint::Body| body.encode().expect("bytes").bytes.len();
    assert_eq!(length(Blob(bytes.clone().into()).into()), 5 + 100_000);
    assert!(length(Numbers(bytes).into()) > 149_000);
}
