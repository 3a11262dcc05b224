//! `#[derive(Select)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Fields, Ident, Path, Token, Type, parenthesized, token};

use crate::errors::Errors;

/// A variant: its name and the message in it.
type Listed<'a> = (&'a Ident, &'a Type);

/// The `impl Select` of an enum whose variants hold one message each.
pub(crate) fn select(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let listed = variants(&input, &mut errors);
    let deferred = deferred(&input.attrs, &listed, &mut errors);
    if errors.is_empty() {
        return implementation(&input, &listed, &deferred);
    }
    let names = salvage(&input);
    let errors = errors.tokens();
    quote!(#names #errors)
}

fn variants<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<Listed<'a>> {
    let mut listed: Vec<Listed<'a>> = Vec::new();
    let Data::Enum(data) = &input.data else {
        errors
            .push(input.ident.span(), "`Select` is derived for an enum with a variant for each message that may come");
        return listed;
    };
    if data.variants.is_empty() {
        errors.push(
            input.ident.span(),
            format!("`{0}` lists no message, so nothing could come; write `enum {0} {{ Hello(Hello) }}`", input.ident),
        );
    }
    for variant in &data.variants {
        let name = &variant.ident;
        let ty = match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first().map(|field| &field.ty),
            _ => None,
        };
        let Some(ty) = ty else {
            errors.push(name.span(), format!("a variant holds the message that came; write `{name}({name})`"));
            continue;
        };
        let same = |other: &Type| other.to_token_stream().to_string() == ty.to_token_stream().to_string();
        if let Some((first, _)) = listed.iter().find(|(_, other)| same(other)) {
            errors.push(word(ty), format!("`{first}` holds this message already; remove one of the variants"));
            continue;
        }
        listed.push((name, ty));
    }
    listed
}

/// The types in `#[select(defer(A, B))]`.
fn deferred(attributes: &[Attribute], listed: &[Listed<'_>], errors: &mut Errors) -> Vec<Path> {
    let mut deferred: Vec<Path> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("select")) {
        match attribute.parse_args_with(defer) {
            Ok(paths) => deferred.extend(paths),
            Err(error) => errors.add(error),
        }
    }
    for (index, path) in deferred.iter().enumerate() {
        let same = |other: String| other == path.to_token_stream().to_string();
        let place = path.segments.last().map_or_else(Span::call_site, |last| last.ident.span());
        if listed.iter().any(|(_, ty)| same(ty.to_token_stream().to_string())) {
            errors.push(place, "this message is both listed and deferred; remove it here, or remove its variant");
        } else if deferred.iter().take(index).any(|other| same(other.to_token_stream().to_string())) {
            errors.push(place, "this message is deferred twice; remove one of them");
        }
    }
    deferred
}

fn defer(input: ParseStream<'_>) -> syn::Result<Vec<Path>> {
    let example = "write the messages to keep for a later `select`: `#[select(defer(Hello))]`";
    let word: Ident = input.parse().map_err(|error| syn::Error::new(error.span(), example))?;
    if word != "defer" || !input.peek(token::Paren) {
        return Err(syn::Error::new(word.span(), example));
    }
    let content;
    parenthesized!(content in input);
    let paths = Punctuated::<Path, Token![,]>::parse_terminated(&content)?;
    input.parse::<Option<Token![,]>>()?;
    if paths.is_empty() {
        return Err(syn::Error::new(word.span(), example));
    }
    Ok(paths.into_iter().collect())
}

