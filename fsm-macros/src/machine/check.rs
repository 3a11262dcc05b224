//! The rules about a machine as a whole.

use std::collections::BTreeSet;

use super::defer::nobody_handles;
use super::model::{Cell, Edges, Machine, Role, Scope, Table, Timeout, heading};
use crate::errors::Errors;
use crate::suggest::list;

/// Checks all of them. What earlier errors leave open is not judged.
pub(super) fn check(machine: &Machine, table: &Table, errors: &mut Errors) {
    timeouts(machine, table, errors);
    timeout_handlers(machine, errors);
    deferrals(machine, table, errors);
    if !machine.doubts.messages.contains("Stop") {
        stop(machine, table, errors);
    }
    if !machine.doubts.edges {
        reach(machine, table, errors);
    }
}

/// A state with a timeout says what to do when it fires.
fn timeouts(machine: &Machine, table: &Table, errors: &mut Errors) {
    if machine.doubts.messages.contains("Timeout") {
        return;
    }
    let column = machine.column("Timeout");
    for (state, row) in machine.states.iter().zip(&table.cells) {
        let handled = column.and_then(|column| row.get(column)).is_some_and(|cell| *cell != Cell::None);
        if state.timeout != Timeout::None && !handled {
            let name = &state.name;
            let text = format!(
                "`{name}` has a timeout but no handler for it; add `fn {name}_Timeout(&mut self, _: Timeout) -> Next<Self>`"
            );
            errors.push(name.span(), text);
        }
    }
}

/// A handler for `Timeout` serves a state that has a timeout.
fn timeout_handlers(machine: &Machine, errors: &mut Errors) {
    let Some(column) = machine.column("Timeout") else { return };
    for handler in machine.handlers.iter().filter(|handler| handler.role == Role::Message(column)) {
        let served = || machine.states.iter().enumerate().filter(|(index, _)| machine.serves(handler.scope, *index));
        if served().any(|(_, state)| state.timeout != Timeout::None || state.damaged) || served().next().is_none() {
            continue;
        }
        let text = match (handler.scope, served().next()) {
            (Scope::State(_), Some((_, state))) if !machine.stateless => {
                let state = &state.name;
                format!("`{state}` has no timeout, so this never runs; declare it as `{state}(timeout = \"5s\")`")
            }
            _ if machine.stateless => {
                "only a state can have a timeout; start a timer with a message of your own".to_owned()
            }
            _ => "none of these states has a timeout, so this never runs; give one `timeout = \"5s\"`".to_owned(),
        };
        errors.push(handler.name.span(), text);
    }
}

/// A deferred message is handled somewhere, and not in the state that defers it.
fn deferrals(machine: &Machine, table: &Table, errors: &mut Errors) {
    let mut told = BTreeSet::new();
    for (index, state) in machine.states.iter().enumerate() {
        for deferral in &state.defers {
            let role = Role::Message(deferral.message);
            let own =
                machine.handlers.iter().find(|handler| handler.role == role && handler.scope == Scope::State(index));
            let handled = || {
                table.cells.iter().any(|row| matches!(row.get(deferral.message), Some(Cell::Handler(_))))
                    || machine.doubts.messages.contains(&deferral.name.to_string())
            };
            let (state, message) = (&state.name, &deferral.name);
            if let Some(own) = own {
                let text =
                    format!("`{state}` both defers and handles `{message}`; remove it here, or remove `{}`", own.name);
                errors.push(message.span(), text);
            } else if !handled() && told.insert(deferral.message) {
                errors.push(
                    message.span(),
                    nobody_handles(&message.to_string(), machine, |name| {
                        machine.states.iter().any(|state| state.name == *name && state.defers.contains(deferral))
                    }),
                );
            }
        }
    }
}

