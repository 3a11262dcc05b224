//! The signature of a handler: what it takes, and whether it is one that the table can call.

use proc_macro2::Span;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{FnArg, Ident, PatType, ReceiverKind, ReturnType, Safety, Signature, Token, Type};

/// What a handler takes after `&mut self`.
#[derive(Debug, PartialEq)]
pub(super) struct Parameters {
    /// The type of the message; none for `STATE_Enter` and `STATE_Exit`.
    pub(super) message: Option<Type>,
    /// The type of the data.
    pub(super) data: Option<Type>,
    /// Whether it takes the context.
    pub(super) context: bool,
}

/// A rule that is broken: the word to underline, and what to write instead.
pub(super) type Broken = (Span, String);

/// Reads the signature of a handler for `message`: the second half of its name.
pub(super) fn parameters(signature: &Signature, message: &str) -> Result<Parameters, Broken> {
    let change = matches!(message, "Enter" | "Exit");
    let name = &signature.ident;
    qualifiers(signature)?;
    receiver(signature)?;
    returns(signature, change)?;
    let mut rest = typed(&signature.inputs);
    let message = if change {
        None
    } else {
        let Some(first) = rest.next() else {
            let wanted = parameter_name(message);
            return Err((
                name.span(),
                format!("`{name}` takes no message; write `fn {name}(&mut self, {wanted}: {message})`"),
            ));
        };
        Some(message_type(name, first, message)?)
    };
    let (data, context) = data_and_context(name, change, rest)?;
    Ok(Parameters { message, data, context })
}

/// The message that a method takes which has all of a handler but its name: `&mut self`, a message by value, `-> Next<Self>`.
pub(super) fn taken_as_by_a_handler(signature: &Signature) -> Option<&Ident> {
    let Some(FnArg::Receiver(receiver)) = signature.inputs.first() else { return None };
    let ReturnType::Type(_, goes) = &signature.output else { return None };
    let is_handler = matches!(receiver.kind, ReceiverKind::Reference(..))
        && last_word(plain(goes)).is_some_and(|last| last == "Next");
    let message = typed(&signature.inputs).next().and_then(|parameter| last_word(plain(&parameter.ty)))?;
    (is_handler && message.to_string().starts_with(char::is_uppercase)).then_some(message)
}

fn qualifiers(signature: &Signature) -> Result<(), Broken> {
    let name = &signature.ident;
    if let Some(word) = &signature.asyncness {
        return Err((
            word.span,
            format!("`{name}` cannot be `async`: a handler runs to its end; what waits is a routine"),
        ));
    }
    if let Safety::Unsafe(word) = &signature.safety {
        return Err((word.span, format!("`{name}` cannot be `unsafe`: the table calls it")));
    }
    if let Some(abi) = &signature.abi {
        return Err((abi.extern_token.span, format!("`{name}` cannot be `extern`: the table calls it")));
    }
    if let Some(word) = signature.generics.lt_token {
        return Err((word.span, format!("`{name}` cannot have generics: the table calls it with one type")));
    }
    Ok(())
}

fn receiver(signature: &Signature) -> Result<(), Broken> {
    let name = &signature.ident;
    match signature.inputs.first() {
        Some(FnArg::Receiver(receiver)) => match receiver.kind {
            ReceiverKind::Reference(..) => Ok(()),
            _ => Err((receiver.self_token.span, format!("`{name}` takes the machine by reference; write `&mut self`"))),
        },
        _ => Err((name.span(), format!("`{name}` is a handler, so its first parameter is `&mut self`"))),
    }
}

fn returns(signature: &Signature, change: bool) -> Result<(), Broken> {
    let name = &signature.ident;
    match (&signature.output, change) {
        (ReturnType::Default, true) => Ok(()),
        (ReturnType::Type(_, ty), true) if matches!(plain(ty), Type::Tuple(tuple) if tuple.elems.is_empty()) => Ok(()),
        (ReturnType::Type(_, ty), true) => Err((
            word(ty),
            format!("`{name}` returns nothing: it runs on a change of state and cannot make another one"),
        )),
        (ReturnType::Default, false) => Err((
            name.span(),
            format!("`{name}` does not say where to go; write `-> Next<Self>`, and `Next::STAY` to stay"),
        )),
        (ReturnType::Type(_, ty), false) if last_word(plain(ty)).is_some_and(|last| last == "Next") => Ok(()),
        (ReturnType::Type(_, ty), false) => Err((word(ty), format!("`{name}` is a handler; write `-> Next<Self>`"))),
    }
}

fn typed(inputs: &Punctuated<FnArg, Token![,]>) -> impl Iterator<Item = &PatType> {
    inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    })
}

