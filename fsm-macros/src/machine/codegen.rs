//! The pass `codegen`: writes the `impl` of the user, the state enum, the constants and the `impl Machine`.
//!
//! The state enum lives in `const _: () = {..}`, so that private data of a public machine trips no lint about private
//! interfaces; nobody has to name it.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, GenericParam, Generics, Type, Visibility};

use super::cells;
use super::diagram::diagram;
use super::model::{Data, Machine, State, Table, Timeout};
use super::parse::{Impl, Member};
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
    let drawing = drawing(found, machine, table);
    let (states, constants) = (frame.state_enum(), frame.constants(&drawing));
    let (enumeration, name) = (&frame.states, machine.states.first().map(|state| &state.name));
    let first = quote!(#enumeration::#name);
    let handlers = word(machine, "Handlers");
    let parts = cells::parts(machine, table, &frame.states);
    let traits = frame.handler_parts(&handlers, &parts);
    let body = cells::table(machine, table, &frame.states, &handlers);
    let generated = frame.machine_impl(&first, &body, machine.stateless.then_some(&drawing));
    let now = frame.evaluate_now();
    let attributes = &frame.attributes;
    quote! {
        #user
        #(#attributes)*
        const _: () = {
            #states
            #constants
            #traits
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
            // A handler is named STATE_Message; helpers are held to the usual names.
            let allow = handler.then(|| quote!(#[allow(non_snake_case)]));
            let (attributes, visibility, signature, body) =
                (&method.attributes, &method.visibility, &method.signature, &method.body);
            quote!(#(#attributes)* #allow #visibility #signature #body)
        }
        Member::Constant(_, tokens) | Member::Macro(_, tokens) | Member::Other(tokens) => tokens.clone(),
    });
    let members: TokenStream = members.collect();
    let attributes = &found.attributes;
    // A trait was reported; its handlers are still written, where they belong.
    let (generics, _, condition) = found.generics.split_for_impl();
    let self_type = &found.self_type;
    quote!(#(#attributes)* impl #generics #self_type #condition { #members })
}

/// The text under the machine's `impl` in rustdoc. It begins with the user's own, when their `impl` has nothing public and
/// is not shown.
fn drawing(found: &Impl, machine: &Machine, table: &Table) -> String {
    let public = |member: &Member| matches!(member, Member::Method(method) if matches!(method.visibility, Visibility::Public(_)));
    let own = if found.members.iter().any(public) { "" } else { machine.doc.as_str() };
    let gap = if own.is_empty() { "" } else { "\n\n" };
    let diagram = diagram(machine, table);
    format!(
        "{own}{gap}The machine `{}`: its states, and the messages that lead from one to another.\n\n```mermaid\n{diagram}```",
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
            states: word(machine, "State"),
            state_generics,
        }
    }

    /// The handlers as the table calls them, in parts: a body with thousands of closures takes minutes to compile.
    fn handler_parts(&self, name: &Ident, parts: &[TokenStream]) -> TokenStream {
        let (generics, _, condition) = self.generics.split_for_impl();
        let self_type = &self.self_type;
        let parts = parts.iter().enumerate().map(|(part, calls)| {
            quote! {
                impl #generics #name<#part> for #self_type #condition {
                    const CALLS: &'static [::statepoint::Handler<Self>] = &[#calls];
                }
            }
        });
        quote! {
            trait #name<const PART: usize>: ::statepoint::Machine {
                const CALLS: &'static [::statepoint::Handler<Self>];
            }
            #(#parts)*
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
            #[allow(dead_code, non_snake_case, non_upper_case_globals, private_interfaces, private_bounds, unreachable_pub)]
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

/// A name for a generated item: `ServerState`, unless the user's types, which are named beside it, say that word themselves.
fn word(machine: &Machine, ending: &str) -> Ident {
    let usual = format_ident!("{}{ending}", machine.name);
    let data = machine.states.iter().filter_map(data_type).map(ToTokens::to_token_stream);
    let messages = machine.messages.iter().map(|message| message.ty.to_token_stream());
    let words: TokenStream = data.chain(messages).collect();
    if mentions(words, &usual) { format_ident!("{}Machine{ending}", machine.name) } else { usual }
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

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::super::analyse::analyse;
    use super::super::lower::lower;
    use super::super::parse::{Subject, parse};
    use super::super::salvage::salvage;
    use super::*;
    use crate::errors::Errors;

    /// What a machine without errors becomes, as text without spaces.
    fn written(header: TokenStream, item: TokenStream) -> String {
        let mut errors = Errors::default();
        let source = parse(header, item, &mut errors);
        let found = analyse(&source, &mut errors).expect("an impl of a type is a machine");
        let table = lower(&found, &mut errors);
        assert_eq!(errors.texts(), [""; 0]);
        let Subject::Impl(subject) = &source.subject else { panic!("an impl is an impl") };
        text(machine(subject, &found, &table))
    }

    fn salvaged(header: TokenStream, item: TokenStream) -> String {
        let mut errors = Errors::default();
        let source = parse(header, item.clone(), &mut errors);
        let found = analyse(&source, &mut errors).expect("a type is a machine");
        assert!(!errors.is_empty());
        text(salvage(&source, item, &found))
    }

    /// It is Rust; without spaces it is easier to look into.
    fn text(tokens: TokenStream) -> String {
        let file: syn::File = syn::parse2(tokens).expect("generated code parses");
        file.into_token_stream().to_string().replace(' ', "")
    }

    fn holds(text: &str, tokens: TokenStream) {
        let wanted = tokens.to_string().replace(' ', "");
        // The printer puts a comma after a where clause.
        assert!(text.replace(",{", "{").contains(&wanted.replace(",{", "{")), "{wanted} is not in {text}");
    }

    #[test]
    fn only_handlers_are_allowed_their_names() {
        let text = written(
            quote!(A),
            quote! {
                impl Server {
                    #[goes(A)] fn A_Stop(&mut self, _: Stop) -> Next<Self> { b }
                    fn helpER(&self) {}
                }
            },
        );
        holds(
            &text,
            quote!(impl Server { #[allow(non_snake_case)] fn A_Stop(&mut self, _: Stop) -> Next<Self> { b } fn helpER(&self) {} }),
        );
    }

    #[test]
    fn a_cell_passes_what_its_handler_takes() {
        let text = written(
            quote!(A, B(data = Dial)),
            quote! {
                impl Server {
                    fn A_Go(&mut self, _: m::Go) -> Next<Self> { Next::STAY }
                    fn B_Go(&mut self, _: m::Go, data: &mut Dial, cx: &mut Context) -> Next<Self> { Next::STAY }
                }
            },
        );
        holds(&text, quote!(::core::result::Result::Ok(message) => machine.A_Go(message),));
        holds(&text, quote!(let ServerState::B(data) = state else { return ::statepoint::Next::Stay };));
        holds(&text, quote!(::core::result::Result::Ok(message) => machine.B_Go(message, data, cx),));
        holds(&text, quote!(pub fn B(data: Dial) -> ::statepoint::Next<Self>));
        holds(
            &text,
            quote!(
                pub const A: ::statepoint::Next<Self> = ::statepoint::Next::Go(ServerState::A);
            ),
        );
    }

    #[test]
    fn a_handler_that_serves_nothing_is_not_called() {
        let text = written(
            quote!(A),
            quote! {
                impl Server {
                    fn A_Stop(&mut self, _: Stop) -> Next<Self> { Next::STAY }
                    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> { Next::STAY }
                }
            },
        );
        assert!(text.contains("machine.A_Stop(") && !text.contains("machine.ANY_Stop("));
    }

    #[test]
    fn the_state_enum_has_generics_only_when_data_has() {
        let stop = quote!(
            fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
                Next::STAY
            }
        );
        let plain = written(quote!(A), quote!(impl<T: Name> Server<T> { #stop }));
        holds(
            &plain,
            quote!(
                pub enum ServerState {
                    A,
                }
            ),
        );
        let used = written(quote!(A, B(data = Dial<T>)), quote!(impl<T: Name> Server<T> where T: Copy { #stop }));
        holds(
            &used,
            quote!(
                pub enum ServerState<T: Name + 'static>
                where
                    T: Copy,
                {
                    A,
                    B(Dial<T>),
                }
            ),
        );
        let one_of_two = written(quote!(A, B(data = Dial<T>)), quote!(impl<T, U> Server<T, U> { #stop }));
        assert!(one_of_two.contains("Never(::core::convert::Infallible,"));
        let itself = written(quote!(A, B(data = Box<Self>)), quote!(impl<T> Server<T> { #stop }));
        holds(&itself, quote!(B(Box<Server<T>>)));
        assert!(itself.contains("pubenumServerState<T:'static>{"));
    }

    #[test]
    fn generated_names_make_room_for_the_users() {
        let text = written(
            quote!(A, B(data = Vec<ServerState>)),
            quote! {
                impl Server {
                    fn ANY_ServerHandlers(&mut self, _: ServerHandlers) -> Next<Self> { Next::STAY }
                }
            },
        );
        assert!(text.contains("pubenumServerMachineState{") && text.contains("traitServerMachineHandlers<"));
    }

    #[test]
    fn many_handlers_are_written_in_parts() {
        let handlers = (0..70).map(|number| {
            let (name, ty) = (format_ident!("A_M{number}"), format_ident!("M{number}"));
            quote!(fn #name(&mut self, _: #ty) -> Next<Self> { Next::STAY })
        });
        let text = written(quote!(A), quote!(impl Server { #(#handlers)* }));
        assert_eq!(text.matches("ServerHandlers<").count(), 1 + 3 + 3);
        holds(&text, quote!(row[69usize] = ::statepoint::Cell::Call(call[2usize][5usize]);));
    }

    #[test]
    fn the_users_own_words_stand_above_the_diagram_when_rustdoc_would_not_show_them() {
        let stop = quote!(
            fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
                Next::STAY
            }
        );
        let private = written(quote!(A), quote!(#[doc = "Mine."] impl Server { #stop }));
        assert_eq!(private.matches("Mine.\\n\\nThemachine`Server`").count(), 1);
        let public = written(quote!(A), quote!(#[doc = "Mine."] impl Server { #stop pub fn new() -> Self { Self } }));
        assert!(public.contains("\"Themachine`Server`"));
    }

    #[test]
    fn a_constant_timeout_is_looked_at_while_checking() {
        let stop = quote!(
            fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
                Next::STAY
            }
        );
        let now = quote!(= <Server as ::statepoint::Machine>::TABLE;);
        holds(&written(quote!(A(timeout = LIMIT)), quote!(impl Server { #stop })), now);
        assert!(
            !written(quote!(A(timeout = LIMIT)), quote!(impl<T> Server<T> { #stop })).contains("asMachine>::TABLE;")
        );
    }

    #[test]
    fn beside_an_error_every_name_is_written() {
        let item = quote! {
            #[derive(Debug)]
            struct Server<'a, T: Get<'a>> { a: &'a T }
        };
        let text = salvaged(quote!(A, B(data = ), C(timeout = 5)), item);
        holds(&text, quote!(impl<T: Get<'static> + 'static> ::statepoint::Machine for Server<'static, T>));
        holds(&text, quote!(pub const A:));
        holds(&text, quote!(pub fn B<__Data>(_: __Data)));
        holds(&text, quote!(pub const C:));
        let item = quote! {
            impl<'a> Serve for Server<'a> {
                fn A_Hello(&mut self, _: Hello) -> Next<Self> { let _: &'a u8; }
                fn A_Hello(&mut self, _: Hello) -> Next<Self> { second }
            }
        };
        let text = salvaged(quote!(A), item);
        holds(
            &text,
            quote!(impl Server<'static> { #[allow(non_snake_case)] fn A_Hello(&mut self, _: Hello) -> Next<Self> { let _: &'static u8; } }),
        );
        assert!(!text.contains("second"));
        let foreign = quote!(impl Default for Server { fn default() -> Self { Server } });
        let kept = foreign.clone();
        holds(&salvaged(quote!(A), foreign), kept);
    }

    #[test]
    fn conditions_and_allowances_of_the_impl_hold_for_what_is_written() {
        let item: TokenStream = parse_quote! {
            #[cfg(unix)]
            #[allow(deprecated)]
            #[rustfmt::skip]
            impl Server { fn ANY_Stop(&mut self, _: Stop) -> Next<Self> { Next::STAY } }
        };
        assert!(written(quote!(), item).contains("#[cfg(unix)]#[allow(deprecated)]const_:()="));
    }
}
