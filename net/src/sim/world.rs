//! The simulated network as a test holds it.

use super::connection::{Fate, Side};
use super::faults::Faults;
use super::happening::{Entry, Happening};
use super::host::{Host, Kind};
use super::sim_net::SimNet;
use super::state::State;
use crate::net::{AcceptFailure, MOST_ADDRESSES, Token};
use fsm_core::Moment;
use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

/// A simulated network: hosts, connections between them, names, a clock that only [`advance`](World::advance) moves,
/// and [`Faults`].
///
/// The same seed, the same faults and the same operations give the same run, which [`trace_hash`](World::trace_hash)
/// shows. A clone is another handle to the same world.
///
/// A run is a loop: find the nearest of [`next_event`](World::next_event) and the deadlines of those who use the
/// network, `advance` to it, then for **each** host take [`SimNet::ready`] and let its driver have its turn.
///
/// ```
/// use statepoint::Moment;
/// use statepoint::net::Net;
/// use statepoint::sim::{Faults, World};
/// use std::io::IoSlice;
/// use std::time::Duration;
///
/// let world = World::with_faults(42, Faults { latency_least: Duration::from_secs(1), ..Faults::default() });
/// let (mut here, mut there) = (world.host([10, 0, 0, 1].into()), world.host([10, 0, 0, 2].into()));
/// let (listener, at) = here.listen("10.0.0.1:80".parse()?)?;
/// let client = there.connect(at)?;
///
/// world.advance(Moment::ZERO + Duration::from_secs(1));
/// let (server, _, _) = here.accept(listener)?;
/// here.write_vectored(server, &[IoSlice::new(b"welcome")])?;
/// world.advance(Moment::ZERO + Duration::from_secs(2));
/// let mut bytes = [0; 16];
/// assert_eq!(there.read(client, &mut bytes)?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct World {
    state: Rc<RefCell<State>>,
}

/// A connection as the world sees it.
///
/// ```
/// # use statepoint::{net::Net, sim::World};
/// let world = World::new(1);
/// let mut host = world.host([10, 0, 0, 1].into());
/// let (_, at) = host.listen("127.0.0.1:0".parse()?)?;
/// host.connect(at)?;
/// assert_eq!(world.connections()[0].server, at);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Between {
    /// Its number, in the order of `connect`.
    pub connection: u64,
    /// The address of who connected.
    pub client: SocketAddr,
    /// The address that was dialled.
    pub server: SocketAddr,
}

impl World {
    /// A world without hosts in which nothing goes wrong and nothing takes time.
    pub fn new(seed: u64) -> World {
        World::with_faults(seed, Faults::default())
    }

    /// A world without hosts, and with faults.
    pub fn with_faults(seed: u64, faults: Faults) -> World {
        World { state: Rc::new(RefCell::new(State::new(seed, faults))) }
    }

    /// The seed that the world was made from.
    pub fn seed(&self) -> u64 {
        self.state.borrow().seed
    }

    /// The knobs as they are.
    pub fn faults(&self) -> Faults {
        self.state.borrow().faults.clone()
    }

    /// Turns the knobs. What was drawn already stays: a connection that is to be reset at a byte will be.
    pub fn set_faults(&self, faults: Faults) {
        self.state.borrow_mut().faults = faults;
    }

    /// The network as the host with this IP address sees it; the host is made when it is asked for first. It also has
    /// the loopback addresses, which lead to itself.
    pub fn host(&self, ip: IpAddr) -> SimNet {
        self.state.borrow_mut().hosts.entry(ip).or_insert_with(|| Host::new(ip));
        SimNet::new(self.state.clone(), ip)
    }

    /// Gives a name to addresses; an earlier meaning is forgotten, an empty list makes the name unknown. At most
    /// [`MOST_ADDRESSES`] are kept.
    pub fn name(&self, name: &str, mut addresses: Vec<IpAddr>) {
        addresses.truncate(MOST_ADDRESSES);
        self.state.borrow_mut().names.insert(name.to_owned(), addresses);
    }

    // ---- time

    /// What time it is. A world begins at [`Moment::ZERO`].
    pub fn now(&self) -> Moment {
        self.state.borrow().now
    }

    /// When something happens next if nobody does anything: now, if a host was not yet shown all its events
    /// ([`SimNet::ready`]); `None` if nothing will ever happen.
    pub fn next_event(&self) -> Option<Moment> {
        self.state.borrow_mut().next_event()
    }

    /// Lets time pass until a moment, and everything happen that is due by then, in order. Time never goes back: an
    /// earlier moment only lets happen what is due now.
    pub fn advance(&self, to: Moment) {
        self.state.borrow_mut().advance(to);
    }

