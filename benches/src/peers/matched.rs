//! A `match` over state and event, as one writes it by hand.

use std::rc::Rc;

use crate::rows::dispatch::{Event, Figures};

#[derive(Clone, Copy)]
enum State {
    Alpha,
    Bravo,
    Charlie,
    Delta,
    Echo,
    Foxtrot,
    Golf,
    Hotel,
}

/// Runs the events through the machine and returns what it has computed.
pub(crate) fn run(events: &Rc<[Event]>) -> Figures {
    let mut figures = Figures::default();
    let mut state = State::Alpha;
    for event in events.iter() {
        state = step(&mut figures, state, *event);
    }
    figures
}

fn step(figures: &mut Figures, state: State, event: Event) -> State {
    match (state, event) {
        (State::Alpha, Event::North(n)) => {
            figures.north = figures.north.wrapping_add(n);
            State::Bravo
        }
        (State::Alpha, Event::East(n)) => {
            figures.east = figures.east.wrapping_add(n);
            State::Charlie
        }
        (State::Alpha, Event::South(n)) => {
            figures.south = figures.south.wrapping_add(n);
            State::Delta
        }
        (State::Alpha, Event::West(n)) => {
            figures.west = figures.west.wrapping_add(n);
            State::Echo
        }
        (State::Bravo, Event::North(n)) => {
            figures.north ^= n;
            State::Charlie
        }
        (State::Bravo, Event::East(n)) => {
            figures.east ^= n;
            State::Delta
        }
        (State::Bravo, Event::South(n)) => {
            figures.south ^= n;
            State::Echo
        }
        (State::Bravo, Event::West(n)) => {
            figures.west ^= n;
            State::Foxtrot
        }
        (State::Charlie, Event::North(n)) => {
            figures.north = figures.north.wrapping_sub(n);
            State::Delta
        }
        (State::Charlie, Event::East(n)) => {
            figures.east = figures.east.wrapping_sub(n);
            State::Echo
        }
        (State::Charlie, Event::South(n)) => {
            figures.south = figures.south.wrapping_sub(n);
            State::Foxtrot
        }
        (State::Charlie, Event::West(n)) => {
            figures.west = figures.west.wrapping_sub(n);
            State::Golf
        }
        (State::Delta, Event::North(n)) => {
            figures.north = figures.north.rotate_left(1) ^ n;
            State::Echo
        }
        (State::Delta, Event::East(n)) => {
            figures.east = figures.east.rotate_left(1) ^ n;
            State::Foxtrot
        }
        (State::Delta, Event::South(n)) => {
            figures.south = figures.south.rotate_left(1) ^ n;
            State::Golf
        }
        (State::Delta, Event::West(n)) => {
            figures.west = figures.west.rotate_left(1) ^ n;
            State::Hotel
        }
        (State::Echo, Event::North(n)) => {
            figures.north = figures.north.wrapping_mul(n | 1);
            State::Foxtrot
        }
        (State::Echo, Event::East(n)) => {
            figures.east = figures.east.wrapping_mul(n | 1);
            State::Golf
        }
        (State::Echo, Event::South(n)) => {
            figures.south = figures.south.wrapping_mul(n | 1);
            State::Hotel
        }
        (State::Echo, Event::West(n)) => {
            figures.west = figures.west.wrapping_mul(n | 1);
            State::Alpha
        }
        (State::Foxtrot, Event::North(n)) => {
            figures.north &= !n;
            State::Golf
        }
        (State::Foxtrot, Event::East(n)) => {
            figures.east &= !n;
            State::Hotel
        }
        (State::Foxtrot, Event::South(n)) => {
            figures.south &= !n;
            State::Alpha
        }
        (State::Foxtrot, Event::West(n)) => {
            figures.west &= !n;
            State::Bravo
        }
        (State::Golf, Event::North(n)) => {
            figures.north |= n;
            State::Hotel
        }
        (State::Golf, Event::East(n)) => {
            figures.east |= n;
            State::Alpha
        }
        (State::Golf, Event::South(n)) => {
            figures.south |= n;
            State::Bravo
        }
        (State::Golf, Event::West(n)) => {
            figures.west |= n;
            State::Charlie
        }
        (State::Hotel, Event::North(n)) => {
            figures.north = figures.north.wrapping_add(3 * n);
            State::Alpha
        }
        (State::Hotel, Event::East(n)) => {
            figures.east = figures.east.wrapping_add(3 * n);
            State::Bravo
        }
        (State::Hotel, Event::South(n)) => {
            figures.south = figures.south.wrapping_add(3 * n);
            State::Charlie
        }
        (State::Hotel, Event::West(n)) => {
            figures.west = figures.west.wrapping_add(3 * n);
            State::Delta
        }
    }
}
