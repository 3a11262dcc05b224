//! Looks names up on threads of its own, because the system's look-up blocks, for seconds if it likes.

use crate::net::{MOST_ADDRESSES, check_query};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{fmt, thread};

type Answer = io::Result<Vec<SocketAddr>>;
type LookUp = dyn Fn(&str, u16) -> Answer + Send + Sync;
type Wake = dyn Fn() + Send + Sync;

/// How many look-ups are done at once. So many slow ones delay those behind them.
const THREADS: usize = 4;

/// A queue of look-ups and the few threads that do them. Slow ones never delay the reactor.
///
/// A thread is started by a name that is no IP address, when the others are busy. They end when the resolver is dropped; one that
/// is then in the middle of a look-up, after that, because the system cannot be interrupted. Dropping does not wait for them.
pub(crate) struct Resolver {
    look_up: Arc<LookUp>,
    /// Called, from a thread or from `ask`, after an answer was laid out.
    wake: Arc<Wake>,
    shared: Arc<Shared>,
    threads: usize,
    most_threads: usize,
    /// The ticket of each query under way. A number may be used again while an older look-up for it is still being
    /// done; tickets are not.
    tickets: BTreeMap<u64, u64>,
    next_ticket: u64,
}

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    more: Condvar,
}

#[derive(Default)]
struct Work {
    requests: VecDeque<Request>,
    answers: VecDeque<(u64, u64, Answer)>,
    /// Threads that wait for a request.
    idle: usize,
    over: bool,
}

struct Request {
    query: u64,
    ticket: u64,
    host: String,
    port: u16,
}

impl Resolver {
    /// A resolver that asks the system. `wake` must make the reactor call [`take`](Self::take) soon.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Resolver::with(THREADS, wake, |host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }

    /// A resolver that asks somebody else.
    fn with(
        most_threads: usize,
        wake: impl Fn() + Send + Sync + 'static,
        look_up: impl Fn(&str, u16) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Resolver {
            look_up: Arc::new(look_up),
            wake: Arc::new(wake),
            shared: Arc::default(),
            threads: 0,
            most_threads,
            tickets: BTreeMap::new(),
            next_ticket: 0,
        }
    }

    /// Begins a look-up; see [`Net::resolve`](crate::net::Net::resolve).
    pub(crate) fn ask(&mut self, query: u64, host: &str, port: u16) -> io::Result<()> {
        check_query(host, self.tickets.contains_key(&query), self.tickets.len())?;
        if self.tickets.is_empty() {
            self.shared.lock().answers.clear(); // to cancelled queries, which nobody takes
        }
        let ticket = self.next_ticket;
        if let Ok(ip) = host.parse::<IpAddr>() {
            self.shared.lock().answers.push_back((query, ticket, Ok(vec![SocketAddr::new(ip, port)])));
            (self.wake)();
        } else {
            self.engage()?;
            self.shared.lock().requests.push_back(Request { query, ticket, host: host.to_owned(), port });
            self.shared.more.notify_one();
        }
        self.next_ticket += 1;
        self.tickets.insert(query, ticket);
        Ok(())
    }

    /// Forgets a query; its look-up is not even begun if it waits in the queue.
    pub(crate) fn cancel(&mut self, query: u64) {
        if let Some(cancelled) = self.tickets.remove(&query) {
            let mut work = self.shared.lock();
            work.requests.retain(|request| request.ticket != cancelled);
            work.answers.retain(|(_, ticket, _)| *ticket != cancelled);
        }
    }

    /// The next answer, if there is one.
    pub(crate) fn take(&mut self) -> Option<(u64, Answer)> {
        if self.tickets.is_empty() {
            return None; // the usual case costs no lock
        }
        loop {
            let (query, ticket, answer) = self.shared.lock().answers.pop_front()?;
            if self.tickets.get(&query) == Some(&ticket) {
                self.tickets.remove(&query);
                return Some((query, answer));
            }
        }
    }

    /// Sees to it that there is a thread for one more request. It fails when there is none at all.
    fn engage(&mut self) -> io::Result<()> {
        let is_busy = {
            let work = self.shared.lock();
            work.idle <= work.requests.len()
        };
        if is_busy && self.threads < self.most_threads {
            let (shared, look_up, wake) = (self.shared.clone(), self.look_up.clone(), self.wake.clone());
            let thread = thread::Builder::new().name("resolver".to_owned());
            match thread.spawn(move || shared.serve(&*look_up, &*wake)) {
                Ok(_) => self.threads += 1,
                Err(error) if self.threads == 0 => return Err(error),
                Err(_) => {} // the others will come to it
            }
        }
        Ok(())
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.more.notify_all();
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("threads", &self.threads).field("tickets", &self.tickets).finish()
    }
}

impl Shared {
    /// Nothing that holds the lock can leave the work half done, so a poisoned lock is as good as another.
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a thread.
    fn serve(&self, look_up: &LookUp, wake: &Wake) {
        while let Some(request) = self.next() {
            let answer = checked(&request.host, look_up(&request.host, request.port));
            self.lock().answers.push_back((request.query, request.ticket, answer));
            wake();
        }
    }

