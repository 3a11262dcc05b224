//! One connection: its link, its frames, its border, and where it stands.

use core::net::SocketAddr;

use fsm_core::{Address, Moment, UnopenedBytes};

use super::origins::Origin;
use crate::messages::Ended;
use crate::net::Token;
use crate::settings::NetSettings;
use crate::wire::{
    Border, Decoder, FrameLimit, IncomingNames, Link, LinkError, LinkState, OutgoingNames, Outlet, Output, Pool,
};

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
    /// The peer has ended, and its proxy does not know yet: answers to what the peer said before are still taken.
    PeerDone(Ended),
    /// The peer has ended; what waits is still written, then it is released.
    Draining(Ended),
    /// The link was not opened, and the peer was told why. What it still says is read and dropped until it ends: a socket that
    /// is closed with bytes unread takes the reason back.
    Lingering(Ended),
}

/// A connection belongs to the driver, not to a machine: bytes never travel as messages.
pub(super) struct Connection {
    pub(super) phase: Phase,
    pub(super) remote: SocketAddr,
    /// From where it was accepted, when it was.
    pub(super) origin: Option<Origin>,
    /// The network has reported something while nobody could look.
    pub(super) reported: bool,
    /// What the link gave before the proxy has said who takes the peer's messages. At most what one read brings.
    pub(super) early: Vec<u8>,
    /// How many bytes the record lacked that the peer had begun.
    pub(super) missing: Option<usize>,
    /// Why writing failed, while there may still be something to be read.
    pub(super) write_error: Option<Ended>,
    /// Who hears of it: the listener or connector, then the proxy.
    pub(super) owner: Address,
    pub(super) link: Box<dyn Link>,
    /// The largest frame that both ends take.
    pub(super) frame_limit: FrameLimit,
    pub(super) decoder: Decoder,
    pub(super) output: Output,
    pub(super) border: Border,
    pub(super) outgoing: OutgoingNames,
    pub(super) incoming: IncomingNames,
    /// When the peer has shown last that it is there.
    pub(super) lived: Moment,
    /// The peer was asked whether it is there, and has not shown it since.
    pub(super) asked: bool,
    /// The socket has taken nothing of what was written last.
    pub(super) is_blocked: bool,
    /// When a slow peer has read what the socket has taken.
    pub(super) read_by: Moment,
    /// What it has sent that nobody has opened.
    pub(super) unopened: UnopenedBytes,
    /// Messages of the peer that were refused.
    pub(super) refused: u32,
    /// Some of what was read last was refused, for whatever reason.
    pub(super) talks_in_vain: bool,
    /// Whoever sends was told that the peer reads slowly.
    pub(super) is_congested: bool,
    /// Bytes that the peer has taken, or has sent though this end has closed, since it was asked last whether it is there.
    pub(super) moved: usize,
    /// Bytes that the peer has sent though this end has closed.
    pub(super) dropped: usize,
    /// How often it was given more time since this end has closed.
    pub(super) waited: u32,
}

impl Connection {
    pub(super) fn new(owner: Address, remote: SocketAddr, link: Box<dyn Link>, settings: &NetSettings) -> Self {
        Self {
            phase: Phase::Waiting,
            remote,
            origin: None,
            reported: false,
            early: Vec::new(),
            missing: None,
            write_error: None,
            owner,
            link,
            frame_limit: settings.frame_limit,
            decoder: Decoder::new(settings.frame_limit),
            output: Output::new(settings.marks),
            border: Border::new(Address::NONE),
            outgoing: OutgoingNames::new(),
            incoming: IncomingNames::new(),
            lived: Moment::ZERO,
            asked: false,
            is_blocked: false,
            read_by: Moment::ZERO,
            unopened: UnopenedBytes::default(),
            refused: 0,
            talks_in_vain: false,
            is_congested: false,
            moved: 0,
            dropped: 0,
            waited: 0,
        }
    }

    /// Takes the link out, so that it can be used beside the rest of the connection. To be put back.
    pub(super) fn lend_link(&mut self) -> Box<dyn Link> {
        core::mem::replace(&mut self.link, Box::new(LentOut))
    }

