//! The last step of analysis: what the states defer, now that the handlers are known.

use std::collections::BTreeSet;

use syn::Ident;

use super::model::{Deferral, Header, Machine};
use crate::errors::Errors;
use crate::suggest::nearest;

/// Gives every state its deferrals.
pub(super) fn deferrals(header: &Header, machine: &mut Machine, errors: &mut Errors) {
    let mut told = BTreeSet::new();
    for item in &header.states {
        let Some(place) = machine.states.iter().position(|state| state.name == item.name) else { continue };
        let mut defers: Vec<Deferral> = Vec::new();
        for name in &item.defers {
            let text = name.to_string();
            if text == "Timeout" {
                let advice = "`Timeout` cannot be deferred: it belongs to the state it was armed in; remove it here";
                errors.push(name.span(), advice);
            } else if defers.iter().any(|known| known.name == *name) {
                errors.push(name.span(), format!("`{}` defers `{name}` twice; remove one of them", item.name));
            } else if let Some(message) = machine.column(&text) {
                defers.push(Deferral { name: name.clone(), message });
            } else if !machine.doubts.messages.contains(&text) && told.insert(text.clone()) {
                errors.push(
                    name.span(),
                    nobody_handles(&text, machine, |state| {
                        header.states.iter().any(|item| item.name == *state && item.defers.contains(name))
                    }),
                );
            }
        }
        if let Some(state) = machine.states.get_mut(place) {
            // A second declaration of the same name was reported; the first one counts.
            if state.defers.is_empty() {
                state.defers = defers;
            }
        }
    }
}

/// What to say about a deferred message that no state handles; `defers` tells which states defer it.
pub(super) fn nobody_handles(message: &str, machine: &Machine, defers: impl Fn(&Ident) -> bool) -> String {
    let fate = "so it would be deferred for ever";
    let others = machine.messages.iter().map(|known| known.name.as_str()).filter(|known| *known != message);
    if let Some(meant) = nearest(message, others) {
        return format!("no state handles `{message}`, {fate}; did you mean `{meant}`?");
    }
    match machine.states.iter().rev().map(|state| &state.name).find(|state| !defers(state)) {
        Some(state) => format!("no state handles `{message}`, {fate}; add a handler such as `{state}_{message}`"),
        None => format!("every state defers `{message}`, {fate}; handle it in one of them"),
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::super::testing::machine;
    use super::*;

    #[test]
    fn each_rule_of_a_deferral_is_one_error() {
        let methods = quote!(
            fn A_Hello(&mut self, _: Hello) -> Next<Self> {
                Next::STAY
            }
        );
        let cases = [
            (quote!(A, B(defer(Helo))), "did you mean `Hello`?"),
            (quote!(A, B(defer(Farewell))), "such as `A_Farewell`"),
            (quote!(A(defer(Farewell)), B(defer(Farewell))), "every state defers `Farewell`"),
            (quote!(A, B(defer(Hello, Hello))), "twice"),
            (quote!(A, B(defer(Timeout))), "cannot be deferred"),
        ];
        for (header, words) in cases {
            let mut errors = Errors::default();
            machine(header.clone(), methods.clone(), &mut errors);
            let errors = errors.texts();
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{header}: {errors:?}");
        }
    }
}
