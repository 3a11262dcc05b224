//! A fault without `Display`.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
#[message(local, fault)]
struct Failed;

fn main() {}
