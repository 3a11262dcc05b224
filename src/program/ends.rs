//! The settings of a connection's two ends, so that every program has the same flags for them.

use std::path::PathBuf;

use fsm_macros::Settings;
use fsm_net::link::PublicKey;
use fsm_net::{Connect, HostPort, Listen};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where to listen, and how to protect what travels.
///
/// The flags are `--host --port --encrypted --identity --allow`. An empty list of allowed keys is refused in files, flags and the
/// environment: who takes the last one out of it does not mean that everybody may come in; `null` means that.
/// It stands among the settings of a program as a flattened field, and is what [`cx.listen`](crate::Networking::listen)
/// takes. A file that cannot be read is told as `NotListening`.
///
/// ```
/// use statepoint::prelude::*;
///
/// #[derive(Serialize, Deserialize, Settings)]
/// struct Settings {
///     server_name: String,
///     #[serde(flatten)]
///     at: ListenSettings,
/// }
///
/// let factory = Settings { server_name: "Buster".into(), at: ListenSettings::at("127.0.0.1", 32011) };
/// assert_eq!(Listen::from(&factory.at).host_port().port(), 32011);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Settings)]
pub struct ListenSettings {
    /// the address or name to listen at
    #[serde(deserialize_with = "host")]
    pub host: String,
    /// the port to listen at; 0 lets the system choose
    pub port: u16,
    /// encrypts; who is at the other end is not known unless keys are named
    pub encrypted: bool,
    /// encrypts, and proves to clients that this server owns the identity in this file
    pub identity: Option<PathBuf>,
    /// admits the owner of this public key, and others only if they are named too; while none is, everybody; needs --identity
    #[serde(serialize_with = "keys_or_null", deserialize_with = "some_keys")]
    pub allow: Vec<PublicKey>,
}

impl ListenSettings {
    /// In clear.
    pub fn at(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, encrypted: false, identity: None, allow: Vec::new() }
    }
}

impl From<&ListenSettings> for Listen {
    fn from(settings: &ListenSettings) -> Self {
        let mut listen = Self::at(HostPort::new(&settings.host, settings.port));
        if settings.encrypted {
            listen = listen.encrypted();
        }
        if let Some(path) = &settings.identity {
            listen = listen.identity_file(path);
        }
        match settings.allow.is_empty() {
            true => listen,
            false => listen.allow(settings.allow.iter().copied()),
        }
    }
}

/// Where the server is, and how to protect what travels.
///
/// The flags are `--host --port --encrypted --expect --known-keys --identity`. An empty list of expected keys is refused as that of
/// [`ListenSettings`] is.
/// It stands among the settings of a program as a flattened field, and is what [`cx.connect`](crate::Networking::connect)
/// takes. A file that cannot be read is told as `NotConnected`.
///
/// ```
/// use statepoint::prelude::*;
///
/// let to = ConnectSettings::to("127.0.0.1", 32011);
/// assert_eq!(Connect::from(&to).host_port().to_string(), "127.0.0.1:32011");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Settings)]
pub struct ConnectSettings {
    /// the address or name of the server
    #[serde(deserialize_with = "host")]
    pub host: String,
    /// its port
    pub port: u16,
    /// encrypts; who is at the other end is not known unless a key is named
    pub encrypted: bool,
    /// encrypts, and lets only the owner of this public key answer; up to four can be named
    #[serde(serialize_with = "keys_or_null", deserialize_with = "some_keys")]
    pub expect: Vec<PublicKey>,
    /// encrypts, and lets only whoever answered first answer later; the keys are kept in this file
    pub known_keys: Option<PathBuf>,
    /// proves to the server that this client owns the identity in this file; needs --expect or --known-keys
    pub identity: Option<PathBuf>,
}

impl ConnectSettings {
    /// In clear.
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        let (encrypted, expect, known_keys, identity) = (false, Vec::new(), None, None);
        Self { host: host.into(), port, encrypted, expect, known_keys, identity }
    }
}

impl From<&ConnectSettings> for Connect {
    fn from(settings: &ConnectSettings) -> Self {
        let mut connect = Self::to(HostPort::new(&settings.host, settings.port));
        if settings.encrypted {
            connect = connect.encrypted();
        }
        for key in &settings.expect {
            connect = connect.expect(*key);
        }
        if let Some(path) = &settings.known_keys {
            connect = connect.known_keys_file(path);
        }
        match &settings.identity {
            Some(path) => connect.identity_file(path),
            None => connect,
        }
    }
}

/// No keys are nothing rather than an empty list.
fn keys_or_null<S: Serializer>(keys: &[PublicKey], serializer: S) -> Result<S::Ok, S::Error> {
    (!keys.is_empty()).then_some(keys).serialize(serializer)
}

/// An empty list would open what was closed.
fn some_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PublicKey>, D::Error> {
    match Option::<Vec<PublicKey>>::deserialize(deserializer)? {
        Some(keys) if keys.is_empty() => {
            Err(D::Error::custom("expected at least one key, got an empty list; null means that no key is asked for"))
        }
        keys => Ok(keys.unwrap_or_default()),
    }
}

/// A name or an address without the port.
fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let host = String::deserialize(deserializer)?;
    // An address of IPv6 has at least two colons.
    match host.split_once(':') {
        Some((_, port)) if !port.contains(':') => {
            Err(D::Error::custom(format!("expected a host alone, got `{host}`; the port has a setting of its own")))
        }
        _ => Ok(host),
    }
}
