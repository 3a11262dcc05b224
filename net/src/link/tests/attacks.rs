//! Attackers that stand between the ends, or come later with what they have heard.

use super::*;

#[test]
fn what_was_heard_of_one_connection_opens_no_other() {
    for mode in SEALED {
        let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
        let hello = ann.wire();
        bob.read(&hello).expect("a good hello");
        ann.read(&bob.wire()).expect("a good welcome");
        let finish = ann.wire();
        bob.read(&finish).expect("a good finish");
        ann.read(&bob.wire()).expect("ready");
        ann.send(&[b"pay 10"]);
        let record = ann.wire();
        // The listening end has a fresh key of its own, so neither finish nor record fits.
        let mut later = Peer::listening(&listen(mode), 5);
        later.read(&hello).expect("a good hello");
        assert_eq!(later.read(&[finish, record].concat()), Err(LinkError::Tampered));
        assert!(!later.is_open() && later.frames.is_empty());
    }
}

#[test]
fn parts_of_two_handshakes_do_not_fit_together() {
    for mode in SEALED {
        for part in 0..3 {
            let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
            let (mut eve_ann, mut eve_bob) = (Peer::connecting(&connect(mode), 13), Peer::listening(&listen(mode), 14));
            let mut messages = [Vec::new(), Vec::new(), Vec::new()];
            messages[0] = eve_ann.wire();
            eve_bob.read(&messages[0]).expect("a good hello");
            messages[1] = eve_bob.wire();
            eve_ann.read(&messages[1]).expect("a good welcome");
            messages[2] = eve_ann.wire();
            let mut errors = [None, None];
            for number in 0..3 {
                let (from, to, at) = if number == 1 { (&mut bob, &mut ann, 0) } else { (&mut ann, &mut bob, 1) };
                let own = from.ready();
                let bytes = if number == part { messages[part].clone() } else { own };
                if errors[at].is_none() {
                    errors[at] = to.read(&bytes).err();
                }
            }
            assert!(errors.contains(&Some(LinkError::Tampered)), "{mode}, message {part}: {errors:?}");
            assert!(!(ann.is_open() && bob.is_open()));
        }
    }
}

/// Somebody stands between the ends and opens a link to each. What both ends come to.
fn man_in_the_middle(connect: &ConnectSecurity, listen: &ListenSecurity, mode: Mode) -> [Option<LinkError>; 2] {
    let mallory = identity(66);
    let (to_ann, to_bob) = match mode {
        Mode::Clear => (ListenSecurity::clear(), ConnectSecurity::clear()),
        Mode::Encrypted => (ListenSecurity::encrypted(), ConnectSecurity::encrypted()),
        Mode::ServerAuthenticated => {
            (ListenSecurity::clear().identity(mallory), ConnectSecurity::clear().trust_any_unauthenticated())
        }
        Mode::Mutual => (
            ListenSecurity::clear().identity(mallory.clone()).allow_anybody(),
            ConnectSecurity::clear().trust_any_unauthenticated().identity(mallory),
        ),
    };
    let (mut ann, mut fake_bob) = (Peer::connecting(connect, 3), Peer::listening(&to_ann, 61));
    let (mut fake_ann, mut bob) = (Peer::connecting(&to_bob, 62), Peer::listening(listen, 4));
    let [ann_error, _] = carry(&mut ann, &mut fake_bob);
    let [_, bob_error] = carry(&mut fake_ann, &mut bob);
    [ann_error, bob_error]
}

#[test]
fn a_man_in_the_middle_gets_through_only_where_the_documentation_says_so() {
    for mode in [Mode::Clear, Mode::Encrypted] {
        assert_eq!(
            man_in_the_middle(&connect(mode), &listen(mode), mode),
            [None, None],
            "{mode}: nobody is authenticated"
        );
    }
    let [ann, bob] = {
        let mode = Mode::ServerAuthenticated;
        man_in_the_middle(&connect(mode), &listen(mode), mode)
    };
    assert!(matches!(ann, Some(LinkError::WrongKey { .. })), "the connecting end notices");
    assert_eq!(bob, None, "to the listening end it is a client like any other");
    let [ann, bob] = man_in_the_middle(&connect(Mode::Mutual), &listen(Mode::Mutual), Mode::Mutual);
    assert!(matches!(ann, Some(LinkError::WrongKey { .. })));
    assert!(matches!(bob, Some(LinkError::WrongKey { .. })));
}

