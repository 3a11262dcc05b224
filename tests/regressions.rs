//! What the reference system (ansar-connect 1.1.54, `networking.py` and `grouping.py`) does wrong, and we must not.

#[allow(dead_code, reason = "shared with the tests of groups, which use all of it")]
#[path = "groups/support.rs"]
mod support;
#[allow(dead_code, reason = "shared with the tests of groups, which use all of it")]
#[path = "groups/town.rs"]
mod town;

use statepoint::net::AcceptFailure;
use statepoint::prelude::*;
use statepoint::sim::{Faults, Happening};
use statepoint::{AddressGroup, CellShape, Connector, Listener, Proxy, Shape};

use support::*;
use town::*;

const PORT: u16 = 32012;

/// A port of the client's host, by a name that has to be looked up.
fn own_port() -> HostPort {
    HostPort::new("client.lab", PORT)
}

fn town_with_names(seed: u64) -> Town {
    let town = Town::with_faults(seed, Faults { latency_least: millis(50), ..Faults::default() });
    town.simulation.world().name("client.lab", vec![CLIENT.into()]);
    town
}

/// Whether every root point of the client has ended.
fn has_ended(town: &mut Town) -> bool {
    town.simulation.driver(town.client).kernel().points() == 0
}

/// How many sockets the client holds.
fn sockets(town: &mut Town) -> usize {
    town.simulation.driver(town.client).sockets()
}

/// A town with a port, and the addresses of three peers that are connected to it.
fn port_with_three_peers() -> (Town, Address) {
    let mut town = town_with_names(1);
    let port = town.create(ListenAtAddress::new(own_port()));
    town.simulation.run_for(seconds(1));
    (0..3).for_each(|server| town.visit(server, ConnectToAddress::new(own_port())));
    town.simulation.run_for(seconds(1));
    assert_eq!(sockets(&mut town), 4);
    (town, port)
}

// ---- ConnectToAddress

/// "Connected could be orphaned here", says the reference: PENDING completes on `Stop` while an attempt is in flight.
#[test]
fn who_is_stopped_while_connecting_leaves_no_connection() {
    for delay in (0..200).step_by(10) {
        let mut town = town_with_names(1);
        town.begin(0);
        let member = town.create(ConnectToAddress::new(named_place(0)));
        town.simulation.run_for(millis(delay));
        town.stop(member);
        town.end(seconds(5));
        town.simulation.run_for(seconds(1));
        assert_eq!(town.simulation.world().open_sockets(ip(0)), 1, "the server's port");
    }
}

/// PENDING has no entry for them in the reference.
#[test]
fn messages_that_come_while_connecting_are_passed_on() {
    let mut test = Harness::new(ConnectToAddress::new(at()));
    let _ = test.start();
    let (peer, parent) = (test.peer(), test.parent());
    assert!(test.is_in(ConnectToAddress::PENDING) && test.give(News(7)).forwarded::<News>(parent, peer));
}

/// The reference waits in CLOSING until the peer has closed too, and has no entry there for a second `Stop`.
#[test]
fn a_frozen_peer_does_not_hold_up_the_end() {
    let mut town = Town::busy(1);
    let member = town.create(ConnectToAddress::new(place(0)));
    town.simulation.run_for(seconds(1));
    town.simulation.world().freeze(ip(0));
    town.stop(member);
    town.stop(member);
    town.end(seconds(5));
}

/// The reference begins with the shortest delay after each connection, however short it was.
#[test]
fn a_server_that_accepts_and_drops_is_asked_ever_more_seldom() {
    let mut town = Town::with_faults(1, Faults { turned_away: 1.0, ..Faults::default() });
    town.begin(0);
    town.create(ConnectToAddress::new(place(0)));
    town.simulation.run_for(seconds(600));
    let connections = town.simulation.world().count(Happening::Connected);
    assert!((25..40).contains(&connections), "16 to 24 seconds apart in the end, got {connections} in 600 seconds");
}

