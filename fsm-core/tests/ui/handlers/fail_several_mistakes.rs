//! Every mistake is shown, not only the first.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Hello;

struct Server;

#[state_machine(INITIAL, PENDING(timeout = "5s"), LISTENING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn PENDING_Closed(&mut self, _: Hello) -> Next<Self> {
        Self::LISTENING
    }
    fn LISTENING_Hello(&mut self) -> Next<Self> {
        Self::INITIAL
    }
}

fn main() {}
