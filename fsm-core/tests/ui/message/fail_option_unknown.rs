//! An option is misspelt.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
#[message(lokal)]
struct Hello;

fn main() {}
