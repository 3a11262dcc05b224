//! Short texts through the other code: the same bytes, and the same refusals.

use super::super::short;
use super::*;

#[test]
fn short_texts_are_sealed_to_the_same_bytes_by_both() {
    let mut chance = Chance(11);
    for length in (0..=300).chain([511, 512, 513, 1_000, 2_047, short::MOST]) {
        let (key, nonce) = (chance.bytes(32), chance.bytes(24).try_into().expect("24 bytes"));
        // Ones and zeros everywhere are where carries go wrong.
        for text in [chance.bytes(length), vec![0; length], vec![0xff; length]] {
            let mut sealed = text.clone();
            let tag = short::seal(key[..].try_into().expect("32 bytes"), &nonce, &mut sealed);
            assert_eq!(reference(&key, &nonce, &text), (tag, sealed.clone()));
            let key = key[..].try_into().expect("32 bytes");
            let mut wrong = sealed.clone();
            if let Some(byte) = wrong.last_mut() {
                *byte ^= 1;
                assert_eq!(short::open(key, &nonce, &mut wrong, &tag), Err(LinkError::Tampered));
            }
            let mut other_tag = tag;
            other_tag[chance.below(16)] ^= 0x80;
            assert_eq!(short::open(key, &nonce, &mut sealed, &other_tag), Err(LinkError::Tampered));
            assert_eq!(short::open(key, &nonce, &mut sealed, &tag), Ok(()));
            assert_eq!(sealed, text);
        }
    }
}

fn reference(key: &[u8], nonce: &[u8; 24], text: &[u8]) -> ([u8; 16], Vec<u8>) {
    use crypto_secretbox::aead::AeadInPlace;
    use crypto_secretbox::{KeyInit, XChaCha20Poly1305};
    let mut text = text.to_vec();
    let tag = XChaCha20Poly1305::new(key.into()).encrypt_in_place_detached(nonce.into(), b"", &mut text);
    (tag.expect("a short text").into(), text)
}
