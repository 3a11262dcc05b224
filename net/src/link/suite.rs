//! Suite 1: X25519, XChaCha20-Poly1305 and BLAKE2b, and the few ways in which the link uses them.
//!
//! Only this file, and `short.rs` beside it, name the packages behind them, so that another suite is another file. What is secret lies in one place of
//! the heap and is wiped when it is dropped; copies that the compiler or those packages leave on the stack are not.

use std::fmt;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Blake2b512, Digest};
use crypto_box::aead::AeadInPlace;
use crypto_box::{ChaChaBox, SecretKey};
use crypto_secretbox::{KeyInit, XChaCha20Poly1305};
use rand_core::{OsRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use super::public_key::PublicKey;
use crate::wire::LinkError;

/// The bytes by which a sealed text is known to be whole. They stand in front of it.
pub(super) const TAG: usize = 16;

pub(super) type Tag = [u8; TAG];
pub(super) type Hash = [u8; 32];
pub(super) type Nonce = [u8; 24];

/// BLAKE2b-256 over all parts, each behind its length (u32, big-endian), so that no two lists of parts are hashed alike.
pub(super) fn hash(parts: &[&[u8]]) -> Hash {
    let mut state = Blake2b::<U32>::new();
    for part in parts {
        state.update((part.len() as u32).to_be_bytes());
        state.update(part);
    }
    state.finalize().into()
}

/// A nonce that no other label, transcript or extra gives.
pub(super) fn nonce(label: u8, transcript: &Hash, extra: &[u8]) -> Nonce {
    let mut nonce = [label; 24];
    nonce[1..].copy_from_slice(&hash(&[&[label], transcript, extra])[..23]);
    nonce
}

/// A secret key of X25519.
pub(super) struct Secret(Box<SecretKey>);

impl Secret {
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        Self(Box::new(SecretKey::from_bytes(*bytes)))
    }

    /// From the system's generator, which may fail.
    pub(super) fn random() -> Result<Self, LinkError> {
        Self::from_generator(&mut OsRng)
    }

    pub(super) fn from_generator(generator: &mut impl RngCore) -> Result<Self, LinkError> {
        let mut bytes = Zeroizing::new([0; 32]);
        generator.try_fill_bytes(&mut *bytes).map_err(|_| LinkError::NoRandomness)?;
        Ok(Self::new(&bytes))
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey::computed(*self.0.public_key().as_bytes())
    }

    pub(super) fn bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// What only the owners of this key and of `peer` can know.
    pub(super) fn agree(&self, peer: &PublicKey) -> Shared {
        Shared(Box::new(ChaChaBox::new(&(*peer.as_bytes()).into(), &self.0)))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        // The package wipes one of the two forms in which it keeps the key; this overwrites both.
        *self.0 = SecretKey::from_bytes([0; 32]);
        std::hint::black_box(&*self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What two keys agree on. It seals texts between their owners.
pub(super) struct Shared(Box<ChaChaBox>);

impl Shared {
    pub(super) fn seal(&self, nonce: &Nonce, text: &mut [u8]) -> Tag {
        let tag = self.0.encrypt_in_place_detached(nonce.into(), b"", text);
        tag.expect("a text of a handshake is short").into()
    }

    pub(super) fn open(&self, nonce: &Nonce, text: &mut [u8], tag: &Tag) -> Result<(), LinkError> {
        let opened = self.0.decrypt_in_place_detached(nonce.into(), b"", text, tag.into());
        opened.map_err(|_| LinkError::Tampered)
    }

    /// 32 bytes that follow from the shared secret and the nonce: the cipher's stream, which is never sent.
    pub(super) fn derive(&self, nonce: &Nonce) -> Zeroizing<[u8; 32]> {
        let mut stream = Zeroizing::new([0; 32]);
        self.seal(nonce, &mut *stream);
        stream
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared(..)")
    }
}

/// The key of one direction, for one epoch.
pub(super) struct RecordKey(Box<Zeroizing<[u8; 32]>>);

impl RecordKey {
    /// The keys from connector to listener and back. Each shared secret comes with its label.
    pub(super) fn pair<'a>(transcript: &Hash, secrets: impl Iterator<Item = (&'a Shared, u8)>) -> [Self; 2] {
        let mut state = Blake2b512::new_with_prefix(b"keys");
        state.update(transcript);
        secrets.for_each(|(shared, label)| state.update(*shared.derive(&nonce(label, transcript, b""))));
        let mut both = state.finalize();
        let keys = [Self::new(&both[..32]), Self::new(&both[32..])];
        both.as_mut_slice().zeroize();
        keys
    }

    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; 32])));
        key.0.copy_from_slice(bytes);
        key
    }

    /// The key of the next epoch. From it nobody finds this one.
    pub(super) fn next(&self) -> Self {
        Self::new(&*Zeroizing::new(hash(&[b"rekey", &**self.0])))
    }

    pub(super) fn seal(&self, nonce: &Nonce, text: &mut [u8]) -> Result<Tag, LinkError> {
        if text.len() <= super::short::MOST {
            return Ok(super::short::seal(&self.0, nonce, text));
        }
        let tag = self.cipher().encrypt_in_place_detached(nonce.into(), b"", text);
        // Only a text beyond all limits cannot be sealed.
        tag.map(Into::into).map_err(|_| LinkError::TooLarge { size: text.len(), limit: u32::MAX as usize })
    }

    pub(super) fn open(&self, nonce: &Nonce, text: &mut [u8], tag: &Tag) -> Result<(), LinkError> {
        if text.len() <= super::short::MOST {
            return super::short::open(&self.0, nonce, text, tag);
        }
        let opened = self.cipher().decrypt_in_place_detached(nonce.into(), b"", text, tag.into());
        opened.map_err(|_| LinkError::Tampered)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&**self.0).into())
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(..)")
    }
}

/// Where in memory a secret lies, for the tests that look there when it is gone.
#[cfg(test)]
mod addresses {
    use super::{RecordKey, Secret, Shared};

    impl Secret {
        pub(in super::super) fn address(&self) -> usize {
            std::ptr::from_ref(&*self.0).addr()
        }
    }

    impl Shared {
        pub(in super::super) fn address(&self) -> usize {
            std::ptr::from_ref(&*self.0).addr()
        }
    }

    impl RecordKey {
        pub(in super::super) fn address(&self) -> usize {
            std::ptr::from_ref(&*self.0).addr()
        }
    }
}
