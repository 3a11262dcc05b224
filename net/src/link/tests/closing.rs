//! Ends of links: in order, cut, crossed.

use super::super::record::{CLOSE, DATA, PING};
use super::*;

#[test]
fn after_two_goodbyes_both_ends_know_that_nothing_is_missing() {
    for mode in MODES {
        let (mut ann, mut bob) = opened_in(mode);
        ann.send(&[b"last words"]);
        let mut wire = ann.wire();
        ann.close();
        wire.extend(ann.wire());
        assert_eq!((ann.link.state(), bob.link.state()), (LinkState::Closed, LinkState::Open));
        assert_eq!(bob.read(&wire), Ok(()));
        assert_eq!(bob.frames, [b"last words"]);
        assert_eq!(bob.link.end(), Ok(()));
        assert!(bob.wire().is_empty(), "when to answer is for its driver to say");
        bob.close();
        let answer = bob.wire();
        assert_eq!(ann.read(&answer), Ok(()));
        assert_eq!((ann.link.end(), bob.link.end()), (Ok(()), Ok(())));
        bob.close();
        ann.close();
        assert!(ann.wire().is_empty() && bob.wire().is_empty(), "goodbye is said once");
    }
}

#[test]
fn a_peer_that_has_said_goodbye_still_hears_what_waits() {
    for mode in MODES {
        let (mut ann, mut bob) = opened_in(mode);
        ann.send(&[b"question"]);
        let question = ann.wire();
        ann.close();
        assert_eq!(bob.read(&[question, ann.wire()].concat()), Ok(()));
        assert_eq!(bob.link.state(), LinkState::Open, "it can still send");
        bob.send(&[b"answer"]);
        let mut wire = bob.wire();
        bob.close();
        wire.extend(bob.wire());
        assert_eq!(ann.read(&wire), Ok(()));
        assert_eq!(ann.frames, [b"answer"]);
        assert_eq!((ann.link.end(), bob.link.end()), (Ok(()), Ok(())));
        let (mut ann, _) = opened_in(mode);
        ann.close();
        assert_eq!(ann.link.end(), Err(LinkError::CutOff), "its own goodbye is not the peer's");
    }
}

#[test]
fn the_end_of_the_stream_without_a_goodbye_is_a_cut() {
    for mode in MODES {
        let (mut ann, mut bob) = opened_in(mode);
        ann.send(&[b"one", b"two"]);
        assert_eq!(bob.read(&ann.wire()), Ok(()));
        assert_eq!(bob.link.end(), Err(LinkError::CutOff));
        assert_eq!(bob.frames.len(), 2);
        // The other direction may still be there.
        bob.send(&[b"an answer"]);
        assert_eq!(ann.read(&bob.wire()), Ok(()));
        assert_eq!(ann.frames, [b"an answer"]);
    }
}

#[test]
fn goodbyes_that_cross_answer_each_other() {
    for mode in MODES {
        let (mut ann, mut bob) = opened_in(mode);
        ann.send(&[b"from ann"]);
        bob.send(&[b"from bob"]);
        let (mut from_ann, mut from_bob) = (ann.wire(), bob.wire());
        ann.close();
        bob.close();
        from_ann.extend(ann.wire());
        from_bob.extend(bob.wire());
        assert_eq!((ann.read(&from_bob), bob.read(&from_ann)), (Ok(()), Ok(())));
        assert_eq!(ann.frames, [b"from bob"], "what came between the goodbyes is delivered");
        assert_eq!(bob.frames, [b"from ann"]);
        assert!(ann.wire().is_empty() && bob.wire().is_empty());
        assert_eq!((ann.link.end(), bob.link.end()), (Ok(()), Ok(())));
    }
}

#[test]
fn nothing_may_follow_a_goodbye() {
    for mode in MODES {
        let (mut hand, mut bob) = by_hand(mode);
        let wire = [hand.say(CLOSE, b"\0\0so long"), hand.say(DATA, b"one more thing")].concat();
        assert_eq!(bob.read(&wire), Err(LinkError::Tampered));
        assert!(bob.frames.is_empty());
        let (mut hand, mut bob) = by_hand(mode);
        assert_eq!(bob.read(&hand.say(CLOSE, b"\0\0")), Ok(()));
        assert_eq!(bob.read(b"x"), Err(LinkError::Tampered));
    }
}

