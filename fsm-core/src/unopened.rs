//! How much waits of what somebody has sent.

use core::cell::Cell;
use core::fmt;
use std::rc::Rc;

/// What a message that waits costs besides its bytes: its envelope, its box, their share of the queue.
pub(crate) const OVERHEAD: usize = 128;

/// The bytes of messages that came over one connection and that nobody has opened yet: queued, deferred, or kept by a handler.
///
/// Bounds are counts elsewhere; but a peer decides how large its messages are. Whoever reads a connection stops while too much
/// of it waits here. Clones count the same bytes.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Body, Message, Stop, UnopenedBytes};
/// # use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Message)]
/// struct Page(String);
///
/// let unopened = UnopenedBytes::default();
/// let body = Body::encoded_in(Page("x".repeat(1_000)).encode()?, &unopened);
/// assert!(unopened.get() > 1_000);
/// drop(body.open::<Page>());
/// assert_eq!(unopened.get(), 0);
/// # Ok::<(), statepoint::EncodeError>(())
/// ```
#[derive(Clone, Default)]
pub struct UnopenedBytes(Rc<Cell<usize>>);

impl UnopenedBytes {
    /// How many there are now, with what each message costs besides.
    pub fn get(&self) -> usize {
        self.0.get()
    }

    pub(crate) fn lease(&self, bytes: usize) -> Lease {
        self.0.set(self.0.get().saturating_add(bytes));
        Lease { bytes, of: self.clone() }
    }
}

impl fmt::Debug for UnopenedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnopenedBytes({})", self.get())
    }
}

/// The part of one message. It is given back when the message is opened or dropped.
pub(crate) struct Lease {
    bytes: usize,
    of: UnopenedBytes,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.of.0.set(self.of.0.get().saturating_sub(self.bytes));
    }
}
