//! tokio-util's `DelayQueue`, on a current-thread runtime with its clock.

use std::future::poll_fn;
use std::hint::black_box;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue::Key;

use crate::measure::{Sequence, nanoseconds_each};
use crate::peers::stripped::Clocks;
use crate::rows::timers::{fired_after, pending_for, short};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a clock needs nothing of the system")
}

/// Nanoseconds to start a timer and cancel it at once, while `pending` others wait.
pub(crate) fn pairs(pending: usize, pairs: usize) -> f64 {
    let runtime = runtime();
    let _guard = runtime.enter();
    let mut sequence = Sequence::new();
    let mut queue = DelayQueue::new();
    for number in 0..pending {
        queue.insert(number, pending_for(&mut sequence));
    }
    nanoseconds_each(pairs, || {
        for number in 0..pairs {
            let key = queue.insert(number, short(&mut sequence));
            black_box(queue.remove(&key));
        }
    })
}

/// Nanoseconds for each of `count` timers to be started, and then, when all wait, cancelled.
pub(crate) fn all(count: usize) -> f64 {
    let runtime = runtime();
    let _guard = runtime.enter();
    let mut sequence = Sequence::new();
    let mut queue = DelayQueue::new();
    let mut keys: Vec<Key> = Vec::with_capacity(count);
    nanoseconds_each(count, || {
        for number in 0..count {
            keys.push(queue.insert(number, short(&mut sequence)));
        }
        for key in &keys {
            black_box(queue.remove(key));
        }
    })
}

/// CPU nanoseconds for each of `count` timers that fire within `span`, after all have been started. Each is given to
/// `take`.
fn fired(count: usize, span: Duration, mut take: impl FnMut(usize)) -> f64 {
    let runtime = runtime();
    let guard = runtime.enter();
    let mut sequence = Sequence::new();
    let mut queue = DelayQueue::new();
    for number in 0..count {
        queue.insert(number, fired_after(&mut sequence, span));
    }
    drop(guard);
    nanoseconds_each(count, || {
        runtime.block_on(async {
            let mut fired = 0;
            while let Some(expired) = poll_fn(|cx| queue.poll_expired(cx)).await {
                take(expired.into_inner());
                fired += 1;
            }
            assert_eq!(fired, count, "a timer was lost");
        });
    })
}

/// CPU nanoseconds for each timer that fires, and nobody takes it.
pub(crate) fn fired_alone(count: usize, span: Duration) -> f64 {
    fired(count, span, |number| {
        black_box(number);
    })
}

/// CPU nanoseconds for each timer that fires and is taken by a point of its own, of the stripped loop.
pub(crate) fn fired_and_handled(count: usize, span: Duration) -> f64 {
    let mut clocks = Clocks::new(count);
    fired(count, span, |number| clocks.tick(number))
}
