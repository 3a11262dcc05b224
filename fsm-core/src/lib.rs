//! The deterministic heart of statepoint: machines, routines, and the kernel that drives them.
//!
//! Nothing here knows a socket, a clock, a thread, a file or the environment. Time is an argument. The same inputs give the
//! same outputs and the same trace.
//!
//! | look into | for |
//! |---|---|
//! | [`Message`], [`Body`], [`Encoded`], [`Value`] | what is sent |
//! | [`Address`] | to whom |
//! | [`Graph`], [`Node`] | values that refer to each other, in messages |
//! | [`Machine`], [`Next`], [`Shape`] | points written as finite-state machines |
//! | [`routine`], [`Routine`], [`Select`] | points written as `async fn` |
//! | [`Concurrently`], [`Sequentially`], [`GetResponse`] | points made of points |
//! | [`Context`], [`Vocabulary`] | what a handler can do |
//! | [`Kernel`], [`Limits`], [`Counters`] | what drives points |
//! | [`Harness`], [`Coverage`] | testing a machine without a runtime |
//! | [`Sink`], [`Event`], [`TextTrace`] | the trace |
//!
//! Programs use it through the package `statepoint`, which adds the network.
#![forbid(unsafe_code)]
#![deny(unreachable_pub)]

// Generated code names the core `::statepoint`, as users do.
extern crate self as statepoint;

mod address;
mod announced;
mod body;
mod codec;
mod columns;
mod compose;
mod context;
mod counters;
mod coverage;
mod diagram;
mod envelope;
mod extension;
mod graph;
mod harness;
mod head;
mod kernel;
mod lifecycle;
mod limits;
mod live;
mod machine;
mod message;
mod moment;
mod name;
mod point;
mod render;
mod routine;
mod shape;
mod timers;
mod trace;
mod unknown;
mod unopened;
mod value;
mod vocabulary;

pub use address::Address;
pub use body::{Body, IntoBody};
pub use codec::{EncodeError, Encoded, MAX_DEPTH, Refused};
pub use compose::{
    Ack, Concurrently, ConnectionLost, FromValue, GetResponse, OutOfService, Overloaded, Ping, Sequentially,
    TemporarilyUnavailable, Values,
};
pub use context::Context;
pub use counters::{Counters, Undelivered};
pub use coverage::Coverage;
pub use fsm_macros::{Message, Select, state_machine};
pub use graph::{Graph, Node};
pub use harness::{Harness, RoutineHarness, Step};
pub use kernel::{Kernel, Outbound};
pub use lifecycle::{
    Aborted, Completed, Done, Faulted, ForeignAwait, Overflow, Panicked, Pause, Resume, Start, Stop, TimedOut, Timeout,
};
pub use limits::Limits;
pub use machine::{Cell, Handler, Machine, Next, Otherwise, Table};
pub use message::{FaultMessage, Message};
pub use moment::Moment;
pub use name::{MessageId, Name, message_id};
pub use point::{Create, IntoPoint, NewPoint};
pub use routine::{NewRoutine, Outcome, Routine, Select, routine};
pub use shape::{CellShape, HandlerShape, Shape, StateShape};
pub use trace::{Event, Level, NoSuchLevel, Sink, TextTrace, TraceHash, What};
pub use unknown::Unknown;
pub use unopened::UnopenedBytes;
pub use value::{Fault, IntoValue, Value};
pub use vocabulary::Vocabulary;

/// What generated code calls.
#[doc(hidden)]
pub mod macros {
    pub use crate::codec::{decode, decode_local, encode, encode_local};
    pub use crate::columns::{Columns, former};
    pub use crate::name::{name_bytes, name_length, name_text};
    pub use crate::{
        Body, Cell, CellShape, Context, EncodeError, Encoded, FaultMessage, HandlerShape, Machine, Message, MessageId,
        Next, Refused, Select, Shape, StateShape, Stop, Table, Unknown, message_id,
    };
}
