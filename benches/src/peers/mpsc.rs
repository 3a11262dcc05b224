//! The way of tokio: a task and an unbounded channel for each actor, on a current-thread runtime.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::measure::nanoseconds_each;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime without drivers needs nothing of the system")
}

/// Lets each of the new tasks run until it waits for mail.
fn settle(runtime: &Runtime, tasks: usize) {
    runtime.block_on(async {
        for _ in 0..tasks {
            yield_now().await;
        }
    });
}

/// What the actors of ping-pong and ring understand.
enum Play {
    Ball { left: u64 },
    Stop,
}

/// Gives each ball on; tells when the last has come.
async fn player(mut mail: UnboundedReceiver<Play>, next: UnboundedSender<Play>, finished: UnboundedSender<()>) {
    let mut balls = 0_u64;
    while let Some(message) = mail.recv().await {
        match message {
            Play::Ball { left: 0 } => {
                balls += 1;
                let _ = finished.send(());
            }
            Play::Ball { left } => {
                balls += 1;
                let _ = next.send(Play::Ball { left: left - 1 });
            }
            Play::Stop => break,
        }
    }
    black_box(balls);
}

/// Nanoseconds for each hop of a ball between two actors.
pub(crate) fn ping_pong(hops: usize) -> f64 {
    ring(2, 1, hops)
}

/// Nanoseconds for each hop of `balls` round a ring.
pub(crate) fn ring(actors: usize, balls: usize, hops: usize) -> f64 {
    let runtime = runtime();
    let (finished, mut finish) = unbounded_channel();
    let (first, mail) = unbounded_channel();
    let mut mail = Some(mail);
    let mut all = vec![first.clone()];
    for number in 0..actors {
        let (next, after) = if number + 1 == actors {
            (first.clone(), None)
        } else {
            let (next, after) = unbounded_channel();
            all.push(next.clone());
            (next, Some(after))
        };
        let mine = std::mem::replace(&mut mail, after).expect("the ring closes at its last actor");
        runtime.spawn(player(mine, next, finished.clone()));
    }
    settle(&runtime, actors);
    let figure = nanoseconds_each(hops, || {
        let left = (hops / balls) as u64 - 1;
        for _ in 0..balls {
            let _ = first.send(Play::Ball { left });
        }
        runtime.block_on(async {
            for _ in 0..balls {
                finish.recv().await;
            }
        });
    });
    for actor in all {
        let _ = actor.send(Play::Stop);
    }
    figure
}

struct Go;

/// What the sink understands.
enum Work {
    Item { number: u64 },
    Report(oneshot::Sender<u64>),
}

/// Nanoseconds for each message from many producers to one sink.
pub(crate) fn fan_in(producers: usize, items: usize) -> f64 {
    let runtime = runtime();
    let total = (producers * items) as u64;
    let (sink, mut mail) = unbounded_channel();
    let (done, finished) = oneshot::channel();
    let _ = sink.send(Work::Report(done));
    runtime.spawn(async move {
        let (mut sum, mut count, mut done) = (0_u64, 0, None);
        while let Some(message) = mail.recv().await {
            match message {
                Work::Item { number } => {
                    sum = black_box(sum.wrapping_add(number));
                    count += 1;
                    if count == total {
                        break;
                    }
                }
                Work::Report(to) => done = Some(to),
            }
        }
        if let Some(done) = done {
            let _ = done.send(sum);
        }
    });
    let mut goes = Vec::new();
    for _ in 0..producers {
        let (go, mut mail) = unbounded_channel();
        let sink = sink.clone();
        goes.push(go);
        runtime.spawn(async move {
            while let Some(Go) = mail.recv().await {
                for number in 0..items as u64 {
                    let _ = sink.send(Work::Item { number });
                }
            }
        });
    }
    settle(&runtime, producers + 1);
    nanoseconds_each(producers * items, || {
        for go in &goes {
            let _ = go.send(Go);
        }
        let _ = runtime.block_on(finished);
    })
}

/// Idle actors that have had their message.
static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// Makes so many idle actors, gives each a message, hands them to `measure` while they live. Once in a
/// process.
pub(crate) fn points<const WORDS: usize>(count: usize, measure: impl FnOnce()) {
    let runtime = runtime();
    let mut addresses = Vec::with_capacity(count);
    runtime.block_on(async {
        for number in 0..count {
            let (address, mut mail) = unbounded_channel();
            let mut words = [1_u64; WORDS];
            tokio::spawn(async move {
                while let Some(Go) = mail.recv().await {
                    words[0] += 1;
                    black_box(&mut words);
                    HANDLED.fetch_add(1, Ordering::Relaxed);
                }
            });
            let _ = address.send(Go);
            addresses.push(address);
            if number % 1_000 == 999 || number + 1 == count {
                while HANDLED.load(Ordering::Relaxed) <= number {
                    yield_now().await;
                }
            }
        }
    });
    measure();
    black_box(&addresses);
}
