//! Client and session as machines.
//!
//! cargo run --release --example connect_fsm_session_to_address -- --port=32011 --client-name=Gladys

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

/// The session: what it completes with closes the connection, and reaches the client as `Closed`.
struct ConnectedToAddress {
    client_name: String,
    server: Address,
}

#[state_machine(INITIAL, WAITING)]
impl ConnectedToAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.send(self.server, Hello { my_name: self.client_name.clone() });
        Self::WAITING
    }
    fn WAITING_Welcome(&mut self, welcome: Welcome) -> Next<Self> {
        Self::complete(welcome)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

struct ConnectToAddress {
    settings: Settings,
}

#[state_machine(INITIAL, PENDING, CONNECTED)]
impl ConnectToAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let client_name = self.settings.client_name.clone();
        cx.connect(
            Connect::from(&self.settings.to).session(move |peer: &Peer| ConnectedToAddress {
                client_name: client_name.clone(),
                server: peer.address,
            }),
        );
        Self::PENDING
    }
    fn PENDING_Connected(&mut self, _: Connected) -> Next<Self> {
        Self::CONNECTED
    }
    fn PENDING_NotConnected(&mut self, fault: NotConnected) -> Next<Self> {
        Self::complete(fault)
    }
    fn CONNECTED_Closed(&mut self, closed: Closed) -> Next<Self> {
        Self::complete(closed.value)
    }
    fn CONNECTED_Abandoned(&mut self, fault: Abandoned) -> Next<Self> {
        Self::complete(fault)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| ConnectToAddress { settings })
}
