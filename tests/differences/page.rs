//! One machine's block of the page: our matrix, the reference's table with our cells, and the cells that only we have.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use statepoint::{CellShape, HandlerShape, Machine, Shape};

use crate::tables::{Added, Row};

pub(crate) struct Page {
    shape: &'static Shape,
    matrix: String,
    rows: &'static [Row],
    added: &'static [Added],
}

/// One of our cells. Without a handler it is a deferral.
#[derive(Clone, Copy)]
struct Cell {
    state: usize,
    message: &'static str,
    handler: Option<&'static HandlerShape>,
}

impl Page {
    pub(crate) fn new<M: Machine>(rows: &'static [Row], added: &'static [Added]) -> Self {
        Self { shape: M::TABLE.shape, matrix: M::matrix(), rows, added }
    }

    fn cells(&self) -> Vec<Cell> {
        let Shape { messages, handlers, cells, unknown, .. } = self.shape;
        let mut all = Vec::new();
        for (state, row) in cells.iter().enumerate() {
            for (message, cell) in messages.iter().copied().zip(*row) {
                match cell {
                    CellShape::None => {}
                    CellShape::Defer => all.push(Cell { state, message, handler: None }),
                    CellShape::Handler(index) => all.push(Cell { state, message, handler: Some(&handlers[*index]) }),
                }
            }
            if let Some(index) = unknown[state] {
                all.push(Cell { state, message: "Unknown", handler: Some(&handlers[index]) });
            }
        }
        all
    }

    /// As rows and additions call it.
    fn name(&self, cell: Cell) -> String {
        format!("{}_{}", self.shape.state_name(cell.state), cell.message)
    }

    /// Where it goes: `same`, other states, `-` for the end.
    fn goes(&self, cell: Cell) -> Vec<&'static str> {
        let Some(handler) = cell.handler else { return vec!["same"] };
        let stays = handler.stays || handler.goes.contains(&cell.state);
        let states = handler.goes.iter().filter(|to| **to != cell.state).map(|to| self.shape.state_name(*to));
        let ends = handler.ends.then_some("-");
        stays.then_some("same").into_iter().chain(states).chain(ends).collect()
    }

    fn named(&self, name: &str) -> Option<Cell> {
        self.cells().into_iter().find(|cell| self.name(*cell) == name)
    }

    /// The cells of an addition: those that no row is about.
    fn of_addition(&self, handler: &str) -> Vec<Cell> {
        let mut cells = self.cells();
        cells.retain(|cell| {
            let name = self.name(*cell);
            let is_meant = cell.handler.map_or(name == handler, |written| written.name == handler);
            is_meant && !self.rows.iter().any(|row| row.here.contains(&name.as_str()))
        });
        cells
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("Ours:\n\n{}\n", self.matrix);
        text += "The reference's, row by row, with our cells and where they lead:\n\n";
        text += "| state | message | the reference does | and goes to | here | why it differs |\n|---|---|---|---|---|---|\n";
        for Row { state, message, action, next, here, why } in self.rows {
            let here: Vec<_> = here.iter().filter_map(|name| self.named(name)).map(|cell| self.show(cell)).collect();
            let here = if here.is_empty() { "-".to_owned() } else { here.join("; ") };
            // Writing into a `String` cannot fail.
            let _ = writeln!(text, "| {state} | {message} | {action} | {next} | {here} | {why} |");
        }
        text += "\nOnly here:\n\n| handler | in the states | goes to | why it is there |\n|---|---|---|---|\n";
        for (handler, why) in self.added {
            let cells = self.of_addition(handler);
            let states: Vec<_> = cells.iter().map(|cell| self.shape.state_name(cell.state)).collect();
            // A handler leads to the same states from wherever it is called.
            let goes = cells.first().map(|cell| self.goes(*cell)).unwrap_or_default();
            let _ = writeln!(text, "| `{handler}` | {} | {} | {why} |", states.join(", "), goes.join(", "));
        }
        text
    }

    /// A cell: who takes the message, and where it leads.
    fn show(&self, cell: Cell) -> String {
        match cell.handler {
            Some(handler) => format!("`{}` → {}", handler.name, self.goes(cell).join(", ")),
            None => "deferred".to_owned(),
        }
    }

    /// What is missing, or too much, in the tables.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for Row { state, message, next, here, why, .. } in self.rows {
            let ours: Vec<_> = here.iter().filter_map(|name| self.named(name)).collect();
            if ours.len() < here.len() {
                complaints.push(format!("{state}, {message}: expected cells of ours, got {here:?}"));
            }
            let theirs: BTreeSet<_> = next.split(" / ").flat_map(|part| part.split(" or ")).map(plain).collect();
            let goes: BTreeSet<_> = ours.iter().flat_map(|cell| self.goes(*cell)).collect();
            if why.is_empty() && theirs != goes {
                complaints
                    .push(format!("{state}, {message}: the reference goes to {theirs:?}, ours to {goes:?}; why?"));
            }
        }
        for (handler, _) in self.added {
            if self.of_addition(handler).is_empty() {
                complaints.push(format!("{handler}: expected cells that no row is about, got none"));
            }
        }
        for cell in self.cells() {
            let name = self.name(cell);
            let handler = cell.handler.map_or(name.as_str(), |handler| handler.name);
            let in_row = self.rows.iter().any(|row| row.here.contains(&name.as_str()));
            if !in_row && !self.added.iter().any(|(added, _)| *added == handler) {
                complaints.push(format!("{name}: not in the reference; why is it here? ({handler})"));
            }
        }
        complaints
    }
}

/// The reference's word for where it goes, as ours.
fn plain(next: &'static str) -> &'static str {
    if next == "done" { "-" } else { next }
}
