//! The pass `analyse`: resolves every name and checks each handler by itself.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Ident, Type};

use super::model::{ANY, Data, Deferral, Doubts, Edges, Handler, Header, Machine, Message, Role, Scope};
use super::parse::{Impl, Member, Method, Source, Subject, doc, goes};
use super::scan::{Mentions, Names, follow, scan};
use super::signature::{Parameters, last_word, parameters, plain, word};
use super::states::{Reading, groups, no_state, only_state, reading, scopes, states};
use crate::errors::Errors;
use crate::suggest::nearest;

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
            Reading::Helper => {}
        }
    }
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
    let mut mentions = BTreeMap::new();
    for (name, body, attributes) in bodies {
        let mut found = scan(body.clone(), &names);
        for attribute in attributes {
            declared(attribute, machine, &mut found, errors);
        }
        mentions.insert(name, found);
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

fn lost(state: &str, message: &str, machine: &Machine) -> String {
    if machine.stateless {
        return format!(
            "this machine has no states; call the handler `ANY_{message}`, or declare `{state}` in the attribute"
        );
    }
    let names = machine.states.iter().map(|state| &state.name).chain(machine.groups.iter().map(|group| &group.name));
    let names: Vec<String> = names.map(ToString::to_string).chain([ANY.to_owned()]).collect();
    match nearest(state, names.iter().map(String::as_str)) {
        Some(meant) => format!("`{state}` is not a state of this machine; did you mean `{meant}_{message}`?"),
        None => no_state(state, &machine.states),
    }
}

fn deferrals(header: &Header, machine: &mut Machine, errors: &mut Errors) {
    let mut told = BTreeSet::new();
    for item in &header.states {
        let Some(place) = machine.states.iter().position(|state| state.name == item.name) else { continue };
        let mut defers: Vec<Deferral> = Vec::new();
        for name in &item.defers {
            let text = name.to_string();
            if text == "Timeout" {
                let advice = "`Timeout` cannot be deferred: it belongs to the state it was armed in; remove it here";
                errors.push(name.span(), advice);
            } else if defers.iter().any(|known| known.name == *name) {
                errors.push(name.span(), format!("`{}` defers `{name}` twice; remove one of them", item.name));
            } else if let Some(message) = machine.column(&text) {
                defers.push(Deferral { name: name.clone(), message });
            } else if !machine.doubts.messages.contains(&text) && told.insert(text.clone()) {
                errors.push(
                    name.span(),
                    nobody_handles(&text, machine, |state| {
                        header.states.iter().any(|item| item.name == *state && item.defers.contains(name))
                    }),
                );
            }
        }
        if let Some(state) = machine.states.get_mut(place) {
            // A second declaration of the same name was reported; the first one counts.
            if state.defers.is_empty() {
                state.defers = defers;
            }
        }
    }
}

/// What to say about a deferred message that no state handles; `defers` tells which states defer it.
pub(super) fn nobody_handles(message: &str, machine: &Machine, defers: impl Fn(&Ident) -> bool) -> String {
    let fate = "so it would be deferred for ever";
    let others = machine.messages.iter().map(|known| known.name.as_str()).filter(|known| *known != message);
    if let Some(meant) = nearest(message, others) {
        return format!("no state handles `{message}`, {fate}; did you mean `{meant}`?");
    }
    match machine.states.iter().rev().map(|state| &state.name).find(|state| !defers(state)) {
        Some(state) => format!("no state handles `{message}`, {fate}; add a handler such as `{state}_{message}`"),
        None => format!("every state defers `{message}`, {fate}; handle it in one of them"),
    }
}

/// A type as people write it: the compiler puts spaces around every token.
pub(super) fn readable(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in
        [(" :: ", "::"), (":: ", "::"), (" ::", "::"), (" <", "<"), ("< ", "<"), (" >", ">"), (" ,", ","), ("& ", "&")]
    {
        text = text.replace(spaced, tight);
    }
    text.replace("( ", "(").replace(" )", ")")
}
