//! Graphs in messages: nodes that refer to each other, shared or in circles.

use core::any::TypeId;
use core::cell::RefCell;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::extension::Extension;

/// Things that refer to each other, as a value that can be sent: shared and circular references survive the trip.
///
/// A graph owns its nodes, of type `T`. A [`Node<T>`] is a reference to one of them; it stands wherever it is needed inside
/// the nodes themselves, and in `root`, which is what the rest of the message knows of the graph: one node, a map from names to
/// nodes, nothing at all.
///
/// **What comes from a peer is checked**: a body with a node that its graph does not have is refused, as is a node outside of
/// a graph. So every node in a graph that has been received can be looked up in that graph.
///
/// There are no counted references in it, so a circle is no leak; and since it is flat, a chain of a hundred thousand nodes is
/// no deeper than one.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// use statepoint::{Graph, Message, Node};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Station {
///     name: String,
///     next: Vec<Node<Station>>,
/// }
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
/// #[message(name = "railway.Map")]
/// struct Map {
///     stations: Graph<Station, Node<Station>>,
/// }
///
/// let mut stations = Graph::new();
/// let north = stations.add(Station { name: "North".into(), next: vec![] });
/// let south = stations.add(Station { name: "South".into(), next: vec![north] });
/// stations[north].next.push(south); // a circle
/// let map = Map { stations: stations.with_root(north) };
///
/// let received = Map::decode(map.encode()?)?;
/// let second = received.stations[received.stations.root].next[0];
/// assert_eq!(received.stations[second].name, "South");
/// assert_eq!(received.stations[second].next, [received.stations.root]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph<T, R = ()> {
    nodes: Vec<T>,
    /// What is known of the graph from outside: nodes by which one gets into it.
    pub root: R,
}

/// A reference to one node of a [`Graph`]. It has a meaning only together with that graph.
///
/// It can be serialised only as a part of its graph: in a node, or in its root. Anywhere else that is an error which says so. In
/// a body it is MessagePack extension type 2, which no number is taken for.
pub struct Node<T> {
    index: usize,
    /// A node is no `T` and owns none.
    of: PhantomData<fn() -> T>,
}

impl<T> Graph<T> {
    /// A graph without nodes.
    pub const fn new() -> Self {
        Self { nodes: Vec::new(), root: () }
    }
}

/// Without nodes, also of a `T` that has no default.
impl<T, R: Default> Default for Graph<T, R> {
    fn default() -> Self {
        Self { nodes: Vec::new(), root: R::default() }
    }
}

impl<T, R> Graph<T, R> {
    /// Adds a node. It refers to others by their [`Node`]s; for a circle, set one of them later, by `graph[node]`.
    pub fn add(&mut self, node: T) -> Node<T> {
        self.nodes.push(node);
        Node::new(self.nodes.len() - 1)
    }

    /// The same graph with another root.
    pub fn with_root<S>(self, root: S) -> Graph<T, S> {
        Graph { nodes: self.nodes, root }
    }

    /// The node, when this graph has it. Every node in the graph itself is one that it has.
    pub fn get(&self, node: Node<T>) -> Option<&T> {
        self.nodes.get(node.index)
    }

    /// The node, to be changed, when this graph has it.
    pub fn get_mut(&mut self, node: Node<T>) -> Option<&mut T> {
        self.nodes.get_mut(node.index)
    }

    /// The nodes with their references, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Node<T>, &T)> {
        self.nodes.iter().enumerate().map(|(index, node)| (Node::new(index), node))
    }

    /// How many nodes it has.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it has no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// For nodes of this graph. One that was kept from another graph may be none of this one: then [`Graph::get`] is `None`, and
/// this panics.
impl<T, R> Index<Node<T>> for Graph<T, R> {
    type Output = T;

    fn index(&self, node: Node<T>) -> &T {
        let length = self.len();
        self.get(node).unwrap_or_else(|| panic!("expected a node of this graph of {length}, got {node:?} of another"))
    }
}

impl<T, R> IndexMut<Node<T>> for Graph<T, R> {
    fn index_mut(&mut self, node: Node<T>) -> &mut T {
        let length = self.len();
        self.get_mut(node)
            .unwrap_or_else(|| panic!("expected a node of this graph of {length}, got {node:?} of another"))
    }
}

/// A graph that is being written or read.
struct Scope {
    /// The type of its nodes.
    of: TypeId,
    /// One more than the highest node that was met.
    reaches: usize,
}

