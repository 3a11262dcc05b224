//! How things are measured: CPU time, resident memory, one core, interleaved rounds.

use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::{TimeVal, TimeValLike as _};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

/// The columns of the table that hold figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// statepoint.
    Ours,
    /// Queue, generation check, table of functions, downcast, nothing else.
    Stripped,
    /// Boxed actors and messages, a mailbox each.
    Boxed,
    /// A task and an unbounded channel each, on tokio's current-thread runtime.
    Mpsc,
    /// A `match` over state and event, written by hand.
    Match,
    /// The statig crate.
    Statig,
    /// tokio-util's `DelayQueue`.
    DelayQueue,
    /// statepoint over a link that protects nothing.
    Clear,
    /// The crypto_box crate, of which our link is made.
    CryptoBox,
    /// The chacha20poly1305 crate.
    ChaCha,
    /// The ring crate, with ChaCha20-Poly1305.
    Ring,
    /// The snow crate: Noise.
    Snow,
    /// The rustls crate: TLS 1.3.
    Rustls,
    /// An echo over sockets, written by hand, that protects nothing. Those of snow and rustls are the same one.
    Bare,
}

impl Column {
    /// All columns in the order of the table.
    pub(crate) const ALL: [Self; 14] = [
        Self::Ours,
        Self::Stripped,
        Self::Boxed,
        Self::Mpsc,
        Self::Match,
        Self::Statig,
        Self::DelayQueue,
        Self::Clear,
        Self::CryptoBox,
        Self::ChaCha,
        Self::Ring,
        Self::Snow,
        Self::Rustls,
        Self::Bare,
    ];

    /// The heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Stripped => "stripped loop",
            Self::Boxed => "boxed loop",
            Self::Mpsc => "tokio mpsc",
            Self::Match => "match",
            Self::Statig => "statig",
            Self::DelayQueue => "DelayQueue",
            Self::Clear => "clear",
            Self::CryptoBox => "crypto_box",
            Self::ChaCha => "chacha20poly1305",
            Self::Ring => "ring",
            Self::Snow => "snow",
            Self::Rustls => "rustls",
            Self::Bare => "bare echo",
        }
    }
}

/// What one contender needed, in each round.
#[derive(Clone, Debug)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// The samples as they came, at least one.
    pub(crate) fn new(samples: Vec<f64>) -> Self {
        assert!(!samples.is_empty(), "a contender ran in no round");
        Self(samples)
    }

    /// The median (of an even number: the upper of the two in the middle).
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// How many times `other` these are: the median of the rounds' ratios. Contenders take turns, so what slows a round
    /// slows both sides of its ratio.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        Self(self.0.iter().zip(&other.0).map(|(mine, other)| mine / other).collect()).median()
    }

    /// How much more than `other` these are, round by round.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(mine, other)| mine - other).collect())
    }

    /// (largest - smallest) / median.
    pub(crate) fn spread(&self) -> f64 {
        let largest = self.0.iter().copied().fold(f64::MIN, f64::max);
        let smallest = self.0.iter().copied().fold(f64::MAX, f64::min);
        (largest - smallest) / self.median()
    }
}

/// One side of a row: each call measures once.
pub(crate) struct Contender<'a> {
    column: Column,
    sample: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Contender<'a> {
    /// `sample` does the work once and returns what one unit of it took.
    pub(crate) fn new(column: Column, sample: impl FnMut() -> f64 + 'a) -> Self {
        Self { column, sample: Box::new(sample) }
    }
}

/// Runs the contenders in turn, `rounds` times, after one turn that does not count. What disturbs the machine for a while
/// so meets all of them.
pub(crate) fn interleave(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<(Column, Samples)> {
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            let sample = (contender.sample)();
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    contenders.iter().zip(samples).map(|(contender, samples)| (contender.column, Samples::new(samples))).collect()
}

/// CPU time that this process has used, user and system. Time in which others had the core does not count.
pub(crate) fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("Linux has a CPU clock for each process").into()
}

/// The wall clock: time in which others had the core counts.
pub(crate) fn wall_time() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every system has one").into()
}

/// CPU time of the child processes that have ended, their own children included.
pub(crate) fn children_cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("Linux counts for all children");
    let of = |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    of(usage.user_time()) + of(usage.system_time())
}

/// CPU nanoseconds that `work` takes for each of its `units`.
pub(crate) fn nanoseconds_each(units: usize, work: impl FnOnce()) -> f64 {
    let begin = cpu_time();
    work();
    (cpu_time() - begin).as_nanos() as f64 / units as f64
}

/// The figure below which `share` of `figures` are: 0.5 gives the median. There must be one at least.
pub(crate) fn percentile(mut figures: Vec<f64>, share: f64) -> f64 {
    assert!(!figures.is_empty(), "nothing was measured");
    figures.sort_by(f64::total_cmp);
    figures[((figures.len() - 1) as f64 * share) as usize]
}

