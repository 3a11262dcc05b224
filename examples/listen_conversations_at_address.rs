//! A server of several conversations over one connection: each of a client's callers has a clerk of its own.
//!
//! cargo run --release --example listen_conversations_at_address -- --port=32011 --server-name=Buster
//! Its client is `connect_conversations_to_address`. Clients that only say hello are welcome too.

#[path = "shared/conversation.rs"]
mod conversation;
#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use conversation::{Begin, Line};
use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to answer with
    server_name: String,
    #[serde(flatten)]
    at: ListenSettings,
}

/// Talks with one caller. They have each other's addresses, so nobody stands between them.
async fn clerk(cx: &mut Routine, caller: Address, welcome: Welcome) {
    cx.send(caller, welcome.clone());
    while let Line::Again = cx.select::<Line>().await {
        cx.reply(welcome.clone());
    }
}

/// The session: one for each client. Its clerks are below it, so they end when the connection does.
struct Desk {
    server_name: String,
}

#[state_machine]
impl Desk {
    fn ANY_Begin(&mut self, begin: Begin, cx: &mut Context) -> Next<Self> {
        for (number, caller) in (1..).zip(begin.callers) {
            let my_name = format!("{} {number}", self.server_name);
            let welcome = Welcome { your_name: begin.hello.my_name.clone(), my_name };
            cx.create_quiet(routine(async move |cx: &mut Routine| clerk(cx, caller, welcome).await).named("clerk"));
        }
        Next::STAY
    }
    fn ANY_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name, my_name: self.server_name.clone() });
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

#[derive(Select)]
enum News {
    Listening(Listening),
    NotListening(NotListening),
    Accepted(Accepted),
    Abandoned(Abandoned),
}

async fn listen_at_address(cx: &mut Routine, Settings { server_name, at }: Settings) -> Fault {
    cx.listen(Listen::from(&at).session(move |_| Desk { server_name: server_name.clone() }));
    loop {
        match cx.select::<News>().await {
            News::Listening(listening) => cx.console(format_args!("Listening at {}", listening.listening)),
            News::NotListening(fault) => return fault.into(),
            News::Accepted(accepted) => cx.console(format_args!("Accepted {}", accepted.remote)),
            News::Abandoned(abandoned) => cx.console(abandoned),
        }
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { server_name: "Buster".into(), at: ListenSettings::at("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| listen_at_address(cx, settings).await).named("listen_at_address")
    })
}
