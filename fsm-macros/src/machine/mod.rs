//! `#[state_machine]`: parse -> analyse -> lower -> codegen.

mod analyse;
mod cells;
mod check;
mod codegen;
mod defer;
mod diagram;
mod header;
mod lower;
mod model;
mod parse;
mod period;
mod salvage;
mod scan;
mod shape;
mod signature;
mod states;
#[cfg(test)]
mod testing;

use proc_macro2::TokenStream;
use quote::quote;

use self::parse::Subject;
use crate::errors::Errors;

/// What `#[state_machine(attribute)] item` becomes.
pub(crate) fn state_machine(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let source = parse::parse(attribute, item.clone(), &mut errors);
    let Some(machine) = analyse::analyse(&source, &mut errors) else {
        let errors = errors.tokens();
        return quote!(#item #errors);
    };
    if let Subject::Impl(found) = &source.subject {
        // The impl of another trait has no handlers to judge.
        if !salvage::is_foreign(found, &machine) {
            let table = lower::lower(&machine, &mut errors);
            check::check(&machine, &table, &mut errors);
            if errors.is_empty() {
                return codegen::machine(found, &machine, &table);
            }
        }
    }
    let names = salvage::salvage(&source, item, &machine);
    let errors = errors.tokens();
    quote!(#names #errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impl_without_handlers_is_a_machine_that_does_not_answer_stop() {
        let written = state_machine(quote!(), quote!(impl Server {})).to_string();
        assert!(written.contains("`Server` does not answer `Stop`") && written.contains("for Server"));
    }

    #[test]
    fn what_is_no_type_is_left_as_it_is() {
        let item = quote!(
            use a::b;
        );
        let written = state_machine(quote!(A), item.clone()).to_string();
        assert!(written.starts_with(&item.to_string()) && written.contains("compile_error"));
    }
}
