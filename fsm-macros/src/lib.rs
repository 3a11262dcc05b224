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

/// Makes a finite-state machine of an `impl` whose methods are named `STATE_Message`.
///
/// ```text
/// #[state_machine(INITIAL, PENDING(defer(Hello), timeout = "5s"), LISTENING(data = Peers), UP = PENDING | LISTENING)]
/// impl Server {
///     fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> { .. Self::PENDING }
///     fn PENDING_Listening(&mut self, _: Listening) -> Next<Self> { Self::LISTENING(Peers::new()) }
///     fn PENDING_Timeout(&mut self, _: Timeout) -> Next<Self> { Self::complete(TimedOut::default()) }
///     fn LISTENING_Hello(&mut self, hello: Hello, peers: &mut Peers, cx: &mut Context) -> Next<Self> { .. Next::STAY }
///     fn UP_Close(&mut self, _: Close) -> Next<Self> { Self::complete(Done) }
///     fn ANY_Stop(&mut self, _: Stop) -> Next<Self> { Self::complete(Aborted) }
/// }
/// ```
///
/// | in the attribute | means |
/// |---|---|
/// | `PENDING` | a state; the first is where a machine begins; at most 256 |
/// | `PENDING(defer(Hello))` | keep these messages until the state changes |
/// | `PENDING(timeout = "5s")` | deliver `Timeout` after so long; units h m s ms us ns, also `"1m30s"`, or the path of a `const` `Duration` |
/// | `LISTENING(data = Peers)` | data that lives as long as the state; entered by `Self::LISTENING(peers)` |
/// | `UP = PENDING \| LISTENING` | a group of states |
/// | nothing | a stateless machine: all handlers are `ANY_Message` |
///
/// | a method named | runs |
/// |---|---|
/// | `PENDING_Hello(&mut self, hello: Hello)` | when `Hello` comes in `PENDING` |
/// | `UP_Hello`, `ANY_Hello` | when no state handler does: the most specific wins, and a state's `defer` is as specific |
/// | `PENDING_Unknown(&mut self, unknown: Unknown)` | for messages without a handler |
/// | `PENDING_Enter(&mut self)`, `PENDING_Exit(&mut self)` | on a change of state; they return nothing |
/// | anything else | when somebody calls it |
///
/// After its message a handler may take `data: &mut T`, the data of its state, and `cx: &mut Context`. It returns
/// `Next<Self>`: `Self::PENDING`, `Next::STAY` or `Self::complete(value)`.
///
/// Where a handler may go is read from the tokens of its body and of the helpers it calls. `#[goes(LISTENING)]` on a
/// method adds what cannot be read there; the words `STAY` and `complete` may stand in it too.
///
/// # Errors
///
/// Compiling fails, each time at one word and with what to write instead: when a handler names no state or another message
/// than it takes; when nothing goes to a state, or it does not answer `Stop` (a first state that only takes `Start` and
/// leaves need not); for a timeout without `Timeout` handler, or the reverse; when no state handles a deferred message, or
/// the state that defers it does; when a handler is written twice. All errors are shown, and everything else in the file
/// still compiles.
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
