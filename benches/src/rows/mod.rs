//! The rows of the table, a file for each group.

pub(crate) mod build;
pub(crate) mod dispatch;
pub(crate) mod generated;
pub(crate) mod hops;
pub(crate) mod points;
pub(crate) mod timers;
