//! Handlers made by a macro call could not be seen.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

macro_rules! handlers {
    () => {
        fn help(&self) {}
    };
}

#[state_machine(INITIAL, PENDING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    handlers!();
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
