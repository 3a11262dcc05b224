//! The attribute stands on the struct.
extern crate fsm_core as statepoint;

use statepoint::*;

#[state_machine(INITIAL, PENDING)]
struct Server;

impl Server {
    fn go(&self) -> Next<Self> {
        Self::PENDING
    }
}

fn main() {}
