//! One export table, and a model of it.

use std::collections::BTreeMap;

use fsm_core::Address;

use super::super::{Border, EXPORTS, MAX_NUMBER, Refusal, Wire};
use super::{Random, point};

const PROXY: Address = Address::new(7, 3, 0);

#[test]
fn what_came_from_the_peer_goes_home_as_its_own_number() {
    let mut border = Border::new(PROXY);
    for number in [0, 1, 200, 1 << 40, MAX_NUMBER] {
        let address = border.read(Wire::Mine(number)).expect("any number of the peer's");
        assert_eq!(address, PROXY.with_far(number + 1));
        assert_eq!(border.write(address), Ok(Wire::Yours(number)));
    }
    assert_eq!(border.read(Wire::Mine(MAX_NUMBER + 1)), Err(Refusal::NeverGiven));
    assert!(border.is_empty(), "the peer's exports are not stored");
}

#[test]
fn no_address_stays_no_address() {
    let mut border = Border::new(PROXY);
    assert_eq!(border.write(Address::NONE), Ok(Wire::None));
    assert_eq!(border.read(Wire::None), Ok(Address::NONE));
}

#[test]
fn an_address_keeps_its_number_until_it_has_gone() {
    let mut border = Border::new(PROXY);
    let relayed = Address::new(8, 1, 5);
    assert_eq!(border.write(point(1)), Ok(Wire::Mine(1)));
    assert_eq!(border.write(relayed), Ok(Wire::Mine(2)), "an address beyond another connection is one like any other");
    assert_eq!(border.write(relayed.with_far(6)), Ok(Wire::Mine(3)));
    assert_eq!(border.write(point(1)), Ok(Wire::Mine(1)));
    assert_eq!(border.len(), 3);
    assert_eq!(border.gone(relayed), [2]);
    assert_eq!(border.gone(relayed), []);
    assert_eq!(border.len(), 2);
    let next = 2 | 1 << 32;
    assert_eq!(
        border.read(Wire::Yours(next)),
        Err(Refusal::NeverGiven),
        "the slot is free, the number was not given yet"
    );
    assert_eq!(border.write(relayed), Ok(Wire::Mine(next)), "the slot is used again, with the next generation");
    assert_eq!(border.read(Wire::Yours(2)), Err(Refusal::Gone));
    assert_eq!(border.read(Wire::Yours(next)), Ok(relayed));
}

#[test]
fn the_default_target_is_number_zero_and_set_once() {
    let mut border = Border::new(PROXY);
    assert_eq!(border.read(Wire::Yours(0)), Err(Refusal::NeverGiven));
    for never in [Address::NONE, Address::DRIVER, PROXY, PROXY.with_far(1)] {
        assert_eq!(border.set_default(never), Err(Refusal::Private));
    }
    assert_eq!(border.set_default(point(1)), Ok(()));
    assert_eq!(border.set_default(point(2)), Err(Refusal::DefaultIsSet));
    assert_eq!(border.read(Wire::Yours(0)), Ok(point(1)));
    assert_eq!(border.read(Wire::Yours(1 << 32)), Err(Refusal::NeverGiven));
    assert_eq!(border.write(point(1)), Ok(Wire::Mine(0)));
    assert_eq!(border.gone(point(1)), [0]);
    assert_eq!(border.read(Wire::Yours(0)), Err(Refusal::Gone));
    assert_eq!(border.set_default(point(2)), Err(Refusal::DefaultIsSet));
    assert_eq!(border.write(point(1)), Ok(Wire::Mine(1)), "0 is never used again");
}

#[test]
fn a_default_target_that_was_exported_before_goes_under_both_numbers() {
    let mut border = Border::new(PROXY);
    assert_eq!(border.write(point(1)), Ok(Wire::Mine(1)));
    assert_eq!(border.set_default(point(1)), Ok(()));
    assert_eq!(border.write(point(1)), Ok(Wire::Mine(1)));
    assert_eq!(border.read(Wire::Yours(0)), Ok(point(1)));
    assert_eq!(border.len(), 1);
    assert_eq!(border.gone(point(1)), [0, 1]);
    assert_eq!(border.len(), 0);
}

#[test]
fn the_table_is_bounded() {
    let mut border = Border::new(PROXY);
    assert_eq!(border.set_default(point(1)), Ok(()));
    for slot in 0..EXPORTS {
        assert!(border.write(point(10 + slot)).is_ok());
    }
    assert_eq!(border.write(point(9)), Err(Refusal::Full));
    assert_eq!(border.write(point(10)), Ok(Wire::Mine(1)), "what the peer holds can still be named");
    assert_eq!(border.gone(point(77)), [68]);
    assert_eq!(border.write(point(9)), Ok(Wire::Mine(68 | 1 << 32)));
}

