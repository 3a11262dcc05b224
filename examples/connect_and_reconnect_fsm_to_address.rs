//! A client that waits for its server, as a machine: a group keeps it connected, whether the server is there yet or not.
//!
//! cargo run --release --example connect_and_reconnect_fsm_to_address -- --port=32011 --client-name=Gladys

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

/// To add a server, add a field.
#[derive(Group)]
struct Servers {
    server: Member,
}

struct ConnectAndReconnect {
    client_name: String,
    group: Servers,
}

#[state_machine(INITIAL, PENDING, CONNECTED(timeout = "3s"))]
impl ConnectAndReconnect {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.create(self.group.table().group());
        Self::PENDING
    }
    fn PENDING_Ready(&mut self, _: Ready, cx: &mut Context) -> Next<Self> {
        cx.send(self.group.server.address(), Hello { my_name: self.client_name.clone() });
        Self::CONNECTED
    }
    fn CONNECTED_Welcome(&mut self, welcome: Welcome, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("At client - {welcome}"));
        Self::complete(welcome)
    }
    /// The server is gone before it has answered: the group finds it again.
    fn CONNECTED_NotReady(&mut self, _: NotReady) -> Next<Self> {
        Self::PENDING
    }
    fn CONNECTED_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    /// The server is there, or lost: this comes before `Ready` and `NotReady`.
    fn ANY_GroupUpdate(&mut self, update: GroupUpdate) -> Next<Self> {
        self.group.update(&update);
        Next::STAY
    }
    /// There was a group problem, e.g. attempts were exhausted.
    fn ANY_Completed(&mut self, group: Completed) -> Next<Self> {
        Self::complete(group.value)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() -> std::process::ExitCode {
    let factory = Settings { client_name: "Gladys".into(), to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |Settings { client_name, to }| {
        let group = Servers { server: Member::new(move || ConnectToAddress::new(&to)) };
        ConnectAndReconnect { client_name, group }
    })
}
