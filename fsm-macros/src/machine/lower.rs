//! The pass `lower`: which handler serves which state. The most specific one wins: state, group, `ANY`.

use super::model::{Cell, Handler, Machine, Role, Scope, Table, Timeout};
use crate::errors::Errors;

/// A place in the table while it is being filled: who has it so far.
#[derive(Clone, Copy, Default)]
struct Taken {
    deferred: bool,
    handler: Option<(usize, Scope)>,
    disputed: bool,
}

/// Fills the table.
pub(super) fn lower(machine: &Machine, errors: &mut Errors) -> Table {
    let states = machine.states.len();
    let columns = machine.messages.len();
    // Three more columns stand for Unknown, Enter and Exit.
    let mut places = vec![vec![Taken::default(); columns + 3]; states];
    for (state, row) in machine.states.iter().zip(&mut places) {
        for deferral in &state.defers {
            if let Some(place) = row.get_mut(deferral.message) {
                place.deferred = true;
            }
        }
    }
    let timeout = machine.column("Timeout");
    for (index, handler) in machine.handlers.iter().enumerate() {
        let column = match handler.role {
            Role::Message(column) => column,
            Role::Unknown => columns,
            Role::Enter => columns + 1,
            Role::Exit => columns + 2,
        };
        for (state, row) in places.iter_mut().enumerate() {
            let Some(place) = row.get_mut(column) else { continue };
            if machine.serves(handler.scope, state)
                && !(timeout == Some(column) && never_comes(machine, handler, state))
            {
                take(place, index, handler.scope);
            }
        }
    }
    disputes(machine, &places, errors);
    let column = |column: usize| {
        let handler = |row: &Vec<Taken>| row.get(column).and_then(|place| place.handler).map(|(index, _)| index);
        places.iter().map(handler).collect()
    };
    Table {
        cells: places.iter().map(|row| row.iter().take(columns).map(cell).collect()).collect(),
        unknown: column(columns),
        enter: column(columns + 1),
        exit: column(columns + 2),
    }
}

/// `ANY_Timeout` serves the states that have a timeout: in the others it could never run, and the diagram would lie.
fn never_comes(machine: &Machine, handler: &Handler, state: usize) -> bool {
    let timed = machine.states.get(state).is_some_and(|state| state.timeout != Timeout::None || state.damaged);
    !timed && !matches!(handler.scope, Scope::State(_))
}

fn take(place: &mut Taken, index: usize, scope: Scope) {
    match place.handler {
        Some((_, Scope::Group(_))) if matches!(scope, Scope::Group(_)) => place.disputed = true,
        Some((_, known)) if known <= scope => {}
        _ => {
            place.handler = Some((index, scope));
            place.disputed = false;
        }
    }
}

/// The state's own deferral is as specific as a handler of its own, so it beats those of groups and `ANY`.
fn cell(place: &Taken) -> Cell {
    match place.handler {
        _ if place.deferred => Cell::Defer,
        Some((index, _)) => Cell::Handler(index),
        None => Cell::None,
    }
}

