//! Plain functions over bytes, for fuzzing and for the seeded loop in the tests. Not part of the interface: only tests and the
//! feature `fuzzing` compile them.
//!
//! Each reads its input as a little programme: what two honest ends do, and what somebody between them does to their bytes.
//! They panic when a promise is broken.

mod end;
mod forged;

use super::Mode;
use end::{End, Input, Setting};

/// A connecting end reads anything.
pub fn handshake_initiator(data: &[u8]) {
    let mut input = Input(data);
    let setting = input.setting();
    match input.byte() % 4 {
        0 | 2 => End::connecting(setting).read_raw(&mut input, setting.mode),
        1 => with_changed_messages(&mut input, setting),
        _ => forged::welcome(&mut input, setting),
    }
}

/// A listening end reads anything.
pub fn handshake_responder(data: &[u8]) {
    let mut input = Input(data);
    let setting = input.setting();
    match input.byte() % 4 {
        0 | 2 => {
            let mut end = End::listening(setting);
            // A good beginning, so that the rest is not always lost on the magic.
            if input.byte().is_multiple_of(2) {
                end.read(&End::connecting(setting).write());
            }
            end.read_raw(&mut input, setting.mode);
        }
        1 => with_changed_messages(&mut input, setting),
        _ => forged::finish(&mut input, setting),
    }
}

/// Two ends whose link is open; somebody changes, drops, repeats, moves, cuts and makes up bytes.
///
/// In a sealed link what arrives is always a beginning of what was sent, and all of it where the peer's goodbye has come.
pub fn record_stream(data: &[u8]) {
    let mut input = Input(data);
    let setting = input.setting();
    let mut stream = Stream::opened(setting);
    while let Some(step) = input.next() {
        stream.take(step, &mut input);
    }
    stream.carry();
    stream.check(setting.mode);
}

/// What goes from Ann to Bob passes somebody's hands; what goes back does not.
struct Stream {
    ann: End,
    bob: End,
    sent: Vec<Vec<u8>>,
    sent_back: Vec<Vec<u8>>,
    /// On the way to Bob, in the pieces in which it will be read.
    wire: Vec<Vec<u8>>,
    is_changed: bool,
}

impl Stream {
    fn opened(setting: Setting) -> Self {
        let (mut ann, mut bob) = (End::connecting(setting), End::listening(setting));
        while !(ann.is_open() && bob.is_open()) {
            let (hello, answer) = (ann.write(), bob.write());
            assert!(!(hello.is_empty() && answer.is_empty()), "honest ends open a link");
            bob.read(&hello);
            ann.read(&answer);
        }
        Self { ann, bob, sent: Vec::new(), sent_back: Vec::new(), wire: Vec::new(), is_changed: false }
    }

    fn take(&mut self, step: u8, input: &mut Input<'_>) {
        let more = step >> 3;
        match step % 8 {
            0 | 1 => {
                for _ in 0..=more % 4 {
                    let unit = if more < 16 { 9 } else { 100 };
                    let frame = vec![self.sent.len() as u8; 1 + usize::from(input.byte()) * unit];
                    self.ann.send(frame, &mut self.sent);
                }
                self.wire.push(self.ann.write());
            }
            2 => self.behave(more, input),
            3 => {
                if let Some(bytes) = input.pick(&mut self.wire) {
                    bytes[0] ^= 1 << (more % 8);
                    self.is_changed = true;
                }
            }
            4 if !self.wire.is_empty() => self.move_piece(more, input),
            5 if !self.wire.is_empty() => {
                let at = usize::from(input.byte()) % self.wire.len();
                let cut = usize::from(input.byte()).min(self.wire[at].len());
                let behind = self.wire[at].split_off(cut);
                self.wire.insert(at + 1, behind);
            }
            6 => {
                let length = usize::from(input.byte());
                self.wire.push(input.take(length));
                self.is_changed = true;
            }
            _ => self.carry(),
        }
    }

    /// What ends do besides sending.
    fn behave(&mut self, what: u8, input: &mut Input<'_>) {
        match what % 8 {
            0 => self.ann.close(),
            1 => self.bob.close(),
            2 | 3 => self.ann.ping(),
            4 | 5 => self.bob.ping(),
            _ => {
                let frame = vec![what; 1 + usize::from(input.byte())];
                self.bob.send(frame, &mut self.sent_back);
            }
        }
        self.wire.push(self.ann.write());
    }

    /// Drops, repeats or delays a piece.
    fn move_piece(&mut self, how: u8, input: &mut Input<'_>) {
        let at = usize::from(input.byte()) % self.wire.len();
        let piece = if how.is_multiple_of(3) { self.wire[at].clone() } else { self.wire.remove(at) };
        if how % 3 < 2 {
            self.wire.push(piece);
        }
        self.is_changed = true;
    }

    fn carry(&mut self) {
        for bytes in std::mem::take(&mut self.wire) {
            self.bob.read(&bytes);
        }
        self.wire.push(self.ann.write());
        self.ann.read(&self.bob.write());
    }

    fn check(mut self, mode: Mode) {
        self.carry();
        self.carry();
        let (at_bob, at_ann) = (self.bob.check_end(), self.ann.check_end());
        if mode != Mode::Clear {
            assert!(self.sent.starts_with(&self.bob.frames), "{mode}: something else arrived");
            assert!(self.sent_back.starts_with(&self.ann.frames), "{mode}: something else came back");
            assert!(!at_bob || self.sent == self.bob.frames, "{mode}: a cut looks like an end in order");
            assert!(!at_ann || self.sent_back == self.ann.frames, "{mode}: a cut back looks like an end in order");
        }
        if !self.is_changed {
            assert_eq!((&self.ann.failed, &self.bob.failed), (&None, &None), "honest ends agree");
            assert_eq!((&self.bob.frames, &self.ann.frames), (&self.sent, &self.sent_back), "honest ends talk");
        }
    }
}

/// Two honest ends, and changes to the bytes between them. In a sealed link nothing crosses behind a changed handshake.
fn with_changed_messages(input: &mut Input<'_>, setting: Setting) {
    let mode = setting.mode;
    let (mut ann, mut bob) = (End::connecting(setting), End::listening(setting));
    let (mut to_bob, mut to_ann) = (Vec::new(), Vec::new());
    ann.send_early(b"from ann", &mut to_bob);
    bob.send_early(b"from bob", &mut to_ann);
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
        // Hello, welcome and finish; what follows, or is put behind them, are records.
        is_handshake_changed |= step < 3 && !bytes.starts_with(&honest);
        to.read(&bytes);
    }
    if !is_changed {
        assert_eq!((&bob.frames, &ann.frames), (&to_bob, &to_ann), "honest ends talk");
    } else if mode != Mode::Clear {
        assert!(to_bob.starts_with(&bob.frames) && to_ann.starts_with(&ann.frames), "{mode}: something else arrived");
        assert!(!is_handshake_changed || (bob.frames.is_empty() && ann.frames.is_empty()), "{mode}: not noticed");
    }
    ann.check_end();
    bob.check_end();
}
