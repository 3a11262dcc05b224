//! Timers of machines.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use statepoint::{
    Aborted, Address, Context, Kernel, Limits, Machine as _, Message, Moment, Next, Start, Stop, Vocabulary as _,
    state_machine,
};

use crate::measure::{Sequence, cpu_time, nanoseconds_each};
use crate::rows::timers::{fired_after, pending_for, short};

/// What the timers deliver.
#[derive(Message)]
#[message(local)]
struct Tick;

/// Starts the timer.
#[derive(Message)]
#[message(local)]
struct Arm {
    after: Duration,
}

/// Cancels the timer.
#[derive(Message)]
#[message(local)]
struct Disarm;

/// Starts and cancels so many timers, one after another.
#[derive(Message)]
#[message(local)]
struct Churn {
    pairs: usize,
}

struct Clock {
    fired: Rc<Cell<usize>>,
}

#[state_machine(INITIAL, READY)]
impl Clock {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::READY
    }
    fn READY_Arm(&mut self, arm: Arm, cx: &mut Context) -> Next<Self> {
        cx.start(arm.after, Tick);
        Self::READY
    }
    fn READY_Disarm(&mut self, _: Disarm, cx: &mut Context) -> Next<Self> {
        assert!(cx.cancel::<Tick>(), "a timer was lost");
        Self::READY
    }
    fn READY_Churn(&mut self, churn: Churn, cx: &mut Context) -> Next<Self> {
        let mut sequence = Sequence::new();
        for _ in 0..churn.pairs {
            cx.start(short(&mut sequence), Tick);
            std::hint::black_box(cx.cancel::<Tick>());
        }
        Self::READY
    }
    fn READY_Tick(&mut self, _: Tick) -> Next<Self> {
        self.fired.set(self.fired.get() + 1);
        Self::READY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

struct World {
    kernel: Kernel,
    clocks: Vec<Address>,
    fired: Rc<Cell<usize>>,
}

impl World {
    fn new(clocks: usize) -> Self {
        let mut kernel = Kernel::new(Limits::default());
        let fired = Rc::default();
        let clocks = (0..clocks).map(|_| kernel.create(Clock { fired: Rc::clone(&fired) })).collect();
        let mut world = Self { kernel, clocks, fired };
        world.run();
        world
    }

    fn run(&mut self) {
        while !self.kernel.is_idle() {
            self.kernel.run(usize::MAX);
        }
    }

    fn arm_all(&mut self, mut after: impl FnMut(&mut Sequence) -> Duration) {
        let mut sequence = Sequence::new();
        for clock in &self.clocks {
            let after = after(&mut sequence);
            self.kernel.send(*clock, Address::NONE, Arm { after });
        }
        self.run();
    }
}

/// Nanoseconds to start a timer and cancel it at once, while `pending` others wait.
pub(crate) fn pairs(pending: usize, pairs: usize) -> f64 {
    let mut world = World::new(pending);
    world.arm_all(pending_for);
    let fired = Rc::clone(&world.fired);
    let busy = world.kernel.create(Clock { fired });
    world.run();
    nanoseconds_each(pairs, || {
        world.kernel.send(busy, Address::NONE, Churn { pairs });
        world.run();
    })
}

/// Nanoseconds for each of `count` timers to be started, and then, when all wait, cancelled: each by a message to the
/// machine that owns it.
pub(crate) fn all(count: usize) -> f64 {
    let mut world = World::new(count);
    nanoseconds_each(count, || {
        world.arm_all(short);
        for clock in &world.clocks {
            world.kernel.send(*clock, Address::NONE, Disarm);
        }
        world.run();
    })
}

/// What it takes until all of `count` timers, started before and spread over `span`, have fired and been handled by
/// their machines: in all, and in the handling alone.
fn fired(count: usize, span: Duration) -> (Duration, Duration) {
    let mut world = World::new(count);
    world.arm_all(|sequence| fired_after(sequence, span));
    let begin = Instant::now();
    let (cpu_before, mut handling) = (cpu_time(), Duration::ZERO);
    while world.fired.get() < count {
        let now = Moment::ZERO + begin.elapsed();
        world.kernel.advance(now, usize::MAX);
        let cpu = cpu_time();
        world.run();
        handling += cpu_time() - cpu;
        if let Some(next) = world.kernel.next_deadline() {
            std::thread::sleep(next - now);
        }
    }
    (cpu_time() - cpu_before, handling)
}

fn each(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}

/// CPU nanoseconds for each timer that fires, until its message stands in the run queue.
pub(crate) fn fired_alone(count: usize, span: Duration) -> f64 {
    let (all, handling) = fired(count, span);
    each(all - handling, count)
}

/// CPU nanoseconds for each timer that fires and is taken by a machine of its own.
pub(crate) fn fired_and_handled(count: usize, span: Duration) -> f64 {
    each(fired(count, span).0, count)
}
