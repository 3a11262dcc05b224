//! The first half of parsing: what stands in the parentheses of `#[state_machine(..)]`.
//!
//! A part that cannot be read is reported and left out, and reading goes on after the next comma: the other names are
//! still declared, so that one mistake is one error.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Ident, LitStr, Path, Token, Type, parenthesized, token};

use super::model::{Data, GroupItem, Header, StateItem, Timeout};
use super::period::period;
use crate::errors::Errors;
use crate::suggest::{list, nearest};

const PROPERTIES: [&str; 3] = ["defer", "timeout", "data"];

/// Reads the header.
pub(super) fn header(tokens: TokenStream, errors: &mut Errors) -> Header {
    let mut header = Header::default();
    let read = |input: ParseStream<'_>| {
        items(input, &mut header, errors);
        Ok(())
    };
    if let Err(error) = read.parse2(tokens) {
        errors.add(error);
        header.damaged = true;
    }
    header
}

fn items(input: ParseStream<'_>, header: &mut Header, errors: &mut Errors) {
    while !input.is_empty() {
        if let Err(error) = item(input, header, errors) {
            errors.add(error);
            header.damaged = true;
            skip_to_comma(input);
        }
        if !next_item(input, errors) {
            header.damaged = true;
            skip_to_comma(input);
            next_item(input, errors);
        }
    }
}

/// Takes the comma between two items; false when something else is there.
fn next_item(input: ParseStream<'_>, errors: &mut Errors) -> bool {
    if input.is_empty() || input.parse::<Option<Token![,]>>().is_ok_and(|comma| comma.is_some()) {
        return true;
    }
    if input.peek(Ident) {
        // A forgotten comma: what follows is read as the next item.
        errors.push(input.span(), "expected a comma before this");
        return true;
    }
    errors.push(input.span(), "expected a comma, or the properties of the state as in `PENDING(timeout = \"5s\")`");
    false
}

fn item(input: ParseStream<'_>, header: &mut Header, errors: &mut Errors) -> syn::Result<()> {
    if input.peek(LitStr) {
        let quoted: LitStr = input.parse()?;
        errors.push(quoted.span(), "names of states are written without quotes");
        match quoted.parse::<Ident>() {
            Ok(name) => header.states.push(StateItem { damaged: true, ..StateItem::new(name) }),
            Err(_) => header.damaged = true,
        }
        return Ok(());
    }
    let name: Ident = input.parse().map_err(|error| {
        syn::Error::new(error.span(), "expected the name of a state, as in `#[state_machine(INITIAL, PENDING)]`")
    })?;
    if input.peek(Token![=]) {
        let group = group(name, input)?;
        header.groups.push(group);
        return Ok(());
    }
    let mut state = StateItem::new(name);
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        properties(&content, &mut state, errors);
    } else if input.peek(token::Brace) || input.peek(token::Bracket) {
        errors.push(input.span(), "properties stand in parentheses: `PENDING(defer(Hello), timeout = \"5s\")`");
        input.parse::<TokenTree>()?;
        state.damaged = true;
    }
    header.states.push(state);
    Ok(())
}

fn group(name: Ident, input: ParseStream<'_>) -> syn::Result<GroupItem> {
    input.parse::<Token![=]>()?;
    let expected =
        |error: syn::Error| syn::Error::new(error.span(), "a group is a list of states: `UP = PENDING | LISTENING`");
    let mut members = vec![input.parse().map_err(expected)?];
    while input.parse::<Option<Token![|]>>()?.is_some() {
        members.push(input.parse().map_err(expected)?);
    }
    Ok(GroupItem { name, members })
}

fn properties(input: ParseStream<'_>, state: &mut StateItem, errors: &mut Errors) {
    while !input.is_empty() {
        if let Err(error) = property(input, state, errors) {
            errors.add(error);
            state.damaged = true;
            skip_to_comma(input);
        }
        if !input.is_empty() && input.parse::<Token![,]>().is_err() {
            errors.push(input.span(), "expected a comma between two properties");
            state.damaged = true;
            skip_to_comma(input);
        }
    }
}

fn property(input: ParseStream<'_>, state: &mut StateItem, errors: &mut Errors) -> syn::Result<()> {
    let name: Ident = input.parse().map_err(|error| {
        syn::Error::new(error.span(), "expected a property: `defer(Hello)`, `timeout = \"5s\"` or `data = Type`")
    })?;
    let twice = || syn::Error::new(name.span(), format!("`{}` has `{name}` twice; write it once", state.name));
    match name.to_string().as_str() {
        "defer" if !state.defers.is_empty() => Err(twice()),
        "defer" => {
            state.defers = deferrals(&name, input)?;
            Ok(())
        }
        "timeout" if state.timeout != Timeout::None => Err(twice()),
        "timeout" => {
            state.timeout = timeout(&name, input, errors)?;
            Ok(())
        }
        "data" if state.data != Data::None => Err(twice()),
        "data" => {
            state.data = Data::Broken;
            state.data = data(&name, input)?;
            Ok(())
        }
        other => Err(syn::Error::new(
            name.span(),
            match nearest(other, PROPERTIES) {
                Some(meant) => format!("a state has no property `{other}`; did you mean `{meant}`?"),
                None => format!("a state has no property `{other}`; there are {}", list(PROPERTIES, "and")),
            },
        )),
    }
}

