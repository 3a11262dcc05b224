//! The values of settings, layer over layer: factory, file, environment, flags. Each says more than the one before.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::settings::{Settings, SettingsError};

/// The settings so far, as JSON, and where each has come from.
#[derive(Debug)]
pub(super) struct Layers {
    /// What the factory says: a value has the type that it has there, whatever stands in the file.
    factory: Map<String, Value>,
    pub(super) values: Map<String, Value>,
    /// Those that something above the factory has said, by key.
    origins: BTreeMap<String, String>,
}

/// A setting that can be set alone: a field, or a field of a struct that is a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// `to_host`: the flag with `_` for `-`.
    pub(super) key: String,
    field: String,
    inner: Option<String>,
}

impl Setting {
    fn field(name: &str) -> Self {
        Self { key: name.to_owned(), field: name.to_owned(), inner: None }
    }

    fn of<'a>(&self, values: &'a Map<String, Value>) -> Option<&'a Value> {
        let field = values.get(&self.field)?;
        self.inner.as_ref().map_or(Some(field), |inner| field.get(inner))
    }

    fn put(&self, values: &mut Map<String, Value>, value: Value) {
        match (&self.inner, values.get_mut(&self.field)) {
            (Some(inner), Some(Value::Object(fields))) => {
                fields.insert(inner.clone(), value);
            }
            _ => {
                values.insert(self.field.clone(), value);
            }
        }
    }
}

impl Layers {
    pub(super) fn new(factory: Map<String, Value>) -> Self {
        Self { values: factory.clone(), factory, origins: BTreeMap::new() }
    }

