//! The pass `codegen`: writes the `impl` of the user, the state enum, the constants and the `impl Machine`.
//!
//! The state enum lives in `const _: () = {..}`, so that private data of a public machine trips no lint about private
//! interfaces; nobody has to name it.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericParam, Generics, Path, Type};

use super::diagram::diagram;
use super::model::{Cell, Data, Handler, Machine, Role, Scope, State, Table, Timeout};
use super::parse::{Impl, Member};
use super::shape::shape;
use super::states::{Reading, reading};

/// The type a machine is made of, as the generated items need it.
pub(super) struct Frame<'a> {
    machine: &'a Machine,
    generics: Generics,
    self_type: TokenStream,
    /// `#[cfg]` and `#[allow]` of the user's `impl`.
    attributes: Vec<&'a Attribute>,
    /// The name of the state enum.
    states: Ident,
    /// The generics of the state enum: those of the machine, when the data of a state needs them.
    state_generics: Generics,
}

/// Everything, for a machine without errors.
pub(super) fn machine(found: &Impl, machine: &Machine, table: &Table) -> TokenStream {
    let frame = Frame::new(machine, &found.generics, found.self_type.to_token_stream(), &found.attributes);
    let user = user_impl(found, machine);
    let drawing = drawing(machine, table);
    let (states, constants) = (frame.state_enum(), frame.constants(&drawing));
    let (enumeration, name) = (&frame.states, machine.states.first().map(|state| &state.name));
    let first = quote!(#enumeration::#name);
    let body = table_and_changes(machine, table, &frame.states);
    let generated = frame.machine_impl(&first, &body, machine.stateless.then_some(&drawing));
    let now = frame.evaluate_now();
    let attributes = &frame.attributes;
    quote! {
        #user
        #(#attributes)*
        const _: () = {
            #states
            #constants
            #generated
            #now
        };
    }
}

/// The `impl` as written, without `#[goes(..)]`, its handlers allowed to have their names. A method that is there twice
/// was reported and is written once.
pub(super) fn user_impl(found: &Impl, machine: &Machine) -> TokenStream {
    let mut seen = BTreeSet::new();
    let members = found.members.iter().map(|member| match member {
        Member::Method(method) => {
            let name = method.signature.ident.to_string();
            let handler = reading(&name, &machine.scopes) != Reading::Helper;
            if handler && !seen.insert(name) {
                return TokenStream::new();
            }
            let allow = handler.then(|| quote!(#[allow(non_snake_case)]));
            let (attributes, visibility, signature, body) =
                (&method.attributes, &method.visibility, &method.signature, &method.body);
            quote!(#(#attributes)* #allow #visibility #signature #body)
        }
        Member::Constant(_, tokens) | Member::Macro(_, tokens) | Member::Other(tokens) => tokens.clone(),
    });
    let members: TokenStream = members.collect();
    let attributes = &found.attributes;
    let opening = match &found.of_trait {
        None => found.opening.clone(),
        // Reported; its handlers are still written, where they belong.
        Some(_) => {
            let (generics, _, condition) = found.generics.split_for_impl();
            let self_type = &found.self_type;
            quote!(impl #generics #self_type #condition)
        }
    };
    quote!(#(#attributes)* #opening { #members })
}

/// The text under the machine's `impl` in rustdoc.
fn drawing(machine: &Machine, table: &Table) -> String {
    let diagram = diagram(machine, table);
    format!(
        "The machine `{}`: its states, and the messages that lead from one to another.\n\n```mermaid\n{diagram}```",
        machine.name
    )
}

impl<'a> Frame<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        generics: &Generics,
        self_type: TokenStream,
        attributes: &'a [Attribute],
    ) -> Self {
        let data: TokenStream = machine.states.iter().filter_map(data_type).map(ToTokens::to_token_stream).collect();
        let generic = generics.params.iter().any(|parameter| match parameter {
            GenericParam::Type(parameter) => mentions(data.clone(), &parameter.ident),
            GenericParam::Const(parameter) => mentions(data.clone(), &parameter.ident),
            GenericParam::Lifetime(parameter) => mentions(data.clone(), &parameter.lifetime.ident),
        });
        let own_name = mentions(data, &format_ident!("Self"));
        let state_generics = if generic || own_name { generics.clone() } else { Generics::default() };
        let keep = |attribute: &&Attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("allow");
        Self {
            machine,
            generics: generics.clone(),
            self_type,
            attributes: attributes.iter().filter(keep).collect(),
            states: enum_name(machine),
            state_generics,
        }
    }

    /// A timeout of zero in a constant is found when the table is evaluated: by `cargo check` already, if nothing is generic.
    fn evaluate_now(&self) -> Option<TokenStream> {
        let constant = self.machine.states.iter().find_map(|state| match &state.timeout {
            Timeout::Constant(path) => path.segments.last(),
            _ => None,
        })?;
        let self_type = &self.self_type;
        let span = Span::call_site().located_at(constant.ident.span());
        self.generics.params.is_empty().then(|| {
            quote_spanned!(span=> const _: &::statepoint::Table<#self_type> = <#self_type as ::statepoint::Machine>::TABLE;)
        })
    }

    pub(super) fn state_enum(&self) -> TokenStream {
        let name = &self.states;
        let (generics, _, condition) = self.state_generics.split_for_impl();
        let variants = self.machine.states.iter().map(|state| {
            let name = &state.name;
            match data_type(state) {
                Some(data) => {
                    let data = replace_self(data.to_token_stream(), &self.self_type);
                    quote!(#name(#data))
                }
                None => quote!(#name),
            }
        });
        let never = self.unused_types().map(|unused| {
            let phantoms = unused.iter().map(|ident| quote!(::core::marker::PhantomData<#ident>));
            quote!(Never(::core::convert::Infallible, ::core::marker::PhantomData<(#(#phantoms,)*)>))
        });
        quote! {
            #[allow(missing_docs, missing_debug_implementations, unreachable_pub, non_camel_case_types, private_interfaces, private_bounds, dead_code)]
            #[doc(hidden)]
            pub enum #name #generics #condition { #(#variants,)* #never }
        }
    }

    /// Type parameters that no data mentions: a variant that cannot exist has to.
    fn unused_types(&self) -> Option<Vec<&Ident>> {
        let data: TokenStream =
            self.machine.states.iter().filter_map(data_type).map(ToTokens::to_token_stream).collect();
        let all: Vec<&Ident> = self.state_generics.type_params().map(|parameter| &parameter.ident).collect();
        let unused = all.iter().any(|ident| !mentions(data.clone(), ident));
        unused.then_some(all)
    }

    /// `Self::PENDING`, `Self::CONNECTED(data)`.
    pub(super) fn constants(&self, drawing: &str) -> TokenStream {
        if self.machine.stateless {
            return TokenStream::new();
        }
        let (generics, _, condition) = self.generics.split_for_impl();
        let (self_type, states) = (&self.self_type, &self.states);
        let constants = self.machine.states.iter().map(|state| {
            let name = &state.name;
            let doc = format!("The state `{name}`.");
            let with = format!("The state `{name}`, entered with its data.");
            match &state.data {
                Data::None => quote! {
                    #[doc = #doc]
                    pub const #name: ::statepoint::Next<Self> = ::statepoint::Next::Go(#states::#name);
                },
                Data::Type(data) => quote! {
                    #[doc = #with]
                    pub fn #name(data: #data) -> ::statepoint::Next<Self> { ::statepoint::Next::Go(#states::#name(data)) }
                },
                // Only beside an error: whatever it is given, it type-checks.
                Data::Broken => quote! {
                    #[doc = #with]
                    pub fn #name<__Data>(_: __Data) -> ::statepoint::Next<Self> { ::statepoint::Next::Go(#states::#name) }
                },
            }
        });
        quote! {
            #[doc = #drawing]
            #[allow(dead_code, non_snake_case, non_upper_case_globals, private_interfaces, private_bounds, unreachable_pub, clippy::pedantic)]
            impl #generics #self_type #condition { #(#constants)* }
        }
    }

    pub(super) fn machine_impl(
        &self,
        first: &TokenStream,
        body: &TokenStream,
        drawing: Option<&String>,
    ) -> TokenStream {
        let (generics, _, condition) = self.generics.split_for_impl();
        let (_, state_arguments, _) = self.state_generics.split_for_impl();
        let (self_type, states) = (&self.self_type, &self.states);
        let drawing = drawing.map(|text| quote!(#[doc = #text]));
        let mut arms: Vec<TokenStream> = Vec::new();
        for (index, state) in self.machine.states.iter().enumerate() {
            let name = &state.name;
            arms.push(quote!(#states::#name { .. } => #index,));
        }
        if self.unused_types().is_some() {
            arms.push(quote!(#states::Never(never, _) => match *never {},));
        }
        quote! {
            #drawing
            impl #generics ::statepoint::Machine for #self_type #condition {
                type State = #states #state_arguments;
                fn first() -> Self::State { #first }
                fn index(state: &Self::State) -> usize { match state { #(#arms)* } }
                #body
            }
        }
    }
}

/// The table, the columns and the changes of state.
fn table_and_changes(machine: &Machine, table: &Table, states: &Ident) -> TokenStream {
    let cells: Vec<TokenStream> = machine.handlers.iter().map(|handler| closure(machine, handler, states)).collect();
    let used = used(table);
    let mut places = vec![None; machine.handlers.len()];
    for (place, handler) in used.iter().enumerate() {
        if let Some(entry) = places.get_mut(*handler) {
            *entry = Some(place);
        }
    }
    let place = |handler: usize| places.get(handler).copied().flatten();
    let calls = used.iter().filter_map(|handler| cells.get(*handler));
    let count = used.len();
    let columns = machine.messages.len();
    let rows = table.cells.iter().map(|row| {
        let entries = row.iter().enumerate().filter_map(|(column, cell)| match cell {
            Cell::None => None,
            Cell::Defer => Some(quote!(row[#column] = ::statepoint::Cell::Defer;)),
            Cell::Handler(handler) => {
                let handler = place(*handler)?;
                Some(quote!(row[#column] = ::statepoint::Cell::Call(call[#handler]);))
            }
        });
        quote!(&{ let mut row = [const { ::statepoint::Cell::Unknown }; #columns]; #(#entries)* row })
    });
    let unknown = table.unknown.iter().map(|handler| match handler.and_then(|handler| cells.get(handler)) {
        Some(closure) => quote!(::core::option::Option::Some(#closure)),
        None => quote!(::core::option::Option::None),
    });
    let timeouts = machine.states.iter().map(timeout);
    let shape = shape(machine, table);
    let find = column(machine);
    let enter = change(machine, &table.enter, states, "enter");
    let exit = change(machine, &table.exit, states, "exit");
    quote! {
        #[allow(unused_mut, unused_variables)]
        const TABLE: &'static ::statepoint::Table<Self> = {
            let call: [::statepoint::Handler<Self>; #count] = [#(#calls),*];
            &::statepoint::Table {
                cells: &[#(#rows),*],
                unknown: &[#(#unknown),*],
                timeouts: &[#(#timeouts),*],
                shape: &#shape,
            }
        };
        #find
        #enter
        #exit
    }
}

/// The handlers of messages that some cell holds. One that none holds is left out: the compiler says that it is never used.
fn used(table: &Table) -> BTreeSet<usize> {
    let handler = |cell: &Cell| match cell {
        Cell::Handler(handler) => Some(*handler),
        Cell::None | Cell::Defer => None,
    };
    table.cells.iter().flatten().filter_map(handler).collect()
}

/// `|machine, state, body, cx| ..`: opens the body and calls the handler.
fn closure(machine: &Machine, handler: &Handler, states: &Ident) -> TokenStream {
    let name = &handler.name;
    // Errors in calling the handler are shown at its name; the names of the parameters cannot clash with the user's.
    let span = Span::mixed_site().located_at(name.span());
    let state = match handler.scope {
        Scope::State(state) if handler.data => machine.states.get(state).map(|state| &state.name),
        _ => None,
    };
    let data = state.map(|_| quote_spanned!(span=> , data));
    let context = handler.context.then(|| quote_spanned!(span=> , cx));
    let open = state.map(
        |state| quote_spanned!(span=> let #states::#state(data) = state else { return ::statepoint::Next::Stay };),
    );
    let state = if state.is_some() { quote_spanned!(span=> state) } else { quote!(_) };
    match handler.role {
        Role::Message(column) => {
            let ty = machine.messages.get(column).map(|message| &message.ty);
            quote_spanned! {span=>
                |machine, #state, body, cx| {
                    #open
                    match body.open::<#ty>() {
                        ::core::result::Result::Ok(message) => machine.#name(message #data #context),
                        ::core::result::Result::Err(refused) => cx.refuse(refused),
                    }
                }
            }
        }
        Role::Unknown | Role::Enter | Role::Exit => {
            let cx = if handler.context { quote_spanned!(span=> cx) } else { quote!(_) };
            quote_spanned!(span=> |machine, #state, unknown, #cx| { #open machine.#name(unknown #data #context) })
        }
    }
}

fn timeout(state: &State) -> TokenStream {
    match &state.timeout {
        Timeout::Literal { duration, .. } => {
            let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
            quote!(::core::option::Option::Some(::core::time::Duration::new(#seconds, #nanoseconds)))
        }
        Timeout::Constant(path) => {
            let check = zero_check(state, path);
            quote!(::core::option::Option::Some({ #check #path }))
        }
        Timeout::None | Timeout::Broken => quote!(::core::option::Option::None),
    }
}

/// A constant can be zero as well: found while compiling.
fn zero_check(state: &State, path: &Path) -> TokenStream {
    let text = format!("the timeout of `{}` is zero, so it would fire at once; write a time above zero", state.name);
    let word = path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span());
    let span = Span::mixed_site().located_at(word);
    let assert = quote_spanned!(span=> ::core::assert!(!limit.is_zero(), #text););
    quote_spanned!(span=> let limit: ::core::time::Duration = #path; #assert)
}

fn column(machine: &Machine) -> TokenStream {
    let types: Vec<&Type> = machine.messages.iter().map(|message| &message.ty).collect();
    let size = (types.len() * 2).next_power_of_two().max(2);
    quote! {
        fn column(id: ::statepoint::MessageId) -> ::core::option::Option<usize> {
            const { &::statepoint::macros::Columns::<#size>::new(&[#(<#types as ::statepoint::Message>::ID),*]) }
                .find(id)
                .or_else(|| ::statepoint::macros::former(id, const { &[#(<#types as ::statepoint::Message>::ALSO),*] }))
        }
    }
}

/// `fn enter` or `fn exit`.
fn change(machine: &Machine, column: &[Option<usize>], states: &Ident, method: &str) -> Option<TokenStream> {
    let arms: Vec<TokenStream> = machine
        .states
        .iter()
        .zip(column)
        .filter_map(|(state, handler)| {
            let handler = machine.handlers.get((*handler)?)?;
            let (state, name) = (&state.name, &handler.name);
            let span = Span::mixed_site().located_at(name.span());
            let pattern = if handler.data { quote_spanned!(span=> (data)) } else { quote!({ .. }) };
            let data = handler.data.then(|| quote_spanned!(span=> data,));
            let context = handler.context.then(|| quote_spanned!(span=> cx));
            Some(quote_spanned!(span=> #states::#state #pattern => self.#name(#data #context),))
        })
        .collect();
    if arms.is_empty() {
        return None;
    }
    let method = format_ident!("{method}");
    let span = Span::mixed_site();
    Some(quote_spanned! {span=>
        #[allow(unreachable_patterns, unused_variables)]
        fn #method(&mut self, state: &mut Self::State, cx: &mut ::statepoint::Context) {
            match state { #(#arms)* _ => {} }
        }
    })
}

/// The name of the state enum: `ServerState`, unless the user's types say that word themselves.
fn enum_name(machine: &Machine) -> Ident {
    let usual = format_ident!("{}State", machine.name);
    let data = machine.states.iter().filter_map(data_type).map(ToTokens::to_token_stream);
    let messages = machine.messages.iter().map(|message| message.ty.to_token_stream());
    let words: TokenStream = data.chain(messages).collect();
    if usual != machine.name && !mentions(words, &usual) {
        usual
    } else {
        format_ident!("{}MachineState", machine.name)
    }
}

fn data_type(state: &State) -> Option<&Type> {
    match &state.data {
        Data::Type(data) => Some(data),
        Data::None | Data::Broken => None,
    }
}

fn mentions(tokens: TokenStream, word: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *word,
        TokenTree::Group(group) => mentions(group.stream(), word),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// `Self` in the type of a state's data is the machine, not the state enum.
fn replace_self(tokens: TokenStream, self_type: &TokenStream) -> TokenStream {
    map_tokens(tokens, &mut |token| match token {
        TokenTree::Ident(ident) if *ident == "Self" => Some(self_type.clone()),
        _ => None,
    })
}

pub(super) fn map_tokens(
    tokens: TokenStream,
    change: &mut impl FnMut(&TokenTree) -> Option<TokenStream>,
) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match change(&token) {
            Some(changed) => changed,
            None => match token {
                TokenTree::Group(group) => {
                    let mut inner = proc_macro2::Group::new(group.delimiter(), map_tokens(group.stream(), change));
                    inner.set_span(group.span());
                    TokenTree::Group(inner).into()
                }
                other => other.into(),
            },
        })
        .collect()
}
