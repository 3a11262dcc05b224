//! The settings file.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::settings::SettingsError;

/// Where a program's settings are stored when no flag says otherwise: in the folder that `STATEPOINT_HOME` names, or in
/// `.statepoint` of the user's home, or of the working folder.
pub(super) fn default_path(program: &str) -> PathBuf {
    let folder = match env::var_os("STATEPOINT_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir().unwrap_or_default().join(".statepoint"),
    };
    folder.join(format!("{program}.json"))
}

/// What is stored; `None` when nothing is.
///
/// A file that somebody has named must be there: without it the program would do with less than was meant.
pub(super) fn load(path: &Path, is_named: bool) -> Result<Option<Map<String, Value>>, SettingsError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    check_writers(path)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => Ok(Some(fields)),
        Ok(other) => Err(failed(path, &format_args!("expected a JSON object, got {other}"))),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Settings say whom to trust, so not everybody may write them.
fn check_writers(path: &Path) -> Result<(), SettingsError> {
    let mode = fs::metadata(path).map_err(|error| failed(path, &error))?.permissions().mode();
    if mode & 0o002 == 0 {
        return Ok(());
    }
    Err(failed(path, &"everybody can write it; if nobody has changed it: chmod o-w"))
}

/// Stores the settings: whoever reads the file meanwhile sees the old ones or the new ones, whole.
pub(super) fn save(path: &Path, fields: &Map<String, Value>) -> Result<(), SettingsError> {
    let text = serde_json::to_string_pretty(fields).map_err(|error| failed(path, &error))?;
    let aside = path.with_extension("json.new");
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Whatever the umask says: what everybody can write is not believed.
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(|error| failed(path, &error))
}

/// Forgets what is stored.
pub(super) fn remove(path: &Path) -> Result<(), SettingsError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> SettingsError {
    SettingsError::File { path: path.display().to_string(), reason: reason.to_string() }
}
