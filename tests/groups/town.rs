//! A client and three servers on a simulated network.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::sim::Faults;
use statepoint::{Host, IntoPoint, Simulation};

use crate::support::*;

pub(crate) const NAMES: [&str; 3] = ["clock", "store", "scale"];
const PORT: u16 = 32011;

/// A client asks each server which one it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "groups.Question")]
pub(crate) struct Question;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "groups.Answer")]
pub(crate) struct Answer {
    pub(crate) server: u32,
}

#[derive(Group)]
pub(crate) struct Servers {
    pub(crate) clock: Member,
    pub(crate) store: Member,
    pub(crate) scale: Member,
}

impl Servers {
    pub(crate) fn new() -> Self {
        Self::at(place)
    }

    pub(crate) fn at(place: fn(u32) -> HostPort) -> Self {
        let member = |server: u32| Member::new(move || ConnectToAddress::new(place(server)));
        Self { clock: member(0), store: member(1), scale: member(2) }
    }

    pub(crate) fn addresses(&self) -> [Address; 3] {
        [&self.clock, &self.store, &self.scale].map(Member::address)
    }
}

/// Servers 0 to 2.
pub(crate) fn ip(server: u32) -> IpAddr {
    [10, 0, 0, 10 + server as u8].into()
}

pub(crate) fn place(server: u32) -> HostPort {
    HostPort::new(ip(server).to_string(), PORT)
}

/// The same by name.
pub(crate) fn named_place(server: u32) -> HostPort {
    HostPort::new(format!("{}.lab", NAMES[server as usize]), PORT)
}

pub(crate) const CLIENT: [u8; 4] = [10, 0, 0, 1];

/// What somebody has noted, as a test can read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub(crate) fn add(&self, note: impl ToString) {
        self.0.borrow_mut().push(note.to_string());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    pub(crate) fn answers(&self) -> usize {
        self.0.borrow().iter().filter(|note| note.starts_with("answer")).count()
    }

    pub(crate) fn count(&self, note: &str) -> usize {
        self.0.borrow().iter().filter(|noted| *noted == note).count()
    }

    /// Whether the owner was told `Ready` later than `NotReady`.
    pub(crate) fn is_ready(&self) -> bool {
        let notes = self.0.borrow();
        notes.iter().rfind(|note| ["Ready", "NotReady"].contains(&note.as_str())).is_some_and(|note| note == "Ready")
    }
}

/// Answers questions at a port that it keeps open.
struct Server {
    number: u32,
}

