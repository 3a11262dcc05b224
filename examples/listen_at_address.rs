//! A server as a routine: it welcomes whoever says hello.
//!
//! cargo run --release --example listen_at_address -- --port=32011 --server-name=Buster

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

#[derive(Select)]
enum Opened {
    Listening(Listening),
    NotListening(NotListening),
    Stop(Stop),
}

#[derive(Select)]
enum Event {
    Accepted(Accepted),
    NotAccepted(NotAccepted),
    Hello(Hello),
    Closed(Closed),
    Abandoned(Abandoned),
    Stop(Stop),
}

/// The server object.
async fn listen_at_address(cx: &mut Routine, settings: Settings) -> Fault {
    cx.listen(&settings.at);

    match cx.select::<Opened>().await {
        Opened::Listening(listening) => cx.console(format_args!("Listening at {}", listening.listening)),
        Opened::NotListening(fault) => return fault.into(),
        Opened::Stop(_) => return Aborted.into(),
    }

    loop {
        let hello = match cx.select::<Event>().await {
            Event::Accepted(accepted) => {
                cx.console(format_args!("Accepted {}", accepted.remote)); // Acquired a client.
                continue;
            }
            Event::NotAccepted(fault) => {
                cx.console(fault); // Somebody else than a client.
                continue;
            }
            Event::Closed(Closed { remote, .. }) | Event::Abandoned(Abandoned { remote, .. }) => {
                cx.console(format_args!("Closed/Abandoned {remote}")); // Lost a client.
                continue;
            }
            Event::Stop(_) => return Aborted.into(), // Control-c.
            Event::Hello(hello) => hello,            // The initial greeting.
        };

        // The expected response.
        let welcome = Welcome { your_name: hello.my_name, my_name: settings.server_name.clone() };
        cx.reply(welcome.clone());

        cx.console(format_args!("At server - {welcome}"));
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { server_name: "Buster".into(), at: ListenSettings::at("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| listen_at_address(cx, settings).await).named("listen_at_address")
    })
}
