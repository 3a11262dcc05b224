//! How often something was tried, and when to try it again: what `connect.rs` and `listen.rs` share.

use core::fmt::{self, Display};
use core::net::SocketAddr;
use core::time::Duration;

use fsm_core::{Context, Level, Message, Vocabulary};

use super::messages::Exhausted;
use super::retry::Retry;

/// How long to wait at least when the answer will be the same until somebody has changed the server's settings.
pub(super) const REFUSED: Duration = Duration::from_secs(60);

/// It is time for the next attempt.
#[derive(Debug, Message)]
#[message(name = "statepoint.group.Glare", local)]
pub(super) struct Glare;

/// The attempts since the last success that was stable.
#[derive(Debug, Clone)]
pub(super) struct Attempts {
    pub(super) retry: Retry,
    failed: u32,
    waits: u32,
    /// Where the other end was when that was last known: it decides how long to wait.
    there: Option<SocketAddr>,
    last: Last,
}

/// What the last attempt failed with, and whether that was told. It decides nothing but what is told, so `Debug` leaves it out:
/// two machines that are shown alike go on alike.
#[derive(Clone, Default)]
struct Last {
    fault: String,
    is_told: bool,
}

impl fmt::Debug for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Last").finish_non_exhaustive()
    }
}

impl Attempts {
    pub(super) fn new(retry: Retry, there: Option<SocketAddr>) -> Self {
        Self { retry, failed: 0, waits: 0, there, last: Last::default() }
    }

    /// Says in the trace why it has to wait, or that it gives up: a server that is away for days is worth one line.
    pub(super) fn tell(&mut self, waited: &Result<Duration, Exhausted>, cx: &mut Context) {
        match waited {
            Ok(delay) if !core::mem::replace(&mut self.last.is_told, true) => {
                let delay = Duration::from_millis(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
                cx.log(Level::Warning, format_args!("{}; trying again in {delay:?}", self.last.fault));
            }
            Ok(_) => {}
            Err(exhausted) => cx.log(Level::Warning, exhausted),
        }
    }

    /// That the other end has closed in order is worth no line, unless it does so again and again.
    pub(super) fn excuse(&mut self, is_goodbye: bool) {
        if is_goodbye && self.failed <= 1 {
            self.last = Last { fault: String::new(), is_told: true };
        }
    }

    fn note(&mut self, fault: &impl Display) {
        let fault = fault.to_string();
        if self.last.fault != fault {
            self.last = Last { fault, is_told: false };
        }
    }

    /// The attempt has failed. How long to wait before the next one.
    pub(super) fn failed(
        &mut self,
        there: Option<SocketAddr>,
        fault: &impl Display,
        random: u64,
    ) -> Result<Duration, Exhausted> {
        self.failed = self.failed.saturating_add(1);
        self.note(fault);
        if self.retry.is_spent(self.failed) {
            return Err(Exhausted { attempts: self.failed, last: self.last.fault.clone() });
        }
        Ok(self.wait(there, random))
    }

    /// What the attempt has given is lost again. If it did not last, the attempt counts as failed.
    pub(super) fn lost(
        &mut self,
        lasted: Duration,
        there: Option<SocketAddr>,
        fault: &impl Display,
        random: u64,
    ) -> Result<Duration, Exhausted> {
        if !self.retry.is_stable(lasted) {
            return self.failed(there, fault, random);
        }
        (self.failed, self.waits, self.last) = (0, 0, Last::default());
        self.note(fault);
        Ok(self.wait(there, random))
    }

    fn wait(&mut self, there: Option<SocketAddr>, random: u64) -> Duration {
        self.there = there.or(self.there);
        self.waits = self.waits.saturating_add(1);
        self.retry.delay(self.waits, self.there, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn attempts() -> Attempts {
        let steps = [1, 2, 3].map(|tenths| SECOND * tenths / 10);
        Attempts::new(Retry::steps(steps, SECOND).attempts(3), None)
    }

    #[test]
    fn a_stable_success_forgets_the_failures_and_the_waits_before_it() {
        let mut attempts = attempts();
        assert_eq!(attempts.failed(None, &"refused", 0), Ok(SECOND / 10));
        assert_eq!(attempts.failed(None, &"refused", 0), Ok(SECOND * 2 / 10));
        assert_eq!(attempts.lost(SECOND * 10, None, &"reset", 0), Ok(SECOND / 10));
        assert_eq!(attempts.failed(None, &"refused", 0), Ok(SECOND * 2 / 10));
        assert_eq!(attempts.failed(None, &"refused", 0), Ok(SECOND * 3 / 10));
        let exhausted = Exhausted { attempts: 3, last: "refused".into() };
        assert_eq!(attempts.failed(None, &"refused", 0), Err(exhausted));
    }

    #[test]
    fn a_success_that_does_not_last_is_a_failure() {
        let mut attempts = attempts();
        assert_eq!(attempts.lost(SECOND * 9, None, &"reset", 0), Ok(SECOND / 10));
        assert_eq!(attempts.lost(SECOND * 9, None, &"reset", 0), Ok(SECOND * 2 / 10));
        assert_eq!(attempts.lost(SECOND * 9, None, &"reset", 0), Err(Exhausted { attempts: 3, last: "reset".into() }));
    }

    #[test]
    fn the_scope_that_was_known_last_decides() {
        let mut attempts = Attempts::new(Retry::by_scope(), None);
        assert_eq!(attempts.failed("127.0.0.1:1".parse().ok(), &"refused", 0), Ok(SECOND * 2));
        assert_eq!(attempts.failed(None, &"not found", 0), Ok(SECOND * 4));
    }
}
