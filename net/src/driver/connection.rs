//! One connection: its link, its frames, its border, and where it stands.

use core::net::SocketAddr;

use fsm_core::{Address, Moment};

use crate::messages::Ended;
use crate::net::Token;
use crate::settings::NetSettings;
use crate::wire::{Border, Clear, Decoder, FrameLimit, IncomingNames, Link, OutgoingNames, Output};

/// The name of a connection between driver and machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub(crate) Token);

/// Where a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// No proxy has been attached: it belongs to the listener or connector. Nothing is read.
    Waiting,
    /// The link's handshake is under way.
    Opening,
    /// The link is open; the proxy has not said yet who takes the peer's messages. Nothing is read.
    Offered,
    /// Messages go both ways.
    Open,
    /// This end closes: nothing more is accepted for sending; when all is written the write half is shut.
    Shutting,
    /// The write half is shut; the peer's end is awaited.
    Shut,
    /// The peer has ended; what waits is still written, then it is released.
    Draining(Ended),
}

/// A connection belongs to the driver, not to a machine: bytes never travel as messages.
pub(super) struct Connection {
    pub(super) phase: Phase,
    pub(super) remote: SocketAddr,
    /// The network has reported something while nobody could look.
    pub(super) reported: bool,
    /// What the link gave before the proxy has said who takes the peer's messages. At most what one read brings.
    pub(super) early: Vec<u8>,
    /// Why writing failed, while there may still be something to be read.
    pub(super) write_error: Option<Ended>,
    /// Who hears of it: the listener or connector, then the proxy.
    pub(super) owner: Address,
    pub(super) link: Box<dyn Link>,
    pub(super) decoder: Decoder,
    pub(super) output: Output,
    pub(super) border: Border,
    pub(super) outgoing: OutgoingNames,
    pub(super) incoming: IncomingNames,
    /// When its table of exports was last swept because it was full.
    pub(super) swept: Option<Moment>,
    /// Messages of the peer that were refused.
    pub(super) refused: u32,
    /// Bytes that the peer has taken since it was asked last whether it reads.
    pub(super) taken: usize,
}

impl Connection {
    pub(super) fn new(owner: Address, remote: SocketAddr, settings: &NetSettings) -> Self {
        Self {
            phase: Phase::Waiting,
            remote,
            reported: false,
            early: Vec::new(),
            write_error: None,
            owner,
            link: Box::new(Clear),
            decoder: Decoder::new(settings.frame_limit),
            output: Output::new(settings.marks),
            border: Border::new(Address::NONE),
            outgoing: OutgoingNames::new(),
            incoming: IncomingNames::new(),
            swept: None,
            refused: 0,
            taken: 0,
        }
    }

    /// Takes the link out, so that it can be used beside the rest of the connection. To be put back.
    pub(super) fn lend_link(&mut self) -> Box<dyn Link> {
        core::mem::replace(&mut self.link, Box::new(Clear))
    }

    /// Takes the decoder out, so that its frames can be used beside the rest of the connection. To be put back.
    pub(super) fn lend_decoder(&mut self) -> Decoder {
        core::mem::replace(&mut self.decoder, Decoder::new(FrameLimit::default()))
    }

    /// Whether messages may still be written.
    pub(super) fn takes_messages(&self) -> bool {
        matches!(self.phase, Phase::Opening | Phase::Offered | Phase::Open)
    }

    /// Whether the peer's bytes are of interest. While this end closes they are read and dropped, so that the peer's end
    /// of the stream is seen.
    pub(super) fn reads(&self) -> bool {
        !matches!(self.phase, Phase::Waiting | Phase::Offered | Phase::Draining(_))
    }
}
