//! A generic machine: type and const parameters, a where clause, data that uses some of them. That its parameters
//! are `'static`, as every machine is, need not be said.
#![deny(warnings, missing_debug_implementations, missing_docs, unreachable_pub)]

extern crate fsm_core as statepoint;

use std::fmt::Debug;
use std::time::Duration;

use statepoint::{Aborted, Context, Harness, Machine, Message, Next, Start, Stop, TimedOut, Timeout, state_machine};

/// What a server is generic over.
pub trait Name: 'static {
    /// Its name.
    const NAME: &'static str;
    /// How long it waits.
    const PATIENCE: Duration;
}

/// The data of a state.
#[derive(Debug)]
pub struct Dial<T> {
    /// What was dialled.
    pub number: T,
}

/// What is dialled.
#[derive(Debug, Message)]
#[message(local)]
pub struct Number(pub u32);

/// The machine.
#[derive(Debug)]
pub struct Server<N: Name, T, U: ?Sized, const LINES: usize> {
    lines: [Option<T>; LINES],
    name: std::marker::PhantomData<(N, Box<U>)>,
}

#[state_machine(
    INITIAL,
    PENDING(timeout = N::PATIENCE),
    CONNECTED(data = Dial<T>, timeout = Self::LIMIT),
    HANDED_OVER(data = Option<Box<Self>>),
)]
impl<N: Name, T, U: ?Sized, const LINES: usize> Server<N, T, U, LINES>
where
    T: Copy + Debug + From<u32>,
{
    /// A limit of its own.
    pub const LIMIT: Duration = Duration::from_millis(1500);

    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PENDING
    }
    fn PENDING_Number(&mut self, Number(number): Number) -> Next<Self> {
        Server::<N, T, U, LINES>::CONNECTED(Dial { number: number.into() })
    }
    fn CONNECTED_Number(&mut self, _: Number, dial: &mut Dial<T>) -> Next<Self> {
        self.keep(0, dial.number);
        Self::HANDED_OVER(None)
    }
    fn ANY_Timeout(&mut self, _: Timeout, _: &mut Context) -> Next<Self> {
        Self::complete(TimedOut { waiting_for: N::NAME.into(), limit: Self::LIMIT })
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn keep(&mut self, line: usize, number: T) {
        self.lines[line] = Some(number);
    }
}

/// A name.
#[derive(Debug)]
pub struct Buster;

impl Name for Buster {
    const NAME: &'static str = "Buster";
    const PATIENCE: Duration = Duration::from_secs(5);
}

/// Generic in ways that its data does not show.
#[derive(Debug)]
pub struct Plain<T>(T);

#[state_machine]
impl<T> Plain<T> {
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {
    type Concrete = Server<Buster, u64, str, 3>;
    let mut test = Harness::new(Concrete { lines: [None; 3], name: std::marker::PhantomData });
    let _ = test.start();
    let _ = test.give(Number(7));
    let _ = test.give(Number(8));
    assert_eq!((test.state(), test.machine().lines), ("HANDED_OVER", [Some(7), None, None]));
    let timeouts = Concrete::TABLE.timeouts;
    assert_eq!(timeouts, [None, Some(Duration::from_secs(5)), Some(Duration::from_millis(1500)), None]);
    let states = Concrete::TABLE.shape.states;
    assert_eq!((states[1].timeout, states[2].data), (Some("N::PATIENCE"), Some("Dial<T>")));
    // The variant that only mentions the parameters takes no room.
    assert_eq!(size_of::<<Concrete as Machine>::State>(), 16);
    let _ = Plain(1_u8);
}
