//! The macros of statepoint: `#[state_machine]`, `#[derive(Message)]`, `#[derive(Select)]`, `#[derive(Group)]`.
//!
//! Programs import them from `statepoint`. What they write names the core as `::statepoint`.
//!
//! | module | for |
//! |---|---|
//! | `machine` | `#[state_machine]`: the passes parse, analyse, lower, check, codegen over one model |
//! | `message`, `select`, `group` | the three derives |
//! | `errors`, `suggest` | all errors at once, each at one word; "did you mean" |
#![forbid(unsafe_code)]

mod errors;
mod group;
mod lifetimes;
mod machine;
mod message;
mod select;
mod settings;
mod suggest;

use proc_macro::TokenStream;

#[doc = include_str!("machine/state_machine.md")]
#[proc_macro_attribute]
pub fn state_machine(attribute: TokenStream, item: TokenStream) -> TokenStream {
    machine::state_machine(attribute.into(), item.into()).into()
}

/// Makes a message of a struct or enum, which is sent by value and has a name on the wire.
///
/// It needs serde's `Serialize` and `Deserialize`, unless it is local. `#[message(name = "a.B")]` gives the name (1 to 256
/// bytes, no spaces; by default the module path without its crate, and the type's name), `also = "old.B"` a former name
/// that is still understood, `local` keeps it in its process, `fault` says that it means failure and needs `Display`.
///
/// ```text
/// #[derive(Debug, Serialize, Deserialize, Message)]
/// #[message(name = "hello_welcome.Hello", also = "hello.Hello")]
/// pub struct Hello { pub my_name: String }
/// ```
#[proc_macro_derive(Message, attributes(message))]
pub fn message(item: TokenStream) -> TokenStream {
    message::message(item.into()).into()
}

/// Makes of an enum what a routine can `select`: each variant holds one message that may come.
///
/// `#[select(defer(Hello))]` keeps messages for a later `select`.
///
/// ```text
/// #[derive(Select)]
/// enum Opened { Connected(Connected), NotConnected(NotConnected) }
/// ```
#[proc_macro_derive(Select, attributes(select))]
pub fn select(item: TokenStream) -> TokenStream {
    select::select(item.into()).into()
}

/// Makes flags of a struct: the fields' names are the flags, their doc comments the help.
///
/// It needs serde's `Serialize` and `Deserialize`.
///
/// ```text
/// #[derive(Serialize, Deserialize, Settings)]
/// struct Settings {
///     /// Where to listen.
///     port: u16,
/// }
/// ```
#[proc_macro_derive(Settings)]
pub fn settings(item: TokenStream) -> TokenStream {
    settings::derive(&syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

/// Makes a group of a struct whose fields are members: `update` fills in their addresses, `table` makes its manager.
///
/// ```text
/// #[derive(Group)]
/// struct Servers { clock: Member, store: Member }
/// ```
#[proc_macro_derive(Group)]
pub fn group(item: TokenStream) -> TokenStream {
    group::group(item.into()).into()
}
