//! One end of a link with what its driver would have, and the input as decisions.

use super::super::handshake::Handshake;
use super::super::record::Epochs;
use super::super::secured::Secured;
use super::super::{ConnectSecurity, Identity, ListenSecurity, Mode, Seed};
use crate::wire::{Decoder, FrameLimit, Link, LinkError, LinkState, Output, Pool};

const MODES: [Mode; 4] = [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];

/// The secrets of ends: of their identities, and of their ephemeral keys.
pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const ANN_EPHEMERAL: u8 = 3;
const BOB_EPHEMERAL: u8 = 4;

/// How both ends are set.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) mode: Mode,
    limit: FrameLimit,
    epochs: Epochs,
}

/// Bytes as decisions; none are left when they are used up.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl Input<'_> {
    pub(super) fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// The first byte: mode, a large or small limit, keys that last or not.
    pub(super) fn setting(&mut self) -> Setting {
        let byte = self.byte();
        let limit = if byte & 4 == 0 { FrameLimit::CAP.bytes() } else { 4_096 };
        let short = Epochs { after: (2, u64::MAX), least: (2, u64::MAX), most: (6, u64::MAX) };
        Setting {
            mode: MODES[usize::from(byte) % MODES.len()],
            limit: FrameLimit::new(limit).unwrap_or_default(),
            epochs: if byte & 8 == 0 { short } else { Epochs::new(0) },
        }
    }

    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    /// From some byte on, one of these.
    pub(super) fn pick<'w>(&mut self, wire: &'w mut [Vec<u8>]) -> Option<&'w mut [u8]> {
        let (which, at) = (usize::from(self.byte()), usize::from(self.byte()));
        let count = wire.len().max(1);
        let bytes = wire.get_mut(which % count).filter(|bytes| !bytes.is_empty())?;
        let length = bytes.len();
        Some(&mut bytes[at % length..])
    }
}

pub(super) struct End {
    link: Secured,
    output: Output,
    pool: Pool,
    limit: usize,
    /// How many bytes were read.
    come: usize,
    decoder: Decoder,
    pub(super) frames: Vec<Vec<u8>>,
    pub(super) failed: Option<LinkError>,
}

impl End {
    pub(super) fn connecting(setting: Setting) -> Self {
        let server = identity(BOB).public_key();
        let security = match setting.mode {
            Mode::Clear => ConnectSecurity::clear(),
            Mode::Encrypted => ConnectSecurity::encrypted(),
            Mode::ServerAuthenticated => ConnectSecurity::clear().expect(server),
            Mode::Mutual => ConnectSecurity::clear().expect(server).identity(identity(ANN)),
        };
        let seed = Seed::from_bytes([ANN_EPHEMERAL; 32]);
        Self::new(security.epochs(setting.epochs).handshake("fuzz:1", setting.limit, seed), setting)
    }

    pub(super) fn listening(setting: Setting) -> Self {
        let own = ListenSecurity::clear().identity(identity(BOB));
        let security = match setting.mode {
            Mode::Clear => ListenSecurity::clear(),
            Mode::Encrypted => ListenSecurity::encrypted(),
            Mode::ServerAuthenticated => own,
            Mode::Mutual => own.allow([identity(ANN).public_key()]),
        };
        let seed = Seed::from_bytes([BOB_EPHEMERAL; 32]);
        Self::new(security.epochs(setting.epochs).handshake(setting.limit, seed), setting)
    }

    fn new<E: std::fmt::Debug>(handshake: Result<Handshake, E>, setting: Setting) -> Self {
        let (mut output, mut pool) = (Output::default(), Pool::new());
        let mut link = Secured::new(handshake.expect("sound settings"));
        link.begin(&mut output.outlet(&mut pool)).expect("a fresh link");
        let (limit, decoder) = (setting.limit.bytes(), Decoder::new(setting.limit));
        Self { link, output, pool, limit, come: 0, decoder, frames: Vec::new(), failed: None }
    }

    pub(super) fn is_open(&self) -> bool {
        self.link.state() == LinkState::Open && self.failed.is_none()
    }

