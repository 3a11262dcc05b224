//! A handler that serves no state is dead code, and nothing silences that.
#![deny(dead_code)]

extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

#[state_machine(LISTENING)]
impl Server {
    fn LISTENING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {
    let _ = Server;
}
