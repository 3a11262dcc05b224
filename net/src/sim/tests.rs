//! Each promise of the simulated network that is not one of every network (those are in `parity`).

mod breaking;
mod chatter;
mod hosts;
mod time;

use super::{Faults, SimNet, World};
use crate::net::{Net, Ready, Token};
use fsm_core::Moment;
use std::io::{ErrorKind, IoSlice, Result};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

/// A server and a client with one connection between them.
struct Pair {
    world: World,
    server: SimNet,
    client: SimNet,
    listener: Token,
    at: SocketAddr,
    /// The server's end.
    accepted: Token,
    /// The client's end.
    dialled: Token,
}

fn world(faults: Faults) -> (World, SimNet, SimNet) {
    let world = World::with_faults(1, faults);
    let (server, client) = (world.host(SERVER), world.host(CLIENT));
    (world, server, client)
}

fn pair(faults: Faults) -> Pair {
    let (world, mut server, mut client) = world(faults);
    let (listener, at) = server.listen(SocketAddr::new(SERVER, 80)).expect("listens");
    let dialled = client.connect(at).expect("begins to connect");
    let give_up = world.after(seconds(10_000));
    let accepted = loop {
        match server.accept(listener) {
            Ok((token, _, _)) => break token,
            Err(_) => step(&world, &mut [&mut server, &mut client], give_up),
        };
    };
    while !matches!(client.connected(dialled), Ok(Some(_))) {
        step(&world, &mut [&mut server, &mut client], give_up);
    }
    Pair { world, server, client, listener, at, accepted, dialled }
}

/// Goes to the next event, which must come by this moment, and takes the events of all hosts.
fn step(world: &World, hosts: &mut [&mut SimNet], by: Moment) -> Vec<Ready> {
    let next = world.next_event().filter(|next| *next <= by);
    world.advance(next.unwrap_or_else(|| panic!("nothing happens in time: {:#?}", world.history())));
    hosts.iter_mut().flat_map(|host| host.ready()).collect()
}

impl Pair {
    /// Lets time pass, and the hosts take their events.
    fn pass(&mut self, time: Duration) {
        self.world.advance(self.world.after(time));
        self.server.ready();
        self.client.ready();
    }

    fn number(&self) -> u64 {
        self.world.connections()[0].connection
    }
}

fn write(net: &mut SimNet, token: Token, bytes: &[u8]) -> Result<usize> {
    net.write_vectored(token, &[IoSlice::new(bytes)])
}

/// Reads what is there, until it would block, ends, or fails.
fn read(net: &mut SimNet, token: Token) -> (Vec<u8>, Result<()>) {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match net.read(token, &mut buffer) {
            Ok(0) => return (all, Ok(())),
            Ok(count) => all.extend(&buffer[..count]),
            Err(error) => return (all, Err(error)),
        }
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("an error was expected").kind()
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