    /// The next request, when there is one; `None` when the resolver is gone.
    fn next(&self) -> Option<Request> {
        let mut work = self.lock();
        loop {
            if work.over {
                return None;
            }
            if let Some(request) = work.requests.pop_front() {
                return Some(request);
            }
            work.idle += 1;
            work = self.more.wait(work).unwrap_or_else(PoisonError::into_inner);
            work.idle -= 1;
        }
    }
}

/// An answer as [`Ready::Resolved`](crate::net::Ready::Resolved) promises it.
fn checked(host: &str, answer: Answer) -> Answer {
    let not_found = |why: &dyn fmt::Display| {
        io::Error::new(io::ErrorKind::NotFound, format!("expected the addresses of {host:?}, got none: {why}"))
    };
    match answer {
        Ok(addresses) if addresses.is_empty() => Err(not_found(&"the name has no address")),
        Ok(mut addresses) => {
            addresses.truncate(MOST_ADDRESSES);
            Ok(addresses)
        }
        // The resolver's own failures have no error number and no kind that could be matched.
        Err(error) if error.raw_os_error().is_none() => Err(not_found(&error)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::MOST_QUERIES;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    /// Longer than any healthy test takes.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn address(last: u8, port: u16) -> SocketAddr {
        SocketAddr::new([10, 0, 0, last].into(), port)
    }

    /// A resolver with one thread, and where its wakes are counted.
    fn resolver(look_up: impl Fn(&str, u16) -> Answer + Send + Sync + 'static) -> (Resolver, Receiver<()>) {
        resolver_with(1, look_up)
    }

    fn resolver_with(
        threads: usize,
        look_up: impl Fn(&str, u16) -> Answer + Send + Sync + 'static,
    ) -> (Resolver, Receiver<()>) {
        let (woken, wakes) = channel();
        let wake = move || {
            woken.send(()).ok();
        };
        (Resolver::with(threads, wake, look_up), wakes)
    }

    /// A resolver that finds `slow.lab` at the first address when it is released, and everything else at the second one at once.
    struct Gated {
        resolver: Resolver,
        wakes: Receiver<()>,
        /// The names of look-ups that have begun.
        begun: Receiver<String>,
        release: Sender<()>,
    }

    fn gated(threads: usize) -> Gated {
        let (begin, begun) = channel();
        let (release, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let (resolver, wakes) = resolver_with(threads, move |host, port| {
            begin.send(host.to_owned()).ok();
            if host == "slow.lab" {
                gate.lock().expect("one thread").recv().ok();
            }
            Ok(vec![address(if host == "slow.lab" { 1 } else { 2 }, port)])
        });
        Gated { resolver, wakes, begun, release }
    }

    fn answer(resolver: &mut Resolver, wakes: &Receiver<()>) -> (u64, Answer) {
        loop {
            wakes.recv_timeout(PATIENCE).expect("a wake for each answer");
            if let Some(answer) = resolver.take() {
                return answer;
            }
        }
    }

    #[test]
    fn an_answer_comes_after_a_wake_and_only_once() {
        let (mut resolver, wakes) = resolver(|_, port| Ok(vec![address(7, port)]));
        resolver.ask(1, "server.lab", 80).expect("asked");
        let (query, addresses) = answer(&mut resolver, &wakes);
        assert_eq!((query, addresses.expect("found")), (1, vec![address(7, 80)]));
        assert!(resolver.take().is_none());
    }

    #[test]
    fn an_ip_address_is_answered_without_a_thread() {
        let (mut resolver, wakes) = resolver(|_, _| Err(io::Error::other("not to be asked")));
        resolver.ask(1, "10.0.0.9", 80).expect("asked");
        resolver.ask(2, "::1", 81).expect("asked");
        assert_eq!(answer(&mut resolver, &wakes).1.expect("found"), [address(9, 80)]);
        assert_eq!(answer(&mut resolver, &wakes).1.expect("found"), ["[::1]:81".parse().expect("address")]);
        assert_eq!(resolver.threads, 0);
    }

    #[test]
    fn the_system_knows_localhost_and_not_a_name_that_cannot_be() {
        let (woken, wakes) = channel();
        let mut resolver = Resolver::new(move || woken.send(()).unwrap_or_default());
        resolver.ask(1, "localhost", 80).expect("asked");
        resolver.ask(2, "no-such-host.invalid", 80).expect("asked");
        let known = answer(&mut resolver, &wakes).1.expect("found");
        assert!(known.iter().all(|at| at.ip().is_loopback() && at.port() == 80), "{known:?}");
        let unknown = answer(&mut resolver, &wakes).1.expect_err("not known");
        assert_eq!(unknown.kind(), io::ErrorKind::NotFound, "{unknown}");
        assert!(unknown.to_string().contains("no-such-host.invalid"), "{unknown}");
    }

    #[test]
    fn no_address_is_not_an_answer_and_a_long_list_is_cut() {
        let (mut resolver, wakes) = resolver(|host, port| match host {
            "empty.lab" => Ok(vec![]),
            _ => Ok(vec![address(1, port); MOST_ADDRESSES + 1]),
        });
        resolver.ask(1, "empty.lab", 80).expect("asked");
        resolver.ask(2, "many.lab", 80).expect("asked");
        assert_eq!(answer(&mut resolver, &wakes).1.expect_err("none").kind(), io::ErrorKind::NotFound);
        assert_eq!(answer(&mut resolver, &wakes).1.expect("found").len(), MOST_ADDRESSES);
    }

    #[test]
    fn a_cancelled_query_is_not_answered_even_if_its_number_is_used_again() {
        let Gated { mut resolver, wakes, begun, release } = gated(1);
        resolver.ask(1, "slow.lab", 80).expect("asked");
        assert_eq!(begun.recv_timeout(PATIENCE).expect("begun"), "slow.lab");
        resolver.ask(2, "queued.lab", 80).expect("asked");
        resolver.cancel(1);
        resolver.cancel(2);
        resolver.ask(1, "quick.lab", 80).expect("the number is free");
        release.send(()).expect("the thread waits");
        let (query, addresses) = answer(&mut resolver, &wakes);
        assert_eq!((query, addresses.expect("found")), (1, vec![address(2, 80)]));
        assert!(resolver.take().is_none());
        assert_eq!(begun.recv_timeout(PATIENCE).expect("begun"), "quick.lab", "nobody looks for what was cancelled");
    }

    #[test]
    fn a_slow_look_up_delays_no_other_while_a_thread_is_left() {
        let Gated { mut resolver, wakes, begun, release } = gated(2);
        resolver.ask(1, "slow.lab", 80).expect("asked");
        assert_eq!(begun.recv_timeout(PATIENCE).expect("begun"), "slow.lab");
        for query in 2..9 {
            resolver.ask(query, "quick.lab", 80).expect("asked");
            let (answered, addresses) = answer(&mut resolver, &wakes);
            assert_eq!((answered, addresses.expect("found")), (query, vec![address(2, 80)]));
        }
        assert_eq!(resolver.threads, 2, "no more than may be");
        release.send(()).expect("the thread waits");
        assert_eq!(answer(&mut resolver, &wakes).0, 1);
    }

    #[test]
    fn answers_that_nobody_waits_for_do_not_gather() {
        let (begin, begun) = channel();
        let (release, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let (mut resolver, wakes) = resolver(move |_, port| {
            begin.send(()).ok();
            gate.lock().expect("one thread").recv().ok();
            Ok(vec![address(1, port)])
        });
        for _ in 0..5 {
            resolver.ask(1, "server.lab", 80).expect("asked");
            begun.recv_timeout(PATIENCE).expect("begun");
            resolver.cancel(1);
            release.send(()).expect("the thread waits");
            wakes.recv_timeout(PATIENCE).expect("answered all the same");
            assert!(resolver.shared.lock().answers.len() <= 1);
        }
    }

    #[test]
    fn look_ups_under_way_are_bounded_and_their_numbers_differ() {
        let (_release, gate) = channel::<()>();
        let gate = Mutex::new(gate);
        let (mut resolver, _wakes) = resolver(move |_, _| {
            gate.lock().expect("one thread").recv().ok();
            Ok(vec![])
        });
        for query in 0..MOST_QUERIES as u64 {
            resolver.ask(query, "slow.lab", 80).expect("asked");
        }
        let refused = |result: io::Result<()>| result.expect_err("refused").kind();
        assert_eq!(refused(resolver.ask(9_999, "slow.lab", 80)), io::ErrorKind::QuotaExceeded);
        assert_eq!(refused(resolver.ask(9_999, "10.0.0.1", 80)), io::ErrorKind::QuotaExceeded);
        assert_eq!(refused(resolver.ask(3, "slow.lab", 80)), io::ErrorKind::AlreadyExists);
        resolver.cancel(3);
        resolver.ask(3, "slow.lab", 80).expect("one was cancelled");
        assert_eq!(refused(resolver.ask(9_999, "", 80)), io::ErrorKind::InvalidInput);
        assert_eq!(refused(resolver.ask(9_999, &"x".repeat(256), 80)), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn the_thread_ends_when_the_resolver_is_dropped() {
        let (held, ended) = channel::<()>();
        let held = Mutex::new(held);
        let (mut resolver, wakes) = resolver(move |_, port| {
            let _the_thread_owns = &held;
            Ok(vec![address(1, port)])
        });
        resolver.ask(1, "server.lab", 80).expect("asked");
        answer(&mut resolver, &wakes).1.expect("found");
        drop(resolver);
        // The look-up function dies with the thread, and the channel with it.
        assert_eq!(ended.recv_timeout(PATIENCE), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    }
}
