//! Packages that seal and open one text. None puts several into one, so each is sealed alone.

use std::hint::black_box;

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInPlace as _, KeyInit as _};
use crypto_box::aead::OsRng;
use crypto_box::{ChaChaBox, SecretKey};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::measure::nanoseconds_each;

type Tag = [u8; 16];

/// A text is written into a buffer and sealed there, copied as over a socket, and opened there.
fn frames(
    size: usize,
    count: usize,
    mut seal: impl FnMut(u64, &mut [u8]) -> Tag,
    mut open: impl FnMut(u64, &mut [u8], &Tag),
) -> f64 {
    let (frame, mut wire, mut read) = (vec![7; size], Vec::new(), Vec::new());
    nanoseconds_each(count, || {
        for number in 0..count as u64 {
            wire.clear();
            wire.extend_from_slice(&frame);
            let tag = seal(number, &mut wire);
            read.clear();
            read.extend_from_slice(&wire);
            open(number, &mut read, &tag);
            black_box(&read);
        }
    })
}

/// `N` bytes that differ for each number.
fn nonce<const N: usize>(number: u64) -> [u8; N] {
    let mut nonce = [0; N];
    nonce[N - 8..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// crypto_box, with the cipher that our link uses.
pub(crate) fn crypto_box(size: usize, count: usize, _: usize) -> f64 {
    let (ann, bob) = (SecretKey::generate(&mut OsRng), SecretKey::generate(&mut OsRng));
    let (seals, opens) = (ChaChaBox::new(&bob.public_key(), &ann), ChaChaBox::new(&ann.public_key(), &bob));
    let seal = |number, text: &mut [u8]| {
        let sealed = seals.encrypt_in_place_detached(&nonce::<24>(number).into(), b"", text);
        sealed.expect("a short text").into()
    };
    let open = |number, text: &mut [u8], tag: &Tag| {
        let opened = opens.decrypt_in_place_detached(&nonce::<24>(number).into(), b"", text, tag.into());
        opened.expect("it was sealed with the same key");
    };
    frames(size, count, seal, open)
}

/// chacha20poly1305.
pub(crate) fn chacha20poly1305(size: usize, count: usize, _: usize) -> f64 {
    let cipher = ChaCha20Poly1305::new(&[1; 32].into());
    let seal = |number, text: &mut [u8]| {
        let sealed = cipher.encrypt_in_place_detached(&nonce::<12>(number).into(), b"", text);
        sealed.expect("a short text").into()
    };
    let open = |number, text: &mut [u8], tag: &Tag| {
        let opened = cipher.decrypt_in_place_detached(&nonce::<12>(number).into(), b"", text, tag.into());
        opened.expect("it was sealed with the same key");
    };
    frames(size, count, seal, open)
}

/// ring.
pub(crate) fn ring(size: usize, count: usize, _: usize) -> f64 {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[1; 32]).expect("32 bytes"));
    let number_of = |number| Nonce::assume_unique_for_key(nonce(number));
    let seal = |number, text: &mut [u8]| {
        let tag = key.seal_in_place_separate_tag(number_of(number), Aad::empty(), text).expect("a short text");
        tag.as_ref().try_into().expect("16 bytes")
    };
    let open = |number, text: &mut [u8], tag: &Tag| {
        let opened = key.open_in_place_separate_tag(number_of(number), Aad::empty(), (*tag).into(), text, 0..);
        opened.expect("it was sealed with the same key");
    };
    frames(size, count, seal, open)
}