#[test]
fn the_peer_can_tell_that_something_of_its_own_has_gone() {
    let border = Border::new(PROXY);
    assert_eq!(border.peer_gone(4), Some(PROXY.with_far(5)));
    assert_eq!(border.peer_gone(MAX_NUMBER + 1), None);
}

#[test]
fn what_a_message_gives_for_the_first_time_is_told_once() {
    let mut border = Border::new(PROXY);
    assert_eq!(border.set_default(point(1)), Ok(()));
    for address in [point(1), point(2), point(3).with_far(4), point(2), Address::NONE, PROXY.with_far(9)] {
        assert!(border.write(address).is_ok());
    }
    assert_eq!(border.take_fresh(), [point(2), point(3).with_far(4)]);
    assert_eq!(border.exported().collect::<Vec<_>>(), [point(2), point(3).with_far(4)]);
    assert!(border.write(point(2)).is_ok());
    assert_eq!(border.take_fresh(), []);
    assert_eq!(border.gone(point(2)), [1]);
    assert!(border.write(point(2)).is_ok());
    assert_eq!(border.take_fresh(), [point(2)], "under another number");
}

#[test]
fn a_closed_table_lets_nothing_through() {
    let mut border = Border::new(PROXY);
    assert_eq!(border.set_default(point(1)), Ok(()));
    assert_eq!(border.write(point(2)), Ok(Wire::Mine(1)));
    border.clear();
    assert!(border.is_empty());
    for wire in [Wire::Yours(0), Wire::Yours(1), Wire::Yours(2), Wire::Mine(1)] {
        assert_eq!(border.read(wire), Err(Refusal::Gone));
    }
    assert_eq!(border.write(point(2)), Err(Refusal::Gone));
    assert_eq!(border.write(PROXY.with_far(1)), Err(Refusal::Gone));
    assert_eq!(border.set_default(point(3)), Err(Refusal::Gone));
    assert_eq!(border.gone(point(1)), []);
}

/// The table as one would write it without care for memory: every number ever given, and whether it still leads there.
#[derive(Default)]
struct Model {
    given: BTreeMap<u64, (Address, bool)>,
}

impl Model {
    fn live(&self, address: Address) -> Option<u64> {
        let mut live = self.given.iter().filter(|(_, it)| **it == (address, true));
        live.next().map(|(number, _)| *number)
    }

    fn live_count(&self) -> usize {
        self.given.values().filter(|(_, live)| *live).count()
    }

    /// What lies behind one other connection takes no more than is left.
    fn has_room(&self, address: Address, bound: usize) -> bool {
        let left = bound - self.live_count();
        let beyond = |other: &Address| other.is_far() && other.near() == address.near();
        let theirs = self.given.values().filter(|(other, live)| *live && beyond(other)).count();
        left > 0 && (!address.is_far() || theirs < left)
    }

    fn read(&self, number: u64) -> Result<Address, Refusal> {
        match self.given.get(&number) {
            Some((address, true)) => Ok(*address),
            Some((_, false)) => Err(Refusal::Gone),
            None => Err(Refusal::NeverGiven),
        }
    }
}

#[test]
fn random_histories_give_what_the_model_gives_and_no_number_twice() {
    let mut random = Random::new(7);
    let (mut full, mut gone) = (0, 0);
    for _ in 0..400 {
        let bound = 1 + random.below(12);
        let mut border = Border::with_bound(PROXY, bound as u32);
        let mut model = Model::default();
        for _ in 0..150 {
            let slot = 100 + random.below(20) as u32;
            let address = if random.one_in(4) { Address::new(9, 1, u64::from(slot)) } else { point(slot) };
            match random.below(7) {
                0..=3 => match (border.write(address), model.live(address)) {
                    (Ok(Wire::Mine(number)), Some(known)) => assert_eq!(number, known),
                    (Ok(Wire::Mine(number)), None) => {
                        assert!(model.has_room(address, bound));
                        assert!(model.given.insert(number, (address, true)).is_none(), "{number} was used before");
                    }
                    (Err(Refusal::Full), None) => {
                        full += 1;
                        assert!(!model.has_room(address, bound));
                    }
                    other => panic!("{other:?}"),
                },
                4 | 5 => {
                    let known: Vec<_> = model.live(address).into_iter().collect();
                    assert_eq!(border.gone(address), known);
                    for number in known {
                        gone += 1;
                        model.given.insert(number, (address, false));
                    }
                }
                _ => {
                    // Numbers that were given, and numbers that a peer could guess.
                    let guess = (random.below(14) as u64) | (random.below(6) as u64) << 32;
                    assert_eq!(border.read(Wire::Yours(guess)), model.read(guess), "{guess:#x}");
                }
            }
            assert_eq!(border.len(), model.live_count());
        }
        for number in model.given.keys() {
            assert_eq!(border.read(Wire::Yours(*number)), model.read(*number));
        }
    }
    assert!(full > 500 && gone > 500, "{full} full, {gone} gone");
}
