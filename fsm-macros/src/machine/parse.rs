//! The pass `parse`: from tokens to the header and the methods. Bodies stay raw tokens: nothing here reads them.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    AttrStyle, Attribute, Expr, Generics, Ident, ImplItem, Item, ItemImpl, Lit, Meta, Path, Signature, Type, Visibility,
};

use super::header::header;
use super::model::Header;
use crate::errors::Errors;
use crate::lifetimes::owning;

/// What the user wrote.
#[derive(Debug)]
pub(super) struct Source {
    /// The header in the attribute.
    pub(super) header: Header,
    /// What the attribute stands on.
    pub(super) subject: Subject,
}

/// What the attribute stands on.
#[derive(Debug)]
pub(super) enum Subject {
    /// An `impl`, as it should.
    Impl(Box<Impl>),
    /// A struct, an enum or a union: its name and its generics.
    Type(Ident, Box<Generics>),
    /// Anything else: its name, when it has one.
    Other(Option<Ident>),
}

/// An `impl` block.
#[derive(Debug, Clone)]
pub(super) struct Impl {
    /// Its attributes.
    pub(super) attributes: Vec<Attribute>,
    /// Its generics, with the where clause; type parameters are `'static`, as the machine is.
    pub(super) generics: Generics,
    /// The trait, when it implements one.
    pub(super) of_trait: Option<Path>,
    /// The type it is for.
    pub(super) self_type: Type,
    /// What stands in the braces.
    pub(super) members: Vec<Member>,
}

/// Something in the braces of an `impl`.
#[derive(Debug, Clone)]
pub(super) enum Member {
    /// A method or function.
    Method(Box<Method>),
    /// An associated constant: its name, and all its tokens.
    Constant(Ident, TokenStream),
    /// The call of a macro: its name, and all its tokens.
    Macro(Option<Ident>, TokenStream),
    /// Anything else.
    Other(TokenStream),
}

/// A method or function.
#[derive(Debug, Clone)]
pub(super) struct Method {
    /// Its attributes without `#[goes(..)]`.
    pub(super) attributes: Vec<Attribute>,
    /// The `#[goes(..)]` on it.
    pub(super) goes: Vec<Attribute>,
    /// Its visibility.
    pub(super) visibility: Visibility,
    /// Its signature.
    pub(super) signature: Signature,
    /// Its body with the braces.
    pub(super) body: TokenStream,
}

/// Reads attribute and item.
pub(super) fn parse(attribute: TokenStream, item: TokenStream, errors: &mut Errors) -> Source {
    let header = header(attribute, errors);
    let subject = match parse_impl(item.clone(), errors) {
        Some(found) => Subject::Impl(Box::new(found)),
        None => elsewhere(item),
    };
    Source { header, subject }
}

fn elsewhere(item: TokenStream) -> Subject {
    match syn::parse2::<Item>(item) {
        Ok(Item::Struct(found)) => Subject::Type(found.ident, Box::new(owning(found.generics))),
        Ok(Item::Enum(found)) => Subject::Type(found.ident, Box::new(owning(found.generics))),
        Ok(Item::Union(found)) => Subject::Type(found.ident, Box::new(owning(found.generics))),
        Ok(Item::Fn(found)) => Subject::Other(Some(found.sig.ident)),
        Ok(Item::Trait(found)) => Subject::Other(Some(found.ident)),
        Ok(Item::Mod(found)) => Subject::Other(Some(found.ident)),
        _ => Subject::Other(None),
    }
}

/// The `impl` in `item`; nothing when it is something else.
fn parse_impl(item: TokenStream, errors: &mut Errors) -> Option<Impl> {
    let mut before: Vec<TokenTree> = item.into_iter().collect();
    let Some(TokenTree::Group(braces)) = before.pop() else { return None };
    if braces.delimiter() != Delimiter::Brace {
        return None;
    }
    // The opening is a whole `impl` once it has braces, whatever stands in the real ones.
    let empty = TokenTree::Group(Group::new(Delimiter::Brace, TokenStream::new()));
    let whole: TokenStream = before.into_iter().chain([empty]).collect();
    let parsed: ItemImpl = syn::parse2(whole).ok()?;
    let mut found = Impl {
        attributes: parsed.attrs,
        generics: owning(parsed.generics),
        of_trait: parsed.trait_.map(|(path, _)| path),
        self_type: *parsed.self_ty,
        members: Vec::new(),
    };
    let members = |input: ParseStream<'_>| {
        for mut attribute in input.call(Attribute::parse_inner)? {
            attribute.style = AttrStyle::Outer;
            found.attributes.push(attribute);
        }
        while !input.is_empty() {
            found.members.push(member(input)?);
        }
        Ok(())
    };
    if let Err(error) = members.parse2(braces.stream()) {
        errors.add(error);
    }
    Some(found)
}

fn member(input: ParseStream<'_>) -> syn::Result<Member> {
    let ahead = input.fork();
    if let Ok(method) = ahead.call(method) {
        input.advance_to(&ahead);
        return Ok(Member::Method(Box::new(method)));
    }
    let item: ImplItem = input.parse()?;
    let tokens = item.to_token_stream();
    Ok(match item {
        ImplItem::Const(constant) => Member::Constant(constant.ident, tokens),
        ImplItem::Macro(call) => {
            Member::Macro(call.mac.path.segments.last().map(|segment| segment.ident.clone()), tokens)
        }
        _ => Member::Other(tokens),
    })
}

