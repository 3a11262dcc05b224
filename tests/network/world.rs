//! The worlds in which every scenario runs: a simulated network, the same with everything in pieces, and the system's
//! own sockets on loopback.
//!
//! A scenario is a function over [`World`], and [`scenarios!`](crate::scenarios) makes a test of it for each of them, so
//! the assertions are the same. Nothing sleeps: a scenario waits for a condition, with a bound that fails the test.

use std::io;
use std::net::SocketAddr;

use statepoint::prelude::*;
use statepoint::{IntoPoint, Kernel, Limits, NetCounters, NetSettings};

use crate::frames;

/// A host of a world, by its number.
pub(crate) type HostId = usize;

/// What the driver tells the machines of the network, which wait for it.
const ANSWERS: [&str; 11] = [
    "Bound",
    "NotBound",
    "Incoming",
    "TurnedAway",
    "Dialled",
    "NotDialled",
    "Released",
    "Opened",
    "Lost",
    "Slow",
    "Filled",
];

/// Several hosts, each with a kernel and its network.
pub(crate) trait World: Sized {
    /// A peer that speaks bytes.
    type Raw: Raw;

    /// A new host with limits of its own.
    fn host_with(&mut self, limits: Limits, settings: NetSettings) -> HostId;
    /// Where a host can listen: its own IP address, and a port that the system chooses.
    fn own(&self, host: HostId) -> SocketAddr;
    /// A name that leads to a host.
    fn name(&mut self, host: HostId) -> String;
    /// Creates a root point, which `finish` stops.
    fn create(&mut self, host: HostId, point: impl IntoPoint) -> Address;
    /// The kernel of a host.
    fn kernel(&mut self, host: HostId) -> &mut Kernel;
    /// How many sockets the driver of a host holds.
    fn sockets(&mut self, host: HostId) -> usize;
    /// How many addresses the peers of a host hold.
    fn exports(&mut self, host: HostId) -> usize;
    /// What the network of a host has counted.
    fn net_counters(&mut self, host: HostId) -> NetCounters;
    /// Lets a little happen: about one turn of each host.
    fn nudge(&mut self);
    /// Lets what is under way arrive.
    fn settle(&mut self);
    /// Goes on until `done`. Fails the test when that takes too long.
    fn run_until(&mut self, what: &str, done: impl FnMut(&mut Self) -> bool);
    /// The lines of the trace that warn, of all hosts.
    fn warnings(&self) -> Vec<String>;
    /// The points made by `create`.
    fn roots(&self) -> Vec<(HostId, Address)>;
    /// Begins to connect, as a peer that speaks bytes.
    fn connect_raw(&mut self, to: SocketAddr) -> Self::Raw;
    /// Listens, as a peer that speaks bytes: where, and what accepts.
    fn raw_listener(&mut self) -> (SocketAddr, Accept<Self::Raw>);
    /// Whether the network below the driver has forgotten every socket of the host.
    fn is_clean(&self, host: HostId) -> bool;

    /// Connects as a peer that speaks bytes, as far as to the first frame.
    fn dial(&mut self, to: SocketAddr) -> Self::Raw {
        let mut raw = self.connect_raw(to);
        write_all(self, &mut raw, frames::GREETING);
        read_until(self, &mut raw, |bytes| bytes == frames::WELCOME);
        raw
    }

    /// A new host with usual limits.
    fn host(&mut self) -> HostId {
        self.host_with(Limits::default(), NetSettings::default())
    }

    /// Stops every root point and goes on until nothing is left; then looks for what should not have happened.
    fn finish(&mut self) {
        self.leave_nothing();
        let unheard: Vec<_> = ANSWERS.iter().filter(|answer| self.was_told_in_vain(answer)).collect();
        assert_eq!(
            unheard,
            [&""; 0],
            "a machine of the network has ended before it was told all: {:#?}",
            self.warnings()
        );
    }

    /// Whether somebody had ended before this came to it.
    fn was_told_in_vain(&self, message: &str) -> bool {
        self.warnings().iter().any(|line| line.contains(&format!("Dead letter {message} to ")))
    }

