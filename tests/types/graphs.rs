//! Boxes and graphs.

use std::collections::BTreeMap;

use statepoint::prelude::*;
use statepoint::{Graph, MAX_DEPTH, Node};

use crate::trip::{survive, there_and_back};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "types.Tree")]
struct Tree {
    name: String,
    branches: Vec<Tree>,
    best: Option<Box<Tree>>,
}

#[test]
fn trees_of_boxes() {
    let leaf = |name: &str| Tree { name: name.into(), branches: vec![], best: None };
    let mut deep = leaf("deepest");
    // Each level is a map in an array.
    for _ in 0..(MAX_DEPTH - 2) / 2 - 1 {
        deep = Tree { name: "level".into(), branches: vec![deep], best: None };
    }
    let best = Some(Box::new(leaf("best")));
    survive([Tree { name: "root".into(), branches: vec![leaf("one"), leaf("two")], best }, deep]);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Device {
    name: String,
    controller: Option<Node<Device>>,
    talks_to: Vec<Node<Device>>,
}

fn device(name: &str) -> Device {
    Device { name: name.into(), controller: None, talks_to: vec![] }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "types.Laboratory")]
struct Laboratory {
    devices: Graph<Device, BTreeMap<String, Node<Device>>>,
}

#[test]
fn graphs_in_which_something_is_shared() {
    let mut devices = Graph::new();
    let controller = devices.add(device("controller"));
    let names = ["balance", "oven", "pump"];
    let controlled = names.map(|name| {
        let node = devices.add(Device { controller: Some(controller), ..device(name) });
        (name.to_owned(), node)
    });
    let laboratory = Laboratory { devices: devices.with_root(controlled.into()) };
    survive([laboratory.clone()]);
    // What was shared is one thing at the other end too.
    let mut home = there_and_back(0, move |_| vec![laboratory], |_| Vec::new()).remove(0).devices;
    home[controller].name = "another".into();
    for node in home.root.values() {
        let controller = home[*node].controller.expect("it has one");
        assert_eq!(home[controller].name, "another");
    }
}

#[test]
fn graphs_with_circles() {
    let mut devices = Graph::new();
    let ring: Vec<_> = (0..10_000).map(|number| devices.add(device(&number.to_string()))).collect();
    for (node, next) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        devices[*node].talks_to = vec![*next, *node]; // the next one, and itself
    }
    let first = BTreeMap::from([("first".to_owned(), ring[0])]);
    survive([Laboratory { devices: devices.with_root(first) }]);
}
