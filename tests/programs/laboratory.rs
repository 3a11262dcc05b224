//! The laboratory, in one process and in several.

use crate::program::{Program, free_port};

const LABORATORY: &str = "laboratory";
const INSTRUMENTS: [&str; 3] = ["balance", "spectrometer", "thermometer"];

fn role(role: &str, port: u16) -> Program {
    Program::start(LABORATORY, &[&format!("--role={role}"), &format!("--port={port}"), "--debug-level=CONSOLE"])
}

fn controller(port: u16, samples: u32) -> Program {
    let flags = ["--role=controller", &format!("--port={port}"), &format!("--samples={samples}")];
    Program::serve(LABORATORY, &flags).0
}

#[test]
fn a_laboratory_in_one_process_measures_all_samples_though_an_instrument_goes() {
    let port = format!("--port={}", free_port());
    let (code, stdout, stderr) = Program::start(LABORATORY, &[&port, "--debug-level=CONSOLE"]).finish();
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("Report\n+   samples: 5\n"), "{stdout}");
    assert!(stderr.contains("Console[ANY] - the balance has gone"), "{stderr}");
    assert!(stderr.contains("Console[ANY] - the balance is calibrated"), "{stderr}");
    for instrument in INSTRUMENTS {
        assert!(stderr.contains(&format!("Console[ANY] - sample 5: the {instrument} says")), "{stderr}");
    }
    assert!(!stderr.contains(" ? <") && !stderr.contains(" ! <"), "nothing is lost: {stderr}");
}

#[test]
fn a_controller_ends_with_its_report() {
    let port = free_port();
    let controller = controller(port, 2);
    let _instruments = INSTRUMENTS.map(|name| role(name, port));
    let (code, stdout, stderr) = controller.finish();
    assert_eq!((code, &*stdout), (0, "Report\n+   samples: 2\n+   attempts: 2\n"), "{stderr}");
}

#[test]
fn instruments_come_and_go_as_they_like() {
    let port = free_port();
    let controller = controller(port, 1_000_000);
    let _others = ["spectrometer", "thermometer"].map(|name| role(name, port));
    let console = role("console", port);
    for end in ["KILL", "INT"] {
        let balance = role("balance", port);
        console.says("the balance is here");
        // Its address has crossed two connections, and leads back over them.
        console.says("the balance is calibrated");
        console.says("the balance says");
        balance.signal(end);
        console.says("the balance has gone");
        drop(balance);
    }
    controller.interrupt();
    assert_eq!(controller.finish().0, 172);
}

#[test]
fn a_controller_that_is_killed_finds_everybody_when_it_comes_back() {
    let port = free_port();
    let first = controller(port, 1_000_000);
    let instruments = INSTRUMENTS.map(|name| role(name, port));
    let console = role("console", port);
    console.says("sample 2: the");
    first.kill();
    let second = controller(port, 1_000_000);
    // The console and the instruments come back in any order.
    for instrument in INSTRUMENTS {
        console.says(&format!("the {instrument} says"));
    }
    second.interrupt();
    for program in instruments.into_iter().chain([console]) {
        program.interrupt();
        assert_eq!(program.finish().0, 172);
    }
}

/// Instruments and consoles do not know that there is something between them and the controller.
#[test]
fn a_laboratory_works_through_relays() {
    let port = free_port();
    let controller = controller(port, 1_000_000);
    let through = || Program::serve("relay_to_address", &[&format!("--server-port={port}")]);
    let ((_relay, relayed), (_other, also)) = (through(), through());
    let console = role("console", relayed);
    let [balance, spectrometer, thermometer] = INSTRUMENTS;
    let _instruments = [(balance, relayed), (spectrometer, also), (thermometer, port)].map(|(name, at)| role(name, at));
    let mut calibrated =
        INSTRUMENTS.map(|_| console.says("is calibrated").split_off("00:00:00.000 ^ <00000000>".len()));
    calibrated.sort();
    assert_eq!(calibrated, INSTRUMENTS.map(|name| format!("Console[ANY] - the {name} is calibrated")));
    console.says("the thermometer says");
    controller.interrupt();
    assert_eq!(controller.finish().0, 172);
}
