//! How much room things take.

extern crate fsm_core as statepoint;

use core::mem::size_of;

use fsm_core::{Address, Body, Done, Kernel, Limits, Machine, Moment, Next, Stop, Value, state_machine};

/// A machine with a word of its own.
struct Idle {
    number: u64,
}

#[state_machine(WAITING, COUNTING(data = u32))]
impl Idle {
    fn WAITING_Start(&mut self, _: fsm_core::Start) -> Next<Self> {
        if self.number == u64::MAX { Self::COUNTING(1) } else { Self::WAITING }
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

#[test]
fn what_is_passed_around_is_small() {
    assert_eq!(size_of::<Address>(), 16);
    assert_eq!((size_of::<Body>(), size_of::<Option<Body>>(), size_of::<Value>()), (16, 16, 16));
    assert_eq!((size_of::<Next<Idle>>(), size_of::<Moment>()), (16, 8));
}

/// Pages of memory that this process has in use, as Linux tells it; elsewhere nothing is told.
fn bytes_in_use() -> Option<usize> {
    let told = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(told.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

#[test]
fn an_idle_machine_costs_at_most_72_bytes_besides_its_own_struct() {
    const MACHINES: usize = 200_000;
    let mut kernel = Kernel::new(Limits::default());
    let Some(before) = bytes_in_use() else { return };
    for number in 0..MACHINES as u64 {
        kernel.create(Idle { number });
        kernel.run(10);
    }
    let used = bytes_in_use().unwrap_or(usize::MAX).saturating_sub(before);
    assert_eq!((kernel.points(), kernel.queued()), (MACHINES, 0));
    let each = used / MACHINES - size_of::<Idle>();
    assert!(each <= 72, "{each} bytes");
    assert!(each > 40, "{each} bytes cannot be"); // the measurement measures nothing
}
