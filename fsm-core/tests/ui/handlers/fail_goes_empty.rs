//! `#[goes]` names nothing.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Hello;

struct Server;

#[state_machine(INITIAL, PENDING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    #[goes]
    fn PENDING_Hello(&mut self, _: Hello) -> Next<Self> {
        Self::INITIAL
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
