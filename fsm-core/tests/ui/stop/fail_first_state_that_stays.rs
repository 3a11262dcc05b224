//! The first state need not answer only if it always leaves.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

#[state_machine(INITIAL, PENDING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        if true { Self::PENDING } else { Next::STAY }
    }
    fn PENDING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
