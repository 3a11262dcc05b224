//! A message is a union.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
union Hello {
    a: u8,
}

fn main() {}
