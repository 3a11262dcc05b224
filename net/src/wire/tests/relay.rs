//! Ann talks to Bob through a relay that knows neither of their types.

use fsm_core::Address;

use super::super::Inbound;
use super::{End, message, point};

/// At the relay: the proxies of the connections to Ann and to Bob.
const TO_ANN: Address = Address::new(3, 1, 0);
const TO_BOB: Address = Address::new(4, 1, 0);
const HOME: Address = Address::new(7, 1, 0);

fn pass(end: &mut End, frame: &[u8]) -> (Address, Address, fsm_core::Encoded) {
    match end.decode(frame) {
        Ok(Inbound::Message { to, from, encoded }) => (to, from, encoded),
        other => panic!("expected a message, got {other:?}"),
    }
}

#[test]
fn addresses_go_two_hops_and_come_home_as_themselves_with_the_body_unchanged() {
    let (ann_target, bob_target, child) = (point(20), point(30), point(21));
    let mut ann = End::with_default(HOME, ann_target);
    let mut bob = End::with_default(HOME, bob_target);
    let (mut to_ann, mut to_bob) = (End::new(TO_ANN), End::with_default(TO_BOB, point(1)));
    // The relay's end of Ann's connection talks for Bob: its default target lies beyond the other connection.
    assert_eq!(to_ann.border.set_default(TO_BOB.with_far(1)), Ok(()));

    let body = [0x81, 0xa1, b'x', 0xd5, 1, 0, 1];
    let sent = message("intro.Introduce", &body, &[child, ann_target, HOME.with_far(1), Address::NONE]);
    let frame = ann.encode(HOME.with_far(1), ann_target, &sent).expect("to the relay");
    let (to, from, encoded) = pass(&mut to_ann, &frame);
    assert_eq!(to, TO_BOB.with_far(1), "a relay is nothing special: the target lies beyond another proxy");
    let frame = to_bob.encode(to, from, &encoded).expect("to Bob");
    let (to, from_ann, encoded) = pass(&mut bob, &frame);
    assert_eq!(to, bob_target);
    assert_eq!(encoded.bytes, body);
    let [child_at_bob, ann_at_bob, bob_at_bob, none] = encoded.addresses[..] else { panic!("{encoded:?}") };
    assert_eq!(ann_at_bob, from_ann, "the same point is the same address");
    assert_eq!(bob_at_bob, bob_target, "Bob's own address has come home to him");
    assert_eq!(none, Address::NONE);

    // Bob sends all of it back, to the child.
    let back = message("intro.Introduce", &encoded.bytes, &[child_at_bob, ann_at_bob, bob_at_bob, none]);
    let frame = bob.encode(child_at_bob, bob_at_bob, &back).expect("to the relay");
    let (to, from, encoded) = pass(&mut to_bob, &frame);
    let frame = to_ann.encode(to, from, &encoded).expect("to Ann");
    let (to, from, encoded) = pass(&mut ann, &frame);
    assert_eq!(to, child);
    assert_eq!(from, HOME.with_far(1), "Bob is who he was: the relay's default target");
    assert_eq!(encoded.addresses, [child, ann_target, HOME.with_far(1), Address::NONE]);
    assert_eq!(encoded.bytes, body);
}

#[test]
fn what_has_gone_is_told_along_the_way() {
    let (mut ann, mut bob) = (End::with_default(HOME, point(20)), End::with_default(HOME, point(30)));
    let (mut to_ann, mut to_bob) = (End::new(TO_ANN), End::new(TO_BOB));
    assert_eq!(to_ann.border.set_default(TO_BOB.with_far(1)), Ok(()));
    let frame = ann.encode(HOME.with_far(1), point(21), &message("N", &[1], &[])).expect("to the relay");
    let (to, from, encoded) = pass(&mut to_ann, &frame);
    assert!(to_bob.border.is_empty());
    let frame = to_bob.encode(to, from, &encoded).expect("to Bob");
    assert_eq!(to_bob.border.len(), 1);
    let (_, child_at_bob, _) = pass(&mut bob, &frame);

    let tell = |end: &mut End, number: u64| {
        let mut out = Vec::new();
        super::super::encode_gone(number, &mut out);
        match end.decode(&out[4..]) {
            Ok(Inbound::Gone(address)) => address,
            other => panic!("expected that something has gone, got {other:?}"),
        }
    };
    let [number] = ann.border.gone(point(21))[..] else { panic!("the child was exported once") };
    let at_relay = tell(&mut to_ann, number);
    let [number] = to_bob.border.gone(at_relay)[..] else { panic!("the relay exported it once") };
    assert_eq!(tell(&mut bob, number), child_at_bob);
    assert!(to_bob.border.is_empty());
}
