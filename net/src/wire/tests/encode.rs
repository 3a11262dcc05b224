//! Sending: limits, and that a refusal leaves no trace.

use fsm_core::Address;

use super::super::{
    ADDRESSES, FrameLimit, Inbound, MAX_NUMBER, OutgoingNames, Part, Refusal, SendError, Wire, encode_message,
};
use super::{End, Random, message, point};

const PROXY: Address = Address::new(7, 3, 0);
const PEER: Address = PROXY.with_far(1);

fn end() -> End {
    End::with_default(PROXY, point(1))
}

#[test]
fn a_frame_may_be_as_large_as_the_peer_accepts_and_no_larger() {
    let limit = FrameLimit::new(100).expect("a limit");
    let mut end = end();
    // Header: array, to, from, name of two bytes, one address in an array.
    let header = 1 + 1 + 1 + 2 + 2;
    for (body, expected) in [(100 - header, Ok(())), (101 - header, Err(SendError::TooLarge { size: 101, limit: 100 }))]
    {
        let (mut names, mut out) = (OutgoingNames::new(), vec![5; 3]);
        let encoded = message("N", &vec![1; body], &[point(3)]);
        let got = encode_message(&mut end.border, &mut names, limit, PEER, point(2), &encoded, &mut out);
        assert_eq!(got, expected);
        assert_eq!(out.len(), if got.is_ok() { 3 + 4 + 100 } else { 3 });
        assert_eq!(names.len(), usize::from(got.is_ok()));
    }
}

#[test]
fn a_message_may_mention_as_many_addresses_as_the_bound_says() {
    let mut end = end();
    let listed: Vec<_> = (0..=ADDRESSES as u32).map(|slot| point(100 + slot)).collect();
    let got = end.encode(PEER, point(2), &message("N", &[1], &listed));
    assert_eq!(got, Err(SendError::TooManyAddresses { got: ADDRESSES + 1, limit: ADDRESSES }));
    assert_eq!(end.border.len(), 1);
    let frame = end.encode(PEER, point(2), &message("N", &[1], &listed[1..])).expect("within the bound");
    let mut peer = super::End::with_default(point(7), point(1));
    match peer.decode(&frame) {
        Ok(Inbound::Message { encoded, .. }) => assert_eq!(encoded.addresses.len(), ADDRESSES),
        other => panic!("expected a message, got {other:?}"),
    }
}

#[test]
fn a_target_that_is_not_behind_the_connection_is_refused_and_not_exported() {
    let mut end = end();
    let cases = [
        (point(3), Refusal::Elsewhere),
        (point(8).with_far(1), Refusal::Elsewhere),
        (Address::NONE, Refusal::Elsewhere),
        (Address::new(7, 0, 1), Refusal::Elsewhere),
        (Address::new(7, 2, 1), Refusal::Gone),
        (PROXY, Refusal::Private),
        (PROXY.with_far(MAX_NUMBER + 2), Refusal::NeverGiven),
    ];
    for (address, reason) in cases {
        let got = end.encode(address, point(2), &message("N", &[1], &[point(4)]));
        assert_eq!(got, Err(SendError::Refused { part: Part::To, address, reason }));
        assert_eq!(end.border.len(), 1, "only the default target is exported");
    }
    assert!(end.encode(PROXY.with_far(MAX_NUMBER + 1), point(2), &message("N", &[1], &[])).is_ok());
}

#[test]
fn what_the_networking_is_made_of_cannot_be_given_away() {
    let mut end = end();
    for address in [Address::DRIVER, Address::DRIVER.with_far(3), PROXY] {
        let listed = end.encode(PEER, point(2), &message("N", &[1], &[address]));
        assert_eq!(listed, Err(SendError::Refused { part: Part::Addresses, address, reason: Refusal::Private }));
        let from = end.encode(PEER, address, &message("N", &[1], &[]));
        assert_eq!(from, Err(SendError::Refused { part: Part::From, address, reason: Refusal::Private }));
    }
}

#[test]
fn an_address_from_before_a_reconnect_is_dead() {
    let mut end = end();
    let address = Address::new(7, 2, 9);
    let got = end.encode(PEER, point(2), &message("N", &[1], &[point(3), address]));
    assert_eq!(got, Err(SendError::Refused { part: Part::Addresses, address, reason: Refusal::Gone }));
    assert_eq!(end.border.read(Wire::Yours(1)), Err(Refusal::NeverGiven), "nor was anything else given");
}

#[test]
fn a_refused_message_leaves_no_trace() {
    let mut random = Random::new(4);
    let (mut sent, mut refused) = (0, 0);
    for _ in 0..300 {
        let mut end = End::with_bound(PROXY, 12);
        assert_eq!(end.border.set_default(point(1)), Ok(()));
        let mut peer = End::with_default(PROXY, point(1));
        for _ in 0..40 {
            if random.one_in(6) {
                end.border.gone(point(100 + random.below(30) as u32));
            }
            let mut address = || match random.below(30) {
                0 => Address::DRIVER,
                1 => Address::new(7, 2, 4),
                2..=4 => Address::NONE,
                5..=7 => PROXY.with_far(1 + random.below(4) as u64),
                slot => point(100 + slot as u32),
            };
            let listed: Vec<_> = (0..4).map(|_| address()).collect();
            let from = address();
            let body = vec![1; random.below(5)];
            let encoded = message(["A", "B", "C"][random.below(3)], &body, &listed);
            let before = table(&end);
            match end.encode(PEER, from, &encoded) {
                Ok(frame) => {
                    sent += 1;
                    // The peer has no exports but its default target, so addresses that went home may be refused there.
                    assert!(peer.decode(&frame).is_ok());
                    assert_eq!(peer.incoming.len(), end.outgoing.len());
                }
                Err(_) => {
                    refused += 1;
                    assert_eq!(table(&end), before);
                }
            }
        }
    }
    assert!(sent > 1_000 && refused > 1_000, "{sent} sent, {refused} refused");
}

/// All that a peer can find out about a table: what each number means, as far as this test goes.
fn table(end: &End) -> (Vec<Result<Address, Refusal>>, usize, usize) {
    let numbers = (0..16_u64).flat_map(|index| (0..40_u64).map(move |generation| index | generation << 32));
    let read = numbers.map(|number| end.border.read(Wire::Yours(number))).collect();
    (read, end.border.len(), end.outgoing.len())
}