/// Every state answers `Stop`: otherwise whoever created the machine could not end it.
fn stop(machine: &Machine, table: &Table, errors: &mut Errors) {
    let column = machine.column("Stop");
    let deaf: Vec<_> = machine
        .states
        .iter()
        .zip(&table.cells)
        .enumerate()
        .filter(|(_, (_, row))| column.and_then(|column| row.get(column)).is_none_or(|cell| *cell == Cell::None))
        .filter(|(index, _)| *index > 0 || !leaves_at_once(machine, table))
        .map(|(_, (state, _))| &state.name)
        .collect();
    let Some(first) = deaf.first() else { return };
    if machine.stateless {
        let text = format!(
            "`{}` does not answer `Stop`, so nobody could end it; add `fn ANY_Stop(&mut self, _: Stop) -> Next<Self>`",
            machine.name
        );
        errors.push(heading(machine), text);
        return;
    }
    let text = if deaf.len() == 1 {
        format!(
            "`{first}` does not answer `Stop`, so nobody could end it; add `{first}_Stop`, or `ANY_Stop` for every state"
        )
    } else {
        let names: Vec<String> = deaf.iter().map(ToString::to_string).collect();
        let names = match names.as_slice() {
            [one, two, three, _, rest @ ..] => format!("`{one}`, `{two}`, `{three}` and {} more", rest.len() + 1),
            few => list(few.iter().map(String::as_str), "and"),
        };
        format!("{names} do not answer `Stop`, so nobody could end them; add `ANY_Stop`, which serves every state")
    };
    errors.push(first.span(), text);
}

/// Whether the first state takes nothing but `Start` and never stays: then no `Stop` can find the machine there.
fn leaves_at_once(machine: &Machine, table: &Table) -> bool {
    let Some(start) = machine.column("Start") else { return false };
    let only = machine.handlers.iter().all(|handler| match handler.role {
        Role::Message(column) => handler.scope != Scope::State(0) || column == start,
        Role::Unknown | Role::Enter | Role::Exit => true,
    });
    let Some(Cell::Handler(handler)) = table.cells.first().and_then(|row| row.get(start)) else { return false };
    only && machine.handlers.get(*handler).is_some_and(|handler| leaves(&handler.edges) || machine.doubts.edges)
}

fn leaves(edges: &Edges) -> bool {
    !edges.stays && !edges.goes.contains(&0) && (edges.ends || !edges.goes.is_empty())
}

/// Some handler leads to every state.
fn reach(machine: &Machine, table: &Table, errors: &mut Errors) {
    let next: Vec<BTreeSet<usize>> = (0..machine.states.len()).map(|state| successors(machine, table, state)).collect();
    let mut reached = BTreeSet::new();
    flood(0, &next, &mut reached);
    loop {
        let lonely: BTreeSet<usize> = (0..next.len()).filter(|state| !reached.contains(state)).collect();
        let is_led_to = |state: &usize| {
            lonely.iter().any(|other| other != state && next.get(*other).is_some_and(|next| next.contains(state)))
        };
        // One error for each mistake: what only an unreached state leads to is reached with it. In a circle, the first.
        let Some(root) = lonely.iter().find(|state| !is_led_to(state)).or_else(|| lonely.first()) else { return };
        if let Some(state) = machine.states.get(*root) {
            let name = &state.name;
            let text = format!(
                "nothing goes to `{name}`; return `Self::{name}` in a handler, or write `#[goes({name})]` on one that computes it"
            );
            errors.push(name.span(), text);
        }
        flood(*root, &next, &mut reached);
    }
}

fn successors(machine: &Machine, table: &Table, state: usize) -> BTreeSet<usize> {
    let cells = table.cells.get(state).into_iter().flatten().filter_map(|cell| match cell {
        Cell::Handler(handler) => Some(*handler),
        Cell::None | Cell::Defer => None,
    });
    let others = [&table.unknown, &table.enter, &table.exit].into_iter().filter_map(|column| *column.get(state)?);
    cells
        .chain(others)
        .filter_map(|handler| machine.handlers.get(handler))
        .flat_map(|handler| handler.edges.goes.iter().copied())
        .collect()
}

