//! The machine's table as data: `::statepoint::Shape`.

use proc_macro2::TokenStream;
use quote::quote;

use super::diagram::written;
use super::model::{Cell, Data, Handler, Machine, State, Table};
use super::signature::readable;

/// The expression.
pub(super) fn shape(machine: &Machine, table: &Table) -> TokenStream {
    let name = machine.name.to_string();
    let doc = &machine.doc;
    let states = machine.states.iter().map(state);
    let messages = machine.messages.iter().map(|message| &message.name);
    let handlers = machine.handlers.iter().map(handler);
    let columns = machine.messages.len();
    let rows = table.cells.iter().map(|row| {
        let entries = row.iter().enumerate().filter_map(|(column, cell)| match cell {
            Cell::None => None,
            Cell::Defer => Some(quote!(row[#column] = ::statepoint::CellShape::Defer;)),
            Cell::Handler(handler) => Some(quote!(row[#column] = ::statepoint::CellShape::Handler(#handler);)),
        });
        quote!(&{ let mut row = [::statepoint::CellShape::None; #columns]; #(#entries)* row })
    });
    let unknown = table.unknown.iter().copied().map(option);
    let enter = table.enter.iter().copied().map(option);
    let exit = table.exit.iter().copied().map(option);
    quote! {
        ::statepoint::Shape {
            machine: #name,
            doc: #doc,
            states: &[#(#states),*],
            messages: &[#(#messages),*],
            handlers: &[#(#handlers),*],
            cells: &[#(#rows),*],
            unknown: &[#(#unknown),*],
            enter: &[#(#enter),*],
            exit: &[#(#exit),*],
        }
    }
}

fn state(state: &State) -> TokenStream {
    let name = state.name.to_string();
    let data = match &state.data {
        Data::Type(data) => Some(readable(data)),
        Data::None | Data::Broken => None,
    };
    let (data, timeout) = (option(data), option(written(&state.timeout)));
    quote!(::statepoint::StateShape { name: #name, data: #data, timeout: #timeout })
}

fn handler(handler: &Handler) -> TokenStream {
    let (name, doc) = (handler.name.to_string(), &handler.doc);
    let goes = &handler.edges.goes;
    let goes = goes.iter();
    let (stays, ends) = (handler.edges.stays, handler.edges.ends);
    quote!(::statepoint::HandlerShape { name: #name, doc: #doc, goes: &[#(#goes),*], stays: #stays, ends: #ends })
}

fn option(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
