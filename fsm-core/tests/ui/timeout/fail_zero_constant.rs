//! A constant of zero.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

const NO_TIME: std::time::Duration = std::time::Duration::ZERO;

#[state_machine(INITIAL, PENDING(timeout = NO_TIME))]
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
