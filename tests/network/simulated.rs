//! A world in memory.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use statepoint::net::{Net, Token};
use statepoint::prelude::*;
use statepoint::sim::{Faults, SimNet};
use statepoint::{IntoPoint, Kernel, Limits, NetCounters, NetSettings, Simulation, TextTrace};

use crate::world::{Accept, HostId, Raw, World};

/// Virtual time that a scenario may wait for one condition.
const PATIENCE: Duration = Duration::from_secs(120);
/// Events that a scenario may wait for one condition.
const STEPS: usize = 2_000_000;

pub(crate) struct Simulated {
    pub(crate) simulation: Simulation,
    hosts: Vec<statepoint::Host>,
    roots: Vec<(HostId, Address)>,
    /// The hosts of peers that speak bytes. Nobody drives them, so their events are taken here.
    raw: SimNet,
    warnings: Rc<RefCell<Vec<String>>>,
}

impl Simulated {
    /// A network with a little delay, in which nothing goes wrong.
    pub(crate) fn calm() -> Self {
        Self::with(1, Faults { latency_least: Duration::from_micros(100), ..Faults::default() })
    }

    /// A network in which nothing is lost, but everything comes late, in vain and in pieces.
    pub(crate) fn in_pieces() -> Self {
        let faults = Faults {
            latency_least: Duration::from_micros(100),
            latency_mean: Duration::from_micros(200),
            buffer_least: 2_000,
            buffer_most: 60_000,
            split_writes: 0.5,
            short_reads: 0.3,
            short_writes: 0.3,
            late_events: 0.1,
            spurious_events: 0.2,
            ..Faults::default()
        };
        Self::with(2, faults)
    }

    /// A network of these faults.
    pub(crate) fn with(seed: u64, faults: Faults) -> Self {
        let simulation = Simulation::with_faults(seed, faults);
        let raw = simulation.world().host(RAW);
        Self { simulation, hosts: Vec::new(), roots: Vec::new(), raw, warnings: Rc::default() }
    }

    /// The IP address of a host.
    pub(crate) fn ip(host: HostId) -> IpAddr {
        [10, 0, 0, u8::try_from(host + 1).expect("few hosts")].into()
    }

    /// The network, to break it.
    pub(crate) fn net(&self) -> statepoint::sim::World {
        self.simulation.world().clone()
    }

    /// One turn of one host, and no more.
    pub(crate) fn turn(&mut self, host: HostId) {
        let now = self.simulation.now();
        let driver = self.simulation.driver(self.hosts[host]);
        for event in driver.net_mut().ready() {
            driver.ready(event);
        }
        driver.turn(now);
    }

    /// Lets virtual time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.simulation.now() + time;
        while self.simulation.step(until) {
            self.raw.ready();
        }
        self.simulation.settle();
    }
}

/// The host of peers that speak bytes.
const RAW: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9));

impl World for Simulated {
    type Raw = SimRaw;

    fn host_with(&mut self, limits: Limits, settings: NetSettings) -> HostId {
        let id = self.hosts.len();
        let host = self.simulation.host_with(Self::ip(id), limits, settings);
        let warnings = Rc::clone(&self.warnings);
        let sink = TextTrace::new(Level::Warning, move |line: &str| warnings.borrow_mut().push(line.to_owned()));
        let kernel = self.simulation.driver(host).kernel_mut();
        kernel.set_sink(sink);
        kernel.record_coverage();
        self.hosts.push(host);
        id
    }

    fn own(&self, host: HostId) -> SocketAddr {
        SocketAddr::new(Self::ip(host), 0)
    }

    fn name(&mut self, host: HostId) -> String {
        let name = format!("host{host}.lab");
        self.net().name(&name, vec![Self::ip(host)]);
        name
    }

    fn create(&mut self, host: HostId, point: impl IntoPoint) -> Address {
        let root = self.simulation.driver(self.hosts[host]).create(point);
        self.roots.push((host, root));
        root
    }

    fn kernel(&mut self, host: HostId) -> &mut Kernel {
        self.simulation.driver(self.hosts[host]).kernel_mut()
    }

    fn sockets(&mut self, host: HostId) -> usize {
        self.simulation.driver(self.hosts[host]).sockets()
    }

    fn exports(&mut self, host: HostId) -> usize {
        self.simulation.driver(self.hosts[host]).exports()
    }

    fn net_counters(&mut self, host: HostId) -> NetCounters {
        self.simulation.driver(self.hosts[host]).counters()
    }

    fn nudge(&mut self) {
        let until = self.simulation.now() + PATIENCE;
        self.raw.ready();
        self.simulation.step(until);
    }

    fn settle(&mut self) {
        self.pass(Duration::from_millis(10));
    }

    fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let until = self.simulation.now() + PATIENCE;
        for _ in 0..STEPS {
            self.simulation.settle();
            if done(self) {
                return;
            }
            self.raw.ready();
            if !self.simulation.step(until) {
                break;
            }
        }
        panic!("expected {what} by {until}, it is {}; warnings: {:#?}", self.simulation.now(), self.warnings());
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    fn roots(&self) -> Vec<(HostId, Address)> {
        self.roots.clone()
    }

    fn connect_raw(&mut self, to: SocketAddr) -> SimRaw {
        let mut net = self.net().host(RAW);
        let token = net.connect(to).expect("begun");
        SimRaw { net, token }
    }

    fn raw_listener(&mut self) -> (SocketAddr, Accept<SimRaw>) {
        let (world, mut net) = (self.net(), self.net().host(RAW));
        let (listener, at) = net.listen(SocketAddr::new(RAW, 0)).expect("listening");
        let accept = move || {
            let (token, _, _) = net.accept(listener).ok()?;
            Some(SimRaw { net: world.host(RAW), token })
        };
        (at, Box::new(accept))
    }

    fn is_clean(&self, host: HostId) -> bool {
        self.net().open_sockets(Self::ip(host)) == 0
    }
}

pub(crate) struct SimRaw {
    net: SimNet,
    token: Token,
}

impl Raw for SimRaw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.net.write_vectored(self.token, &[IoSlice::new(bytes)])
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 1 << 16];
        let count = self.net.read(self.token, &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    fn shutdown(&mut self) {
        let _ = self.net.shutdown(self.token);
    }

    fn close(mut self) {
        self.net.close(self.token);
    }
}
