//! A client with several conversations over one connection: each of its callers talks with a clerk of its own.
//!
//! cargo run --release --example connect_conversations_to_address -- --port=32011 --callers=3 --rounds=5
//!
//! Its server is `listen_conversations_at_address`.

#[path = "shared/conversation.rs"]
mod conversation;
#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use conversation::{Begin, Line};
use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to say hello with
    client_name: String,
    #[serde(flatten)]
    to: ConnectSettings,
    /// how many conversations at once
    callers: u8,
    /// how often each caller is welcomed before it says goodbye
    rounds: u32,
}

/// Is welcomed for so many rounds, by a point at the other end that talks with nobody else.
async fn caller(cx: &mut Routine, rounds: u32) -> Welcome {
    for _ in 1..rounds {
        let welcome = cx.select::<Welcome>().await;
        cx.console(format_args!("At client - {welcome}"));
        cx.reply(Line::Again);
    }
    let welcome = cx.select().await;
    cx.reply(Line::Goodbye);
    welcome
}

/// What the program ends with.
#[derive(Debug, Serialize, Deserialize, Message)]
struct Conversations {
    with: Vec<String>,
}

#[derive(Select)]
enum Event {
    Connected(Connected),
    NotConnected(NotConnected),
    Completed(Completed),
    Abandoned(Abandoned),
}

async fn connect_to_address(cx: &mut Routine, settings: Settings) -> Result<Conversations, Value> {
    cx.connect(&settings.to);
    let (rounds, mut with) = (settings.rounds, Vec::new());
    while with.len() < settings.callers.into() {
        match cx.select::<Event>().await {
            Event::Connected(_) => {
                let caller =
                    |_| cx.create(routine(async move |cx: &mut Routine| caller(cx, rounds).await).named("caller"));
                let callers = (0..settings.callers).map(caller).collect();
                cx.reply(Begin { hello: Hello { my_name: settings.client_name.clone() }, callers });
            }
            Event::Completed(caller) => with.push(caller.value.take::<Welcome>()?.my_name),
            Event::NotConnected(fault) => return Err(fault.into()),
            Event::Abandoned(fault) => return Err(fault.into()),
        }
    }
    Ok(Conversations { with })
}

fn main() -> std::process::ExitCode {
    let to = ConnectSettings::to("127.0.0.1", 32011);
    let factory = Settings { client_name: "Gladys".into(), to, callers: 3, rounds: 5 };
    statepoint::run(factory, |settings| {
        routine(async move |cx: &mut Routine| connect_to_address(cx, settings).await).named("connect_to_address")
    })
}
