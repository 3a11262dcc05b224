//! Public keys as text and as bytes, and what is never shown.

use super::super::{NoPublicKey, PublicKey};
use super::*;

#[test]
fn keys_have_one_spelling_and_every_slip_is_found() {
    let mut chance = Chance(1);
    for _ in 0..20 {
        let key = identity(chance.next() as u8).public_key();
        let text = key.to_string();
        assert_eq!(text.len(), 56);
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(format!("{key:?}"), text);
        for at in 0..text.len() {
            for letter in ('a'..='z').chain('2'..='7').filter(|letter| !text[at..].starts_with(*letter)) {
                let mut slip = text.clone();
                slip.replace_range(at..=at, &letter.to_string());
                assert!(slip.parse::<PublicKey>().is_err(), "{text} as {slip}");
            }
            let mut swapped = text.clone().into_bytes();
            swapped.swap(at, (at + 1) % text.len());
            let swapped = String::from_utf8(swapped).expect("letters");
            assert!(swapped == text || swapped.parse::<PublicKey>().is_err());
        }
    }
}

#[test]
fn what_is_no_key_says_why_and_shows_nothing() {
    let text = identity(1).public_key().to_string();
    for (wrong, error) in [
        (String::new(), NoPublicKey::Length { got: 0 }),
        (format!("{text}a"), NoPublicKey::Length { got: 57 }),
        (text.to_uppercase(), NoPublicKey::Letter { at: 0 }),
        (format!("{}1", &text[..55]), NoPublicKey::Letter { at: 55 }),
        (format!("{} ", &text[..55]), NoPublicKey::Letter { at: 55 }),
        ("a".repeat(56), NoPublicKey::Checksum),
    ] {
        assert_eq!(wrong.parse::<PublicKey>(), Err(error));
        assert!(wrong.is_empty() || !error.to_string().contains(&wrong));
    }
}

#[test]
fn serde_writes_a_key_as_its_text() {
    use serde::de::value::{Error, StrDeserializer};
    use serde::de::{Deserialize, IntoDeserializer};
    let key = identity(1).public_key();
    let text = key.to_string();
    let deserializer: StrDeserializer<'_, Error> = text[..].into_deserializer();
    assert_eq!(PublicKey::deserialize(deserializer), Ok(key));
    let deserializer: StrDeserializer<'_, Error> = text[1..].into_deserializer();
    assert!(PublicKey::deserialize(deserializer).is_err());
}

#[test]
fn random_seeds_give_keys_that_are_taken_and_no_two_are_alike() {
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..2_000 {
        let key = Identity::from_seed(Seed::random().expect("randomness")).public_key();
        assert_eq!(PublicKey::from_bytes(*key.as_bytes()), Ok(key));
        assert!(keys.insert(key));
    }
}

#[test]
fn every_attempt_says_hello_with_another_key() {
    let mut hellos = std::collections::BTreeSet::new();
    for _ in 0..10_000 {
        let seed = Seed::random().expect("randomness");
        let link = connect(Mode::Mutual).link(ADDRESS, FrameLimit::default(), seed).expect("sound settings");
        assert!(hellos.insert(Peer::new(link).wire()));
    }
}

#[test]
fn a_generator_that_fails_is_an_error_and_one_that_works_makes_every_byte() {
    use super::super::suite::Secret;
    use rand_core::{Error, RngCore};
    struct Generator {
        works: bool,
    }
    impl RngCore for Generator {
        fn next_u32(&mut self) -> u32 {
            panic!("only the way that can fail is used")
        }
        fn next_u64(&mut self) -> u64 {
            panic!("only the way that can fail is used")
        }
        fn fill_bytes(&mut self, _: &mut [u8]) {
            panic!("only the way that can fail is used")
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
            bytes.fill(0x5e);
            if self.works { Ok(()) } else { Err(std::num::NonZeroU32::MIN.into()) }
        }
    }
    let made = |works| Secret::from_generator(&mut Generator { works }).map(|secret| *secret.bytes());
    assert_eq!((made(false), made(true)), (Err(LinkError::NoRandomness), Ok([0x5e; 32])));
}

#[test]
fn nothing_secret_is_ever_shown() {
    let secret = [0x5e; 32];
    let secrets = [
        format!("{:?}", [0x5e_u8; 4]).trim_matches(['[', ']']).to_owned(),
        "5e5e5e".into(),
        "0x5e".into(),
        super::super::base32::encode(b"FSM-LINK identity", &secret)[..20].to_owned(),
    ];
    let own = Identity::from_seed(Seed::from_bytes(secret));
    let listen = ListenSecurity::clear().identity(own.clone()).allow([identity(1).public_key()]);
    let connect = ConnectSecurity::clear().expect(own.public_key()).identity(identity(1));
    let (ann, bob) = opened_with(&connect, &listen, 0x5e, 0x5f);
    let shown = [
        format!("{:?}", Seed::from_bytes(secret)),
        format!("{own:?}"),
        format!("{listen:?}"),
        format!("{connect:?}"),
        format!("{:?} {:?}", ann.link, bob.link),
        format!("{:?} {:?}", ann.link.peer(), Peer::connecting(&connect, 0x5e).link),
        format!("{:?}", super::super::suite::RecordKey::new(&secret)),
    ];
    for text in shown {
        assert!(secrets.iter().all(|secret| !text.contains(&**secret)), "{text}");
    }
}

#[test]
fn a_binding_shows_as_twenty_letters_and_names_one_connection() {
    let (ann, bob) = opened_in(Mode::Encrypted);
    let (other, _) = opened_with(&connect(Mode::Encrypted), &listen(Mode::Encrypted), 3, 5);
    let binding = |peer: &Peer| peer.link.peer().and_then(|peer| peer.binding).expect("a sealed link");
    assert_eq!(binding(&ann).to_string(), binding(&bob).to_string());
    assert_ne!(binding(&ann), binding(&other));
    let text = binding(&ann).to_string();
    assert!(text.len() == 23 && text.split('-').all(|group| group.len() == 5), "{text}");
}
