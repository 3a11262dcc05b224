//! A handler takes data of another type.
extern crate fsm_core as statepoint;

use statepoint::*;

#[derive(Message)]
#[message(local)]
struct Hello;

struct Server;

struct Dial;
struct Line;

#[state_machine(INITIAL, PENDING, CONNECTED(data = Dial))]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn PENDING_Hello(&mut self, _: Hello) -> Next<Self> {
        Self::CONNECTED(Dial)
    }
    fn CONNECTED_Hello(&mut self, _: Hello, _: &mut Line) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
