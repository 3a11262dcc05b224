//! What a peer may do that breaks the rules, drawn from a seed.

use statepoint::link::Mode;
use statepoint::sim::Random;

use crate::frames::{self, Called, DEFAULT};
use crate::messages;
use crate::modes::MODES;

/// Who the peer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Who {
    /// Who is expected.
    Right,
    /// It is set to another mode.
    OfMode(Mode),
    /// It has another key than the one that is expected.
    Stranger,
    /// It does not trust the other end's key.
    Distrusting,
}

/// What is done to one message of an honest peer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Misdeed {
    Flip {
        at: usize,
        bit: u8,
    },
    /// Another value for a byte: those of the first sixteen are fields.
    Field {
        at: usize,
        value: u8,
    },
    /// A number that is no key in place of the ephemeral one.
    NoKey(u8),
    Drop {
        at: usize,
        count: usize,
    },
    Insert {
        at: usize,
        bytes: Vec<u8>,
    },
    /// Nothing comes from here on.
    Cut {
        at: usize,
    },
    Twice,
    /// It comes behind the next one.
    Late,
    /// Instead, what the other end has written last.
    Reflect {
        count: usize,
    },
    /// Instead, what was written in this place over an earlier connection.
    Replay,
    /// Instead, other bytes.
    Noise(Vec<u8>),
    /// Instead, a record of this length, without the rest.
    Length(u32),
    /// In front of it, a note in a record that is not sealed.
    Unsealed,
    /// In front of it, the first message once more.
    Again,
    /// Instead of its first sixteen bytes, a refusal that anybody can make.
    Refusal {
        mode: u8,
        reason: u8,
    },
}

/// How it leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Leaving {
    /// With a goodbye.
    Goodbye,
    /// With the end of the stream.
    End,
    /// By closing the socket, whatever waits in it.
    Close,
    /// Not at all, if its link is not open.
    Silence,
}

/// All that it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) who: Who,
    /// How many notes it says.
    pub(crate) notes: usize,
    /// It writes a few bytes at a time.
    pub(crate) in_pieces: bool,
    /// It hears something over the open link before it goes on.
    pub(crate) waits: bool,
    /// To which message what is done.
    pub(crate) misdeeds: Vec<(usize, Misdeed)>,
    pub(crate) leaving: Leaving,
}

impl Plan {
    /// One of these modes, at the other end.
    pub(crate) fn drawn(random: &mut Random, mode: Mode) -> Self {
        let who = match random.below(8) {
            0 => Who::OfMode(MODES[random.below(4) as usize]),
            1 if mode >= Mode::ServerAuthenticated => Who::Stranger,
            2 if mode >= Mode::ServerAuthenticated => Who::Distrusting,
            _ => Who::Right,
        };
        let notes = random.below(4) as usize;
        // Half of all peers spoil nothing but the handshake.
        let messages = if random.chance(0.5) { 2 } else { 3 + notes as u64 };
        let misdeeds =
            (0..random.below(3)).map(|_| (random.below(messages) as usize, Misdeed::drawn(random))).collect();
        let leaving = match random.below(8) {
            0..=2 => Leaving::Goodbye,
            3..=4 => Leaving::End,
            5 => Leaving::Close,
            _ => Leaving::Silence,
        };
        Self { who, notes, in_pieces: random.chance(0.1), waits: random.chance(0.7), misdeeds, leaving }
    }
}

impl Misdeed {
    fn drawn(random: &mut Random) -> Self {
        let kind = random.below(16);
        let mut below = |bound: u64| random.below(bound) as usize;
        match kind {
            0 | 1 => Self::Flip { at: below(120), bit: below(8) as u8 },
            2 => Self::Field { at: below(16), value: [0, 1, 2, 3, 0x7F, 0xFF][below(6)] },
            3 => Self::NoKey(below(6) as u8),
            4 => Self::Drop { at: below(120), count: 1 + below(40) },
            5 => Self::Insert { at: below(120), bytes: (0..=below(60)).map(|_| below(256) as u8).collect() },
            6 => Self::Cut { at: below(120) },
            7 => Self::Twice,
            8 => Self::Late,
            9 => Self::Reflect { count: 1 + below(200) },
            10 => Self::Replay,
            11 => Self::Noise((0..below(200)).map(|_| below(256) as u8).collect()),
            12 => Self::Length([0, 1, 16, 17, 1 << 20, (1 << 20) + 18, u32::MAX][below(7)]),
            13 => Self::Unsealed,
            14 => Self::Again,
            _ => Self::Refusal { mode: below(5) as u8, reason: below(6) as u8 },
        }
    }
}

/// A note that nobody ever says over a sealed link.
pub(crate) const FORGED: i64 = 666;