#[test]
fn two_links_of_a_man_in_the_middle_have_different_bindings() {
    let (ann, _) = opened_with(&connect(Mode::Encrypted), &listen(Mode::Encrypted), 3, 61);
    let (_, bob) = opened_with(&connect(Mode::Encrypted), &listen(Mode::Encrypted), 62, 4);
    let binding = |peer: &Peer| peer.link.peer().and_then(|peer| peer.binding);
    assert!(binding(&ann).is_some() && binding(&ann) != binding(&bob));
}

#[test]
fn nobody_can_lower_the_mode_of_two_ends() {
    for mode in SEALED {
        for lower in MODES.into_iter().filter(|lower| *lower < mode) {
            // The hello is changed so that the listening end would agree to less. It does not.
            let (mut ann, mut bob) = (Peer::connecting(&connect(mode), 3), Peer::listening(&listen(mode), 4));
            let mut hello = ann.wire();
            hello[7] = lower as u8;
            assert!(matches!(bob.read(&hello), Err(LinkError::Mismatch { .. })));
            // Nor does the connecting end, whatever it is answered.
            let mut willing = Peer::listening(&listen(lower), 4);
            let hello = if lower == Mode::Clear { &hello[..16] } else { &hello };
            willing.read(hello).expect("a hello of its mode");
            let mut answer = willing.wire();
            for shown in [lower as u8, mode as u8] {
                answer[7] = shown;
                let mut ann = Peer::connecting(&connect(mode), 3);
                ann.send(&[b"secret"]);
                ann.ready();
                let error = ann.read(&answer).and_then(|()| ann.link.end());
                assert!(error.is_err(), "{mode} to {lower}");
                assert!(!ann.is_open() && ann.ready().is_empty());
            }
        }
    }
}

#[test]
fn no_byte_of_a_sealed_frame_is_on_the_wire() {
    let text = b"the quick brown fox jumps over the lazy dog";
    for mode in SEALED {
        let (mut ann, mut bob) = opened_in(mode);
        let mut wire = Vec::new();
        for count in [1, 2, 300] {
            ann.send(&vec![&text[..]; count]);
            bob.send(&vec![&text[..]; count]);
            wire.extend(ann.wire());
            wire.extend(bob.wire());
        }
        for part in text.windows(5) {
            assert!(!wire.windows(5).any(|bytes| bytes == part), "{mode}");
        }
    }
}

#[test]
fn equal_frames_look_different_each_time() {
    for mode in SEALED {
        let (mut ann, mut bob) = opened_in(mode);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..50 {
            for peer in [&mut ann, &mut bob] {
                peer.send(&[b"equal"]);
                assert!(seen.insert(peer.wire()[4..].to_vec()));
            }
        }
    }
}

/// A handshake in which a server does not trust the client's view of it: the refusal cannot be made up by others.
#[test]
fn only_the_connecting_end_itself_can_say_that_it_does_not_trust_the_key() {
    for mode in [Mode::ServerAuthenticated, Mode::Mutual] {
        let wrong = ConnectSecurity::clear().expect(identity(9).public_key());
        let wrong = if mode == Mode::Mutual { wrong.identity(identity(1)) } else { wrong };
        let (mut ann, mut bob) = (Peer::connecting(&wrong, 3), Peer::listening(&listen(mode), 4));
        bob.read(&ann.wire()).expect("a good hello");
        assert!(matches!(ann.read(&bob.wire()), Err(LinkError::WrongKey { .. })));
        let refusal = ann.ready();
        let size = if mode == Mode::Mutual { 64 } else { 16 };
        assert_eq!(refusal.len(), size, "as long as a finish: nobody on the way sees the difference");
        // To another connection it says nothing.
        let (mut other, mut later) = (Peer::connecting(&connect(mode), 13), Peer::listening(&listen(mode), 14));
        later.read(&other.wire()).expect("a good hello");
        assert_eq!(later.read(&refusal), Err(LinkError::Tampered));
        assert!(matches!(bob.read(&refusal), Err(LinkError::Refused { .. })));
        // In the mode without a key there is nothing to refuse.
    }
}
