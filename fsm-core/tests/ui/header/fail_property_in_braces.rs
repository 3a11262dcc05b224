//! Properties stand in parentheses.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

#[state_machine(INITIAL, PENDING { timeout: "5s" })]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
