//! The first state has no data.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

struct Dial;

#[state_machine(INITIAL(data = Dial), PENDING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
