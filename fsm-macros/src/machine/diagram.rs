//! The machine as a Mermaid state diagram, for its rustdoc.
//!
//! `Machine::diagram()` draws the same from the table at run time. The two are held together by a file that the tests of
//! both compare with: `fsm-core/tests/ui/pass/server.mermaid`.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use super::model::{Cell, Machine, Table, Timeout};
use super::signature::readable;

/// The diagram. An edge is labelled with the messages that lead along it; staying is not drawn.
pub(super) fn diagram(machine: &Machine, table: &Table) -> String {
    let name =
        |state: usize| machine.states.get(state).map_or_else(|| "[*]".to_owned(), |state| state.name.to_string());
    let mut text = String::from("stateDiagram-v2\n");
    // Writing into a `String` cannot fail.
    let _ = writeln!(text, "    [*] --> {}", name(0));
    for ((from, to), messages) in edges(machine, table) {
        let _ = writeln!(text, "    {} --> {}: {}", name(from), name(to), messages.join(", "));
    }
    for (state, row) in machine.states.iter().zip(&table.cells) {
        let deferred = machine.messages.iter().zip(row).filter(|(_, cell)| **cell == Cell::Defer);
        let deferred: Vec<&str> = deferred.map(|(message, _)| message.name.as_str()).collect();
        if !deferred.is_empty() {
            let _ = writeln!(text, "    {} : defers {}", state.name, deferred.join(", "));
        }
        if let Some(limit) = written(&state.timeout) {
            let _ = writeln!(text, "    {} : timeout {limit}", state.name);
        }
    }
    text
}

/// The messages that lead from one state to another; the end is the state after the last.
fn edges<'a>(machine: &'a Machine, table: &Table) -> BTreeMap<(usize, usize), Vec<&'a str>> {
    let end = machine.states.len();
    let mut edges: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for (state, row) in table.cells.iter().enumerate() {
        let handlers = machine.messages.iter().zip(row).filter_map(|(message, cell)| match cell {
            Cell::Handler(handler) => Some((message.name.as_str(), *handler)),
            Cell::None | Cell::Defer => None,
        });
        let unknown = table.unknown.get(state).copied().flatten().map(|handler| ("(other)", handler));
        for (message, handler) in handlers.chain(unknown) {
            let Some(handler) = machine.handlers.get(handler) else { continue };
            let ends = handler.edges.ends.then_some(end);
            for to in handler.edges.goes.iter().copied().chain(ends).filter(|to| *to != state) {
                edges.entry((state, to)).or_default().push(message);
            }
        }
    }
    edges
}

/// A timeout as the header spells it.
pub(super) fn written(timeout: &Timeout) -> Option<String> {
    match timeout {
        Timeout::Literal { written, .. } => Some(written.clone()),
        Timeout::Constant(path) => Some(readable(path)),
        Timeout::None | Timeout::Broken => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::super::lower::lower;
    use super::super::testing::machine;
    use super::*;
    use crate::errors::Errors;

    /// The same machine as in `fsm-core/tests/ui/pass/diagram.rs`.
    #[test]
    fn the_diagram_is_the_one_that_the_table_gives_at_run_time() {
        let mut errors = Errors::default();
        let machine = machine(
            quote!(
                INITIAL,
                PENDING(defer(Hello), timeout = "5s"),
                LISTENING(data = u32),
                CLOSING(timeout = PATIENCE),
                UP = PENDING | LISTENING
            ),
            quote! {
                fn INITIAL_Start(&mut self, _: Start) -> Next<Self> { Self::PENDING }
                fn PENDING_Listening(&mut self, _: Listening) -> Next<Self> { Self::LISTENING(0) }
                fn ANY_Timeout(&mut self, _: Timeout) -> Next<Self> { Self::complete(TimedOut::default()) }
                fn LISTENING_Hello(&mut self, _: Hello, count: &mut u32) -> Next<Self> {
                    *count += 1;
                    if *count < 5 { Next::STAY } else { Self::LISTENING(0) }
                }
                fn LISTENING_Unknown(&mut self, _: Unknown) -> Next<Self> { self.close() }
                fn UP_Stop(&mut self, _: Stop) -> Next<Self> { self.close() }
                fn CLOSING_Stop(&mut self, _: Stop) -> Next<Self> { Self::complete(Aborted) }
                fn close(&mut self) -> Next<Self> { Self::CLOSING }
            },
            &mut errors,
        );
        let table = lower(&machine, &mut errors);
        assert_eq!(errors.texts(), [""; 0]);
        assert_eq!(diagram(&machine, &table), include_str!("../../../fsm-core/tests/ui/pass/server.mermaid"));
    }
}
