//! What `listen` and `connect` take.

use core::time::Duration;

use crate::host_port::HostPort;

/// Where and how to listen.
///
/// A [`HostPort`] converts into it, so options need to be named only when they differ from the usual.
///
/// ```
/// use fsm_net::{HostPort, Listen};
///
/// let listen = Listen::at(HostPort::new("127.0.0.1", 32011));
/// assert_eq!(listen, Listen::from(HostPort::new("127.0.0.1", 32011)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub(crate) at: HostPort,
}

impl Listen {
    /// Listens at `at`. Port 0 lets the system choose; `Listening` tells what it chose.
    pub fn at(at: impl Into<HostPort>) -> Self {
        Self { at: at.into() }
    }

    /// Where.
    pub fn host_port(&self) -> &HostPort {
        &self.at
    }
}

impl<T: Into<HostPort>> From<T> for Listen {
    fn from(at: T) -> Self {
        Self::at(at)
    }
}

/// Whither and how to connect.
///
/// ```
/// use core::time::Duration;
/// use fsm_net::{Connect, HostPort};
///
/// let connect = Connect::to(HostPort::new("server.lab", 32011)).within(Duration::from_secs(2));
/// assert_eq!(connect.host_port().port(), 32011);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub(crate) to: HostPort,
    pub(crate) within: Duration,
}

impl Connect {
    /// Connects to `to`.
    pub fn to(to: impl Into<HostPort>) -> Self {
        Self { to: to.into(), within: Duration::from_secs(10) }
    }

    /// Gives up after `limit`, name look-up included. 10 seconds unless told otherwise.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { within: limit, ..self }
    }

    /// Whither.
    pub fn host_port(&self) -> &HostPort {
        &self.to
    }
}

impl<T: Into<HostPort>> From<T> for Connect {
    fn from(to: T) -> Self {
        Self::to(to)
    }
}
