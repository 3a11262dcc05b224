//! What waits to be written to one connection.

use std::collections::VecDeque;
use std::fmt;
use std::io::IoSlice;
use std::ops::Deref;

use super::error::SendError;
use super::link::{Link, LinkError, LinkState};
use super::pool::{KEPT_BYTES, Pool};

/// A chunk of this size takes no more frames, and no more bytes are merged into it.
const CHUNK: usize = KEPT_BYTES;

/// How many slices one vectored write takes.
const SLICES: usize = 64;

/// How many bytes one vectored write takes.
const WRITE: usize = 256 * 1024;

/// Where an output becomes congested, full, and normal again, in bytes that wait. `clear` < `soft` < `hard`.
///
/// ```
/// assert_eq!(statepoint::wire::Marks::default().hard, 16 * 1024 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Below this the output is normal again. 256 KiB.
    pub clear: usize,
    /// From here on it is congested. 1 MiB.
    pub soft: usize,
    /// From here on it is full and takes no more frames. 16 MiB.
    pub hard: usize,
}

impl Default for Marks {
    fn default() -> Self {
        Self { clear: 256 << 10, soft: 1 << 20, hard: 16 << 20 }
    }
}

/// How full an output is.
///
/// It becomes `Congested` at the soft mark and `Full` at the hard mark. On the way back there is a gap, so that a peer that
/// reads slowly does not cause a message for each frame: `Full` ends below the soft mark, `Congested` below the clear mark.
///
/// ```
/// use statepoint::wire::{Fill, Output};
///
/// assert_eq!(Output::default().fill(), Fill::Normal);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Fill {
    /// The peer keeps up.
    #[default]
    Normal,
    /// The peer reads more slowly than messages are sent.
    Congested,
    /// The peer reads so slowly that nothing more is taken.
    Full,
}

/// The output buffer of one connection: frames that wait for the link, and bytes that wait for the socket.
///
/// Frames are appended as they are sent; once a turn [`Self::seal`] hands them to the link, [`Self::slices`] go into one
/// vectored write, and [`Self::consume`] forgets what was written. The bytes lie in chunks of about 64 KiB that come from a
/// [`Pool`] and go back to it; an empty output holds no memory.
///
/// ```
/// use std::io::Write;
///
/// use statepoint::wire::{Clear, Output, Pool, encode_gone};
///
/// let (mut pool, mut output) = (Pool::new(), Output::default());
/// output.append(&mut pool, |out| { encode_gone(1, out); Ok(()) })?;
/// output.append(&mut pool, |out| { encode_gone(2, out); Ok(()) })?;
/// output.seal(&mut Clear, &mut pool)?;
/// let mut socket = Vec::new();
/// let written = socket.write_vectored(&output.slices())?;
/// output.consume(written, &mut pool);
/// assert_eq!(socket, [0, 0, 0, 3, 0x92, 1, 1, 0, 0, 0, 3, 0x92, 1, 2]);
/// assert!(output.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Output {
    /// Frames that the link has not seen.
    frames: VecDeque<Vec<u8>>,
    /// Bytes for the socket.
    ready: VecDeque<Vec<u8>>,
    /// How much of the first of them is written.
    written: usize,
    frames_len: usize,
    ready_len: usize,
    marks: Marks,
    fill: Fill,
}

impl Output {
    /// An empty output with these marks.
    pub fn new(marks: Marks) -> Self {
        Self { marks, ..Self::default() }
    }

    /// How many bytes wait, for the link or for the socket.
    pub fn len(&self) -> usize {
        self.frames_len + self.ready_len
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes wait for the socket.
    pub fn ready(&self) -> usize {
        self.ready_len
    }

    /// How many bytes of memory it holds besides itself. None when it is empty.
    pub fn held(&self) -> usize {
        let chunks = self.frames.capacity() + self.ready.capacity();
        let bytes: usize = self.frames.iter().chain(&self.ready).map(Vec::capacity).sum();
        chunks * size_of::<Vec<u8>>() + bytes
    }

    /// How full it is.
    pub fn fill(&self) -> Fill {
        self.fill
    }

    /// Lets `write` append whole frames. Returns how full the output has become, if that has changed.
    ///
    /// One frame may lead over the hard mark, the next is refused.
    ///
    /// # Errors
    ///
    /// The output is full, or `write` failed; then nothing was appended.
    pub fn append(
        &mut self,
        pool: &mut Pool,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), SendError>,
    ) -> Result<Option<Fill>, SendError> {
        if self.fill == Fill::Full {
            return Err(SendError::OutputFull { waiting: self.len(), limit: self.marks.hard });
        }
        let mut chunk = match self.frames.pop_back() {
            Some(chunk) if chunk.len() < CHUNK => chunk,
            full => {
                self.frames.extend(full);
                pool.take()
            }
        };
        let before = chunk.len();
        let done = write(&mut chunk);
        if done.is_err() {
            chunk.truncate(before);
        }
        self.frames_len += chunk.len() - before;
        if chunk.is_empty() {
            pool.give(chunk);
        } else {
            self.frames.push_back(chunk);
        }
        done.map(|()| self.settle())
    }

    /// Hands the frames to the link, which makes bytes for the socket of them. Waits while the link is not open yet; once it
    /// is closed, nobody takes them any more and they are dropped.
    /// Returns how full the output has become, if that has changed.
    ///
    /// # Errors
    ///
    /// The link cannot go on. The connection must be closed.
    pub fn seal(&mut self, link: &mut dyn Link, pool: &mut Pool) -> Result<Option<Fill>, LinkError> {
        if link.state() == LinkState::Open {
            while let Some(frames) = self.frames.pop_front() {
                self.frames_len -= frames.len();
                link.seal(frames, &mut self.outlet(pool))?;
            }
            self.frames = VecDeque::new();
        }
        if link.state() == LinkState::Closed {
            std::mem::take(&mut self.frames).into_iter().for_each(|chunk| pool.give(chunk));
            self.frames_len = 0;
        }
        Ok(self.settle())
    }

