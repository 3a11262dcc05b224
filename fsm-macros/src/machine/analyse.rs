//! The pass `analyse`: resolves every name and checks each handler by itself.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Ident, Type};

use super::defer::deferrals;
use super::model::{Data, Doubts, Edges, Handler, Header, Machine, Message, Role, Scope};
use super::parse::{Impl, Member, Method, Source, Subject, doc, goes};
use super::scan::{Mentions, Names, follow, scan};
use super::signature::{Parameters, last_word, parameters, plain, readable, taken_as_by_a_handler, word};
use super::states::{Reading, groups, lost, no_state, only_state, reading, scopes, small, states};
use crate::errors::Errors;

/// The machine that `source` describes; nothing when there is no type it could be.
pub(super) fn analyse(source: &Source, errors: &mut Errors) -> Option<Machine> {
    let name = match &source.subject {
        Subject::Impl(found) => match last_word(&found.self_type) {
            Some(name) => name.clone(),
            None => {
                errors.push(
                    word(&found.self_type),
                    "a machine is a struct or an enum; write `impl Server` with its name",
                );
                return None;
            }
        },
        Subject::Type(name, _) => {
            let text = format!("`#[state_machine]` belongs on `impl {name}`, where the handlers are; move it there");
            errors.push(name.span(), text);
            name.clone()
        }
        Subject::Other(name) => {
            let place = name.as_ref().map_or_else(Span::call_site, Ident::span);
            errors
                .push(place, "`#[state_machine]` belongs on the `impl` of a struct or an enum, where the handlers are");
            return None;
        }
    };
    let header = &source.header;
    let stateless = header.states.is_empty() && header.groups.is_empty() && !header.damaged;
    let states = if header.states.is_empty() { vec![only_state(&name)] } else { states(header, errors) };
    let groups = groups(header, &states, errors);
    let scopes = scopes(&states, &groups);
    let mut machine = Machine {
        name,
        doc: String::new(),
        stateless,
        states,
        groups,
        scopes,
        messages: Vec::new(),
        handlers: Vec::new(),
        doubts: Doubts { edges: header.damaged, messages: BTreeSet::new() },
    };
    if let Subject::Impl(found) = &source.subject {
        machine.doc = doc(&found.attributes);
        opening(found, &machine, errors);
        handlers(found, header, &mut machine, errors);
        deferrals(header, &mut machine, errors);
    }
    Some(machine)
}

fn opening(found: &Impl, machine: &Machine, errors: &mut Errors) {
    if let Some(last) = found.of_trait.as_ref().and_then(|path| path.segments.last()) {
        let text = format!("handlers are methods of the machine itself; write `impl {}` without a trait", machine.name);
        errors.push(last.ident.span(), text);
    }
    let declared = found.generics.lifetimes().next().map(|parameter| parameter.lifetime.ident.span());
    if let Some(place) = declared.or_else(|| lifetime(found.self_type.to_token_stream())) {
        errors.push(
            place,
            "a machine cannot borrow, as it outlives the code that made it; own the data, or share it with `Rc`",
        );
    }
    for member in &found.members {
        if let Member::Macro(Some(name), _) = member {
            let text = "`#[state_machine]` cannot look into this; write the handlers out, or move the helpers to another `impl`";
            errors.push(name.span(), text);
        }
    }
}

/// The first lifetime among the tokens that is not `'static`.
fn lifetime(tokens: TokenStream) -> Option<Span> {
    let mut quote = false;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if quote && name != "static" => return Some(name.span()),
            TokenTree::Group(group) => {
                if let Some(found) = lifetime(group.stream()) {
                    return Some(found);
                }
            }
            TokenTree::Punct(punct) => {
                quote = punct.as_char() == '\'';
                continue;
            }
            _ => {}
        }
        quote = false;
    }
    None
}

