//! Compositions: points made of points.
//!
//! | file | what it is |
//! |---|---|
//! | `concurrently.rs`, `sequentially.rs` | machines that create several points and complete with their values |
//! | `steps.rs` | the books that these two keep |
//! | `get_response.rs` | a machine that asks and completes with the answer |
//! | `from_value.rs` | values of unknown type as the types that the user names |
//! | `tuples.rs` | points of different types, given as a tuple |
//! | `messages.rs` | what those who ask and those who serve say to each other |
//!
//! Machines create them; routines have a word for each: `run`, `request`, `concurrently`, `sequentially`.

mod concurrently;
mod from_value;
mod get_response;
mod messages;
mod sequentially;
mod steps;
mod tuples;

pub use concurrently::Concurrently;
pub use from_value::FromValue;
pub use get_response::GetResponse;
pub(crate) use get_response::{Answer, Returned, Unanswerable};
pub use messages::{Ack, ConnectionLost, OutOfService, Overloaded, Ping, TemporarilyUnavailable, Values};
pub use sequentially::Sequentially;
