//! Machines without states, with and without parentheses.
#![deny(warnings, clippy::all)]

extern crate fsm_core as statepoint;

use statepoint::{Aborted, Harness, Machine, Message, Next, Stop, Unknown, state_machine};

#[derive(Debug, Message)]
#[message(local)]
struct Count;

#[derive(Default)]
struct Counter(u32);

#[state_machine]
impl Counter {
    fn ANY_Count(&mut self, _: Count) -> Next<Self> {
        self.0 += 1;
        Next::STAY
    }
    fn ANY_Unknown(&mut self, _: Unknown) -> Next<Self> {
        self.0 += 100;
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

struct Sink;

#[state_machine()]
impl Sink {
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {
    let mut test = Harness::new(Counter::default());
    let _ = test.give(Count);
    let _ = test.give(Count);
    let _ = test.give(Aborted);
    assert_eq!(test.machine().0, 102);
    assert_eq!(Counter::TABLE.shape.states[0].name, "ANY");
    let _ = Sink;
}