fn handlers(found: &Impl, header: &Header, machine: &mut Machine, errors: &mut Errors) {
    let mentions = mentions(found, machine, errors);
    let methods = found.members.iter().filter_map(|member| match member {
        Member::Method(method) => Some(method),
        _ => None,
    });
    let mut written = BTreeSet::new();
    for method in methods {
        let name = method.signature.ident.to_string();
        match reading(&name, &machine.scopes) {
            Reading::Handler(scope, message) => {
                if !written.insert(name.clone()) {
                    let text = format!("`{name}` is written twice; remove one of them");
                    errors.push(method.signature.ident.span(), text);
                    doubt(machine, message);
                    continue;
                }
                let found = mentions.get(&name);
                machine.doubts.edges |= found.is_none_or(|found| found.doubtful);
                let edges = found.map_or_else(Edges::default, |found| found.edges.clone());
                if let Err((place, text)) = handler(method, scope, message, edges, machine) {
                    errors.push(place, text);
                    doubt(machine, message);
                }
            }
            Reading::Lost(state, message) => {
                if !header.damaged {
                    errors.push(method.signature.ident.span(), lost(state, message, machine));
                }
                doubt(machine, message);
            }
            Reading::Helper => {
                if let Some(message) = looks_like_a_cell(method, machine, errors) {
                    doubt(machine, &message);
                }
            }
        }
    }
}

/// Refuses a helper that was meant as a cell: `OPEN_push` with all of a handler but the capital. The message it would take.
fn looks_like_a_cell(method: &Method, machine: &Machine, errors: &mut Errors) -> Option<String> {
    let name = method.signature.ident.to_string();
    let state = small(&name, &machine.scopes)?;
    let message = taken_as_by_a_handler(&method.signature)?;
    let text = format!(
        "`{name}` looks like a cell: the message is written with a capital, `{state}_{message}`; if it is a helper, leave `{state}_` out"
    );
    errors.push(method.signature.ident.span(), text);
    Some(message.to_string())
}

/// A handler is missing in the model: nothing that depends on it can be judged.
fn doubt(machine: &mut Machine, message: &str) {
    machine.doubts.edges = true;
    machine.doubts.messages.insert(message.to_owned());
}

/// What each method and constant mentions, helpers followed and `#[goes(..)]` added.
fn mentions(found: &Impl, machine: &Machine, errors: &mut Errors) -> BTreeMap<String, Mentions> {
    let bodies: Vec<(String, &TokenStream, &[Attribute])> = found
        .members
        .iter()
        .filter_map(|member| match member {
            Member::Method(method) => Some((method.signature.ident.to_string(), &method.body, method.goes.as_slice())),
            Member::Constant(name, tokens) => Some((name.to_string(), tokens, [].as_slice())),
            Member::Macro(..) | Member::Other(_) => None,
        })
        .collect();
    let name = machine.name.to_string();
    let states = if machine.stateless {
        Vec::new()
    } else {
        machine.states.iter().map(|state| state.name.to_string()).collect()
    };
    let members = bodies.iter().map(|(name, ..)| name.clone()).collect();
    let names = Names { machine: &name, states, members };
    let mut mentions: BTreeMap<String, Mentions> = BTreeMap::new();
    for (name, body, attributes) in bodies {
        let mut found = scan(body.clone(), &names);
        for attribute in attributes {
            declared(attribute, machine, &mut found, errors);
        }
        // A helper may be there twice, under conditions: what either of them shows counts.
        mentions.entry(name).or_default().merge(found);
    }
    follow(&mut mentions);
    mentions
}

fn declared(attribute: &Attribute, machine: &Machine, found: &mut Mentions, errors: &mut Errors) {
    let names = goes(attribute).unwrap_or_else(|error| {
        errors.add(error);
        found.doubtful = true;
        Vec::new()
    });
    for name in names {
        if let Some(state) = machine.states.iter().position(|state| state.name == name) {
            found.edges.goes.insert(state);
        } else if name == "STAY" {
            found.edges.stays = true;
        } else if name == "complete" {
            found.edges.ends = true;
        } else {
            errors.push(name.span(), no_state(&name.to_string(), &machine.states));
            found.doubtful = true;
        }
    }
}

