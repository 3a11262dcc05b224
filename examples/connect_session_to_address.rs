//! A client with a session: the session talks, the client only hears how it ended.
//!
//! cargo run --release --example connect_session_to_address -- --port=32011 --client-name=Gladys

#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to say hello with
    client_name: String,
    #[serde(flatten)]
    to: ConnectSettings,
}

/// The session: what it returns closes the connection, and reaches the client as `Closed`.
async fn connected_to_address(cx: &mut Routine, client_name: String, server: Address) -> Welcome {
    cx.send(server, Hello { my_name: client_name });
    cx.select::<Welcome>().await
}

#[derive(Select)]
enum Opened {
    Connected(Connected),
    NotConnected(NotConnected),
}

#[derive(Select)]
enum Ended {
    Closed(Closed),
    Abandoned(Abandoned),
}

async fn connect_to_address(cx: &mut Routine, settings: Settings) -> Value {
    let client_name = settings.client_name;
    cx.connect(Connect::from(&settings.to).session(move |peer: &Peer| {
        let (client_name, server) = (client_name.clone(), peer.address);
        routine(async move |cx: &mut Routine| connected_to_address(cx, client_name, server).await)
            .named("connected_to_address")
    }));
    if let Opened::NotConnected(fault) = cx.select().await {
        return fault.into();
    }
    match cx.select().await {
        Ended::Closed(closed) => closed.value,
        Ended::Abandoned(fault) => fault.into(),
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| connect_to_address(cx, settings).await).named("connect_to_address")
    })
}
