//! The part of `codegen` inside `impl Machine`: the table, the columns, the changes of state.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Path, Type};

use super::model::{Cell, Handler, Machine, Role, Scope, State, Table, Timeout};
use super::shape::shape;

/// How many handlers stand in one body. The time to compile a body grows with the square of what is in it.
const PART: usize = 32;

/// The table, the columns and the changes of state.
pub(super) fn table(machine: &Machine, table: &Table, states: &Ident, handlers: &Ident) -> TokenStream {
    let calls = (0..used(table).len().div_ceil(PART)).map(|part| quote!(<Self as #handlers<#part>>::CALLS));
    let rows = rows(machine, table);
    let mut otherwise: Vec<usize> = Vec::new();
    let unknown: Vec<TokenStream> = table.unknown.iter().map(|handler| unknown(*handler, &mut otherwise)).collect();
    let closures =
        otherwise.iter().filter_map(|handler| Some(closure(machine, machine.handlers.get(*handler)?, states)));
    let (parts, count) = (calls.len(), otherwise.len());
    let timeouts = machine.states.iter().map(timeout);
    let shape = shape(machine, table);
    let find = column(machine);
    let enter = change(machine, &table.enter, states, "enter");
    let exit = change(machine, &table.exit, states, "exit");
    // Which of the parameters a cell needs depends on what the user wrote in its signature.
    quote! {
        #[allow(unused_mut, unused_variables)]
        const TABLE: &'static ::statepoint::Table<Self> = {
            let call: [&[::statepoint::Handler<Self>]; #parts] = [#(#calls),*];
            let otherwise: [::statepoint::Otherwise<Self>; #count] = [#(#closures),*];
            &::statepoint::Table {
                cells: &[#(#rows),*],
                unknown: &[#(#unknown),*],
                timeouts: &[#(#timeouts),*],
                shape: &#shape,
            }
        };
        #find
        #enter
        #exit
    }
}

/// The handlers of messages that some cell holds. One that none holds is left out: the compiler says that it is never used.
fn used(table: &Table) -> BTreeSet<usize> {
    let handler = |cell: &Cell| match cell {
        Cell::Handler(handler) => Some(*handler),
        Cell::None | Cell::Defer => None,
    };
    table.cells.iter().flatten().filter_map(handler).collect()
}

/// Those handlers as the table calls them, in parts.
pub(super) fn parts(machine: &Machine, table: &Table, states: &Ident) -> Vec<TokenStream> {
    let used: Vec<usize> = used(table).into_iter().collect();
    let part = |part: &[usize]| {
        let handlers = part.iter().filter_map(|handler| machine.handlers.get(*handler));
        let closures = handlers.map(|handler| closure(machine, handler, states));
        quote!(#(#closures),*)
    };
    used.chunks(PART).map(part).collect()
}

/// The rows of cells. Only what is written is named: a table is mostly empty.
fn rows(machine: &Machine, table: &Table) -> Vec<TokenStream> {
    let mut places = vec![(0, 0); machine.handlers.len()];
    for (place, handler) in used(table).into_iter().enumerate() {
        if let Some(entry) = places.get_mut(handler) {
            *entry = (place / PART, place % PART);
        }
    }
    let columns = machine.messages.len();
    let row = |row: &Vec<Cell>| {
        let entries = row.iter().enumerate().filter_map(|(column, cell)| match cell {
            Cell::None => None,
            Cell::Defer => Some(quote!(row[#column] = ::statepoint::Cell::Defer;)),
            Cell::Handler(handler) => {
                let (part, place) = places.get(*handler)?;
                Some(quote!(row[#column] = ::statepoint::Cell::Call(call[#part][#place]);))
            }
        });
        quote!(&{ let mut row = [const { ::statepoint::Cell::Unknown }; #columns]; #(#entries)* row })
    };
    table.cells.iter().map(row).collect()
}

/// The entry of a state in the column of `Unknown`; `known` collects the handlers that are named there.
fn unknown(handler: Option<usize>, known: &mut Vec<usize>) -> TokenStream {
    let Some(handler) = handler else { return quote!(::core::option::Option::None) };
    let place = known.iter().position(|other| *other == handler).unwrap_or_else(|| {
        known.push(handler);
        known.len() - 1
    });
    quote!(::core::option::Option::Some(otherwise[#place]))
}

/// `|machine, state, body, cx| ..`: opens the body and calls the handler.
fn closure(machine: &Machine, handler: &Handler, states: &Ident) -> TokenStream {
    let name = &handler.name;
    // Errors in calling the handler are shown at its name; the names of the parameters cannot clash with the user's.
    let span = Span::mixed_site().located_at(name.span());
    let state = match handler.scope {
        Scope::State(state) if handler.data => machine.states.get(state).map(|state| &state.name),
        _ => None,
    };
    let data = state.map(|_| quote_spanned!(span=> , data));
    let context = handler.context.then(|| quote_spanned!(span=> , cx));
    let open = state.map(
        |state| quote_spanned!(span=> let #states::#state(data) = state else { return ::statepoint::Next::Stay };),
    );
    let state = if state.is_some() { quote_spanned!(span=> state) } else { quote!(_) };
    match handler.role {
        Role::Message(column) => {
            let ty = machine.messages.get(column).map(|message| &message.ty);
            quote_spanned! {span=>
                |machine, #state, body, cx| {
                    #open
                    match body.open::<#ty>() {
                        ::core::result::Result::Ok(message) => machine.#name(message #data #context),
                        ::core::result::Result::Err(refused) => cx.refuse(refused),
                    }
                }
            }
        }
        Role::Unknown | Role::Enter | Role::Exit => {
            let cx = if handler.context { quote_spanned!(span=> cx) } else { quote!(_) };
            quote_spanned!(span=> |machine, #state, unknown, #cx| { #open machine.#name(unknown #data #context) })
        }
    }
}

fn timeout(state: &State) -> TokenStream {
    match &state.timeout {
        Timeout::Literal { duration, .. } => {
            let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
            quote!(::core::option::Option::Some(::core::time::Duration::new(#seconds, #nanoseconds)))
        }
        Timeout::Constant(path) => {
            let check = zero_check(state, path);
            quote!(::core::option::Option::Some({ #check #path }))
        }
        Timeout::None | Timeout::Broken => quote!(::core::option::Option::None),
    }
}

/// A constant can be zero as well: found while compiling.
fn zero_check(state: &State, path: &Path) -> TokenStream {
    let text = format!("the timeout of `{}` is zero, so it would fire at once; write a time above zero", state.name);
    let word = path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
    let span = Span::mixed_site().located_at(word);
    let assert = quote_spanned!(span=> ::core::assert!(!limit.is_zero(), #text););
    quote_spanned!(span=> let limit: ::core::time::Duration = #path; #assert)
}

fn column(machine: &Machine) -> TokenStream {
    let types: Vec<&Type> = machine.messages.iter().map(|message| &message.ty).collect();
    let size = (types.len() * 2).next_power_of_two().max(2);
    quote! {
        fn column(id: ::statepoint::MessageId) -> ::core::option::Option<usize> {
            const { &::statepoint::macros::Columns::<#size>::new(&[#(<#types as ::statepoint::Message>::ID),*]) }
                .find(id)
                .or_else(|| ::statepoint::macros::former(id, const { &[#(<#types as ::statepoint::Message>::ALSO),*] }))
        }
    }
}

/// `fn enter` or `fn exit`.
fn change(machine: &Machine, column: &[Option<usize>], states: &Ident, method: &str) -> Option<TokenStream> {
    let arms: Vec<TokenStream> = machine
        .states
        .iter()
        .zip(column)
        .filter_map(|(state, handler)| {
            let handler = machine.handlers.get((*handler)?)?;
            let (state, name) = (&state.name, &handler.name);
            let span = Span::mixed_site().located_at(name.span());
            let pattern = if handler.data { quote_spanned!(span=> (data)) } else { quote!({ .. }) };
            let data = handler.data.then(|| quote_spanned!(span=> data,));
            let context = handler.context.then(|| quote_spanned!(span=> cx));
            Some(quote_spanned!(span=> #states::#state #pattern => self.#name(#data #context),))
        })
        .collect();
    if arms.is_empty() {
        return None;
    }
    let method = format_ident!("{method}");
    let span = Span::mixed_site();
    // Every state may have such a method, and it need not take anything.
    Some(quote_spanned! {span=>
        #[allow(unreachable_patterns, unused_variables)]
        fn #method(&mut self, state: &mut Self::State, cx: &mut ::statepoint::Context) {
            match state { #(#arms)* _ => {} }
        }
    })
}
