//! Handshakes by somebody who does not keep to the rules: keys that are none, proofs that prove nothing.

use super::super::handshake::SUITE;
use super::super::public_key::PublicKey;
use super::super::suite::{Hash, Secret, Tag, hash, nonce};
use super::super::{KnownKeys, NoPublicKey};
use super::*;

/// The seven points of small order, in every spelling there is: canonical, beyond the prime, with the spare bit.
fn weak() -> Vec<[u8; 32]> {
    let number = |first: u8, others: u8, last: u8| {
        let mut bytes = [others; 32];
        (bytes[0], bytes[31]) = (first, last);
        bytes
    };
    let order_8 = |text: &str| {
        let bytes: Vec<u8> =
            (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("digits")).collect();
        <[u8; 32]>::try_from(bytes).expect("32 bytes")
    };
    let mut all = vec![
        number(0, 0, 0),
        number(1, 0, 0),
        order_8("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        order_8("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        number(0xec, 0xff, 0x7f),
        number(0xed, 0xff, 0x7f),
        number(0xee, 0xff, 0x7f),
    ];
    let spare_bit: Vec<[u8; 32]> = all.iter().map(|bytes| with_spare_bit(*bytes)).collect();
    all.extend(spare_bit);
    // Numbers beyond the prime are other spellings of small ones, of any order.
    all.extend((0xef..=0xff).map(|first| number(first, 0xff, 0x7f)));
    all
}

fn with_spare_bit(mut bytes: [u8; 32]) -> [u8; 32] {
    bytes[31] |= 0x80;
    bytes
}

/// What a listening end in the modes with an identity would answer, with anything in place of key and proof.
fn welcome(hello: &[u8], mode: Mode, shown: &[u8; 32], proof: impl FnOnce(&[u8; 32], &PublicKey) -> Tag) -> Vec<u8> {
    let ephemeral = Secret::new(&[4; 32]);
    let mut head = b"\xf5FSM\x02\x01\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00".to_vec();
    head[7] = mode as u8;
    head.extend(ephemeral.public().as_bytes());
    let transcript = hash(&[&hash(&[&hash(&[SUITE, b""]), hello]), &head]);
    let peer = PublicKey::from_bytes(hello[16..].try_into().expect("a key")).expect("an honest key");
    let mut text = shown.to_vec();
    text.extend(proof(&transcript, &peer));
    let tag = ephemeral.agree(&peer).seal(&nonce(2, &transcript, b""), &mut text);
    [&head[..], &tag, &text].concat()
}

/// What only the owner of the secret 2 can say.
fn honest(transcript: &[u8; 32], peer: &PublicKey) -> Tag {
    let key = identity(2).public_key();
    Secret::new(&[2; 32]).agree(peer).seal(&nonce(3, transcript, key.as_bytes()), &mut [])
}

#[test]
fn a_welcome_by_hand_is_taken_when_it_is_honest() {
    for mode in [Mode::ServerAuthenticated, Mode::Mutual] {
        let mut ann = Peer::connecting(&connect(mode), 3);
        let hello = ann.wire();
        assert_eq!(ann.read(&welcome(&hello, mode, identity(2).public_key().as_bytes(), honest)), Ok(()));
        assert!(!ann.wire().is_empty());
    }
}

#[test]
fn a_key_without_its_owners_proof_is_neither_trusted_nor_remembered() {
    let server = identity(2).public_key();
    type Proof = fn(&[u8; 32], &PublicKey) -> Tag;
    let proofs: [Proof; 3] = [
        |_, _| [0; 16],
        // Somebody else's.
        |transcript, peer| {
            Secret::new(&[9; 32]).agree(peer).seal(&nonce(3, transcript, identity(2).public_key().as_bytes()), &mut [])
        },
        // The owner's, of another connection.
        |_, peer| honest(&[0; 32], peer),
    ];
    for proof in proofs {
        let book = KnownKeys::in_memory();
        let first_use = ConnectSecurity::clear().trust_on_first_use(&book);
        for security in [&connect(Mode::ServerAuthenticated), &first_use, &connect(Mode::Mutual)] {
            let mut ann = Peer::connecting(security, 3);
            let hello = ann.wire();
            assert_eq!(ann.read(&welcome(&hello, security.mode(), server.as_bytes(), proof)), Err(LinkError::Tampered));
            assert!(ann.ready().is_empty(), "nothing tells whether the key would have been trusted");
        }
        assert_eq!(book.get(ADDRESS), None);
    }
}

#[test]
fn keys_of_small_order_and_second_spellings_are_no_keys() {
    assert_eq!(weak().len(), 31);
    for bytes in weak() {
        assert_eq!(PublicKey::from_bytes(bytes), Err(NoPublicKey::Unsafe), "{bytes:02x?}");
    }
    let alias = with_spare_bit(*identity(1).public_key().as_bytes());
    assert_eq!(PublicKey::from_bytes(alias), Err(NoPublicKey::Unsafe));
    // Their neighbours are keys like any other.
    for (first, middle, last) in
        [(0xeb, 0xff, 0x7f), (0xff, 0xff, 0x7e), (0xff, 0xfe, 0x7f), (2, 0, 0), (1, 0, 1), (0, 1, 0)]
    {
        let mut bytes = [middle; 32];
        (bytes[0], bytes[31]) = (first, last);
        assert!(PublicKey::from_bytes(bytes).is_ok(), "{bytes:02x?}");
    }
}

#[test]
fn no_end_takes_an_unsafe_key_at_any_place() {
    for bytes in weak() {
        for mode in SEALED {
            // As the connecting end's ephemeral key.
            let mut hello = Peer::connecting(&connect(mode), 3).wire();
            hello[16..].copy_from_slice(&bytes);
            let mut bob = Peer::listening(&listen(mode), 4);
            assert_eq!(bob.read(&hello), Err(LinkError::Tampered));
            assert!(bob.ready().is_empty());
            // As the listening end's.
            let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
            bob.read(&ann.wire()).expect("a good hello");
            let mut answer = bob.wire();
            answer[16..48].copy_from_slice(&bytes);
            assert_eq!(ann.read(&answer), Err(LinkError::Tampered));
        }
        // As the listening end's long-term key, and as the connecting end's: everybody can make the proof, for whatever the
        // other secret is, there are only a few things to agree on.
        for anybody in 5..13 {
            let guess = |label: u8| {
                move |transcript: &[u8; 32], _: &PublicKey| {
                    let shared = Secret::new(&[anybody; 32]).agree(&PublicKey::computed(bytes));
                    shared.seal(&nonce(label, transcript, &bytes), &mut [])
                }
            };
            let mut ann = Peer::connecting(&ConnectSecurity::clear().trust_any_unauthenticated(), 3);
            let hello = ann.wire();
            let forged = welcome(&hello, Mode::ServerAuthenticated, &bytes, guess(3));
            assert_eq!(ann.read(&forged), Err(LinkError::Tampered), "{bytes:02x?}");
            assert!(ann.ready().is_empty());
            assert_eq!(finish_with(&bytes, guess(5)), Err(LinkError::Tampered), "{bytes:02x?}");
        }
    }
}

#[test]
fn where_no_key_is_proven_none_can_be_refused() {
    // Somebody with a key of its own says what a connecting end says that does not trust the listening end's key.
    let mut bob = Peer::listening(&listen(Mode::Encrypted), 4);
    let (ephemeral, peer, transcript) = greet(&mut bob, Mode::Encrypted);
    let untrusted = ephemeral.agree(&peer).seal(&nonce(6, &transcript, b""), &mut []);
    assert_eq!(bob.read(&untrusted), Err(LinkError::Tampered));
}

/// Says hello with a key of its own. That key, the listening end's ephemeral one, and the transcript behind the welcome.
fn greet(bob: &mut Peer, mode: Mode) -> (Secret, PublicKey, Hash) {
    let ephemeral = Secret::new(&[3; 32]);
    let mut hello = b"\xf5FSM\x01\x01\x01\x00\x00\x10\x00\x00\x00\x00\x00\x00".to_vec();
    hello[7] = mode as u8;
    hello.extend(ephemeral.public().as_bytes());
    bob.read(&hello).expect("a good hello");
    let answer = bob.wire();
    let before = hash(&[&hash(&[&hash(&[SUITE, b""]), &hello]), &answer[..48]]);
    let transcript = hash(&[&before, &answer[48..]]);
    let peer = PublicKey::from_bytes(answer[16..48].try_into().expect("a key")).expect("an honest key");
    (ephemeral, peer, transcript)
}

/// A listening end that allows anybody is shown this key with this proof.
fn finish_with(shown: &[u8; 32], proof: impl FnOnce(&[u8; 32], &PublicKey) -> Tag) -> Result<(), LinkError> {
    let security = ListenSecurity::clear().identity(identity(2)).allow_anybody();
    let mut bob = Peer::listening(&security, 4);
    let (ephemeral, peer, transcript) = greet(&mut bob, Mode::Mutual);
    let mut text = [&shown[..], &proof(&transcript, &peer)].concat();
    let tag = ephemeral.agree(&peer).seal(&nonce(4, &transcript, b""), &mut text);
    bob.read(&[&tag[..], &text].concat())?;
    assert!(bob.is_open());
    Ok(())
}

#[test]
fn a_client_must_prove_the_key_that_it_shows() {
    let (own, others) = (identity(1).public_key(), identity(9).public_key());
    let proof = |shown: PublicKey| {
        move |transcript: &[u8; 32], peer: &PublicKey| {
            Secret::new(&[1; 32]).agree(peer).seal(&nonce(5, transcript, shown.as_bytes()), &mut [])
        }
    };
    assert_eq!(finish_with(own.as_bytes(), proof(own)), Ok(()));
    assert_eq!(finish_with(own.as_bytes(), |_, _| [0; 16]), Err(LinkError::Tampered));
    assert_eq!(finish_with(own.as_bytes(), proof(others)), Err(LinkError::Tampered));
    assert_eq!(finish_with(others.as_bytes(), proof(others)), Err(LinkError::Tampered));
}

#[test]
fn an_ephemeral_key_that_comes_back_is_refused() {
    for mode in SEALED {
        // Both ends draw the same one, as an attacker who echoes would have it.
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 3));
        bob.read(&ann.wire()).expect("a good hello");
        assert_eq!(ann.read(&bob.wire()), Err(LinkError::Tampered));
        // And a hello that comes back is no welcome.
        let mut ann = Peer::connecting(&connect(mode), 3);
        let hello = ann.wire();
        assert!(matches!(ann.read(&hello), Err(LinkError::Malformed { .. })));
    }
}
