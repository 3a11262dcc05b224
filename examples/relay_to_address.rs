//! A relay: clients connect to it as if it were the server, and for each of them it connects to the server. It passes on what
//! either end says, whatever that is, without looking into it. Addresses in the messages lead to their points at the ends.
//!
//! cargo run --release --example relay_to_address -- --port=32010 --server-port=32011
//!
//! Every listening and connecting program can be at its ends, another relay too. A client waits ten seconds for its server.

use statepoint::prelude::*;
use std::time::Duration;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    #[serde(flatten)]
    at: ListenSettings,
    /// Not flattened: its flags are `--server-host`, `--server-port`, `--server-expect` and so on.
    server: ConnectSettings,
}

#[derive(Group)]
struct Onward {
    server: Member,
}

/// Passes on what the client says to nobody in particular. All else goes from one connection to the other without it.
struct Passage {
    server: Address,
}

#[state_machine]
impl Passage {
    fn ANY_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("{} from {}", unknown.name(), unknown.from()));
        cx.forward(self.server, unknown);
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
    Closed(Closed),
    Abandoned(Abandoned),
    Accepted(Accepted),
}

async fn relay_to_address(cx: &mut Routine, settings: Settings) -> Fault {
    let Settings { at, server } = settings;
    // The session of each client is a group of one server. It ends when either end is lost, and the other end with it.
    cx.listen(Listen::from(&at).session(move |client: &Peer| {
        let (server, client) = (server.clone(), client.address);
        let server = Member::new(move || ConnectToAddress::new(&server).once().deliver_to(client));
        let passage = |onward: &Onward| Passage { server: onward.server.address() };
        Onward { server }.table().get_ready(Duration::from_secs(10)).session(passage).group()
    }));
    loop {
        match cx.select::<News>().await {
            News::Listening(listening) => cx.console(format_args!("Listening at {}", listening.listening)),
            News::NotListening(fault) => return fault.into(),
            News::Accepted(accepted) => cx.console(format_args!("Accepted {}", accepted.remote)),
            News::Closed(closed) => cx.console(format_args!("Closed {} ({:?})", closed.remote, closed.value)),
            News::Abandoned(abandoned) => cx.console(abandoned),
        }
    }
}

fn main() -> std::process::ExitCode {
    let (at, server) = (ListenSettings::at("127.0.0.1", 32010), ConnectSettings::to("127.0.0.1", 32011));
    statepoint::run(Settings { at, server }, |settings| {
        routine(async move |cx: &mut Routine| relay_to_address(cx, settings).await).named("relay_to_address")
    })
}