/// What the peer writes, beside what an honest one would have written.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) honest: Vec<u8>,
    pub(crate) written: Vec<u8>,
    /// The messages of the honest one.
    pub(crate) messages: Vec<Vec<u8>>,
    /// What comes behind the next message.
    held: Vec<u8>,
    /// Nothing more is written.
    pub(crate) is_cut: bool,
}

impl Way {
    /// What is written instead of the next message, when the other end has written `heard`.
    pub(crate) fn spoil(&mut self, message: Vec<u8>, plan: &Plan, heard: &[u8], earlier: &[Vec<u8>]) -> Vec<u8> {
        let number = self.messages.len();
        self.honest.extend(&message);
        self.messages.push(message.clone());
        let mut bytes = message;
        let held = std::mem::take(&mut self.held);
        for (_, misdeed) in plan.misdeeds.iter().filter(|(of, _)| *of == number) {
            bytes = self.done(misdeed, bytes, heard, earlier.get(number));
        }
        bytes.extend(held);
        bytes
    }

    fn done(&mut self, misdeed: &Misdeed, mut bytes: Vec<u8>, heard: &[u8], earlier: Option<&Vec<u8>>) -> Vec<u8> {
        let within = |at: usize| at % bytes.len().max(1);
        match misdeed {
            Misdeed::Flip { at, bit } if !bytes.is_empty() => {
                let at = within(*at);
                bytes[at] ^= 1 << bit;
            }
            Misdeed::Field { at, value } if !bytes.is_empty() => {
                let at = within(*at);
                bytes[at] = *value;
            }
            Misdeed::NoKey(number) if bytes.len() >= 48 => bytes[16..48].copy_from_slice(&no_key(*number)),
            Misdeed::Drop { at, count } => {
                let at = within(*at);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Misdeed::Insert { at, bytes: more } => {
                let at = within(*at);
                bytes.splice(at..at, more.iter().copied());
            }
            Misdeed::Cut { at } => {
                bytes.truncate(within(*at));
                self.is_cut = true;
            }
            Misdeed::Twice => bytes.extend(bytes.clone()),
            Misdeed::Late => self.held = std::mem::take(&mut bytes),
            Misdeed::Reflect { count } => bytes = heard[heard.len() - count.min(&heard.len())..].to_vec(),
            Misdeed::Replay => bytes = earlier.cloned().unwrap_or_default(),
            Misdeed::Noise(noise) => bytes.clone_from(noise),
            Misdeed::Length(length) => bytes = [&length.to_be_bytes()[..], &[0; 20]].concat(),
            Misdeed::Unsealed => {
                let note = frames::message(DEFAULT, None, Called::Name("test.Note"), &[], &messages::note(FORGED));
                bytes.splice(0..0, note);
            }
            Misdeed::Again => {
                let first = self.messages[0].clone();
                bytes.splice(0..0, first);
            }
            Misdeed::Refusal { mode, reason } => {
                let refusal = [b"\xF5FSM\x7F\x01\x01", &[*mode, 0, 0, 0, 0, 0, *reason, 0, 0][..]].concat();
                bytes.splice(..bytes.len().min(16), refusal);
            }
            Misdeed::Flip { .. } | Misdeed::Field { .. } | Misdeed::NoKey(_) => {}
        }
        bytes
    }

    /// How far what was written is what an honest peer would have written.
    pub(crate) fn agreed(&self) -> usize {
        self.honest.iter().zip(&self.written).take_while(|(one, other)| one == other).count()
    }

    /// Whether what was written opens a clear link, at a listener or a connector.
    pub(crate) fn opens_clear(&self, listens: bool) -> bool {
        let Some(([0xF5, b'F', b'S', b'M', kind, version, lowest, 0, limit @ .., 0, 0, 0, 0], rest)) =
            self.written.split_first_chunk::<16>()
        else {
            return false;
        };
        let limit = u32::from_be_bytes(*limit);
        let is_answer = [*kind, *version, *lowest] == [2, 1, 0] && rest.starts_with(&frames::WELCOME[16..]);
        let is_question = [*kind, *lowest] == [1, 1] && *version >= 1;
        (1_024..=64 << 20).contains(&limit) && if listens { is_question } else { is_answer }
    }

    pub(crate) fn is_honest(&self) -> bool {
        self.honest == self.written
    }
}

/// Numbers that are no keys: 0, 1, the prime less one, the prime, one of order 8, the spare bit.
fn no_key(number: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    match number {
        0 => {}
        1 => bytes[0] = 1,
        2 | 3 => {
            bytes = [0xFF; 32];
            (bytes[0], bytes[31]) = (0xEA + number, 0x7F);
        }
        4 => {
            bytes = [
                0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56, 0xE3, 0xFA, 0xF1, 0x9F, 0xC4, 0x6A, 0xDA,
                0x09, 0x8D, 0xEB, 0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16, 0x5F, 0x49, 0xB8, 0x00,
            ];
        }
        _ => (bytes[0], bytes[31]) = (9, 0x80),
    }
    bytes
}
