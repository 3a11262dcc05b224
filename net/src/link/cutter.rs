//! A stream of bytes cut into records, and frames into portions that are one record each.

use super::record::{BATCH_BODY, BATCH_FRAMES, PREFIX};
use crate::wire::LinkError;
use crate::wire::growth::keep;

/// Where a whole record lies.
pub(super) enum Whole<'b> {
    /// Among the bytes that were read.
    Here(&'b mut [u8]),
    /// In [`Cutter::kept`], for it came in pieces.
    Kept,
}

/// Cuts a stream of bytes into records.
///
/// What has come of an incomplete record is kept in a buffer that grows as bytes arrive, never on the strength of an announced
/// length, and that is given back when the record has been used.
#[derive(Default)]
pub(super) struct Cutter {
    pub(super) kept: Vec<u8>,
    /// What is kept has been handed out.
    used: bool,
}

impl Cutter {
    /// The next whole record, its length between `least` and `most`; `None` when all of `bytes` is taken.
    pub(super) fn cut<'b>(
        &mut self,
        bytes: &mut &'b mut [u8],
        (least, most): (usize, usize),
    ) -> Result<Option<Whole<'b>>, LinkError> {
        if std::mem::take(&mut self.used) {
            self.kept = Vec::new();
        }
        let check = |prefix: [u8; PREFIX]| match u32::from_be_bytes(prefix) as usize {
            length if (least..=most).contains(&length) => Ok(PREFIX + length),
            got => {
                Err(LinkError::Malformed { expected: "a record of a length that was agreed on", got: got.to_string() })
            }
        };
        if let (true, Some(prefix)) = (self.kept.is_empty(), bytes.first_chunk()) {
            let size = check(*prefix)?;
            if bytes.len() >= size {
                let (record, rest) = std::mem::take(bytes).split_at_mut(size);
                *bytes = rest;
                return Ok(Some(Whole::Here(record)));
            }
        }
        self.keep(bytes, PREFIX);
        let Some(prefix) = self.kept.first_chunk() else { return Ok(None) };
        let size = check(*prefix)?;
        self.keep(bytes, size);
        self.used = self.kept.len() == size;
        Ok(self.used.then_some(Whole::Kept))
    }

    /// How many bytes the record that has begun still lacks, or its length does.
    pub(super) fn missing(&self) -> Option<usize> {
        let size = self.kept.first_chunk().map_or(PREFIX, |prefix| PREFIX + u32::from_be_bytes(*prefix) as usize);
        (!self.kept.is_empty() && !self.used).then(|| size - self.kept.len())
    }

    /// Keeps what has come, up to `size`.
    fn keep(&mut self, bytes: &mut &mut [u8], size: usize) {
        let count = size.saturating_sub(self.kept.len()).min(bytes.len());
        let (come, rest) = std::mem::take(bytes).split_at_mut(count);
        *bytes = rest;
        keep(&mut self.kept, come, size);
    }
}

/// How many bytes of `frames`, whole frames with their lengths, go into one record, and how many frames that is.
pub(super) fn portion(frames: &[u8], limit: usize) -> Result<(usize, usize), LinkError> {
    let (mut size, mut count) = (0, 0);
    while let Some((frame, _)) = next_frame(&frames[size..]) {
        if count == 0 && frame.len() > limit {
            return Err(LinkError::TooLarge { size: frame.len(), limit });
        }
        let next = size + PREFIX + frame.len();
        if count > 0 && (next > BATCH_BODY.min(limit) || count == BATCH_FRAMES) {
            break;
        }
        (size, count) = (next, count + 1);
    }
    match count {
        0 => Err(LinkError::Malformed { expected: "whole frames from this end's program", got: "others".into() }),
        _ => Ok((size, count)),
    }
}

/// Whether `body` is 2 to 256 frames with their lengths, none of them empty, and nothing else.
pub(super) fn is_batch(body: &[u8]) -> bool {
    let (mut rest, mut count) = (body, 0);
    while let Some((_, behind)) = next_frame(rest) {
        (rest, count) = (behind, count + 1);
    }
    rest.is_empty() && (2..=BATCH_FRAMES).contains(&count) && body.len() <= BATCH_BODY
}

/// The first frame without its length, and what is behind it. None if there is no whole one, or an empty one.
fn next_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*prefix) as usize).filter(|(frame, _)| !frame.is_empty())
}
