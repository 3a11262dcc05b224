//! statepoint's side of the rows, written as a user writes it.

pub(crate) mod dispatch;
pub(crate) mod frames;
pub(crate) mod half_open;
pub(crate) mod hops;
pub(crate) mod pending;
pub(crate) mod points;
pub(crate) mod requests;
pub(crate) mod timers;
