//! Graphs in bodies: what survives, and what is refused.

extern crate fsm_core as statepoint;

use fsm_core::{EncodeError, Encoded, Graph, Message, Node, Value};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Person {
    name: String,
    #[serde(default)]
    knows: Vec<Node<Person>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "test.People")]
struct People(Graph<Person, Vec<Node<Person>>>);

fn person(name: &str, knows: &[Node<Person>]) -> Person {
    Person { name: name.into(), knows: knows.to_vec() }
}

fn trip<T: Message>(message: &T) -> T {
    T::decode(message.encode().expect("bytes")).expect("it fits")
}

/// What the receiver says to a body that was made by hand.
fn refusal<T: Message + core::fmt::Debug>(value: &impl Serialize) -> String {
    let bytes = rmp_serde::to_vec_named(value).expect("bytes");
    let encoded = Encoded { name: T::NAME.into(), id: T::ID, bytes, addresses: vec![] };
    T::decode(encoded).expect_err("it does not fit").reason().to_owned()
}

fn reason(error: EncodeError) -> String {
    match error {
        EncodeError::Serialize { reason, .. } => reason,
        other => panic!("expected the serialiser's reason, got {other}"),
    }
}

#[test]
fn what_is_shared_is_still_one_and_circles_close() {
    let mut graph = Graph::new();
    let ann = graph.add(person("Ann", &[]));
    let bob = graph.add(person("Bob", &[ann]));
    let cid = graph.add(person("Cid", &[ann, bob]));
    graph[ann].knows = vec![ann, cid]; // a circle of one, and one of three
    let people = People(graph.with_root(vec![cid, cid]));
    let got = trip(&people);
    assert_eq!(got, people);
    let People(mut graph) = got;
    assert_eq!(graph.root, [cid, cid]);
    graph[ann].name = "Anna".into();
    let friends = |node: Node<Person>| graph[node].knows.iter().map(|node| &*graph[*node].name).collect::<Vec<_>>();
    assert_eq!((friends(bob), friends(cid)), (vec!["Anna"], vec!["Anna", "Bob"]));
}

#[test]
fn a_long_chain_is_not_deep() {
    let mut graph = Graph::new();
    let mut last = graph.add(person("0", &[]));
    for number in 1..100_000 {
        last = graph.add(person(&number.to_string(), &[last]));
    }
    let People(graph) = trip(&People(graph.with_root(vec![last])));
    let mut steps = 0;
    let mut node = graph.root[0];
    while let Some(next) = graph[node].knows.first() {
        (node, steps) = (*next, steps + 1);
    }
    assert_eq!((steps, &*graph[node].name), (99_999, "0"));
}

/// An extension of MessagePack, by hand.
#[derive(Clone)]
struct Extension(i8, Vec<u8>);

impl Serialize for Extension {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Bytes<'a>(&'a [u8]);
        impl Serialize for Bytes<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }
        serializer.serialize_newtype_struct("_ExtStruct", &(self.0, Bytes(&self.1)))
    }
}

fn node(index: u32) -> Extension {
    Extension(2, index.to_be_bytes().to_vec())
}

/// A graph of one person, by hand.
#[derive(Serialize)]
struct Parts {
    nodes: [Forged; 1],
    root: Vec<Extension>,
}

#[derive(Serialize)]
struct Forged {
    name: &'static str,
    knows: Vec<Extension>,
}

fn forged(knows: Vec<Extension>, root: Vec<Extension>) -> Parts {
    Parts { nodes: [Forged { name: "Ann", knows }], root }
}

#[test]
fn a_node_that_the_graph_does_not_have_is_refused() {
    let bytes = rmp_serde::to_vec_named(&forged(vec![node(0)], vec![node(0)])).expect("bytes");
    assert!(People::decode(Encoded { bytes, ..People(Graph::default()).encode().expect("bytes") }).is_ok());
    let expected = |node: u32| format!("expected nodes of a graph of 1, got a node {node} that it does not have");
    for (knows, root, wrong) in [
        (vec![node(1)], vec![], 1),
        (vec![], vec![node(7)], 7),
        (vec![node(0)], vec![node(3), node(0), node(2)], 3),
        (vec![node(u32::MAX)], vec![], u32::MAX),
    ] {
        assert_eq!(refusal::<People>(&forged(knows, root)), expected(wrong));
    }
}

#[test]
fn what_is_no_node_is_not_taken_for_one() {
    let one = |extension| refusal::<People>(&forged(vec![], vec![extension]));
    let expected = "expected a node of a graph (MessagePack extension type 2), got extension type";
    assert_eq!(one(Extension(1, vec![0, 0])), format!("{expected} 1 of 2 bytes"));
    assert_eq!(one(Extension(2, vec![0, 0, 0])), format!("{expected} 2 of 3 bytes"));
    assert!(one(Extension(2, vec![0; 5])).contains("expected the one to four bytes of an index"));
    #[derive(Serialize)]
    struct Numbers {
        nodes: [u8; 0],
        root: [u8; 1],
    }
    assert!(refusal::<People>(&Numbers { nodes: [], root: [0] }).contains("marker"));
}

