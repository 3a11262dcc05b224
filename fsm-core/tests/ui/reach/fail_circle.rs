//! Two states that only lead to each other.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Hello;

struct Server;

#[state_machine(INITIAL, PENDING, LISTENING, CLOSING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn LISTENING_Hello(&mut self, _: Hello) -> Next<Self> {
        Self::CLOSING
    }
    fn CLOSING_Hello(&mut self, _: Hello) -> Next<Self> {
        Self::LISTENING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
