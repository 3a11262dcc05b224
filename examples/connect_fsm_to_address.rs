//! A client as a machine: it says hello and ends with the welcome.
//!
//! cargo run --release --example connect_fsm_to_address -- --port=32011 --client-name=Gladys

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

struct ConnectToAddress {
    client_name: String,
    to: ConnectSettings,
}

#[state_machine(INITIAL, PENDING, CONNECTED(timeout = "3s"))]
impl ConnectToAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.connect(&self.to);
        Self::PENDING
    }
    fn PENDING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        cx.reply(Hello { my_name: self.client_name.clone() });
        Self::CONNECTED
    }
    fn PENDING_NotConnected(&mut self, fault: NotConnected) -> Next<Self> {
        Self::complete(fault)
    }
    fn CONNECTED_Welcome(&mut self, welcome: Welcome, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("At client - {welcome}"));
        Self::complete(welcome)
    }
    fn CONNECTED_Abandoned(&mut self, fault: Abandoned) -> Next<Self> {
        Self::complete(fault)
    }
    fn CONNECTED_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |settings| ConnectToAddress { client_name: settings.client_name, to: settings.to })
}
