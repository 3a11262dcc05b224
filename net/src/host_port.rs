//! Network addresses as people write them.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A host and a port: `127.0.0.1:32011`, `[::1]:32011`, `server.lab:32011`.
///
/// The host may be an IP address or a name; names are looked up when they are connected to. Port 0, to listen, lets the
/// system choose.
///
/// ```
/// use statepoint::HostPort;
///
/// let at: HostPort = "[::1]:32011".parse()?;
/// assert_eq!((at.host(), at.port()), ("::1", 32011));
/// assert_eq!(at.to_string(), "[::1]:32011");
/// assert_eq!("127.0.0.1".parse::<HostPort>().unwrap_err().to_string(), "expected HOST:PORT, got `127.0.0.1`");
/// # Ok::<(), statepoint::NoHostPort>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// The port of a host.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// The host: an IP address or a name, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, when the host is an IP address; `None` when it is a name.
    pub fn address(&self) -> Option<SocketAddr> {
        self.host.parse::<IpAddr>().ok().map(|host| SocketAddr::new(host, self.port))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoHostPort(String);

impl fmt::Display for NoHostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected HOST:PORT, got `{}`", self.0)
    }
}

impl core::error::Error for NoHostPort {}

impl FromStr for HostPort {
    type Err = NoHostPort;

    fn from_str(text: &str) -> Result<Self, NoHostPort> {
        let error = || NoHostPort(text.into());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        let port = port.parse().map_err(|_| error())?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(host) => host,
            None if host.contains(':') => return Err(error()),
            None => host,
        };
        if host.is_empty() { Err(error()) } else { Ok(Self::new(host, port)) }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self::new(address.ip().to_string(), address.port())
    }
}

impl From<&HostPort> for HostPort {
    fn from(at: &HostPort) -> Self {
        at.clone()
    }
}

impl From<(&str, u16)> for HostPort {
    fn from((host, port): (&str, u16)) -> Self {
        Self::new(host, port)
    }
}
