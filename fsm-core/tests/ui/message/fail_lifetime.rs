//! A message borrows.
extern crate fsm_core as statepoint;

use statepoint::Message;

#[derive(Message)]
struct Hello<'a>(&'a str);

fn main() {}
