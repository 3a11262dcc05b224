//! Who can talk to whom, and what both ends say when they cannot.

use super::*;

/// What the connecting and the listening end come to.
fn outcome(connect: &ConnectSecurity, listen: &ListenSecurity) -> [Option<LinkError>; 2] {
    let (mut ann, mut bob) = (Peer::connecting(connect, 3), Peer::listening(listen, 4));
    ann.send(&[b"from ann"]);
    bob.send(&[b"from bob"]);
    let mut errors = carry(&mut ann, &mut bob);
    // Who fails closes; the other end learns of that at the latest now.
    let is_over = errors.iter().any(Option::is_some);
    for (error, peer) in errors.iter_mut().zip([&mut ann, &mut bob]).filter(|(error, _)| is_over && error.is_none()) {
        *error = peer.link.end().err();
    }
    let crossed = (bob.frames == [b"from ann"], ann.frames == [b"from bob"]);
    let nothing = bob.frames.is_empty() && ann.frames.is_empty();
    assert!(if is_over { nothing } else { crossed == (true, true) }, "all frames cross, or none");
    assert_eq!(ann.is_open() && bob.is_open(), !is_over);
    errors
}

fn text(error: &Option<LinkError>) -> String {
    error.as_ref().map_or_else(String::new, LinkError::to_string)
}

#[test]
fn ends_of_different_modes_say_at_once_which_end_asked_for_what() {
    for client in MODES {
        for server in MODES.into_iter().filter(|server| *server != client) {
            let [ann, bob] = outcome(&connect(client), &listen(server));
            assert!(matches!(ann, Some(LinkError::Mismatch { .. })) && matches!(bob, Some(LinkError::Mismatch { .. })));
            assert_eq!(
                text(&ann),
                format!(
                    "expected the mode {client}, which this end is set to, got a peer that says that it requires {server}; \
                     both ends need the same link settings"
                )
            );
            assert_eq!(
                text(&bob),
                format!(
                    "expected the mode {server}, which this end is set to, got a peer that asks for {client}; \
                     both ends need the same link settings"
                )
            );
        }
    }
}

#[test]
fn ends_of_the_same_mode_that_trust_each_other_talk() {
    for mode in MODES {
        assert_eq!(outcome(&connect(mode), &listen(mode)), [None, None], "{mode}");
    }
}

#[test]
fn each_end_knows_what_the_other_has_proven_and_no_more() {
    for mode in MODES {
        let (ann, bob) = opened_in(mode);
        let (ann, bob) = (*ann.link.peer().expect("open"), *bob.link.peer().expect("open"));
        let (server, client) = (identity(2).public_key(), identity(1).public_key());
        assert_eq!(ann.key, (mode >= Mode::ServerAuthenticated).then_some(server));
        assert_eq!(bob.key, (mode == Mode::Mutual).then_some(client));
        assert_eq!((ann.mode, bob.mode), (mode, mode));
        assert_eq!(ann.binding, bob.binding);
        assert_eq!(ann.binding.is_some(), mode != Mode::Clear);
    }
}

#[test]
fn nothing_is_known_of_a_peer_before_the_link_is_open() {
    for mode in MODES {
        let (mut hand, mut ann) = listening_by_hand(&connect(mode), &listen(mode));
        assert_eq!(ann.link.peer(), None, "its key is proven, and it has not admitted this end");
        assert_eq!(ann.read(&hand.say(super::super::record::READY, &[])), Ok(()));
        assert!(ann.link.peer().is_some());
    }
}

#[test]
fn a_server_with_another_key_is_refused_and_both_ends_say_so() {
    let (expected, got) = (identity(9).public_key(), identity(2).public_key());
    let connects = [ConnectSecurity::clear().expect(expected), connect(Mode::Mutual).expect(expected)];
    let alone = [connects[0].clone(), connects[0].clone().identity(identity(1))];
    for (mode, connect) in [Mode::ServerAuthenticated, Mode::Mutual].into_iter().zip(alone) {
        let [ann, bob] = outcome(&connect, &listen(mode));
        assert_eq!(ann, Some(LinkError::WrongKey { expected: format!("the key {expected}"), got }));
        assert_eq!(
            text(&ann),
            format!(
                "expected a peer with the key {expected}, got one with the key {got}; compare both before trusting it"
            )
        );
        assert_eq!(
            text(&bob),
            format!(
                "expected the peer to open the link, got a refusal: the peer expects another key than this end's {got}"
            )
        );
        assert!(!ann.is_some_and(|error| error.is_final()), "an attacker with a key of its own looks the same");
    }
    // One of several expected keys is enough.
    assert_eq!(outcome(&connects[1], &listen(Mode::Mutual)), [None, None]);
}

