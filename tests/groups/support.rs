//! Messages as the network sends them, and one machine on the table.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Coverage, Ended, Failure, Kernel, Limits, Moment};

/// Something that only peers send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "groups.News")]
pub(crate) struct News(pub(crate) u32);

/// What points of these tests end with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "groups.Result")]
pub(crate) struct Verdict(pub(crate) u32);

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Where the server of these tests is: on the loopback interface.
pub(crate) fn at() -> SocketAddr {
    ([127, 0, 0, 1], 32011).into()
}

thread_local! {
    static TAKEN: RefCell<Coverage> = RefCell::default();
}

/// Runs the tests, and says which cells and edges of `M` none of them has taken.
pub(crate) fn never_taken<M: Machine>(tests: &[fn()]) -> String {
    TAKEN.take();
    for test in tests {
        test();
    }
    TAKEN.take().report::<M>()
}

/// A machine on the table. What it takes is counted for [`never_taken`].
pub(crate) struct Table<M: Machine>(Harness<M>);

impl<M: Machine> Table<M> {
    pub(crate) fn new(machine: M) -> Self {
        let mut harness = Harness::new(machine);
        let proxies: [Address; 4] = core::array::from_fn(|_| harness.stranger());
        assert_eq!(proxies.map(|proxy| proxy.with_far(1)), [1, 2, 3, 4].map(far));
        Self(harness)
    }
}

impl<M: Machine> Deref for Table<M> {
    type Target = Harness<M>;

    fn deref(&self) -> &Harness<M> {
        &self.0
    }
}

impl<M: Machine> DerefMut for Table<M> {
    fn deref_mut(&mut self) -> &mut Harness<M> {
        &mut self.0
    }
}

impl<M: Machine> Drop for Table<M> {
    fn drop(&mut self) {
        TAKEN.with_borrow_mut(|taken| taken.merge(self.0.coverage()));
    }
}

/// Runs `machine` in a kernel with room for nothing else, until it ends; what it ended with, and after how long.
pub(crate) fn alone(machine: impl Machine) -> (Value, Duration) {
    let mut kernel = Kernel::new(Limits { points: 1, ..Limits::default() });
    kernel.record_coverage();
    kernel.create(machine);
    loop {
        kernel.run(1_000);
        if let Some((_, value)) = kernel.take_result() {
            count(&kernel);
            return (value, kernel.now() - Moment::ZERO);
        }
        let deadline = kernel.next_deadline().expect("a machine that has not ended waits for something");
        kernel.advance(deadline, 1_000);
    }
}

/// The address of the far end of connection number `number`, from 1 to 4. Its proxy is a stranger on the [`Table`].
pub(crate) fn far(number: u32) -> Address {
    Address::new(3 + number, 1, 1)
}

/// Counts what the kernel has recorded for [`never_taken`].
pub(crate) fn count(kernel: &Kernel) {
    TAKEN.with_borrow_mut(|taken| taken.merge(kernel.coverage().expect("it is recorded")));
}

fn failure() -> Failure {
    Failure::from(&std::io::Error::from(ErrorKind::ConnectionRefused))
}

pub(crate) fn connected() -> Connected {
    Connected::new(at(), at(), at(), Moment::ZERO)
}

/// With the address that was tried, when one was.
pub(crate) fn not_connected(tried: Option<SocketAddr>) -> NotConnected {
    NotConnected::new(at(), tried, failure())
}

/// After so long a connection.
pub(crate) fn abandoned(lasted: Duration) -> Abandoned {
    Abandoned::new(at(), Moment::ZERO, Moment::ZERO + lasted, Ended::Reset)
}

pub(crate) fn closed() -> Closed {
    Closed::new(Verdict(1), at(), Moment::ZERO, Moment::ZERO, Ended::ByUs)
}

pub(crate) fn listening() -> Listening {
    listening_since(Duration::ZERO)
}

pub(crate) fn listening_since(since: Duration) -> Listening {
    Listening::new(at(), at(), Moment::ZERO + since)
}

pub(crate) fn not_listening() -> NotListening {
    NotListening::new(at(), failure())
}

pub(crate) fn accepted() -> Accepted {
    Accepted::new(at(), at(), Moment::ZERO)
}

pub(crate) fn not_accepted() -> NotAccepted {
    NotAccepted::new(at(), Some(at()), failure())
}
