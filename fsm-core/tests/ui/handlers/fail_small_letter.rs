//! A method with all of a cell but the capital of its message is no helper.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Push;

struct Door {
    pushed: usize,
}

#[state_machine(CLOSED, OPEN)]
impl Door {
    fn CLOSED_Push(&mut self, _: Push) -> Next<Self> {
        Self::OPEN
    }
    fn OPEN_push(&mut self, _: Push) -> Next<Self> {
        self.pushed = self.OPEN_count() + 1;
        Self::CLOSED
    }
    #[allow(non_snake_case, reason = "a helper with the name of a state in front is no cell")]
    fn OPEN_count(&self) -> usize {
        self.pushed
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
