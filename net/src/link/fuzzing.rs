//! Plain functions over bytes, for fuzzing and for the seeded loop in the tests. Not part of the interface.
//!
//! Each reads its input as a little programme: what two honest ends do, and what somebody between them does to their bytes.
//! They panic when a promise is broken.

use super::{ConnectSecurity, Identity, ListenSecurity, Mode, Seed};
use crate::wire::{Decoder, FrameLimit, Link, LinkError, LinkState, Output, Pool};

const MODES: [Mode; 4] = [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];
const LIMIT: usize = 4_096;

/// A connecting end reads anything.
pub fn handshake_initiator(data: &[u8]) {
    let mut input = Input(data);
    let mode = input.mode();
    let mut end = End::connecting(mode);
    if input.byte() % 2 == 0 {
        end.read_raw(&mut input, mode);
    } else {
        with_changed_messages(&mut input, mode);
    }
}

/// A listening end reads anything.
pub fn handshake_responder(data: &[u8]) {
    let mut input = Input(data);
    let mode = input.mode();
    let mut end = End::listening(mode);
    if input.byte() % 2 == 0 {
        // A good beginning, so that the rest is not always lost on the magic.
        if input.byte() % 2 == 0 {
            end.read(&End::connecting(mode).write());
        }
        end.read_raw(&mut input, mode);
    } else {
        with_changed_messages(&mut input, mode);
    }
}

/// Two ends whose link is open; somebody changes, drops, repeats, moves and makes up bytes.
///
/// In a sealed link what arrives is always a beginning of what was sent.
pub fn record_stream(data: &[u8]) {
    let mut input = Input(data);
    let mode = input.mode();
    let (mut ann, mut bob) = (End::connecting(mode), End::listening(mode));
    while !(ann.is_open() && bob.is_open()) {
        let (hello, answer) = (ann.write(), bob.write());
        assert!(!(hello.is_empty() && answer.is_empty()), "honest ends open a link");
        bob.read(&hello);
        ann.read(&answer);
    }
    let (mut sent, mut wire) = (Vec::new(), Vec::new());
    while let Some(step) = input.next() {
        match step % 8 {
            0..=2 => {
                for _ in 0..=step >> 5 {
                    let frame = vec![sent.len() as u8; 1 + usize::from(input.byte()) * 9];
                    ann.send(&frame);
                    sent.push(frame);
                }
                wire.push(ann.write());
            }
            3 => {
                if let Some(bytes) = input.pick(&mut wire) {
                    bytes[0] ^= 1 << (step >> 5);
                }
            }
            4 if !wire.is_empty() => drop(wire.remove(usize::from(input.byte()) % wire.len())),
            5 if !wire.is_empty() => {
                let at = usize::from(input.byte()) % wire.len();
                wire.push(wire[at].clone());
            }
            6 => {
                let made_up = input.take(usize::from(step >> 3));
                wire.push(made_up);
            }
            _ => {
                for bytes in std::mem::take(&mut wire) {
                    bob.read(&bytes);
                }
                wire.push(ann.write());
                ann.read(&bob.write());
            }
        }
    }
    for bytes in wire {
        bob.read(&bytes);
    }
    assert!(mode == Mode::Clear || sent.starts_with(&bob.frames), "{mode}: something else arrived");
    bob.check_end();
    ann.check_end();
}

/// Two honest ends, and changes to the bytes between them. In a sealed link nothing crosses behind a changed handshake.
fn with_changed_messages(input: &mut Input<'_>, mode: Mode) {
    let (mut ann, mut bob) = (End::connecting(mode), End::listening(mode));
    ann.send(b"from ann");
    bob.send(b"from bob");
    let (mut is_changed, mut is_handshake_changed) = (false, false);
    for step in 0..6 {
        let (from, to) = if step % 2 == 0 { (&mut ann, &mut bob) } else { (&mut bob, &mut ann) };
        let honest = from.write();
        let mut bytes = honest.clone();
        for _ in 0..input.byte() % 4 {
            let (at, value) = (usize::from(input.byte()), input.byte());
            match (value % 8, bytes.len()) {
                (0, _) => bytes.truncate(at),
                (1, length) => bytes.insert(at.min(length), value),
                (_, 0) => {}
                (_, length) => bytes[at % length] ^= value,
            }
        }
        is_changed |= bytes != honest;
        // Hello, welcome and finish; what follows are records.
        is_handshake_changed |= step < 3 && bytes != honest;
        to.read(&bytes);
    }
    let (to_bob, to_ann) = (vec![b"from ann".to_vec()], vec![b"from bob".to_vec()]);
    if !is_changed {
        assert_eq!((&bob.frames, &ann.frames), (&to_bob, &to_ann), "honest ends talk");
    } else if mode != Mode::Clear {
        assert!(to_bob.starts_with(&bob.frames) && to_ann.starts_with(&ann.frames), "{mode}: something else arrived");
        assert!(!is_handshake_changed || (bob.frames.is_empty() && ann.frames.is_empty()), "{mode}: not noticed");
    }
    ann.check_end();
    bob.check_end();
}

