//! The diagram drawn at run time is the one in rustdoc: `fsm-macros` compares its own with the same file.
#![deny(warnings)]

extern crate fsm_core as statepoint;

use core::time::Duration;

use statepoint::{Aborted, Machine, Message, Next, Start, Stop, TimedOut, Timeout, Unknown, state_machine};

#[derive(Message)]
#[message(local)]
struct Listening;

#[derive(Message)]
#[message(local)]
struct Hello;

const PATIENCE: Duration = Duration::from_secs(1);

struct Server;

#[state_machine(
    INITIAL,
    PENDING(defer(Hello), timeout = "5s"),
    LISTENING(data = u32),
    CLOSING(timeout = PATIENCE),
    UP = PENDING | LISTENING,
)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn PENDING_Listening(&mut self, _: Listening) -> Next<Self> {
        Self::LISTENING(0)
    }
    fn ANY_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn LISTENING_Hello(&mut self, _: Hello, count: &mut u32) -> Next<Self> {
        *count += 1;
        if *count < 5 { Next::STAY } else { Self::LISTENING(0) }
    }
    fn LISTENING_Unknown(&mut self, _: Unknown) -> Next<Self> {
        self.close()
    }
    fn UP_Stop(&mut self, _: Stop) -> Next<Self> {
        self.close()
    }
    fn CLOSING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn close(&mut self) -> Next<Self> {
        Self::CLOSING
    }
}

fn main() {
    assert_eq!(Server::diagram(), include_str!("server.mermaid"));
    let _ = (Server, Listening, Hello);
}
