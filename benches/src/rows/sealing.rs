//! Frames sealed and opened again, without sockets: ours with all that a link does besides.
//!
//! The packages beside it seal one text at a time, so their figures are the same in both rows of a size. ring and
//! chacha20poly1305 use nonces of 12 bytes, which is a little less work than the 24 of crypto_box and of ours.

use crate::measure::{Column, Contender, interleave};
use crate::options::Size;
use crate::ours;
use crate::peers::{aead, noise};
use crate::table::Row;

/// Frames that wait together in the rows that say so.
const TOGETHER: usize = 16;

/// Each size, one at a time and several at once.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    vec![
        row("frame of 64 B", size, 64, 10_000, 1),
        row("frame of 64 B, 16 at once", size, 64, 32_000, TOGETHER),
        row("frame of 1 KiB", size, 1_024, 8_000, 1),
        row("frame of 1 KiB, 16 at once", size, 1_024, 16_000, TOGETHER),
        row("frame of 64 KiB", size, 65_536, 320, 1),
        row("frame of 64 KiB, 16 at once", size, 65_536, 320, TOGETHER),
    ]
}

fn row(name: &'static str, size: &Size, bytes: usize, count: usize, together: usize) -> Row {
    let count = size.of(count);
    let contender =
        |column, run: fn(usize, usize, usize) -> f64| Contender::new(column, move || run(bytes, count, together));
    let samples = interleave(
        size.rounds,
        vec![
            contender(Column::Ours, ours::frames::frames),
            contender(Column::CryptoBox, aead::crypto_box),
            contender(Column::ChaCha, aead::chacha20poly1305),
            contender(Column::Ring, aead::ring),
            contender(Column::Snow, noise::frames),
        ],
    );
    Row { name, unit: "ns", samples, checks: Vec::new() }
}
