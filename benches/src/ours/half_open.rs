//! A session that goes on asking while strangers begin handshakes and do not end them.

use std::cell::RefCell;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fsm_net::NetSettings;
use fsm_net::reactor::Reactor;
use statepoint::Limits;

use super::requests::{Client, Trips};
use crate::measure::{open_files, percentile_of_time, resident_bytes};

/// The port and both ends of the session.
const OWN_SOCKETS: usize = 3;
/// How long it is measured undisturbed.
const ALONE: Duration = Duration::from_millis(500);

/// A reactor with a session whose client asks again as soon as it is answered.
struct Host {
    reactor: Reactor,
    trips: Rc<RefCell<Trips>>,
}

impl Host {
    fn new(openings: usize, open_within: Duration) -> Self {
        let settings = NetSettings { openings, ..NetSettings::default() };
        let mut reactor = Reactor::new(Limits::default(), settings).expect("a selector");
        let client = Client::new(true, 1, 1, usize::MAX).by_cpu_time().open_within(open_within);
        let trips = client.trips();
        reactor.create(client);
        Self { reactor, trips }
    }

    fn run_until(&mut self, mut over: impl FnMut(&Reactor) -> bool) {
        while !over(&self.reactor) {
            self.reactor.turn(None).expect("a selector");
        }
    }

    /// Runs until it is `over`. For 99 % of that time the request under way was answered within so many microseconds.
    fn p99_until(&mut self, over: impl FnMut(&Reactor) -> bool) -> f64 {
        self.run_until(over);
        let trips = &mut self.trips.borrow_mut().spans;
        let mut spans = core::mem::take(trips);
        // In the last one, what comes next had begun.
        trips.extend(spans.pop());
        if spans.is_empty() { 0.0 } else { percentile_of_time(spans, 0.99) }
    }

    /// What this thread has done besides counts in no span.
    fn begin(&mut self) {
        self.trips.borrow_mut().spans.clear();
        let trips = Rc::clone(&self.trips);
        self.run_until(|_| !trips.borrow().spans.is_empty());
        self.trips.borrow_mut().spans.clear();
    }
}

/// What a child does. It prints the port to which the strangers are to come, then waits for a line: all of them have had
/// their answers. At most `openings` stay, each `open_within`. The result is the session's p99 in microseconds alone, while they
/// come, while they stay, while they are given up; and the bytes that each of those who stay takes.
pub(crate) fn child(openings: usize, open_within: Duration) -> String {
    open_files();
    let mut host = Host::new(openings, open_within);
    host.run_until(|reactor| reactor.sockets() == OWN_SOCKETS);
    let began = Instant::now();
    let alone = host.p99_until(|_| began.elapsed() > ALONE);
    let before = resident_bytes();
    let at = host.trips.borrow().at.expect("there is a session, so there is a port");
    let are_there = announce(at);
    host.begin();
    let come = host.p99_until(|_| are_there.load(Ordering::Relaxed));
    let strangers = host.reactor.sockets() - OWN_SOCKETS;
    let each = (resident_bytes() - before) as f64 / strangers.max(1) as f64;
    host.begin();
    let stay = host.p99_until(|reactor| reactor.sockets() < OWN_SOCKETS + strangers);
    let go = host.p99_until(|reactor| reactor.sockets() <= OWN_SOCKETS);
    format!("{alone} {come} {stay} {go} {each}")
}

/// Prints the port. True when a line has come.
fn announce(at: SocketAddr) -> Arc<AtomicBool> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", at.port()).and_then(|()| stdout.flush()).expect("the parent reads");
    let has_come = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&has_come);
    std::thread::spawn(move || {
        std::io::stdin().read_line(&mut String::new()).expect("the parent writes");
        flag.store(true, Ordering::Relaxed);
    });
    has_come
}
