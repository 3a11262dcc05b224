//! A name is empty.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
#[message(name = "")]
struct Hello;

fn main() {}
