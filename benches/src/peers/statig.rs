//! The statig crate: the same machine by its macro.
#![allow(unreachable_pub)] // what the macro emits

use statig::prelude::*;

use std::rc::Rc;

use crate::rows::dispatch::{Event, Figures};

#[derive(Default)]
struct Compass {
    figures: Figures,
}

#[state_machine(initial = "State::alpha()")]
impl Compass {
    #[state]
    fn alpha(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north = self.figures.north.wrapping_add(n);
                Transition(State::bravo())
            }
            Event::East(n) => {
                self.figures.east = self.figures.east.wrapping_add(n);
                Transition(State::charlie())
            }
            Event::South(n) => {
                self.figures.south = self.figures.south.wrapping_add(n);
                Transition(State::delta())
            }
            Event::West(n) => {
                self.figures.west = self.figures.west.wrapping_add(n);
                Transition(State::echo())
            }
        }
    }

    #[state]
    fn bravo(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north ^= n;
                Transition(State::charlie())
            }
            Event::East(n) => {
                self.figures.east ^= n;
                Transition(State::delta())
            }
            Event::South(n) => {
                self.figures.south ^= n;
                Transition(State::echo())
            }
            Event::West(n) => {
                self.figures.west ^= n;
                Transition(State::foxtrot())
            }
        }
    }

    #[state]
    fn charlie(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north = self.figures.north.wrapping_sub(n);
                Transition(State::delta())
            }
            Event::East(n) => {
                self.figures.east = self.figures.east.wrapping_sub(n);
                Transition(State::echo())
            }
            Event::South(n) => {
                self.figures.south = self.figures.south.wrapping_sub(n);
                Transition(State::foxtrot())
            }
            Event::West(n) => {
                self.figures.west = self.figures.west.wrapping_sub(n);
                Transition(State::golf())
            }
        }
    }

    #[state]
    fn delta(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north = self.figures.north.rotate_left(1) ^ n;
                Transition(State::echo())
            }
            Event::East(n) => {
                self.figures.east = self.figures.east.rotate_left(1) ^ n;
                Transition(State::foxtrot())
            }
            Event::South(n) => {
                self.figures.south = self.figures.south.rotate_left(1) ^ n;
                Transition(State::golf())
            }
            Event::West(n) => {
                self.figures.west = self.figures.west.rotate_left(1) ^ n;
                Transition(State::hotel())
            }
        }
    }

    #[state]
    fn echo(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north = self.figures.north.wrapping_mul(n | 1);
                Transition(State::foxtrot())
            }
            Event::East(n) => {
                self.figures.east = self.figures.east.wrapping_mul(n | 1);
                Transition(State::golf())
            }
            Event::South(n) => {
                self.figures.south = self.figures.south.wrapping_mul(n | 1);
                Transition(State::hotel())
            }
            Event::West(n) => {
                self.figures.west = self.figures.west.wrapping_mul(n | 1);
                Transition(State::alpha())
            }
        }
    }

    #[state]
    fn foxtrot(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north &= !n;
                Transition(State::golf())
            }
            Event::East(n) => {
                self.figures.east &= !n;
                Transition(State::hotel())
            }
            Event::South(n) => {
                self.figures.south &= !n;
                Transition(State::alpha())
            }
            Event::West(n) => {
                self.figures.west &= !n;
                Transition(State::bravo())
            }
        }
    }

    #[state]
    fn golf(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north |= n;
                Transition(State::hotel())
            }
            Event::East(n) => {
                self.figures.east |= n;
                Transition(State::alpha())
            }
            Event::South(n) => {
                self.figures.south |= n;
                Transition(State::bravo())
            }
            Event::West(n) => {
                self.figures.west |= n;
                Transition(State::charlie())
            }
        }
    }

    #[state]
    fn hotel(&mut self, event: &Event) -> Outcome<State> {
        match *event {
            Event::North(n) => {
                self.figures.north = self.figures.north.wrapping_add(3 * n);
                Transition(State::alpha())
            }
            Event::East(n) => {
                self.figures.east = self.figures.east.wrapping_add(3 * n);
                Transition(State::bravo())
            }
            Event::South(n) => {
                self.figures.south = self.figures.south.wrapping_add(3 * n);
                Transition(State::charlie())
            }
            Event::West(n) => {
                self.figures.west = self.figures.west.wrapping_add(3 * n);
                Transition(State::delta())
            }
        }
    }
}

/// Runs the events through the machine and returns what it has computed.
pub(crate) fn run(events: &Rc<[Event]>) -> Figures {
    let mut machine = Compass::default().state_machine();
    for event in events.iter() {
        machine.handle(event);
    }
    machine.inner().figures
}
