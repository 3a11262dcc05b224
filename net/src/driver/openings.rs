//! Peers that were accepted and have not opened their links yet.
//!
//! Such a peer costs a socket, a point and the memory of a handshake, and has proven nothing. So there may only be so many,
//! and one that comes from an address with many of them makes room for one from an address with few. One that was refused
//! counts until its socket is closed: it may have said something wrong for that purpose.

use core::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::origins::Origin;
use crate::net::Token;

/// Who has not opened its link yet, and from where.
#[derive(Default)]
pub(super) struct Openings {
    /// With their numbers. Only looked into, never walked: its order must not show.
    origins: HashMap<Token, (Origin, u64)>,
    /// By their numbers, the oldest first.
    by_origin: BTreeMap<Origin, BTreeMap<u64, Token>>,
    last: u64,
}

impl Openings {
    pub(super) fn len(&self) -> usize {
        self.origins.len()
    }

    pub(super) fn begin(&mut self, token: Token, origin: Origin) {
        self.last += 1;
        self.origins.insert(token, (origin, self.last));
        self.by_origin.entry(origin).or_default().insert(self.last, token);
    }

    /// The link is open, or never will be.
    pub(super) fn end(&mut self, token: Token) {
        let Some((origin, number)) = self.origins.remove(&token) else { return };
        let Some(tokens) = self.by_origin.get_mut(&origin) else { return };
        tokens.remove(&number);
        if tokens.is_empty() {
            self.by_origin.remove(&origin);
        }
    }

    /// Who has to go when there is no room for another one: the oldest of those from the address with the most of them, if there
    /// are at least so many. Of several such addresses, that of the oldest.
    pub(super) fn crowd_out(&mut self, least: usize) -> Option<Token> {
        let age = |tokens: &BTreeMap<u64, Token>| tokens.keys().next().map(|number| Reverse(*number));
        let most = self.by_origin.values().max_by_key(|tokens| (tokens.len(), age(tokens)))?;
        let token = *most.values().next().filter(|_| most.len() >= least)?;
        self.end(token);
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Slab;

    #[test]
    fn the_oldest_of_the_largest_crowd_goes_first() {
        let (mut slab, mut openings) = (Slab::new(), Openings::default());
        let mut begin = |from: &str| {
            let token = slab.insert(());
            openings.begin(token, Origin::of(from.parse().expect("an address")));
            token
        };
        let honest = begin("10.0.0.1");
        let crowd = [begin("fd00::1"), begin("fd00::2:3"), begin("fd00::4")];
        begin("fd00:0:0:1::1");
        assert_eq!(openings.len(), 5);
        assert_eq!(openings.crowd_out(4), None);
        assert_eq!(openings.crowd_out(3), Some(crowd[0]));
        openings.end(crowd[1]);
        openings.end(crowd[1]);
        openings.end(crowd[2]);
        openings.end(honest);
        assert_eq!(openings.len(), 1);
        openings.crowd_out(1);
        assert_eq!((openings.crowd_out(1), openings.len()), (None, 0));
        assert!(openings.by_origin.is_empty());
    }

    /// Who has many addresses gains nothing by the numbers of them.
    #[test]
    fn of_crowds_of_the_same_size_the_oldest_makes_room() {
        let (mut slab, mut openings) = (Slab::new(), Openings::default());
        let mut begin = |from: &str| {
            let token = slab.insert(());
            openings.begin(token, Origin::of(from.parse().expect("an address")));
            token
        };
        let all = ["10.0.0.5", "10.0.0.9", "10.0.0.1", "fd00::1", "10.0.0.7"].map(&mut begin);
        assert_eq!(all.map(Some), std::array::from_fn(|_| openings.crowd_out(1)));
    }
}
