//! Several hosts in one simulated world, each with its driver: the loop that moves virtual time.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use fsm_core::{Limits, Moment};

use crate::driver::Driver;
use crate::settings::NetSettings;
use crate::sim::{Faults, SimNet, World};

/// Turns of one host at one moment. A host that is never idle would keep the world from moving.
const TURNS: usize = 100_000;

/// A simulated world with a driver on each of its hosts.
///
/// Time moves to whatever comes first: something on the network, or a deadline of any host. The same seed gives the same
/// run.
///
/// ```
/// use core::time::Duration;
/// use statepoint::{Done, Routine, Simulation, routine};
///
/// let mut simulation = Simulation::new(7);
/// let host = simulation.host([10, 0, 0, 1].into());
/// simulation.driver(host).create(routine(async |cx: &mut Routine| cx.sleep(Duration::from_secs(3_600)).await));
/// simulation.run_for(Duration::from_secs(3_601));
/// let (_, value) = simulation.driver(host).kernel_mut().take_result().expect("an hour has passed");
/// assert!(value.is::<Done>());
/// ```
pub struct Simulation {
    world: World,
    drivers: Vec<Driver<SimNet>>,
    /// With what each driver was made.
    settings: Vec<(Limits, NetSettings)>,
}

/// The name of a host in a [`Simulation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host(usize);

impl Simulation {
    /// A world without faults.
    pub fn new(seed: u64) -> Self {
        Self::of(World::new(seed))
    }

    /// A world with these faults.
    pub fn with_faults(seed: u64, faults: Faults) -> Self {
        Self::of(World::with_faults(seed, faults))
    }

    fn of(world: World) -> Self {
        Self { world, drivers: Vec::new(), settings: Vec::new() }
    }

    /// A new host with usual limits.
    ///
    /// # Panics
    ///
    /// There is a host with this address. To begin its process anew, [`reboot`](Simulation::reboot) it.
    pub fn host(&mut self, ip: IpAddr) -> Host {
        self.host_with(ip, Limits::default(), NetSettings::default())
    }

    /// A new host with limits of its own.
    ///
    /// # Panics
    ///
    /// As [`host`](Simulation::host).
    pub fn host_with(&mut self, ip: IpAddr, limits: Limits, settings: NetSettings) -> Host {
        let is_new = self.drivers.iter().all(|driver| driver.net().ip() != ip);
        assert!(is_new, "expected an address that no host has, got {ip}; to begin a host's process anew, `reboot` it");
        self.drivers.push(Driver::new(self.world.host(ip), limits.clone(), settings.clone()));
        self.settings.push((limits, settings));
        Host(self.drivers.len() - 1)
    }

    /// Begins the process of a host anew, with the limits that the host was made with: nothing is left of what was there, so
    /// create its points again, set its sink again. Addresses from before mean nothing.
    ///
    /// A host that [crashed](World::crash) has its power back; its peers learn of it when they send to their old connections. The
    /// process of any other host is [killed](World::kill) first, and its peers are told at once. To let time pass in between,
    /// crash or kill it yourself; a process that was killed goes on, without its sockets, until it is begun anew.
    ///
    /// ```
    /// use core::time::Duration;
    /// use statepoint::{Routine, Simulation, routine};
    ///
    /// let ip = [10, 0, 0, 1].into();
    /// let mut simulation = Simulation::new(7);
    /// let host = simulation.host(ip);
    /// simulation.driver(host).create(routine(async |cx: &mut Routine| cx.sleep(Duration::from_secs(60)).await));
    /// simulation.world().crash(ip);
    /// simulation.run_for(Duration::from_secs(3_600));
    /// simulation.reboot(host);
    /// assert_eq!(simulation.driver(host).kernel().points(), 0);
    /// ```
    pub fn reboot(&mut self, host: Host) {
        let ip = self.drivers[host.0].net().ip();
        self.world.end_process(ip);
        let (limits, settings) = self.settings[host.0].clone();
        self.drivers[host.0] = Driver::new(self.world.host(ip), limits, settings);
    }

    /// The driver of a host.
    pub fn driver(&mut self, host: Host) -> &mut Driver<SimNet> {
        &mut self.drivers[host.0]
    }

    /// The world, to break it.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.world.now()
    }

    /// Lets every host do what it can at the present moment.
    ///
    /// # Panics
    ///
    /// A host goes on for ever without time passing: two of its points send to each other without end.
    pub fn settle(&mut self) {
        let now = self.world.now();
        for _ in 0..TURNS {
            let mut is_idle = true;
            for driver in self.drivers.iter_mut().filter(|driver| self.world.is_running(driver.net().ip())) {
                for event in driver.net_mut().ready() {
                    driver.ready(event);
                }
                if driver.timeout().is_some_and(|deadline| deadline <= now) {
                    is_idle = false;
                    driver.turn(now);
                }
            }
            if is_idle {
                return;
            }
        }
        panic!("expected every host to become idle at {now:?}, got one that never does");
    }

    /// When something happens next; `None` when nothing will.
    pub fn next_event(&self) -> Option<Moment> {
        // A host that is frozen or has crashed does nothing at its deadlines.
        let running = self.drivers.iter().filter(|driver| self.world.is_running(driver.net().ip()));
        let deadlines = running.filter_map(Driver::timeout);
        deadlines.chain(self.world.next_event()).min()
    }

    /// Does what can be done now, then moves to the next event, no further than `until`. `false` when `until` was reached.
    pub fn step(&mut self, until: Moment) -> bool {
        self.settle();
        let next = self.next_event().map_or(until, |next| next.max(self.now()));
        self.world.advance(next.min(until));
        next < until
    }

    /// Lets `duration` pass.
    pub fn run_for(&mut self, duration: Duration) {
        let until = self.now() + duration;
        while self.step(until) {}
        self.settle();
    }

    /// Lets time pass until `done`, but no longer than `limit`; whether it is done.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now() + limit;
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            if !self.step(until) {
                self.settle();
                return done(self);
            }
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("now", &self.now())
            .field("hosts", &self.drivers.len())
            .finish_non_exhaustive()
    }
}
