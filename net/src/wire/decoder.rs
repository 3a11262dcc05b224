//! The peer's bytes cut into frames.

use std::fmt;

use super::error::FrameError;
use super::frame::FrameLimit;
use super::growth::keep;

/// Cuts a stream of bytes into frames: a length of four bytes (big-endian), then as many bytes.
///
/// Bytes in any segmentation give the same frames. A frame that lies whole in the caller's bytes is handed out as a part of
/// them, without a copy. What has come of an incomplete frame is kept in a buffer that grows as bytes arrive, never on the
/// strength of an announced length, and that is given back once the frame was handed out: an idle decoder holds no memory.
///
/// The first error stays: a stream that once was out of step is never read again.
///
/// ```
/// use statepoint::wire::{Decoder, FrameLimit};
///
/// let mut decoder = Decoder::new(FrameLimit::default());
/// let mut bytes: &[u8] = &[0, 0, 0, 2, b'h', b'i', 0, 0];
/// assert_eq!(decoder.next_frame(&mut bytes), Ok(Some(&b"hi"[..])));
/// assert_eq!(decoder.next_frame(&mut bytes), Ok(None)); // all is taken, the rest is kept
/// let mut bytes: &[u8] = &[0, 1, b'!'];
/// assert_eq!(decoder.next_frame(&mut bytes), Ok(Some(&b"!"[..])));
/// ```
pub struct Decoder {
    limit: FrameLimit,
    /// The bytes of a length that came only in part.
    prefix: [u8; 4],
    prefix_len: u8,
    /// The length of the frame that is coming, 0 before it is known.
    length: usize,
    buffer: Vec<u8>,
    /// The buffer holds a frame that the caller has seen.
    handed_out: bool,
    error: Option<FrameError>,
}

impl Decoder {
    /// A decoder for a new stream that refuses longer frames than `limit`.
    pub fn new(limit: FrameLimit) -> Self {
        Self { limit, prefix: [0; 4], prefix_len: 0, length: 0, buffer: Vec::new(), handed_out: false, error: None }
    }

    /// The next frame without its length, and `bytes` moved behind it; `None` when all of `bytes` is taken.
    ///
    /// Call it until it returns `None`: only then are all bytes taken, and the buffer of a frame that came in pieces is
    /// given back.
    ///
    /// # Errors
    ///
    /// The peer announced a frame of no bytes, or one over the limit. The error stays, and no more bytes are taken.
    pub fn next_frame<'a, 'b: 'a>(&'a mut self, bytes: &mut &'b [u8]) -> Result<Option<&'a [u8]>, FrameError> {
        if self.handed_out {
            self.handed_out = false;
            self.buffer = Vec::new();
        }
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.length == 0 {
            let Some(prefix) = self.take_prefix(bytes) else {
                return Ok(None);
            };
            self.length = self.check(prefix).inspect_err(|error| self.error = Some(*error))?;
        }
        if self.buffer.is_empty()
            && let Some((frame, rest)) = bytes.split_at_checked(self.length)
        {
            *bytes = rest;
            self.length = 0;
            return Ok(Some(frame));
        }
        let missing = self.length - self.buffer.len();
        let (come, rest) = bytes.split_at(missing.min(bytes.len()));
        *bytes = rest;
        keep(&mut self.buffer, come, self.length);
        if self.buffer.len() < self.length {
            return Ok(None);
        }
        self.length = 0;
        self.handed_out = true;
        Ok(Some(&self.buffer))
    }

    /// Whether no frame has begun. At the end of the stream, `false` means that the peer cut a frame short.
    pub fn is_idle(&self) -> bool {
        self.prefix_len == 0 && self.length == 0
    }

    /// How many bytes the frame that has begun still lacks, once its length is known.
    pub fn missing(&self) -> Option<usize> {
        (self.length > 0).then(|| self.length - self.buffer.len())
    }

    /// How many bytes of memory the decoder holds. At most the frame limit.
    pub fn held(&self) -> usize {
        self.buffer.capacity()
    }

    fn take_prefix(&mut self, bytes: &mut &[u8]) -> Option<[u8; 4]> {
        if self.prefix_len == 0
            && let Some((prefix, rest)) = bytes.split_first_chunk::<4>()
        {
            *bytes = rest;
            return Some(*prefix);
        }
        while let Some((byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.prefix[usize::from(self.prefix_len)] = *byte;
            self.prefix_len += 1;
            if self.prefix_len == 4 {
                self.prefix_len = 0;
                return Some(self.prefix);
            }
        }
        None
    }

    /// The length of a frame, tested before a single byte is allocated for it.
    fn check(&self, prefix: [u8; 4]) -> Result<usize, FrameError> {
        match u32::from_be_bytes(prefix) {
            0 => Err(FrameError::Empty),
            got if got as usize > self.limit.bytes() => {
                Err(FrameError::TooLong { got, limit: self.limit.bytes() as u32 })
            }
            got => Ok(got as usize),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("kept", &self.buffer.len())
            .field("length", &self.length)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
