//! When to try again: the reference's delays by scope, and full jitter.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// The quantum of the reference's random part.
const QUANTUM: Duration = Duration::from_millis(250);

/// How long to wait before the next attempt.
///
/// Without a choice the delays are those of the reference system, by where the other end is: short on the loopback
/// interface, longer on a private network, longest on the Internet. Each delay is its step plus up to half of it, at random.
///
/// | scope | steps | then for ever | so each delay lies in |
/// |---|---|---|---|
/// | loopback | 2 s, 4 s | 8 s | 2 to 3, 4 to 6, 8 to 12 s |
/// | private network | 4 s, 8 s | 16 s | 4 to 6, 8 to 12, 16 to 24 s |
/// | Internet | 8 s, 16 s, 32 s | 64 s | 8 to 12, 16 to 24, 32 to 48, 64 to 96 s |
///
/// ```
/// use core::time::Duration;
/// use fsm_net::Retry;
///
/// let retry = Retry::by_scope().attempts(3);
/// let there = "127.0.0.1:32011".parse().ok();
/// let first = retry.delay(1, there, 7).expect("two attempts are left");
/// assert!((Duration::from_secs(2)..=Duration::from_secs(3)).contains(&first));
/// assert_eq!(retry.delay(3, there, 7), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    steps: Steps,
    attempts: Option<u32>,
    stable: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Steps {
    ByScope,
    Fixed { first: Vec<Duration>, then: Duration },
    FullJitter { base: Duration, cap: Duration },
}

impl Default for Retry {
    fn default() -> Self {
        Self::by_scope()
    }
}

impl Retry {
    fn new(steps: Steps) -> Self {
        Self { steps, attempts: None, stable: Duration::from_secs(10) }
    }

    /// The reference's delays.
    pub fn by_scope() -> Self {
        Self::new(Steps::ByScope)
    }

    /// These steps, then `then` for ever, each plus up to half of it.
    pub fn steps(first: impl Into<Vec<Duration>>, then: Duration) -> Self {
        Self::new(Steps::Fixed { first: first.into(), then })
    }

    /// A random delay between nothing and a limit that begins with `base` and doubles up to `cap`: with many clients the
    /// attempts are spread evenly. (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
    pub fn full_jitter(base: Duration, cap: Duration) -> Self {
        Self::new(Steps::FullJitter { base, cap })
    }

    /// Gives up after so many attempts. Without it, never.
    #[must_use]
    pub fn attempts(self, most: u32) -> Self {
        Self { attempts: Some(most), ..self }
    }

    /// A connection that lasted so long counts as stable: after it the delays begin anew. 10 seconds unless told otherwise.
    /// A server that accepts and drops at once is thus not asked ever faster.
    #[must_use]
    pub fn stable_after(self, duration: Duration) -> Self {
        Self { stable: duration, ..self }
    }

    /// Whether a connection that lasted `duration` was stable.
    pub fn is_stable(&self, duration: Duration) -> bool {
        duration >= self.stable
    }

    /// The delay after the attempt number `made` (the first is 1) to reach `there`; `None` when no attempt is left.
    ///
    /// `random` is any random number. A name that could not be looked up counts as the Internet.
    pub fn delay(&self, made: u32, there: Option<SocketAddr>, random: u64) -> Option<Duration> {
        if self.attempts.is_some_and(|most| made >= most) {
            return None;
        }
        let index = usize::try_from(made.saturating_sub(1)).unwrap_or(usize::MAX);
        Some(match &self.steps {
            Steps::ByScope => {
                let (first, then) = steps_of(there);
                randomised(Duration::from_secs(first.get(index).copied().unwrap_or(then)), random)
            }
            Steps::Fixed { first, then } => randomised(first.get(index).copied().unwrap_or(*then), random),
            Steps::FullJitter { base, cap } => {
                let limit = base.saturating_mul(1 << index.min(30)).min(*cap);
                let nanoseconds = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
                Duration::from_nanos(random % nanoseconds.saturating_add(1).max(1))
            }
        })
    }
}

/// A step plus 0 to half of it, in quarters of a second.
fn randomised(step: Duration, random: u64) -> Duration {
    let quanta = u64::try_from((step / 2).as_nanos() / QUANTUM.as_nanos()).unwrap_or(u64::MAX - 1);
    let quanta = u32::try_from(random % (quanta + 1)).unwrap_or(u32::MAX);
    step.saturating_add(QUANTUM.saturating_mul(quanta))
}

fn steps_of(there: Option<SocketAddr>) -> (&'static [u64], u64) {
    match there.map(|there| there.ip().to_canonical()) {
        Some(ip) if ip.is_loopback() => (&[2, 4], 8),
        Some(IpAddr::V4(ip)) if ip.is_private() || ip.is_link_local() => (&[4, 8], 16),
        Some(IpAddr::V6(ip)) if ip.is_unique_local() || ip.is_unicast_link_local() => (&[4, 8], 16),
        _ => (&[8, 16, 32], 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(retry: &Retry, made: u32, there: &str) -> (Duration, Duration) {
        let delays = (0..200).filter_map(|random| retry.delay(made, there.parse().ok(), random));
        let delays: Vec<_> = delays.collect();
        (delays.iter().min().copied().unwrap_or_default(), delays.iter().max().copied().unwrap_or_default())
    }

    fn seconds(from: u64, to: u64) -> (Duration, Duration) {
        (Duration::from_secs(from), Duration::from_secs(to))
    }

    #[test]
    fn each_scope_has_the_delays_of_the_reference() {
        let retry = Retry::by_scope();
        for there in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(bounds(&retry, 1, there), seconds(2, 3), "{there}");
            assert_eq!(bounds(&retry, 2, there), seconds(4, 6), "{there}");
            assert_eq!(bounds(&retry, 3, there), seconds(8, 12), "{there}");
            assert_eq!(bounds(&retry, 1_000, there), seconds(8, 12), "{there}");
        }
        for there in ["10.1.2.3:1", "192.168.0.1:1", "172.16.0.1:1", "[fd00::1]:1"] {
            assert_eq!(bounds(&retry, 1, there), seconds(4, 6), "{there}");
            assert_eq!(bounds(&retry, 9, there), seconds(16, 24), "{there}");
        }
        for there in ["93.184.216.34:1", "[2606:2800::1]:1", "a name that was not found"] {
            assert_eq!(bounds(&retry, 1, there), seconds(8, 12), "{there}");
            assert_eq!(bounds(&retry, 3, there), seconds(32, 48), "{there}");
            assert_eq!(bounds(&retry, 4, there), seconds(64, 96), "{there}");
        }
    }

    #[test]
    fn full_jitter_doubles_up_to_its_cap() {
        let retry = Retry::full_jitter(Duration::from_millis(100), Duration::from_secs(30));
        for random in [0, 1, u64::MAX / 3, u64::MAX] {
            assert!(retry.delay(1, None, random) <= Some(Duration::from_millis(100)));
            assert!(retry.delay(4, None, random) <= Some(Duration::from_millis(800)));
            assert!(retry.delay(u32::MAX, None, random) <= Some(Duration::from_secs(30)));
        }
    }

    #[test]
    fn after_the_last_attempt_there_is_no_delay() {
        let retry = Retry::by_scope().attempts(2);
        assert!(retry.delay(1, None, 0).is_some());
        assert_eq!(retry.delay(2, None, 0), None);
    }
}
