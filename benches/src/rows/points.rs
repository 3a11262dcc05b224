//! A million idle points: what one costs in memory besides its struct, and how long it takes to make one.
//!
//! Each sample is a process of its own, so that each contender begins with an empty heap. A point has had one message (ours
//! its `Start`) before it counts as idle.

use crate::measure::{Column, Contender, cpu_time, interleave, resident_bytes};
use crate::options::Size;
use crate::ours;
use crate::peers::{boxed, mpsc, stripped};
use crate::table::{Check, Row};

/// Bytes for a small and for a larger struct, and the time for the small one.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    vec![
        row("point with a struct of 8 B", size, 1, Figure::Bytes),
        row("point with a struct of 40 B", size, 5, Figure::Bytes),
        row("point, to create", size, 1, Figure::Nanoseconds),
    ]
}

/// Which of a child's two figures a row is about.
#[derive(Clone, Copy)]
enum Figure {
    Bytes,
    Nanoseconds,
}

fn row(name: &'static str, size: &Size, words: usize, figure: Figure) -> Row {
    let count = size.of(1_000_000);
    let contender = |column| {
        Contender::new(column, move || {
            let (bytes, nanoseconds) = measured_in_a_child(column, words, count);
            match figure {
                Figure::Bytes => bytes,
                Figure::Nanoseconds => nanoseconds,
            }
        })
    };
    let (unit, checks) = match figure {
        Figure::Bytes => ("bytes besides it", vec![Check::Below { most: 72.0, aim: None }]),
        Figure::Nanoseconds => ("cpu-ns", Vec::new()),
    };
    Row {
        name,
        unit,
        samples: interleave(
            size.few_rounds(),
            [Column::Ours, Column::Stripped, Column::Boxed, Column::Mpsc].map(contender).into(),
        ),
        checks,
    }
}

fn measured_in_a_child(column: Column, words: usize, count: usize) -> (f64, f64) {
    let text = super::in_a_child(&["points", column.title(), &words.to_string(), &count.to_string()]);
    let mut figures = text.split_whitespace().map(str::parse::<f64>);
    match (figures.next(), figures.next()) {
        (Some(Ok(bytes)), Some(Ok(nanoseconds))) => (bytes, nanoseconds),
        _ => panic!("a child said {text:?}"),
    }
}

/// What a child does that is to make `count` points of `words` each: bytes besides the struct and nanoseconds, for each.
pub(crate) fn child(title: &str, words: usize, count: usize) -> Option<String> {
    let column = Column::ALL.into_iter().find(|column| column.title() == title)?;
    let (bytes_before, cpu_before) = (resident_bytes(), cpu_time());
    let mut answer = None;
    let measure = || {
        let cpu = (cpu_time() - cpu_before).as_nanos() as f64 / count as f64;
        let bytes = (resident_bytes() - bytes_before) as f64 / count as f64;
        answer = Some(format!("{:.2} {cpu:.2}", bytes - (words * 8) as f64));
    };
    match (column, words) {
        (Column::Ours, 1) => ours::points::points::<1>(count, measure),
        (Column::Ours, 5) => ours::points::points::<5>(count, measure),
        (Column::Stripped, 1) => stripped::points::<1>(count, measure),
        (Column::Stripped, 5) => stripped::points::<5>(count, measure),
        (Column::Boxed, 1) => boxed::points::<1>(count, measure),
        (Column::Boxed, 5) => boxed::points::<5>(count, measure),
        (Column::Mpsc, 1) => mpsc::points::<1>(count, measure),
        (Column::Mpsc, 5) => mpsc::points::<5>(count, measure),
        _ => return None,
    }
    answer
}
