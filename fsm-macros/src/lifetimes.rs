//! Types without their lifetimes: what is written beside the error that something borrows.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::{GenericParam, Generics, TypeParamBound, WherePredicate, parse_quote};

/// The generics with `'static` on every type parameter: what outlives the code that made it owns what it holds.
pub(crate) fn owning(mut generics: Generics) -> Generics {
    for parameter in generics.type_params_mut() {
        let owns = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(name) if name.ident == "static");
        if !parameter.bounds.iter().any(owns) {
            parameter.bounds.push(parse_quote!('static));
        }
    }
    generics
}

/// The generics without lifetime parameters; where one was used, `'static` stands instead.
pub(crate) fn without_lifetimes(generics: &Generics) -> Generics {
    let declared: Vec<Ident> = generics.lifetimes().map(|parameter| parameter.lifetime.ident.clone()).collect();
    let named = |word: &Ident| declared.contains(word);
    let mut kept = generics.clone();
    let is_lifetime = |parameter: &&GenericParam| matches!(parameter, GenericParam::Lifetime(_));
    kept.params = generics.params.iter().filter(|parameter| !is_lifetime(parameter)).cloned().collect();
    let mut condition = kept.where_clause.take();
    if let Some(condition) = &mut condition {
        let bounds = condition.predicates.iter().filter(|predicate| !matches!(predicate, WherePredicate::Lifetime(_)));
        condition.predicates = bounds.cloned().collect();
    }
    // What does not parse after the change stays as it was.
    let mut plain: Generics = syn::parse2(with_static(quote!(#kept), &named)).unwrap_or(kept);
    plain.where_clause =
        condition.map(|condition| syn::parse2(with_static(quote!(#condition), &named)).unwrap_or(condition));
    plain
}

/// Every lifetime of these names becomes `'static`.
pub(crate) fn with_static(tokens: TokenStream, names: &impl Fn(&Ident) -> bool) -> TokenStream {
    let mut quote = false;
    let mut changed = Vec::new();
    for token in tokens {
        let was_quote = quote;
        quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
        changed.push(match token {
            TokenTree::Ident(word) if was_quote && names(&word) => TokenTree::Ident(Ident::new("static", word.span())),
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_static(group.stream(), names));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
    }
    changed.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::*;

    #[test]
    fn nothing_of_a_lifetime_is_left() {
        let input: DeriveInput = parse_quote!(
            struct A<'a, 'b: 'a, T: Get<'a>>
            where
                'b: 'a,
                T: Set<'b>;
        );
        let plain = without_lifetimes(&input.generics);
        let condition = &plain.where_clause;
        // `> >` as the printer spaces it.
        let expected = quote!(<T: Get<'static> > where T: Set<'static>);
        assert_eq!(quote!(#plain #condition).to_string(), expected.to_string());
        let body = with_static(
            quote!({
                'a: loop {
                    x::<'b>()
                }
            }),
            &|word| word == "b",
        );
        assert_eq!(
            body.to_string(),
            quote!({
                'a: loop {
                    x::<'static>()
                }
            })
            .to_string()
        );
    }
}
