//! A server as a machine: it welcomes whoever says hello.
//!
//! cargo run --release --example listen_fsm_at_address -- --port=32011 --server-name=Buster

#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to answer with
    server_name: String,
    #[serde(flatten)]
    at: ListenSettings,
}

struct ListenAtAddress {
    server_name: String,
    at: ListenSettings,
}

#[state_machine(INITIAL, PENDING, LISTENING)]
impl ListenAtAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(&self.at);
        Self::PENDING
    }
    fn PENDING_Listening(&mut self, listening: Listening, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Listening at {}", listening.listening));
        Self::LISTENING
    }
    fn PENDING_NotListening(&mut self, fault: NotListening) -> Next<Self> {
        Self::complete(fault)
    }
    fn LISTENING_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Accepted {}", accepted.remote));
        Self::LISTENING
    }
    fn LISTENING_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        cx.console(fault); // Somebody else than a client, or one with other keys.
        Self::LISTENING
    }
    fn LISTENING_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        let welcome = Welcome { your_name: hello.my_name, my_name: self.server_name.clone() };
        cx.console(format_args!("At server - {welcome}"));
        cx.reply(welcome);
        Self::LISTENING
    }
    fn LISTENING_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.console(abandoned);
        Self::LISTENING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { server_name: "Buster".into(), at: ListenSettings::at("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| ListenAtAddress { server_name: settings.server_name, at: settings.at })
}
