//! Flags, environment and settings file: each says more than the one before.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use fsm_core::Level;
use lexopt::Arg;
use serde_json::{Map, Value};

use super::layers::{Layers, nearest};
use super::settings::{Settings, SettingsError};
use super::store;

/// What a call of the program has said.
#[derive(Debug)]
pub(super) struct Flags<S> {
    pub(super) settings: S,
    layers: Layers,
    pub(super) level: Level,
    pub(super) json: bool,
    pub(super) task: Task,
    pub(super) file: PathBuf,
    /// What the user should know, though it stops nothing.
    pub(super) notes: Vec<SettingsError>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Run,
    Help,
    Dump,
    Store,
    Reset,
}

/// The flags that every program has.
const OWN: [(&str, &str); 7] = [
    ("debug-level", "writes the trace to stderr: DEBUG, TRACE, OBJECT, CONSOLE, WARNING, FAULT or NONE"),
    ("json", "writes the outcome as JSON"),
    ("settings-file", "uses this file instead of the program's own"),
    ("dump-settings", "writes the settings as JSON and ends"),
    ("store-settings", "stores the settings in the file and ends"),
    ("factory-reset", "forgets what was stored and ends"),
    ("help", "writes this and ends"),
];

/// What the flags themselves say, before anything is made of them.
#[derive(Default)]
struct Given {
    fields: Vec<(String, Option<String>)>,
    own: Vec<(&'static str, Option<String>)>,
}

impl<S: Settings> Flags<S> {
    /// The factory's values, over them the file's, over them the environment's, over them the flags'.
    pub(super) fn parse(
        program: &str,
        factory: &S,
        level: Level,
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let given = Given::read(arguments)?;
        let mut layers = Layers::new(fields_of(factory)?);
        let task = given.task();
        let file = given.own("settings-file").map_or_else(|| store::default_path(program), PathBuf::from);
        let notes = match task {
            Task::Reset => Vec::new(),
            // Who asks for help gets it, whatever stands in the file.
            Task::Help => take_file::<S>(&mut layers, &file, false).unwrap_or_default(),
            _ => take_file::<S>(&mut layers, &file, given.own("settings-file").is_some() && task != Task::Store)?,
        };
        let mut level = match take_environment::<S>(&mut layers, environment) {
            Ok(said) => said.unwrap_or(level),
            Err(_) if task == Task::Help => level,
            Err(error) => return Err(error),
        };
        take_flags::<S>(&mut layers, &given)?;
        if let Some(name) = given.own("debug-level") {
            level = parse_level("--debug-level", name)?;
        }
        let settings = match (layers.finish(), task) {
            (Ok(settings), _) => settings,
            (Err(_), Task::Help) => Layers::new(fields_of(factory)?).finish()?,
            (Err(error), _) => return Err(error),
        };
        Ok(Self { settings, layers, level, json: given.has("json"), task, file, notes })
    }

    /// The settings as JSON.
    pub(super) fn fields(&self) -> &Map<String, Value> {
        &self.layers.values
    }

    /// What `--help` writes.
    pub(super) fn help(&self, program: &str) -> String {
        let mut text = program.to_owned();
        if !S::HELP.is_empty() {
            text.push_str(&format!(": {}", S::HELP));
        }
        text.push_str("\n\nflags, with the values they have otherwise (VALUE: none):\n");
        let known = S::fields();
        for setting in self.layers.settings() {
            let value = self.layers.value(&setting);
            if value.is_object() {
                continue; // its fields are there
            }
            let help = known.iter().find(|known| known.name == setting.key).map_or("", |known| known.help);
            let is_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let value = if is_nothing { "VALUE".into() } else { plain(value) };
            text.push_str(&format!("  {:<28} {help}\n", format!("--{}={value}", flag_of(&setting.key))));
        }
        text.push_str("\nflags of every program:\n");
        for (flag, help) in OWN {
            text.push_str(&format!("  {:<28} {help}\n", format!("--{flag}")));
        }
        text.push_str(
            "\nin the environment: STATEPOINT_ and a setting in capitals, with _ for -; STATEPOINT_DEBUG_LEVEL\n",
        );
        text.push_str(&format!("settings file: {}", self.file.display()));
        text
    }
}

/// The settings of the factory, each a field.
fn fields_of<S: Settings>(factory: &S) -> Result<Map<String, Value>, SettingsError> {
    let program = |reason: String| SettingsError::Program { reason };
    let fields = match serde_json::to_value(factory).map_err(|error| program(error.to_string()))? {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        other => return Err(program(format!("expected a struct with named fields, got {other}"))),
    };
    if let Some(field) = fields.keys().find(|field| OWN.iter().any(|(own, _)| *own == flag_of(field))) {
        return Err(program(format!("`{field}` is a flag of every program; name the field otherwise")));
    }
    let mut names: Vec<_> = S::fields().into_iter().map(|field| field.name).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let text = "two of them are named; leave `#[serde(flatten)]` away at one, then its flags begin with its name";
        return Err(program(format!("`{}`: {text}", pair[0])));
    }
    Ok(fields)
}

