//! ConnectToAddress alone.

use statepoint::link::Identity;
use statepoint::wire::LinkError;
use statepoint::{Body, Connector, Ended, Exhausted};

use crate::support::*;
use statepoint::prelude::*;

type Table = crate::support::Table<ConnectToAddress>;

/// Two attempts are allowed; without jitter they are 0.1 s and 0.2 s apart.
fn machine() -> ConnectToAddress {
    ConnectToAddress::new(at()).retry(Retry::steps([millis(100), millis(200)], millis(400)).attempts(2))
}

/// A machine that tries; and who tries for it.
fn pending(machine: ConnectToAddress) -> (Table, Address) {
    let mut test = Table::new(machine);
    let step = test.start();
    assert_eq!((step.next(), step.created::<Connector>().len()), ("PENDING", 1));
    (test, step.children()[0])
}

/// A machine whose server is `far(1)`.
fn connected_to_server(machine: ConnectToAddress) -> Table {
    let (mut test, _) = pending(machine);
    assert_eq!(test.give_from(far(1), connected()).next(), "CONNECTED");
    test
}

fn glaring(machine: ConnectToAddress) -> Table {
    let (mut test, attempt) = pending(machine);
    assert_eq!(test.give_from(attempt, not_connected(None)).next(), "GLARING");
    test
}

#[test]
fn at_the_start_it_connects() {
    let mut test = Table::new(machine());
    let step = test.start();
    assert_eq!(step.created::<Connector>()[0].connect().host_port(), &HostPort::from(at()));
    assert!(test.is_in(ConnectToAddress::PENDING));
}

#[test]
fn when_connected_the_parent_gets_the_address() {
    let (mut test, _) = pending(machine());
    let step = test.give_from(far(1), connected());
    assert_eq!(step.sent_to::<UseAddress>(test.parent()), [&UseAddress { address: far(1) }]);
    assert!(test.is_in(ConnectToAddress::CONNECTED));
}

#[test]
fn after_a_failure_it_waits_and_tries_again() {
    let mut test = glaring(machine());
    assert_eq!(test.advance(millis(99)).next(), "GLARING");
    let step = test.advance(millis(1));
    assert_eq!((step.next(), step.created::<Connector>().len()), ("PENDING", 1));
}

#[test]
fn the_delays_are_those_of_the_scope() {
    for (tried, least, most) in [("127.0.0.1:1", 2, 3), ("10.0.0.1:1", 4, 6), ("93.184.216.34:1", 8, 12)] {
        let (mut test, attempt) = pending(ConnectToAddress::new(HostPort::new("server.lab", 1)));
        let _ = test.give_from(attempt, not_connected(tried.parse().ok()));
        assert_eq!(test.advance(seconds(least) - millis(1)).next(), "GLARING", "{tried}");
        assert_eq!(test.advance(seconds(most - least) + millis(1)).next(), "PENDING", "{tried}");
    }
}

#[test]
fn why_it_tries_again_is_told_once_until_the_reason_changes() {
    const REFUSED: &str = "cannot connect to \"127.0.0.1:32011\" (Connection refused)";
    let mut test = Table::new(ConnectToAddress::new(at()).retry(Retry::steps([millis(100)], millis(200)).attempts(7)));
    let mut attempt = test.start().children()[0];
    let mut fail = |test: &mut Table, fault: NotConnected| {
        let step = test.give_from(attempt, fault);
        attempt = test.advance(millis(200)).children().first().copied().unwrap_or(attempt);
        step.said().to_vec()
    };
    assert_eq!(fail(&mut test, not_connected(None)), [format!("{REFUSED}; trying again in 100ms")]);
    assert_eq!(fail(&mut test, not_connected(None)), [""; 0], "that was told");
    let other = NotConnected::new(at(), None, LinkError::CutOff);
    assert_eq!(fail(&mut test, other).len(), 1, "the reason has changed");
    assert_eq!(fail(&mut test, not_connected(None)), [format!("{REFUSED}; trying again in 200ms")]);
    // A connection that does not last is a failure like another one; one that was stable makes forget what was told.
    let _ = test.give_from(far(1), connected());
    let lost = ["abandoned by \"127.0.0.1:32011\" (reset by the peer); trying again in 200ms"];
    assert_eq!(test.give_from(far(1), abandoned(seconds(1))).said(), lost);
    for lasted in [1, 10] {
        let _ = test.advance(millis(200));
        let _ = test.give_from(far(1), connected());
        let step = test.give_from(far(1), abandoned(seconds(lasted)));
        assert_eq!(step.said().len(), usize::from(lasted == 10), "after {lasted} seconds");
    }
}

