//! A client that comes back at once, however it was treated, until a server bids it welcome: for the twin to treat badly. It says
//! all that its machine hears, one line for each.
//!
//! cargo run --example link_twin_connector -- --port=32011 --debug-level=CONSOLE

#[path = "../../examples/shared/hello_welcome.rs"]
mod hello_welcome;

use std::fmt::Debug;
use std::time::Duration;

use hello_welcome::{Hello, Welcome};
use statepoint::Ended;
use statepoint::prelude::*;

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// How long an attempt may take, in milliseconds.
    within: u64,
    #[serde(flatten)]
    to: ConnectSettings,
}

struct Connector {
    within: Duration,
    to: ConnectSettings,
}

#[state_machine(INITIAL, PENDING, CONNECTED, LIVE = PENDING | CONNECTED)]
impl Connector {
    fn try_again(&mut self, cx: &mut Context) -> Next<Self> {
        cx.connect(Connect::from(&self.to).within(self.within));
        Self::PENDING
    }
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.try_again(cx)
    }
    fn PENDING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        cx.console("connected");
        cx.reply(Hello { my_name: "Gladys".into() });
        Self::CONNECTED
    }
    fn PENDING_NotConnected(&mut self, fault: NotConnected, cx: &mut Context) -> Next<Self> {
        let why = fault.reason.link.as_ref().map_or_else(|| word(&fault.reason.kind), word);
        cx.console(format_args!("not connected: {why}"));
        self.try_again(cx)
    }
    fn CONNECTED_Abandoned(&mut self, fault: Abandoned, cx: &mut Context) -> Next<Self> {
        let why = match &fault.reason {
            Ended::Link(link) => word(link),
            Ended::System(failure) => word(&failure.kind),
            other => word(other),
        };
        cx.console(format_args!("abandoned: {why}"));
        self.try_again(cx)
    }
    fn CONNECTED_Welcome(&mut self, welcome: Welcome, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("welcome: {}", welcome.my_name));
        Self::complete(welcome)
    }
    /// Nothing else is ever said to it, so this must not come.
    fn LIVE_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("heard: {}", unknown.name()));
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Which variant it is.
fn word(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

fn main() -> std::process::ExitCode {
    let factory = Settings { within: 5_000, to: ConnectSettings::to("127.0.0.1", 32011) };
    statepoint::run(factory, |Settings { within, to }| Connector { within: Duration::from_millis(within), to })
}