/// Bytes as decisions; none are left when they are used up.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn mode(&mut self) -> Mode {
        MODES[usize::from(self.byte()) % MODES.len()]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    /// From some byte on, one of these.
    fn pick<'w>(&mut self, wire: &'w mut [Vec<u8>]) -> Option<&'w mut [u8]> {
        let (which, at) = (usize::from(self.byte()), usize::from(self.byte()));
        let count = wire.len().max(1);
        let bytes = wire.get_mut(which % count).filter(|bytes| !bytes.is_empty())?;
        let length = bytes.len();
        Some(&mut bytes[at % length..])
    }
}

/// One end of a link, with what its driver would have.
struct End {
    link: Box<dyn Link>,
    output: Output,
    pool: Pool,
    decoder: Decoder,
    frames: Vec<Vec<u8>>,
    failed: Option<LinkError>,
}

impl End {
    fn connecting(mode: Mode) -> Self {
        let server = identity(2).public_key();
        let security = match mode {
            Mode::Clear => ConnectSecurity::clear(),
            Mode::Encrypted => ConnectSecurity::encrypted(),
            Mode::ServerAuthenticated => ConnectSecurity::clear().expect(server),
            Mode::Mutual => ConnectSecurity::clear().expect(server).identity(identity(1)),
        };
        Self::new(security.link("fuzz:1", limit(), Seed::from_bytes([3; 32])).expect("sound settings"))
    }

    fn listening(mode: Mode) -> Self {
        let own = ListenSecurity::clear().identity(identity(2));
        let security = match mode {
            Mode::Clear => ListenSecurity::clear(),
            Mode::Encrypted => ListenSecurity::encrypted(),
            Mode::ServerAuthenticated => own,
            Mode::Mutual => own.allow([identity(1).public_key()]),
        };
        Self::new(security.link(limit(), Seed::from_bytes([4; 32])).expect("sound settings"))
    }

    fn new(mut link: Box<dyn Link>) -> Self {
        let (mut output, mut pool) = (Output::default(), Pool::new());
        link.begin(&mut output.outlet(&mut pool)).expect("a fresh link");
        Self { link, output, pool, decoder: Decoder::new(limit()), frames: Vec::new(), failed: None }
    }

    fn is_open(&self) -> bool {
        self.link.state() == LinkState::Open
    }

    fn send(&mut self, frame: &[u8]) {
        let appended = self.output.append(&mut self.pool, |out| {
            out.extend((frame.len() as u32).to_be_bytes());
            out.extend_from_slice(frame);
            Ok(())
        });
        appended.expect("little waits");
    }

    fn write(&mut self) -> Vec<u8> {
        if self.failed.is_none() {
            self.output.seal(&mut *self.link, &mut self.pool).expect("a link that has not failed");
        }
        let bytes: Vec<u8> = self.output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
        self.output.consume(bytes.len(), &mut self.pool);
        bytes
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let mut bytes = &mut bytes[..];
        loop {
            let received = self.link.receive(&mut bytes, &mut self.output.outlet(&mut self.pool));
            if let Some(before) = &self.failed {
                assert_eq!(received, Err(before.clone()), "an error stays");
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
                    return;
                }
            }
        }
        assert!(bytes.is_empty());
    }

    /// Reads what is left of the input, in pieces.
    fn read_raw(&mut self, input: &mut Input<'_>, mode: Mode) {
        while let Some(size) = input.next() {
            let bytes = input.take(usize::from(size));
            self.read(&bytes);
        }
        assert!(mode == Mode::Clear || (!self.is_open() && self.frames.is_empty()), "nobody can guess a key");
        self.check_end();
    }

    fn check_end(&mut self) {
        let end = self.link.end();
        assert_eq!(self.link.end(), end, "an end stays");
        assert!(self.failed.is_none() || end.err() == self.failed);
    }
}

fn limit() -> FrameLimit {
    FrameLimit::new(LIMIT).unwrap_or_default()
}

fn identity(byte: u8) -> Identity {
    Identity::from_seed(Seed::from_bytes([byte; 32]))
}