#[test]
fn a_server_that_says_goodbye_is_told_of_when_it_does_so_again() {
    let goodbye = |lasted| {
        let mut fault = abandoned(seconds(lasted));
        fault.reason = Ended::ByPeer;
        fault
    };
    let retry = Retry::steps([], millis(100));
    for (first, second, told) in [(1, 1, 1), (60, 1, 0), (60, 60, 0), (1, 60, 0)] {
        let mut test = connected_to_server(ConnectToAddress::new(at()).retry(retry.clone()));
        assert_eq!(test.give_from(far(1), goodbye(first)).said(), [""; 0]);
        let _ = test.advance(millis(100));
        let _ = test.give_from(far(1), connected());
        assert_eq!(test.give_from(far(1), goodbye(second)).said().len(), told, "after {first}, then {second} seconds");
    }
    let mut test = connected_to_server(ConnectToAddress::new(at()).retry(retry));
    let _ = test.give_from(far(1), goodbye(60));
    let attempt = test.advance(millis(100)).children()[0];
    assert_eq!(test.give_from(attempt, not_connected(None)).said().len(), 1, "it has not come back");
}

#[test]
fn when_it_gives_up_it_says_so() {
    let mut test = glaring(machine());
    let attempt = test.advance(millis(100)).children()[0];
    let step = test.give_from(attempt, not_connected(None));
    let refused = "cannot connect to \"127.0.0.1:32011\" (Connection refused)";
    assert_eq!(step.said(), [format!("gave up after 2 attempts: {refused}")]);
    let by = Identity::generate().expect("the system has randomness").public_key();
    let reason = LinkError::NotAuthorised { by, reason: "nobody knows you".into() };
    let (mut test, attempt) = pending(machine());
    let step = test.give_from(attempt, NotConnected::new(at(), None, reason));
    assert!(step.said()[0].ends_with("; not trying again"), "{:?}", step.said());
}

#[test]
fn a_connection_that_failed_before_it_was_open_is_a_failure_too() {
    let (mut test, _) = pending(machine());
    assert_eq!(test.give_from(far(1), not_connected(Some(at()))).next(), "GLARING");
}

#[test]
fn the_last_failure_ends_it() {
    let mut test = glaring(machine());
    let attempt = test.advance(millis(100)).children()[0];
    let step = test.give_from(attempt, not_connected(Some(at())));
    let exhausted = step.completed::<Exhausted>().expect("two attempts have failed");
    assert_eq!((exhausted.attempts, exhausted.last.contains("cannot connect")), (2, true));
    assert_eq!(step.sent_names(), [""; 0]);
}

/// Another attempt with the same key must end in the same way.
#[test]
fn a_server_that_does_not_admit_this_end_is_not_asked_again() {
    let by = Identity::generate().expect("the system has randomness").public_key();
    for (link, is_final) in [
        (LinkError::NotAuthorised { by, reason: "nobody knows you".into() }, true),
        (LinkError::Refused { reason: "nobody knows you".into() }, false),
    ] {
        let (mut test, _) = pending(machine());
        let fault = NotConnected::new(at(), Some(at()), link);
        let step = test.give_from(far(1), fault);
        assert_eq!((step.completed::<NotConnected>().is_some(), step.next() == "GLARING"), (is_final, !is_final));
        assert_eq!(step.sent_names(), [""; 0]);
    }
}

#[test]
fn told_to_keep_trying_it_asks_a_server_again_that_does_not_admit_this_end() {
    let by = Identity::generate().expect("the system has randomness").public_key();
    let reason = || LinkError::NotAuthorised { by, reason: "nobody knows you".into() };
    let (mut test, attempt) = pending(machine().keep_trying());
    let refused = || NotConnected::new(at(), Some(at()), reason());
    let step = test.give_from(attempt, refused());
    assert!(step.said()[0].ends_with("; trying again in 60s"), "{:?}", step.said());
    assert_eq!(test.advance(seconds(60) - millis(1)).next(), "GLARING");
    let attempt = test.advance(millis(1)).children()[0];
    assert!(test.give_from(attempt, refused()).completed::<Exhausted>().is_some(), "two attempts are allowed");
}

#[test]
fn a_failure_of_an_earlier_attempt_is_no_news() {
    let mut test = glaring(machine());
    let attempt = test.advance(millis(100)).children()[0];
    let stranger = test.stranger();
    assert_eq!(test.give_from(stranger, not_connected(None)).next(), "PENDING");
    assert_eq!(test.give_from(attempt, connected()).next(), "CONNECTED");
    assert_eq!(test.give_from(stranger, not_connected(None)).next(), "CONNECTED");
    assert_eq!(glaring(machine()).give_from(stranger, not_connected(None)).next(), "GLARING");
}

#[test]
fn a_lost_connection_is_made_again_after_a_wait() {
    let mut test = connected_to_server(machine());
    let step = test.give_from(far(1), abandoned(seconds(1)));
    assert_eq!(step.sent_to::<NoAddress>(test.parent()), [&NoAddress]);
    assert_eq!(step.next(), "GLARING");
    assert_eq!(test.advance(millis(100)).next(), "PENDING");
}

