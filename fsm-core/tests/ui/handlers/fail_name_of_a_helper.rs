//! Only handlers may have the names of handlers.
#![deny(non_snake_case)]

extern crate fsm_core as statepoint;

use statepoint::*;

pub struct Server;

#[state_machine(LISTENING)]
impl Server {
    fn LISTENING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    pub fn Listening_Stop(&self) {}
}

fn main() {}