    /// Where a link puts what it has to say itself: its handshake, its goodbye.
    pub fn outlet<'a>(&'a mut self, pool: &'a mut Pool) -> Outlet<'a> {
        Outlet { output: self, pool }
    }

    /// What one vectored write should take: at most 64 slices and 256 KiB, in the order of the wire.
    pub fn slices(&self) -> Slices<'_> {
        let mut slices = Slices { slices: [IoSlice::new(&[]); SLICES], len: 0 };
        let (mut skip, mut room) = (self.written, WRITE);
        for (slice, chunk) in slices.slices.iter_mut().zip(&self.ready) {
            let bytes = chunk.get(skip..).unwrap_or_default();
            let bytes = &bytes[..bytes.len().min(room)];
            if bytes.is_empty() {
                break;
            }
            *slice = IoSlice::new(bytes);
            slices.len += 1;
            room -= bytes.len();
            skip = 0;
        }
        slices
    }

    /// The socket has taken `count` bytes of [`Self::slices`]. Returns how full the output has become, if that has changed.
    pub fn consume(&mut self, count: usize, pool: &mut Pool) -> Option<Fill> {
        debug_assert!(count <= self.ready_len, "the socket has taken {count} bytes of {}", self.ready_len);
        let count = count.min(self.ready_len);
        self.ready_len -= count;
        self.written += count;
        while let Some(chunk) = self.ready.pop_front() {
            if chunk.len() > self.written {
                self.ready.push_front(chunk);
                break;
            }
            self.written -= chunk.len();
            pool.give(chunk);
        }
        if self.ready.is_empty() {
            self.ready = VecDeque::new();
        }
        self.settle()
    }

    /// Forgets the frames that the link has not seen. What the link has made of earlier ones, or says itself, stays.
    pub fn clear_frames(&mut self, pool: &mut Pool) {
        std::mem::take(&mut self.frames).into_iter().for_each(|chunk| pool.give(chunk));
        self.frames_len = 0;
        self.settle();
    }

    /// The connection is over: gives all memory back.
    pub fn clear(&mut self, pool: &mut Pool) {
        let Self { frames, ready, .. } = std::mem::replace(self, Self::new(self.marks));
        frames.into_iter().chain(ready).for_each(|chunk| pool.give(chunk));
    }

    /// Works out how full it is; the new state if it is new.
    fn settle(&mut self) -> Option<Fill> {
        let (len, Marks { clear, soft, hard }) = (self.len(), self.marks);
        let fill = match self.fill {
            _ if len >= hard => Fill::Full,
            Fill::Normal if len < soft => Fill::Normal,
            Fill::Full if len >= soft => Fill::Full,
            _ if len < clear => Fill::Normal,
            _ => Fill::Congested,
        };
        (std::mem::replace(&mut self.fill, fill) != fill).then_some(fill)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("frames", &self.frames_len)
            .field("ready", &self.ready_len)
            .field("fill", &self.fill)
            .finish_non_exhaustive()
    }
}

/// The socket's end of an [`Output`], lent to a link.
///
/// ```
/// use statepoint::wire::{Output, Pool};
///
/// let (mut pool, mut output) = (Pool::new(), Output::default());
/// output.outlet(&mut pool).write(b"hello");
/// assert_eq!(output.ready(), 5);
/// ```
#[derive(Debug)]
pub struct Outlet<'a> {
    output: &'a mut Output,
    pool: &'a mut Pool,
}

impl Outlet<'_> {
    /// How many bytes wait for the socket already.
    pub fn waiting(&self) -> usize {
        self.output.ready_len
    }

    /// Appends a chunk, without a copy if it is large or if nothing else waits.
    pub fn push(&mut self, chunk: Vec<u8>) {
        match self.output.ready.back_mut() {
            // Many small chunks, one from each turn, would waste memory and slices.
            Some(last) if last.len() + chunk.len() <= CHUNK => {
                last.extend_from_slice(&chunk);
                self.output.ready_len += chunk.len();
                self.pool.give(chunk);
            }
            _ if chunk.is_empty() => self.pool.give(chunk),
            _ => {
                self.output.ready_len += chunk.len();
                self.output.ready.push_back(chunk);
            }
        }
    }

    /// Appends a copy of `bytes`.
    pub fn write(&mut self, bytes: &[u8]) {
        let mut chunk = self.pool.take();
        chunk.extend_from_slice(bytes);
        self.push(chunk);
    }

    /// An empty buffer, to be filled and pushed.
    pub fn take(&mut self) -> Vec<u8> {
        self.pool.take()
    }

    /// Gives a buffer back that is not pushed.
    pub fn give(&mut self, buffer: Vec<u8>) {
        self.pool.give(buffer);
    }
}

/// The slices of one vectored write. Dereferences to `[IoSlice]`.
///
/// ```
/// assert!(statepoint::wire::Output::default().slices().is_empty());
/// ```
#[derive(Debug)]
pub struct Slices<'a> {
    slices: [IoSlice<'a>; SLICES],
    len: usize,
}

impl<'a> Deref for Slices<'a> {
    type Target = [IoSlice<'a>];

    fn deref(&self) -> &Self::Target {
        &self.slices[..self.len]
    }
}
