//! Names of messages, former names, faults, `Select`.
#![deny(warnings, missing_docs)]

extern crate fsm_core as statepoint;

use std::fmt;

use serde::{Deserialize, Serialize};
use statepoint::{Body, FaultMessage, Message, Select, Start, Stop, message_id};

/// A module.
pub mod wire {
    use super::*;

    /// Named by its place.
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    pub struct Hello {
        /// Whose.
        pub my_name: String,
    }

    /// Named by hand.
    #[derive(Debug, Serialize, Deserialize, Message)]
    #[message(name = "hello_welcome.Welcome", also = "old.Welcome", also = "older.Welcome")]
    pub enum Welcome {
        /// One.
        One,
        /// Two.
        Two(u32),
    }
}

/// A fault without serde.
#[derive(Debug, Message)]
#[message(local, fault)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

#[derive(Select)]
#[select(defer(Failed, wire::Hello))]
enum News {
    Welcome(wire::Welcome),
    Ended(Stop),
}

fn fault<T: FaultMessage>(message: &T) -> Option<String> {
    message.fault()
}

fn main() {
    use wire::{Hello, Welcome};

    assert_eq!(Hello::NAME, "wire.Hello");
    assert_eq!(Hello::ID, message_id("wire.Hello"));
    assert_eq!(Failed::NAME, "Failed");
    assert_eq!(Welcome::NAME, "hello_welcome.Welcome");
    assert_eq!(Welcome::ALSO, [message_id("old.Welcome"), message_id("older.Welcome")]);
    assert_eq!((Hello::LOCAL, Failed::LOCAL), (false, true));
    assert_eq!((fault(&Failed).as_deref(), Hello { my_name: String::new() }.fault()), (Some("failed"), None));

    let hello = Hello { my_name: "Gladys".into() };
    let encoded = hello.encode().unwrap();
    assert_eq!(Hello::decode(encoded).unwrap(), hello);
    assert!(Failed.encode().is_err());

    assert_eq!(News::NAMES, ["hello_welcome.Welcome", "statepoint.Stop"]);
    const { assert!(News::LISTS_STOP) };
    for (id, accepted, deferred) in [
        (Welcome::ID, true, false),
        (message_id("older.Welcome"), true, false),
        (Stop::ID, true, false),
        (Failed::ID, false, true),
        (Hello::ID, false, true),
        (Start::ID, false, false),
    ] {
        assert_eq!((News::accepts(id), News::defers(id)), (accepted, deferred));
    }
    assert!(matches!(News::take(Body::new(Stop)), Ok(News::Ended(Stop))));
    assert!(matches!(News::take(Body::new(Welcome::Two(2))), Ok(News::Welcome(Welcome::Two(2)))));
    let _ = Welcome::One;
}
