//! A machine cannot borrow.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Borrower<'a, T>(&'a str, T);

#[state_machine(INITIAL, PENDING)]
impl<'a, T: Copy + 'static> Borrower<'a, T> {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        let _: &'a str = self.0;
        Self::complete(Aborted)
    }
}

fn main() {}
