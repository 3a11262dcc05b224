//! The attribute stands on a function.
extern crate fsm_core as statepoint;

use statepoint::*;

#[state_machine]
fn server() {}

fn main() {}
