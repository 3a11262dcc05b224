//! What the programs with several conversations say to each other, besides hello and welcome.

use statepoint::prelude::*;

use crate::hello_welcome::Hello;

/// A client has callers, and each of them wants somebody of its own to talk with.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "conversation.Begin")]
pub struct Begin {
    pub hello: Hello,
    /// Where the callers are: whoever gets this can speak to them.
    pub callers: Vec<Address>,
}

/// What a caller says when it has been welcomed.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "conversation.Line")]
pub enum Line {
    Again,
    Goodbye,
}