    /// Takes the decoder out, so that its frames can be used beside the rest of the connection. To be put back.
    pub(super) fn lend_decoder(&mut self) -> Decoder {
        core::mem::replace(&mut self.decoder, Decoder::new(FrameLimit::default()))
    }

    /// Whether messages may still be written.
    pub(super) fn takes_messages(&self) -> bool {
        matches!(self.phase, Phase::Offered | Phase::Open | Phase::PeerDone(_))
    }

    /// Whether goodbye is to be said behind what waits.
    fn says_goodbye(&self) -> bool {
        let is_last = match &self.phase {
            Phase::Shutting => true,
            // Who was cut short does not say that all was in order: the peer would take it for an answer.
            Phase::Draining(ended) => matches!(ended, Ended::ByPeer | Ended::ByUs),
            _ => false,
        };
        is_last && self.link.state() != LinkState::Closed
    }

    /// Hands what waits to the link, and a goodbye behind it when it is the last.
    pub(super) fn seal(&mut self, pool: &mut Pool) -> Result<(), LinkError> {
        self.output.seal(&mut *self.link, pool)?;
        if self.says_goodbye() {
            self.link.close(&mut self.output.outlet(pool))?;
        }
        Ok(())
    }

    /// Whether the peer's bytes are of interest. While this end closes they are read and dropped, so that the peer's end
    /// of the stream is seen.
    pub(super) fn reads(&self) -> bool {
        !matches!(self.phase, Phase::Waiting | Phase::Offered | Phase::PeerDone(_) | Phase::Draining(_))
    }
}

/// Stands where a link is lent out. Whoever forgets to put the link back sends nothing in clear: this one takes nothing, seals
/// nothing, and is an error that ends the connection.
#[derive(Debug)]
struct LentOut;

impl LentOut {
    fn error() -> LinkError {
        LinkError::Malformed { expected: "the link of the connection", got: "none: it is lent out".into() }
    }
}

impl Link for LentOut {
    fn begin(&mut self, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Err(Self::error())
    }

    fn receive<'a, 'b: 'a>(
        &'a mut self,
        _: &mut &'b mut [u8],
        _: &mut Outlet<'_>,
    ) -> Result<Option<&'a [u8]>, LinkError> {
        Err(Self::error())
    }

    fn seal(&mut self, _: Vec<u8>, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Err(Self::error())
    }

    fn close(&mut self, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Err(Self::error())
    }

    fn ping(&mut self, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Err(Self::error())
    }

    fn end(&mut self) -> Result<(), LinkError> {
        Err(Self::error())
    }

    /// So that sealing is tried, and fails.
    fn state(&self) -> LinkState {
        LinkState::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Clear, encode_gone};

    #[test]
    fn a_connection_whose_link_is_lent_out_says_nothing_and_fails() {
        let (mut pool, settings) = (Pool::new(), NetSettings::default());
        let remote = ([10, 0, 0, 1], 80).into();
        let mut connection = Connection::new(Address::NONE, remote, Box::new(Clear), &settings);
        let append = |connection: &mut Connection, pool: &mut Pool| {
            let appended = connection.output.append(pool, |out| {
                encode_gone(1, out);
                Ok(())
            });
            assert!(appended.is_ok());
        };
        append(&mut connection, &mut pool);
        let link = connection.lend_link();
        assert_eq!(size_of_val(&*connection.link), 0, "it costs nothing");
        assert_eq!(connection.seal(&mut pool), Err(LentOut::error()));
        connection.phase = Phase::Shutting;
        assert_eq!(connection.seal(&mut pool), Err(LentOut::error()));
        let lent = &mut connection.link;
        let out = &mut connection.output.outlet(&mut pool);
        assert_eq!(lent.begin(out), Err(LentOut::error()));
        assert_eq!(lent.receive(&mut &mut b"\0\0\0\x01a".to_owned()[..], out), Err(LentOut::error()));
        assert_eq!((lent.ping(out), lent.end()), (Err(LentOut::error()), Err(LentOut::error())));
        assert_eq!((lent.peer(), out.waiting()), (None, 0));
        (connection.link, connection.phase) = (link, Phase::Open);
        append(&mut connection, &mut pool);
        assert!(connection.seal(&mut pool).is_ok() && connection.output.ready() > 0);
    }
}
