//! Somebody who keeps to the handshake, with a fresh key of its own, and has no other: what it puts into its box as key and
//! proof is made up.

use super::super::Mode;
use super::super::handshake::SUITE;
use super::super::public_key::PublicKey;
use super::super::suite::{Hash, Secret, hash, nonce};
use super::end::{ANN, BOB, End, Input, Setting, identity};
use crate::wire::LinkError;

/// The forger's ephemeral key.
const FORGER: [u8; 32] = [5; 32];

/// An answer to a connecting end. Only the owner of the expected key can prove it.
pub(super) fn welcome(input: &mut Input<'_>, setting: Setting) {
    let mut ann = End::connecting(setting);
    let hello = ann.write();
    let Some(peer) = key_in(&hello) else { return ann.read_raw(input, setting.mode) };
    let secret = Secret::new(&FORGER);
    let head = head(b"\xf5FSM\x02\x01\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00", setting.mode, &secret);
    let transcript = hash(&[&hash(&[&hash(&[SUITE, b""]), &hello]), &head]);
    let bytes = boxed(&secret, &peer, 2, &transcript, setting.mode >= Mode::ServerAuthenticated, BOB, input);
    ann.read(&[&head[..], &bytes].concat());
    let is_taken = ann.failed.is_none();
    assert_eq!(is_taken, setting.mode == Mode::Encrypted, "{:?}", ann.failed);
    assert!(is_taken || (ann.failed == Some(LinkError::Tampered) && ann.write().is_empty()), "nothing is given away");
    ann.read_raw(input, setting.mode);
}

/// A proof to a listening end. Only the owner of an allowed key can give it, where one is asked for.
pub(super) fn finish(input: &mut Input<'_>, setting: Setting) {
    let mut bob = End::listening(setting);
    if setting.mode == Mode::Clear {
        return bob.read_raw(input, setting.mode);
    }
    let secret = Secret::new(&FORGER);
    let hello = head(b"\xf5FSM\x01\x01\x01\x00\x00\x10\x00\x00\x00\x00\x00\x00", setting.mode, &secret);
    bob.read(&hello);
    let answer = bob.write();
    let peer = key_in(&answer).expect("a welcome");
    let before = hash(&[&hash(&[&hash(&[SUITE, b""]), &hello]), &answer[..48]]);
    let transcript = hash(&[&before, &answer[48..]]);
    let bytes = boxed(&secret, &peer, 4, &transcript, setting.mode == Mode::Mutual, ANN, input);
    bob.read(&bytes);
    let is_taken = bob.failed.is_none();
    assert_eq!(is_taken, setting.mode != Mode::Mutual, "{:?}", bob.failed);
    assert!(bob.is_open() == is_taken && bob.write().is_empty() != is_taken, "ready, or nothing");
    // The forger never has the right to more: these are not sealed.
    let rest = input.take(usize::MAX);
    bob.read(&rest);
    assert!(bob.frames.is_empty());
    bob.check_end();
}

/// The box of a welcome or finish: nothing in it, or the expected key and no proof, with whatever the input changes.
fn boxed(
    secret: &Secret,
    peer: &PublicKey,
    label: u8,
    transcript: &Hash,
    proves: bool,
    owner: u8,
    input: &mut Input<'_>,
) -> Vec<u8> {
    let mut text = Vec::new();
    if proves {
        text.extend(identity(owner).public_key().as_bytes());
        text.extend([0; 16]);
        if input.byte().is_multiple_of(2) {
            let made_up = input.take(text.len());
            text[..made_up.len()].copy_from_slice(&made_up);
        } else {
            let at = usize::from(input.byte()) % text.len();
            text[at] ^= input.byte();
        }
    }
    let tag = secret.agree(peer).seal(&nonce(label, transcript, b""), &mut text);
    [&tag[..], &text].concat()
}

fn head(preamble: &[u8; 16], mode: Mode, secret: &Secret) -> Vec<u8> {
    let mut head = preamble.to_vec();
    head[7] = mode as u8;
    head.extend(secret.public().as_bytes());
    head
}

fn key_in(message: &[u8]) -> Option<PublicKey> {
    PublicKey::from_bytes(*message.get(16..)?.first_chunk()?).ok()
}