/// What the file says; notes about what is not understood in it and does no harm.
///
/// The program's own file may be of an older version. One that somebody has named has no such excuse, and what is nearly a
/// setting is a mistake anywhere: the program would do with less than was meant.
fn take_file<S: Settings>(
    layers: &mut Layers,
    file: &Path,
    is_named: bool,
) -> Result<Vec<SettingsError>, SettingsError> {
    let stored = store::load(file, is_named)?.unwrap_or_default();
    let mut notes = Vec::new();
    for stray in layers.take_file::<S>(&file.display().to_string(), stored) {
        match &stray {
            SettingsError::Stray { meant: None, .. } if !is_named => notes.push(stray),
            _ => return Err(stray),
        }
    }
    Ok(notes)
}

/// What the environment says, and the level of the trace if it says one. What is nearly a setting is a mistake; anything else may
/// be another program's.
fn take_environment<S: Settings>(
    layers: &mut Layers,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Option<Level>, SettingsError> {
    let mut level = None;
    for (variable, value) in environment {
        let variable = variable.to_string_lossy().into_owned();
        let Some(name) = variable.strip_prefix("STATEPOINT_").map(str::to_lowercase) else { continue };
        let value = value.to_string_lossy().into_owned();
        if let Some(setting) = layers.find(&name) {
            layers.renew(&setting);
            layers.set::<S>(&setting, &variable, value)?;
        } else if name == "debug_level" {
            level = Some(parse_level(&variable, &value)?);
        } else if let Some((own, _)) = OWN.iter().find(|(own, _)| own.replace('-', "_") == name) {
            return Err(SettingsError::StrayVariable { variable, meant: format!("--{own}") });
        } else if let Some(meant) = layers.nearest(&name).filter(|_| name != "home") {
            let meant = format!("STATEPOINT_{}", meant.to_uppercase());
            return Err(SettingsError::StrayVariable { variable, meant });
        }
    }
    Ok(level)
}

fn take_flags<S: Settings>(layers: &mut Layers, given: &Given) -> Result<(), SettingsError> {
    let key = |flag: &str| flag.replace('-', "_");
    for (flag, _) in &given.fields {
        if let Some(setting) = layers.find(&key(flag)) {
            layers.renew(&setting);
        }
    }
    for (flag, value) in given.fields.iter().cloned() {
        let Some(setting) = layers.find(&key(&flag)) else {
            let known = layers.settings().into_iter().map(|setting| flag_of(&setting.key));
            let meant = nearest(&flag, known.chain(OWN.iter().map(|(own, _)| (*own).to_owned())));
            return Err(SettingsError::Unknown { flag, meant });
        };
        let value = match value {
            Some(value) => value,
            None if layers.value(&setting).is_boolean() => "true".into(),
            None => return Err(SettingsError::NoValue { flag }),
        };
        layers.set::<S>(&setting, &format!("--{flag}"), value)?;
    }
    Ok(())
}

impl Given {
    fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, SettingsError> {
        let mut given = Self::default();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(|error| SettingsError::NoFlag { got: error.to_string() })? {
            let flag = match argument {
                Arg::Long(flag) => flag.to_owned(),
                Arg::Short('h') => "help".to_owned(),
                Arg::Short(letter) => return Err(SettingsError::NoFlag { got: format!("-{letter}") }),
                Arg::Value(value) => {
                    let value = value.to_string_lossy().into_owned();
                    // The flag before it has no value: this was meant to be it.
                    return Err(match given.fields.last() {
                        Some((flag, None)) => SettingsError::Apart { flag: flag.clone(), value },
                        _ => SettingsError::NoFlag { got: value },
                    });
                }
            };
            let value = parser.optional_value().map(|value: OsString| value.to_string_lossy().into_owned());
            match OWN.iter().find(|(own, _)| *own == flag) {
                Some((own @ ("debug-level" | "settings-file"), _)) if value.is_none() => {
                    return Err(SettingsError::NoValue { flag: (*own).into() });
                }
                Some((own, _)) => match value {
                    Some(value) if !matches!(*own, "debug-level" | "settings-file") => {
                        return Err(SettingsError::Switch { flag: (*own).into(), value });
                    }
                    value => given.own.push((own, value)),
                },
                None => given.fields.push((flag, value)),
            }
        }
        Ok(given)
    }

    fn own(&self, flag: &str) -> Option<&String> {
        self.own.iter().rev().find(|(own, _)| *own == flag)?.1.as_ref()
    }

    fn has(&self, flag: &str) -> bool {
        self.own.iter().any(|(own, _)| *own == flag)
    }

    fn task(&self) -> Task {
        let tasks = [
            ("help", Task::Help),
            ("factory-reset", Task::Reset),
            ("store-settings", Task::Store),
            ("dump-settings", Task::Dump),
        ];
        tasks.into_iter().find(|(flag, _)| self.has(flag)).map_or(Task::Run, |(_, task)| task)
    }
}

fn parse_level(origin: &str, name: &str) -> Result<Level, SettingsError> {
    let levels = Level::ALL.map(Level::name).join("|");
    name.parse().map_err(|_| SettingsError::WrongValue { origin: origin.into(), expected: levels, got: name.into() })
}

/// A value as one would write it behind its flag.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn flag_of(field: &str) -> String {
    field.replace('_', "-")
}

/// The name by which the program was called, without its folder.
pub(super) fn program_name(path: Option<&OsStr>) -> String {
    let name = path.and_then(|path| std::path::Path::new(path).file_stem());
    name.map_or_else(|| "statepoint".into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