fn deferrals(property: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    if !input.peek(token::Paren) {
        return Err(syn::Error::new(property.span(), "write the deferred messages in parentheses: `defer(Hello)`"));
    }
    let content;
    parenthesized!(content in input);
    let names = content.parse_terminated(Ident::parse, Token![,]).map_err(|error| {
        // What is left over would be a second error.
        while content.parse::<TokenTree>().is_ok() {}
        syn::Error::new(
            error.span(),
            "write only the names of messages, as in the handlers' names: `defer(Hello, Bye)`",
        )
    })?;
    if names.is_empty() {
        return Err(syn::Error::new(property.span(), "name the deferred messages: `defer(Hello)`"));
    }
    Ok(names.into_iter().collect())
}

fn timeout(property: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Timeout> {
    let example = "write `timeout = \"5s\"`, or the name of a `const` of type `Duration`";
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(syn::Error::new(property.span(), example));
    }
    if input.peek(LitStr) {
        let literal: LitStr = input.parse()?;
        let written = literal.value();
        return Ok(match period(&written) {
            Ok(duration) => Timeout::Literal { written, duration },
            Err(text) => {
                errors.push(literal.span(), text);
                Timeout::Broken
            }
        });
    }
    let path = input.parse::<Path>().map_err(|error| syn::Error::new(error.span(), example))?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(syn::Error::new(property.span(), example));
    }
    Ok(Timeout::Constant(path))
}

fn data(property: &Ident, input: ParseStream<'_>) -> syn::Result<Data> {
    let example = "write the type of the data: `data = Type`";
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(syn::Error::new(property.span(), example));
    }
    let data = input.parse::<Type>().map_err(|error| syn::Error::new(error.span(), example))?;
    Ok(Data::Type(Box::new(data)))
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) && input.parse::<TokenTree>().is_ok() {}
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use quote::{format_ident, quote};
    use syn::parse_quote;

    use super::*;

    fn read(tokens: TokenStream) -> (Header, Vec<String>) {
        let mut errors = Errors::default();
        let header = header(tokens, &mut errors);
        (header, errors.texts())
    }

    fn names(header: &Header) -> Vec<String> {
        header.states.iter().map(|state| state.name.to_string()).collect()
    }

    #[test]
    fn states_groups_and_properties_are_read_in_order() {
        let (header, errors) = read(quote! {
            INITIAL, PENDING(defer(Hello, Bye), timeout = "1m30s"), UP = PENDING | LISTENING, LISTENING(data = Dial<T>, timeout = crate::LIMIT),
        });
        assert_eq!(errors, [""; 0]);
        let expected = Header {
            states: vec![
                StateItem::new(format_ident!("INITIAL")),
                StateItem {
                    defers: vec![format_ident!("Hello"), format_ident!("Bye")],
                    timeout: Timeout::Literal { written: "1m30s".into(), duration: Duration::from_secs(90) },
                    ..StateItem::new(format_ident!("PENDING"))
                },
                StateItem {
                    timeout: Timeout::Constant(parse_quote!(crate::LIMIT)),
                    data: Data::Type(parse_quote!(Dial<T>)),
                    ..StateItem::new(format_ident!("LISTENING"))
                },
            ],
            groups: vec![GroupItem {
                name: format_ident!("UP"),
                members: vec![format_ident!("PENDING"), format_ident!("LISTENING")],
            }],
            damaged: false,
        };
        assert_eq!(header, expected);
    }

    #[test]
    fn an_empty_header_is_no_error() {
        assert_eq!(read(quote!()), (Header::default(), vec![]));
    }

    #[test]
    fn every_state_survives_a_header_that_does_not_parse() {
        for damaged in [
            quote!(A, B { timeout: 5 }, C),
            quote!(A, "B", C),
            quote!(A B, C),
            quote!(A, B -> C, C),
            quote!(A, B(timeout = 5), C),
            quote!(A, B(timeout "5s"), C),
            quote!(A, B(timeout = Duration::from_secs(5)), C),
            quote!(A, B(timout = "5s"), C),
            quote!(A, B(defer), C),
            quote!(A, B(defer()), C),
            quote!(A, B(defer(a::Hello)), C),
            quote!(A, B(data), C),
            quote!(A, B(data = 5), C),
            quote!(A, B(defer(X) timeout = "5s"), C),
            quote!(A, B(5), C),
            quote!(A, B, C, U = ),
            quote!(A, B, 5, C),
        ] {
            let (header, errors) = read(damaged.clone());
            assert_eq!(names(&header), ["A", "B", "C"], "{damaged}");
            assert_eq!(errors.len(), 1, "{damaged}: {errors:?}");
        }
    }

    #[test]
    fn an_unknown_property_gets_the_nearest_one_suggested() {
        let (_, errors) = read(quote!(A(timout = "5s")));
        assert_eq!(errors, ["a state has no property `timout`; did you mean `timeout`?"]);
        let (_, errors) = read(quote!(A(colour = "red")));
        assert_eq!(errors, ["a state has no property `colour`; there are `defer`, `timeout` and `data`"]);
    }

    #[test]
    fn a_time_that_cannot_be_read_still_counts_as_a_time() {
        let (header, errors) = read(quote!(A(timeout = "5 seconds")));
        assert_eq!(header.states.first().map(|state| &state.timeout), Some(&Timeout::Broken));
        assert_eq!(errors.len(), 1);
    }

    #[test]
    fn a_property_is_written_once() {
        for twice in
            [quote!(A(defer(X), defer(Y))), quote!(A(timeout = "1s", timeout = "2s")), quote!(A(data = X, data = Y))]
        {
            let (_, errors) = read(twice);
            assert!(matches!(errors.as_slice(), [one] if one.contains("twice")), "{errors:?}");
        }
    }
}
