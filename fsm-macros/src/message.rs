//! `#[derive(Message)]`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::ParseStream;
use syn::{Attribute, Data, DeriveInput, GenericParam, Ident, LitStr, Token};

use crate::errors::Errors;
use crate::lifetimes::{owning, with_static, without_lifetimes};
use crate::suggest::{list, nearest};

const OPTIONS: [&str; 4] = ["name", "also", "local", "fault"];
const LONGEST_NAME: usize = 256;

/// What stands in `#[message(..)]`.
#[derive(Debug, Default, PartialEq)]
struct Options {
    name: Option<String>,
    also: Vec<String>,
    local: bool,
    fault: bool,
}

/// The `impl Message` of a struct or enum.
pub(crate) fn message(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let options = options(&input.attrs, &mut errors);
    shape(&input, &mut errors);
    let implementation = if errors.is_empty() { implementation(&input, &options) } else { salvage(&input) };
    let errors = errors.tokens();
    quote!(#implementation #errors)
}

fn shape(input: &DeriveInput, errors: &mut Errors) {
    if let Data::Union(data) = &input.data {
        errors.push(data.union_token.span, "a message is a struct or an enum");
    }
    if let Some(first) = input.generics.params.first() {
        let (place, text) = match first {
            GenericParam::Lifetime(parameter) => (
                parameter.lifetime.ident.span(),
                "a message cannot borrow: it is moved to its receiver; own the data instead",
            ),
            GenericParam::Type(parameter) => (
                parameter.ident.span(),
                "a message cannot be generic: its name stands for one type; write a type for each",
            ),
            GenericParam::Const(parameter) => (
                parameter.ident.span(),
                "a message cannot be generic: its name stands for one type; write a type for each",
            ),
        };
        errors.push(place, text);
    }
}

fn options(attributes: &[Attribute], errors: &mut Errors) -> Options {
    let mut options = Options::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("message")) {
        let read = |input: ParseStream<'_>| {
            while !input.is_empty() {
                option(input, &mut options, errors)?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = attribute.parse_args_with(read) {
            errors.add(error);
        }
    }
    options
}

fn option(input: ParseStream<'_>, options: &mut Options, errors: &mut Errors) -> syn::Result<()> {
    let word: Ident = input.parse()?;
    let twice = || syn::Error::new(word.span(), format!("`{word}` is written twice; remove one of them"));
    match word.to_string().as_str() {
        "name" if options.name.is_some() => Err(twice()),
        "name" => {
            options.name = Some(text(&word, input, options, errors)?);
            Ok(())
        }
        "also" => {
            let name = text(&word, input, options, errors)?;
            options.also.push(name);
            Ok(())
        }
        "local" if options.local => Err(twice()),
        "local" => {
            options.local = true;
            Ok(())
        }
        "fault" if options.fault => Err(twice()),
        "fault" => {
            options.fault = true;
            Ok(())
        }
        other => Err(syn::Error::new(
            word.span(),
            match nearest(other, OPTIONS) {
                Some(meant) => format!("a message has no option `{other}`; did you mean `{meant}`?"),
                None => format!("a message has no option `{other}`; there are {}", list(OPTIONS, "and")),
            },
        )),
    }
}

/// The name after `name =` or `also =`.
fn text(word: &Ident, input: ParseStream<'_>, known: &Options, errors: &mut Errors) -> syn::Result<String> {
    let example = format!("write the name in quotes: `{word} = \"module.Type\"`");
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(syn::Error::new(word.span(), example));
    }
    let literal: LitStr = input.parse().map_err(|error| syn::Error::new(error.span(), example))?;
    let name = literal.value();
    if let Some(text) = fault_of(&name) {
        errors.push(literal.span(), text);
    } else if known.name.as_ref() == Some(&name) || known.also.contains(&name) {
        errors.push(literal.span(), format!("`{name}` is a name of this message already; remove it here"));
    }
    Ok(name)
}

/// What is wrong with a name.
fn fault_of(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a name cannot be empty; write one as in \"module.Type\", or leave the option out".into());
    }
    if name.len() > LONGEST_NAME {
        return Some(format!(
            "a name has at most {LONGEST_NAME} bytes, and this one has {}; write a shorter one",
            name.len()
        ));
    }
    name.chars()
        .any(|letter| letter.is_whitespace() || letter.is_control())
        .then(|| "a name has no spaces and no control characters; write it as in \"module.Type\"".into())
}

