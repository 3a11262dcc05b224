//! A stateless machine does not answer `Stop`.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Hello;

struct Server;

#[state_machine()]
impl Server {
    fn ANY_Hello(&mut self, _: Hello) -> Next<Self> {
        Next::STAY
    }
}

fn main() {}