fn message_type(name: &Ident, parameter: &PatType, message: &str) -> Result<Type, Broken> {
    let ty = plain(&parameter.ty);
    let wanted = parameter_name(message);
    if let Type::Reference(reference) = ty {
        let text = if is_context(reference.mutability.is_some(), &reference.elem) {
            format!(
                "`{name}` takes its message first; write `fn {name}(&mut self, {wanted}: {message}, cx: &mut Context)`"
            )
        } else {
            format!("`{name}` gets its message by value; write `{wanted}: {message}`")
        };
        return Err((word(&reference.elem), text));
    }
    let Some(last) = last_word(ty) else {
        return Err((word(ty), format!("`{name}` is named for the message `{message}`; write `{wanted}: {message}`")));
    };
    if last == message {
        return Ok(ty.clone());
    }
    let text = if message == "Unknown" {
        format!("`{name}` takes whatever has no cell; write `unknown: Unknown`")
    } else {
        let state = name.to_string();
        let state = state.strip_suffix(message).unwrap_or(&state);
        format!(
            "`{name}` is named for the message `{message}` but takes `{last}`; call it `{state}{last}`, or take `{message}`"
        )
    };
    Err((last.span(), text))
}

fn data_and_context<'a>(
    name: &Ident,
    change: bool,
    mut rest: impl Iterator<Item = &'a PatType>,
) -> Result<(Option<Type>, bool), Broken> {
    let mut data = None;
    let mut context = false;
    for parameter in rest.by_ref().take(2) {
        let Type::Reference(reference) = plain(&parameter.ty) else {
            return Err((word(&parameter.ty), unexpected(name, change)));
        };
        let mutable = reference.mutability.is_some();
        if is_context(mutable, &reference.elem) && !context {
            context = true;
        } else if context {
            return Err((
                word(&reference.elem),
                format!("`{name}` takes the context last; move `cx: &mut Context` to the end"),
            ));
        } else if is_context(true, &reference.elem) {
            return Err((word(&reference.elem), format!("`{name}` takes the context as `cx: &mut Context`")));
        } else if !mutable {
            return Err((word(&reference.elem), format!("`{name}` takes the data of its state as `&mut`")));
        } else if data.is_some() {
            return Err((word(&reference.elem), unexpected(name, change)));
        } else {
            data = Some(plain(&reference.elem).clone());
        }
    }
    match rest.next() {
        Some(parameter) => Err((word(&parameter.ty), unexpected(name, change))),
        None => Ok((data, context)),
    }
}

fn unexpected(name: &Ident, change: bool) -> String {
    if change {
        return format!(
            "`{name}` takes `&mut self`, then `data: &mut ..` of its state and `cx: &mut Context` as needed; no message"
        );
    }
    format!(
        "`{name}` takes `&mut self`, the message, then `data: &mut ..` of its state and `cx: &mut Context` as needed; nothing else"
    )
}

fn is_context(mutable: bool, ty: &Type) -> bool {
    mutable && last_word(plain(ty)).is_some_and(|last| last == "Context")
}

/// The type without parentheses and without the invisible groups that `macro_rules` leaves.
pub(super) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(inner) => plain(&inner.elem),
        Type::Paren(inner) => plain(&inner.elem),
        _ => ty,
    }
}

/// `Hello` of `messages::Hello`.
pub(super) fn last_word(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

/// The one word of a type to underline.
pub(super) fn word(ty: &Type) -> Span {
    let ty = plain(ty);
    match last_word(ty) {
        Some(last) => last.span(),
        None => ty.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span()),
    }
}

/// A type as people write it: the compiler puts spaces around every token.
pub(super) fn readable(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" ;", ";"),
        ("& ", "&"),
    ] {
        text = text.replace(spaced, tight);
    }
    text.replace("( ", "(").replace(" )", ")")
}

