//! From a message's id to its column in a machine's table.

use crate::name::MessageId;

/// A hash table of message ids, filled while compiling.
///
/// Ids are hashes already, so their low bits are the place; a taken place moves on to the next one. Unlike a perfect hash
/// it takes no search to build, so a machine with hundreds of messages still compiles at once.
///
/// `N` is a power of two, at least twice the number of messages.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::macros::Columns;
///
/// const COLUMNS: Columns<8> = Columns::new(&[10, 20, 30]);
/// assert_eq!(COLUMNS.find(20), Some(1));
/// assert_eq!(COLUMNS.find(40), None);
/// ```
#[derive(Debug)]
pub struct Columns<const N: usize> {
    /// In an empty place stands an id whose own place is another, so that the first look needs no second one.
    ids: [MessageId; N],
    columns: [u16; N],
}

/// The column of an empty place.
const EMPTY: u16 = u16::MAX;

impl<const N: usize> Columns<N> {
    /// The table of `ids`: the first has column 0.
    ///
    /// # Panics
    ///
    /// While compiling: two messages of one machine have the same id (rename one of them), or `N` is too small.
    pub const fn new(ids: &[MessageId]) -> Self {
        assert!(
            N > 1 && N.is_power_of_two() && ids.len() * 2 <= N && ids.len() < EMPTY as usize,
            "a table is at most half full"
        );
        let mut table = Self { ids: [0; N], columns: [EMPTY; N] };
        table.ids[0] = 1; // the own place of the other 0s
        let mut column = 0;
        while column < ids.len() {
            let mut place = ids[column] as usize & (N - 1);
            while table.columns[place] != EMPTY {
                assert!(table.ids[place] != ids[column], "two messages of this machine have the same name");
                place = (place + 1) & (N - 1);
            }
            table.ids[place] = ids[column];
            table.columns[place] = column as u16;
            column += 1;
        }
        table
    }

    /// The column of the message `id`.
    #[inline]
    pub fn find(&self, id: MessageId) -> Option<usize> {
        let place = id as usize & (N - 1);
        if self.ids[place] == id {
            return Some(usize::from(self.columns[place]));
        }
        self.find_behind(place, id)
    }

    /// Looks from `place` on, where another id stands.
    #[cold]
    #[inline(never)]
    fn find_behind(&self, mut place: usize, id: MessageId) -> Option<usize> {
        while self.columns[place] != EMPTY {
            if self.ids[place] == id {
                return Some(usize::from(self.columns[place]));
            }
            place = (place + 1) & (N - 1);
        }
        None
    }
}

/// The column of the message that once had the name with this id.
#[cold]
pub fn former(id: MessageId, also: &[&'static [MessageId]]) -> Option<usize> {
    also.iter().position(|ids| ids.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_also_when_all_fall_into_one_place() {
        const IDS: [MessageId; 4] = [8, 16, 24, 32];
        const COLUMNS: Columns<8> = Columns::new(&IDS);
        for (column, id) in IDS.iter().enumerate() {
            assert_eq!(COLUMNS.find(*id), Some(column));
        }
        assert_eq!(COLUMNS.find(40), None);
    }

    #[test]
    fn an_id_of_zero_is_an_id_like_any_other() {
        const COLUMNS: Columns<2> = Columns::new(&[0]);
        assert_eq!(COLUMNS.find(0), Some(0));
        assert_eq!(Columns::<2>::new(&[1]).find(0), None);
    }

    #[test]
    fn what_stands_in_an_empty_place_is_no_message() {
        for ids in [&[][..], &[2], &[3], &[4], &[5], &[2, 4], &[3, 7]] {
            let columns = Columns::<4>::new(ids);
            let found = (0..16).filter(|id| columns.find(*id).is_some());
            assert_eq!(found.collect::<Vec<_>>(), ids);
        }
    }

    #[test]
    fn a_former_name_leads_to_the_column_of_its_message() {
        assert_eq!(former(7, &[&[], &[6, 7]]), Some(1));
        assert_eq!(former(8, &[&[], &[6, 7]]), None);
    }
}
