//! From where connections were accepted, and how many from each place.
//!
//! Who connects costs nothing to be somebody else, but has few addresses. So no address may have more connections than there
//! is still room for: one takes half of the room at the most, two a third each, and whoever comes from elsewhere finds some.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashMap;

/// What one subscriber has of addresses: one of IPv4, a network of 64 bits of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Origin(IpAddr);

impl Origin {
    pub(super) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self(ip),
            IpAddr::V6(ip) => Self(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into()),
        }
    }
}

/// How many connections there are from each origin.
#[derive(Default)]
pub(super) struct Origins {
    /// Only looked into, never walked: its order must not show.
    counts: HashMap<Origin, usize>,
}

impl Origins {
    /// How many there are from there.
    pub(super) fn count(&self, from: Origin) -> usize {
        self.counts.get(&from).copied().unwrap_or(0)
    }

    pub(super) fn begin(&mut self, from: Origin) {
        *self.counts.entry(from).or_default() += 1;
    }

    pub(super) fn end(&mut self, from: Origin) {
        if let Some(count) = self.counts.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_origin_and_nothing_is_left_of_those_who_have_gone() {
        let [one, same, other] =
            ["fd00::1", "fd00::2:3", "fd00:0:0:1::1"].map(|ip| Origin::of(ip.parse().expect("an address")));
        let mut origins = Origins::default();
        [one, same, other].into_iter().for_each(|from| origins.begin(from));
        assert_eq!((origins.count(one), origins.count(other)), (2, 1));
        [other, same, one].into_iter().for_each(|from| origins.end(from));
        assert!(origins.count(one) == 0 && origins.counts.is_empty());
    }
}
