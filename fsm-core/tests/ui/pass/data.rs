//! State-local data, also of a private type in a public machine and of a type with the name that the state enum would have.
#![deny(warnings, private_interfaces, private_bounds, missing_docs, missing_debug_implementations)]

extern crate fsm_core as statepoint;

/// A library.
pub mod library {
    use std::rc::Rc;

    use statepoint::{Aborted, Context, Machine, Message, Next, Start, Stop, Unknown, state_machine};

    /// Dials.
    #[derive(Debug, Message)]
    #[message(local)]
    pub struct Dial(
        /// How often.
        pub u32,
    );

    struct ServerState {
        count: u32,
        dropped: Rc<()>,
    }

    /// Public, with data that is not.
    #[derive(Debug, Default)]
    pub struct Server {
        /// One more for each call.
        pub calls: Rc<()>,
        /// What happened.
        pub told: Vec<String>,
    }

    #[state_machine(INITIAL, CALLING(data = ServerState))]
    impl Server {
        fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
            Next::STAY
        }
        fn INITIAL_Dial(&mut self, Dial(count): Dial) -> Next<Self> {
            Self::CALLING(ServerState { count, dropped: self.calls.clone() })
        }
        fn CALLING_Dial(&mut self, dial: Dial, data: &mut ServerState, _: &mut Context) -> Next<Self> {
            data.count += dial.0;
            match dial.0 {
                0 => Self::INITIAL,
                1 => Self::CALLING(ServerState { count: 1, dropped: data.dropped.clone() }),
                _ => Next::STAY,
            }
        }
        fn CALLING_Unknown(&mut self, _: Unknown, data: &mut ServerState) -> Next<Self> {
            self.told.push(format!("unknown {}", data.count));
            Next::STAY
        }
        fn CALLING_Enter(&mut self, data: &mut ServerState) {
            self.told.push(format!("enter {}", data.count));
        }
        fn CALLING_Exit(&mut self, data: &mut ServerState, _: &mut Context) {
            self.told.push(format!("exit {}", data.count));
        }
        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Aborted)
        }
    }
}

use library::{Dial, Server};
use statepoint::{Harness, Timeout};
use std::rc::Rc;

fn main() {
    let mut test = Harness::new(Server::default());
    let _ = test.start();
    for count in [5, 2, 1] {
        let _ = test.give(Dial(count));
    }
    let _ = test.give(Timeout);
    assert_eq!(Rc::strong_count(&test.machine().calls), 2);
    let _ = test.give(Dial(0));
    assert_eq!(test.machine().told, ["enter 5", "exit 8", "enter 1", "unknown 1", "exit 1"]);
    assert_eq!(Rc::strong_count(&test.machine().calls), 1, "leaving drops the data");
    assert_eq!(test.state(), "INITIAL");
}
