//! The wheel itself: which slot a tick belongs to, and the list of each slot.
//!
//! A tick's slot is found by comparing the tick with the wheel's position, six bits at a time: the highest group of six
//! bits in which they differ is the level, the tick's bits in that group are the slot. Three things follow from it, and
//! everything here rests on them.
//!
//! * Timers of one tick are always in one slot, whenever they were started: the slot depends on the tick and the position
//!   alone, and a slot is emptied towards the lower levels at the very step that takes the position into it. Lists grow
//!   at their ends and are moved from their beginnings, so the order of start is kept without a sequence number and
//!   without sorting.
//! * The slots of a level that are in use lie ahead of the position, and all that is on a level comes before anything on
//!   the next one. So the next slot is the lowest bit of the lowest level in use.
//! * A timer that is moved goes straight to the level it then belongs to: at most one move for each level.

use super::{Entry, NIL};

/// Bits of a tick that one level tells apart.
const BITS: u32 = 6;
/// Levels of 64 slots; together they span 2^36 ticks, which is 2.2 years.
const LEVELS: usize = 6;
/// The slot of every tick beyond the span; it counts as a level of its own.
const FAR: usize = LEVELS << BITS;

/// Timers in one block of a list: as many as fit a line of the processor's cache.
pub(super) const BLOCK: usize = 13;

/// Room for the timers of one block.
pub(super) type Batch = [u32; BLOCK];

/// The timers whose ticks belong to one slot: a list of blocks, and a tick that none of the timers precedes.
#[derive(Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
    /// The lowest tick put in since the slot was last empty. A cancelled timer does not raise it.
    earliest: u64,
}

const EMPTY: Slot = Slot { first: NIL, last: NIL, earliest: u64::MAX };

/// A part of a slot's list. Lists of blocks, and not of timers, because the timers of a slot are scattered over memory:
/// to follow a link to the next one means to wait for memory each time, while those of a block are fetched together.
#[repr(align(64))]
struct Block {
    timers: Batch,
    /// Neighbours in the list; in a block that is not in use `next` is the next such block.
    previous: u32,
    next: u32,
    /// A bit for each of `timers` that is there, in their order from the lowest bit. Zero only when it is not in use.
    live: u16,
    /// The slot.
    place: u16,
}

impl Block {
    /// Takes out the first timers, at most `most`.
    fn take<'a>(&mut self, most: usize, batch: &'a mut Batch) -> &'a [u32] {
        let mut count = 0;
        while self.live != 0 && count < most {
            batch[count] = self.timers[self.live.trailing_zeros() as usize];
            self.live &= self.live - 1;
            count += 1;
        }
        &batch[..count]
    }
}

/// The next slot in time.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    place: u16,
    /// No timer of the wheel is due before this tick. Exact on the lowest level, and elsewhere unless the timer it stems
    /// from was cancelled.
    pub(super) earliest: u64,
}

impl Stop {
    fn level(self) -> u32 {
        u32::from(self.place) >> BITS
    }

    /// Whether the timers of the slot all have the tick `earliest`, and can be given out.
    pub(super) fn is_lowest(self) -> bool {
        self.level() == 0
    }

    /// The first tick of the slot, at which its timers must move down.
    pub(super) fn begins(self) -> u64 {
        let shift = self.level() * BITS;
        self.earliest >> shift << shift
    }
}

pub(super) struct Wheel {
    /// The tick up to which the wheel has turned. No timer in it has a lower one.
    position: u64,
    /// For each level the slots that are in use; the far slot is bit 0 of the last.
    occupied: [u64; LEVELS + 1],
    slots: [Slot; FAR + 1],
    blocks: Vec<Block>,
    /// The first block that is not in use.
    vacant: u32,
}

const _: () = assert!(size_of::<Block>() == 64);

impl Wheel {
    pub(super) fn new() -> Self {
        Wheel { position: 0, occupied: [0; LEVELS + 1], slots: [EMPTY; FAR + 1], blocks: Vec::new(), vacant: NIL }
    }

    /// The slot of `tick`, which is not below the position.
    fn place(&self, tick: u64) -> usize {
        let level = ((tick ^ self.position) | 1).ilog2() / BITS;
        if level as usize >= LEVELS {
            return FAR;
        }
        (level << BITS) as usize | (tick >> (level * BITS)) as usize & 63
    }