fn flood(from: usize, next: &[BTreeSet<usize>], reached: &mut BTreeSet<usize>) {
    let mut open = vec![from];
    while let Some(state) = open.pop() {
        if reached.insert(state) {
            open.extend(next.get(state).into_iter().flatten());
        }
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::super::lower::lower;
    use super::super::testing::machine;
    use super::*;

    /// The errors of a machine whose states all answer `Stop`.
    fn errors(header: TokenStream, methods: TokenStream) -> Vec<String> {
        let stop = quote!(
            fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
                Self::complete(Aborted)
            }
        );
        all_errors(header, quote!(#methods #stop))
    }

    fn all_errors(header: TokenStream, methods: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        let machine = machine(header, methods, &mut errors);
        let table = lower(&machine, &mut errors);
        check(&machine, &table, &mut errors);
        errors.texts()
    }

    fn only(errors: &[String], words: &str) {
        assert!(matches!(errors, [one] if one.contains(words)), "{words}: {errors:?}");
    }

    /// `INITIAL` leads to `PENDING`.
    fn begin() -> TokenStream {
        quote!(
            fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
                Self::PENDING
            }
        )
    }

    fn handler(name: &str, next: &TokenStream) -> TokenStream {
        let name = quote::format_ident!("{name}");
        let message = name.to_string().rsplit('_').next().map(|message| quote::format_ident!("{message}"));
        quote!(fn #name(&mut self, _: #message) -> Next<Self> { #next })
    }

    #[test]
    fn a_state_that_nothing_reaches_is_an_error() {
        let begin = begin();
        only(&errors(quote!(INITIAL, PENDING, LISTENING), begin.clone()), "nothing goes to `LISTENING`");
        assert_eq!(errors(quote!(INITIAL, PENDING), begin), [""; 0]);
    }

    #[test]
    fn mentions_in_handlers_that_never_run_do_not_count() {
        let begin = begin();
        let own = handler("LISTENING_Hello", &quote!(Self::LISTENING));
        only(&errors(quote!(INITIAL, PENDING, LISTENING), quote!(#begin #own)), "nothing goes to `LISTENING`");
        let hidden = [
            handler("ANY_Hello", &quote!(Self::PENDING)),
            handler("INITIAL_Hello", &quote!(Next::STAY)),
            handler("PENDING_Hello", &quote!(Next::STAY)),
        ];
        only(&errors(quote!(INITIAL, PENDING), quote!(#(#hidden)*)), "nothing goes to `PENDING`");
    }

    #[test]
    fn unknown_handlers_lead_to_states_too() {
        let begin = begin();
        let unknown = handler("PENDING_Unknown", &quote!(Self::LISTENING));
        assert_eq!(errors(quote!(INITIAL, PENDING, LISTENING), quote!(#begin #unknown)), [""; 0]);
    }

    #[test]
    fn a_chain_or_a_circle_of_unreached_states_is_one_error() {
        let begin = begin();
        let chain = handler("B_Hello", &quote!(Self::C));
        only(&errors(quote!(INITIAL, PENDING, C, B), quote!(#begin #chain)), "nothing goes to `B`");
        let circle = handler("C_Hello", &quote!(Self::B));
        only(&errors(quote!(INITIAL, PENDING, C, B), quote!(#begin #chain #circle)), "nothing goes to `C`");
        let two = errors(quote!(INITIAL, PENDING, B, C, D), quote!(#begin #chain));
        assert_eq!(two.len(), 2, "{two:?}");
    }

    #[test]
    fn a_misspelt_or_unwritten_next_state_silences_the_rule() {
        for next in [quote!(Self::LISTNING), quote!(todo!())] {
            let begin = handler("INITIAL_Start", &next);
            assert_eq!(errors(quote!(INITIAL, PENDING, LISTENING), begin), [""; 0]);
        }
    }

    #[test]
    fn every_state_answers_stop() {
        let begin = begin();
        let header = quote!(INITIAL, PENDING, LISTENING);
        let pending = handler("PENDING_Stop", &quote!(Self::LISTENING));
        only(&all_errors(header.clone(), quote!(#begin #pending)), "`LISTENING` does not answer `Stop`");
        let hello = handler("PENDING_Hello", &quote!(Self::LISTENING));
        only(&all_errors(header.clone(), quote!(#begin #hello)), "`PENDING` and `LISTENING` do not answer `Stop`");
        let listening = handler("LISTENING_Stop", &quote!(Next::STAY));
        assert_eq!(all_errors(header, quote!(#begin #pending #listening)), [""; 0]);
        let group = handler("UP_Stop", &quote!(Self::LISTENING));
        assert_eq!(
            all_errors(quote!(INITIAL, PENDING, LISTENING, UP = PENDING | LISTENING), quote!(#begin #group)),
            [""; 0]
        );
        only(&all_errors(quote!(), quote!()), "add `fn ANY_Stop(&mut self, _: Stop) -> Next<Self>`");
    }

    #[test]
    fn a_state_that_defers_stop_answers_it_later() {
        let begin = begin();
        let hello = handler("PENDING_Hello", &quote!(Self::CLOSING));
        let stop = handler("CLOSING_Stop", &quote!(Self::complete(Aborted)));
        assert_eq!(all_errors(quote!(INITIAL, PENDING(defer(Stop)), CLOSING), quote!(#begin #hello #stop)), [""; 0]);
    }

    #[test]
    fn a_first_state_that_only_takes_start_and_leaves_need_not_answer() {
        let stop = handler("PENDING_Stop", &quote!(Self::complete(Aborted)));
        let header = quote!(INITIAL, PENDING);
        for next in [quote!(Self::PENDING), quote!(if x { Self::PENDING } else { Self::complete(Aborted) })] {
            let begin = handler("INITIAL_Start", &next);
            assert_eq!(all_errors(header.clone(), quote!(#begin #stop)), [""; 0]);
        }
        for next in
            [quote!(if x { Self::PENDING } else { Self::INITIAL }), quote!(if x { Self::PENDING } else { Next::STAY })]
        {
            let begin = handler("INITIAL_Start", &next);
            only(&all_errors(header.clone(), quote!(#begin #stop)), "`INITIAL` does not answer `Stop`");
        }
        let (begin, more) = (begin(), handler("INITIAL_Hello", &quote!(Self::PENDING)));
        only(&all_errors(header, quote!(#begin #more #stop)), "`INITIAL` does not answer `Stop`");
    }

    #[test]
    fn timeouts_and_their_handlers_come_in_pairs() {
        let begin = begin();
        let timeout = handler("PENDING_Timeout", &quote!(Next::STAY));
        let any = handler("ANY_Timeout", &quote!(Next::STAY));
        let timed = quote!(INITIAL, PENDING(timeout = "5s"));
        only(&errors(timed.clone(), begin.clone()), "`PENDING` has a timeout but no handler");
        only(&errors(quote!(INITIAL, PENDING), quote!(#begin #timeout)), "declare it as `PENDING(timeout = \"5s\")`");
        only(&errors(quote!(INITIAL, PENDING), quote!(#begin #any)), "none of these states has a timeout");
        only(&errors(quote!(), quote!(#any)), "only a state can have a timeout");
        assert_eq!(errors(timed.clone(), quote!(#begin #timeout)), [""; 0]);
        assert_eq!(errors(timed.clone(), quote!(#begin #any)), [""; 0]);
        // What the group would serve has no timeout.
        let up = handler("UP_Timeout", &quote!(Next::STAY));
        let two = errors(quote!(INITIAL, PENDING(timeout = "5s"), UP = INITIAL), quote!(#begin #up));
        assert_eq!(two.len(), 2, "{two:?}");
    }

    #[test]
    fn a_deferred_message_is_handled_in_another_state() {
        let begin = begin();
        let hello = handler("PENDING_Hello", &quote!(Next::STAY));
        let header = quote!(INITIAL, PENDING(defer(Hello)));
        only(&errors(header.clone(), quote!(#begin #hello)), "`PENDING` both defers and handles `Hello`");
        let any = handler("ANY_Hello", &quote!(Next::STAY));
        assert_eq!(errors(header, quote!(#begin #any)), [""; 0]);
        let everywhere = quote!(INITIAL(defer(Hello)), PENDING(defer(Hello)));
        only(&errors(everywhere, quote!(#begin #any)), "every state defers `Hello`");
    }

    #[test]
    fn a_refused_handler_is_not_missed_again() {
        let begin = begin();
        let stop = quote!(
            fn ANY_Stop(&mut self) -> Next<Self> {
                Self::complete(Aborted)
            }
        );
        only(&all_errors(quote!(INITIAL, PENDING), quote!(#begin #stop)), "takes no message");
        let timeout = quote!(
            fn PENDING_Timeout(&mut self, _: Timeout) {}
        );
        only(&errors(quote!(INITIAL, PENDING(timeout = "5s")), quote!(#begin #timeout)), "does not say where to go");
        let lost = handler("INITAL_Hello", &quote!(Self::LISTENING));
        only(
            &errors(quote!(INITIAL, PENDING(defer(Hello)), LISTENING), quote!(#begin #lost)),
            "did you mean `INITIAL_Hello`?",
        );
        let timeout = handler("PENDING_Timeout", &quote!(Next::STAY));
        only(&errors(quote!(INITIAL, PENDING(timeout = 5)), quote!(#begin #timeout)), "write `timeout");
        let damaged = errors(quote!(INITIAL, PENDING(timout = "5s"), THIRD(timeout = "x")), quote!(#begin #timeout));
        assert_eq!(damaged.len(), 4, "{damaged:?}");
        only(&errors(quote!(INITIAL, PENDING(timout = "5s")), quote!(#begin #timeout)), "did you mean `timeout`?");
    }
}
