//! Requests and responses of 64 bytes over loopback: what it costs that they are sealed.
//!
//! Both ends are in one thread on one core, so nobody sleeps, and what a request takes is what both ends compute. p50 is by
//! the wall clock, the rest by CPU time. Those of snow, rustls and the bare echo are the same loop written by hand, which moves
//! bytes; ours also makes messages of them and finds their receivers. So each is compared with itself unprotected.

use std::time::Duration;

use crate::measure::{Column, Contender, Samples, interleave, percentile};
use crate::options::Size;
use crate::ours;
use crate::peers::{echo, noise, tls};
use crate::table::{Check, Row};

/// What a run of requests came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// The median from a request to its response, in microseconds, when one is under way at a time.
    p50: f64,
    /// CPU nanoseconds for each request with its response, of both ends together.
    each: f64,
}

impl Measured {
    /// `spans` are the microseconds between one response and the next, `used` the CPU time for all.
    pub(crate) fn new(spans: Vec<f64>, used: Duration) -> Self {
        let each = used.as_nanos() as f64 / spans.len() as f64;
        Self { p50: percentile(spans, 0.5), each }
    }
}

/// One after the other, and 64 at once over one connection and over 64.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    let (few, many) = (size.of(10_000), size.of(64_000));
    let settings = tls::Settings::new();
    let samples = interleave(
        size.rounds,
        vec![
            Contender::new(Column::Ours, || ours::requests::requests(true, 1, 1, few).p50),
            Contender::new(Column::Clear, || ours::requests::requests(false, 1, 1, few).p50),
            Contender::new(Column::Snow, || echo::requests(noise::sessions(), few, 1).p50),
            Contender::new(Column::Rustls, || echo::requests(settings.sessions(), few, 1).p50),
            Contender::new(Column::Bare, || echo::requests((echo::Bare, echo::Bare), few, 1).p50),
        ],
    );
    let added = added(&samples);
    let together = interleave(
        size.rounds,
        vec![
            Contender::new(Column::Ours, || ours::requests::requests(true, 1, 64, many).each),
            Contender::new(Column::Clear, || ours::requests::requests(false, 1, 64, many).each),
            Contender::new(Column::Snow, || echo::requests(noise::sessions(), many, 64).each),
            Contender::new(Column::Rustls, || echo::requests(settings.sessions(), many, 64).each),
            Contender::new(Column::Bare, || echo::requests((echo::Bare, echo::Bare), many, 64).each),
        ],
    );
    let apart = interleave(
        size.rounds,
        vec![
            Contender::new(Column::Ours, || ours::requests::requests(true, 64, 1, few).each),
            Contender::new(Column::Clear, || ours::requests::requests(false, 64, 1, few).each),
        ],
    );
    vec![
        Row { name: "request and response, p50", unit: "us", samples, checks: Vec::new() },
        Row {
            name: "what protection adds to it",
            unit: "us",
            samples: added,
            checks: vec![Check::Below { most: 5.0, aim: Some(3.0) }],
        },
        Row {
            name: "64 under way",
            unit: "ns/request",
            samples: together,
            checks: vec![Check::TimesAsFast { column: Column::Clear, factor: 0.6, aim: None }],
        },
        Row { name: "64 sessions with one under way", unit: "ns/request", samples: apart, checks: Vec::new() },
    ]
}

/// Each that protects, less the same one that does not.
fn added(samples: &[(Column, Samples)]) -> Vec<(Column, Samples)> {
    let of = |wanted| samples.iter().find(|(column, _)| *column == wanted).map(|(_, samples)| samples);
    let pairs = [(Column::Ours, Column::Clear), (Column::Snow, Column::Bare), (Column::Rustls, Column::Bare)];
    let added = pairs.into_iter().filter_map(|(column, clear)| Some((column, of(column)?.minus(of(clear)?))));
    added.collect()
}
