//! Settings: a struct whose fields are flags.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The settings of a program: `#[derive(Serialize, Deserialize, Settings)]` on a struct with named fields.
///
/// ```
/// use statepoint::Settings as _;
/// use statepoint::prelude::*;
///
/// /// A server that says hello.
/// #[derive(Serialize, Deserialize, Settings)]
/// struct Settings {
///     /// The name it answers with.
///     server_name: String,
/// }
///
/// assert_eq!(Settings::fields()[0].help, "The name it answers with.");
/// ```
pub trait Settings: Serialize + DeserializeOwned {
    /// What the program does: the struct's doc comment.
    const HELP: &'static str;
    /// The fields, in the order of the struct; those of a field with `#[serde(flatten)]` in its place.
    fn fields() -> Vec<SettingsField>;
}

/// One field of [`Settings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsField {
    /// Its name: the flag with `-` for `_`.
    pub name: &'static str,
    /// Its doc comment.
    pub help: &'static str,
}

/// Why settings cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(super) enum SettingsError {
    /// The user of the program gave a flag that does not exist.
    Unknown { flag: String, meant: Option<String> },
    /// The user gave a flag without its value.
    NoValue { flag: String },
    /// The user gave a value of another type, as a flag or in the environment.
    WrongValue { origin: String, expected: String, got: String },
    /// The user gave a switch a value.
    Switch { flag: String, value: String },
    /// The user gave something that is no flag.
    NoFlag { got: String },
    /// The system, or what is in the file.
    File { path: String, reason: String },
    /// The user gave a value that is of the right kind and does not fit all the same.
    Unfit { setting: String, origin: String, reason: String },
    /// Whoever wrote the file wrote a setting that does not exist.
    Stray { file: String, field: String, meant: Option<String> },
    /// The environment has what is nearly a setting.
    StrayVariable { variable: String, meant: String },
    /// The user gave a flag and its value apart.
    Apart { flag: String, value: String },
    /// The program: its settings cannot be flags.
    Program { reason: String },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { flag, meant: Some(meant) } => {
                write!(f, "unknown flag --{flag}, did you mean --{meant}? (see --help)")
            }
            Self::Unknown { flag, meant: None } => write!(f, "unknown flag --{flag} (see --help)"),
            Self::NoValue { flag } => write!(f, "expected a value, as in --{flag}=VALUE, got --{flag} alone"),
            Self::WrongValue { origin, expected, got } => write!(f, "expected {origin}={expected}, got `{got}`"),
            Self::Switch { flag, value } => write!(f, "expected --{flag} alone, got `--{flag}={value}`"),
            Self::NoFlag { got } => write!(f, "expected flags only, as in --name=value, got `{got}` (see --help)"),
            Self::File { path, reason } => write!(f, "cannot use the settings file {path}: {reason}"),
            Self::Unfit { setting, origin, reason } => {
                write!(f, "`{setting}`, from {origin}, does not fit: {reason} (see --help)")
            }
            Self::Stray { file, field, meant } => {
                let meant = meant.as_ref().map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"));
                write!(f, "`{field}` in the settings file {file} is no setting of this program{meant} (see --help)")
            }
            Self::StrayVariable { variable, meant } => {
                write!(f, "{variable} is no setting of this program, did you mean {meant}? (see --help)")
            }
            Self::Apart { flag, value } => write!(f, "expected --{flag}={value}, got `--{flag} {value}`"),
            Self::Program { reason } => write!(f, "the settings of this program cannot be flags: {reason}"),
        }
    }
}

impl std::error::Error for SettingsError {}
