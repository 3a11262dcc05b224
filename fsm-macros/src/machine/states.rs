//! The first half of analysis: the names in the header.

use std::collections::{BTreeMap, BTreeSet};

use quote::format_ident;
use syn::Ident;

use super::model::{ANY, Data, Group, GroupItem, Header, Machine, Scope, State};
use super::scan::shouting;
use crate::errors::Errors;
use crate::suggest::nearest;

/// The most states a machine can have.
pub(super) const MOST_STATES: usize = 256;

/// The states of the header, each once. What they defer is resolved when the handlers are known.
pub(super) fn states(header: &Header, errors: &mut Errors) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    for item in &header.states {
        let name = &item.name;
        if name == ANY {
            errors.push(
                name.span(),
                "`ANY` stands for every state in the names of handlers; give this state another name",
            );
            continue;
        }
        if states.iter().any(|state| state.name == *name) {
            errors.push(name.span(), format!("the state `{name}` is declared twice; remove one of them"));
            continue;
        }
        if !shouting(&name.to_string()) {
            let shouted = shout(&name.to_string());
            errors.push(name.span(), format!("names of states are written in capitals; call this one `{shouted}`"));
        }
        if states.len() == MOST_STATES {
            errors.push(
                name.span(),
                format!("a machine has at most {MOST_STATES} states; split it into a parent and its children"),
            );
            break;
        }
        if states.is_empty() && item.data != Data::None {
            let text = format!(
                "`{name}` is where the machine begins, so nobody could give it its data; put a state without data first"
            );
            errors.push(name.span(), text);
        }
        states.push(State {
            name: name.clone(),
            defers: Vec::new(),
            timeout: item.timeout.clone(),
            data: item.data.clone(),
            damaged: item.damaged,
        });
    }
    states
}

/// The one state of a machine that declares none.
pub(super) fn only_state(machine: &Ident) -> State {
    let mut name = format_ident!("{ANY}");
    name.set_span(machine.span());
    State { name, defers: Vec::new(), timeout: super::model::Timeout::None, data: Data::None, damaged: false }
}

/// The groups of the header, each once, of states that exist.
pub(super) fn groups(header: &Header, states: &[State], errors: &mut Errors) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for item in &header.groups {
        let name = &item.name;
        if name == ANY {
            errors
                .push(name.span(), "`ANY` stands for every state already; remove this group, or give it another name");
            continue;
        }
        if states.iter().any(|state| state.name == *name) {
            errors.push(
                name.span(),
                format!("`{name}` is a state, so it cannot be a group as well; give the group another name"),
            );
            continue;
        }
        if groups.iter().any(|group| group.name == *name) {
            errors.push(name.span(), format!("the group `{name}` is declared twice; remove one of them"));
            continue;
        }
        if !shouting(&name.to_string()) {
            let shouted = shout(&name.to_string());
            errors.push(name.span(), format!("names of groups are written in capitals; call this one `{shouted}`"));
        }
        let members = members(item, header, states, errors);
        groups.push(Group { name: name.clone(), members });
    }
    groups
}

fn members(item: &GroupItem, header: &Header, states: &[State], errors: &mut Errors) -> BTreeSet<usize> {
    let mut members = BTreeSet::new();
    for member in &item.members {
        match states.iter().position(|state| state.name == *member) {
            Some(state) => {
                if !members.insert(state) {
                    errors.push(
                        member.span(),
                        format!("`{member}` is in the group `{}` twice; remove one of them", item.name),
                    );
                }
            }
            None if header.groups.iter().any(|group| group.name == *member) => {
                let text = format!("`{member}` is a group, and a group of groups is not possible; list its states");
                errors.push(member.span(), text);
            }
            None if header.damaged => {}
            None => errors.push(member.span(), no_state(&member.to_string(), states)),
        }
    }
    members
}

/// What to say about a name that is no state.
pub(super) fn no_state(name: &str, states: &[State]) -> String {
    let names: Vec<String> = states.iter().map(|state| state.name.to_string()).collect();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("`{name}` is not a state of this machine; did you mean `{meant}`?"),
        None => format!("`{name}` is not a state of this machine; declare it in the header"),
    }
}

/// What to say about a handler for a state that does not exist.
pub(super) fn lost(state: &str, message: &str, machine: &Machine) -> String {
    if machine.stateless {
        return format!(
            "this machine has no states; call the handler `ANY_{message}`, or declare `{state}` in the attribute"
        );
    }
    let names = machine.states.iter().map(|state| &state.name).chain(machine.groups.iter().map(|group| &group.name));
    let names: Vec<String> = names.map(ToString::to_string).chain([ANY.to_owned()]).collect();
    match nearest(state, names.iter().map(String::as_str)) {
        Some(meant) => format!("`{state}` is not a state of this machine; did you mean `{meant}_{message}`?"),
        None => no_state(state, &machine.states),
    }
}

/// How a method's name reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading<'a> {
    /// A handler: whom it serves, and the message part of its name.
    Handler(Scope, &'a str),
    /// It is written like a handler, but for a state that does not exist.
    Lost(&'a str, &'a str),
    /// Any other method.
    Helper,
}

/// What stands before the `_` in the name of a handler.
pub(super) fn scopes(states: &[State], groups: &[Group]) -> BTreeMap<String, Scope> {
    let states = states.iter().enumerate().map(|(index, state)| (state.name.to_string(), Scope::State(index)));
    let groups = groups.iter().enumerate().map(|(index, group)| (group.name.to_string(), Scope::Group(index)));
    states.chain(groups).chain([(ANY.to_owned(), Scope::Any)]).collect()
}