#[state_machine]
impl Server {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.create(ListenAtAddress::new(place(self.number)));
        Next::STAY
    }

    fn ANY_Question(&mut self, _: Question, cx: &mut Context) -> Next<Self> {
        cx.reply(Answer { server: self.number });
        Next::STAY
    }

    fn ANY_Unknown(&mut self, _: Unknown) -> Next<Self> {
        Next::STAY
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// A server that comes after a while, goes and comes back, again and again.
pub(crate) async fn come_and_go(cx: &mut Routine, number: u32, away: Duration, there: Duration) {
    loop {
        cx.sleep(away).await;
        let server = cx.create(Server { number });
        cx.sleep(there).await;
        cx.stop(server);
        cx.select::<Completed>().await;
    }
}

/// Has a group of all servers; asks them whenever all are there, and notes what it hears.
pub(crate) struct Owner {
    servers: Servers,
    notes: Notes,
}

impl Owner {
    pub(crate) fn new(notes: &Notes) -> Self {
        Self::of(Servers::new(), notes)
    }

    pub(crate) fn of(servers: Servers, notes: &Notes) -> Self {
        Self { servers, notes: notes.clone() }
    }
}

/// Asks an owner to ask all servers.
#[derive(Debug, Message)]
#[message(name = "groups.AskAll", local)]
pub(crate) struct AskAll;

#[state_machine]
impl Owner {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.create(self.servers.table().group());
        Next::STAY
    }

    fn ANY_GroupUpdate(&mut self, update: GroupUpdate) -> Next<Self> {
        self.servers.update(&update);
        let sign = if update.address.is_some() { '+' } else { '-' };
        self.notes.add(format_args!("{sign}{}", update.member));
        Next::STAY
    }

    fn ANY_Ready(&mut self, _: Ready, cx: &mut Context) -> Next<Self> {
        assert!(self.servers.missing().is_empty());
        self.notes.add("Ready");
        self.ask(cx);
        Next::STAY
    }

    fn ANY_AskAll(&mut self, _: AskAll, cx: &mut Context) -> Next<Self> {
        self.ask(cx);
        Next::STAY
    }

    fn ask(&self, cx: &mut Context) {
        for server in self.servers.addresses() {
            cx.send(server, Question);
        }
    }

    fn ANY_NotReady(&mut self, _: NotReady) -> Next<Self> {
        assert!(self.servers.roll_call().is_err(), "the owner knows already which is missing");
        self.notes.add("NotReady");
        Next::STAY
    }

    fn ANY_Answer(&mut self, answer: Answer) -> Next<Self> {
        self.notes.add(format_args!("answer {}", answer.server));
        Next::STAY
    }

    fn ANY_Completed(&mut self, completed: Completed) -> Next<Self> {
        Self::complete(completed.value)
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// The hosts, of which the servers' ones begin without a server.
pub(crate) struct Town {
    pub(crate) simulation: Simulation,
    pub(crate) client: Host,
    servers: [Host; 3],
}

impl Town {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_faults(seed, Faults::default())
    }

    pub(crate) fn with_faults(seed: u64, faults: Faults) -> Self {
        let mut simulation = Simulation::with_faults(seed, faults);
        let client = simulation.host(CLIENT.into());
        simulation.driver(client).kernel_mut().set_seed(seed);
        simulation.driver(client).kernel_mut().record_coverage();
        let servers = [0, 1, 2].map(|server| simulation.host(ip(server)));
        for server in 0..3 {
            simulation.world().name(named_place(server).host(), vec![ip(server)]);
        }
        Self { simulation, client, servers }
    }

    /// A town in which every server runs.
    pub(crate) fn busy(seed: u64) -> Self {
        let mut town = Self::new(seed);
        (0..3).for_each(|server| town.begin(server));
        town
    }

    /// Starts a server.
    pub(crate) fn begin(&mut self, server: u32) {
        let host = self.servers[server as usize];
        self.simulation.driver(host).create(Server { number: server });
    }

    /// Lets another point run at the host of a server.
    pub(crate) fn visit(&mut self, server: u32, point: impl IntoPoint) {
        self.simulation.driver(self.servers[server as usize]).create(point);
    }

    /// Kills the process of a server, without a word from it; its system closes its sockets.
    pub(crate) fn kill(&mut self, server: u32) {
        self.simulation.reboot(self.servers[server as usize]);
    }

    pub(crate) fn create(&mut self, point: impl IntoPoint) -> Address {
        self.simulation.driver(self.client).create(point)
    }

    pub(crate) fn stop(&mut self, point: Address) {
        self.send(point, Stop);
    }

    pub(crate) fn send(&mut self, point: Address, message: impl Message) {
        self.simulation.driver(self.client).kernel_mut().send(point, Address::NONE, message);
    }

    /// Goes on until `done`, no longer than `limit`.
    pub(crate) fn until(&mut self, limit: Duration, what: &str, mut done: impl FnMut() -> bool) {
        let begun = self.simulation.now();
        let is_done = self.simulation.run_until(limit, |_| done());
        assert!(is_done, "expected {what} within {limit:?} of {begun}");
    }

    /// The root point ends within `limit`, and leaves nothing behind.
    pub(crate) fn end(&mut self, limit: Duration) -> Value {
        let client = self.client;
        let mut result = None;
        let has_ended = self.simulation.run_until(limit, |simulation| {
            result = result.take().or_else(|| simulation.driver(client).kernel_mut().take_result());
            result.is_some()
        });
        assert!(has_ended, "expected the end within {limit:?}");
        self.is_clean();
        result.expect("it has ended").1
    }

    /// No point, timer or socket is left at the client.
    pub(crate) fn is_clean(&mut self) {
        let driver = self.simulation.driver(self.client);
        let left = (driver.kernel().points(), driver.kernel().timers(), driver.sockets());
        assert_eq!(left, (0, 0, 0), "points, timers, sockets");
        assert_eq!(driver.kernel().counters().dropped, 0, "every point has ended by itself");
        assert_eq!(self.simulation.world().open_sockets(CLIENT.into()), 0);
    }
}

/// Every note has its turn: a member comes and goes, the group is ready and is not.
pub(crate) fn check_order(notes: &Notes) {
    let (mut there, mut is_ready) = ([false; 3], false);
    for note in notes.all() {
        if let Some(index) = NAMES.iter().position(|name| note[1..] == **name) {
            let is_there = note.starts_with('+');
            assert_ne!(core::mem::replace(&mut there[index], is_there), is_there, "{note} twice in {:?}", notes.all());
        }
        match note.as_str() {
            "Ready" => assert!(!core::mem::replace(&mut is_ready, true) && there == [true; 3]),
            "NotReady" => assert!(core::mem::replace(&mut is_ready, false) && there != [true; 3]),
            _ => {}
        }
    }
}

/// A network in good order that takes its time.
pub(crate) fn latency() -> Faults {
    Faults {
        latency_least: millis(5),
        latency_mean: millis(100),
        split_writes: 0.5,
        short_reads: 0.5,
        late_events: 0.2,
        ..Faults::default()
    }
}
