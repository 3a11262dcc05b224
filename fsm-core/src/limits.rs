//! The bounds of a kernel.

use core::time::Duration;

/// How much a kernel may hold. Nothing in it grows without end: over a bound, a message is a dead letter.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::Limits;
///
/// let limits = Limits { queued_per_point: 1_000, ..Limits::default() };
/// assert_eq!(limits.run_queue, 8_388_608);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Messages in the run queue for one point, at most 16,777,215.
    pub queued_per_point: u32,
    /// Messages in the run queue for all points.
    pub run_queue: usize,
    /// Messages that one point has deferred, and as many that wait behind those it takes up again. Those that come over
    /// connections fill half of it at the most: the other half is for what the point needs to go on.
    pub deferred_per_point: usize,
    /// Timers of one point.
    pub timers_per_point: usize,
    /// Points alive at once.
    pub points: u32,
    /// How long the children of a point that has ended may take to end. Then they are dropped.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queued_per_point: 65_536,
            run_queue: 8 << 20,
            deferred_per_point: 65_536,
            timers_per_point: 1_024,
            points: 1 << 28,
            grace: Duration::from_secs(5),
        }
    }
}
