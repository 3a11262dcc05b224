//! When to try again: the reference's delays by scope, and full jitter.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

/// The quantum of the reference's random part.
const QUANTUM: Duration = Duration::from_millis(250);

/// How long to wait before the next attempt.
///
/// Without a choice the delays are those of the reference system, by where the other end is: short on the loopback
/// interface, longer on a private network, longest on the Internet. Each delay is its step plus up to half of it (for a port:
/// all of it), at random.
///
/// | scope | steps | then for ever | so each delay lies in |
/// |---|---|---|---|
/// | loopback | 2 s, 4 s | 8 s | 2 to 3, 4 to 6, 8 to 12 s |
/// | private network | 4 s, 8 s | 16 s | 4 to 6, 8 to 12, 16 to 24 s |
/// | Internet | 8 s, 16 s, 32 s | 64 s | 8 to 12, 16 to 24, 32 to 48, 64 to 96 s |
/// | a port of one's own | none | 4 s | 4 to 8 s |
///
/// ```
/// use core::time::Duration;
/// use statepoint::Retry;
///
/// let retry = Retry::by_scope().attempts(3);
/// let there = "127.0.0.1:32011".parse().ok();
/// let first = retry.delay(1, there, 7);
/// assert!((Duration::from_secs(2)..=Duration::from_secs(3)).contains(&first));
/// assert!(retry.is_spent(3));
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
    /// Each step plus up to the `part`th part of it.
    Fixed {
        first: Vec<Duration>,
        then: Duration,
        part: u32,
    },
    FullJitter {
        base: Duration,
        cap: Duration,
    },
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

    /// These steps, then `then` for ever, each plus up to half of it in quarters of a second (so that steps below half a
    /// second are exact).
    pub fn steps(first: impl Into<Vec<Duration>>, then: Duration) -> Self {
        Self::new(Steps::Fixed { first: first.into(), then, part: 2 })
    }

    /// The reference's delays for a port that cannot be opened: 4 to 8 seconds, for ever.
    pub fn for_ports() -> Self {
        Self::new(Steps::Fixed { first: Vec::new(), then: Duration::from_secs(4), part: 1 })
    }

    /// A random delay between nothing and a limit that begins with `base` and doubles up to `cap`: with many clients the
    /// attempts are spread evenly. (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
    pub fn full_jitter(base: Duration, cap: Duration) -> Self {
        Self::new(Steps::FullJitter { base, cap })
    }

    /// Gives up, with [`Exhausted`](crate::Exhausted), when so many attempts have failed one after another. Without it, never.
    ///
    /// A connection that is lost before it was stable counts as an attempt that failed. One that was stable makes forget
    /// what failed before it.
    #[must_use]
    pub fn attempts(self, most: u32) -> Self {
        Self { attempts: Some(most), ..self }
    }

    /// A connection that lasted so long counts as stable: after it the delays begin anew. 10 seconds unless told otherwise.
    /// A server that accepts and drops at once is thus asked ever more seldom.
    #[must_use]
    pub fn stable_after(self, duration: Duration) -> Self {
        Self { stable: duration, ..self }
    }

    /// Whether a connection that lasted `duration` was stable.
    pub fn is_stable(&self, duration: Duration) -> bool {
        duration >= self.stable
    }

    /// Whether `failed` attempts that failed one after another are all there may be.
    pub fn is_spent(&self, failed: u32) -> bool {
        self.attempts.is_some_and(|most| failed >= most)
    }

    /// How long to wait for the time number `wait` (the first is 1) since the beginning or the last stable connection.
    ///
    /// `there` is the other end, as far as known: a name that could not be looked up counts as the Internet. `random` is any
    /// random number.
    pub fn delay(&self, wait: u32, there: Option<SocketAddr>, random: u64) -> Duration {
        let index = usize::try_from(wait.saturating_sub(1)).unwrap_or(usize::MAX);
        match &self.steps {
            Steps::ByScope => {
                let (first, then) = steps_of(there);
                randomised(Duration::from_secs(first.get(index).copied().unwrap_or(then)), 2, random)
            }
            Steps::Fixed { first, then, part } => randomised(first.get(index).copied().unwrap_or(*then), *part, random),
            Steps::FullJitter { base, cap } => {
                let limit = base.saturating_mul(1 << index.min(30)).min(*cap);
                let nanoseconds = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
                Duration::from_nanos(random % nanoseconds.saturating_add(1).max(1))
            }
        }
    }
}

/// A step plus 0 to the `part`th part of it, in quarters of a second.
fn randomised(step: Duration, part: u32, random: u64) -> Duration {
    let quanta = u64::try_from((step / part).as_nanos() / QUANTUM.as_nanos()).unwrap_or(u64::MAX - 1);
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

    fn bounds(retry: &Retry, wait: u32, there: &str) -> (Duration, Duration) {
        let delays: Vec<_> = (0..200).map(|random| retry.delay(wait, there.parse().ok(), random)).collect();
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
            assert_eq!(bounds(&retry, 2, there), seconds(8, 12), "{there}");
            assert_eq!(bounds(&retry, 9, there), seconds(16, 24), "{there}");
        }
        for there in ["93.184.216.34:1", "[2606:2800::1]:1", "a name that was not found"] {
            assert_eq!(bounds(&retry, 1, there), seconds(8, 12), "{there}");
            assert_eq!(bounds(&retry, 2, there), seconds(16, 24), "{there}");
            assert_eq!(bounds(&retry, 3, there), seconds(32, 48), "{there}");
            assert_eq!(bounds(&retry, 4, there), seconds(64, 96), "{there}");
        }
        assert_eq!(bounds(&Retry::for_ports(), 1, "127.0.0.1:1"), seconds(4, 8));
        assert_eq!(bounds(&Retry::for_ports(), 1_000, "[2606:2800::1]:1"), seconds(4, 8));
    }

    #[test]
    fn full_jitter_doubles_up_to_its_cap() {
        let retry = Retry::full_jitter(Duration::from_millis(100), Duration::from_secs(30));
        for random in [0, 1, u64::MAX / 3, u64::MAX] {
            assert!(retry.delay(1, None, random) <= Duration::from_millis(100));
            assert!(retry.delay(4, None, random) <= Duration::from_millis(800));
            assert!(retry.delay(u32::MAX, None, random) <= Duration::from_secs(30));
        }
        assert_eq!(retry.delay(4, None, 800_000_000), Duration::from_millis(800));
        assert_eq!(retry.delay(4, None, 800_000_001), Duration::ZERO);
    }

    #[test]
    fn steps_shorter_than_half_a_second_are_exact() {
        let retry = Retry::steps([Duration::from_millis(100)], Duration::from_millis(400));
        for random in [0, 1, u64::MAX] {
            assert_eq!(retry.delay(1, None, random), Duration::from_millis(100));
            assert_eq!(retry.delay(2, None, random), Duration::from_millis(400));
        }
    }

    #[test]
    fn attempts_are_spent_when_as_many_have_failed() {
        let retry = Retry::by_scope().attempts(2);
        assert!(!retry.is_spent(1) && retry.is_spent(2) && retry.is_spent(3));
        assert!(!Retry::by_scope().is_spent(u32::MAX));
    }
}
