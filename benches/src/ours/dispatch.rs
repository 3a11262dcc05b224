//! The machine of `dispatch`, driven through its table as the kernel does it, with a body for each event and without a
//! queue. A context exists in handlers only, so all happens in a handler of another machine.

use std::rc::Rc;

use statepoint::{Aborted, Body, Cell, Context, Kernel, Limits, Machine, Message, Next, Start, Stop, state_machine};

use crate::rows::dispatch::{Event, Figures};

#[derive(Message)]
#[message(local)]
struct North(u64);

#[derive(Message)]
#[message(local)]
struct East(u64);

#[derive(Message)]
#[message(local)]
struct South(u64);

#[derive(Message)]
#[message(local)]
struct West(u64);

#[derive(Default)]
struct Compass {
    figures: Figures,
}

#[state_machine(ALPHA, BRAVO, CHARLIE, DELTA, ECHO, FOXTROT, GOLF, HOTEL)]
impl Compass {
    fn ALPHA_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north = self.figures.north.wrapping_add(n);
        Self::BRAVO
    }
    fn ALPHA_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east = self.figures.east.wrapping_add(n);
        Self::CHARLIE
    }
    fn ALPHA_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south = self.figures.south.wrapping_add(n);
        Self::DELTA
    }
    fn ALPHA_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west = self.figures.west.wrapping_add(n);
        Self::ECHO
    }
    fn BRAVO_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north ^= n;
        Self::CHARLIE
    }
    fn BRAVO_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east ^= n;
        Self::DELTA
    }
    fn BRAVO_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south ^= n;
        Self::ECHO
    }
    fn BRAVO_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west ^= n;
        Self::FOXTROT
    }
    fn CHARLIE_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north = self.figures.north.wrapping_sub(n);
        Self::DELTA
    }
    fn CHARLIE_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east = self.figures.east.wrapping_sub(n);
        Self::ECHO
    }
    fn CHARLIE_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south = self.figures.south.wrapping_sub(n);
        Self::FOXTROT
    }
    fn CHARLIE_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west = self.figures.west.wrapping_sub(n);
        Self::GOLF
    }
    fn DELTA_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north = self.figures.north.rotate_left(1) ^ n;
        Self::ECHO
    }
    fn DELTA_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east = self.figures.east.rotate_left(1) ^ n;
        Self::FOXTROT
    }
    fn DELTA_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south = self.figures.south.rotate_left(1) ^ n;
        Self::GOLF
    }
    fn DELTA_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west = self.figures.west.rotate_left(1) ^ n;
        Self::HOTEL
    }
    fn ECHO_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north = self.figures.north.wrapping_mul(n | 1);
        Self::FOXTROT
    }
    fn ECHO_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east = self.figures.east.wrapping_mul(n | 1);
        Self::GOLF
    }
    fn ECHO_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south = self.figures.south.wrapping_mul(n | 1);
        Self::HOTEL
    }
    fn ECHO_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west = self.figures.west.wrapping_mul(n | 1);
        Self::ALPHA
    }
    fn FOXTROT_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north &= !n;
        Self::GOLF
    }
    fn FOXTROT_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east &= !n;
        Self::HOTEL
    }
    fn FOXTROT_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south &= !n;
        Self::ALPHA
    }
    fn FOXTROT_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west &= !n;
        Self::BRAVO
    }
    fn GOLF_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north |= n;
        Self::HOTEL
    }
    fn GOLF_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east |= n;
        Self::ALPHA
    }
    fn GOLF_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south |= n;
        Self::BRAVO
    }
    fn GOLF_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west |= n;
        Self::CHARLIE
    }
    fn HOTEL_North(&mut self, North(n): North) -> Next<Self> {
        self.figures.north = self.figures.north.wrapping_add(3 * n);
        Self::ALPHA
    }
    fn HOTEL_East(&mut self, East(n): East) -> Next<Self> {
        self.figures.east = self.figures.east.wrapping_add(3 * n);
        Self::BRAVO
    }
    fn HOTEL_South(&mut self, South(n): South) -> Next<Self> {
        self.figures.south = self.figures.south.wrapping_add(3 * n);
        Self::CHARLIE
    }
    fn HOTEL_West(&mut self, West(n): West) -> Next<Self> {
        self.figures.west = self.figures.west.wrapping_add(3 * n);
        Self::DELTA
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

impl Compass {
    fn handle(&mut self, state: &mut <Self as Machine>::State, event: Event, cx: &mut Context) {
        let body = match event {
            Event::North(n) => Body::new(North(n)),
            Event::East(n) => Body::new(East(n)),
            Event::South(n) => Body::new(South(n)),
            Event::West(n) => Body::new(West(n)),
        };
        let cells = Self::TABLE.cells[Self::index(state)];
        let Some(Cell::Call(handler)) = Self::column(body.id()).map(|column| &cells[column]) else {
            return;
        };
        if let Next::Go(next) = handler(self, state, body, cx) {
            *state = next;
        }
    }
}

/// Runs the events through a machine and ends with what it has computed.
struct Driver {
    events: Rc<[Event]>,
}

#[state_machine(INITIAL)]
impl Driver {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let mut compass = Compass::default();
        let mut state = Compass::first();
        for event in self.events.iter() {
            compass.handle(&mut state, *event, cx);
        }
        Self::complete(Finished(compass.figures))
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

#[derive(Debug, Message)]
#[message(local)]
struct Finished(Figures);

/// Runs the events through the machine and returns what it has computed.
pub(crate) fn run(events: &Rc<[Event]>) -> Figures {
    let mut kernel = Kernel::new(Limits::default());
    kernel.create(Driver { events: Rc::clone(events) });
    kernel.run(usize::MAX);
    let finished = kernel.take_result().and_then(|(_, value)| value.take::<Finished>().ok());
    finished.expect("the driver has run").0
}
