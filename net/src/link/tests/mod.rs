//! Tests of the link: frozen vectors, every single flip and cut, misbehaving peers, files.

mod attacks;
mod closing;
#[cfg(unix)]
mod files;
mod flips;
mod forged;
mod fuzz;
mod matrix;
mod memory;
mod preamble;
mod records;
mod rekeying;
mod short;
mod text;
mod trust;
mod vectors;

use super::handshake::{Done, Handshake};
use super::record::{Epochs, Half};
use super::{ConnectSecurity, Identity, ListenSecurity, Mode, Seed};
use crate::wire::{Decoder, FrameLimit, Link, LinkError, LinkState, Output, Pool};

pub(super) const MODES: [Mode; 4] = [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];
pub(super) const SEALED: [Mode; 3] = [Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];

/// Where the connecting ends of tests connect to.
pub(super) const ADDRESS: &str = "server.lab:32011";

pub(super) fn identity(byte: u8) -> Identity {
    Identity::from_seed(Seed::from_bytes([byte; 32]))
}

/// The connecting end has the identity 1, the listening one 2.
pub(super) fn connect(mode: Mode) -> ConnectSecurity {
    match mode {
        Mode::Clear => ConnectSecurity::clear(),
        Mode::Encrypted => ConnectSecurity::encrypted(),
        Mode::ServerAuthenticated => ConnectSecurity::clear().expect(identity(2).public_key()),
        Mode::Mutual => connect(Mode::ServerAuthenticated).identity(identity(1)),
    }
}

pub(super) fn listen(mode: Mode) -> ListenSecurity {
    match mode {
        Mode::Clear => ListenSecurity::clear(),
        Mode::Encrypted => ListenSecurity::encrypted(),
        Mode::ServerAuthenticated => ListenSecurity::clear().identity(identity(2)),
        Mode::Mutual => listen(Mode::ServerAuthenticated).allow([identity(1).public_key()]),
    }
}

/// Keys that are used up at once: new ones after two records, and never too early.
pub(super) fn short_epochs() -> Epochs {
    Epochs { after: (2, u64::MAX), least: (2, u64::MAX), most: (6, u64::MAX) }
}

/// What a driver has for each connection.
pub(super) struct Peer {
    pub(super) link: Box<dyn Link>,
    pub(super) output: Output,
    pub(super) pool: Pool,
    decoder: Decoder,
    pub(super) frames: Vec<Vec<u8>>,
}

impl Peer {
    pub(super) fn new(mut link: Box<dyn Link>) -> Self {
        let (mut pool, mut output) = (Pool::new(), Output::default());
        assert_eq!(link.begin(&mut output.outlet(&mut pool)), Ok(()));
        Self { link, output, pool, decoder: Decoder::new(FrameLimit::CAP), frames: Vec::new() }
    }

    pub(super) fn connecting(security: &ConnectSecurity, seed: u8) -> Self {
        let link = security.link(ADDRESS, FrameLimit::default(), Seed::from_bytes([seed; 32]));
        Self::new(link.expect("sound settings"))
    }

    pub(super) fn listening(security: &ListenSecurity, seed: u8) -> Self {
        Self::new(security.link(FrameLimit::default(), Seed::from_bytes([seed; 32])).expect("sound settings"))
    }

    /// Frames that go out with the next bytes.
    pub(super) fn send(&mut self, frames: &[&[u8]]) {
        for frame in frames {
            let appended = self.output.append(&mut self.pool, |out| {
                out.extend((frame.len() as u32).to_be_bytes());
                out.extend_from_slice(frame);
                Ok(())
            });
            assert!(appended.is_ok());
        }
    }

    /// All bytes that wait for the socket.
    pub(super) fn wire(&mut self) -> Vec<u8> {
        self.output.seal(&mut *self.link, &mut self.pool).expect("a link that can seal");
        self.ready()
    }

    /// Those that the link has written already.
    pub(super) fn ready(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.output.ready() > 0 {
            let part: Vec<u8> = self.output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
            self.output.consume(part.len(), &mut self.pool);
            bytes.extend(part);
        }
        bytes
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let mut bytes = bytes.to_vec();
        let mut bytes = &mut bytes[..];
        loop {
            let received = self.link.receive(&mut bytes, &mut self.output.outlet(&mut self.pool))?;
            let Some(mut part) = received else { break };
            assert!(!part.is_empty(), "a part of the peer's frames is never empty");
            while let Some(frame) = self.decoder.next_frame(&mut part).expect("a sound stream of frames") {
                self.frames.push(frame.to_vec());
            }
        }
        assert!(bytes.is_empty(), "all bytes are taken");
        Ok(())
    }

    pub(super) fn close(&mut self) {
        assert_eq!(self.link.close(&mut self.output.outlet(&mut self.pool)), Ok(()));
    }

    pub(super) fn is_open(&self) -> bool {
        self.link.state() == LinkState::Open
    }
}