/// Two groups that share a state must not both serve it.
fn disputes(machine: &Machine, places: &[Vec<Taken>], errors: &mut Errors) {
    for (later, handler) in machine.handlers.iter().enumerate() {
        let Scope::Group(_) = handler.scope else { continue };
        let disputed = machine.states.iter().zip(places).enumerate().find_map(|(state, (declared, row))| {
            let (first, _) = row.iter().filter(|place| place.disputed && !place.deferred).find_map(|place| {
                let first = place.handler?;
                (machine.handlers.get(first.0)?.role == handler.role).then_some(first)
            })?;
            (first < later && machine.serves(handler.scope, state)).then_some((declared, first))
        });
        let Some((state, first)) = disputed else { continue };
        let earlier = machine.handlers.get(first).map_or_else(String::new, |handler| handler.name.to_string());
        let (name, state) = (&handler.name, &state.name);
        let message = name.to_string();
        let message = match handler.scope {
            Scope::Group(group) => machine.groups.get(group).map_or(0, |group| group.name.to_string().len() + 1),
            _ => 0,
        }
        .min(message.len());
        let message = name.to_string().split_off(message);
        errors.push(
            name.span(),
            format!("`{earlier}` and `{name}` both serve `{state}`; add `{state}_{message}` to say what it does"),
        );
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::super::testing::machine;
    use super::*;

    fn table(header: proc_macro2::TokenStream, methods: proc_macro2::TokenStream) -> (Vec<Vec<Cell>>, Vec<String>) {
        let mut errors = Errors::default();
        let machine = machine(header, methods, &mut errors);
        let table = lower(&machine, &mut errors);
        (table.cells, errors.texts())
    }

    #[test]
    fn state_beats_group_beats_any_whatever_their_order() {
        let (cells, errors) = table(
            quote!(A, B, C, UP = A | B),
            quote! {
                fn ANY_Hello(&mut self, _: Hello) -> Next<Self> { Next::STAY }
                fn A_Hello(&mut self, _: Hello) -> Next<Self> { Next::STAY }
                fn UP_Hello(&mut self, _: Hello) -> Next<Self> { Next::STAY }
            },
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(cells, [vec![Cell::Handler(1)], vec![Cell::Handler(2)], vec![Cell::Handler(0)]]);
    }

    #[test]
    fn a_deferral_beats_group_and_any() {
        let (cells, _) = table(
            quote!(A(defer(Hello)), B(defer(Bye)), UP = A | B),
            quote! {
                fn ANY_Hello(&mut self, _: Hello) -> Next<Self> { Next::STAY }
                fn UP_Bye(&mut self, _: Bye) -> Next<Self> { Next::STAY }
            },
        );
        assert_eq!(cells, [vec![Cell::Defer, Cell::Handler(1)], vec![Cell::Handler(0), Cell::Defer]]);
    }

    #[test]
    fn any_timeout_serves_the_states_that_have_one() {
        let (cells, _) = table(
            quote!(A, B(timeout = "5s")),
            quote!(
                fn ANY_Timeout(&mut self, _: Timeout) -> Next<Self> {
                    Self::B
                }
            ),
        );
        assert_eq!(cells, [[Cell::None], [Cell::Handler(0)]]);
    }

    #[test]
    fn two_groups_do_not_share_a_cell() {
        let groups = quote!(A, B, C, UP = A | B, DOWN = B | C);
        let methods = quote! {
            fn UP_Hello(&mut self, _: Hello) -> Next<Self> { Next::STAY }
            fn DOWN_Hello(&mut self, _: Hello) -> Next<Self> { Next::STAY }
        };
        let (_, errors) = table(groups.clone(), methods.clone());
        assert_eq!(errors, ["`UP_Hello` and `DOWN_Hello` both serve `B`; add `B_Hello` to say what it does"]);
        let own = quote!(
            fn B_Hello(&mut self, _: Hello) -> Next<Self> {
                Next::STAY
            }
        );
        assert_eq!(table(groups.clone(), quote!(#methods #own)).1, [""; 0]);
        assert_eq!(table(groups, quote!(#own #methods)).1, [""; 0]);
    }

    #[test]
    fn unknown_enter_and_exit_follow_the_same_rule() {
        let mut errors = Errors::default();
        let machine = machine(
            quote!(A, B, UP = B),
            quote! {
                fn ANY_Unknown(&mut self, _: Unknown) -> Next<Self> { Next::STAY }
                fn A_Unknown(&mut self, _: Unknown) -> Next<Self> { Next::STAY }
                fn UP_Enter(&mut self) {}
                fn A_Exit(&mut self, cx: &mut Context) {}
            },
            &mut errors,
        );
        let table = lower(&machine, &mut errors);
        assert_eq!(errors.texts(), [""; 0]);
        assert_eq!(table.unknown, [Some(1), Some(0)]);
        assert_eq!(table.enter, [None, Some(2)]);
        assert_eq!(table.exit, [Some(3), None]);
    }
}
