//! A client of three servers: whenever all of them are there it has a session, which ends with who they are.
//!
//! for port in 32011 32012 32013; do cargo run --release --example listen_at_address -- --port=$port & done
//! cargo run --release --example connect_to_three_servers -- --port=32011

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

#[derive(Group)]
struct Servers {
    clock: Member,
    store: Member,
    scale: Member,
}

#[derive(Debug, Serialize, Deserialize, Message)]
struct Acquainted {
    clock: String,
    store: String,
    scale: String,
}

/// Says hello to all servers. When one of them is lost meanwhile the group stops it, and makes another when all are back.
struct Session {
    client_name: String,
    servers: [Address; 3],
    names: [String; 3],
}

#[state_machine(INITIAL, GREETING)]
impl Session {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        for server in self.servers {
            cx.send(server, Hello { my_name: self.client_name.clone() });
        }
        Self::GREETING
    }
    fn GREETING_Welcome(&mut self, welcome: Welcome, cx: &mut Context) -> Next<Self> {
        cx.console(&welcome);
        // Whoever answers for a server, it does so over the server's connection.
        if let Some(server) = self.servers.iter().position(|server| server.near() == cx.from().near()) {
            self.names[server] = welcome.my_name;
        }
        if self.names.iter().any(String::is_empty) {
            return Self::GREETING;
        }
        let [clock, store, scale] = core::mem::take(&mut self.names);
        Self::complete(Acquainted { clock, store, scale })
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |Settings { client_name, to }| {
        let [clock, store, scale] = [0, 1, 2].map(|server| {
            let to = ConnectSettings { port: to.port.saturating_add(server), ..to.clone() };
            Member::new(move || ConnectToAddress::new(&to))
        });
        let session = move |servers: &Servers, _previous| Session {
            client_name: client_name.clone(),
            servers: [&servers.clock, &servers.store, &servers.scale].map(Member::address),
            names: Default::default(),
        };
        Servers { clock, store, scale }.table().resident(session).group()
    })
}
