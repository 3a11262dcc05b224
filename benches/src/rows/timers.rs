//! A million timers. Ours belong to machines: they are started, cancelled and taken in handlers.

use std::time::Duration;

use crate::measure::{Column, Contender, Sequence, interleave};
use crate::options::Size;
use crate::ours;
use crate::peers::delay_queue;
use crate::table::{Check, Row};

/// `start + cancel`: one timer after another while a million wait. `start all + cancel all`: the million, ours by two
/// messages to each of a million machines. `fired`: from the moment all are started until all have fired, by the real
/// clock (sleeping is free); ours ends when the timer's message stands in the run queue. `fired and handled`: each timer
/// is taken by a point of its own, which beside the `DelayQueue` belongs to the stripped loop.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    let count = size.of(1_000_000);
    vec![
        Row {
            name: "timer: start + cancel",
            unit: "ns/pair",
            samples: interleave(
                size.rounds,
                vec![
                    Contender::new(Column::Ours, || ours::timers::pairs(count, count)),
                    Contender::new(Column::DelayQueue, || delay_queue::pairs(count, count)),
                ],
            ),
            checks: vec![Check::TimesAsFast { column: Column::DelayQueue, factor: 1.5, aim: None }],
        },
        Row {
            name: "timers: start all + cancel all",
            unit: "ns/pair",
            samples: interleave(
                size.rounds,
                vec![
                    Contender::new(Column::Ours, || ours::timers::all(count)),
                    Contender::new(Column::DelayQueue, || delay_queue::all(count)),
                ],
            ),
            checks: Vec::new(),
        },
        fired("timer: fired", size, ours::timers::fired_alone, delay_queue::fired_alone),
        fired("timer: fired and handled", size, ours::timers::fired_and_handled, delay_queue::fired_and_handled),
    ]
}

type Fired = fn(usize, Duration) -> f64;

fn fired(name: &'static str, size: &Size, ours: Fired, delay_queue: Fired) -> Row {
    let count = size.of(1_000_000);
    let span = Duration::from_millis(size.of(1_000) as u64);
    Row {
        name,
        unit: "cpu-ns",
        samples: interleave(
            size.few_rounds(),
            vec![
                Contender::new(Column::Ours, || ours(count, span)),
                Contender::new(Column::DelayQueue, || delay_queue(count, span)),
            ],
        ),
        checks: vec![Check::AtMost { column: Column::DelayQueue, factor: 0.5 }],
    }
}

/// A deadline that does not come while we measure.
pub(crate) fn pending_for(sequence: &mut Sequence) -> Duration {
    Duration::from_millis(60_000 + sequence.below(3_600_000))
}

/// The usual time-out of a request: 1 to 31 s.
pub(crate) fn short(sequence: &mut Sequence) -> Duration {
    Duration::from_millis(1_000 + sequence.below(30_000))
}

/// Some time in `span`, which begins late enough that all timers can be started before it.
pub(crate) fn fired_after(sequence: &mut Sequence, span: Duration) -> Duration {
    span / 2 + Duration::from_micros(sequence.below(span.as_micros() as u64))
}
