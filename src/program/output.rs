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

/// Lines of the trace on stderr: any number of them, or at most so many a second.
///
/// What a peer can cause must not be written as fast as it likes; and a flood would wash away what matters. How many lines were
/// left out is told when the second is over and something else is to be said.
pub(super) struct Log {
    most: u32,
    second: u64,
    written: u32,
    left_out: u32,
}

impl Log {
    /// All lines, or so many a second.
    pub(super) fn new(most: Option<u32>) -> Self {
        Self { most: most.unwrap_or(u32::MAX), second: 0, written: 0, left_out: 0 }
    }

    /// Writes the line, in this second since the program's start.
    pub(super) fn line(&mut self, line: &str, second: u64) {
        for line in self.lines(line, second) {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// What is to be written now.
    fn lines<'a>(&mut self, line: &'a str, second: u64) -> impl Iterator<Item = std::borrow::Cow<'a, str>> + use<'a> {
        let mut left_out = 0;
        if second != self.second {
            (self.second, self.written) = (second, 0);
            left_out = std::mem::take(&mut self.left_out);
        }
        let is_written = self.written < self.most;
        self.written += u32::from(is_written);
        self.left_out += u32::from(!is_written);
        let note = (left_out > 0).then(|| format!("({left_out} lines like these were left out)").into());
        note.into_iter().chain(is_written.then_some(line.into()))
    }
}

/// The system's number for a fault of the network.
fn code(value: &Value) -> i32 {
    let not_connected = value.peek::<NotConnected>().map(|fault| &fault.reason);
    let not_listening = value.peek::<NotListening>().map(|fault| &fault.reason);
    let reason: Option<&Failure> = not_connected.or(not_listening);
    reason.and_then(|failure| failure.code).unwrap_or(FAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_cut_short_and_counted() {
        let mut log = Log::new(Some(2));
        let mut said = Vec::new();
        for (line, second) in [("a", 7), ("b", 7), ("c", 7), ("d", 7), ("e", 9), ("f", 10)] {
            said.extend(log.lines(line, second).map(|line| line.into_owned()));
        }
        assert_eq!(said, ["a", "b", "(2 lines like these were left out)", "e", "f"]);
        let mut all = Log::new(None);
        assert_eq!((0..10_000).flat_map(|_| all.lines("x", 0)).count(), 10_000);
    }
}