fn handler(
    method: &Method,
    scope: Scope,
    message: &str,
    edges: Edges,
    machine: &mut Machine,
) -> Result<(), (Span, String)> {
    let name = &method.signature.ident;
    if let Some(condition) = method.attributes.iter().find(|attribute| attribute.path().is_ident("cfg")) {
        let place = condition.path().get_ident().map_or_else(|| name.span(), Ident::span);
        return Err((
            place,
            format!("`{name}` is a handler, and the table always has it; put the condition inside its body"),
        ));
    }
    let found = parameters(&method.signature, message).inspect_err(|_| {
        // The name and the type it takes may both be what was meant.
        let taken = method.signature.inputs.iter().nth(1).and_then(|input| match input {
            syn::FnArg::Typed(typed) => last_word(&typed.ty),
            syn::FnArg::Receiver(_) => None,
        });
        machine.doubts.messages.extend(taken.map(ToString::to_string));
    })?;

    data(name, scope, &found, machine)?;
    let role = match (message, &found.message) {
        ("Enter", _) => Role::Enter,
        ("Exit", _) => Role::Exit,
        ("Unknown", _) | (_, None) => Role::Unknown,
        (_, Some(ty)) => Role::Message(column(name, message, ty, machine)?),
    };
    machine.handlers.push(Handler {
        name: name.clone(),
        scope,
        role,
        data: found.data.is_some(),
        context: found.context,
        doc: doc(&method.attributes),
        edges,
    });
    Ok(())
}

/// The data that a handler takes is that of its state.
fn data(name: &Ident, scope: Scope, found: &Parameters, machine: &Machine) -> Result<(), (Span, String)> {
    let Some(taken) = &found.data else { return Ok(()) };
    let Scope::State(state) = scope else {
        return Err((word(taken), format!("only a handler of one state can take its data; `{name}` serves several")));
    };
    let Some(state) = machine.states.get(state) else { return Ok(()) };
    let written = taken.to_token_stream();
    match &state.data {
        Data::Type(declared) if plain(declared).to_token_stream().to_string() == written.to_string() => Ok(()),
        Data::Type(declared) => {
            let declared = readable(declared);
            Err((word(taken), format!("`{}` has data of type `{declared}`; write `data: &mut {declared}`", state.name)))
        }
        Data::Broken => Ok(()),
        Data::None if state.damaged => Ok(()),
        Data::None => {
            let (state, taken_text) = (&state.name, readable(taken));
            Err((word(taken), format!("`{state}` has no data; declare it as `{state}(data = {taken_text})`")))
        }
    }
}

