//! A server with a session for each client: the server itself has nothing to do with who comes and goes.
//!
//! cargo run --release --example listen_sessions_at_address -- --port=32011 --server-name=Buster

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

/// The session: one for each client.
async fn accepted_at_address(cx: &mut Routine, server_name: String) {
    loop {
        let hello = cx.select::<Hello>().await; // Stop ends it
        cx.reply(Welcome { your_name: hello.my_name, my_name: server_name.clone() });
    }
}

#[derive(Select)]
enum Opened {
    Listening(Listening),
    NotListening(NotListening),
}

#[derive(Select)]
enum News {
    Accepted(Accepted),
    Abandoned(Abandoned),
    Stop(Stop),
}

/// The server: it listens, and leaves the rest to the sessions.
async fn listen_at_address(cx: &mut Routine, settings: Settings) -> Fault {
    let server_name = settings.server_name;
    cx.listen(Listen::from(&settings.at).session(move |_| {
        let server_name = server_name.clone();
        routine(async move |cx: &mut Routine| accepted_at_address(cx, server_name).await).named("accepted_at_address")
    }));
    match cx.select::<Opened>().await {
        Opened::Listening(listening) => cx.console(format_args!("Listening at {}", listening.listening)),
        Opened::NotListening(fault) => return fault.into(),
    }
    loop {
        match cx.select().await {
            News::Accepted(accepted) => cx.console(format_args!("Accepted {}", accepted.remote)),
            News::Abandoned(abandoned) => cx.console(format_args!("Abandoned {}", abandoned.remote)),
            News::Stop(_) => return Aborted.into(),
        }
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { server_name: "Buster".into(), at: ListenSettings::at("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| listen_at_address(cx, settings).await).named("listen_at_address")
    })
}
