//! `#[derive(Group)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Fields, Ident, Type};

use crate::errors::Errors;

/// The `impl Group` of a struct whose fields are members.
pub(crate) fn group(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let members = members(&input, &mut errors);
    if errors.is_empty() {
        return implementation(&input, &members);
    }
    let names = salvage(&input);
    let errors = errors.tokens();
    quote!(#names #errors)
}

/// The names of the fields.
fn members<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<&'a Ident> {
    let name = &input.ident;
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => &fields.named,
            _ => {
                errors.push(
                    name.span(),
                    format!("a group has members with names; write `struct {name} {{ server: Member }}`"),
                );
                return Vec::new();
            }
        },
        _ => {
            errors.push(
                name.span(),
                format!("`Group` is derived for a struct of members; write `struct {name} {{ server: Member }}`"),
            );
            return Vec::new();
        }
    };
    for field in fields {
        if !is_member(&field.ty) {
            errors.push(word(&field.ty), "a field of a group is a `Member`; keep other things beside the group");
        }
    }
    fields.iter().filter_map(|field| field.ident.as_ref()).collect()
}

/// Whether the type is written `Member`, with a path or without.
fn is_member(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Member"))
}

fn implementation(input: &DeriveInput, members: &[&Ident]) -> TokenStream {
    let ident = &input.ident;
    let (generics, arguments, condition) = input.generics.split_for_impl();
    let names: Vec<String> = members.iter().map(|member| plain(member)).collect();
    quote! {
        impl #generics ::statepoint::Group for #ident #arguments #condition {
            fn members(&self) -> ::std::vec::Vec<(&str, &::statepoint::Member)> {
                ::std::vec![#((#names, &self.#members)),*]
            }
            fn member_mut(&mut self, name: &str) -> ::core::option::Option<&mut ::statepoint::Member> {
                match name {
                    #(#names => ::core::option::Option::Some(&mut self.#members),)*
                    _ => ::core::option::Option::None,
                }
            }
            fn copy(&self) -> Self {
                Self { #(#members: ::core::clone::Clone::clone(&self.#members)),* }
            }
        }
    }
}

/// An implementation that type-checks, beside an error.
fn salvage(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (generics, arguments, condition) = input.generics.split_for_impl();
    quote! {
        impl #generics ::statepoint::Group for #ident #arguments #condition {
            fn members(&self) -> ::std::vec::Vec<(&str, &::statepoint::Member)> { ::std::vec::Vec::new() }
            fn member_mut(&mut self, _: &str) -> ::core::option::Option<&mut ::statepoint::Member> {
                ::core::option::Option::None
            }
            fn copy(&self) -> Self { ::core::panic!() }
        }
    }
}

/// The name without the `r#` that a keyword needs.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

/// The word of a type to underline.
fn word(ty: &Type) -> Span {
    match ty {
        Type::Path(path) => path.path.segments.last().map_or_else(Span::call_site, |last| last.ident.span()),
        other => other.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span()),
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn read(input: &DeriveInput) -> (Vec<String>, Vec<String>) {
        let mut errors = Errors::default();
        let members = members(input, &mut errors);
        (members.iter().map(|member| plain(member)).collect(), errors.texts())
    }

    #[test]
    fn fields_are_members_by_their_names() {
        let (members, errors) = read(&parse_quote! {
            struct Servers { clock: Member, r#type: statepoint::Member }
        });
        assert_eq!(errors, [""; 0]);
        assert_eq!(members, ["clock", "type"]);
    }

    #[test]
    fn each_rule_is_one_error() {
        let cases: [(DeriveInput, &str); 5] = [
            (
                parse_quote!(
                    enum Servers {
                        Clock(Member),
                    }
                ),
                "derived for a struct of members",
            ),
            (
                parse_quote!(
                    struct Servers;
                ),
                "members with names",
            ),
            (
                parse_quote!(
                    struct Servers(Member);
                ),
                "members with names",
            ),
            (
                parse_quote!(
                    struct Servers {}
                ),
                "`struct Servers { server: Member }`",
            ),
            (
                parse_quote!(
                    struct Servers {
                        clock: Member,
                        name: String,
                    }
                ),
                "a field of a group is a `Member`",
            ),
        ];
        for (input, words) in cases {
            let (_, errors) = read(&input);
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{words}: {errors:?}");
        }
    }
}
