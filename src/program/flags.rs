//! Flags, environment and settings file: each says more than the one before.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use fsm_core::Level;
use lexopt::Arg;
use serde_json::{Map, Number, Value};

use super::settings::{Settings, SettingsError};
use super::store;

/// What a call of the program has said.
#[derive(Debug)]
pub(super) struct Flags<S> {
    pub(super) settings: S,
    /// The settings as JSON.
    pub(super) fields: Map<String, Value>,
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
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let program_error = |reason: String| SettingsError::Program { reason };
        let mut fields = match serde_json::to_value(factory).map_err(|error| program_error(error.to_string()))? {
            Value::Object(fields) => fields,
            Value::Null => Map::new(),
            other => return Err(program_error(format!("expected a struct with named fields, got {other}"))),
        };
        if let Some(field) = fields.keys().find(|field| OWN.iter().any(|(own, _)| *own == flag_of(field))) {
            return Err(program_error(format!("`{field}` is a flag of every program; name the field otherwise")));
        }
        let given = Given::read(arguments)?;
        // A value has the type that the factory gives it, whatever stands in the file.
        let types = fields.clone();
        let fits = |field: &str, value: &Value| {
            let mut trial = types.clone();
            trial.insert(field.to_owned(), value.clone());
            serde_json::from_value::<S>(Value::Object(trial)).is_ok()
        };
        let file = given.own("settings-file").map_or_else(|| store::default_path(program), PathBuf::from);
        let task = given.task();
        let mut notes = Vec::new();
        if task != Task::Reset {
            let is_named = given.own("settings-file").is_some() && task != Task::Store;
            for (field, value) in store::load(&file, is_named)?.unwrap_or_default() {
                if let Some(known) = fields.get_mut(&field) {
                    *known = value;
                    continue;
                }
                let meant = nearest(&field, fields.keys().cloned());
                let stray = SettingsError::Stray { file: file.display().to_string(), field, meant };
                // The program's own file may be of an older version. In one that somebody has named, it is a mistake: the
                // program would do with less than was meant.
                if is_named {
                    return Err(stray);
                }
                notes.push(stray);
            }
        }
        for field in fields.keys().cloned().collect::<Vec<_>>() {
            let variable = format!("STATEPOINT_{}", field.to_uppercase());
            if let Some(value) = environment(&variable) {
                set(&mut fields, &types, &field, &variable, value.to_string_lossy().into_owned(), &fits)?;
            }
        }
        // A list that is given by flags takes the place of what was there before, whole.
        for (flag, _) in &given.fields {
            if let Some(Value::Array(list)) = fields.get_mut(&flag.replace('-', "_")) {
                list.clear();
            }
        }
        for (flag, value) in given.fields.iter().cloned() {
            set_flag(&mut fields, &types, flag, value, &fits)?;
        }
        let level = match given.own("debug-level") {
            Some(name) => parse_level(name)?,
            None => level,
        };
        // Numbers are checked here: a port of 70000 is a number, but no port.
        let settings = serde_json::from_value(Value::Object(fields.clone())).map_err(|error| {
            let wrong = fields.iter().find(|(field, value)| !fits(field, value));
            let setting = wrong.map_or_else(|| "settings".into(), |(field, value)| format!("{field}={}", plain(value)));
            SettingsError::Unfit { setting, reason: error.to_string() }
        })?;
        Ok(Self { settings, fields, level, json: given.has("json"), task, file, notes })
    }

    /// What `--help` writes.
    pub(super) fn help(program: &str, fields: &Map<String, Value>) -> String {
        let mut text = program.to_owned();
        if !S::HELP.is_empty() {
            text.push_str(&format!(": {}", S::HELP));
        }
        text.push_str("\n\nflags, with the values they have otherwise (VALUE: none):\n");
        let known = S::fields();
        for (field, value) in fields {
            let help = known.iter().find(|known| known.name == field).map_or("", |known| known.help);
            let is_nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            let value = if is_nothing { "VALUE".into() } else { plain(value) };
            text.push_str(&format!("  {:<28} {help}\n", format!("--{}={value}", flag_of(field))));
        }
        text.push_str("\nflags of every program:\n");
        for (flag, help) in OWN {
            text.push_str(&format!("  {:<28} {help}\n", format!("--{flag}")));
        }
        text.truncate(text.trim_end().len());
        text
    }
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
                Arg::Value(value) => return Err(SettingsError::NoFlag { got: value.to_string_lossy().into_owned() }),
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