    /// An end that has said goodbye, or has failed, sends nothing.
    pub(super) fn send(&mut self, mut frame: Vec<u8>, sent: &mut Vec<Vec<u8>>) {
        frame.truncate(self.limit);
        if self.is_open() {
            self.send_early(&frame, sent);
        }
    }

    /// Also before the link is open.
    pub(super) fn send_early(&mut self, frame: &[u8], sent: &mut Vec<Vec<u8>>) {
        let appended = self.output.append(&mut self.pool, |out| {
            out.extend((frame.len() as u32).to_be_bytes());
            out.extend_from_slice(frame);
            Ok(())
        });
        appended.expect("little waits");
        sent.push(frame.to_vec());
    }

    pub(super) fn ping(&mut self) {
        self.link.ping(&mut self.output.outlet(&mut self.pool)).expect("a small record");
    }

    /// Behind what was sent before.
    pub(super) fn close(&mut self) {
        if self.is_open() {
            self.output.seal(&mut self.link, &mut self.pool).expect("an open link");
            self.link.close(&mut self.output.outlet(&mut self.pool)).expect("an open link");
        }
    }

    pub(super) fn write(&mut self) -> Vec<u8> {
        if self.failed.is_none() {
            self.output.seal(&mut self.link, &mut self.pool).expect("a link that has not failed");
        }
        let mut written = Vec::new();
        while self.output.ready() > 0 {
            let part: Vec<u8> = self.output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
            self.output.consume(part.len(), &mut self.pool);
            written.extend(part);
        }
        written
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.come += bytes.len();
        let mut bytes = bytes.to_vec();
        let mut bytes = &mut bytes[..];
        loop {
            let waiting = self.output.ready();
            let received = self.link.receive(&mut bytes, &mut self.output.outlet(&mut self.pool));
            if let Some(before) = &self.failed {
                assert_eq!(received, Err(before.clone()), "an error stays");
                assert_eq!(self.output.ready(), waiting, "after an error nothing is said");
                return;
            }
            match received {
                Ok(None) => break,
                Ok(Some(mut part)) => {
                    assert!(!part.is_empty());
                    // In a clear link anybody can break the frames; that is the decoder's to tell.
                    while let Ok(Some(frame)) = self.decoder.next_frame(&mut part) {
                        self.frames.push(frame.to_vec());
                    }
                }
                Err(error) => {
                    assert!(!error.is_final(), "nobody between the ends can be final");
                    self.failed = Some(error);
                    break;
                }
            }
        }
        assert!(bytes.is_empty() || self.failed.is_some());
        let held = self.link.held();
        assert!(held <= (2 * self.come).max(256) && held <= self.limit + 21, "{held} bytes held of {}", self.come);
        assert!(self.failed.is_none() || held == 0, "a link that has failed holds nothing");
    }

    /// Reads what is left of the input, in pieces.
    pub(super) fn read_raw(mut self, input: &mut Input<'_>, mode: Mode) {
        while let Some(size) = input.next() {
            let bytes = input.take(usize::from(size));
            self.read(&bytes);
        }
        assert!(mode == Mode::Clear || (!self.is_open() && self.frames.is_empty()), "nobody can guess a key");
        self.check_end();
    }

    /// The stream is over. Whether it is in order, which stays as it is; behind an error nothing goes any more.
    pub(super) fn check_end(&mut self) -> bool {
        let end = self.link.end();
        assert_eq!(self.link.end(), end, "an end stays");
        if let Some(error) = &self.failed {
            let waiting = self.output.ready();
            assert_eq!(end.as_ref(), Err(error));
            let out = &mut self.output.outlet(&mut self.pool);
            assert_eq!(self.link.seal(vec![0, 0, 0, 1, 7], out), Err(error.clone()));
            assert_eq!(self.link.ping(out), Ok(()));
            assert_eq!(self.link.close(out), Err(error.clone()));
            assert_eq!(self.link.missing(), None);
            assert_eq!(self.output.ready(), waiting, "after an error nothing is said");
        }
        end.is_ok()
    }
}

pub(super) fn identity(byte: u8) -> Identity {
    Identity::from_seed(Seed::from_bytes([byte; 32]))
}