fn implementation(input: &DeriveInput, options: &Options) -> TokenStream {
    let ident = &input.ident;
    // Errors about traits that the type lacks are shown at its name.
    let span = Span::call_site().located_at(ident.span());
    let (generics, arguments, condition) = input.generics.split_for_impl();
    let name = name(ident, options);
    let also = (!options.also.is_empty()).then(|| {
        let names = &options.also;
        quote!(const ALSO: &'static [::statepoint::MessageId] = &[#(::statepoint::message_id(#names)),*];)
    });
    let local = options.local.then(|| {
        quote!(
            const LOCAL: bool = true;
        )
    });
    let fault = options.fault.then(|| {
        let text = quote_spanned!(span=> <Self as ::std::string::ToString>::to_string(self));
        quote! {
            fn fault(&self) -> ::core::option::Option<::std::string::String> { ::core::option::Option::Some(#text) }
        }
    });
    let marker =
        options.fault.then(|| quote!(impl #generics ::statepoint::FaultMessage for #ident #arguments #condition {}));
    let (encode, decode) = if options.local {
        (quote!(::statepoint::macros::encode_local), quote!(::statepoint::macros::decode_local))
    } else {
        (quote_spanned!(span=> ::statepoint::macros::encode), quote_spanned!(span=> ::statepoint::macros::decode))
    };
    let (encode, decode) =
        (quote_spanned!(span=> #encode::<Self>(self)), quote_spanned!(span=> #decode::<Self>(encoded)));
    quote! {
        impl #generics ::statepoint::Message for #ident #arguments #condition {
            #name
            #also
            #local
            #fault
            fn encode(&self) -> ::core::result::Result<::statepoint::Encoded, ::statepoint::EncodeError> { #encode }
            fn decode(encoded: ::statepoint::Encoded) -> ::core::result::Result<Self, ::statepoint::Refused> { #decode }
        }
        #marker
    }
}

/// An implementation that type-checks, beside an error.
fn salvage(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let plain = owning(without_lifetimes(&input.generics));
    let (generics, _, condition) = plain.split_for_impl();
    let (_, arguments, _) = input.generics.split_for_impl();
    let arguments = with_static(quote!(#arguments), &|_| true);
    let name = ident.to_string();
    quote! {
        impl #generics ::statepoint::Message for #ident #arguments #condition {
            const NAME: &'static str = #name;
            fn encode(&self) -> ::core::result::Result<::statepoint::Encoded, ::statepoint::EncodeError> { ::core::panic!() }
            fn decode(_: ::statepoint::Encoded) -> ::core::result::Result<Self, ::statepoint::Refused> { ::core::panic!() }
        }
        impl #generics ::statepoint::FaultMessage for #ident #arguments #condition {}
    }
}

/// The name given, or the module path without its crate and the type's name.
fn name(ident: &Ident, options: &Options) -> TokenStream {
    if let Some(name) = &options.name {
        return quote!(const NAME: &'static str = #name;);
    }
    let text = ident.to_string();
    let text = text.strip_prefix("r#").unwrap_or(&text);
    quote! {
        const NAME: &'static str = {
            const PATH: &str = ::core::module_path!();
            const LENGTH: usize = ::statepoint::macros::name_length(PATH, #text);
            const BYTES: [u8; LENGTH] = ::statepoint::macros::name_bytes(PATH, #text);
            ::statepoint::macros::name_text(&BYTES)
        };
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn read(input: DeriveInput) -> (Options, Vec<String>) {
        let mut errors = Errors::default();
        let options = options(&input.attrs, &mut errors);
        shape(&input, &mut errors);
        (options, errors.texts())
    }

    #[test]
    fn every_option_is_read() {
        let (options, errors) = read(parse_quote! {
            #[message(name = "a.B", also = "old.B")]
            #[message(also = "older.B", local, fault)]
            struct B;
        });
        assert_eq!(errors, [""; 0]);
        let expected = Options {
            name: Some("a.B".into()),
            also: vec!["old.B".into(), "older.B".into()],
            local: true,
            fault: true,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn each_rule_is_one_error() {
        let long = "x".repeat(257);
        let cases: [(DeriveInput, &str); 15] = [
            (
                parse_quote!(
                    #[message(nam = "a")]
                    struct B;
                ),
                "did you mean `name`?",
            ),
            (
                parse_quote!(
                    #[message(colour)]
                    struct B;
                ),
                "there are `name`, `also`, `local` and `fault`",
            ),
            (
                parse_quote!(
                    #[message(name = "")]
                    struct B;
                ),
                "cannot be empty",
            ),
            (
                parse_quote!(
                    #[message(name = "a b")]
                    struct B;
                ),
                "no spaces",
            ),
            (
                parse_quote!(
                    #[message(also = "a\u{7}")]
                    struct B;
                ),
                "no control characters",
            ),
            (
                parse_quote!(
                    #[message(name = #long)]
                    struct B;
                ),
                "at most 256 bytes, and this one has 257",
            ),
            (
                parse_quote!(
                    #[message(name = "a", name = "b")]
                    struct B;
                ),
                "twice",
            ),
            (
                parse_quote!(
                    #[message(local, local)]
                    struct B;
                ),
                "twice",
            ),
            (
                parse_quote!(
                    #[message(name = "a", also = "a")]
                    struct B;
                ),
                "already",
            ),
            (
                parse_quote!(
                    #[message(also = "a", also = "a")]
                    struct B;
                ),
                "already",
            ),
            (
                parse_quote!(
                    #[message(name)]
                    struct B;
                ),
                "in quotes",
            ),
            (
                parse_quote!(
                    #[message(name = a)]
                    struct B;
                ),
                "in quotes",
            ),
            (
                parse_quote!(
                    struct B<T>(T);
                ),
                "cannot be generic",
            ),
            (
                parse_quote!(
                    struct B<'a>(&'a str);
                ),
                "cannot borrow",
            ),
            (parse_quote!(union B { a: u8 }), "a struct or an enum"),
        ];
        for (input, words) in cases {
            let (_, errors) = read(input);
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{words}: {errors:?}");
        }
    }

    #[test]
    fn a_name_of_256_bytes_is_allowed() {
        assert_eq!(fault_of(&"x".repeat(256)), None);
    }
}
