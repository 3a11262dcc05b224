//! A former name is the name.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
#[message(name = "a.Hello", also = "a.Hello")]
struct Hello;

fn main() {}
