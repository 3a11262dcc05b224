//! Addresses of points.

use std::collections::{BTreeMap, HashMap, HashSet};

use statepoint::prelude::*;
use statepoint::{Graph, Node};

use crate::trip::survive_with_addresses;

#[test]
fn addresses_in_fields_options_and_vectors() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Addresses")]
    struct Addresses {
        field: Address,
        option: Option<Address>,
        unset: Option<Address>,
        none: Address,
        vector: Vec<(Address, u8)>,
    }
    survive_with_addresses(
        4,
        |bells| Addresses {
            field: bells[0],
            option: Some(bells[1]),
            unset: None,
            none: Address::NONE,
            vector: vec![(bells[2], 2), (bells[3], 3), (bells[0], 0)],
        },
        |message| {
            let others = message.vector.iter().map(|(address, _)| *address);
            others.chain([message.field]).chain(message.option).collect()
        },
    );
}

#[test]
fn addresses_as_keys_of_maps_and_in_sets() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Keys")]
    struct Keys {
        ordered: BTreeMap<Address, String>,
        hashed: HashMap<Address, Address>,
        set: HashSet<Address>,
        pairs: BTreeMap<(Address, u8), ()>,
    }
    survive_with_addresses(
        5,
        |bells| Keys {
            ordered: [(bells[1], "one".into()), (bells[0], "nought".into())].into(),
            hashed: [(bells[2], bells[0])].into(),
            set: [bells[3], bells[1]].into(),
            pairs: [((bells[4], 1), ())].into(),
        },
        |message| {
            let hashed = message.hashed.iter().flat_map(|(key, value)| [*key, *value]);
            let pairs = message.pairs.keys().map(|(address, _)| *address);
            message.ordered.keys().copied().chain(hashed).chain(message.set.iter().copied()).chain(pairs).collect()
        },
    );
}

#[test]
fn addresses_behind_flatten() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Contact {
        line: Address,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Flat")]
    struct Flat {
        name: String,
        #[serde(flatten)]
        contact: Contact,
        #[serde(flatten)]
        rest: BTreeMap<String, Address>,
    }
    survive_with_addresses(
        3,
        |bells| Flat {
            name: "Ann".into(),
            contact: Contact { line: bells[0] },
            rest: [("home".into(), bells[1]), ("work".into(), bells[2])].into(),
        },
        |message| message.rest.values().copied().chain([message.contact.line]).collect(),
    );
}

#[test]
fn addresses_in_enums_with_a_tag_or_without() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Usual {
        Known(Address),
        Lost { last: Address },
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Known { at: Address },
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "what")]
    enum Beside {
        Known(Address),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
        Text(String),
        Bare(Address),
        Named { at: Address },
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Enums")]
    struct Enums {
        usual: (Usual, Usual),
        tagged: Tagged,
        beside: Beside,
        untagged: Vec<Untagged>,
    }
    survive_with_addresses(
        6,
        |bells| Enums {
            usual: (Usual::Known(bells[0]), Usual::Lost { last: bells[1] }),
            tagged: Tagged::Known { at: bells[2] },
            beside: Beside::Known(bells[3]),
            untagged: vec![
                Untagged::Number(0),
                Untagged::Text("nowhere".into()),
                Untagged::Bare(bells[4]),
                Untagged::Named { at: bells[5] },
            ],
        },
        |message| {
            let (Usual::Known(first) | Usual::Lost { last: first }) = message.usual.0;
            let (Usual::Known(second) | Usual::Lost { last: second }) = message.usual.1;
            let (Tagged::Known { at: third }, Beside::Known(fourth)) = (&message.tagged, &message.beside);
            let untagged = message.untagged.iter().filter_map(|place| match place {
                Untagged::Bare(at) | Untagged::Named { at } => Some(*at),
                Untagged::Number(_) | Untagged::Text(_) => None,
            });
            untagged.chain([first, second, *third, *fourth]).collect()
        },
    );
}

#[test]
fn addresses_in_graphs() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Member {
        line: Address,
        chief: Option<Node<Member>>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Staff")]
    struct Staff(Graph<Member>);
    survive_with_addresses(
        3,
        |bells| {
            let mut staff = Graph::new();
            let chief = staff.add(Member { line: bells[0], chief: None });
            for bell in &bells[1..] {
                staff.add(Member { line: *bell, chief: Some(chief) });
            }
            Staff(staff)
        },
        |Staff(staff)| staff.iter().map(|(_, member)| member.line).collect(),
    );
}
