//! What statepoint is measured against, a file each.

pub(crate) mod boxed;
pub(crate) mod delay_queue;
pub(crate) mod matched;
pub(crate) mod mpsc;
pub(crate) mod statig;
pub(crate) mod stripped;