    /// The same as `finish`, without asking whether machines of the network have heard the driver to the end.
    fn leave_nothing(&mut self) {
        for (host, root) in self.roots() {
            if self.kernel(host).is_alive(root) {
                self.kernel(host).send(root, Address::NONE, Stop);
            }
        }
        self.run_until("every point and socket to end", |world| {
            let mut hosts: Vec<HostId> = world.roots().iter().map(|(host, _)| *host).collect();
            hosts.dedup();
            hosts.iter().all(|host| world.kernel(*host).points() == 0 && world.sockets(*host) == 0)
        });
        for (host, _) in self.roots() {
            assert_eq!(self.kernel(host).timers(), 0, "a timer is left at host {host}");
            assert_eq!(self.exports(host), 0, "a peer of host {host} holds an address, and is gone");
            assert!(self.is_clean(host), "the network of host {host} holds sockets that nobody owns");
            let NetCounters { accepted, connected, ended, .. } = self.net_counters(host);
            assert_eq!(accepted + connected, ended, "connections of host {host} begun and ended");
            let counters = self.kernel(host).counters().clone();
            assert_eq!(counters.unknown, 0, "a message found no cell at host {host}: {:#?}", self.warnings());
            assert_eq!(counters.dropped, 0, "a point of host {host} did not end by itself");
        }
    }
}

/// Accepts the next peer that waits, if one does.
pub(crate) type Accept<R> = Box<dyn FnMut() -> Option<R>>;

/// A peer that speaks bytes.
pub(crate) trait Raw {
    /// Writes as much as there is room for. `NotConnected` or `WouldBlock` when it is not connected yet.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Reads what is there, at most 64 KiB. Nothing is the end of the stream.
    fn read(&mut self) -> io::Result<Vec<u8>>;
    /// Ends the peer's own direction, if the connection is still there.
    fn shutdown(&mut self);
    /// Closes.
    fn close(self);
}

/// Writes all of `bytes`, while the world goes on.
pub(crate) fn write_all<W: World>(world: &mut W, raw: &mut W::Raw, bytes: &[u8]) {
    let mut rest = bytes;
    world.run_until("the bytes to be written", |_| {
        match raw.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) => assert!(is_early(&error), "expected room, got {error:?}"),
        }
        rest.is_empty()
    });
}

/// Reads until `enough` says so of all that has come, while the world goes on. The end of the stream fails the test.
pub(crate) fn read_until<W: World>(world: &mut W, raw: &mut W::Raw, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut all = Vec::new();
    world.run_until("enough bytes to read", |_| {
        if enough(&all) {
            return true;
        }
        match raw.read() {
            Ok(bytes) if bytes.is_empty() => panic!("expected more bytes, got the end after {all:02x?}"),
            Ok(bytes) => all.extend(bytes),
            Err(error) => assert!(is_early(&error), "expected bytes, got {error:?} after {all:02x?}"),
        }
        enough(&all)
    });
    all
}

/// Reads until the stream ends, in order or not: what came, and whether it was a reset.
pub(crate) fn read_to_end<W: World>(world: &mut W, raw: &mut W::Raw) -> (Vec<u8>, bool) {
    let (mut all, mut end) = (Vec::new(), None);
    world.run_until("the end of the stream", |_| {
        match raw.read() {
            Ok(bytes) if bytes.is_empty() => end = Some(false),
            Ok(bytes) => all.extend(bytes),
            Err(error) if is_early(&error) => {}
            Err(_) => end = Some(true),
        }
        end.is_some()
    });
    (all, end.unwrap_or_default())
}

/// The first frame of `bytes`, when it is there whole.
pub(crate) fn first_frame(bytes: &[u8]) -> Option<Vec<u8>> {
    frames::frames_of(&mut bytes.to_vec()).into_iter().next()
}

/// Says goodbye and ends the peer's own direction.
pub(crate) fn say_goodbye<W: World>(world: &mut W, raw: &mut W::Raw) {
    write_all(world, raw, frames::GOODBYE);
    raw.shutdown();
}

fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}

/// Makes tests of scenarios: one in each world.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod simulated {
            $(#[test] fn $name() { super::$name(&mut $crate::simulated::Simulated::calm()); })*
        }
        mod simulated_in_pieces {
            $(#[test] fn $name() { super::$name(&mut $crate::simulated::Simulated::in_pieces()); })*
        }
        mod over_sockets {
            $(#[test] fn $name() { super::$name(&mut $crate::loopback::Loopback::default()); })*
        }
    };
}