// serde's derives pass no context along, so nodes tell the graph around them of themselves by this. The last is the innermost.
thread_local! {
    static SCOPES: RefCell<Vec<Scope>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` inside a graph of `T`; one more than the highest node that it met.
fn within<T: 'static, V>(work: impl FnOnce() -> V) -> (V, usize) {
    /// Leaves the scope also when `work` panics.
    struct Inside;
    impl Drop for Inside {
        fn drop(&mut self) {
            SCOPES.with_borrow_mut(Vec::pop);
        }
    }
    SCOPES.with_borrow_mut(|scopes| scopes.push(Scope { of: TypeId::of::<T>(), reaches: 0 }));
    let inside = Inside;
    let done = work();
    let reaches = SCOPES.with_borrow(|scopes| scopes.last().map_or(0, |scope| scope.reaches));
    drop(inside);
    (done, reaches)
}

impl<T: 'static> Node<T> {
    /// Tells the graph around it. `false`: there is none.
    fn tell(self) -> bool {
        SCOPES.with_borrow_mut(|scopes| {
            let Some(scope) = scopes.iter_mut().rev().find(|scope| scope.of == TypeId::of::<T>()) else { return false };
            scope.reaches = scope.reaches.max(self.index.saturating_add(1));
            true
        })
    }
}

/// The MessagePack extension type under which a node stands in a body, so that no number is taken for one.
const EXTENSION: i8 = 2;
const EXPECTED: &str = "a node of a graph (MessagePack extension type 2)";

/// The index in an extension, when it stands for a node.
pub(crate) fn index(extension: Extension) -> Option<u32> {
    let bytes = extension.bytes();
    let is_node = extension.kind == EXTENSION && matches!(bytes.len(), 1 | 2 | 4);
    is_node.then(|| bytes.iter().fold(0, |index, byte| index << 8 | u32::from(*byte)))
}

const OUTSIDE: &str = "a node has a meaning only inside its graph; put it into the graph's root";

fn misses(length: usize, reaches: usize) -> String {
    format!("expected nodes of a graph of {length}, got a node {} that it does not have", reaches - 1)
}

impl<T: Serialize + 'static, R: Serialize> Serialize for Graph<T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parts<'a, T, R> {
            nodes: &'a [T],
            root: &'a R,
        }
        let parts = Parts { nodes: &self.nodes, root: &self.root };
        let (done, reaches) = within::<T, _>(|| parts.serialize(serializer));
        if reaches > self.nodes.len() {
            return Err(S::Error::custom(misses(self.nodes.len(), reaches)));
        }
        done
    }
}

impl<'de, T: Deserialize<'de> + 'static, R: Deserialize<'de>> Deserialize<'de> for Graph<T, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts<T, R> {
            nodes: Vec<T>,
            root: R,
        }
        let (parts, reaches) = within::<T, _>(|| Parts::deserialize(deserializer));
        let Parts { nodes, root } = parts?;
        if reaches > nodes.len() {
            return Err(D::Error::custom(misses(nodes.len(), reaches)));
        }
        Ok(Self { nodes, root })
    }
}

impl<T: 'static> Serialize for Node<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.tell() {
            return Err(S::Error::custom(OUTSIDE));
        }
        let index = u32::try_from(self.index)
            .map_err(|_| S::Error::custom("expected at most 4,294,967,296 nodes in a message, got more"))?;
        let bytes = index.to_be_bytes();
        // The shortest of one, two and four bytes.
        let shortest = match index {
            0..=0xff => &bytes[3..],
            0x100..=0xffff => &bytes[2..],
            _ => &bytes[..],
        };
        Extension::new(EXTENSION, shortest).serialize(serializer)
    }
}

impl<'de, T: 'static> Deserialize<'de> for Node<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let extension = Extension::read(deserializer, EXPECTED)?;
        let index = index(extension).ok_or_else(|| {
            let (kind, length) = (extension.kind, extension.bytes().len());
            D::Error::custom(format_args!("expected {EXPECTED}, got extension type {kind} of {length} bytes"))
        })?;
        let node = Self::new(usize::try_from(index).map_err(D::Error::custom)?);
        if !node.tell() {
            return Err(D::Error::custom(OUTSIDE));
        }
        Ok(node)
    }
}

// By hand, because a derive would ask the same of `T`.
impl<T> Node<T> {
    const fn new(index: usize) -> Self {
        Self { index, of: PhantomData }
    }
}

impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Node<T> {}

impl<T> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Node<T> {}

impl<T> PartialOrd for Node<T> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Node<T> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.index.cmp(&other.index)
    }
}

impl<T> Hash for Node<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl<T> fmt::Debug for Node<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.index)
    }
}
