//! Members on a simulated network, among points that say what only the network says, and ports that break.

use statepoint::net::AcceptFailure;
use statepoint::prelude::*;
use statepoint::sim::Faults;
use statepoint::{Aborted, Address};

use crate::onlooker::Reporter;
use crate::support::*;
use crate::town::*;

/// A port of the client's host, by a name that has to be looked up: for a while it is neither open nor not.
fn own_port() -> HostPort {
    HostPort::new("client.lab", 32012)
}

fn town() -> Town {
    let town = Town::with_faults(1, Faults { latency_least: millis(50), ..Faults::default() });
    town.simulation.world().name("client.lab", vec![CLIENT.into()]);
    town
}

/// Somebody says to a member that connects what only the network says, and something else. Only who is first to say `Connected`
/// while the member connects is believed: the far end of a connection is not known before.
fn meddle_with_connection(town: &mut Town, member: Address) {
    town.send(member, not_connected(None));
    town.send(member, abandoned(seconds(60)));
    town.send(member, closed());
    town.send(member, News(0));
    town.simulation.settle();
}

/// As many news as that somebody has sent, and no word of what they have made up.
#[test]
pub(crate) fn what_others_say_of_connections_is_no_news_to_a_member() {
    let mut town = town();
    town.begin(0);
    let member = town.watch(ConnectToAddress::new(named_place(0)));
    meddle_with_connection(&mut town, member.point);
    assert_eq!(member.notes.all(), ["News"], "while it connects");
    town.until(seconds(1), "a connection", || member.notes.count("UseAddress") == 1);
    town.send(member.point, connected());
    meddle_with_connection(&mut town, member.point);
    assert_eq!(member.notes.all()[2..], ["News"], "while it is connected");
    assert_eq!(town.simulation.world().connections().len(), 1);
    town.kill(0);
    town.until(seconds(1), "the end of the connection", || member.notes.count("NoAddress") == 1);
    town.send(member.point, connected());
    meddle_with_connection(&mut town, member.point);
    assert_eq!(member.notes.all()[4..], ["News"], "while it waits");
    town.begin(0);
    town.until(seconds(6), "another connection", || member.notes.count("UseAddress") == 2);
    town.stop(member.point);
    assert!(town.end(seconds(1)).is::<Aborted>());
}

#[test]
fn what_a_server_sends_unasked_goes_to_the_parent() {
    let mut town = town();
    town.visit(0, Reporter::new(place(0)));
    let member = town.watch(ConnectToAddress::new(place(0)));
    town.until(seconds(5), "three news", || member.notes.count("News") == 3);
    town.stop(member.point);
    town.end(seconds(1));
}

/// The same for a port. Whose connections it tells of is the parent's concern; whose port it is, is not.
fn meddle_with_port(town: &mut Town, port: Address) {
    town.send(port, listening());
    town.send(port, not_listening());
    town.send(port, accepted());
    town.send(port, not_accepted());
    town.send(port, abandoned(seconds(60)));
    town.send(port, closed());
    town.send(port, News(0));
    town.simulation.settle();
}

#[test]
pub(crate) fn what_others_say_of_ports_is_no_news_to_a_member() {
    const OF_CONNECTIONS: [&str; 5] = ["Accepted", "NotAccepted", "Abandoned", "Closed", "News"];
    let mut town = town();
    let port = town.watch(ListenAtAddress::new(own_port()));
    meddle_with_port(&mut town, port.point);
    assert_eq!(port.notes.all(), OF_CONNECTIONS, "while it is opened");
    town.until(seconds(1), "a port", || port.notes.count("UseAddress") == 1);
    meddle_with_port(&mut town, port.point);
    assert_eq!(port.notes.all()[6..], OF_CONNECTIONS, "while it is open");
    break_port(&mut town);
    town.until(seconds(1), "the end of the port", || port.notes.count("NoAddress") == 1);
    meddle_with_port(&mut town, port.point);
    assert_eq!(port.notes.all()[12..], OF_CONNECTIONS, "while it waits");
    town.until(seconds(9), "another port", || port.notes.count("UseAddress") == 2);
    town.stop(port.point);
    assert!(town.end(seconds(1)).is::<Aborted>());
}

/// The next peer that the port accepts is its last.
fn break_port(town: &mut Town) {
    town.simulation.world().fail_accepts(CLIENT.into(), AcceptFailure::Fatal, 1);
    town.visit(0, ConnectToAddress::new(own_port()).retry(Retry::by_scope().attempts(1)));
}

/// Connects to a port and speaks once a second for so long; then it goes.
async fn visitor(cx: &mut Routine, words: u32) {
    cx.connect(own_port());
    cx.select::<Connected>().await;
    let there = cx.from();
    for word in 0..words {
        cx.send(there, News(word));
        cx.sleep(seconds(1)).await;
    }
}

#[test]
fn connections_outlive_the_port_they_came_by() {
    let mut town = town();
    let port = town.watch(ListenAtAddress::new(own_port()).retry(Retry::steps([], seconds(8))));
    town.until(seconds(1), "a port", || port.notes.count("UseAddress") == 1);
    town.visit(1, routine(async |cx: &mut Routine| visitor(cx, 4).await));
    town.visit(2, routine(async |cx: &mut Routine| visitor(cx, 30).await));
    town.until(seconds(1), "two visitors", || port.notes.count("News") == 2);
    break_port(&mut town);
    town.until(seconds(1), "the end of the port", || port.notes.count("NoAddress") == 1);
    town.simulation.run_for(seconds(6));
    assert_eq!(port.notes.count("Abandoned"), 1, "one visitor has gone");
    assert!(port.notes.count("News") > 8, "the other still speaks");
    town.until(seconds(9), "another port", || port.notes.count("UseAddress") == 2);
    let so_far = port.notes.count("News");
    town.until(seconds(3), "more news", || port.notes.count("News") > so_far);
    town.stop(port.point);
    assert!(town.end(seconds(1)).is::<Aborted>());
}

#[test]
fn a_port_in_use_is_had_when_it_has_come_free() {
    let mut town = Town::new(1);
    let at = HostPort::new("10.0.0.1", 32012);
    let first = town.watch(ListenAtAddress::new(at.clone()));
    let second = town.watch(ListenAtAddress::new(at));
    town.simulation.run_for(seconds(20));
    assert_eq!((first.notes.all(), second.notes.all()), (vec!["UseAddress".to_owned()], vec![]));
    town.stop(first.point);
    town.until(seconds(8), "the port", || second.notes.count("UseAddress") == 1);
    town.stop(second.point);
    town.simulation.run_for(seconds(1));
    town.is_clean();
}

#[test]
pub(crate) fn a_port_that_waits_for_its_next_attempt_can_be_stopped() {
    let mut town = Town::new(1);
    let at = HostPort::new("10.0.0.11", 32012); // the address of another host
    let port = town.watch(ListenAtAddress::new(at));
    town.simulation.run_for(seconds(1));
    town.stop(port.point);
    assert!(town.end(seconds(1)).is::<Aborted>());
    assert_eq!(port.notes.all(), [""; 0]);
}