/// The column of a message; one name means one type.
fn column(name: &Ident, message: &str, ty: &Type, machine: &mut Machine) -> Result<usize, (Span, String)> {
    let Some(column) = machine.column(message) else {
        machine.messages.push(Message { name: message.to_owned(), ty: ty.clone() });
        return Ok(machine.messages.len() - 1);
    };
    let known = machine.messages.get(column).map_or_else(String::new, |known| readable(&known.ty));
    let written = readable(ty);
    if known == written {
        Ok(column)
    } else {
        let earlier = machine.handlers.iter().find(|handler| handler.role == Role::Message(column));
        let earlier = earlier.map_or_else(String::new, |handler| handler.name.to_string());
        Err((
            word(ty),
            format!("`{earlier}` takes `{known}`; write the type in `{name}` the same way, as one name means one type"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use quote::{format_ident, quote};
    use syn::parse_quote;

    use super::super::model::{Deferral, Group, State, Timeout};
    use super::super::parse::parse;
    use super::super::testing::machine;
    use super::*;

    fn errors(header: TokenStream, methods: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        machine(header, methods, &mut errors);
        errors.texts()
    }

    fn refused(attribute: TokenStream, item: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        let source = parse(attribute, item, &mut errors);
        analyse(&source, &mut errors);
        errors.texts()
    }

    fn handler(name: &str, scope: Scope, role: Role, edges: Edges) -> Handler {
        Handler { name: format_ident!("{name}"), scope, role, data: false, context: false, doc: String::new(), edges }
    }

    #[test]
    fn a_machine_becomes_the_model_that_its_source_says() {
        let mut errors = Errors::default();
        let source = parse(
            quote!(IDLE, BUSY(defer(Job), data = Work), ALL = IDLE | BUSY),
            quote! {
                /// Works.
                impl Worker {
                    fn IDLE_Job(&mut self, _: m::Job, cx: &mut Context) -> Next<Self> { self.begin() }
                    /// Goes on.
                    fn BUSY_Unknown(&mut self, _: Unknown, work: &mut Work) -> Next<Self> { Next::STAY }
                    fn ALL_Exit(&mut self) {}
                    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> { Self::complete(Aborted) }
                    fn begin(&mut self) -> Next<Self> { Self::BUSY(Work) }
                }
            },
            &mut errors,
        );
        let found = analyse(&source, &mut errors);
        assert_eq!(errors.texts(), [""; 0]);
        let state = |name: &str| State {
            name: format_ident!("{name}"),
            defers: vec![],
            timeout: Timeout::None,
            data: Data::None,
            damaged: false,
        };
        let expected = Machine {
            name: format_ident!("Worker"),
            doc: "Works.".into(),
            stateless: false,
            states: vec![
                state("IDLE"),
                State {
                    defers: vec![Deferral { name: format_ident!("Job"), message: 0 }],
                    data: Data::Type(parse_quote!(Work)),
                    ..state("BUSY")
                },
            ],
            groups: vec![Group { name: format_ident!("ALL"), members: BTreeSet::from([0, 1]) }],
            scopes: BTreeMap::from([
                ("IDLE".into(), Scope::State(0)),
                ("BUSY".into(), Scope::State(1)),
                ("ALL".into(), Scope::Group(0)),
                ("ANY".into(), Scope::Any),
            ]),
            messages: vec![
                Message { name: "Job".into(), ty: parse_quote!(m::Job) },
                Message { name: "Stop".into(), ty: parse_quote!(Stop) },
            ],
            handlers: vec![
                Handler {
                    context: true,
                    ..handler(
                        "IDLE_Job",
                        Scope::State(0),
                        Role::Message(0),
                        Edges { goes: [1].into(), ..Edges::default() },
                    )
                },
                Handler {
                    data: true,
                    doc: "Goes on.".into(),
                    ..handler("BUSY_Unknown", Scope::State(1), Role::Unknown, Edges { stays: true, ..Edges::default() })
                },
                handler("ALL_Exit", Scope::Group(0), Role::Exit, Edges::default()),
                handler("ANY_Stop", Scope::Any, Role::Message(1), Edges { ends: true, ..Edges::default() }),
            ],
            doubts: Doubts::default(),
        };
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn a_machine_without_states_has_one_that_nobody_can_return() {
        let mut errors = Errors::default();
        let found = machine(
            quote!(),
            quote!(
                fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
                    Self::ANY
                }
            ),
            &mut errors,
        );
        assert!(found.stateless && found.states.len() == 1);
        assert!(found.handlers.iter().all(|handler| handler.edges.goes.is_empty() && handler.scope == Scope::Any));
    }

    #[test]
    fn the_attribute_belongs_on_the_impl_of_a_type() {
        let cases = [
            (
                quote!(
                    struct Server;
                ),
                "belongs on `impl Server`",
            ),
            (
                quote!(
                    enum Server {
                        A { b: u8 },
                    }
                ),
                "belongs on `impl Server`",
            ),
            (
                quote!(
                    fn server() {}
                ),
                "on the `impl` of a struct or an enum",
            ),
            (quote!(impl Trait for Server {}), "write `impl Server` without a trait"),
            (quote!(impl [u8] {}), "a machine is a struct or an enum"),
            (
                quote!(
                    impl<'a> Server<'a> {}
                ),
                "cannot borrow",
            ),
            (quote!(impl Server<'_> {}), "cannot borrow"),
            (quote!(impl Server<(&'a str, u8)> {}), "cannot borrow"),
            (quote!(impl Server { some::call!(); }), "cannot look into this"),
        ];
        for (item, words) in cases {
            let errors = refused(quote!(A), item.clone());
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{item}: {errors:?}");
        }
        assert_eq!(refused(quote!(A), quote!(impl Server<&'static str> {})), [""; 0]);
    }

    #[test]
    fn each_rule_of_a_handler_is_one_error() {
        let body = quote!(-> Next<Self> { Next::STAY });
        let cases = [
            (quote!(fn PENDNG_Hello(&mut self, _: Hello) #body), "did you mean `PENDING_Hello`?"),
            (quote!(fn UPP_Hello(&mut self, _: Hello) #body), "did you mean `UP_Hello`?"),
            (quote!(fn ANNY_Hello(&mut self, _: Hello) #body), "did you mean `ANY_Hello`?"),
            (quote!(fn ELSEWHERE_Hello(&mut self, _: Hello) #body), "declare it in the header"),
            (
                quote!(fn PENDING_hello(&mut self, _: Hello) #body),
                "the message is written with a capital, `PENDING_Hello`",
            ),
            (quote!(fn UP_hello_there(&mut self, _: m::Hello) #body), "written with a capital, `UP_Hello`"),
            (quote!(fn ANY_hello(&self, _: Hello, cx: &mut Context) #body), "written with a capital, `ANY_Hello`"),
            (quote!(fn PENDING_Hello(&mut self, _: Hullo) #body), "named for the message `Hello`"),
            (quote!(#[cfg(x)] fn PENDING_Hello(&mut self, _: Hello) #body), "always has it"),
            (quote!(#[goes(PENDIN)] fn PENDING_Hello(&mut self, _: Hello) #body), "did you mean `PENDING`?"),
            (
                quote!(fn PENDING_Hello(&mut self, _: Hello) #body fn PENDING_Hello(&mut self, _: Hello) #body),
                "written twice",
            ),
            (
                quote!(fn PENDING_Hello(&mut self, _: Hello) #body fn INITIAL_Hello(&mut self, _: a::Hello) #body),
                "`PENDING_Hello` takes `Hello`",
            ),
            (quote!(fn PENDING_Hello(&mut self, _: Hello, _: &mut Dial) #body), "declare it as `PENDING(data = Dial)`"),
            (quote!(fn HELD_Hello(&mut self, _: Hello, _: &mut Line) #body), "write `data: &mut Dial<u8>`"),
            (quote!(fn ANY_Hello(&mut self, _: Hello, _: &mut Dial<u8>) #body), "only a handler of one state"),
            (quote!(fn UP_Hello(&mut self, _: Hello, _: &mut Dial<u8>) #body), "only a handler of one state"),
        ];
        for (methods, words) in cases {
            let errors = errors(quote!(INITIAL, PENDING, HELD(data = Dial<u8>), UP = PENDING), methods.clone());
            assert!(matches!(errors.as_slice(), [one] if one.contains(words)), "{methods}: {errors:?}");
        }
    }

    #[test]
    fn goes_adds_what_a_body_does_not_show() {
        let mut errors = Errors::default();
        let found = machine(
            quote!(A, B, C),
            quote! {
                #[goes(B, STAY)] fn A_Hello(&mut self, _: Hello) -> Next<Self> { elsewhere(self.helper()) }
                #[goes(C, complete)] fn helper(&mut self) -> Next<Self> { elsewhere() }
            },
            &mut errors,
        );
        assert_eq!(errors.texts(), [""; 0]);
        let edges = found.handlers.first().map(|handler| handler.edges.clone());
        assert_eq!(edges, Some(Edges { goes: [1, 2].into(), stays: true, ends: true }));
    }

    #[test]
    fn helpers_under_conditions_all_count() {
        let mut errors = Errors::default();
        let found = machine(
            quote!(A, B, C),
            quote! {
                fn A_Hello(&mut self, _: Hello) -> Next<Self> { self.helper() }
                #[cfg(unix)] fn helper(&mut self) -> Next<Self> { Self::B }
                #[cfg(not(unix))] fn helper(&mut self) -> Next<Self> { Self::C }
            },
            &mut errors,
        );
        let goes = found.handlers.first().map(|handler| handler.edges.goes.clone());
        assert_eq!(goes, Some([1, 2].into()));
    }

    #[test]
    fn a_handler_that_was_refused_leaves_doubts_about_its_message() {
        let mut errors = Errors::default();
        let found = machine(
            quote!(A),
            quote!(
                fn A_Stp(&mut self, _: Stop) -> Next<Self> {
                    Next::STAY
                }
            ),
            &mut errors,
        );
        let expected = Doubts { edges: true, messages: ["Stp", "Stop"].map(String::from).into() };
        assert_eq!((found.doubts, errors.texts().len()), (expected, 1));
    }

    #[test]
    fn a_damaged_header_is_not_blamed_on_the_handlers() {
        let errors = errors(
            quote!(A, 5),
            quote!(
                fn LOST_Hello(&mut self, _: Hello) -> Next<Self> {
                    Next::STAY
                }
            ),
        );
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
}
