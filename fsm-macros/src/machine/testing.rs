//! What the tests of the passes share.

use proc_macro2::TokenStream;
use quote::quote;

use super::analyse::analyse;
use super::model::Machine;
use super::parse::parse;
use crate::errors::Errors;

/// The machine `Server` with this header and these methods.
pub(super) fn machine(header: TokenStream, methods: TokenStream, errors: &mut Errors) -> Machine {
    let source = parse(header, quote!(impl Server { #methods }), errors);
    analyse(&source, errors).expect("an impl of a type is a machine")
}
