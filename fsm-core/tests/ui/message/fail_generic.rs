//! A message is generic.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
struct Hello<T>(T);

fn main() {}
