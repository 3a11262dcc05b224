//! Machines in modules, in functions, several in one file, of paths, in macros; types by paths; nothing silenced but names.
#![deny(warnings, non_snake_case, unused)]

extern crate fsm_core as statepoint;

mod messages {
    pub mod inner {
        #[derive(Debug, statepoint::Message)]
        #[message(local)]
        pub struct Hello;
    }
}

mod outer {
    pub mod machines {
        pub struct Server;
        pub struct Client;

        #[statepoint::state_machine(INITIAL, UP)]
        impl Server {
            pub fn INITIAL_Start(&mut self, _: statepoint::Start) -> statepoint::Next<Self> {
                Self::UP
            }
            fn UP_Hello(
                &mut self,
                _: super::super::messages::inner::Hello,
                _: &mut statepoint::Context,
            ) -> statepoint::Next<Self> {
                crate::later(|| Self::INITIAL)
            }
            fn ANY_Stop(&mut self, _: statepoint::Stop) -> statepoint::Next<Self> {
                statepoint::Next::complete(statepoint::Aborted)
            }
        }

        #[statepoint::state_machine(INITIAL, UP)]
        impl Client {
            #[goes(UP)]
            fn INITIAL_Start(&mut self, _: statepoint::Start) -> statepoint::Next<Self> {
                super::elsewhere()
            }
            fn ANY_Stop(&mut self, _: statepoint::Stop) -> statepoint::Next<Self> {
                statepoint::Next::complete(statepoint::Aborted)
            }
        }
    }

    fn elsewhere() -> statepoint::Next<machines::Client> {
        machines::Client::UP
    }
}

struct ByPath;

#[statepoint::state_machine]
impl self::ByPath {
    fn ANY_Stop(&mut self, _: statepoint::Stop) -> statepoint::Next<Self> {
        statepoint::Next::complete(statepoint::Aborted)
    }
}

macro_rules! lamp {
    ($name:ident, $message:ident, $type:ty, $handler:ident) => {
        struct $name;

        #[statepoint::state_machine(OFF, ON(data = $type))]
        impl $name {
            fn OFF_Start(&mut self, _: statepoint::Start) -> statepoint::Next<Self> {
                Self::ON(<$type>::default())
            }
            fn $handler(&mut self, _: $message, count: &mut $type) -> statepoint::Next<Self> {
                *count += 1;
                Self::OFF
            }
            fn ANY_Stop(&mut self, _: statepoint::Stop) -> statepoint::Next<Self> {
                statepoint::Next::complete(statepoint::Aborted)
            }
        }
    };
}

use messages::inner::Hello;

lamp!(Lamp, Hello, u32, ON_Hello);

fn later<T>(next: impl Fn() -> T) -> T {
    next()
}

fn main() {
    use statepoint::{Harness, Message, Next, Start, Stop, state_machine};

    struct Local;

    #[derive(Message)]
    #[message(local)]
    struct Here;

    #[state_machine(A, B, C)]
    impl Local {
        fn A_Start(&mut self, _: Start) -> Next<Self> {
            if matches!(self, Local) {
                return Self::B;
            }
            Self::C
        }
        fn B_Here(&mut self, _: Here) -> Next<Self> {
            Self::A
        }
        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Next::complete(statepoint::Aborted)
        }
    }

    let mut local = Harness::new(Local);
    let _ = local.start();
    let _ = local.give(Here);
    assert_eq!(local.state(), "A");
    let mut lamp = Harness::new(Lamp);
    let _ = lamp.start();
    let _ = lamp.give(Hello);
    assert_eq!(lamp.state(), "OFF");
    let mut server = Harness::new(outer::machines::Server);
    let _ = server.start();
    let _ = server.give(Hello);
    assert_eq!(server.state(), "INITIAL");
    let mut client = Harness::new(outer::machines::Client);
    let _ = client.start();
    assert!(client.is_in(outer::machines::Client::UP));
    let _ = ByPath;
}