#[test]
fn only_a_stable_connection_makes_forget_the_failures() {
    for (lasted, ends) in [(seconds(10), false), (seconds(10) - millis(1), true)] {
        let mut test = glaring(machine());
        let _ = test.advance(millis(100));
        let _ = test.give_from(far(1), connected());
        let step = test.give_from(far(1), abandoned(lasted));
        assert_eq!(step.completed::<Exhausted>().is_some(), ends);
        assert_eq!(step.sent::<NoAddress>().is_empty(), ends, "the end says it all");
        if !ends {
            assert_eq!(test.advance(millis(100)).next(), "PENDING", "the delays begin anew");
        }
    }
}

#[test]
fn after_a_stable_connection_the_delays_grow_again_from_the_first() {
    let mut test = connected_to_server(machine());
    let _ = test.give_from(far(1), abandoned(seconds(10)));
    let attempt = test.advance(millis(100)).children()[0];
    assert_eq!(test.give_from(attempt, not_connected(None)).next(), "GLARING");
    assert_eq!(test.advance(millis(199)).next(), "GLARING");
    assert_eq!(test.advance(millis(1)).next(), "PENDING");
}

#[test]
fn once_is_once() {
    let mut test = connected_to_server(machine().once());
    assert!(test.give_from(far(1), abandoned(seconds(60))).completed::<Abandoned>().is_some());
}

#[test]
fn it_ends_when_this_end_closes_the_connection_or_the_session_ends() {
    let mut test = connected_to_server(machine());
    assert_eq!(test.give_from(far(1), closed()).completed(), Some(&Verdict(1)));
}

#[test]
fn the_end_of_an_earlier_connection_is_no_news() {
    for end in [Body::from(closed()), Body::from(abandoned(seconds(60)))] {
        let mut test = connected_to_server(machine());
        assert_eq!(test.give_from(far(2), end).next(), "CONNECTED");
    }
    for end in [Body::from(closed()), Body::from(abandoned(seconds(60)))] {
        assert_eq!(pending(machine()).0.give_from(far(2), end).next(), "PENDING");
    }
    for end in [Body::from(closed()), Body::from(abandoned(seconds(60)))] {
        assert_eq!(glaring(machine()).give_from(far(2), end).next(), "GLARING");
    }
}

#[test]
fn a_second_connection_is_closed() {
    for mut test in [connected_to_server(machine()), glaring(machine())] {
        let before = test.state();
        let step = test.give_from(far(2), connected());
        assert_eq!((step.next(), step.sent_to::<Close>(far(2))), (before, vec![&Close]));
        let session = test.stranger();
        assert_eq!(test.give_from(session, connected()).sent_to::<Stop>(session), [&Stop]);
    }
}

#[test]
fn what_the_server_sends_goes_to_the_owner_in_every_state() {
    for mut test in [pending(machine()).0, connected_to_server(machine()), glaring(machine())] {
        let (before, parent) = (test.state(), test.parent());
        let step = test.give_from(far(1), News(7));
        assert!(step.forwarded::<News>(parent, far(1)) && step.next() == before);
    }
}

#[test]
fn another_owner_gets_the_messages_but_not_the_addresses() {
    let mut test = Table::new(machine());
    let owner = test.stranger();
    *test.machine_mut() = machine().deliver_to(owner);
    let _ = test.start();
    let step = test.give_from(far(1), connected());
    assert_eq!(step.sent_to::<UseAddress>(test.parent()).len(), 1);
    assert!(test.give_from(far(1), News(7)).forwarded::<News>(owner, far(1)));
}

#[test]
fn it_can_be_stopped_in_every_state() {
    for mut test in [pending(machine()).0, connected_to_server(machine()), glaring(machine())] {
        let step = test.give(Stop);
        assert!(step.completed::<Aborted>().is_some() && step.sent_names().is_empty());
    }
}

#[test]
fn without_room_for_an_attempt_it_waits_for_room() {
    let attempts = |most| machine().retry(Retry::steps([millis(100)], millis(200)).attempts(most));
    for (most, waited) in [(1, 0), (2, 100), (4, 500)] {
        let (value, after) = alone(attempts(most));
        let exhausted = value.take::<Exhausted>().expect("there never is room");
        assert_eq!((exhausted.attempts, after), (most, millis(waited)), "{}", exhausted.last);
    }
}

#[test]
fn every_cell_and_edge_is_taken() {
    let tests: [fn(); 14] = [
        when_connected_the_parent_gets_the_address,
        after_a_failure_it_waits_and_tries_again,
        the_last_failure_ends_it,
        a_failure_of_an_earlier_attempt_is_no_news,
        a_lost_connection_is_made_again_after_a_wait,
        only_a_stable_connection_makes_forget_the_failures,
        once_is_once,
        it_ends_when_this_end_closes_the_connection_or_the_session_ends,
        the_end_of_an_earlier_connection_is_no_news,
        a_second_connection_is_closed,
        what_the_server_sends_goes_to_the_owner_in_every_state,
        it_can_be_stopped_in_every_state,
        without_room_for_an_attempt_it_waits_for_room,
        at_the_start_it_connects,
    ];
    assert_eq!(never_taken::<ConnectToAddress>(&tests), "");
}
