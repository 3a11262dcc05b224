//! A client that is asked: it answers when the server wants to know who it is, and ends when it has been admitted.
//!
//! cargo run --release --example connect_and_answer_to_address -- --port=32011 --client-name=Gladys
//!
//! Its server is `listen_and_ask_at_address`.

#[path = "shared/admitted.rs"]
mod admitted;
#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use admitted::Admitted;
use hello_welcome::{Hello, Welcome};
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the name to say hello with
    client_name: String,
    #[serde(flatten)]
    to: ConnectSettings,
}

struct ConnectAndAnswer {
    client_name: String,
    to: ConnectSettings,
}

#[state_machine(INITIAL, PENDING, CONNECTED)]
impl ConnectAndAnswer {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.connect(&self.to);
        Self::PENDING
    }
    fn PENDING_Connected(&mut self, _: Connected) -> Next<Self> {
        Self::CONNECTED
    }
    fn PENDING_NotConnected(&mut self, fault: NotConnected) -> Next<Self> {
        Self::complete(fault)
    }
    /// The server's question. It may come at any time, and more than once.
    fn CONNECTED_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name, my_name: self.client_name.clone() });
        Self::CONNECTED
    }
    fn CONNECTED_Admitted(&mut self, admitted: Admitted) -> Next<Self> {
        Self::complete(admitted)
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
    statepoint::run(factory, |settings| ConnectAndAnswer { client_name: settings.client_name, to: settings.to })
}
