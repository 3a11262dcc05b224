//! Buffers that are used again.

/// How many buffers a pool keeps.
const KEPT: usize = 64;

/// How large a buffer may be to be kept, in bytes.
pub(super) const KEPT_BYTES: usize = 64 * 1024;

/// Empty buffers of closed and drained outputs, for the next ones: one pool for a whole reactor. Keeps at most 4 MiB.
///
/// ```
/// use statepoint::wire::Pool;
///
/// let mut pool = Pool::new();
/// pool.give(Vec::with_capacity(1_000));
/// assert!(pool.take().capacity() >= 1_000);
/// assert_eq!(pool.take().capacity(), 0); // the pool is empty, a new buffer grows as it is filled
/// ```
#[derive(Debug, Default)]
pub struct Pool {
    buffers: Vec<Vec<u8>>,
}

impl Pool {
    /// A pool without buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer: one that was given back, or a new one that holds no memory yet.
    pub fn take(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Gives a buffer back. What is in it is forgotten; one that is too large, or too many, is freed.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < KEPT && (1..=KEPT_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }

    /// How many bytes of memory the pool keeps.
    pub fn held(&self) -> usize {
        self.buffers.iter().map(Vec::capacity).sum()
    }
}
