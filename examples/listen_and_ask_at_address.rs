//! A server that asks: whoever connects is asked first who it is, and with the answer it becomes a guest with a number.
//!
//! cargo run --release --example listen_and_ask_at_address -- --port=32011 --server-name=Buster
//!
//! Its client is `connect_and_answer_to_address`. Who asks is not decided by who has connected: this server also answers the
//! clients that say hello themselves.

#[path = "shared/admitted.rs"]
mod admitted;
#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use admitted::Admitted;
use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to answer with
    server_name: String,
    #[serde(flatten)]
    at: ListenSettings,
}

struct ListenAndAsk {
    server_name: String,
    at: ListenSettings,
    guests: u32,
}

#[state_machine(INITIAL, PENDING, LISTENING)]
impl ListenAndAsk {
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
    /// The peer is the sender of `Accepted`, so a reply is the first that it hears.
    fn LISTENING_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Accepted {}", accepted.remote));
        cx.reply(Hello { my_name: self.server_name.clone() });
        Self::LISTENING
    }
    fn LISTENING_Welcome(&mut self, welcome: Welcome, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("At server - {welcome}"));
        self.guests += 1;
        cx.reply(Admitted { guest: welcome.my_name, number: self.guests });
        Self::LISTENING
    }
    fn LISTENING_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name, my_name: self.server_name.clone() });
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
    statepoint::run(factory, |Settings { server_name, at }| ListenAndAsk { server_name, at, guests: 0 })
}
