//! What goes wrong in a simulated network, and how often.

use super::random::Random;
use std::time::Duration;

/// The knobs of a simulated network. [`Default`] is a network without delay in which nothing goes wrong.
///
/// Probabilities are from 0 to 1. What says "per connection" is drawn when a connection comes about.
///
/// ```
/// use statepoint::sim::{Faults, World};
/// use std::time::Duration;
///
/// let slow = Faults { latency_least: Duration::from_millis(40), ..Faults::default() };
/// let world = World::with_faults(7, slow);
/// let wild = World::with_faults(8, Faults::swarm(8));
/// wild.set_faults(wild.faults().calm());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The least time that anything takes from host to host, one way.
    pub latency_least: Duration,
    /// The average of what comes on top of it, drawn anew for each segment, seldom much more. Order within a
    /// connection is kept.
    pub latency_mean: Duration,
    /// The least number of bytes that a direction of a connection holds (sent and not yet read), per connection.
    pub buffer_least: usize,
    /// The greatest such number.
    pub buffer_most: usize,
    /// That what is written at once arrives in two to four pieces.
    pub split_writes: f64,
    /// That a read returns only a part of what is there.
    pub short_reads: f64,
    /// That a write takes only a part of what there is room for.
    pub short_writes: f64,
    /// That an event is shown up to a millisecond late, merged with what happens meanwhile.
    pub late_events: f64,
    /// That, when events are shown, one more is that nothing has caused.
    pub spurious_events: f64,

    /// That a connection is refused though somebody listens.
    pub refused: f64,
    /// That an attempt to connect is never answered.
    pub unanswered: f64,
    /// That a connection is closed at the far end as soon as it is open, without a byte.
    pub turned_away: f64,
    /// That a connection leads to another listener of the world than the one it was meant for.
    pub wrong_listener: f64,
    /// That `connect` and `listen` fail for want of a descriptor.
    pub no_descriptor: f64,
    /// That `accept` fails with `ConnectionAborted`, and the peer it was about is reset.
    pub accept_aborted: f64,
    /// That `accept` fails for want of a descriptor; the peer goes on waiting.
    pub accept_exhausted: f64,

    /// That a connection is reset at a random byte of its first megabyte, small numbers as likely as great ones; per
    /// connection and direction.
    pub reset_at_byte: f64,
    /// That a connection is reset at a random moment of its first minute, per connection.
    pub reset_in_time: f64,
    /// That a reset also destroys what had come but was not read (Windows and BSD do, Linux does not).
    pub reset_discards: f64,
    /// That at a random moment of its first minute a connection delivers nothing any more, for ever, per connection.
    pub lost: f64,
    /// That a direction of a connection stops delivering at a random moment of its first minute, and goes on later; per
    /// connection and direction.
    pub clogged: f64,
    /// The shortest time that a direction is clogged.
    pub clogged_least: Duration,
    /// The longest.
    pub clogged_most: Duration,

    /// That a name is not found though it is known.
    pub resolve_failed: f64,
    /// That a look-up is never answered.
    pub resolve_unanswered: f64,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            latency_least: Duration::ZERO,
            latency_mean: Duration::ZERO,
            buffer_least: 64 * 1024,
            buffer_most: 64 * 1024,
            split_writes: 0.0,
            short_reads: 0.0,
            short_writes: 0.0,
            late_events: 0.0,
            spurious_events: 0.0,
            refused: 0.0,
            unanswered: 0.0,
            turned_away: 0.0,
            wrong_listener: 0.0,
            no_descriptor: 0.0,
            accept_aborted: 0.0,
            accept_exhausted: 0.0,
            reset_at_byte: 0.0,
            reset_in_time: 0.0,
            reset_discards: 0.0,
            lost: 0.0,
            clogged: 0.0,
            clogged_least: Duration::from_millis(10),
            clogged_most: Duration::from_secs(600),
            resolve_failed: 0.0,
            resolve_unanswered: 0.0,
        }
    }
}