    // ---- what a test looks at

    /// A running hash of all that has happened, times and contents included.
    pub fn trace_hash(&self) -> u64 {
        self.state.borrow().history.hash()
    }

    /// How often something has happened.
    pub fn count(&self, what: Happening) -> u64 {
        self.state.borrow().history.count(what)
    }

    /// The latest that has happened, oldest first: at most [`HISTORY`](super::HISTORY) entries.
    pub fn history(&self) -> Vec<Entry> {
        self.state.borrow().history.latest()
    }

    /// The connections that somebody holds, or that wait to be accepted, in the order of `connect`.
    pub fn connections(&self) -> Vec<Between> {
        let state = self.state.borrow();
        let between = |(&connection, found): (&u64, &super::connection::Connection)| Between {
            connection,
            client: found.client.address,
            server: found.server.address,
        };
        state.connections.iter().map(between).collect()
    }

    /// How many sockets a host has open.
    pub fn open_sockets(&self, ip: IpAddr) -> usize {
        self.state.borrow().hosts.get(&ip).map_or(0, |host| host.sockets.count())
    }

    // ---- what a test does to connections

    /// Resets both ends of a connection. What is under way is lost.
    pub fn reset(&self, connection: u64) {
        self.state.borrow_mut().reset_both(connection);
    }

    /// Lets a connection deliver nothing any more, for ever, without telling anybody: cable cut, peer vanished.
    pub fn lose(&self, connection: u64) {
        self.state.borrow_mut().lose(connection);
    }

    /// Refuses, from now on, whoever connects to an address, though somebody may listen.
    pub fn refuse(&self, at: SocketAddr) {
        self.state.borrow_mut().decided.insert(at, Fate::Refused);
    }

    /// Leaves whoever connects to an address without an answer, from now on: a black hole.
    pub fn swallow(&self, at: SocketAddr) {
        self.state.borrow_mut().decided.insert(at, Fate::Unanswered);
    }

    /// Lets, from now on, whoever connects to an address get there: takes `refuse` and `swallow` back, and keeps the
    /// faults drawn at random from it.
    pub fn admit(&self, at: SocketAddr) {
        self.state.borrow_mut().decided.insert(at, Fate::Answered);
    }

    /// Lets the next calls of `accept` on a host fail, `times` times, before any other failure. With `Retry` the peer
    /// is lost, with the others it goes on waiting.
    pub fn fail_accepts(&self, ip: IpAddr, failure: AcceptFailure, times: usize) {
        if let Some(host) = self.state.borrow_mut().hosts.get_mut(&ip) {
            host.accept_failures.extend(std::iter::repeat_n(failure, times));
        }
    }

    /// Bounds the sockets that a host may have open; beyond it is out of descriptors.
    pub fn limit_sockets(&self, ip: IpAddr, most: usize) {
        if let Some(host) = self.state.borrow_mut().hosts.get_mut(&ip) {
            host.limit = most;
        }
    }

    /// Lets somebody between the hosts see all bytes when they are written, and change, cut or lengthen them: from,
    /// to, the bytes. It must not touch the world. There is one at a time.
    pub fn tamper(&self, with: impl FnMut(SocketAddr, SocketAddr, &mut Vec<u8>) + 'static) {
        self.state.borrow_mut().tamper = Some(Box::new(with));
    }

    // ---- what a test does to hosts and routes

    /// Stops all delivery from one host to another, in this direction, until [`unclog`](World::unclog). Nothing is
    /// lost; senders go on until their buffers are full.
    pub fn clog(&self, from: IpAddr, to: IpAddr) {
        let mut state = self.state.borrow_mut();
        if state.parted.insert((from, to)) {
            state.note_pair(Happening::Parted, SocketAddr::new(from, 0), SocketAddr::new(to, 0));
        }
    }

    /// Takes a [`clog`](World::clog) back; what was held up is delivered.
    pub fn unclog(&self, from: IpAddr, to: IpAddr) {
        let mut state = self.state.borrow_mut();
        if state.parted.remove(&(from, to)) {
            state.note_pair(Happening::Rejoined, SocketAddr::new(from, 0), SocketAddr::new(to, 0));
            state.resume_all();
        }
    }

    /// Clogs both directions between two hosts.
    pub fn part(&self, one: IpAddr, other: IpAddr) {
        self.clog(one, other);
        self.clog(other, one);
    }

    /// Clogs both directions between a host and each other host that there is.
    pub fn isolate(&self, ip: IpAddr) {
        let others: Vec<IpAddr> = self.state.borrow().hosts.keys().copied().filter(|&other| other != ip).collect();
        for other in others {
            self.part(ip, other);
        }
    }

