//! The attribute stands on the impl of a trait.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

trait Serve {}

#[state_machine(INITIAL, PENDING)]
impl Serve for Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