#[test]
fn a_client_whose_key_is_not_allowed_is_told_so_by_the_server_itself() {
    let client = identity(1).public_key();
    let server = identity(2).public_key();
    let other = identity(9).public_key();
    let strangers: [(&[_], String); 3] = [
        (&[], "one of no keys at all".into()),
        (&[other], format!("the key {other}")),
        (&[identity(7).public_key(), other], {
            let mut keys = [identity(7).public_key(), other];
            keys.sort();
            format!("one of the keys {}, {}", keys[0], keys[1])
        }),
    ];
    for (allowed, expected) in strangers {
        let listen = ListenSecurity::clear().identity(identity(2)).allow(allowed.iter().copied());
        let [ann, bob] = outcome(&connect(Mode::Mutual), &listen);
        let reason = format!("the key {client} is not allowed here");
        assert_eq!(ann, Some(LinkError::NotAuthorised { by: server, reason }));
        assert!(ann.is_some_and(|error| error.is_final()));
        assert_eq!(bob, Some(LinkError::WrongKey { expected, got: client }));
    }
}

#[test]
fn a_listener_that_allows_anybody_knows_who_came() {
    let listen = ListenSecurity::clear().identity(identity(2)).allow_anybody();
    let connect = connect(Mode::ServerAuthenticated).identity(identity(77));
    let (_, bob) = opened(&connect, &listen);
    assert_eq!(bob.link.peer().and_then(|peer| peer.key), Some(identity(77).public_key()));
}

#[test]
fn other_realms_do_not_open_and_nobody_is_told_a_key() {
    for mode in SEALED {
        let [ann, bob] = outcome(&connect(mode).realm("one"), &listen(mode).realm("two"));
        assert_eq!(ann, Some(LinkError::Tampered));
        assert!(matches!(bob, Some(LinkError::Left { .. })), "{bob:?}");
    }
}

#[test]
fn nobody_talks_to_itself() {
    let connect = ConnectSecurity::clear().expect(identity(2).public_key()).identity(identity(2));
    let listen = ListenSecurity::clear().identity(identity(2)).allow_anybody();
    let [ann, _] = outcome(&connect, &listen);
    let own = identity(2).public_key();
    assert_eq!(ann, Some(LinkError::WrongKey { expected: "a key other than this end's own".into(), got: own }));
}

#[test]
fn settings_that_make_no_sense_give_no_link() {
    use super::super::{KnownKeys, SecurityError};
    let key = |byte| identity(byte).public_key();
    let limit = FrameLimit::default();
    let listens = [
        (ListenSecurity::clear().allow([key(1)]), SecurityError::NoIdentity),
        (ListenSecurity::encrypted().allow_anybody(), SecurityError::NoIdentity),
        (listen(Mode::Mutual).allow_anybody(), SecurityError::Contradiction),
        (listen(Mode::Encrypted).realm("r".repeat(256)), SecurityError::RealmTooLong { got: 256, limit: 255 }),
        (ListenSecurity::clear().realm("lab"), SecurityError::RealmInClear),
    ];
    for (security, error) in listens {
        assert_eq!(security.check(), Err(error));
        assert_eq!(security.link(limit, Seed::from_bytes([1; 32])).err(), Some(error));
    }
    let five = (10..15).fold(ConnectSecurity::clear(), |all, byte| all.expect(key(byte)));
    let book = KnownKeys::in_memory();
    let connects = [
        (ConnectSecurity::encrypted().identity(identity(1)), SecurityError::NobodyExpected),
        (five, SecurityError::TooManyKeys { got: 5, limit: 4 }),
        (connect(Mode::Mutual).trust_on_first_use(&book), SecurityError::Contradiction),
        (connect(Mode::Mutual).trust_any_unauthenticated(), SecurityError::Contradiction),
        (ConnectSecurity::clear().realm("r".repeat(256)), SecurityError::RealmTooLong { got: 256, limit: 255 }),
        (ConnectSecurity::clear().realm("lab"), SecurityError::RealmInClear),
    ];
    for (security, error) in connects {
        assert_eq!(security.check(), Err(error));
        assert_eq!(security.link(ADDRESS, limit, Seed::from_bytes([1; 32])).err(), Some(error));
    }
    let first_use = ConnectSecurity::clear().trust_on_first_use(&book);
    for address in ["", "two words:1", "line\n:1", "#comment:1", "bell\u{7}:1", &"a".repeat(513)] {
        let link = first_use.link(address, limit, Seed::from_bytes([1; 32]));
        assert_eq!(link.err(), Some(SecurityError::Address), "{address:?}");
    }
    let four = (10..14).fold(ConnectSecurity::clear(), |all, byte| all.expect(key(byte)));
    assert_eq!(four.check(), Ok(()));
    assert!(first_use.link(&"a".repeat(512), limit, Seed::from_bytes([1; 32])).is_ok());
    assert_eq!(connect(Mode::Mutual).realm("r".repeat(255)).check(), Ok(()));
    for mode in MODES {
        let realm = if mode == Mode::Clear { "" } else { "lab" };
        assert_eq!((connect(mode).realm(realm).check(), listen(mode).realm(realm).check()), (Ok(()), Ok(())));
    }
}

#[test]
fn a_busy_listener_says_so_without_a_link() {
    for mode in MODES {
        let mut ann = Peer::connecting(&connect(mode), 3);
        let error = ann.read(&listen(mode).busy());
        assert_eq!(error, Err(LinkError::Refused { reason: "the peer is busy; try again later".into() }));
    }
}
