//! A client that waits for its server, as a routine: a group keeps it connected, whether the server is there yet or not.
//!
//! cargo run --release --example connect_and_reconnect_to_address -- --port=32011 --client-name=Gladys

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

/// To add a server, add a field.
#[derive(Group)]
struct Servers {
    server: Member,
}

#[derive(Select)]
enum Event {
    GroupUpdate(GroupUpdate),
    Ready(Ready),
    Completed(Completed),
}

#[derive(Select)]
enum Response {
    Welcome(Welcome),
    GroupUpdate(GroupUpdate),
}

async fn say_hello(cx: &mut Routine, client_name: String, mut group: Servers) -> Result<Welcome, Value> {
    loop {
        match cx.select::<Event>().await {
            Event::GroupUpdate(update) => group.update(&update), // Connected, or existing connection lost.
            Event::Ready(_) => break,                            // Full set of connections.
            Event::Completed(completed) => return Err(completed.value), // There was a group problem.
        }
    }

    cx.send(group.server.address(), Hello { my_name: client_name });

    match cx.select_within::<Response>(Duration::from_secs(3)).await? {
        Response::Welcome(welcome) => {
            cx.console(format_args!("At client - {welcome}"));
            Ok(welcome)
        }
        Response::GroupUpdate(update) => Err(update.into()), // Can only be bad.
    }
}

/// The client object. A `select` that does not list `Stop` ends it with `Aborted` on control-c. However it ends, group and
/// connection end first.
async fn connect_to_address(cx: &mut Routine, settings: Settings) -> Result<Welcome, Value> {
    let to = settings.to; // Where to expect the service.
    let group = Servers { server: Member::new(move || ConnectToAddress::new(&to)) };
    cx.create(group.table().group());
    say_hello(cx, settings.client_name, group).await
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| connect_to_address(cx, settings).await).named("connect_to_address")
    })
}
