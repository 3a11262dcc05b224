//! The first sixteen bytes that each end ever sends, in every mode.
//!
//! ```text
//!  0  4  magic F5 46 53 4D
//!  4  1  kind: 01 hello, 02 welcome, 7F refusal
//!  5  1  version: the highest offered (hello), the chosen one (welcome), the highest spoken (refusal)
//!  6  1  the lowest version (hello, refusal), 0 (welcome)
//!  7  1  the mode that the writer requires
//!  8  4  the largest frame that the writer accepts, 1,024 to 67,108,864 (hello, welcome), 0 (refusal)
//! 12  2  why (refusal), 0 otherwise
//! 14  2  zero
//! ```
//!
//! A refusal is not sealed: whoever receives one has a hint, and no more.

use std::fmt;

use crate::wire::{FrameLimit, LinkError};

/// The bytes of a preamble.
pub(super) const PREAMBLE: usize = 16;

/// The only version yet.
pub(super) const VERSION: u8 = 1;

/// No end accepts less than this, so that a goodbye always fits.
pub(super) const LEAST_LIMIT: u32 = 1_024;

/// The first byte starts neither text in UTF-8, nor TLS, nor HTTP.
const MAGIC: [u8; 4] = [0xf5, b'F', b'S', b'M'];

/// What a link protects. Both ends must be set to the same mode.
///
/// ```
/// use statepoint::link::{ConnectSecurity, Mode};
///
/// assert_eq!(ConnectSecurity::encrypted().mode(), Mode::Encrypted);
/// assert!(Mode::Encrypted < Mode::ServerAuthenticated);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Nothing.
    Clear,
    /// Nobody who merely listens on the way reads anything. Nobody is authenticated: a man in the middle reads all.
    Encrypted,
    /// Besides, the connecting end knows by its key whom it talks to.
    ServerAuthenticated,
    /// Both ends know by a key whom they talk to.
    Mutual,
}

impl Mode {
    fn of(byte: u8) -> Option<Self> {
        [Self::Clear, Self::Encrypted, Self::ServerAuthenticated, Self::Mutual].get(usize::from(byte)).copied()
    }

    /// Whether the listening end proves who it is.
    pub(super) fn proves_server(self) -> bool {
        self >= Self::ServerAuthenticated
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear => "`clear`",
            Self::Encrypted => "`encrypted` (nobody authenticated)",
            Self::ServerAuthenticated => "`encrypted, the listening end authenticated`",
            Self::Mutual => "`encrypted, both ends authenticated`",
        })
    }
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Connector,
    Listener,
}

impl End {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Connector => Self::Listener,
            Self::Listener => Self::Connector,
        }
    }
}

/// What kind of preamble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Hello = 0x01,
    Welcome = 0x02,
    Refusal = 0x7f,
}

/// Why a listening end refuses. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Version = 1,
    Mode = 2,
    Busy = 3,
    Limits = 4,
}

/// A preamble as it came: its numbers are not checked against anything yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) kind: Kind,
    version: u8,
    lowest: u8,
    mode: u8,
    limit: u32,
    reason: u16,
}

impl Preamble {
    pub(super) fn hello(mode: Mode, limit: u32) -> Self {
        Self { kind: Kind::Hello, version: VERSION, lowest: VERSION, mode: mode as u8, limit, reason: 0 }
    }

    pub(super) fn welcome(mode: Mode, limit: u32) -> Self {
        Self { kind: Kind::Welcome, lowest: 0, ..Self::hello(mode, limit) }
    }

    pub(super) fn refusal(mode: Mode, reason: Reason) -> Self {
        Self { kind: Kind::Refusal, reason: reason as u16, ..Self::hello(mode, 0) }
    }

