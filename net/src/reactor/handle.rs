//! The way into a reactor from other threads.

use core::fmt;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fsm_core::{Address, Kernel, Message};

/// Messages that wait to be taken by the reactor at the most.
const BOUND: usize = 65_536;
/// Messages that the reactor takes in one turn at the most.
const TAKEN: usize = 4_096;

type Delivery = Box<dyn FnOnce(&mut Kernel) + Send>;

/// Sends messages into a reactor from any thread. Clones lead to the same reactor.
///
/// ```
/// use statepoint::{Address, Limits, NetSettings, Routine, Stop, reactor::Reactor, routine};
///
/// let mut reactor = Reactor::new(Limits::default(), NetSettings::default())?;
/// let main = reactor.create(routine(async |cx: &mut Routine| cx.select::<statepoint::Aborted>().await));
/// let handle = reactor.handle();
/// std::thread::spawn(move || handle.send(main, Stop));
/// assert!(reactor.run(main)?.is::<statepoint::Aborted>());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Handle {
    inbox: Arc<Inbox>,
}

impl Handle {
    pub(super) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox }
    }

    /// Sends a message to a point of the reactor, without a sender.
    ///
    /// When the reactor is gone the message goes nowhere, as one to a point that has ended does.
    ///
    /// # Errors
    ///
    /// [`InboxFull`]: the reactor has not kept up with what other threads send.
    pub fn send<T: Message + Send>(&self, to: Address, message: T) -> Result<(), InboxFull> {
        self.inbox.push(Box::new(move |kernel| kernel.send(to, Address::NONE, message)))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// The reactor has not kept up with what other threads send: the message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxFull;

impl fmt::Display for InboxFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected fewer than {BOUND} messages to wait for the reactor; send more slowly")
    }
}

impl core::error::Error for InboxFull {}

pub(super) struct Inbox {
    queue: Mutex<VecDeque<Delivery>>,
    /// Somebody has woken the reactor since it last looked, so nobody else need.
    is_woken: AtomicBool,
    waker: mio::Waker,
}

impl Inbox {
    pub(super) fn new(waker: mio::Waker) -> Self {
        Self { queue: Mutex::new(VecDeque::new()), is_woken: AtomicBool::new(false), waker }
    }

    fn push(&self, delivery: Delivery) -> Result<(), InboxFull> {
        // The queue is whole also after a panic of another thread: nothing panics while it is locked.
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= BOUND {
            return Err(InboxFull);
        }
        queue.push_back(delivery);
        drop(queue);
        self.wake();
        Ok(())
    }

    /// Makes the reactor look into its inbox.
    pub(super) fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            let woken: io::Result<()> = self.waker.wake();
            // The next message tries again. It fails only when the reactor is gone.
            if woken.is_err() {
                self.is_woken.store(false, Ordering::Release);
            }
        }
    }

    pub(super) fn woken(&self) {
        self.is_woken.store(false, Ordering::Release);
    }

    /// Gives the kernel what has come.
    pub(super) fn deliver(&self, kernel: &mut Kernel) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.is_empty() {
            return;
        }
        let rest = if queue.len() > TAKEN { queue.split_off(TAKEN) } else { VecDeque::new() };
        let taken = core::mem::replace(&mut *queue, rest);
        let is_more = !queue.is_empty();
        drop(queue);
        for delivery in taken {
            delivery(kernel);
        }
        if is_more {
            self.wake();
        }
    }
}
