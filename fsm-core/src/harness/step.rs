//! What one step of a test did.

use core::any::Any;
use core::fmt;
use core::time::Duration;

use crate::address::Address;
use crate::body::Body;
use crate::codec::Refused;
use crate::context::Notes;
use crate::counters::Undelivered;
use crate::live::Live;
use crate::machine::Machine;
use crate::message::Message;
use crate::point::Point;
use crate::value::Value;

/// All that a machine did with what it was handed. See [`Harness`](crate::Harness).
#[must_use = "a step tells what the machine did; look at it, or bind it to `_`"]
#[derive(Default)]
pub struct Step {
    pub(super) sent: Vec<Sent>,
    pub(super) created: Vec<(Address, Box<dyn Point>)>,
    pub(super) notes: Notes,
    pub(super) next: &'static str,
    pub(super) moved: bool,
    pub(super) deferred: bool,
    pub(super) completed: Option<Value>,
}

/// A message that the machine sent or forwarded.
pub(super) struct Sent {
    pub(super) to: Address,
    pub(super) from: Address,
    pub(super) body: Body,
}

impl Step {
    /// The messages of type `T` that it sent, to whomever.
    pub fn sent<T: Message>(&self) -> Vec<&T> {
        self.sent.iter().filter_map(|sent| sent.body.peek()).collect()
    }

    /// The messages of type `T` that it sent to `to`.
    pub fn sent_to<T: Message>(&self, to: Address) -> Vec<&T> {
        self.sent.iter().filter(|sent| sent.to == to).filter_map(|sent| sent.body.peek()).collect()
    }

    /// The names of all messages that it sent, without their module paths.
    pub fn sent_names(&self) -> Vec<&str> {
        self.sent.iter().map(|sent| sent.body.short_name()).collect()
    }

    /// Whether it passed a `T` on to `to`, with `from` as its sender.
    pub fn forwarded<T: Message>(&self, to: Address, from: Address) -> bool {
        self.sent.iter().any(|sent| sent.to == to && sent.from == from && sent.body.is::<T>())
    }

    /// The machines of type `M` that it created.
    pub fn created<M: Machine>(&self) -> Vec<&M> {
        let points = self.created.iter().map(|(_, point)| &**point as &dyn Any);
        points.filter_map(|point| point.downcast_ref::<Live<M>>()).map(|live| &live.machine).collect()
    }

    /// The addresses of all points that it created.
    pub fn children(&self) -> Vec<Address> {
        self.created.iter().map(|(address, _)| *address).collect()
    }

    /// How long the timer `T` runs that it started last.
    pub fn started<T: Message>(&self) -> Option<Duration> {
        self.notes.started.iter().rev().find(|(id, ..)| *id == T::ID).map(|(.., after)| *after)
    }

    /// Whether it cancelled the timer `T`, and the timer ran.
    pub fn cancelled<T: Message>(&self) -> bool {
        self.notes.cancelled.contains(&T::ID)
    }

    /// The name of its state now.
    pub fn next(&self) -> &'static str {
        self.next
    }

    /// Whether it changed its state.
    pub fn moved(&self) -> bool {
        self.moved
    }

    /// Whether it deferred the message.
    pub fn deferred(&self) -> bool {
        self.deferred
    }

    /// What it completed with, when it ended with a `T`.
    pub fn completed<T: Message>(&self) -> Option<&T> {
        self.completed.as_ref()?.peek()
    }

    /// What it completed with, when it ended.
    pub fn value(&self) -> Option<&Value> {
        self.completed.as_ref()
    }

    /// The names of the messages for which its state had no cell.
    pub fn unknown(&self) -> &[String] {
        &self.notes.unknown
    }

    /// Why bodies did not fit the messages that should take them.
    pub fn refused(&self) -> &[Refused] {
        &self.notes.refused
    }

    /// The names of messages that it sent to nobody, as to `Address::NONE` or to a point that has gone, and why they were lost.
    pub fn lost(&self) -> &[(String, Undelivered)] {
        &self.notes.lost
    }

    /// What it wrote to the trace.
    pub fn said(&self) -> &[String] {
        &self.notes.said
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent: Vec<_> = self.sent.iter().map(|sent| format!("{:?} to {}", sent.body, sent.to)).collect();
        let created: Vec<_> =
            self.created.iter().map(|(address, point)| format!("{} {address}", point.look().name)).collect();
        f.debug_struct("Step")
            .field("next", &self.next)
            .field("sent", &sent)
            .field("created", &created)
            .field("started", &self.notes.started)
            .field("cancelled", &self.notes.cancelled)
            .field("deferred", &self.deferred)
            .field("unknown", &self.notes.unknown)
            .field("refused", &self.notes.refused)
            .field("lost", &self.notes.lost)
            .field("completed", &self.completed)
            .finish()
    }
}
