//! A small generator of random numbers: the same seed gives the same numbers, on every machine and for ever.

use std::time::Duration;

/// SplitMix64: 64 bits of state, passes the usual statistical tests, not for secrets.
///
/// Nothing here uses floating-point functions whose last bit differs between machines.
///
/// ```
/// use statepoint::sim::Random;
///
/// let mut random = Random::new(7);
/// let dice: Vec<u64> = (0..5).map(|_| random.between(1, 6)).collect();
/// assert!(dice.iter().all(|eyes| (1..=6).contains(eyes)));
/// let mut again = Random::new(7);
/// assert_eq!(dice, (0..5).map(|_| again.between(1, 6)).collect::<Vec<u64>>());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator from a seed; every seed is a good one.
    pub const fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `least` to `most`, both possible; `least` if there is nothing between.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        match most.checked_sub(least) {
            None | Some(0) => least,
            Some(u64::MAX) => self.next_u64(),
            Some(distance) => least + self.below(distance + 1),
        }
    }

    /// A number from `least` to `most` where each order of magnitude is about as likely as the next.
    pub fn scaled(&mut self, least: u64, most: u64) -> u64 {
        let bits = |number: u64| u64::from(u64::BITS - number.leading_zeros());
        let width = self.between(bits(least), bits(most));
        let (low, high) = match width {
            0 => (0, 0),
            _ => (1_u64 << (width - 1), u64::MAX >> (64 - width)),
        };
        self.between(low.max(least), high.min(most))
    }

    /// True with this probability: never for 0 (and then the generator does not move), always for 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.fraction() < probability
    }

    /// A number from 0 to below 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A time from `least` to `most`, in nanoseconds.
    pub fn duration_between(&mut self, least: Duration, most: Duration) -> Duration {
        Duration::from_nanos(self.between(nanos(least), nanos(most)))
    }

    /// A time that is `mean` on average, often less and seldom much more (about exponential, at most 44 times the
    /// mean).
    pub fn duration_around(&mut self, mean: Duration) -> Duration {
        if mean.is_zero() {
            return mean;
        }
        // An exponential time in units of its half-life: a whole number (how often a coin showed tails, 1 on average)
        // and a rest that is taken as uniform (1/2 on average).
        let tails = u128::from(self.next_u64().leading_zeros());
        let rest = u128::from(self.below(1 << 20));
        let half_lives = (tails << 20) + rest;
        let drawn = (mean.as_nanos() * half_lives * 2 / 3) >> 20;
        Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut random = Random::new(1_234_567);
        let numbers: Vec<u64> = (0..5).map(|_| random.next_u64()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, published);
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.between(3, 6)).collect();
        assert!((3..=6).all(|number| drawn.contains(&number)) && drawn.iter().all(|number| (3..=6).contains(number)));
        assert_eq!((random.between(9, 9), random.between(9, 1), random.below(0)), (9, 9, 0));
        random.between(0, u64::MAX);
        for (least, most) in [(0, 0), (1, 1), (0, 10), (256, 262_144), (5, 6), (0, u64::MAX)] {
            assert!((0..1_000).all(|_| (least..=most).contains(&random.scaled(least, most))), "{least} {most}");
        }
    }

    #[test]
    fn every_magnitude_is_about_as_likely_as_the_next() {
        let mut random = Random::new(2);
        let small = (0..10_000).filter(|_| random.scaled(1, (1 << 20) - 1) < 1 << 10).count();
        assert!((4_700..5_300).contains(&small), "{small}");
    }

    #[test]
    fn a_chance_comes_about_as_often_as_it_says_and_no_chance_moves_nothing() {
        let mut random = Random::new(3);
        let before = random.clone();
        assert!(!random.chance(0.0));
        assert_eq!(random, before);
        assert!((0..1_000).all(|_| random.chance(1.0)));
        let hits = (0..10_000).filter(|_| random.chance(0.2)).count();
        assert!((1_850..2_150).contains(&hits), "{hits}");
    }

    #[test]
    fn durations_have_their_mean() {
        let mut random = Random::new(4);
        let mean = Duration::from_millis(100);
        let total: Duration = (0..100_000).map(|_| random.duration_around(mean)).sum();
        assert!((97..104).contains(&(total / 100_000).as_millis()), "{:?}", total / 100_000);
        assert_eq!(random.duration_around(Duration::ZERO), Duration::ZERO);
        random.duration_around(Duration::MAX);
        random.duration_between(Duration::ZERO, Duration::MAX);
    }
}
