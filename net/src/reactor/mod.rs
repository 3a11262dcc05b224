//! The reactor: one thread, one `Poll`, one kernel. The only place that names mio.

mod handle;
pub(crate) mod resolver;
pub(crate) mod socket_net;

use core::fmt;
use core::time::Duration;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Instant;

use fsm_core::{Address, IntoPoint, Kernel, Limits, Moment, Value};

use crate::driver::{Driver, NetCounters};
use crate::settings::NetSettings;

use handle::Inbox;
pub use handle::{Handle, InboxFull};
use socket_net::SocketNet;

/// Events that one poll takes.
const EVENTS: usize = 1_024;
/// A turn that comes so much later than it should: the process stood still meanwhile, or a handler did not return.
const STANDSTILL: Duration = Duration::from_secs(1);
/// How long it then may look at what has come, before it looks at the time.
const CATCH_UP: Duration = Duration::from_millis(100);
/// The waker's token, which no socket has.
const WAKE: mio::Token = mio::Token(usize::MAX);

/// Drives a kernel and its network with the system's clock and sockets.
///
/// A reactor is built on the thread that runs it, and stays there: points need not be `Send`. Other threads reach it
/// through a [`Handle`].
///
/// ```
/// use statepoint::{Done, Limits, NetSettings, reactor::Reactor, routine};
///
/// let mut reactor = Reactor::new(Limits::default(), NetSettings::default())?;
/// let main = reactor.create(routine(async |_| Done));
/// assert!(reactor.run(main)?.is::<Done>());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Reactor {
    poll: mio::Poll,
    events: mio::Events,
    driver: Driver<SocketNet>,
    began: Instant,
    /// The moment of the last turn.
    last: Moment,
    inbox: Arc<Inbox>,
    /// Root points that have ended and that nobody has asked for.
    results: Vec<(Address, Value)>,
}

impl Reactor {
    /// A reactor without points.
    ///
    /// # Errors
    ///
    /// The system gives no selector or no waker, for want of descriptors.
    pub fn new(limits: Limits, settings: NetSettings) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKE)?;
        let inbox = Arc::new(Inbox::new(waker));
        let resolver = Arc::clone(&inbox);
        let net = SocketNet::new(poll.registry().try_clone()?, move || resolver.wake()).keep_alive(settings.keep_alive);
        let mut driver = Driver::new(net, limits, settings);
        // Of every process another one, so that clients of one server do not try again in step.
        driver.kernel_mut().set_seed(RandomState::new().build_hasher().finish());
        Ok(Self {
            poll,
            events: mio::Events::with_capacity(EVENTS),
            driver,
            began: Instant::now(),
            last: Moment::ZERO,
            inbox,
            results: Vec::new(),
        })
    }

    /// Creates a root point.
    pub fn create(&mut self, point: impl IntoPoint) -> Address {
        self.driver.create(point)
    }

    /// The way in for other threads.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.inbox))
    }

    /// The kernel, to send messages and to set a sink.
    pub fn kernel_mut(&mut self) -> &mut Kernel {
        self.driver.kernel_mut()
    }

    /// The kernel.
    pub fn kernel(&self) -> &Kernel {
        self.driver.kernel()
    }

    /// What the network has counted.
    pub fn counters(&self) -> NetCounters {
        self.driver.counters()
    }

    /// How many sockets are held: ports, attempts and connections.
    pub fn sockets(&self) -> usize {
        self.driver.sockets()
    }

    /// How many addresses the peers hold that messages have given them. 0 when the points have ended.
    pub fn exports(&self) -> usize {
        self.driver.exports()
    }

    /// Runs until the root point `main` has ended; what it completed with. Other root points run along.
    ///
    /// # Errors
    ///
    /// The system's selector fails. Nothing that a peer does leads to it.
    pub fn run(&mut self, main: Address) -> io::Result<Value> {
        loop {
            if let Some(value) = self.take_result(main) {
                return Ok(value);
            }
            self.turn(None)?;
        }
    }

    /// What the root point `point` has completed with, once.
    pub fn take_result(&mut self, point: Address) -> Option<Value> {
        while let Some(result) = self.driver.kernel_mut().take_result() {
            self.results.push(result);
        }
        let index = self.results.iter().position(|(address, _)| *address == point)?;
        Some(self.results.swap_remove(index).1)
    }

    /// One turn: waits until there is something to do, but no longer than `wait`, and does a bounded amount of it.
    ///
    /// # Errors
    ///
    /// The system's selector fails.
    pub fn turn(&mut self, wait: Option<Duration>) -> io::Result<()> {
        let deadline = self.driver.timeout().map(|deadline| deadline - self.now());
        let wait = [deadline, wait].into_iter().flatten().min();
        self.gather(wait)?;
        let now = self.now();
        if wait.is_some_and(|wait| now - self.last > wait + STANDSTILL) {
            self.catch_up();
        }
        self.last = now;
        self.driver.turn(now);
        Ok(())
    }

    /// The process stood still, and peers did not: what has come meanwhile is heard before anybody's time is over.
    fn catch_up(&mut self) {
        let until = self.now() + CATCH_UP;
        loop {
            self.driver.turn(self.last);
            if self.driver.timeout() != Some(Moment::ZERO) || self.now() > until {
                return;
            }
        }
    }

    /// Waits until something has come, but no longer than `wait`, and gives it to the driver.
    fn gather(&mut self, mut wait: Option<Duration>) -> io::Result<()> {
        // Each round takes other sockets.
        for _ in 0..=self.driver.sockets() / EVENTS {
            while let Err(error) = self.poll.poll(&mut self.events, wait) {
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
                // What has come is asked for anew: the process may have stood still, and the time is looked at next.
                wait = Some(Duration::ZERO);
            }
            for event in &self.events {
                if event.token() == WAKE {
                    self.inbox.woken();
                } else if let Some(ready) = self.driver.net_mut().ready(event) {
                    self.driver.ready(ready);
                }
            }
            if self.events.iter().count() < EVENTS {
                break;
            }
            wait = Some(Duration::ZERO);
        }
        while let Some(resolved) = self.driver.net_mut().resolved() {
            self.driver.ready(resolved);
        }
        self.inbox.deliver(self.driver.kernel_mut());
        Ok(())
    }

    fn now(&self) -> Moment {
        Moment::ZERO + self.began.elapsed()
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("driver", &self.driver).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
