//! Everything that can happen, within bounds: a breadth-first walk over production machines.
//!
//! A state is reached by replaying the events that led to it, so nothing of the machines needs to be copied. Two histories
//! lead to the same state when the keys are equal: the machine's state and fields as `Debug` shows them, what its
//! surroundings hold, timers and messages in flight included.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Machines and their surroundings.
pub(crate) trait Scene: Sized {
    /// Something that the surroundings may do.
    type Event: Copy + Debug;

    /// What they may do now. Nothing when all is over.
    fn events(&self) -> Vec<Self::Event>;

    /// Does it; panics when that breaks a promise.
    fn apply(&mut self, event: Self::Event);

    /// All that decides what can happen from now on.
    fn key(&self) -> String;

    /// Looks into the future: panics when a promise cannot be kept from here. The scene is not used any more.
    fn probe(self);
}

/// How far the walk has come.
#[derive(Debug, PartialEq)]
pub(crate) struct Explored {
    /// Different states.
    pub(crate) states: usize,
    /// Events tried, one for each edge of the graph.
    pub(crate) events: usize,
    /// The longest of the shortest ways to a state.
    pub(crate) depth: usize,
    /// Whether that was all there is, not all within the bound.
    pub(crate) is_complete: bool,
}

/// One state: the state before it and the event that led here, and what may happen next.
struct Node<E> {
    before: Option<(usize, E)>,
    depth: usize,
    events: Vec<E>,
}

/// Shows how one got there when a promise is broken.
struct History<E: Debug>(Vec<E>);

impl<E: Debug> Drop for History<E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after these events: {:?}", self.0);
        }
    }
}

/// Walks through every state that is at most `depth` events away.
pub(crate) fn explore<S: Scene>(new: impl Fn() -> S, depth: usize) -> Explored {
    let mut seen = HashSet::from([hash(&new().key())]);
    let mut nodes = vec![Node { before: None, depth: 0, events: new().events() }];
    new().probe();
    let (mut tried, mut next) = (0, 0);
    while let Some(node) = nodes.get_mut(next).filter(|node| node.depth < depth) {
        let (events, depth) = (core::mem::take(&mut node.events), node.depth + 1);
        let mut history = History(way_to(&nodes, next));
        for event in events {
            tried += 1;
            let mut scene = replay(&new, &history.0);
            history.0.push(event);
            scene.apply(event);
            if seen.insert(hash(&scene.key())) {
                nodes.push(Node { before: Some((next, event)), depth, events: scene.events() });
                scene.probe();
            }
            history.0.pop();
        }
        next += 1;
    }
    let is_complete = nodes.iter().all(|node| node.events.is_empty());
    Explored { states: nodes.len(), events: tried, depth: nodes.last().map_or(0, |node| node.depth), is_complete }
}

fn way_to<E: Copy>(nodes: &[Node<E>], mut index: usize) -> Vec<E> {
    let mut way = Vec::new();
    while let Some((before, event)) = nodes[index].before {
        way.push(event);
        index = before;
    }
    way.reverse();
    way
}

fn replay<S: Scene>(new: &impl Fn() -> S, events: &[S::Event]) -> S {
    let mut scene = new();
    for event in events {
        scene.apply(*event);
    }
    scene
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
