//! The attribute stands on an enum.
extern crate fsm_core as statepoint;

use statepoint::*;

#[state_machine]
enum Server {}

fn main() {}