/// The reference gives every name the delays of the Internet, also `localhost`: 8 seconds at the least.
#[test]
fn a_host_name_is_judged_by_what_it_resolves_to() {
    for (address, least, most) in [([127, 0, 0, 1], 2, 3), ([10, 0, 0, 10], 4, 6), ([93, 184, 216, 34], 8, 12)] {
        let mut town = Town::new(1);
        let world = town.simulation.world().clone();
        world.host(address.into());
        world.name("localhost", vec![address.into()]);
        town.create(ConnectToAddress::new(HostPort::new("localhost", 32011)));
        town.simulation.run_for(seconds(least) - millis(1));
        assert_eq!(world.count(Happening::Refused), 1);
        town.simulation.run_for(seconds(most - least) + millis(1));
        assert_eq!(world.count(Happening::Refused), 2);
    }
}

/// In the reference a look-up keeps the thread of all sockets waiting.
#[test]
fn a_name_that_is_not_answered_keeps_nobody_else_waiting() {
    let mut town = Town::with_faults(1, Faults { resolve_unanswered: 1.0, ..Faults::default() });
    let notes = Notes::default();
    (0..3).for_each(|server| town.begin(server));
    town.create(ConnectToAddress::new(named_place(0)));
    town.create(Owner::new(&notes));
    town.until(millis(1), "three answers", || notes.answers() == 3);
}

// ---- ListenAtAddress

/// As with connecting, in the reference.
#[test]
fn who_is_stopped_while_a_port_is_opened_leaves_no_port() {
    for delay in (0..200).step_by(10) {
        let mut town = town_with_names(1);
        let port = town.create(ListenAtAddress::new(own_port()));
        town.simulation.run_for(millis(delay));
        town.stop(port);
        town.end(seconds(1));
    }
}

/// The reference never stops to listen: the port stays open after the end.
#[test]
fn a_port_that_was_stopped_can_be_opened_again() {
    let (mut town, port) = port_with_three_peers();
    town.stop(port);
    town.end(seconds(1));
    let port = town.create(ListenAtAddress::new(own_port()));
    town.simulation.run_for(seconds(1));
    assert_eq!(town.simulation.world().count(Happening::Listened), 2);
    town.stop(port);
    town.end(seconds(5));
}

/// ACCEPTING has no entry for `NotListening` in the reference: a port that breaks is never opened again.
#[test]
fn a_port_that_breaks_is_opened_again() {
    let mut town = town_with_names(1);
    town.create(ListenAtAddress::new(own_port()));
    town.simulation.run_for(seconds(1));
    town.simulation.world().fail_accepts(CLIENT.into(), AcceptFailure::Fatal, 1);
    town.visit(0, ConnectToAddress::new(own_port()));
    town.simulation.run_for(seconds(1));
    assert_eq!(sockets(&mut town), 0);
    town.simulation.run_for(seconds(8));
    assert_eq!(town.simulation.world().count(Happening::Listened), 2);
}

/// Nor for `NotAccepted`.
#[test]
fn the_owner_hears_of_peers_for_whom_there_was_no_room() {
    let mut test = Harness::new(ListenAtAddress::new(at()));
    let listener = test.start().children()[0];
    let _ = test.give_from(listener, listening());
    let parent = test.parent();
    assert!(test.give_from(listener, not_accepted()).forwarded::<NotAccepted>(parent, listener));
}

/// CLOSING has no entry for `Accepted` in the reference: who connects meanwhile is held for ever.
#[test]
fn who_connects_while_a_port_closes_is_not_held() {
    for delay in (0..200).step_by(10) {
        let (mut town, port) = port_with_three_peers();
        town.visit(0, ConnectToAddress::new(own_port()).once().retry(Retry::by_scope().attempts(1)));
        town.simulation.run_for(millis(delay));
        town.stop(port);
        town.end(seconds(1));
        town.simulation.run_for(seconds(1));
        assert_eq!(town.simulation.world().connections().len(), 0, "after {delay} ms");
    }
}

