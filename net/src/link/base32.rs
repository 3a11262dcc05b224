//! 32 bytes as people copy them: base32 in small letters, a checksum included.

use zeroize::Zeroizing;

use super::suite::hash;

/// How long such a text is: 35 bytes at 5 bits a letter.
pub(super) const TEXT: usize = 56;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const CHECKSUM: usize = 3;

/// Why a text is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Length(usize),
    Letter(usize),
    Checksum,
}

/// What `bytes` are for goes into the checksum, so that a secret is not taken for a public key.
pub(super) fn encode(purpose: &[u8], bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut all = Zeroizing::new([0; 32 + CHECKSUM]);
    all[..32].copy_from_slice(bytes);
    all[32..].copy_from_slice(&checksum(purpose, bytes));
    letters(&*all)
}

/// Eight letters for five bytes; what is left over is dropped.
pub(super) fn letters(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 5 * 8));
    for five in bytes.chunks_exact(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|at| char::from(ALPHABET[(bits >> (5 * at)) as usize & 31])));
    }
    text
}

pub(super) fn decode(purpose: &[u8], text: &[u8]) -> Result<Zeroizing<[u8; 32]>, Flaw> {
    if text.len() != TEXT {
        return Err(Flaw::Length(text.len()));
    }
    let mut all = Zeroizing::new([0; 32 + CHECKSUM]);
    for (block, (five, eight)) in all.chunks_exact_mut(5).zip(text.chunks_exact(8)).enumerate() {
        let mut bits = 0_u64;
        for (at, letter) in eight.iter().enumerate() {
            let value = ALPHABET.iter().position(|known| known == letter).ok_or(Flaw::Letter(8 * block + at))?;
            bits = bits << 5 | value as u64;
        }
        five.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(&all[..32]);
    if all[32..] == checksum(purpose, &bytes) { Ok(bytes) } else { Err(Flaw::Checksum) }
}

fn checksum(purpose: &[u8], bytes: &[u8; 32]) -> [u8; CHECKSUM] {
    let hash = hash(&[purpose, bytes]);
    [hash[0], hash[1], hash[2]]
}
