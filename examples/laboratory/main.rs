//! A laboratory: a controller, instruments that come and go, and an operator's console that subscribes to what happens.
//!
//! cargo run --release --example laboratory -- --debug-level=CONSOLE
//!
//! So it is all in one process, over real connections. With `--role=controller`, `--role=console`, `--role=balance` and other
//! names of instruments each is a process of its own, and they are started, stopped and killed in any order.
//!
//! Why machines? An instrument measures at once, or when it has warmed up, measured or calibrated: no flag, no list of orders is
//! kept for that; it stands in the header. And what becomes of a sample when an instrument is lost is one cell.

mod console;
mod controller;
mod instrument;
mod messages;

use console::Console;
use controller::Controller;
use instrument::Instrument;
use statepoint::prelude::*;
use statepoint::{AddressGroup, IntoPoint, NewPoint};

#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// laboratory, controller, console, or the name of an instrument
    role: String,
    #[serde(flatten)]
    at: ListenSettings,
    instruments: usize,
    samples: u32,
}

#[derive(Group)]
struct Servers {
    controller: Member,
}

/// Instruments and consoles are there while they are connected, and again when they have connected again.
fn connected<P: IntoPoint>(at: &ConnectSettings, create: impl Fn(Address) -> P + 'static) -> AddressGroup {
    let at = at.clone();
    let servers = Servers { controller: Member::new(move || ConnectToAddress::new(&at)) };
    servers.table().resident(move |servers, _| create(servers.controller.address())).group()
}

fn instrument(at: &ConnectSettings, name: &str) -> AddressGroup {
    let name = name.to_owned();
    connected(at, move |controller| Instrument { name: name.clone(), controller })
}

/// All of it in one process, with somebody who switches the balance off and on again and again.
async fn laboratory(cx: &mut Routine, at: ConnectSettings, controller: Controller) -> Value {
    cx.create(controller);
    cx.create(connected(&at, |controller| Console { controller }));
    let [_, _, mut balance] = ["spectrometer", "thermometer", "balance"].map(|name| cx.create(instrument(&at, name)));
    loop {
        match cx.select_within::<Completed>(core::time::Duration::from_millis(750)).await {
            Ok(completed) if cx.from() != balance => return completed.value,
            Ok(_) => balance = cx.create(instrument(&at, "balance")),
            Err(_) => cx.stop(balance),
        }
    }
}

fn main() -> std::process::ExitCode {
    let (role, at) = ("laboratory".into(), ListenSettings::at("127.0.0.1", 32011));
    statepoint::run(Settings { role, at, instruments: 3, samples: 5 }, |settings| -> NewPoint {
        let listen = Listen::from(&settings.at);
        let Settings { role, at: ListenSettings { host, port, encrypted, .. }, instruments, samples } = settings;
        let at = ConnectSettings { encrypted, ..ConnectSettings::to(host, port) };
        let (report, present, subscribers) = Default::default();
        let controller = Controller { listen, instruments, samples, report, present, subscribers };
        match &*role {
            "laboratory" => routine(async |cx: &mut Routine| laboratory(cx, at, controller).await).into_point(),
            "controller" => controller.into_point(),
            "console" => connected(&at, |controller| Console { controller }).into_point(),
            name => instrument(&at, name).into_point(),
        }
    })
}
