//! The operations of a point: the same words in machines and in routines.

use core::fmt;
use core::time::Duration;

use crate::address::Address;
use crate::body::{Body, IntoBody};
use crate::context::Context;
use crate::counters::Counters;
use crate::head::NIL;
use crate::lifecycle::Stop;
use crate::message::Message;
use crate::moment::Moment;
use crate::point::IntoPoint;
use crate::timers::Charge;
use crate::trace::{Level, What};
use crate::unknown::Unknown;

/// What a point can do while it handles a message.
///
/// Two required methods, one to act and one to look; [`Context`] (the `cx` of a machine's handler) and [`Routine`](crate::Routine) (the `cx` of a
/// routine) implement it, so both speak the same words. Import it with the prelude.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use core::time::Duration;
/// use statepoint::{Aborted, Address, Context, Timeout, Vocabulary};
///
/// fn hand_over(cx: &mut Context, successor: Address) {
///     cx.send(successor, Aborted);
///     cx.start(Duration::from_secs(1), Timeout);
///     cx.stop(successor);
/// }
/// ```
pub trait Vocabulary {
    /// Gives the context to `work`.
    fn with<R>(&mut self, work: impl FnOnce(&mut Context) -> R) -> R;

    /// Shows the context to `work`. Apart from `with`, so that `cx.send(to, Here { at: cx.me() })` is no borrow twice.
    fn view<R>(&self, work: impl FnOnce(&Context) -> R) -> R;

    /// Sends a message. It arrives at most once, and in the order in which this point sent to that one.
    #[inline]
    fn send(&mut self, to: Address, message: impl IntoBody) {
        self.with(|cx| cx.post_own(to, message.into_body()));
    }

    /// Sends a message to whoever sent the message at hand.
    #[inline]
    fn reply(&mut self, message: impl IntoBody) {
        self.with(|cx| cx.post_own(cx.from, message.into_body()));
    }

    /// Passes a message on: whoever gets it sees the sender of the message at hand, and replies there.
    fn forward(&mut self, to: Address, message: impl IntoBody) {
        self.with(|cx| cx.post(to, cx.from, message.into_body()));
    }

    /// Passes on an unknown message that was kept: its own sender stays its sender, whoever sent the message at hand.
    fn pass_on(&mut self, to: Address, unknown: Unknown) {
        let from = unknown.from();
        self.with(|cx| cx.post(to, from, unknown.into()));
    }

    /// A random number from the kernel's seed: with the same seed and the same messages the same number.
    ///
    /// For jitter and the like. It is no secret: keys come from elsewhere.
    fn random(&mut self) -> u64 {
        self.with(Context::next_random)
    }

    /// The address of this point.
    #[inline]
    fn me(&self) -> Address {
        self.view(|cx| cx.me)
    }

    /// Who sent the message at hand.
    #[inline]
    fn from(&self) -> Address {
        self.view(|cx| cx.from)
    }

    /// Who created this point; [`Address::NONE`] for a root point.
    fn parent(&self) -> Address {
        self.view(|cx| match cx.parent_slot() {
            NIL => Address::NONE,
            parent => cx.address(parent),
        })
    }

    /// Kernel time. It stands still while a message is handled.
    fn now(&self) -> Moment {
        self.view(|cx| cx.now)
    }

    /// What has happened in the kernel so far, this message not included.
    fn counters(&self) -> Counters {
        self.view(|cx| cx.counters.clone())
    }

    /// Creates a child: a machine, or a [`routine`](crate::routine). Its address is valid at once.
    ///
    /// The child gets `Start` first. When it and everything below it have ended this point gets `Completed`.
    ///
    /// When the kernel has as many points as [`Limits::points`](crate::Limits::points) allows, nothing is created and
    /// the address is [`Address::NONE`].
    fn create(&mut self, point: impl IntoPoint) -> Address {
        self.with(|cx| cx.birth(point.into_point(), cx.me.slot(), false))
    }

    /// Creates a child whose `Completed` this point does not get. It still ends before this point does.
    fn create_quiet(&mut self, point: impl IntoPoint) -> Address {
        self.with(|cx| cx.birth(point.into_point(), cx.me.slot(), true))
    }

    /// Creates a quiet child of this point's own parent: a sibling, which outlives this point.
    fn create_beside(&mut self, point: impl IntoPoint) -> Address {
        self.with(|cx| cx.birth(point.into_point(), cx.parent_slot(), true))
    }

    /// Asks a point to end: sends it `Stop`.
    fn stop(&mut self, point: Address) {
        self.send(point, Stop);
    }

    /// Starts a timer: after `after` this point gets `timer`, from itself.
    ///
    /// A point has one timer for each type of message. Starting it again, due or not, starts it anew. A timer ends with
    /// its point. Deadlines are rounded up to a millisecond.
    fn start<T: Message>(&mut self, after: Duration, timer: T) {
        self.with(|cx| cx.start_timer(T::ID, T::NAME, after, Charge::Once(Body::new(timer))));
    }

    /// Starts a timer that goes on: this point gets `timer` every `period`. Periods that passed while the point was busy
    /// become one. A period below a millisecond is a millisecond.
    fn repeat<T: Message + Clone>(&mut self, period: Duration, timer: T) {
        let period = period.max(Duration::from_millis(1));
        self.with(|cx| {
            let again = Box::new(move || Body::new(timer.clone()));
            cx.start_timer(T::ID, T::NAME, period, Charge::Repeat { period, again });
        });
    }

    /// Cancels a timer. It is not delivered any more, even when it is due already; whether there was one to cancel.
    fn cancel<T: Message>(&mut self) -> bool {
        self.with(|cx| cx.cancel_timer(T::ID, T::NAME))
    }

    /// Tells the user of the program something, by the trace.
    fn console(&mut self, text: impl fmt::Display) {
        self.log(Level::Console, text);
    }

    /// Writes to the trace. The text is made only when somebody listens.
    fn log(&mut self, level: Level, text: impl fmt::Display) {
        self.with(|cx| {
            if cx.notes.is_none() && !cx.wants(level) {
                return;
            }
            let text = text.to_string();
            cx.trace(cx.me, || What::Said { level, text: &text });
            if let Some(notes) = &mut cx.notes {
                notes.said.push(text);
            }
        });
    }
}

impl Vocabulary for Context {
    #[inline]
    fn with<R>(&mut self, work: impl FnOnce(&mut Context) -> R) -> R {
        work(self)
    }

    #[inline]
    fn view<R>(&self, work: impl FnOnce(&Context) -> R) -> R {
        work(self)
    }
}