    /// Ends everything that is wrong and can come right by itself: clogs end, hosts that crashed or were frozen are
    /// back, the knobs are [`calm`](Faults::calm), planned faults are off, the decisions of `refuse` and `swallow`,
    /// failures of `accept` and limits are taken back. Connections that were lost or reset stay so.
    pub fn heal(&self) {
        let mut state = self.state.borrow_mut();
        state.faults = state.faults.calm();
        state.cancel_faults();
        state.parted.clear();
        state.decided.clear();
        for connection in state.connections.values_mut() {
            for from in Side::BOTH {
                let pipe = connection.pipe_mut(from);
                (pipe.clogged, pipe.reset_after) = (false, None);
            }
        }
        for host in state.hosts.values_mut() {
            (host.up, host.frozen, host.limit) = (true, false, usize::MAX);
            host.accept_failures.clear();
        }
        state.resume_all();
    }

    /// Takes the power from a host: its sockets and look-ups are gone, no peer is told, and what it sent last is
    /// lost. Until [`restart`](World::restart) its operations fail with `NetworkDown`, or `NotConnected` where a
    /// token is given.
    pub fn crash(&self, ip: IpAddr) {
        let mut state = self.state.borrow_mut();
        let Some(host) = state.hosts.get_mut(&ip) else { return };
        (host.up, host.frozen) = (false, false);
        state.wipe(ip);
        state.note_host(Happening::Crashed, ip, 0);
        let ids: Vec<u64> = state.connections.keys().copied().collect();
        for id in ids {
            for side in Side::BOTH {
                if state.connections.get(&id).is_some_and(|connection| connection.end(side).host == ip) {
                    state.vanish(id, side);
                }
            }
        }
    }

    /// Gives a host that crashed its power back. Peers that still send to their old connections get a reset.
    pub fn restart(&self, ip: IpAddr) {
        let mut state = self.state.borrow_mut();
        if let Some(host) = state.hosts.get_mut(&ip) {
            host.up = true;
            state.note_host(Happening::Restarted, ip, 0);
            state.resume_all();
        }
    }

    /// Kills the process on a host: its sockets are closed by the system, which tells the peers. The host goes on, and
    /// can be used again at once.
    pub fn kill(&self, ip: IpAddr) {
        let mut state = self.state.borrow_mut();
        let Some(host) = state.hosts.get_mut(&ip) else { return };
        let listens = |host: &Host, token: Token| {
            matches!(host.sockets.get(token).map(|socket| &socket.kind), Some(Kind::Listener { .. }))
        };
        let (listeners, connections): (Vec<Token>, Vec<Token>) =
            host.sockets.tokens().partition(|&token| listens(host, token));
        state.note_host(Happening::Killed, ip, 0);
        for token in listeners.into_iter().chain(connections) {
            state.close(ip, token, true);
        }
        state.wipe(ip);
    }

    /// Whatever was the matter with a host: it has power, and no process.
    pub(crate) fn end_process(&self, ip: IpAddr) {
        let found = self.state.borrow().hosts.get(&ip).map(|host| (host.up, host.frozen));
        match found {
            Some((false, _)) => self.restart(ip),
            Some((true, frozen)) => {
                if frozen {
                    self.thaw(ip);
                }
                self.kill(ip);
            }
            None => {}
        }
    }

    /// Stops the process on a host, as a debugger or an overloaded machine does, until [`thaw`](World::thaw): it is
    /// shown no events, and [`is_running`](World::is_running) is false, so whoever drives it must let it rest too. Its
    /// system goes on: it answers requests to connect and takes bytes until the buffers are full.
    pub fn freeze(&self, ip: IpAddr) {
        self.set_frozen(ip, true, Happening::Frozen);
    }

    /// Lets a frozen process run again.
    pub fn thaw(&self, ip: IpAddr) {
        self.set_frozen(ip, false, Happening::Thawed);
    }

    fn set_frozen(&self, ip: IpAddr, frozen: bool, what: Happening) {
        let mut state = self.state.borrow_mut();
        if let Some(host) = state.hosts.get_mut(&ip) {
            host.frozen = frozen;
            state.note_host(what, ip, 0);
        }
    }

    /// Whether a host has power and its process is not frozen. One that is not has no turn.
    pub fn is_running(&self, ip: IpAddr) -> bool {
        self.state.borrow().hosts.get(&ip).is_some_and(|host| host.up && !host.frozen)
    }

    /// A moment from now, for `advance`.
    pub fn after(&self, time: Duration) -> Moment {
        self.now() + time
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        f.debug_struct("World").field("seed", &state.seed).field("now", &state.now).finish_non_exhaustive()
    }
}