/// The same for spans that follow one another, by time and not by number: for `share` of the time the span under way was
/// shorter. A thousand short ones do not hide a long one.
pub(crate) fn percentile_of_time(mut spans: Vec<f64>, share: f64) -> f64 {
    assert!(!spans.is_empty(), "nothing was measured");
    spans.sort_by(f64::total_cmp);
    let mut left = spans.iter().sum::<f64>() * share;
    let reached = spans.iter().position(|span| {
        left -= span;
        left <= 0.0
    });
    spans[reached.unwrap_or(spans.len() - 1)]
}

/// Resident bytes of this process, but for pages of files: how much of this program's own code was looked at does not count.
/// `smaps_rollup` is exact, `statm` may be off by some 100 KiB.
pub(crate) fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux 4.14 or later with /proc");
    text.lines()
        .find_map(|line| line.strip_prefix("Anonymous:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse::<usize>().ok())
        .expect("smaps_rollup has a line `Anonymous: n kB`")
        * 1024
}

/// The cores this process may use.
pub(crate) fn cores() -> CpuSet {
    sched_getaffinity(Pid::from_raw(0)).expect("a process may read its own affinity")
}

/// Keeps this thread, and what it starts later, on these cores.
pub(crate) fn use_cores(cores: &CpuSet) {
    sched_setaffinity(Pid::from_raw(0), cores).expect("a process may narrow its own affinity");
}

/// Lets this thread run on any core but those it was kept on. Where there is no other it stays.
pub(crate) fn leave_cores() {
    let mut others = CpuSet::new();
    let kept = cores();
    for core in (0..CpuSet::count()).filter(|core| !kept.is_set(*core).unwrap_or(true)) {
        others.set(core).expect("within the bounds");
    }
    let _ = sched_setaffinity(Pid::from_raw(0), &others);
}

/// Lets this process open as many files and sockets as it may; how many that is.
pub(crate) fn open_files() -> usize {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a process may ask for its limits");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("a process may raise its own limit up to the hard one");
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// The last core of `cores`, alone: interrupts and other people's work tend to be on the first.
pub(crate) fn last_core(cores: &CpuSet) -> (usize, CpuSet) {
    let last = (0..CpuSet::count())
        .rev()
        .find(|core| cores.is_set(*core).unwrap_or(false))
        .expect("a process may use at least one core");
    let mut one = CpuSet::new();
    one.set(last).expect("the core came from a set");
    (last, one)
}

/// A repeatable sequence of numbers that no branch predictor knows (xorshift64).
#[derive(Debug)]
pub(crate) struct Sequence(u64);

impl Sequence {
    /// The same sequence each time.
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// The next number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// The numbers below `count`, in an order that no prefetcher knows; the same each time.
pub(crate) fn shuffled(count: usize) -> Vec<usize> {
    let mut sequence = Sequence::new();
    let mut numbers: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        numbers.swap(last, sequence.below(last as u64 + 1) as usize);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_spread_of_samples_do_not_depend_on_their_order() {
        let samples = Samples::new(vec![4.0, 1.0, 2.0]);
        assert_eq!((samples.median(), samples.spread()), (2.0, 1.5));
    }

    #[test]
    fn a_round_that_was_slow_for_all_does_not_change_a_ratio() {
        let (mine, other) = (Samples::new(vec![2.0, 20.0, 20.0]), Samples::new(vec![1.0, 10.0, 1.0]));
        assert_eq!(mine.ratio_to(&other), 2.0);
    }

    #[test]
    fn what_one_needs_more_than_another_is_counted_round_by_round() {
        let (mine, other) = (Samples::new(vec![3.0, 13.0, 5.0]), Samples::new(vec![1.0, 10.0, 1.0]));
        assert_eq!(mine.minus(&other).median(), 3.0);
    }

    #[test]
    fn a_percentile_of_time_is_not_hidden_by_many_short_spans() {
        let mut spans = vec![1.0; 900];
        spans.push(100.0);
        assert_eq!((percentile(spans.clone(), 0.99), percentile_of_time(spans.clone(), 0.99)), (1.0, 100.0));
        assert_eq!(percentile_of_time(spans, 0.5), 1.0);
    }

    #[test]
    fn contenders_take_turns_and_the_first_turn_does_not_count() {
        let log = std::cell::RefCell::new(Vec::new());
        let contender = |column| {
            let log = &log;
            Contender::new(column, move || {
                log.borrow_mut().push(column);
                log.borrow().len() as f64
            })
        };
        let result = interleave(2, vec![contender(Column::Ours), contender(Column::Match)]);
        assert_eq!(*log.borrow(), [Column::Ours, Column::Match].repeat(3));
        assert_eq!(result[0].1.median(), 5.0, "3 and 5, not the 1 of the warm-up");
    }

    #[test]
    fn a_shuffled_row_of_numbers_has_each_once_and_not_in_order() {
        let mut numbers = shuffled(1_000);
        assert!(!numbers.is_sorted() && numbers == shuffled(1_000));
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..1_000));
    }

    #[test]
    fn memory_that_is_touched_is_resident() {
        let before = resident_bytes();
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        assert!(resident_bytes() >= before + (31 << 20));
        drop(block);
    }
}
