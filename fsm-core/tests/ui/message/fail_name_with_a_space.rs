//! A name has a space.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
#[message(name = "my message", local)]
struct Hello;

fn main() {}
