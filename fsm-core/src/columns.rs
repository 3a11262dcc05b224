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
/// use fsm_core::macros::Columns;
///
/// const COLUMNS: Columns<8> = Columns::new(&[10, 20, 30]);
/// assert_eq!(COLUMNS.find(20), Some(1));
/// assert_eq!(COLUMNS.find(40), None);
/// ```
#[derive(Debug)]
pub struct Columns<const N: usize> {
    ids: [MessageId; N],
    /// The column plus one; 0 is an empty place.
    columns: [u16; N],
}

impl<const N: usize> Columns<N> {
    /// The table of `ids`: the first has column 0.
    ///
    /// # Panics
    ///
    /// While compiling: two messages of one machine have the same id (rename one of them), or `N` is too small.
    pub const fn new(ids: &[MessageId]) -> Self {
        assert!(
            N.is_power_of_two() && ids.len() * 2 <= N && ids.len() < u16::MAX as usize,
            "a table is at most half full"
        );
        let mut table = Self { ids: [0; N], columns: [0; N] };
        let mut column = 0;
        while column < ids.len() {
            let mut place = ids[column] as usize & (N - 1);
            while table.columns[place] != 0 {
                assert!(table.ids[place] != ids[column], "two messages of this machine have the same name");
                place = (place + 1) & (N - 1);
            }
            table.ids[place] = ids[column];
            table.columns[place] = column as u16 + 1;
            column += 1;
        }
        table
    }

    /// The column of the message `id`.
    #[inline]
    pub fn find(&self, id: MessageId) -> Option<usize> {
        let mut place = id as usize & (N - 1);
        loop {
            let column = self.columns[place];
            if column == 0 {
                return None;
            }
            if self.ids[place] == id {
                return Some(usize::from(column) - 1);
            }
            place = (place + 1) & (N - 1);
        }
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
    fn a_former_name_leads_to_the_column_of_its_message() {
        assert_eq!(former(7, &[&[], &[6, 7]]), Some(1));
        assert_eq!(former(8, &[&[], &[6, 7]]), None);
    }
}
