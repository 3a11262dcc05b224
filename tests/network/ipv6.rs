//! Connections over IPv6, and over both from one port.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Done, Simulation};

use crate::loopback::Loopback;
use crate::messages::Note;
use crate::puppet::Puppet;
use crate::world::World;

/// A server at this address on the system's sockets, and a client that connects to each of these.
fn serve_over_sockets(at: &str, to: &[&str]) {
    let world = &mut Loopback::default();
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let at: SocketAddr = at.parse().expect("an address");
    server.soon(world, move |cx| {
        cx.listen(at);
    });
    let port = server.expect::<Listening>(world).0.listening.port();
    for to in to {
        let to = HostPort::new(*to, port);
        let ip = to.address();
        client.soon(world, move |cx| {
            cx.connect(to);
        });
        let (connected, far) = client.expect::<Connected>(world);
        let (accepted, back) = server.expect::<Accepted>(world);
        if let Some(ip) = ip {
            assert_eq!(
                (connected.remote, accepted.remote.ip()),
                (ip, ip.ip()),
                "each is known by the address it was called by"
            );
        }
        client.send(world, far, Note { number: 6 });
        assert_eq!(server.expect::<Note>(world), (Note { number: 6 }, back));
    }
    world.finish();
}

#[test]
fn a_port_of_ipv6_is_connected_to() {
    serve_over_sockets("[::1]:0", &["::1"]);
}

#[test]
fn a_port_of_every_address_serves_ipv4_and_ipv6() {
    serve_over_sockets("[::]:0", &["::1", "127.0.0.1", "localhost"]);
}

#[test]
fn a_name_that_leads_to_ipv6_and_ipv4_is_tried_in_turn() {
    let mut simulation = Simulation::new(6);
    let ips = [Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(), [10, 0, 0, 1].into()];
    let server = simulation.host(ips[1]);
    let client = simulation.host([10, 0, 0, 2].into());
    simulation.host(ips[0]); // where nobody listens
    simulation.world().name("server.lab", ips.to_vec());
    simulation.driver(server).create(routine(async |cx: &mut Routine| {
        cx.listen(HostPort::new("10.0.0.1", 32_011));
        cx.select::<Stop>().await;
    }));
    simulation.driver(client).create(routine(async |cx: &mut Routine| {
        cx.connect(HostPort::new("server.lab", 32_011));
        let connected = cx.select::<Connected>().await;
        assert_eq!(connected.remote.to_string(), "10.0.0.1:32011");
        Done
    }));
    assert!(
        simulation.run_until(Duration::from_secs(5), |simulation| simulation.driver(client).kernel().points() == 0)
    );
    let (_, value) = simulation.driver(client).kernel_mut().take_result().expect("it has ended");
    assert!(value.is::<Done>(), "{value:?}");
}