    /// Puts a timer at the end of the list of its `tick`'s slot.
    pub(super) fn append(&mut self, entries: &mut [Entry], index: u32, tick: u64) {
        debug_assert!(tick >= self.position, "a timer is never behind the wheel");
        let place = self.place(tick);
        let slot = &mut self.slots[place];
        slot.earliest = slot.earliest.min(tick);
        let mut last = slot.last;
        let mut at = BLOCK as u32;
        if last != NIL {
            // Where cancelled timers have left the end of the block free, it is used again.
            at = u16::BITS - self.blocks[last as usize].live.leading_zeros();
        }
        if at == BLOCK as u32 {
            last = self.lengthen(place);
            at = 0;
        }
        let block = &mut self.blocks[last as usize];
        block.timers[at as usize] = index;
        block.live |= 1 << at;
        let entry = &mut entries[index as usize];
        entry.block = last;
        entry.at = at as u8;
    }

    /// Takes a timer out of the slot it is in.
    pub(super) fn unlink(&mut self, entries: &[Entry], index: u32) {
        let Entry { block, at, .. } = entries[index as usize];
        self.strike(block, u32::from(at));
    }

    /// Takes out the first timers of the slot, at most `most` and as many as a block holds. None when none are left.
    pub(super) fn take<'a>(&mut self, stop: Stop, most: usize, batch: &'a mut Batch) -> &'a [u32] {
        let first = self.slots[usize::from(stop.place)].first;
        if first == NIL {
            return &[];
        }
        let block = &mut self.blocks[first as usize];
        let taken = block.take(most, batch);
        if block.live == 0 {
            self.shorten(first);
        }
        taken
    }

    /// Takes a timer out of its block, and the block out of its list when it was the last one in it.
    fn strike(&mut self, index: u32, at: u32) {
        let block = &mut self.blocks[index as usize];
        block.live &= !(1 << at);
        if block.live == 0 {
            self.shorten(index);
        }
    }

    /// Puts a block at the end of a slot's list.
    fn lengthen(&mut self, place: usize) -> u32 {
        let slot = &mut self.slots[place];
        let block = Block { timers: [NIL; BLOCK], previous: slot.last, next: NIL, live: 0, place: place as u16 };
        let mut index = self.vacant;
        if index == NIL {
            // Fits: there are no more blocks than timers.
            index = self.blocks.len() as u32;
            self.blocks.push(block);
        } else {
            self.vacant = self.blocks[index as usize].next;
            self.blocks[index as usize] = block;
        }
        if slot.last == NIL {
            slot.first = index;
            self.occupied[place >> BITS] |= 1 << (place & 63);
        } else {
            self.blocks[slot.last as usize].next = index;
        }
        slot.last = index;
        index
    }

    /// Takes a block out of its slot's list.
    fn shorten(&mut self, index: u32) {
        let Block { previous, next, place, .. } = self.blocks[index as usize];
        let place = usize::from(place);
        let slot = &mut self.slots[place];
        if previous == NIL {
            slot.first = next;
        } else {
            self.blocks[previous as usize].next = next;
        }
        if next == NIL {
            slot.last = previous;
        } else {
            self.blocks[next as usize].previous = previous;
        }
        if slot.first == NIL {
            self.clear(place);
        }
        self.discard(index);
    }

    fn discard(&mut self, index: u32) {
        self.blocks[index as usize].next = self.vacant;
        self.vacant = index;
    }

    /// How many blocks there are, in use or not.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    fn clear(&mut self, place: usize) {
        self.slots[place] = EMPTY;
        self.occupied[place >> BITS] &= !(1 << (place & 63));
    }

    /// The slot whose timers come first; `None` when the wheel is empty.
    pub(super) fn next(&self) -> Option<Stop> {
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        let place = level << BITS | self.occupied[level].trailing_zeros() as usize;
        Some(Stop { place: place as u16, earliest: self.slots[place].earliest })
    }

    /// Turns the wheel to `tick`. Nothing may lie before it, and it may lie in no higher slot that is in use, except when
    /// `cascade` follows for that slot.
    pub(super) fn turn(&mut self, tick: u64) {
        debug_assert!(tick >= self.position, "the wheel never turns back");
        self.position = tick;
    }

    /// Moves the timers of a slot, in their order, to where they belong now that the position is inside of it.
    pub(super) fn cascade(&mut self, entries: &mut [Entry], stop: Stop) {
        let place = usize::from(stop.place);
        let mut index = self.slots[place].first;
        self.clear(place);
        let mut batch = Batch::default();
        let mut ticks = [0; BLOCK];
        while index != NIL {
            let block = &mut self.blocks[index as usize];
            let next = block.next;
            let timers = block.take(usize::MAX, &mut batch);
            self.discard(index);
            // All ticks before the first move, so that the entries of a block are fetched together.
            for (tick, timer) in ticks.iter_mut().zip(timers) {
                *tick = entries[*timer as usize].tick;
            }
            for (tick, timer) in ticks.iter().zip(timers) {
                self.append(entries, *timer, *tick);
            }
            index = next;
        }
    }
}
