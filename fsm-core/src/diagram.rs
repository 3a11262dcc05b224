//! A machine's table as pictures: a Mermaid state diagram, and a matrix in Markdown.

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};

use crate::shape::{CellShape, Shape};

/// The state diagram. With `taken` (handler and state gone to, as coverage counts them), edges that are not in it are
/// marked with `✗`.
///
/// An edge is labelled with the messages that lead along it. Staying is not drawn: it is what happens otherwise.
pub(crate) fn mermaid(shape: &Shape, taken: Option<&BTreeSet<(usize, usize)>>) -> String {
    let end = shape.states.len();
    let mut edges: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for (state, cells) in shape.cells.iter().enumerate() {
        let unknown = shape.unknown[state].map(|handler| ("(other)", handler));
        let handlers = shape.messages.iter().zip(*cells).filter_map(|(message, cell)| match cell {
            CellShape::Handler(handler) => Some((*message, *handler)),
            CellShape::None | CellShape::Defer => None,
        });
        for (message, index) in handlers.chain(unknown) {
            let Some(handler) = shape.handlers.get(index) else { continue };
            let ends = handler.ends.then_some(end);
            for to in handler.goes.iter().copied().chain(ends).filter(|to| *to != state) {
                let missed = taken.is_some_and(|taken| !taken.contains(&(index, to)));
                let mark = if missed { " ✗" } else { "" };
                edges.entry((state, to)).or_default().push(format!("{message}{mark}"));
            }
        }
    }
    let name = |state: usize| shape.states.get(state).map_or("[*]", |state| state.name);
    let mut text = String::from("stateDiagram-v2\n");
    // Writing into a `String` cannot fail.
    let _ = writeln!(text, "    [*] --> {}", name(0));
    for ((from, to), messages) in &edges {
        let _ = writeln!(text, "    {} --> {}: {}", name(*from), name(*to), messages.join(", "));
    }
    for (state, state_shape) in shape.states.iter().enumerate() {
        let deferred: Vec<_> = deferred(shape, state).collect();
        if !deferred.is_empty() {
            let _ = writeln!(text, "    {} : defers {}", state_shape.name, deferred.join(", "));
        }
        if let Some(limit) = state_shape.timeout {
            let _ = writeln!(text, "    {} : timeout {limit}", state_shape.name);
        }
    }
    text
}

fn deferred(shape: &Shape, state: usize) -> impl Iterator<Item = &'static str> {
    shape.messages.iter().zip(shape.cells[state]).filter(|(_, cell)| **cell == CellShape::Defer).map(|(name, _)| *name)
}

/// The matrix: a row for each state, a column for each message; the handler, `defer`, or nothing.
pub(crate) fn matrix(shape: &Shape) -> String {
    let mut text = String::from("| state |");
    for message in shape.messages {
        let _ = write!(text, " {message} |");
    }
    text.push_str(" (other) |\n|---|");
    text.push_str(&"---|".repeat(shape.messages.len() + 1));
    for (state, cells) in shape.cells.iter().enumerate() {
        let _ = write!(text, "\n| {} |", shape.states[state].name);
        for cell in *cells {
            let _ = match cell {
                CellShape::None => text.write_str(" |"),
                CellShape::Defer => text.write_str(" defer |"),
                CellShape::Handler(handler) => write!(text, " {} |", handler_name(shape, *handler)),
            };
        }
        match shape.unknown[state] {
            Some(handler) => drop(write!(text, " {} |", handler_name(shape, handler))),
            None => text.push_str(" |"),
        }
    }
    text.push('\n');
    text
}

fn handler_name(shape: &Shape, index: usize) -> &'static str {
    shape.handlers.get(index).map_or("", |handler| handler.name)
}
