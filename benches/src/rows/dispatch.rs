//! What it costs to find and call the handler for an event: 8 states with 4 events each.
//!
//! `match` and statig take a plain enum by reference. Ours makes, sends up to the table and opens a boxed body for each
//! event, because no message comes to a machine otherwise.

use std::rc::Rc;

use crate::measure::{Column, Contender, Sequence, interleave, nanoseconds_each};
use crate::options::Size;
use crate::ours;
use crate::peers::{matched, statig};
use crate::table::Row;

/// What happens to the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The first of its kinds.
    North(u64),
    /// The second.
    East(u64),
    /// The third.
    South(u64),
    /// The fourth.
    West(u64),
}

/// What the machine computes; equal for all contenders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Touched by each `North`.
    pub(crate) north: u64,
    /// Touched by each `East`.
    pub(crate) east: u64,
    /// Touched by each `South`.
    pub(crate) south: u64,
    /// Touched by each `West`.
    pub(crate) west: u64,
}

type Run = fn(&Rc<[Event]>) -> Figures;

/// `random`: no predictor knows the next event. `cycle`: 16 events over and over.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    let count = size.of(1 << 20);
    let mut sequence = Sequence::new();
    let random: Vec<Event> = (0..count).map(|_| event(&mut sequence)).collect();
    let cycle: Vec<Event> = random.iter().copied().cycle().take(16).collect();
    let cycle: Vec<Event> = cycle.into_iter().cycle().take(count).collect();
    vec![row("dispatch random", size, random.clone()), row("dispatch cycle", size, cycle)]
}

fn event(sequence: &mut Sequence) -> Event {
    let value = sequence.below(1_000);
    match sequence.below(4) {
        0 => Event::North(value),
        1 => Event::East(value),
        2 => Event::South(value),
        _ => Event::West(value),
    }
}

fn row(name: &'static str, size: &Size, events: Vec<Event>) -> Row {
    let events: Rc<[Event]> = events.into();
    let events = &events;
    let expected = matched::run(events);
    let contender = |column, run: Run| {
        Contender::new(column, move || {
            nanoseconds_each(events.len(), || {
                let figures = run(std::hint::black_box(events));
                assert_eq!(figures, expected, "{column:?} did other work");
            })
        })
    };
    Row {
        name,
        unit: "ns",
        samples: interleave(
            size.rounds,
            vec![
                contender(Column::Ours, ours::dispatch::run),
                contender(Column::Match, matched::run),
                contender(Column::Statig, statig::run),
            ],
        ),
        checks: Vec::new(),
    }
}