/// A name for a parameter of this type: `NotListening` gives `not_listening`.
fn parameter_name(message: &str) -> String {
    let mut name = String::new();
    for (index, letter) in message.chars().enumerate() {
        if letter.is_uppercase() && index > 0 && !name.ends_with('_') {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    fn read(signature: Signature) -> Result<Parameters, String> {
        let name = signature.ident.to_string();
        let message = name.rsplit('_').next().map(str::to_owned).unwrap_or_default();
        parameters(&signature, &message).map_err(|(_, text)| text)
    }

    fn error(signature: Signature) -> String {
        read(signature).err().unwrap_or_default()
    }

    #[test]
    fn data_and_context_may_be_left_out() {
        let expected = |data: bool, context| {
            Ok(Parameters { message: Some(parse_quote!(m::Hello)), data: data.then(|| parse_quote!(Dial<T>)), context })
        };
        assert_eq!(read(parse_quote!(fn A_Hello(&mut self, _: m::Hello) -> Next<Self>)), expected(false, false));
        assert_eq!(
            read(parse_quote!(fn A_Hello(&self, _: m::Hello, cx: &mut Context) -> Next<Self>)),
            expected(false, true)
        );
        assert_eq!(
            read(parse_quote!(fn A_Hello(&mut self, _: m::Hello, d: &mut Dial<T>) -> Next<Self>)),
            expected(true, false)
        );
        assert_eq!(
            read(parse_quote!(fn A_Hello(&mut self, _: m::Hello, d: &mut Dial<T>, cx: &mut sp::Context) -> Next<Self>)),
            expected(true, true)
        );
    }

    #[test]
    fn a_pattern_is_a_parameter_too() {
        assert!(read(parse_quote!(fn A_Hello(&mut self, Hello { my_name }: Hello) -> Next<Self>)).is_ok());
    }

    #[test]
    fn enter_and_exit_take_no_message_and_return_nothing() {
        let expected = Ok(Parameters { message: None, data: Some(parse_quote!(Dial)), context: true });
        assert_eq!(read(parse_quote!(fn A_Enter(&mut self, d: &mut Dial, cx: &mut Context))), expected);
        assert!(read(parse_quote!(fn A_Exit(&mut self) -> ())).is_ok());
        assert!(error(parse_quote!(fn A_Exit(&mut self) -> Next<Self>)).contains("returns nothing"));
    }

    #[test]
    fn name_and_parameter_must_agree() {
        assert_eq!(
            error(parse_quote!(fn UP_DOWN_Closed(&mut self, _: Accepted) -> Next<Self>)),
            "`UP_DOWN_Closed` is named for the message `Closed` but takes `Accepted`; call it `UP_DOWN_Accepted`, or take `Closed`"
        );
        assert!(error(parse_quote!(fn A_Unknown(&mut self, _: Hello) -> Next<Self>)).contains("`unknown: Unknown`"));
    }

    #[test]
    fn only_what_has_all_of_a_handler_is_taken_for_one() {
        let taken = |signature: Signature| taken_as_by_a_handler(&signature).map(ToString::to_string);
        let push = Some(String::from("Push"));
        assert_eq!(taken(parse_quote!(fn OPEN_push(&mut self, _: m::Push) -> Next<Self>)), push);
        assert_eq!(taken(parse_quote!(fn OPEN_push(&self, _: Push, cx: &mut Context) -> sp::Next<Self>)), push);
        let helpers: [Signature; 7] = [
            parse_quote!(fn OPEN_count(&self) -> usize),
            parse_quote!(fn OPEN_next(&mut self) -> Next<Self>),
            parse_quote!(fn OPEN_add(&mut self, count: u32) -> Next<Self>),
            parse_quote!(fn OPEN_again(&mut self, cx: &mut Context) -> Next<Self>),
            parse_quote!(fn OPEN_push(&mut self, push: &Push) -> Next<Self>),
            parse_quote!(fn OPEN_keep(&mut self, push: Push)),
            parse_quote!(fn OPEN_after(push: Push) -> Next<Self>),
        ];
        for helper in helpers {
            assert_eq!(taken(helper.clone()), None, "{}", helper.ident);
        }
    }

    #[test]
    fn every_broken_signature_says_what_to_write() {
        let cases: [(Signature, &str); 16] = [
            (parse_quote!(fn A_Hello(&mut self, _: Hello) -> u8), "-> Next<Self>"),
            (parse_quote!(fn A_Enter(&mut self, _: Hello)), "no message"),
            (parse_quote!(async fn A_Hello(&mut self, _: Hello) -> Next<Self>), "async"),
            (parse_quote!(unsafe fn A_Hello(&mut self, _: Hello) -> Next<Self>), "unsafe"),
            (parse_quote!(extern "C" fn A_Hello(&mut self, _: Hello) -> Next<Self>), "extern"),
            (parse_quote!(fn A_Hello<T>(&mut self, _: Hello) -> Next<Self>), "generics"),
            (parse_quote!(fn A_Hello(self, _: Hello) -> Next<Self>), "`&mut self`"),
            (parse_quote!(fn A_Hello(_: Hello) -> Next<Self>), "`&mut self`"),
            (parse_quote!(fn A_NotHere(&mut self) -> Next<Self>), "not_here: NotHere"),
            (parse_quote!(fn A_Hello(&mut self, _: &Hello) -> Next<Self>), "by value"),
            (parse_quote!(fn A_Hello(&mut self, cx: &mut Context) -> Next<Self>), "message first"),
            (parse_quote!(fn A_Hello(&mut self, _: Hello, _: u8) -> Next<Self>), "nothing else"),
            (parse_quote!(fn A_Hello(&mut self, _: Hello, _: &Context) -> Next<Self>), "as `cx: &mut Context`"),
            (parse_quote!(fn A_Hello(&mut self, _: Hello, _: &Dial) -> Next<Self>), "as `&mut`"),
            (
                parse_quote!(fn A_Hello(&mut self, _: Hello, _: &mut Context, _: &mut Dial) -> Next<Self>),
                "context last",
            ),
            (parse_quote!(fn A_Hello(&mut self, _: Hello)), "-> Next<Self>"),
        ];
        for (signature, words) in cases {
            let text = error(signature.clone());
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn types_are_shown_as_people_write_them() {
        let text = readable(quote!(std::collections::BTreeMap<u8, (Vec<&'static str>, [u8; 4])>));
        assert_eq!(text, "std::collections::BTreeMap<u8, (Vec<&'static str>, [u8; 4])>");
    }
}
