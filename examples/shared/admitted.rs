//! What the server that asks says to those who have answered.

use statepoint::prelude::*;

/// The guest is known now.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "guests.Admitted")]
pub struct Admitted {
    pub guest: String,
    /// The first guest is number 1.
    pub number: u32,
}
