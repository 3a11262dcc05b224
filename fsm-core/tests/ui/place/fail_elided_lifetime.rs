//! A machine cannot borrow, whatever the lifetime is called.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Borrower<'a>(&'a str);

#[state_machine]
impl Borrower<'_> {
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {}
