//! Deep families and wide ones end, on the stack of a test.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;

use fsm_core::{Aborted, Address, Context, Kernel, Machine, Moment, Next, Start, Stop, Vocabulary, state_machine};
use support::{kernel, settle};

/// A level of a deep family, or the top of a wide one.
struct Level {
    below: u32,
    beside: u32,
    reluctant: bool,
}

#[state_machine]
impl Level {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        for _ in 0..self.beside {
            cx.create(Self { below: 0, beside: 0, reluctant: self.reluctant });
        }
        if self.below > 0 {
            cx.create(Self { below: self.below - 1, beside: 0, reluctant: self.reluctant });
        }
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        if self.reluctant && self.below == 0 { Next::STAY } else { Self::complete(Aborted) }
    }
}

/// Creates a family, stops it, and lets `seconds` pass.
fn end_a_family(top: Level, seconds: u64) -> Kernel {
    let mut kernel = kernel();
    let top = kernel.create(top);
    settle(&mut kernel);
    kernel.send(top, Address::NONE, Stop);
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + Duration::from_secs(seconds), 10);
    settle(&mut kernel);
    assert_eq!(kernel.take_result().expect("it has ended").0, top);
    assert_eq!((kernel.points(), kernel.next_deadline()), (0, None));
    kernel
}

#[test]
fn a_family_of_a_hundred_thousand_levels_ends_without_recursion() {
    let kernel = end_a_family(Level { below: 100_000, beside: 0, reluctant: false }, 0);
    assert_eq!((kernel.counters().ended, kernel.counters().dropped), (100_001, 0));
}

#[test]
fn a_family_of_a_hundred_thousand_levels_is_dropped_without_recursion() {
    let kernel = end_a_family(Level { below: 100_000, beside: 0, reluctant: true }, 5);
    assert_eq!((kernel.counters().ended, kernel.counters().dropped), (100_001, 100_000));
}

#[test]
fn a_family_of_a_hundred_thousand_siblings_ends() {
    let kernel = end_a_family(Level { below: 0, beside: 100_000, reluctant: false }, 0);
    assert_eq!((kernel.counters().ended, kernel.counters().dropped), (100_001, 0));
}