/// In the reference CLOSING completes on the first event of a session it does not know.
#[test]
fn a_port_ends_after_the_last_of_its_connections() {
    let (mut town, port) = port_with_three_peers();
    town.simulation.world().freeze(ip(2));
    town.stop(port);
    town.simulation.run_for(seconds(2));
    assert_eq!((has_ended(&mut town), sockets(&mut town)), (false, 1), "one peer does not close its end");
    town.end(seconds(2));
}

// ---- AddressGroup

/// The reference does not cancel its GroupTimer when the group is ready: it comes when a member is lost later.
#[test]
fn the_time_to_get_ready_ends_when_the_group_is_ready() {
    let mut town = Town::busy(1);
    town.create(Servers::new().table().get_ready(seconds(10)).group());
    town.simulation.run_for(seconds(5));
    town.kill(0);
    town.simulation.run_for(seconds(20));
    assert!(!has_ended(&mut town));
}

/// In the reference RESTARTING has no entry for what peers send, and drops it.
#[test]
fn messages_between_two_sessions_reach_the_next_one() {
    let mut test = Harness::new(group_of_two());
    let (members, session) = at_work(&mut test);
    let _ = test.give_from(members[0], NoAddress);
    assert!(test.is_in(AddressGroup::RESTARTING));
    let _ = test.give(News(7));
    let _ = test.complete(session, Done);
    let step = test.give_from(members[0], UseAddress { address: test.peer() });
    assert_eq!(step.sent_to::<News>(step.children()[0]), [&News(7)]);
}

/// The reference reads `self.group_value` there, which it never sets: AttributeError.
#[test]
fn a_member_that_ends_while_the_session_stops_ends_the_group_with_its_value() {
    let mut test = Harness::new(group_of_two());
    let (members, _) = at_work(&mut test);
    let _ = test.give_from(members[0], NoAddress);
    assert_eq!(test.complete(members[1], Verdict(7)).completed(), Some(&Verdict(7)));
}

/// The reference goes from READY to PENDING when somebody completes whom it does not know, and leaves the session running.
#[test]
fn the_end_of_somebody_else_changes_nothing() {
    let mut test = Harness::new(group_of_two());
    let _ = at_work(&mut test);
    let stranger = test.stranger();
    assert_eq!(test.complete(stranger, Done).next(), "WORKING");
}

fn group_of_two() -> AddressGroup {
    let member = || Member::new(|| ConnectToAddress::new(at()));
    let servers = ["clock", "store"].map(|name| (name.to_owned(), member()));
    let table = std::collections::BTreeMap::from(servers).table();
    table.resident(|_, _| routine(async |_| Done)).group()
}

/// The addresses of the members and of the session.
fn at_work(test: &mut Harness<AddressGroup>) -> (Vec<Address>, Address) {
    let members = test.start().children();
    let address = test.peer();
    let _ = test.give_from(members[0], UseAddress { address });
    let session = test.give_from(members[1], UseAddress { address }).children()[0];
    (members, session)
}

// ---- tables

/// In the reference `NotSubscribed` has a handler that no state leads to. Here a table is made of its handlers.
#[test]
fn every_handler_of_the_network_stands_in_a_cell() {
    let shapes: [&Shape; 6] = [
        ConnectToAddress::TABLE.shape,
        ListenAtAddress::TABLE.shape,
        AddressGroup::TABLE.shape,
        Connector::TABLE.shape,
        Listener::TABLE.shape,
        Proxy::TABLE.shape,
    ];
    for shape in shapes {
        for (index, handler) in shape.handlers.iter().enumerate() {
            let is_cell = shape.cells.iter().any(|cells| cells.contains(&CellShape::Handler(index)));
            let is_default = [shape.unknown, shape.enter, shape.exit].iter().any(|list| list.contains(&Some(index)));
            assert!(is_cell || is_default, "{} of {} is never called", handler.name, shape.machine);
        }
    }
}
