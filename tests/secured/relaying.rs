//! Three hosts, the middle one of which connects the others: each of its links may be of another mode.

use statepoint::Ended;
use statepoint::link::Mode;
use statepoint::prelude::*;

use crate::in_every_mode;
use crate::messages::{Bulk, Card, Note};
use crate::modes::{MODES, connect, connecting, listen, listening};
use crate::puppet::Puppet;
use crate::world::World;

in_every_mode!(a_relay_between_links_of_this_mode_and_any_other, the_end_of_one_link_is_told_over_the_other);

/// Two clients of one server, and how each knows the other.
struct Three {
    relay: Puppet,
    ann: Puppet,
    bob: Puppet,
    ann_at_relay: Address,
    relay_for_bob: Address,
    /// Bob, as Ann knows him.
    bob_for_ann: Address,
}

impl Three {
    fn new(world: &mut impl World, anns: Mode, bobs: Mode) -> Self {
        let hosts = [world.host(), world.host(), world.host()];
        let [relay, ann, bob] = hosts.map(|host| Puppet::new(world, host));
        let own = world.own(relay.host);
        let (for_ann, _) = listen(world, &relay, listening(anns, own));
        let (for_bob, _) = listen(world, &relay, listening(bobs, own));
        connect(world, &ann, connecting(anns, for_ann));
        let (_, ann_at_relay) = relay.expect::<Accepted>(world);
        let relay_for_bob = connect(world, &bob, connecting(bobs, for_bob));
        let (_, bob_at_relay) = relay.expect::<Accepted>(world);
        relay.send(world, ann_at_relay, Card::of(bob_at_relay));
        let bob_for_ann = ann.expect::<Card>(world).0.at;
        Self { relay, ann, bob, ann_at_relay, relay_for_bob, bob_for_ann }
    }
}

fn a_relay_between_links_of_this_mode_and_any_other(world: &mut impl World, mode: Mode) {
    for other in MODES {
        let Three { relay, ann, bob, bob_for_ann, .. } = Three::new(world, mode, other);
        let child = ann.child(world);
        ann.send(world, bob_for_ann, Card { at: child.address, others: vec![Some(bob_for_ann)] });
        let (card, ann_for_bob) = bob.expect::<Card>(world);
        assert_eq!(card.others, [Some(bob.address)], "an address that comes home is the original");
        for number in 0..100 {
            bob.send(world, card.at, Note { number });
            bob.send(world, ann_for_bob, Bulk::new(number, 3_000));
        }
        for number in 0..100 {
            assert_eq!(child.expect::<Note>(world), (Note { number }, bob_for_ann));
            assert_eq!(ann.expect::<Bulk>(world), (Bulk::new(number, 3_000), bob_for_ann));
        }
        assert_eq!(relay.names(), [""; 0], "{mode} and {other}");
    }
    world.finish();
}

fn the_end_of_one_link_is_told_over_the_other(world: &mut impl World, mode: Mode) {
    for other in MODES {
        let Three { relay, ann, bob, ann_at_relay, relay_for_bob, bob_for_ann } = Three::new(world, mode, other);
        ann.send(world, bob_for_ann, Note { number: 1 });
        bob.expect::<Note>(world);
        bob.send(world, relay_for_bob, Close);
        assert_eq!(bob.expect::<Closed>(world).0.reason, Ended::ByUs);
        assert_eq!(relay.expect::<Abandoned>(world).0.reason, Ended::ByPeer);
        // Ann's link stands, and Bob is not behind it any more.
        relay.send(world, ann_at_relay, Note { number: 2 });
        ann.expect::<Note>(world);
        let before = world.net_counters(relay.host).refused;
        ann.send(world, bob_for_ann, Note { number: 3 });
        relay.send(world, ann_at_relay, Note { number: 4 });
        assert_eq!(ann.expect::<Note>(world).0.number, 4);
        assert!(world.net_counters(relay.host).refused <= before + 1);
        assert_eq!((ann.names(), relay.names()), (vec![], vec![]), "{mode} and {other}");
    }
    world.finish();
}
