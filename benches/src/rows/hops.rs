//! Messages between points: one ball between two, one ball round a ring of 1,000, 1,000 balls round a ring of a million that
//! lies anywhere in memory, and 1,000 that send 1,000 to one.

use crate::measure::{Column, Contender, interleave};
use crate::options::Size;
use crate::ours;
use crate::peers::{boxed, mpsc, stripped};
use crate::table::{Check, Row};

const RING: usize = 1_000;

const LOCAL_HOP: Check = Check::AtMost { column: Column::Stripped, factor: 1.5 };

const PLAY: Check = Check::TimesAsFast { column: Column::Mpsc, factor: 1.5, aim: Some(2.5) };

/// A hop from one to the other and back.
pub(crate) fn ping_pong(size: &Size) -> Vec<Row> {
    let hops = size.of(2_000_000);
    let samples = interleave(
        size.rounds,
        vec![
            Contender::new(Column::Ours, || ours::hops::ping_pong(hops)),
            Contender::new(Column::Stripped, || stripped::ping_pong(hops)),
            Contender::new(Column::Boxed, || boxed::ping_pong(hops)),
            Contender::new(Column::Mpsc, || mpsc::ping_pong(hops)),
        ],
    );
    vec![Row { name: "ping-pong", unit: "ns/hop", samples, checks: vec![LOCAL_HOP, PLAY] }]
}

/// A hop to the next of the ring, with one ball and with 100 that travel as a bunch.
pub(crate) fn rings(size: &Size) -> Vec<Row> {
    vec![ring("ring of 1,000", size, 1, vec![LOCAL_HOP, PLAY]), ring("ring of 1,000, 100 balls", size, 100, Vec::new())]
}

/// A hop to the next of a ring of a million: each point, and what belongs to it, has to come from memory.
///
/// The heap that this leaves behind makes allocation cheaper for whoever is measured afterwards.
pub(crate) fn scattered(size: &Size) -> Vec<Row> {
    let (points, balls, hops) = (size.of(1_000_000), 1_000, size.of(2_000_000));
    let samples = interleave(
        size.few_rounds(),
        vec![
            Contender::new(Column::Ours, || ours::hops::scattered(points, balls, hops)),
            Contender::new(Column::Stripped, || stripped::scattered(points, balls, hops)),
        ],
    );
    vec![Row { name: "scattered ring, 1,000 balls", unit: "ns/hop", samples, checks: Vec::new() }]
}

fn ring(name: &'static str, size: &Size, balls: usize, checks: Vec<Check>) -> Row {
    let hops = size.of(2_000_000);
    let samples = interleave(
        size.rounds,
        vec![
            Contender::new(Column::Ours, || ours::hops::ring(RING, balls, hops)),
            Contender::new(Column::Stripped, || stripped::ring(RING, balls, hops)),
            Contender::new(Column::Boxed, || boxed::ring(RING, balls, hops)),
            Contender::new(Column::Mpsc, || mpsc::ring(RING, balls, hops)),
        ],
    );
    Row { name, unit: "ns/hop", samples, checks }
}

/// All messages are queued before the sink takes the first.
pub(crate) fn fan_in(size: &Size) -> Vec<Row> {
    let (producers, items) = (size.of(1_000), 1_000);
    let samples = interleave(
        size.rounds,
        vec![
            Contender::new(Column::Ours, || ours::hops::fan_in(producers, items)),
            Contender::new(Column::Stripped, || stripped::fan_in(producers, items)),
            Contender::new(Column::Boxed, || boxed::fan_in(producers, items)),
            Contender::new(Column::Mpsc, || mpsc::fan_in(producers, items)),
        ],
    );
    vec![Row {
        name: "fan-in",
        unit: "ns/message",
        samples,
        checks: vec![Check::TimesAsFast { column: Column::Mpsc, factor: 0.7, aim: Some(1.3) }],
    }]
}