fn implementation(input: &DeriveInput, listed: &[Listed<'_>], deferred: &[Path]) -> TokenStream {
    let ident = &input.ident;
    let (generics, arguments, condition) = input.generics.split_for_impl();
    let types: Vec<&Type> = listed.iter().map(|(_, ty)| *ty).collect();
    let names: Vec<_> = listed.iter().map(|(name, _)| *name).collect();
    let Some(((last, last_type), others)) = listed.split_last() else { return salvage(input) };
    let others =
        others.iter().map(|(name, ty)| quote!(if body.is::<#ty>() { return body.open::<#ty>().map(Self::#name); }));
    quote! {
        impl #generics ::statepoint::Select for #ident #arguments #condition {
            const NAMES: &'static [&'static str] = &[#(<#types as ::statepoint::Message>::NAME),*];
            const LISTS_STOP: bool =
                #(<#types as ::statepoint::Message>::ID == <::statepoint::Stop as ::statepoint::Message>::ID)||*;
            fn accepts(id: ::statepoint::MessageId) -> bool {
                #(id == <#types as ::statepoint::Message>::ID || <#types as ::statepoint::Message>::ALSO.contains(&id))||*
            }
            fn defers(id: ::statepoint::MessageId) -> bool {
                let _ = id;
                false #(|| id == <#deferred as ::statepoint::Message>::ID || <#deferred as ::statepoint::Message>::ALSO.contains(&id))*
            }
            fn take(body: ::statepoint::Body) -> ::core::result::Result<Self, ::statepoint::Refused> {
                // A message that is waited for and not looked into is no dead code.
                let _ = |select: &Self| match select { #(Self::#names(message) => { let _ = message; })* };
                #(#others)*
                body.open::<#last_type>().map(Self::#last)
            }
        }
    }
}

/// An implementation that type-checks, beside an error.
fn salvage(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (generics, arguments, condition) = input.generics.split_for_impl();
    quote! {
        impl #generics ::statepoint::Select for #ident #arguments #condition {
            const NAMES: &'static [&'static str] = &[];
            const LISTS_STOP: bool = false;
            fn accepts(_: ::statepoint::MessageId) -> bool { false }
            fn defers(_: ::statepoint::MessageId) -> bool { false }
            fn take(_: ::statepoint::Body) -> ::core::result::Result<Self, ::statepoint::Refused> { ::core::panic!() }
        }
    }
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

    fn read(input: &DeriveInput) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut errors = Errors::default();
        let listed = variants(input, &mut errors);
        let deferred = deferred(&input.attrs, &listed, &mut errors);
        let names = listed.iter().map(|(name, ty)| format!("{name}={}", ty.to_token_stream())).collect();
        let paths = deferred.iter().map(|path| path.to_token_stream().to_string()).collect();
        (names, paths, errors.texts())
    }

    #[test]
    fn variants_and_deferrals_are_read() {
        let (names, deferred, errors) = read(&parse_quote! {
            #[select(defer(Hello, Bye))]
            enum Opened { Connected(Connected), Failed(NotConnected) }
        });
        assert_eq!(errors, [""; 0]);
        assert_eq!(names, ["Connected=Connected", "Failed=NotConnected"]);
        assert_eq!(deferred, ["Hello", "Bye"]);
    }

    #[test]
    fn each_rule_is_one_error() {
        let cases: [(DeriveInput, &str); 11] = [
            (
                parse_quote!(
                    struct A(B);
                ),
                "derived for an enum",
            ),
            (
                parse_quote!(
                    enum A {}
                ),
                "lists no message",
            ),
            (
                parse_quote!(
                    enum A {
                        B,
                    }
                ),
                "`B(B)`",
            ),
            (
                parse_quote!(
                    enum A {
                        B { b: B },
                    }
                ),
                "`B(B)`",
            ),
            (
                parse_quote!(
                    enum A {
                        B(B, C),
                    }
                ),
                "`B(B)`",
            ),
            (
                parse_quote!(
                    enum A {
                        B(B),
                        C(B),
                    }
                ),
                "`B` holds this message already",
            ),
            (
                parse_quote!(
                    #[select(defer(B))]
                    enum A {
                        B(B),
                    }
                ),
                "both listed and deferred",
            ),
            (
                parse_quote!(
                    #[select(defer(C, C))]
                    enum A {
                        B(B),
                    }
                ),
                "deferred twice",
            ),
            (
                parse_quote!(
                    #[select(defer())]
                    enum A {
                        B(B),
                    }
                ),
                "#[select(defer(Hello))]",
            ),
            (
                parse_quote!(
                    #[select(keep(C))]
                    enum A {
                        B(B),
                    }
                ),
                "#[select(defer(Hello))]",
            ),
            (
                parse_quote!(
                    #[select(defer)]
                    enum A {
                        B(B),
                    }
                ),
                "#[select(defer(Hello))]",
            ),
        ];
        for (input, words) in cases {
            let (_, _, errors) = read(&input);
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{words}: {errors:?}");
        }
    }
}
