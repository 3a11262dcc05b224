//! What statepoint is measured against, a file each.

pub(crate) mod aead;
pub(crate) mod boxed;
pub(crate) mod delay_queue;
pub(crate) mod echo;
pub(crate) mod matched;
pub(crate) mod mpsc;
pub(crate) mod noise;
pub(crate) mod statig;
pub(crate) mod stripped;
pub(crate) mod tls;