    /// All that can be set, each struct behind its fields.
    pub(super) fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (field, value) in &self.factory {
            for inner in value.as_object().into_iter().flat_map(Map::keys) {
                let key = format!("{field}_{inner}");
                if !self.factory.contains_key(&key) {
                    settings.push(Setting { key, field: field.clone(), inner: Some(inner.clone()) });
                }
            }
            settings.push(Setting::field(field));
        }
        settings
    }

    pub(super) fn find(&self, key: &str) -> Option<Setting> {
        self.settings().into_iter().find(|setting| setting.key == key)
    }

    /// The setting that was meant, when one is near enough.
    pub(super) fn nearest(&self, key: &str) -> Option<String> {
        nearest(key, self.settings().into_iter().map(|setting| setting.key))
    }

    pub(super) fn value(&self, setting: &Setting) -> &Value {
        setting.of(&self.values).unwrap_or(&Value::Null)
    }

    /// Takes a settings file; what in it is no setting, with the one that may be meant.
    pub(super) fn take_file<S: Settings>(&mut self, path: &str, stored: Map<String, Value>) -> Vec<SettingsError> {
        let origin = format!("the settings file {path}");
        let stray = |field: String, meant| SettingsError::Stray { file: path.to_owned(), field, meant };
        let mut strays = Vec::new();
        for (field, value) in stored {
            let Some(known) = self.factory.get(&field) else {
                let meant = self.nearest(&field);
                strays.push(stray(field, meant));
                continue;
            };
            let value = match (known, value) {
                // What a struct does not say in the file is as it was.
                (Value::Object(known), Value::Object(said)) => {
                    let mut whole = known.clone();
                    whole.extend(said.clone());
                    for inner in said.keys().filter(|inner| !known.contains_key(*inner)) {
                        let meant = nearest(inner, known.keys().cloned());
                        if meant.is_some() || self.is_dropped::<S>(&field, &whole, inner) {
                            strays.push(stray(format!("{field}.{inner}"), meant));
                        }
                    }
                    Value::Object(whole)
                }
                (_, value) => value,
            };
            self.origins.insert(field.clone(), origin.clone());
            self.values.insert(field, value);
        }
        strays
    }

    /// Whether nothing is left of `inner` in the settings that come of it: a struct has no such field. A map keeps it.
    fn is_dropped<S: Settings>(&self, field: &str, whole: &Map<String, Value>, inner: &str) -> bool {
        let mut trial = self.factory.clone();
        trial.insert(field.to_owned(), Value::Object(whole.clone()));
        let settings = serde_json::from_value::<S>(Value::Object(trial)).ok();
        let kept = settings.and_then(|settings| serde_json::to_value(settings).ok());
        kept.is_some_and(|kept| kept.get(field).is_some_and(|field| field.get(inner).is_none()))
    }

    /// The next layer replaces a list that was there before, whole.
    pub(super) fn renew(&mut self, setting: &Setting) {
        if self.value(setting).is_array() {
            setting.put(&mut self.values, Value::Array(Vec::new()));
        }
    }

    /// Sets what a text stands for, of the type that the setting has.
    pub(super) fn set<S: Settings>(
        &mut self,
        setting: &Setting,
        origin: &str,
        got: String,
    ) -> Result<(), SettingsError> {
        let wrong = |expected: &str, got: String| {
            Err(SettingsError::WrongValue { origin: origin.into(), expected: expected.into(), got })
        };
        let fits = |value: &Value| {
            let mut trial = self.factory.clone();
            setting.put(&mut trial, value.clone());
            serde_json::from_value::<S>(Value::Object(trial)).is_ok()
        };
        let before = self.value(setting).as_array().cloned().unwrap_or_default();
        let value = match setting.of(&self.factory) {
            Some(Value::String(_)) => Value::String(got),
            Some(Value::Bool(_)) => match got.parse() {
                Ok(value) => Value::Bool(value),
                Err(_) => return wrong("true|false", got),
            },
            Some(Value::Number(_)) => match serde_json::from_str::<Number>(&got) {
                Ok(number) => Value::Number(number),
                Err(_) => return wrong("NUMBER", got),
            },
            Some(Value::Object(_)) => match serde_json::from_str(&got) {
                Ok(value) => value,
                Err(_) => return wrong("JSON", got),
            },
            // Either the whole list, or one of it.
            Some(Value::Array(_)) => whole_or_one(got, before, fits),
            // What is not set may be anything.
            Some(Value::Null) | None => {
                let value = text_or_json(got.clone(), fits);
                if fits(&value) { value } else { whole_or_one(got, before, fits) }
            }
        };
        setting.put(&mut self.values, value);
        self.origins.insert(setting.key.clone(), origin.to_owned());
        Ok(())
    }

    /// The settings. Numbers are checked here: a port of 70000 is a number, but no port.
    pub(super) fn finish<S: Settings>(&self) -> Result<S, SettingsError> {
        serde_json::from_value(Value::Object(self.values.clone())).map_err(|error| {
            let wrong = self.settings().into_iter().find(|setting| {
                let mut trial = self.factory.clone();
                setting.put(&mut trial, self.value(setting).clone());
                serde_json::from_value::<S>(Value::Object(trial)).is_err()
            });
            let Some(setting) = wrong else {
                return SettingsError::Program { reason: error.to_string() };
            };
            let origin = self.origins.get(&setting.key).or_else(|| self.origins.get(&setting.field));
            SettingsError::Unfit {
                setting: format!("{}={}", setting.key, self.value(&setting)),
                origin: origin.cloned().unwrap_or_else(|| "the program".into()),
                reason: error.to_string(),
            }
        })
    }
}

/// A list as it stands, or one more of a list.
fn whole_or_one(got: String, before: Vec<Value>, fits: impl Fn(&Value) -> bool) -> Value {
    match serde_json::from_str(&got) {
        Ok(Value::Array(list)) => Value::Array(list),
        _ => {
            let one = text_or_json(got, |value| fits(&Value::Array(vec![value.clone()])));
            Value::Array(before.into_iter().chain([one]).collect())
        }
    }
}

/// A text needs no quotes, also when it looks like a number.
fn text_or_json(got: String, fits: impl Fn(&Value) -> bool) -> Value {
    let text = Value::String(got);
    match text.as_str().map(serde_json::from_str) {
        Some(Ok(value)) if !fits(&text) => value,
        _ => text,
    }
}

/// The known name that was meant, when one is near enough.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let near = known.map(|known| (strsim::damerau_levenshtein(name, &known), known));
    near.min().filter(|(distance, _)| *distance <= 1 + name.len() / 4).map(|(_, known)| known)
}