fn wrong(origin: &str, expected: &str, got: String) -> SettingsError {
    SettingsError::WrongValue { origin: origin.into(), expected: expected.into(), got }
}

fn parse_level(name: &str) -> Result<Level, SettingsError> {
    let levels = Level::ALL.map(Level::name).join("|");
    name.parse().map_err(|_| wrong("--debug-level", &levels, name.into()))
}

/// Whether a field of the settings can have this value.
type Fits<'a> = dyn Fn(&str, &Value) -> bool + 'a;

/// Sets the field of a flag.
fn set_flag(
    fields: &mut Map<String, Value>,
    types: &Map<String, Value>,
    flag: String,
    given: Option<String>,
    fits: &Fits<'_>,
) -> Result<(), SettingsError> {
    let field = flag.replace('-', "_");
    let Some(known) = types.get(&field) else {
        let known = fields.keys().map(|field| flag_of(field)).chain(OWN.iter().map(|(own, _)| (*own).to_owned()));
        return Err(SettingsError::Unknown { meant: nearest(&flag, known), flag });
    };
    let value = match given {
        Some(given) => given,
        None if known.is_boolean() => "true".into(),
        None => return Err(SettingsError::NoValue { flag }),
    };
    set(fields, types, &field, &format!("--{flag}"), value, fits)
}

/// Sets a field to the value that a text stands for, of the type that the field has.
fn set(
    fields: &mut Map<String, Value>,
    types: &Map<String, Value>,
    field: &str,
    origin: &str,
    got: String,
    fits: &Fits<'_>,
) -> Result<(), SettingsError> {
    let Some(known) = types.get(field) else { return Ok(()) };
    let value = match known {
        Value::String(_) => Value::String(got),
        Value::Bool(_) => Value::Bool(got.parse().map_err(|_| wrong(origin, "true|false", got))?),
        Value::Number(_) => match serde_json::from_str::<Number>(&got) {
            Ok(number) => Value::Number(number),
            Err(_) => return Err(wrong(origin, "NUMBER", got)),
        },
        // An option that is not set may be anything.
        Value::Null => text_or_json(got, |value| fits(field, value)),
        // Either the whole list, or one of it.
        Value::Array(_) => match serde_json::from_str(&got) {
            Ok(Value::Array(list)) => Value::Array(list),
            _ => {
                let one = text_or_json(got, |value| fits(field, &Value::Array(vec![value.clone()])));
                let before = fields.get(field).and_then(Value::as_array).into_iter().flatten();
                Value::Array(before.cloned().chain([one]).collect())
            }
        },
        Value::Object(_) => serde_json::from_str(&got).map_err(|_| wrong(origin, "JSON", got))?,
    };
    fields.insert(field.to_owned(), value);
    Ok(())
}

/// A text needs no quotes, also when it looks like a number.
fn text_or_json(got: String, fits: impl Fn(&Value) -> bool) -> Value {
    let text = Value::String(got);
    match text.as_str().map(serde_json::from_str) {
        Some(Ok(value)) if !fits(&text) => value,
        _ => text,
    }
}

/// A value as one would write it behind its flag.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn flag_of(field: &str) -> String {
    field.replace('_', "-")
}

/// The known flag that was meant, when one is near enough.
fn nearest(flag: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let near = known.map(|name| (strsim::damerau_levenshtein(flag, &name), name));
    near.min().filter(|(distance, _)| *distance <= 1 + flag.len() / 4).map(|(_, name)| name)
}

/// The name by which the program was called, without its folder.
pub(super) fn program_name(path: Option<&OsStr>) -> String {
    let name = path.and_then(|path| std::path::Path::new(path).file_stem());
    name.map_or_else(|| "statepoint".into(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
