//! Trust on first use, and what is final.

use super::super::KnownKeys;
use super::super::record::{CLOSE, READY};
use super::*;

fn first_use(book: &KnownKeys) -> ConnectSecurity {
    ConnectSecurity::clear().trust_on_first_use(book)
}

fn server(byte: u8) -> ListenSecurity {
    ListenSecurity::clear().identity(identity(byte))
}

#[test]
fn the_first_key_is_kept_and_later_the_only_one() {
    let book = KnownKeys::in_memory();
    opened(&first_use(&book), &server(2));
    assert_eq!(book.get(ADDRESS), Some(identity(2).public_key()));
    opened(&first_use(&book), &server(2));
    let (mut ann, mut bob) = (Peer::connecting(&first_use(&book), 3), Peer::listening(&server(9), 4));
    let [error, _] = carry(&mut ann, &mut bob);
    let expected = format!(
        "the key {}, which was met there first (to accept another one change its line in the file of known keys)",
        identity(2).public_key()
    );
    assert_eq!(error, Some(LinkError::WrongKey { expected, got: identity(9).public_key() }));
    assert_eq!(book.get(ADDRESS), Some(identity(2).public_key()));
}

#[test]
fn nothing_is_kept_before_the_link_is_open() {
    let book = KnownKeys::in_memory();
    let (mut hand, mut ann) = listening_by_hand(&first_use(&book), &server(2));
    assert_eq!(book.get(ADDRESS), None, "proven, and not ready");
    assert_eq!(ann.read(&hand.say(READY, b"")), Ok(()));
    assert_eq!(book.get(ADDRESS), Some(identity(2).public_key()));

    let book = KnownKeys::in_memory();
    let (mut hand, mut ann) = listening_by_hand(&first_use(&book), &server(2));
    assert!(ann.read(&hand.say(CLOSE, b"\0\x01no")).is_err());
    assert_eq!(book.get(ADDRESS), None, "turned away");
}

#[test]
fn two_first_meetings_at_once_keep_one_key() {
    let book = KnownKeys::in_memory();
    let (mut hand, mut ann) = listening_by_hand(&first_use(&book), &server(2));
    let (mut other_hand, mut other) = listening_by_hand(&first_use(&book), &server(9));
    assert_eq!(ann.read(&hand.say(READY, b"")), Ok(()));
    let error = other.read(&other_hand.say(READY, b"")).expect_err("another was first");
    assert!(matches!(error, LinkError::WrongKey { .. }), "{error:?}");
    assert!(!other.is_open());
}

/// A server that says "not authorised" to a client of this kind.
fn turned_away(connect: &ConnectSecurity, listen: &ListenSecurity) -> LinkError {
    let (mut hand, mut ann) = listening_by_hand(connect, listen);
    ann.read(&hand.say(CLOSE, b"\0\x01no")).expect_err("not admitted")
}

#[test]
fn only_a_peer_that_was_known_before_can_turn_an_end_away_for_good() {
    let book = KnownKeys::in_memory();
    let refused = LinkError::Refused { reason: "no".into() };
    // An attacker has a key too. Believed for good, it could end a node that trusts any key, or whichever it meets first.
    let anybody = ConnectSecurity::clear().trust_any_unauthenticated();
    let attacker = server(66);
    for connect in [&anybody, &anybody.clone().identity(identity(1)), &first_use(&book)] {
        let listen = if connect.mode() == Mode::Mutual { attacker.clone().allow_anybody() } else { attacker.clone() };
        assert_eq!(turned_away(connect, &listen), refused);
    }
    // In these modes anybody on the way can say it.
    for mode in [Mode::Clear, Mode::Encrypted] {
        assert_eq!(turned_away(&connect(mode), &listen(mode)), refused);
    }
    // A server that is expected, or was met before, is believed.
    let by = identity(2).public_key();
    let final_error = LinkError::NotAuthorised { by, reason: "no".into() };
    opened(&first_use(&book), &server(2));
    for connect in [connect(Mode::ServerAuthenticated), connect(Mode::Mutual), first_use(&book)] {
        let listen = if connect.mode() == Mode::Mutual { listen(Mode::Mutual) } else { server(2) };
        let error = turned_away(&connect, &listen);
        assert_eq!(error, final_error);
        assert!(error.is_final());
    }
}

#[test]
fn a_member_may_not_answer_in_place_of_another() {
    // A connecting end names one server per address; that others are allowed to connect to it changes nothing.
    let (mut ann, mut eve) = (
        Peer::connecting(&connect(Mode::Mutual), 3),
        Peer::listening(&server(9).allow([identity(1).public_key(), identity(2).public_key()]), 4),
    );
    let [error, _] = carry(&mut ann, &mut eve);
    assert!(matches!(error, Some(LinkError::WrongKey { .. })), "{error:?}");
}

#[test]
fn a_book_that_cannot_be_written_opens_no_link() {
    let directory = std::env::temp_dir().join(format!("link-nowhere-{}", std::process::id()));
    let book = KnownKeys::open(directory.join("no/such/directory/known")).expect("a file that does not exist is empty");
    let (mut hand, mut ann) = listening_by_hand(&first_use(&book), &server(2));
    let error = ann.read(&hand.say(READY, b"")).expect_err("it cannot be remembered");
    assert!(matches!(error, LinkError::NotRemembered { .. }), "{error:?}");
    assert!(!ann.is_open());
}
