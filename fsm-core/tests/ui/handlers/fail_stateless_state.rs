//! A handler for a state in a stateless machine.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Hello;

struct Server;

#[state_machine]
impl Server {
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn PENDING_Hello(&mut self, _: Hello) -> Next<Self> {
        Next::STAY
    }
}

fn main() {}
