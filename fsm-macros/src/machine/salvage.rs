//! What is written when the machine has errors: every name that the file may use, so that one mistake is one error.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};

use super::codegen::{Frame, user_impl};
use super::model::Machine;
use super::parse::{Impl, Member, Source, Subject};
use super::states::{Reading, reading};
use crate::lifetimes::{with_static, without_lifetimes};

/// The user's item, the state enum, the constants and an `impl Machine` with an empty table.
pub(super) fn salvage(source: &Source, item: TokenStream, machine: &Machine) -> TokenStream {
    match &source.subject {
        Subject::Impl(found) => {
            let owned = owned(found);
            let frame = Frame::new(machine, &owned.generics, owned.self_type.to_token_stream(), &owned.attributes);
            let user = if is_foreign(found, machine) { item } else { user_impl(&owned, machine) };
            names(user, machine, &frame)
        }
        Subject::Type(name, generics) => {
            let (_, arguments, _) = generics.split_for_impl();
            let self_type = with_static(quote!(#name #arguments), &|_| true);
            names(item, machine, &Frame::new(machine, &without_lifetimes(generics), self_type, &[]))
        }
        Subject::Other(_) => item,
    }
}

fn names(user: TokenStream, machine: &Machine, frame: &Frame<'_>) -> TokenStream {
    let (states, constants) = (frame.state_enum(), frame.constants(""));
    let generated = frame.machine_impl(&quote!(::core::panic!()), &empty_table(machine), None);
    quote! {
        #user
        const _: () = {
            #states
            #constants
            #generated
        };
    }
}

/// Whether it is the impl of a trait and has nothing of a machine: then it is left alone.
pub(super) fn is_foreign(found: &Impl, machine: &Machine) -> bool {
    let handler = |member: &Member| match member {
        Member::Method(method) => reading(&method.signature.ident.to_string(), &machine.scopes) != Reading::Helper,
        Member::Constant(..) | Member::Macro(..) | Member::Other(_) => false,
    };
    found.of_trait.is_some() && !found.members.iter().any(handler)
}

fn empty_table(machine: &Machine) -> TokenStream {
    let rows: Vec<TokenStream> = machine.states.iter().map(|_| quote!(&[])).collect();
    let none: Vec<TokenStream> = machine.states.iter().map(|_| quote!(::core::option::Option::None)).collect();
    let names = machine.states.iter().map(|state| state.name.to_string());
    let name = machine.name.to_string();
    quote! {
        const TABLE: &'static ::statepoint::Table<Self> = &::statepoint::Table {
            cells: &[#(#rows),*],
            unknown: &[#(#none),*],
            timeouts: &[#(#none),*],
            shape: &::statepoint::Shape {
                machine: #name,
                doc: "",
                states: &[#(::statepoint::StateShape {
                    name: #names, data: ::core::option::Option::None, timeout: ::core::option::Option::None,
                }),*],
                messages: &[],
                handlers: &[],
                cells: &[#(#rows),*],
                unknown: &[#(#none),*],
                enter: &[#(#none),*],
                exit: &[#(#none),*],
            },
        };
        fn column(_: ::statepoint::MessageId) -> ::core::option::Option<usize> { ::core::option::Option::None }
    }
}

/// The `impl` as if the machine borrowed nothing; that it does was reported.
fn owned(found: &Impl) -> Impl {
    let declared: Vec<Ident> = found.generics.lifetimes().map(|parameter| parameter.lifetime.ident.clone()).collect();
    let named = |word: &Ident| declared.contains(word);
    let any = |word: &Ident| named(word) || *word == "_";
    let mut owned = found.clone();
    // What does not parse after the change stays as it was.
    if let Ok(self_type) = syn::parse2(with_static(found.self_type.to_token_stream(), &any)) {
        owned.self_type = self_type;
    }
    owned.generics = without_lifetimes(&found.generics);
    for member in &mut owned.members {
        match member {
            Member::Method(method) => {
                method.body = with_static(method.body.clone(), &named);
                if let Ok(signature) = syn::parse2(with_static(method.signature.to_token_stream(), &named)) {
                    method.signature = signature;
                }
            }
            Member::Constant(_, tokens) | Member::Macro(_, tokens) | Member::Other(tokens) => {
                *tokens = with_static(tokens.clone(), &named);
            }
        }
    }
    owned
}
