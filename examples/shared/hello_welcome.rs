//! The messages that all the example programs exchange.

use std::fmt;

use statepoint::prelude::*;

/// A client says who it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Hello")]
pub struct Hello {
    pub my_name: String,
}

/// The server answers, and says who it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Welcome")]
pub struct Welcome {
    pub your_name: String,
    pub my_name: String,
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hello \"{}\", my name is \"{}\"", self.your_name, self.my_name)
    }
}
