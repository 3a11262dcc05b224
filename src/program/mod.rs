//! A whole program around one point: settings, flags, trace, signals, exit code.

mod clock;
mod flags;
mod output;
mod signals;

use std::process::ExitCode;

use fsm_core::{IntoPoint, Level, Limits, TextTrace, Value};
use fsm_net::NetSettings;
use fsm_net::reactor::Reactor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use flags::Flags;

/// Runs a program whose main point is what `create` makes of the settings.
///
/// * The fields of `factory` are the flags: `server_name: String` is set by `--server-name=Buster`. Besides them there are
///   `--debug-level=LEVEL`, which writes the trace to stderr, and `--help`.
/// * INT, TERM, HUP and QUIT send `Stop` to the main point; a second one ends the process at once.
/// * The value with which the main point completes is written to stdout and the exit code is 0. A fault is written to
///   stderr in one line, and the exit code is the system's number for it (98: the port is in use, 111: refused), or 172.
///
/// ```no_run
/// use statepoint::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct Settings {
///     name: String,
/// }
///
/// fn main() -> std::process::ExitCode {
///     statepoint::run(Settings { name: "Buster".into() }, |settings| {
///         routine(async move |cx: &mut Routine| {
///             cx.console(format_args!("hello {}", settings.name));
///         })
///     })
/// }
/// ```
pub fn run<S, P>(factory: S, create: impl FnOnce(S) -> P) -> ExitCode
where
    S: Serialize + DeserializeOwned,
    P: IntoPoint,
{
    Program::new(factory).run(create)
}

/// A program as [`run`] runs it, with choices.
///
/// ```no_run
/// use statepoint::prelude::*;
/// use statepoint::Program;
///
/// #[derive(Serialize, Deserialize)]
/// struct Settings {}
///
/// fn main() -> std::process::ExitCode {
///     Program::new(Settings {}).debug_level(Level::Object).run(|_| routine(async |_| Done))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Program<S> {
    factory: S,
    level: Level,
}

impl<S: Serialize + DeserializeOwned> Program<S> {
    /// A program with these settings, where no flag says otherwise.
    pub fn new(factory: S) -> Self {
        Self { factory, level: Level::None }
    }

    /// Which part of the trace goes to stderr when no flag says otherwise. Nothing, unless told.
    #[must_use]
    pub fn debug_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Runs the program with the process's own arguments.
    pub fn run<P: IntoPoint>(self, create: impl FnOnce(S) -> P) -> ExitCode {
        let name = flags::program_name();
        let flags = match Flags::parse(&self.factory, self.level, std::env::args_os().skip(1)) {
            Ok(flags) => flags,
            Err(error) => return output::complain(&name, &error, output::FAULT),
        };
        if flags.help {
            return output::print(&flags.help_text(&name));
        }
        match drive(flags, create) {
            Ok(value) => output::report(&name, &value),
            Err(error) => output::complain(&name, &error, error.raw_os_error().unwrap_or(output::FAULT)),
        }
    }
}

/// Runs the main point to its end.
fn drive<S, P: IntoPoint>(flags: Flags<S>, create: impl FnOnce(S) -> P) -> std::io::Result<Value> {
    let mut reactor = Reactor::new(Limits::default(), NetSettings::default())?;
    if flags.level < Level::None {
        let trace =
            TextTrace::new(flags.level, output::log).with_time(clock::time_of_day()).with_stopwatch(clock::stopwatch);
        reactor.kernel_mut().set_sink(trace);
    }
    let main = reactor.create(create(flags.settings));
    signals::stop_on_signal(reactor.handle(), main)?;
    reactor.run(main)
}
