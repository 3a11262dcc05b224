//! A whole program around one point: settings, flags, trace, signals, exit code.

mod clock;
mod ends;
mod flags;
mod layers;
mod output;
mod settings;
mod signals;
mod store;

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::ExitCode;

use fsm_core::{IntoPoint, Level, Limits, TextTrace, Value};
use fsm_net::NetSettings;
use fsm_net::reactor::{Handle, Reactor};

pub use ends::{ConnectSettings, ListenSettings};
use flags::{Flags, Task};
use settings::SettingsError;
pub use settings::{Settings, SettingsField};

/// How many lines of warnings are written in a second.
const WARNINGS: u32 = 200;

/// Runs a program whose main point is what `create` makes of the settings.
///
/// * The fields of the settings are the flags: `server_name: String` is set by `--server-name=Buster`. A value comes from
///   `factory`, or from the settings file (`--store-settings` writes it), or from the environment
///   (`STATEPOINT_SERVER_NAME`), or from a flag; the last that has one wins. `--help` lists them all.
/// * `--debug-level=LEVEL` writes the trace to stderr. Without it: warnings and faults, `WARNING`, at most 200 lines a second.
/// * INT, TERM, HUP and QUIT send `Stop` to the main point, USR1 and USR2 `Pause` and `Resume`; a second one of the first
///   four ends the process at once.
/// * The value with which the main point completes is written to stdout and the exit code is 0. A fault is written to
///   stderr in one line, and the exit code is the system's number for it (98: the port is in use, 111: refused), or 172.
///
/// ```no_run
/// use statepoint::prelude::*;
///
/// #[derive(Serialize, Deserialize, Settings)]
/// struct Settings {
///     /// Whom to greet.
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
    S: Settings,
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
/// #[derive(Serialize, Deserialize, Settings)]
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
    limits: Limits,
    net_settings: NetSettings,
}

impl<S: Settings> Program<S> {
    /// A program with these settings, where no flag says otherwise.
    pub fn new(factory: S) -> Self {
        Self { factory, level: Level::Warning, limits: Limits::default(), net_settings: NetSettings::default() }
    }

    /// Which part of the trace goes to stderr when no flag says otherwise. Warnings and faults, unless told.
    #[must_use]
    pub fn debug_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The bounds of the kernel.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The bounds of the network.
    #[must_use]
    pub fn net_settings(self, net_settings: NetSettings) -> Self {
        Self { net_settings, ..self }
    }

    /// Runs the program with the process's own arguments and environment.
    pub fn run<P: IntoPoint>(self, create: impl FnOnce(S) -> P) -> ExitCode {
        self.run_with(|settings, _| create(settings))
    }

    /// Runs the program, and gives `create` the way into the reactor for other threads: the main point keeps the handle, and
    /// hands it with its own address to a thread that reads the terminal, say.
    ///
    /// ```no_run
    /// use statepoint::prelude::*;
    /// use statepoint::{Program, Resume};
    ///
    /// #[derive(Serialize, Deserialize, Settings)]
    /// struct Settings {}
    ///
    /// fn main() -> std::process::ExitCode {
    ///     Program::new(Settings {}).run_with(|_, handle| {
    ///         routine(async move |cx: &mut Routine| {
    ///             let me = cx.me();
    ///             std::thread::spawn(move || handle.send(me, Resume));
    ///             cx.select::<Resume>().await;
    ///         })
    ///     })
    /// }
    /// ```
    pub fn run_with<P: IntoPoint>(self, create: impl FnOnce(S, Handle) -> P) -> ExitCode {
        let mut arguments = std::env::args_os();
        let name = flags::program_name(arguments.next().as_deref().map(OsStr::new));
        match self.try_run(&name, arguments, create) {
            Ok(code) => code,
            Err(error) => output::complain(&name, &error, output::FAULT),
        }
    }

    fn try_run<P: IntoPoint>(
        self,
        name: &str,
        arguments: std::env::ArgsOs,
        create: impl FnOnce(S, Handle) -> P,
    ) -> Result<ExitCode, SettingsError> {
        let flags = Flags::parse(name, &self.factory, self.level, arguments, std::env::vars_os())?;
        for note in &flags.notes {
            output::note(name, &format_args!("ignored: {note}"));
        }
        match flags.task {
            Task::Help => return Ok(output::print(&flags.help(name))),
            Task::Dump => return Ok(output::print_json(flags.fields())),
            Task::Store => return store::save(&flags.file, flags.fields()).map(|()| ExitCode::SUCCESS),
            Task::Reset => return store::remove(&flags.file).map(|()| ExitCode::SUCCESS),
            Task::Run => {}
        }
        let json = flags.json;
        let reactor = Reactor::new(self.limits, self.net_settings);
        Ok(match reactor.and_then(|reactor| drive(reactor, flags, create)) {
            Ok(value) => output::report(name, &value, json),
            Err(error) => output::complain(name, &error, error.raw_os_error().unwrap_or(output::FAULT)),
        })
    }
}

/// Runs the main point to its end.
fn drive<S, P: IntoPoint>(
    mut reactor: Reactor,
    flags: Flags<S>,
    create: impl FnOnce(S, Handle) -> P,
) -> std::io::Result<Value> {
    if flags.level < Level::None {
        // Who asks for more than warnings wants all of it. Nobody is left to tell when stderr is closed.
        let most = if flags.level >= Level::Warning { WARNINGS } else { u32::MAX };
        let trace = TextTrace::new(flags.level, |line: &str| drop(writeln!(std::io::stderr().lock(), "{line}")));
        let trace = trace.at_most(most);
        reactor.kernel_mut().set_sink(trace.with_time(clock::time_of_day()).with_stopwatch(clock::stopwatch));
    }
    let handle = reactor.handle();
    let main = reactor.create(create(flags.settings, handle));
    signals::to_messages(reactor.handle(), main)?;
    reactor.run(main)
}