fn method(input: ParseStream<'_>) -> syn::Result<Method> {
    let all = input.call(Attribute::parse_outer)?;
    let (goes, attributes) = all.into_iter().partition(|attribute| attribute.path().is_ident("goes"));
    let visibility = input.parse()?;
    let signature = input.parse()?;
    let body: Group = input.parse()?;
    if body.delimiter() != Delimiter::Brace {
        return Err(input.error("expected a body"));
    }
    Ok(Method { attributes, goes, visibility, signature, body: TokenTree::Group(body).into() })
}

/// The names in `#[goes(A, B)]`.
pub(super) fn goes(attribute: &Attribute) -> syn::Result<Vec<Ident>> {
    let names = match &attribute.meta {
        Meta::List(list) => {
            list.parse_args_with(|input: ParseStream<'_>| input.parse_terminated(Ident::parse, syn::Token![,]))
        }
        meta => Err(syn::Error::new_spanned(meta.path(), "name the states: `#[goes(LISTENING)]`")),
    }?;
    if names.is_empty() {
        return Err(syn::Error::new_spanned(attribute.path(), "name the states: `#[goes(LISTENING)]`"));
    }
    Ok(names.into_iter().collect())
}

/// The text of the doc comments among `attributes`.
pub(super) fn doc(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(value) = &pair.value else { continue };
        let Lit::Str(text) = &value.lit else { continue };
        if pair.path.is_ident("doc") {
            let text = text.value();
            lines.extend(text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()));
            if text.is_empty() {
                lines.push(String::new());
            }
        }
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn read(item: TokenStream) -> (Subject, Vec<String>) {
        let mut errors = Errors::default();
        let source = parse(quote!(), item, &mut errors);
        (source.subject, errors.texts())
    }

    fn methods(subject: &Subject) -> Vec<(String, String, String)> {
        let Subject::Impl(found) = subject else { return Vec::new() };
        found
            .members
            .iter()
            .filter_map(|member| match member {
                Member::Method(method) => {
                    Some((method.signature.ident.to_string(), doc(&method.attributes), method.body.to_string()))
                }
                _ => None,
            })
            .collect()
    }

    #[test]
    fn methods_keep_their_bodies_as_raw_tokens() {
        let (subject, errors) = read(quote! {
            impl<T: Name> Server<T> where T: Clone {
                #![allow(deprecated)]
                const LIMIT: u32 = 5;
                /// Begins.
                ///
                /// Really.
                #[goes(PENDING)] #[inline]
                pub fn INITIAL_Start(&mut self, _: Start) -> Next<Self> { this need not be an expression }
                async fn helper() {}
            }
        });
        assert_eq!(errors, [""; 0]);
        let found = methods(&subject);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found.first(),
            Some(&("INITIAL_Start".into(), "Begins.\n\nReally.".into(), "{ this need not be an expression }".into()))
        );
        let Subject::Impl(found) = subject else { panic!("an impl is an impl") };
        assert!(matches!(found.members.first(), Some(Member::Constant(name, _)) if name == "LIMIT"));
        assert!(
            matches!(found.members.get(1), Some(Member::Method(m)) if m.goes.len() == 1 && m.attributes.len() == 4)
        );
        assert!(matches!(found.attributes.as_slice(), [attribute] if matches!(attribute.style, AttrStyle::Outer)));
        let generics = &found.generics;
        assert_eq!(quote!(#generics).to_string(), quote!(<T: Name + 'static>).to_string());
        assert!(generics.where_clause.is_some());
    }

    #[test]
    fn what_is_no_impl_is_told_apart() {
        assert!(matches!(read(quote!(struct Server { at: u8 })).0, Subject::Type(name, _) if name == "Server"));
        assert!(
            matches!(read(quote!(pub enum Server<T> { At(T) })).0, Subject::Type(_, generics) if generics.params.len() == 1)
        );
        assert!(matches!(
            read(quote!(
                struct Server;
            ))
            .0,
            Subject::Type(..)
        ));
        assert!(matches!(read(quote!(fn server() {})).0, Subject::Other(Some(name)) if name == "server"));
        assert!(matches!(
            read(quote!(
                use a::b;
            ))
            .0,
            Subject::Other(None)
        ));
    }

    #[test]
    fn macro_calls_and_traits_are_seen() {
        let (subject, _) = read(quote!(impl a::Trait for Server { some::handlers!(); }));
        let Subject::Impl(found) = subject else { panic!("an impl is an impl") };
        assert!(found.of_trait.is_some());
        assert!(matches!(found.members.first(), Some(Member::Macro(Some(name), _)) if name == "handlers"));
    }

    #[test]
    fn goes_needs_names() {
        let names = |attribute: Attribute| goes(&attribute).map(|names| names.len()).map_err(|error| error.to_string());
        assert_eq!(names(syn::parse_quote!(#[goes(A, B)])), Ok(2));
        assert!(names(syn::parse_quote!(#[goes])).is_err());
        assert!(names(syn::parse_quote!(#[goes()])).is_err());
        assert!(names(syn::parse_quote!(#[goes = A])).is_err());
    }
}
