//! The sources of the crates that `build` times: 12 states with 12 messages each.

use std::fmt::Write as _;
use std::path::Path;

const STATES: [&str; 12] =
    ["Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima"];

const MESSAGES: [&str; 12] =
    ["Red", "Orange", "Yellow", "Green", "Blue", "Indigo", "Violet", "White", "Grey", "Black", "Brown", "Pink"];

/// What the messages of a generated crate can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// Be sent in their process.
    Local,
    /// Cross a connection: both sides have the code that writes and reads them as MessagePack.
    Portable,
}

impl Messages {
    fn code(self, portable: &str, local: &str) -> String {
        let head = match self {
            Self::Local => local,
            Self::Portable => portable,
        };
        let mut text = String::new();
        for message in MESSAGES {
            let _ = writeln!(text, "{head}\npub struct {message} {{ pub number: u64, pub text: String }}");
        }
        text
    }
}

/// `Cargo.toml` of a generated crate, in no workspace.
pub(crate) fn manifest(name: &str, benches: &Path) -> String {
    let core = benches.join("../fsm-core").display().to_string();
    format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         rmp-serde = \"1\"\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
         statepoint = {{ package = \"fsm-core\", path = {core:?} }}\n"
    )
}

/// What the handler of a state and a message does, and the two states it may go to.
fn handler(state: usize, message: usize) -> (String, &'static str, &'static str) {
    let body = format!(
        "self.total = self.total.wrapping_add(message.number * {} + EDIT); self.text.push_str(&message.text);",
        state * 100 + message + 1
    );
    let next = |step| STATES[(state + step) % STATES.len()];
    (body, next(1), next(message % 7 + 2))
}

const BEGIN: &str =
    "fn main() {\n    let number = std::env::args().count() as u64;\n    let text = String::from(\"text\");\n";

/// The machine by `#[state_machine]`; `edit` is a constant in it.
pub(crate) fn ours(messages: Messages, edit: u64) -> String {
    let mut text = format!(
        "#![allow(dead_code, unused_imports)]\nuse statepoint::{{Aborted, Address, Kernel, Limits, Machine as _, Message, Next, Stop, state_machine}};\nuse serde::{{Deserialize, Serialize}};\nconst EDIT: u64 = {edit};\n"
    );
    text += &messages
        .code("#[derive(Debug, Serialize, Deserialize, Message)]", "#[derive(Debug, Message)]\n#[message(local)]");
    text += "pub struct Large { total: u64, text: String }\n";
    let states = STATES.map(str::to_uppercase);
    let _ = writeln!(text, "#[state_machine({})]\nimpl Large {{", states.join(", "));
    for (s, state) in states.iter().enumerate() {
        for (m, message) in MESSAGES.iter().enumerate() {
            let (body, one, other) = handler(s, m);
            let _ = writeln!(
                text,
                "    fn {state}_{message}(&mut self, message: {message}) -> Next<Self> {{ {body} \
                 if self.total % 3 == 0 {{ Self::{} }} else {{ Self::{} }} }}",
                one.to_uppercase(),
                other.to_uppercase()
            );
        }
    }
    text += "    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> { Self::complete(Aborted) }\n}\n";
    text += BEGIN;
    text += "    let mut kernel = Kernel::new(Limits::default());\n    \
             let machine = kernel.create(Large { total: 0, text: String::new() });\n";
    for message in MESSAGES {
        let _ = writeln!(text, "    kernel.send(machine, Address::NONE, {message} {{ number, text: text.clone() }});");
    }
    text + "    kernel.run(1_000);\n}\n"
}

/// The same machine as a `match`; `edit` is a constant in it.
pub(crate) fn matched(messages: Messages, edit: u64) -> String {
    let mut text = format!(
        "#![allow(dead_code, unused_imports)]\nuse serde::{{Deserialize, Serialize}};\nconst EDIT: u64 = {edit};\n"
    );
    text += &messages.code("#[derive(Debug, Serialize, Deserialize)]", "#[derive(Debug)]");
    text += "#[derive(Debug)]\npub enum Event { Stop, ";
    for message in MESSAGES {
        let _ = write!(text, "{message}({message}), ");
    }
    let _ = writeln!(text, "}}\n#[derive(Debug)]\npub enum State {{ {}, Ended }}", STATES.join(", "));
    text += "#[derive(Debug)]\npub struct Large { total: u64, text: String, state: State }\n\
             impl Large {\n    fn handle(&mut self, event: Event) {\n        \
             self.state = match (&self.state, event) {\n";
    for (s, state) in STATES.iter().enumerate() {
        for (m, message) in MESSAGES.iter().enumerate() {
            let (body, one, other) = handler(s, m);
            let _ = writeln!(
                text,
                "            (State::{state}, Event::{message}(message)) => {{ {body} \
                 if self.total % 3 == 0 {{ State::{one} }} else {{ State::{other} }} }}"
            );
        }
    }
    text += "            (State::Ended, _) | (_, Event::Stop) => State::Ended,\n        };\n    }\n}\n";
    text += BEGIN;
    text += "    let mut machine = Large { total: 0, text: String::new(), state: State::Alpha };\n";
    for message in MESSAGES {
        let _ = writeln!(text, "    machine.handle(Event::{message}({message} {{ number, text: text.clone() }}));");
    }
    if messages == Messages::Portable {
        for message in MESSAGES {
            let _ = writeln!(
                text,
                "    let bytes = rmp_serde::to_vec_named(&{message} {{ number, text: text.clone() }}).unwrap();\n    \
                 machine.handle(Event::{message}(rmp_serde::from_slice(&bytes).unwrap()));"
            );
        }
    }
    text + "    std::hint::black_box(&machine);\n}\n"
}