/// Carries bytes to and fro until there are none. The errors of the connecting and the listening end.
pub(super) fn carry(ann: &mut Peer, bob: &mut Peer) -> [Option<LinkError>; 2] {
    let mut errors = [None, None];
    loop {
        let (from_ann, from_bob) = (wire_of(ann, &errors[0]), wire_of(bob, &errors[1]));
        if from_ann.is_empty() && from_bob.is_empty() {
            break;
        }
        if errors[1].is_none() {
            errors[1] = bob.read(&from_ann).err();
        }
        if errors[0].is_none() {
            errors[0] = ann.read(&from_bob).err();
        }
    }
    errors
}

/// An end that has failed still sends what it had written when it failed.
fn wire_of(peer: &mut Peer, error: &Option<LinkError>) -> Vec<u8> {
    if error.is_some() { peer.ready() } else { peer.wire() }
}

/// Two ends whose link is open.
pub(super) fn opened(connect: &ConnectSecurity, listen: &ListenSecurity) -> (Peer, Peer) {
    opened_with(connect, listen, 3, 4)
}

pub(super) fn opened_with(connect: &ConnectSecurity, listen: &ListenSecurity, e_i: u8, e_r: u8) -> (Peer, Peer) {
    let (mut ann, mut bob) = (Peer::connecting(connect, e_i), Peer::listening(listen, e_r));
    assert_eq!(carry(&mut ann, &mut bob), [None, None]);
    assert!(ann.is_open() && bob.is_open());
    (ann, bob)
}

pub(super) fn opened_in(mode: Mode) -> (Peer, Peer) {
    opened(&connect(mode), &listen(mode))
}

/// An end by hand, which can say what no honest one would.
pub(super) struct Hand {
    pub(super) sealing: Half,
    pub(super) opening: Half,
}

impl Hand {
    pub(super) fn say(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut record = Vec::new();
        assert_eq!(self.sealing.seal(kind, body, &mut record), Ok(()));
        record
    }

    /// The records in these bytes: their kinds and bodies.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let open = |record: &mut Vec<u8>| {
            let (kind, start) = self.opening.open(record).expect("a sound record");
            (kind, record[start..].to_vec())
        };
        records(bytes).iter_mut().map(open).collect()
    }

    fn take(mut handshake: Handshake, peer: &mut Peer) -> Self {
        let (mut pool, mut output) = (Pool::new(), Output::default());
        handshake.begin(&mut output.outlet(&mut pool));
        loop {
            let ours: Vec<u8> = output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
            output.consume(ours.len(), &mut pool);
            assert_eq!(peer.read(&ours), Ok(()));
            let mut theirs = peer.wire();
            let done = handshake.take(&mut &mut theirs[..], &mut output.outlet(&mut pool)).expect("an honest peer");
            if let Some(Done { keys, .. }) = done {
                let (seals, opens) = keys.map_or((None, None), |[seals, opens]| (Some(seals), Some(opens)));
                let (end, epochs) = (handshake.end, handshake.settings.epochs);
                let mut hand =
                    Self { sealing: Half::new(end, seals, epochs), opening: Half::new(end.other(), opens, epochs) };
                let ours: Vec<u8> = output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
                assert_eq!(peer.read(&ours), Ok(()));
                let behind =
                    if handshake.mode() == Mode::Clear { theirs.split_off(theirs.len().min(16)) } else { Vec::new() };
                let ready = [behind, peer.wire()].concat();
                hand.hear(&ready);
                return hand;
            }
        }
    }
}

/// A connecting end by hand, admitted by a real listening one.
pub(super) fn by_hand(mode: Mode) -> (Hand, Peer) {
    by_hand_at(mode, &listen(mode))
}

/// The same, the real end with these numbers about keys.
pub(super) fn by_hand_with(epochs: Epochs) -> (Hand, Peer) {
    by_hand_at(Mode::Encrypted, &listen(Mode::Encrypted).epochs(epochs))
}

fn by_hand_at(mode: Mode, listen: &ListenSecurity) -> (Hand, Peer) {
    let mut bob = Peer::listening(listen, 4);
    let handshake = connect(mode).handshake(ADDRESS, FrameLimit::default(), Seed::from_bytes([3; 32]));
    (Hand::take(handshake.expect("sound settings"), &mut bob), bob)
}

/// A listening end by hand, and a real connecting one that waits to be admitted.
pub(super) fn listening_by_hand(connect: &ConnectSecurity, listen: &ListenSecurity) -> (Hand, Peer) {
    let mut ann = Peer::connecting(connect, 3);
    let handshake = listen.handshake(FrameLimit::default(), Seed::from_bytes([4; 32]));
    (Hand::take(handshake.expect("sound settings"), &mut ann), ann)
}

/// A stream of records, cut.
pub(super) fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some(prefix) = bytes.first_chunk::<4>() {
        let (record, rest) = bytes.split_at(4 + u32::from_be_bytes(*prefix) as usize);
        records.push(record.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "whole records");
    records
}

/// A generator of chance that gives the same numbers in each run (splitmix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}
