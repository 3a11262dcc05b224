//! What a program writes, and its exit code.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use fsm_core::Value;
use fsm_net::{Failure, NotConnected, NotListening};

/// The exit code of a fault for which the system has no number.
pub(super) const FAULT: i32 = 172;

/// Writes the value of the main point, or its fault.
pub(super) fn report(program: &str, value: &Value, json: bool) -> ExitCode {
    match value.fault() {
        Some(fault) => complain(program, &fault, code(value)),
        None if json => print(&value.to_json()),
        None => print(&value.to_text()),
    }
}

/// Settings as JSON on stdout.
pub(super) fn print_json(fields: &serde_json::Map<String, serde_json::Value>) -> ExitCode {
    print(&serde_json::to_string_pretty(fields).unwrap_or_default())
}

/// One line on stderr.
pub(super) fn note(program: &str, text: &dyn Display) {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "{program}: {text}");
}

/// One line on stderr, and the exit code.
pub(super) fn complain(program: &str, text: &dyn Display, code: i32) -> ExitCode {
    note(program, text);
    ExitCode::from(u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(172))
}

/// Text on stdout.
pub(super) fn print(text: &str) -> ExitCode {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The system's number for a fault of the network.
fn code(value: &Value) -> i32 {
    let not_connected = value.peek::<NotConnected>().map(|fault| &fault.reason);
    let not_listening = value.peek::<NotListening>().map(|fault| &fault.reason);
    let reason: Option<&Failure> = not_connected.or(not_listening);
    reason.and_then(|failure| failure.code).unwrap_or(FAULT)
}
