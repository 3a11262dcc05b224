//! Heads: what the context knows of every point.

/// No slot: the end of a list, the parent of a root point.
pub(crate) const NIL: u32 = u32::MAX;

/// The half of a point's slot that a handler may touch. 28 bytes, since there are a million of them.
#[derive(Debug)]
pub(crate) struct Head {
    /// Grows when the point ends, so that its address leads nowhere from then on.
    pub(crate) generation: u32,
    /// The low 26 bits count the messages in the run queue, the rest are flags.
    pub(crate) queued: u32,
    pub(crate) parent: u32,
    pub(crate) first_child: u32,
    pub(crate) next_sibling: u32,
    pub(crate) previous_sibling: u32,
    /// The first of the point's timers.
    pub(crate) timers: u32,
}

/// The low bits of [`Head::queued`].
pub(crate) const COUNT: u32 = (1 << 26) - 1;
/// It gets a `Returned` for each dead letter in its name.
pub(crate) const ASKS: u32 = 1 << 26;
/// The point has a backlog.
pub(crate) const BACKLOG: u32 = 1 << 27;
/// A message to it was dropped, its sender told; lasts until half of the bound is free.
pub(crate) const OVERFLOWING: u32 = 1 << 28;
/// The driver wants to know when it ends.
pub(crate) const WATCHED: u32 = 1 << 29;
/// Its parent is not told when it ends.
pub(crate) const QUIET: u32 = 1 << 30;
/// Its point has ended, and the next one is not yet born: the generation is nobody's. The count is at its highest, so
/// that whoever asks for room is sent the slow way, which looks at this flag.
pub(crate) const VACANT: u32 = 1 << 31;

/// The highest bound for messages in the run queue for one point. What no bound may refuse finds room above it.
pub(crate) const MAX_QUEUED: u32 = (1 << 24) - 1;

const _: () = assert!(core::mem::size_of::<Head>() == 28);

impl Head {
    pub(crate) const fn new(generation: u32) -> Self {
        Self {
            generation,
            queued: 0,
            parent: NIL,
            first_child: NIL,
            next_sibling: NIL,
            previous_sibling: NIL,
            timers: NIL,
        }
    }

    /// A slot without a point.
    pub(crate) const fn vacant(generation: u32) -> Self {
        Self { queued: VACANT | COUNT, ..Self::new(generation) }
    }

    #[inline]
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.queued & flag != 0
    }

    #[inline]
    pub(crate) fn set(&mut self, flag: u32) {
        self.queued |= flag;
    }

    #[inline]
    pub(crate) fn clear(&mut self, flag: u32) {
        self.queued &= !flag;
    }

    #[inline]
    pub(crate) fn count(&self) -> u32 {
        self.queued & COUNT
    }
}
