//! ListenAtAddress alone.

use statepoint::{Exhausted, Listener};

use crate::support::*;
use statepoint::prelude::*;

type Table = crate::support::Table<ListenAtAddress>;

/// Two attempts are allowed; without jitter they are 0.1 s and 0.2 s apart.
fn machine() -> ListenAtAddress {
    ListenAtAddress::new(at()).retry(Retry::steps([millis(100), millis(200)], millis(400)).attempts(2))
}

/// A machine that tries; and who tries for it.
fn pending(machine: ListenAtAddress) -> (Table, Address) {
    let mut test = Table::new(machine);
    let step = test.start();
    assert_eq!((step.next(), step.created::<Listener>().len()), ("PENDING", 1));
    (test, step.children()[0])
}

/// A machine whose port is open; and who holds it.
fn accepting() -> (Table, Address) {
    let (mut test, listener) = pending(machine());
    assert_eq!(test.give_from(listener, listening()).next(), "ACCEPTING");
    (test, listener)
}

fn glaring() -> Table {
    let (mut test, listener) = pending(machine());
    assert_eq!(test.give_from(listener, not_listening()).next(), "GLARING");
    test
}

fn every_state() -> [Table; 3] {
    [pending(machine()).0, accepting().0, glaring()]
}

#[test]
fn at_the_start_it_listens() {
    let mut test = Table::new(machine());
    let step = test.start();
    assert_eq!(step.created::<Listener>()[0].listen().host_port(), &HostPort::from(at()));
    assert!(test.is_in(ListenAtAddress::PENDING));
}

#[test]
fn when_the_port_is_open_the_parent_gets_the_address_of_the_machine() {
    let (mut test, listener) = pending(machine());
    let step = test.give_from(listener, listening());
    assert_eq!(step.sent_to::<UseAddress>(test.parent()), [&UseAddress { address: test.me() }]);
    assert!(test.is_in(ListenAtAddress::ACCEPTING));
}

#[test]
fn after_a_failure_it_waits_and_tries_again() {
    let mut test = glaring();
    assert_eq!(test.advance(millis(99)).next(), "GLARING");
    let step = test.advance(millis(1));
    assert_eq!((step.next(), step.created::<Listener>().len()), ("PENDING", 1));
}

#[test]
fn unless_told_otherwise_it_tries_every_4_to_8_seconds() {
    let (mut test, mut listener) = pending(ListenAtAddress::new(at()));
    for _ in 0..10 {
        let _ = test.give_from(listener, not_listening());
        assert_eq!(test.advance(seconds(4) - millis(1)).next(), "GLARING");
        listener = test.advance(seconds(4) + millis(1)).children()[0];
    }
}

#[test]
fn why_it_tries_again_is_told_once() {
    let (mut test, mut listener) = pending(ListenAtAddress::new(at()).retry(Retry::steps([], millis(100))));
    for told in [1, 0, 0] {
        let step = test.give_from(listener, not_listening());
        assert_eq!(step.said().len(), told, "{:?}", step.said());
        assert!(
            step.said().iter().all(|line| line.starts_with("cannot listen at") && line.ends_with("again in 100ms"))
        );
        listener = test.advance(millis(100)).children()[0];
    }
    let _ = test.give_from(listener, listening());
    let _ = test.advance(seconds(10));
    assert_eq!(test.give_from(listener, not_listening()).said().len(), 1, "the port was open");
}

#[test]
fn the_last_failure_ends_it() {
    let mut test = glaring();
    let listener = test.advance(millis(100)).children()[0];
    let step = test.give_from(listener, not_listening());
    let exhausted = step.completed::<Exhausted>().expect("two attempts have failed");
    assert_eq!((exhausted.attempts, exhausted.last.contains("cannot listen")), (2, true));
}

#[test]
fn a_port_that_breaks_is_opened_again_after_a_wait() {
    let (mut test, listener) = accepting();
    let step = test.give_from(listener, not_listening());
    assert_eq!(step.sent_to::<NoAddress>(test.parent()), [&NoAddress]);
    assert_eq!(step.next(), "GLARING");
    assert_eq!(test.advance(millis(100)).next(), "PENDING");
}

#[test]
fn only_a_port_that_stayed_open_makes_forget_the_failures() {
    for (lasted, ends) in [(seconds(10), false), (seconds(10) - millis(1), true)] {
        let mut test = glaring();
        let listener = test.advance(millis(100)).children()[0];
        let _ = test.give_from(listener, listening_since(millis(100)));
        let _ = test.advance(lasted);
        let step = test.give_from(listener, not_listening());
        assert_eq!(step.completed::<Exhausted>().is_some(), ends);
        assert_eq!(step.sent::<NoAddress>().is_empty(), ends, "the end says it all");
    }
}

#[test]
fn what_an_earlier_port_says_is_no_news() {
    for mut test in every_state() {
        let (before, stranger) = (test.state(), test.stranger());
        assert_eq!(test.give_from(stranger, not_listening()).next(), before);
        let step = test.give_from(stranger, listening());
        assert_eq!((step.next(), step.sent_to::<Stop>(stranger)), (before, vec![&Stop]), "one port is enough");
        assert!(step.sent::<UseAddress>().is_empty());
    }
}

#[test]
fn the_parent_hears_of_connections_in_every_state() {
    for mut test in every_state() {
        let (before, parent) = (test.state(), test.parent());
        assert!(test.give_from(far(1), accepted()).forwarded::<Accepted>(parent, far(1)));
        assert!(test.give_from(far(1), not_accepted()).forwarded::<NotAccepted>(parent, far(1)));
        assert!(test.give_from(far(1), abandoned(seconds(1))).forwarded::<Abandoned>(parent, far(1)));
        assert!(test.give_from(far(1), closed()).forwarded::<Closed>(parent, far(1)));
        assert_eq!(test.state(), before);
    }
}

#[test]
fn what_peers_send_goes_to_the_owner_in_every_state() {
    for mut test in every_state() {
        let (before, parent) = (test.state(), test.parent());
        let step = test.give_from(far(1), News(7));
        assert!(step.forwarded::<News>(parent, far(1)) && step.next() == before);
    }
}

#[test]
fn another_owner_gets_the_messages_but_not_the_connections() {
    let mut test = Table::new(machine());
    let (owner, parent) = (test.stranger(), test.parent());
    *test.machine_mut() = machine().deliver_to(owner);
    let _ = test.start();
    assert!(test.give_from(far(1), accepted()).forwarded::<Accepted>(parent, far(1)));
    assert!(test.give_from(far(1), News(7)).forwarded::<News>(owner, far(1)));
}

#[test]
fn it_can_be_stopped_in_every_state() {
    for mut test in every_state() {
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
    let tests: [fn(); 11] = [
        at_the_start_it_listens,
        when_the_port_is_open_the_parent_gets_the_address_of_the_machine,
        after_a_failure_it_waits_and_tries_again,
        the_last_failure_ends_it,
        a_port_that_breaks_is_opened_again_after_a_wait,
        only_a_port_that_stayed_open_makes_forget_the_failures,
        what_an_earlier_port_says_is_no_news,
        the_parent_hears_of_connections_in_every_state,
        what_peers_send_goes_to_the_owner_in_every_state,
        it_can_be_stopped_in_every_state,
        without_room_for_an_attempt_it_waits_for_room,
    ];
    assert_eq!(never_taken::<ListenAtAddress>(&tests), "");
}