#[test]
fn after_its_goodbye_an_end_says_nothing_more() {
    for mode in MODES {
        let (mut hand, mut bob) = by_hand(mode);
        bob.close();
        let goodbye = bob.wire();
        assert_eq!(hand.hear(&goodbye), [(CLOSE, vec![0, 0])]);
        assert_eq!(bob.read(&hand.say(PING, &[1; 8])), Ok(()));
        assert!(bob.wire().is_empty(), "not even an answer to a ping");
        assert_eq!(bob.link.ping(&mut bob.output.outlet(&mut bob.pool)), Ok(()));
        assert!(bob.wire().is_empty(), "nor a question");
        bob.send(&[b"too late"]);
        assert!(bob.wire().is_empty());
        assert!(bob.output.is_empty(), "frames that nobody will take do not wait for ever");
        let frames = bob.link.seal(vec![0, 0, 0, 1, 7], &mut bob.output.outlet(&mut bob.pool));
        assert!(frames.is_err());
    }
}

#[test]
fn who_leaves_before_the_link_is_open_has_nothing_to_say() {
    for mode in MODES {
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
        let hello = ann.wire();
        ann.close();
        assert!(ann.wire().is_empty());
        assert_eq!(ann.link.state(), LinkState::Closed);
        assert_eq!(ann.link.end(), Ok(()));
        if mode != Mode::Clear {
            assert_eq!(bob.read(&hello), Ok(()));
        }
        let error = bob.link.end().expect_err("a handshake was under way");
        let text = format!("expected the handshake of a link in the mode {mode}, got the end of the stream");
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

#[test]
fn an_end_that_closes_while_the_other_is_getting_ready_stays_closed() {
    for mode in MODES {
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
        bob.read(&ann.wire()).expect("a good hello");
        if mode != Mode::Clear {
            ann.read(&bob.wire()).expect("a good welcome");
            bob.read(&ann.wire()).expect("a good finish");
        }
        ann.close();
        assert_eq!(ann.read(&bob.wire()), Ok(()), "welcome and ready, or ready");
        assert_eq!(ann.link.state(), LinkState::Closed);
    }
}

#[test]
fn a_listening_end_that_closes_during_the_handshake_stays_closed() {
    for mode in MODES {
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
        bob.close();
        bob.read(&ann.wire()).expect("a good hello");
        if mode != Mode::Clear {
            ann.read(&bob.wire()).expect("a good welcome");
            bob.read(&ann.wire()).expect("a good finish");
        }
        assert_eq!(bob.link.state(), LinkState::Closed);
    }
}

#[test]
fn the_end_of_the_stream_before_the_peer_is_ready_is_told_as_such() {
    for mode in MODES {
        let (_, mut ann) = listening_by_hand(&connect(mode), &listen(mode));
        let expected = "the peer to be ready after the handshake".into();
        assert_eq!(ann.link.end(), Err(LinkError::Left { expected }));
        assert!(ann.read(&[0]).is_err(), "the error stays");
    }
}

#[test]
fn a_goodbye_has_a_known_reason_and_a_text_that_is_not_too_long() {
    for mode in MODES {
        let goodbye = |reason: u8, length: usize| [vec![0, reason], vec![b'x'; length]].concat();
        let (mut hand, mut bob) = by_hand(mode);
        assert_eq!(bob.read(&hand.say(CLOSE, &goodbye(0, 256))), Ok(()));
        assert_eq!(bob.link.end(), Ok(()));
        let (mut hand, mut bob) = by_hand(mode);
        assert!(matches!(bob.read(&hand.say(CLOSE, &goodbye(0, 257))), Err(LinkError::Malformed { .. })));
        // The same before the link is open.
        let (mut hand, mut ann) = listening_by_hand(&connect(mode), &listen(mode));
        assert!(matches!(ann.read(&hand.say(CLOSE, &goodbye(0, 256))), Err(LinkError::Refused { .. })));
        for wrong in [goodbye(2, 1), goodbye(0, 257), vec![0], b"\0\0\xff".to_vec()] {
            let (mut hand, mut ann) = listening_by_hand(&connect(mode), &listen(mode));
            assert!(matches!(ann.read(&hand.say(CLOSE, &wrong)), Err(LinkError::Malformed { .. })), "{wrong:?}");
        }
    }
}

#[test]
fn a_listening_end_may_close_at_once_and_that_is_never_final() {
    for mode in MODES {
        let (mut hand, mut ann) = listening_by_hand(&connect(mode), &listen(mode));
        let error = ann.read(&hand.say(CLOSE, b"\0\0going\ndown")).expect_err("not admitted");
        let reason = "the peer closed before the link was open (going\\ndown)".into();
        assert_eq!(error, LinkError::Refused { reason }, "the text cannot disturb a log");
        assert!(!error.is_final());
    }
}