    pub(super) fn encode(&self) -> [u8; PREAMBLE] {
        let mut bytes = [0; PREAMBLE];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&[self.kind as u8, self.version, self.lowest, self.mode]);
        bytes[8..12].copy_from_slice(&self.limit.to_be_bytes());
        bytes[12..14].copy_from_slice(&self.reason.to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; PREAMBLE]) -> Result<Self, LinkError> {
        check_magic(bytes)?;
        let [_, _, _, _, kind, version, lowest, mode, limit @ .., r0, r1, z0, z1] = *bytes;
        let kind = [Kind::Hello, Kind::Welcome, Kind::Refusal].into_iter().find(|known| *known as u8 == kind);
        let (limit, reason) = (u32::from_be_bytes(limit), u16::from_be_bytes([r0, r1]));
        match kind {
            Some(kind) if [z0, z1] == [0, 0] => Ok(Self { kind, version, lowest, mode, limit, reason }),
            _ => Err(LinkError::Malformed { expected: "a preamble of this protocol", got: hex(bytes) }),
        }
    }

    /// A listening end looks at a hello. The reason, if there is one, is to be sent as a refusal.
    pub(super) fn check_hello(&self, mode: Mode) -> Result<FrameLimit, (LinkError, Option<Reason>)> {
        if self.kind != Kind::Hello || self.lowest == 0 || self.lowest > self.version {
            let got = "another preamble: both ends may be listening or connecting".into();
            return Err((LinkError::Malformed { expected: "a hello", got }, None));
        }
        if !(self.lowest..=self.version).contains(&VERSION) {
            return Err((self.other_version(), Some(Reason::Version)));
        }
        if self.mode != mode as u8 {
            return Err((self.other_mode(mode, "asks for"), Some(Reason::Mode)));
        }
        if self.reason != 0 {
            return Err((
                LinkError::Malformed { expected: "no reason in a hello", got: self.reason.to_string() },
                None,
            ));
        }
        self.frame_limit().map_err(|error| (error, Some(Reason::Limits)))
    }

    /// A connecting end looks at the answer to its hello.
    pub(super) fn check_welcome(&self, mode: Mode) -> Result<FrameLimit, LinkError> {
        match self.kind {
            Kind::Refusal => Err(self.refused(mode)),
            Kind::Welcome if self.version == VERSION && self.lowest == 0 && self.reason == 0 => {
                if self.mode == mode as u8 { self.frame_limit() } else { Err(self.other_mode(mode, "answers with")) }
            }
            _ => Err(LinkError::Malformed {
                expected: "a welcome in the version that was offered",
                got: "another preamble: both ends may be connecting".into(),
            }),
        }
    }

    fn refused(&self, mode: Mode) -> LinkError {
        let reason = match self.reason {
            reason if reason == Reason::Version as u16 => return self.other_version(),
            reason if reason == Reason::Mode as u16 => return self.other_mode(mode, "says that it requires"),
            reason if reason == Reason::Busy as u16 => "the peer is busy; try again later".into(),
            reason if reason == Reason::Limits as u16 => "the peer does not take this end's frame limit".into(),
            reason => format!("the peer gave reason {reason}, which this version does not know"),
        };
        LinkError::Refused { reason }
    }

    fn other_version(&self) -> LinkError {
        LinkError::Mismatch {
            expected: format!("a peer that speaks version {VERSION} of the link"),
            got: format!("one that speaks versions {} to {}", self.lowest, self.version),
        }
    }

    fn other_mode(&self, mode: Mode, verb: &str) -> LinkError {
        let theirs = Mode::of(self.mode).map_or_else(|| format!("the unknown mode {}", self.mode), |it| it.to_string());
        LinkError::Mismatch {
            expected: format!("the mode {mode}, which this end is set to"),
            got: format!("a peer that {verb} {theirs}"),
        }
    }

    fn frame_limit(&self) -> Result<FrameLimit, LinkError> {
        let limit = FrameLimit::new(self.limit as usize).filter(|_| self.limit >= LEAST_LIMIT);
        limit.ok_or_else(|| LinkError::Malformed {
            expected: "a frame limit of 1,024 to 67,108,864 bytes",
            got: self.limit.to_string(),
        })
    }
}

/// Looks at the first bytes of a stream, however few: what cannot become a preamble is told at once.
pub(super) fn check_magic(come: &[u8]) -> Result<(), LinkError> {
    let length = come.len().min(MAGIC.len());
    if come[..length] == MAGIC[..length] {
        return Ok(());
    }
    let got = match come {
        [0x16, 0x03, ..] => "what looks like TLS".into(),
        [b'S', b'S', b'H', b'-', ..] => "what looks like SSH".into(),
        _ if [&b"GET "[..], b"HEAD", b"POST", b"PUT ", b"HTTP"].iter().any(|it| come.starts_with(it)) => {
            "what looks like HTTP".into()
        }
        _ => format!("other bytes: {}", hex(&come[..come.len().min(PREAMBLE)])),
    };
    Err(LinkError::Mismatch { expected: "a peer that speaks this protocol".into(), got })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
