//! The specification: a sorted map of (tick, order of start). Random histories must give equal answers.

use std::collections::BTreeMap;

use super::super::State;
use super::*;

/// SplitMix64: small, and good enough to choose histories.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A span of nanoseconds: often small or a border of the wheel's levels, now and then years.
    fn span(&mut self) -> u64 {
        match self.below(12) {
            0 => 0,
            1 | 2 => self.below(3 * TICK),
            3 | 4 => self.below(100) * TICK,
            5 | 6 => self.below(5_000 * TICK),
            7 => self.below(600_000 * TICK),
            8 | 9 => {
                let border = 1u64 << (6 * self.below(7) + self.below(3));
                (border + self.below(3) - 1).saturating_mul(TICK)
            }
            10 => self.next() >> (20 + self.below(24)),
            _ => self.next() >> self.below(20),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Armed(u64, u64),
    Given(u64),
    Never,
}

struct Timer {
    at: At,
    number: u64,
    /// Deadline and period.
    repeat: Option<(u64, u64)>,
}

/// (point, key)
type Name = (usize, u64);

/// What the timers must do, said as plainly as possible.
#[derive(Default)]
struct Model {
    clock: u64,
    /// Numbers starts and tickets.
    sequence: u64,
    armed: BTreeMap<(u64, u64), Name>,
    timers: BTreeMap<Name, Timer>,
}

impl Model {
    fn arm(&mut self, name: Name, deadline: u64, number: u64, repeat: Option<(u64, u64)>) {
        self.sequence += 1;
        let mut tick = deadline.div_ceil(TICK);
        let mut at = At::Never;
        if tick <= LAST_TICK {
            if deadline <= self.clock {
                tick = self.clock / TICK;
            }
            at = At::Armed(tick, self.sequence);
            self.armed.insert((tick, self.sequence), name);
        }
        self.timers.insert(name, Timer { at, number, repeat });
    }

    fn cancel(&mut self, name: Name) -> bool {
        let Some(timer) = self.timers.remove(&name) else {
            return false;
        };
        if let At::Armed(tick, sequence) = timer.at {
            self.armed.remove(&(tick, sequence));
        }
        true
    }

    fn start(&mut self, name: Name, deadline: u64, number: u64, period: Option<u64>) -> Started {
        let again = self.cancel(name);
        self.arm(name, deadline, number, period.map(|period| (deadline, period)));
        if again { Started::Again } else { Started::New }
    }

    fn cancel_all(&mut self, point: usize) -> usize {
        let names: Vec<Name> = self.of(point).collect();
        names.into_iter().filter(|&name| self.cancel(name)).count()
    }

    fn of(&self, point: usize) -> impl Iterator<Item = Name> {
        let names = self.timers.range((point, 0)..=(point, u64::MAX));
        names.map(|(&name, _)| name)
    }

    /// The names and the numbers of the tickets.
    fn expire(&mut self, now: u64, budget: usize) -> Vec<(Name, u64)> {
        self.clock = self.clock.max(now);
        let mut given = Vec::new();
        while given.len() < budget {
            let Some(first) = self.armed.first_entry() else {
                break;
            };
            if first.key().0 > self.clock / TICK {
                break;
            }
            let name = first.remove();
            self.sequence += 1;
            self.timers.get_mut(&name).expect("it is armed").at = At::Given(self.sequence);
            given.push((name, self.sequence));
        }
        given
    }

    fn claim(&mut self, name: Name, ticket: u64, now: u64) -> Option<(u32, u64, u64)> {
        let timer = self.timers.get(&name).filter(|timer| timer.at == At::Given(ticket))?;
        let (number, repeat) = (timer.number, timer.repeat);
        self.timers.remove(&name);
        if let Some((deadline, period)) = repeat {
            let now = now.max(self.clock);
            let period = u128::from(period.max(1));
            let late = u128::from(now - deadline);
            let next = u128::from(deadline) + (late / period + 1) * period;
            let next = u64::try_from(next).unwrap_or(u64::MAX);
            self.arm(name, next, number, Some((next, period as u64)));
        }
        Some((name.0 as u32, name.1, number))
    }
}

/// How a history is made up.
#[derive(Debug, Clone, Copy)]
struct Shape {
    points: u64,
    keys: u64,
    steps: u64,
    /// Whether the entries' generations are near their end.
    worn: bool,
    /// Whether steps of the clock are short, so that it stays near the beginning.
    slow: bool,
}

struct History {
    shape: Shape,
    random: Random,
    model: Model,
    world: World,
    /// The model's side of `world.tickets`.
    tickets: VecDeque<(Name, u64)>,
    claimed: usize,
    refused: usize,
}

impl History {
    fn new(seed: u64, shape: Shape) -> History {
        History {
            shape,
            random: Random(seed),
            model: Model::default(),
            world: World::new(shape.points as usize),
            tickets: VecDeque::new(),
            claimed: 0,
            refused: 0,
        }
    }

    fn name(&mut self) -> Name {
        let point = self.random.below(self.shape.points) as usize;
        (point, self.random.below(self.shape.keys))
    }

    fn start(&mut self) {
        let (name, number) = (self.name(), self.random.next());
        let deadline = match self.random.below(8) {
            0 => self.model.clock.saturating_sub(self.random.span()),
            // Few different ticks, so that many timers share one.
            1..=3 => {
                let tick = self.model.clock / TICK / 64 * 64 + 63 + self.random.below(3) * 64;
                tick.saturating_mul(TICK)
            }
            _ => self.model.clock.saturating_add(self.random.span()),
        };
        let period = (self.random.below(4) == 0).then(|| self.random.span());
        let charge = match period {
            Some(period) => repeat(Duration::from_nanos(period), number),
            None => Charge::Once(mark(number)),
        };
        let started = self.world.charge(name.0, name.1, nanoseconds(deadline), charge);
        assert_eq!(started, self.model.start(name, deadline, number, period));
    }

    fn cancel(&mut self) {
        let name = self.name();
        assert_eq!(self.world.cancel(name.0, name.1), self.model.cancel(name));
    }

    fn cancel_all(&mut self) {
        let point = self.name().0;
        assert_eq!(self.world.cancel_all(point), self.model.cancel_all(point));
    }

    fn expire(&mut self) {
        let clock = self.model.clock;
        let now = match self.random.below(6) {
            0 => clock,
            1 => clock.saturating_sub(self.random.span()),
            2 => self.world.next().map_or(clock, Moment::as_nanos),
            _ if self.shape.slow => clock.saturating_add(self.random.below(40 * TICK)),
            // Years only now and then: a history should not come to the end of the clock at once.
            3 if self.random.below(20) == 0 => clock.saturating_add(self.random.span()),
            _ => clock.saturating_add(self.random.span().min(TICK << 28)),
        };
        let budget = match self.random.below(3) {
            0 => self.random.below(4) as usize,
            1 => self.random.below(40) as usize,
            _ => usize::MAX,
        };
        let before = self.world.tickets.len();
        self.world.expire(nanoseconds(now), budget);
        self.tickets.extend(self.model.expire(now, budget));
        let given = self.world.tickets.range(before..).map(|ticket| ticket.owner as usize);
        assert!(given.eq(self.tickets.range(before..).map(|(name, _)| name.0)));
        if budget == usize::MAX {
            self.check_next_is_exact_when_near();
        }
    }

    fn claim(&mut self) {
        // Mostly from the front, as a queue does; but nothing here depends on it.
        let length = self.tickets.len() as u64;
        let at = match self.random.below(4) {
            _ if length == 0 => return,
            0 => self.random.below(length) as usize,
            _ => 0,
        };
        let late = if self.random.below(2) == 0 { 0 } else { self.random.span() };
        let now = self.model.clock.saturating_add(late).saturating_sub(self.random.below(2) * TICK);
        let (Some(ticket), Some((name, number))) = (self.world.tickets.remove(at), self.tickets.remove(at)) else {
            panic!("both sides have given as many tickets");
        };
        let expected = self.model.claim(name, number, now);
        assert_eq!(self.world.claim(ticket, nanoseconds(now)), expected);
        match expected {
            Some(_) => self.claimed += 1,
            None => self.refused += 1,
        }
    }

    /// Brings the generations of entries that have no ticket out near their end.
    fn wear(&mut self) {
        let generation = u32::MAX - 1 - self.random.below(3) as u32;
        for entry in &mut self.world.timers.entries {
            if !matches!(entry.state, State::Given) && entry.generation < generation {
                entry.generation = generation;
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.world.timers.len(), self.model.timers.len());
        for point in 0..self.shape.points as usize {
            assert_eq!(self.world.count(point), self.model.of(point).count());
        }
        let first = self.model.armed.first_key_value().map(|((tick, _), _)| nanoseconds(tick * TICK));
        let next = self.world.next();
        assert_eq!(next.is_some(), first.is_some());
        assert!(next <= first, "{next:?} is later than {first:?}");
    }

    fn check_next_is_exact_when_near(&self) {
        let Some(((tick, _), _)) = self.model.armed.first_key_value() else {
            return;
        };
        if tick / 64 == self.model.clock / TICK / 64 {
            assert_eq!(self.world.next(), Some(nanoseconds(tick * TICK)));
        }
    }

    fn run(&mut self) {
        for step in 0..self.shape.steps {
            match self.random.below(20) {
                0..8 => self.start(),
                8..11 => self.cancel(),
                11 if self.random.below(4) == 0 => self.cancel_all(),
                11..15 => self.expire(),
                15 if self.shape.worn => self.wear(),
                _ => self.claim(),
            }
            if self.shape.points <= 6 || step % 50 == 0 {
                self.check();
            }
        }
        self.finish();
    }

    /// Goes to the end of the clock, so that no timer is left out.
    fn finish(&mut self) {
        self.world.expire(nanoseconds(u64::MAX), usize::MAX);
        self.tickets.extend(self.model.expire(u64::MAX, usize::MAX));
        assert_eq!(self.world.tickets.len(), self.tickets.len());
        while let Some(ticket) = self.world.tickets.pop_front() {
            let (name, number) = self.tickets.pop_front().expect("as many");
            let expected = self.model.claim(name, number, u64::MAX);
            assert_eq!(self.world.claim(ticket, nanoseconds(u64::MAX)), expected);
        }
        self.check();
        assert_eq!(self.world.next(), None);
        (0..self.shape.points as usize).for_each(|point| {
            self.world.cancel_all(point);
        });
        assert_eq!(self.world.timers.len(), 0);
    }
}

/// Runs `count` histories and tells how many tickets claimed something and how many did not.
fn histories(count: u64, shape: Shape) -> (usize, usize) {
    let mut sums = (0, 0);
    for seed in 0..count {
        let mut history = History::new(seed, shape);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| history.run()));
        assert!(outcome.is_ok(), "the history of seed {seed} and {shape:?} differs");
        sums.0 += history.claimed;
        sums.1 += history.refused;
    }
    sums
}

const FEW: Shape = Shape { points: 5, keys: 6, steps: 300, worn: false, slow: false };

#[test]
fn few_timers_behave_as_the_model_says() {
    let (claimed, refused) = histories(3_000, FEW);
    assert!(claimed > 10_000 && refused > 3_000, "{claimed} claimed, {refused} refused");
}

#[test]
fn many_timers_behave_as_the_model_says() {
    let (claimed, refused) = histories(60, Shape { points: 300, keys: 3, steps: 6_000, ..FEW });
    assert!(claimed > 10_000 && refused > 1_000, "{claimed} claimed, {refused} refused");
}

#[test]
fn a_slow_clock_behaves_as_the_model_says() {
    let (claimed, refused) = histories(1_000, Shape { points: 40, slow: true, ..FEW });
    assert!(claimed > 10_000 && refused > 1_000, "{claimed} claimed, {refused} refused");
}

#[test]
fn worn_entries_behave_as_the_model_says() {
    let (claimed, refused) = histories(1_000, Shape { worn: true, ..FEW });
    assert!(claimed > 10_000 && refused > 1_000, "{claimed} claimed, {refused} refused");
}
