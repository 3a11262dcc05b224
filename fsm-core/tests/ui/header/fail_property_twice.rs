//! A property is written twice.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

#[state_machine(INITIAL, PENDING(timeout = "5s", timeout = "6s"))]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn PENDING_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
