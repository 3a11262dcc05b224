//! Hosts of a simulation whose processes begin anew.

use std::net::IpAddr;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Ended, Host, Limits, NetSettings, Simulation};

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

/// Listens for ever.
async fn serve(cx: &mut Routine) {
    cx.listen(HostPort::new("10.0.0.1", 32011));
    cx.sleep(Duration::MAX).await;
}

/// Connects, and waits for the end of the connection.
async fn hold(cx: &mut Routine) -> Abandoned {
    cx.connect(Connect::to(HostPort::new("10.0.0.1", 32011)).check_every(Duration::from_secs(10)));
    cx.select::<Connected>().await;
    cx.select::<Abandoned>().await
}

/// A server that has three points, and may have no more than four; a client that is connected to it.
fn connected() -> (Simulation, Host, Host) {
    let mut simulation = Simulation::new(1);
    let limits = Limits { points: 4, ..Limits::default() };
    let server = simulation.host_with(SERVER, limits, NetSettings::default());
    let client = simulation.host(CLIENT);
    simulation.driver(server).create(routine(serve));
    simulation.run_for(Duration::from_secs(1));
    simulation.driver(client).create(routine(hold));
    simulation.run_for(Duration::from_secs(1));
    assert_eq!(simulation.driver(server).kernel().points(), 3, "the listener and the peer too");
    (simulation, server, client)
}

/// How the client's connection has ended, when it has.
fn ended(simulation: &mut Simulation, client: Host) -> Option<Ended> {
    let (_, value) = simulation.driver(client).kernel_mut().take_result()?;
    Some(value.take::<Abandoned>().expect("it waits for that").reason)
}

/// The server is as new: within its limits it can be used again at once.
fn serves_again(simulation: &mut Simulation, server: Host, client: Host) {
    assert_eq!((simulation.driver(server).kernel().points(), simulation.driver(server).sockets()), (0, 0));
    simulation.driver(server).create(routine(serve));
    simulation.run_for(Duration::from_secs(1));
    simulation.driver(client).create(routine(hold));
    simulation.run_for(Duration::from_secs(60));
    assert_eq!(ended(simulation, client), None, "they are connected");
    for _ in 0..4 {
        simulation.driver(server).create(routine(async |cx: &mut Routine| cx.sleep(Duration::MAX).await));
    }
    assert_eq!(simulation.driver(server).kernel().points(), 4, "as many as it may have");
}

#[test]
fn peers_of_a_process_that_begins_anew_are_told_at_once() {
    let (mut simulation, server, client) = connected();
    simulation.reboot(server);
    simulation.run_for(Duration::from_millis(1));
    assert_eq!(ended(&mut simulation, client), Some(Ended::CutShort));
    serves_again(&mut simulation, server, client);
}

#[test]
fn peers_of_a_host_that_has_lost_its_power_find_out_themselves() {
    let (mut simulation, server, client) = connected();
    simulation.world().crash(SERVER);
    simulation.run_for(Duration::from_secs(5));
    assert_eq!(ended(&mut simulation, client), None);
    simulation.reboot(server);
    simulation.run_for(Duration::from_secs(20));
    assert_eq!(ended(&mut simulation, client), Some(Ended::Reset), "asked whether it is there, it knows of nothing");
    serves_again(&mut simulation, server, client);
}

#[test]
fn a_process_that_hangs_can_begin_anew() {
    let (mut simulation, server, client) = connected();
    simulation.world().freeze(SERVER);
    simulation.run_for(Duration::from_secs(1));
    simulation.reboot(server);
    assert!(simulation.world().is_running(SERVER));
    simulation.run_for(Duration::from_secs(1));
    assert_eq!(ended(&mut simulation, client), Some(Ended::CutShort));
    serves_again(&mut simulation, server, client);
}

#[test]
#[should_panic(
    expected = "expected an address that no host has, got 10.0.0.1; to begin a host's process anew, `reboot` it"
)]
fn no_two_hosts_have_the_same_address() {
    let mut simulation = Simulation::new(1);
    simulation.host(SERVER);
    simulation.host(CLIENT);
    simulation.host(SERVER);
}
