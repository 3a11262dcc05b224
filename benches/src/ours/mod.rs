//! statepoint's side of the rows, written as a user writes it.

pub(crate) mod dispatch;
pub(crate) mod hops;
pub(crate) mod points;
pub(crate) mod timers;