/// Reads the name of a method: a state, the last `_` that leaves one before it, and a name that begins with a capital.
pub(super) fn reading<'a>(name: &'a str, scopes: &BTreeMap<String, Scope>) -> Reading<'a> {
    let splits = || {
        name.rmatch_indices('_')
            .map(|(place, _)| name.split_at(place))
            .map(|(state, message)| (state, message.strip_prefix('_').unwrap_or(message)))
            .filter(|(_, message)| message.starts_with(char::is_uppercase))
    };
    for (prefix, message) in splits() {
        if let Some(scope) = scopes.get(prefix) {
            return Reading::Handler(*scope, message);
        }
    }
    splits()
        .find(|(prefix, _)| shouting(prefix))
        .map_or(Reading::Helper, |(state, message)| Reading::Lost(state, message))
}

/// What stands before the `_` in the name of a method that is a handler but for the small letter behind it: `OPEN_push`.
pub(super) fn small<'a>(name: &'a str, scopes: &BTreeMap<String, Scope>) -> Option<&'a str> {
    name.rmatch_indices('_').filter_map(|(place, _)| name.get(..place)).find(|prefix| scopes.contains_key(*prefix))
}

/// `HalfOpen` as the name of a state: `HALF_OPEN`.
fn shout(name: &str) -> String {
    let mut shouted = String::new();
    let mut small = false;
    for letter in name.chars() {
        if small && letter.is_uppercase() {
            shouted.push('_');
        }
        small = letter.is_lowercase();
        shouted.extend(letter.to_uppercase());
    }
    shouted
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::super::header::header;
    use super::*;

    fn read(tokens: TokenStream) -> (Vec<State>, Vec<Group>, Vec<String>) {
        let mut errors = Errors::default();
        let header = header(tokens, &mut errors);
        let states = states(&header, &mut errors);
        let groups = groups(&header, &states, &mut errors);
        (states, groups, errors.texts())
    }

    fn errors(tokens: TokenStream) -> Vec<String> {
        read(tokens).2
    }

    #[test]
    fn groups_may_stand_before_their_states() {
        let (states, groups, errors) = read(quote!(UP = B | C, A, B, C));
        assert_eq!(errors, [""; 0]);
        assert_eq!(states.len(), 3);
        assert_eq!(groups.first().map(|group| group.members.iter().copied().collect()), Some(vec![1, 2]));
    }

    #[test]
    fn each_rule_of_the_header_is_one_error() {
        let cases = [
            (quote!(A, ANY), "`ANY` stands for every state"),
            (quote!(A, ANY = A), "`ANY` stands for every state"),
            (quote!(A, B, A), "declared twice"),
            (quote!(A, halfOpen), "`HALF_OPEN`"),
            (quote!(A, B, Up = A | B), "`UP`"),
            (quote!(A(data = Dial), B), "nobody could give it its data"),
            (quote!(A, B, A = B), "`A` is a state"),
            (quote!(A, U = A, U = A), "declared twice"),
            (quote!(A, B, U = A, V = U | B), "group of groups"),
            (quote!(A, B, U = A | A), "twice"),
            (quote!(ALPHA, BETA, U = ALPA), "did you mean `ALPHA`?"),
            (quote!(ALPHA, BETA, U = OMEGA), "declare it in the header"),
        ];
        for (header, words) in cases {
            let errors = errors(header.clone());
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{header}: {errors:?}");
        }
    }

    #[test]
    fn the_257th_state_is_one_too_many() {
        let name = |number: usize| format_ident!("S{number}");
        let most: Vec<Ident> = (0..MOST_STATES).map(name).collect();
        assert_eq!(errors(quote!(#(#most),*)), [""; 0]);
        let more: Vec<Ident> = (0..MOST_STATES + 9).map(name).collect();
        let (states, _, errors) = read(quote!(#(#more),*));
        assert_eq!((states.len(), errors.len()), (MOST_STATES, 1));
    }

    #[test]
    fn the_last_underscore_that_leaves_a_state_splits_the_name() {
        let (states, groups, _) = read(quote!(HALF, HALF_OPEN, GLARING, UP = HALF | GLARING));
        let scopes = scopes(&states, &groups);
        let reading = |name| reading(name, &scopes);
        assert_eq!(reading("HALF_OPEN_NotListening"), Reading::Handler(Scope::State(1), "NotListening"));
        assert_eq!(reading("HALF_Open"), Reading::Handler(Scope::State(0), "Open"));
        assert_eq!(reading("GLARING_T1"), Reading::Handler(Scope::State(2), "T1"));
        assert_eq!(reading("GLARING_Foo_Bar"), Reading::Handler(Scope::State(2), "Foo_Bar"));
        assert_eq!(reading("UP_Stop"), Reading::Handler(Scope::Group(0), "Stop"));
        assert_eq!(reading("ANY_Stop"), Reading::Handler(Scope::Any, "Stop"));
        assert_eq!(reading("GLARNG_T1"), Reading::Lost("GLARNG", "T1"));
        for helper in ["helper", "make_it", "GLARING_t1", "Half_Open", "GLARING", "_Stop", "make_It"] {
            assert_eq!(reading(helper), Reading::Helper, "{helper}");
        }
        assert_eq!(small("HALF_OPEN_push_back", &scopes), Some("HALF_OPEN"));
        assert_eq!(small("ANY_t1", &scopes), Some("ANY"));
        assert_eq!(small("make_it", &scopes), None);
    }
}
