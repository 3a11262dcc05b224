//! Flags: the fields of the settings, by their names.

use std::ffi::OsString;
use std::fmt;

use fsm_core::Level;
use lexopt::Arg;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What the flags have said.
#[derive(Debug)]
pub(super) struct Flags<S> {
    pub(super) settings: S,
    pub(super) level: Level,
    pub(super) help: bool,
    factory: Map<String, Value>,
}

/// Why the flags cannot be followed. The user of the program is to blame.
#[derive(Debug, PartialEq)]
pub(super) enum FlagError {
    Unknown {
        flag: String,
        meant: Option<String>,
    },
    NoValue {
        flag: String,
    },
    WrongValue {
        flag: String,
        expected: String,
        got: String,
    },
    Argument {
        got: String,
    },
    /// The settings themselves cannot be flags. The program is to blame.
    Settings {
        reason: String,
    },
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { flag, meant: Some(meant) } => {
                write!(f, "unknown flag --{flag}, did you mean --{meant}? (see --help)")
            }
            Self::Unknown { flag, meant: None } => write!(f, "unknown flag --{flag} (see --help)"),
            Self::NoValue { flag } => write!(f, "expected a value, as in --{flag}=VALUE, got --{flag} alone"),
            Self::WrongValue { flag, expected, got } => write!(f, "expected --{flag}={expected}, got `{got}`"),
            Self::Argument { got } => write!(f, "expected flags only, as in --name=value, got `{got}`"),
            Self::Settings { reason } => write!(f, "the settings cannot be flags: {reason}"),
        }
    }
}

impl<S: Serialize + DeserializeOwned> Flags<S> {
    /// Reads `arguments` over the factory's values.
    pub(super) fn parse(
        factory: &S,
        level: Level,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, FlagError> {
        let settings = |reason: &dyn fmt::Display| FlagError::Settings { reason: reason.to_string() };
        let mut fields = match serde_json::to_value(factory).map_err(|error| settings(&error))? {
            Value::Object(fields) => fields,
            other => return Err(settings(&format_args!("expected a struct with named fields, got {other}"))),
        };
        let factory = fields.clone();
        let (mut level, mut help) = (level, false);
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(|error| FlagError::Argument { got: error.to_string() })? {
            let flag = match argument {
                Arg::Long(flag) => flag.to_owned(),
                Arg::Short('h') => "help".to_owned(),
                Arg::Short(letter) => return Err(FlagError::Argument { got: format!("-{letter}") }),
                Arg::Value(value) => return Err(FlagError::Argument { got: value.to_string_lossy().into_owned() }),
            };
            let given = parser.optional_value().map(|value| value.to_string_lossy().into_owned());
            match flag.as_str() {
                "help" => help = true,
                "debug-level" => {
                    let got = given.ok_or(FlagError::NoValue { flag })?;
                    level = got.parse().map_err(|_| FlagError::WrongValue {
                        flag: "debug-level".into(),
                        expected: LEVELS.into(),
                        got,
                    })?;
                }
                _ => set(&mut fields, flag, given)?,
            }
        }
        let settings = serde_json::from_value(Value::Object(fields)).map_err(|error| settings(&error))?;
        Ok(Self { settings, level, help, factory })
    }
}

impl<S> Flags<S> {
    /// What `--help` writes.
    pub(super) fn help_text(&self, program: &str) -> String {
        let mut text = format!("{program}\n\nflags, with the values they have otherwise:\n");
        for (field, value) in &self.factory {
            text.push_str(&format!("  --{}={}\n", flag_of(field), plain(value)));
        }
        text.push_str(&format!("  --debug-level=NONE\n      writes the trace to stderr: {LEVELS}\n  --help"));
        text
    }
}

const LEVELS: &str = "DEBUG|TRACE|OBJECT|CONSOLE|WARNING|FAULT|NONE";

/// Sets the field of a flag.
fn set(fields: &mut Map<String, Value>, flag: String, given: Option<String>) -> Result<(), FlagError> {
    let Some(field) = fields.get_mut(&flag.replace('-', "_")) else {
        let known = fields.keys().map(|field| flag_of(field)).chain(["debug-level".into(), "help".into()]);
        return Err(FlagError::Unknown { meant: nearest(&flag, known), flag });
    };
    let got = match given {
        Some(given) => given,
        None if field.is_boolean() => "true".into(),
        None => return Err(FlagError::NoValue { flag }),
    };
    let wrong = |expected: &str, got: String| FlagError::WrongValue { flag, expected: expected.into(), got };
    *field = match field {
        Value::String(_) => Value::String(got),
        Value::Bool(_) => Value::Bool(got.parse().map_err(|_| wrong("true|false", got))?),
        Value::Number(_) => match serde_json::from_str::<serde_json::Number>(&got) {
            Ok(number) => Value::Number(number),
            Err(_) => return Err(wrong("NUMBER", got)),
        },
        _ => serde_json::from_str(&got).map_err(|_| wrong("JSON", got))?,
    };
    Ok(())
}

fn flag_of(field: &str) -> String {
    field.replace('_', "-")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The known flag that was meant, when one is near enough.
fn nearest(flag: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let near = known.map(|name| (strsim::damerau_levenshtein(flag, &name), name));
    near.min().filter(|(distance, _)| *distance <= 1 + flag.len() / 4).map(|(_, name)| name)
}

/// The name by which the program was called, without its folder.
pub(super) fn program_name() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_stem().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "statepoint".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Settings {
        server_name: String,
        port: u16,
        loud: bool,
    }

    fn parse(arguments: &[&str]) -> Result<Flags<Settings>, FlagError> {
        let factory = Settings { server_name: "Buster".into(), port: 32011, loud: false };
        Flags::parse(&factory, Level::None, arguments.iter().map(OsString::from))
    }

    #[test]
    fn flags_override_the_factory_values_and_leave_the_rest() {
        let flags = parse(&["--port=1", "--loud", "--debug-level=console"]).expect("they are right");
        assert_eq!(flags.settings, Settings { server_name: "Buster".into(), port: 1, loud: true });
        assert_eq!(flags.level, Level::Console);
    }

    #[test]
    fn an_unknown_flag_is_answered_with_the_one_that_was_meant() {
        let error = parse(&["--prot=32011"]).expect_err("it is unknown");
        assert_eq!(error.to_string(), "unknown flag --prot, did you mean --port? (see --help)");
        assert!(matches!(parse(&["--completely-else=1"]), Err(FlagError::Unknown { meant: None, .. })));
    }

    #[test]
    fn a_wrong_value_is_answered_with_what_was_expected() {
        let error = parse(&["--port=many"]).expect_err("it is no number");
        assert_eq!(error.to_string(), "expected --port=NUMBER, got `many`");
        assert!(matches!(parse(&["--port=70000"]), Err(FlagError::Settings { .. })));
        assert!(matches!(parse(&["--port"]), Err(FlagError::NoValue { .. })));
        assert!(matches!(parse(&["stray"]), Err(FlagError::Argument { .. })));
    }

    #[test]
    fn the_help_lists_every_flag_with_its_value() {
        let help = parse(&["--help"]).expect("it is right").help_text("server");
        assert!(help.contains("--server-name=Buster") && help.contains("--port=32011"), "{help}");
    }
}
