//! A client as a routine: it says hello and ends with the welcome.
//!
//! cargo run --release --example connect_to_address -- --port=32011 --client-name=Gladys

#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;
use std::time::Duration;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to say hello with
    client_name: String,
    #[serde(flatten)]
    to: ConnectSettings,
}

#[derive(Select)]
enum Opened {
    Connected(Connected),
    NotConnected(NotConnected),
    Stop(Stop),
}

#[derive(Select)]
enum Response {
    Welcome(Welcome),
    Closed(Closed),
    Abandoned(Abandoned),
    Stop(Stop),
}

/// The client object.
async fn connect_to_address(cx: &mut Routine, settings: Settings) -> Result<Welcome, Value> {
    cx.connect(&settings.to); // Where to expect the service.

    let server = match cx.select::<Opened>().await {
        Opened::Connected(_) => cx.from(), // Where the Connected message came from.
        Opened::NotConnected(fault) => return Err(fault.into()),
        Opened::Stop(_) => return Err(Aborted.into()),
    };

    cx.send(server, Hello { my_name: settings.client_name });

    let welcome = match cx.select_within::<Response>(Duration::from_secs(3)).await? {
        Response::Welcome(welcome) => welcome, // Intended outcome.
        Response::Closed(closed) => return Err(closed.into()),
        Response::Abandoned(fault) => return Err(fault.into()),
        Response::Stop(_) => return Err(Aborted.into()),
    };

    cx.console(format_args!("At client - {welcome}"));

    Ok(welcome) // The result of Hello.
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| connect_to_address(cx, settings).await).named("connect_to_address")
    })
}
