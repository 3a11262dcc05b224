//! The attribute stands on the impl of an ordinary trait.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server;

#[state_machine]
impl Default for Server {
    fn default() -> Self {
        Server
    }
}

fn main() {}