impl Faults {
    /// Knobs drawn from a seed. Each kind of fault is off in half of all seeds, so that there are runs with one kind
    /// alone and runs with nearly all: what one fault hides from another is found too.
    pub fn swarm(seed: u64) -> Faults {
        // Not the numbers that a world with the same seed draws.
        let mut draw = Draw(Random::new(seed ^ 0x5357_4152_4D21_0001));
        let calm = Faults::default();
        let (latency_least, latency_mean) = (draw.time(5), draw.time(200));
        let buffer = draw.0.scaled(256, 256 * 1024) as usize;
        Faults {
            latency_least,
            latency_mean,
            buffer_least: if draw.0.chance(0.5) { 256 } else { buffer },
            buffer_most: buffer,
            split_writes: draw.up_to(1.0),
            short_reads: draw.up_to(1.0),
            short_writes: draw.up_to(1.0),
            late_events: draw.up_to(0.2),
            spurious_events: draw.up_to(0.2),
            refused: draw.up_to(0.3),
            unanswered: draw.up_to(0.3),
            turned_away: draw.up_to(0.3),
            wrong_listener: draw.up_to(0.3),
            no_descriptor: draw.up_to(0.2),
            accept_aborted: draw.up_to(0.2),
            accept_exhausted: draw.up_to(0.2),
            reset_at_byte: draw.up_to(0.5),
            reset_in_time: draw.up_to(1.0),
            reset_discards: draw.up_to(1.0),
            lost: draw.up_to(0.3),
            clogged: draw.up_to(0.5),
            resolve_failed: draw.up_to(0.3),
            resolve_unanswered: draw.up_to(0.3),
            ..calm
        }
    }

    /// The same network in good order: delays, buffers and pieces stay, nothing fails any more.
    #[must_use]
    pub fn calm(&self) -> Faults {
        Faults {
            latency_least: self.latency_least,
            latency_mean: self.latency_mean,
            buffer_least: self.buffer_least,
            buffer_most: self.buffer_most,
            split_writes: self.split_writes,
            short_reads: self.short_reads,
            short_writes: self.short_writes,
            late_events: self.late_events,
            spurious_events: self.spurious_events,
            ..Faults::default()
        }
    }
}

struct Draw(Random);

impl Draw {
    fn up_to(&mut self, most: f64) -> f64 {
        let drawn = self.0.fraction() * most;
        if self.0.chance(0.5) { drawn } else { 0.0 }
    }

    fn time(&mut self, most_milliseconds: u64) -> Duration {
        let drawn = self.0.duration_between(Duration::ZERO, Duration::from_millis(most_milliseconds));
        if self.0.chance(0.5) { drawn } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swarm_is_the_same_for_the_same_seed_and_switches_half_of_the_faults_off() {
        assert_eq!(Faults::swarm(5), Faults::swarm(5));
        assert_ne!(Faults::swarm(5), Faults::swarm(6));
        let swarm: Vec<Faults> = (0..1_000).map(Faults::swarm).collect();
        for knob in [|f: &Faults| f.short_reads, |f: &Faults| f.lost, |f: &Faults| f.accept_exhausted] {
            let on = swarm.iter().filter(|faults| knob(faults) > 0.0).count();
            assert!((420..580).contains(&on), "{on}");
        }
        assert!(swarm.iter().all(|faults| faults.buffer_least <= faults.buffer_most));
    }

    #[test]
    fn calm_faults_fail_nothing_and_keep_the_delays() {
        let wild = (0..).map(Faults::swarm).find(|f| !f.latency_mean.is_zero() && f.refused > 0.0).expect("one in 4");
        let calm = wild.calm();
        assert_eq!((calm.latency_mean, calm.split_writes), (wild.latency_mean, wild.split_writes));
        assert_eq!((calm.refused, calm.lost, calm.reset_at_byte), (0.0, 0.0, 0.0));
    }
}