#[test]
fn a_node_is_an_extension_of_type_2_with_its_index_in_as_few_bytes_as_will_do() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "test.Units")]
    struct Units(Graph<(), Option<Node<()>>>);
    let mut graph = Graph::new();
    let nodes: Vec<_> = (0..65_537).map(|_| graph.add(())).collect();
    for (index, expected) in [
        (0, &b"\xd4\x02\x00"[..]),
        (255, b"\xd4\x02\xff"),
        (256, b"\xd5\x02\x01\x00"),
        (65_535, b"\xd5\x02\xff\xff"),
        (65_536, b"\xd6\x02\x00\x01\x00\x00"),
    ] {
        let units = Units(graph.clone().with_root(Some(nodes[index])));
        assert!(units.encode().expect("bytes").bytes.ends_with(expected));
        assert_eq!(trip(&units), units);
    }
}

#[test]
fn a_number_is_no_node_in_an_untagged_enum() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Item {
        Node(Node<Item>),
        Number(u32),
        Named {
            name: String,
            #[serde(flatten)]
            rest: std::collections::BTreeMap<String, Node<Item>>,
        },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "test.Items")]
    struct Items {
        #[serde(flatten)]
        items: Graph<Item>,
    }
    let mut items = Graph::new();
    let number = items.add(Item::Number(500));
    items.add(Item::Node(number));
    items.add(Item::Named { name: "first".into(), rest: [("at".to_owned(), number)].into() });
    let items = Items { items };
    assert_eq!(trip(&items), items);
}

#[test]
fn a_graph_is_shown_to_people_with_the_numbers_of_its_nodes() {
    let mut graph = Graph::new();
    let ann = graph.add(person("Ann", &[]));
    graph[ann].knows = vec![ann];
    let value = Value::from(People(graph.with_root(vec![ann])));
    assert_eq!(value.to_json(), r#"{"nodes":[{"name":"Ann","knows":[0]}],"root":[0]}"#);
}

#[test]
fn a_node_outside_of_its_graph_is_an_error_at_either_end() {
    #[derive(Debug, Serialize, Deserialize, Message)]
    #[message(name = "test.Stray")]
    struct Stray {
        people: Graph<Person>,
        first: Node<Person>,
    }
    let mut people = Graph::new();
    let first = people.add(person("Ann", &[]));
    let expected = "a node has a meaning only inside its graph; put it into the graph's root";
    assert_eq!(reason(Stray { people, first }.encode().expect_err("outside")), expected);
    #[derive(Serialize)]
    struct Alone {
        first: Extension,
    }
    assert_eq!(refusal::<Stray>(&Alone { first: node(0) }), expected);
}

#[test]
fn a_node_of_another_graph_is_told_to_the_sender() {
    let mut large = Graph::new();
    large.add(person("Ann", &[]));
    let second = large.add(person("Bob", &[]));
    let mut small = Graph::new();
    small.add(person("Cid", &[second]));
    let error = People(small.clone().with_root(vec![])).encode().expect_err("no such node");
    assert_eq!(reason(error), "expected nodes of a graph of 1, got a node 1 that it does not have");
    assert_eq!(small.get(second), None);
    assert_eq!(small.get_mut(second), None);
}

#[test]
#[should_panic(expected = "expected a node of this graph of 1, got Node(1) of another")]
fn looking_up_a_node_of_another_graph_says_so() {
    let mut large = Graph::new();
    large.add(1);
    let second = large.add(2);
    let mut small = Graph::new();
    small.add(3);
    let _ = small[second];
}

#[test]
fn graphs_in_graphs_keep_their_nodes_apart() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Town {
        people: Graph<Person, Option<Node<Person>>>,
        roads: Vec<Node<Town>>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "test.Land")]
    struct Land(Graph<Town>);
    let mut land = Graph::new();
    let first = land.add(Town { people: Graph::default(), roads: vec![] });
    let mut people = Graph::new();
    for name in ["Ann", "Bob", "Cid"] {
        people.add(person(name, &[]));
    }
    let mayor = people.iter().map(|(node, _)| node).last();
    // Two towns, three people: their numbers do not get into each other's way.
    let second = land.add(Town { people: people.with_root(mayor), roads: vec![first] });
    land[first].roads.push(second);
    let land = Land(land);
    assert_eq!(trip(&land), land);
}

#[test]
fn a_panic_while_a_graph_is_written_leaves_nothing_behind() {
    struct Bomb;
    impl Serialize for Bomb {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("cannot be written")
        }
    }
    let mut bombs = Graph::new();
    bombs.add(Bomb);
    assert!(std::panic::catch_unwind(|| rmp_serde::to_vec(&bombs)).is_err());
    let mut numbers = Graph::new();
    let node = numbers.add(Bomb);
    assert!(rmp_serde::to_vec(&node).is_err(), "there is no graph around it");
}

#[test]
fn a_graph_is_looked_through_in_the_order_of_its_nodes() {
    let mut graph = Graph::new();
    assert!(graph.is_empty());
    let nodes = ["a", "b"].map(|name| graph.add(name));
    assert_eq!(graph.iter().collect::<Vec<_>>(), [(nodes[0], &"a"), (nodes[1], &"b")]);
    assert_eq!((graph.len(), graph.get(nodes[1]), format!("{:?}", nodes[1])), (2, Some(&"b"), "Node(1)".to_owned()));
    assert!(nodes[0] < nodes[1]);
}
