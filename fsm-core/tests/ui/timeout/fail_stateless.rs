//! A stateless machine has no timeout.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

#[state_machine]
impl Server {
    fn ANY_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
