//! Server and session as machines.
//!
//! cargo run --release --example listen_fsm_sessions_at_address -- --port=32011 --server-name=Buster

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

/// The session: one for each client. A machine without states.
struct AcceptedAtAddress {
    server_name: String,
}

#[state_machine]
impl AcceptedAtAddress {
    fn ANY_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name, my_name: self.server_name.clone() });
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

struct ListenAtAddress {
    settings: Settings,
}

#[state_machine(INITIAL, PENDING, LISTENING)]
impl ListenAtAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let server_name = self.settings.server_name.clone();
        cx.listen(
            Listen::from(&self.settings.at).session(move |_| AcceptedAtAddress { server_name: server_name.clone() }),
        );
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
        cx.console(format_args!("Accepted {}, session {}", accepted.remote, cx.from()));
        Self::LISTENING
    }
    fn LISTENING_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        cx.console(fault); // Somebody else than a client, or one with other keys.
        Self::LISTENING
    }
    fn LISTENING_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Abandoned {}", abandoned.remote));
        Self::LISTENING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { server_name: "Buster".into(), at: ListenSettings::at("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| ListenAtAddress { settings })
}
