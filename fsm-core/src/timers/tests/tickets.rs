//! What a ticket claims, and what it no longer does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

const NOW: Moment = Moment::from_nanos(10 * TICK);

/// A world where the timer `key` 1 of point 0 is due, and its ticket.
fn due(charge: Charge) -> (World, Ticket) {
    let mut world = World::new(2);
    world.charge(0, 1, NOW, charge);
    let ticket = give(&mut world, NOW);
    (world, ticket)
}

fn give(world: &mut World, now: Moment) -> Ticket {
    assert_eq!(world.expire(now, usize::MAX), 1);
    world.tickets.pop_front().expect("one was given")
}

fn both() -> [Charge; 2] {
    [Charge::Once(mark(1)), repeat(Duration::from_millis(10), 1)]
}

#[test]
fn a_ticket_claims_its_timer_once() {
    for charge in both() {
        let (mut world, ticket) = due(charge);
        assert_eq!(world.claim(ticket, NOW), Some((0, 1, 1)));
        assert_eq!(world.claim(ticket, NOW), None);
    }
}

#[test]
fn a_timer_that_was_given_but_not_claimed_is_still_one_of_its_point() {
    let (mut world, ticket) = due(Charge::Once(mark(1)));
    assert_eq!((world.timers.len(), world.count(0)), (1, 1));
    world.claim(ticket, NOW);
    assert_eq!((world.timers.len(), world.count(0)), (0, 0));
}

#[test]
fn a_timer_cancelled_when_it_was_already_queued_is_never_delivered() {
    for charge in both() {
        let (mut world, ticket) = due(charge);
        assert!(world.cancel(0, 1));
        assert_eq!(world.claim(ticket, NOW), None);
        assert_eq!(world.timers.len(), 0);
    }
}

#[test]
fn timers_queued_for_a_point_that_has_ended_are_never_delivered() {
    for charge in both() {
        let (mut world, ticket) = due(charge);
        world.start(0, 2, milliseconds(50), 2);
        assert_eq!(world.cancel_all(0), 2);
        assert_eq!(world.claim(ticket, NOW), None);
        assert_eq!(world.advance(milliseconds(100)), NOTHING);
    }
}

#[test]
fn a_timer_started_anew_is_claimed_by_its_new_ticket_only() {
    for charge in both() {
        let (mut world, ticket) = due(charge);
        assert_eq!(world.start(0, 1, milliseconds(20), 2), Started::Again);
        assert_eq!(world.claim(ticket, NOW), None);
        let later = give(&mut world, milliseconds(20));
        assert_eq!(world.claim(ticket, NOW), None);
        assert_eq!(world.claim(later, milliseconds(20)), Some((0, 1, 2)));
    }
}

#[test]
fn a_ticket_does_not_claim_the_timer_that_took_its_entry_over() {
    let (mut world, ticket) = due(Charge::Once(mark(1)));
    world.cancel(0, 1);
    world.start(1, 5, milliseconds(20), 2);
    let later = give(&mut world, milliseconds(20));
    assert_eq!(later.index, ticket.index);
    assert!(later.generation > ticket.generation);
    let stale = Ticket { owner: 1, ..ticket };
    assert_eq!(world.claim(stale, NOW), None);
    assert_eq!(world.claim(later, NOW), Some((1, 5, 2)));
}

#[test]
fn a_ticket_that_was_never_given_claims_nothing() {
    let (mut world, ticket) = due(Charge::Once(mark(1)));
    for (index, generation) in [(ticket.index, ticket.generation + 1), (ticket.index, 0), (7, 1), (NIL, 1)] {
        let forged = Ticket { owner: 0, index, generation };
        assert_eq!(world.claim(forged, NOW), None);
    }
    assert_eq!(world.claim(ticket, NOW), Some((0, 1, 1)));
}

#[test]
fn a_timer_that_repeats_keeps_to_the_multiples_of_its_period() {
    let mut world = World::new(1);
    world.charge(0, 1, milliseconds(10), repeat(Duration::from_millis(10), 1));
    for (clock, times) in [(9, 0), (10, 1), (13, 0), (20, 1), (27, 0), (33, 1), (39, 0), (40, 1)] {
        assert_eq!(world.advance(milliseconds(clock)).len(), times, "at {clock} ms");
    }
}

#[test]
fn a_period_that_is_no_whole_number_of_ticks_does_not_drift() {
    let mut world = World::new(1);
    let period = Duration::from_nanos(2 * TICK + TICK / 3);
    world.charge(0, 1, Moment::ZERO + period, repeat(period, 1));
    let fired: usize = (0..=7_000).map(|clock| world.advance(milliseconds(clock)).len()).sum();
    assert_eq!(fired as u64, 7_000 * TICK / period.as_nanos() as u64);
}

#[test]
fn periods_that_were_missed_come_as_one() {
    let mut world = World::new(1);
    world.charge(0, 1, milliseconds(10), repeat(Duration::from_millis(10), 1));
    let ticket = give(&mut world, milliseconds(55));
    assert_eq!(world.claim(ticket, milliseconds(75)), Some((0, 1, 1)));
    assert_eq!(world.next(), Some(milliseconds(80)), "what lay before the claim is left out");
    let ticket = give(&mut world, milliseconds(90));
    assert_eq!(world.claim(ticket, Moment::ZERO), Some((0, 1, 1)));
    assert_eq!(world.next(), Some(milliseconds(100)), "the clock counts when it is later than the claim");
}

#[test]
fn a_period_shorter_than_a_tick_comes_once_in_a_tick() {
    for period in [0, 1, TICK - 1] {
        let mut world = World::new(1);
        world.charge(0, 1, milliseconds(1), repeat(Duration::from_nanos(period), 1));
        for clock in 1..50 {
            assert_eq!(world.advance(milliseconds(clock)), [1]);
            assert_eq!(world.advance(milliseconds(clock)), NOTHING);
        }
    }
}

#[test]
fn a_period_that_leads_behind_the_end_of_the_clock_comes_no_more() {
    for period in [Duration::MAX, Duration::from_nanos(u64::MAX - 5)] {
        let (mut world, ticket) = due(repeat(period, 1));
        assert_eq!(world.claim(ticket, NOW), Some((0, 1, 1)));
        assert_eq!((world.next(), world.timers.len()), (None, 1));
        assert!(world.cancel(0, 1));
    }
}

/// Sets the generation of point 0's first timer, as if it had given that many tickets.
fn wear(world: &mut World, generation: u32) {
    let index = world.heads[0] as usize;
    world.timers.entries[index].generation = generation;
}

#[test]
fn an_entry_whose_generation_is_spent_is_retired() {
    let mut world = World::new(1);
    world.start(0, 1, NOW, 1);
    wear(&mut world, u32::MAX - 1);
    let last = give(&mut world, NOW);
    assert_eq!(last.generation, u32::MAX);
    assert_eq!(world.claim(last, NOW), Some((0, 1, 1)));
    world.start(0, 1, NOW, 2);
    let fresh = give(&mut world, NOW);
    assert_ne!(fresh.index, last.index);
    assert_eq!(world.claim(last, NOW), None);
    assert_eq!(world.claim(fresh, NOW), Some((0, 1, 2)));
    assert_eq!(world.timers.entries.len(), 2);
}

#[test]
fn a_timer_moves_to_another_entry_when_the_generation_of_its_own_is_spent() {
    for repeats in [false, true] {
        let mut world = World::new(1);
        world.start(0, 7, milliseconds(1_000), 7);
        let charge = if repeats { repeat(Duration::from_millis(10), 1) } else { Charge::Once(mark(1)) };
        world.charge(0, 1, NOW, charge);
        wear(&mut world, u32::MAX - 1);
        world.start(0, 8, milliseconds(1_000), 8);
        let last = give(&mut world, NOW);
        if repeats {
            assert_eq!(world.claim(last, NOW), Some((0, 1, 1)));
        } else {
            assert_eq!(world.start(0, 1, milliseconds(20), 1), Started::Again);
        }
        assert_eq!((world.timers.len(), world.count(0)), (3, 3));
        assert_eq!(world.claim(last, NOW), None);
        let fresh = give(&mut world, milliseconds(20));
        assert_ne!(fresh.index, last.index);
        assert_eq!(world.claim(fresh, milliseconds(20)), Some((0, 1, 1)));
        assert_eq!(world.cancel_all(0), if repeats { 3 } else { 2 });
    }
}

/// A body that panics when it is dropped.
#[derive(Message)]
#[message(name = "statepoint.test.Bomb", local)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Runs user code that panics. The message on the terminal is part of the run.
fn panics(action: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(action)).is_err());
}

#[test]
fn a_body_that_panics_when_dropped_leaves_the_timers_whole() {
    let mut world = World::new(1);
    for key in [1, 2, 3] {
        world.start(0, key, milliseconds(20), key);
    }
    for (key, before) in [(2, 2), (9, 3)] {
        world.charge(0, key, milliseconds(15), Charge::Once(Body::new(Bomb)));
        panics(|| assert!(world.cancel(0, key)));
        assert_eq!((world.timers.len(), world.count(0)), (before, before));
        world.start(0, 2, milliseconds(20), 2);
    }
    world.charge(0, 1, NOW, Charge::Once(Body::new(Bomb)));
    panics(|| {
        world.start(0, 1, milliseconds(20), 4);
    });
    world.charge(0, 5, NOW, Charge::Once(Body::new(Bomb)));
    panics(|| {
        world.cancel_all(0);
    });
    assert_eq!(world.count(0), 3);
    assert_eq!(world.advance(milliseconds(20)), [3, 2, 4]);
}

#[test]
fn a_repeating_timer_whose_body_cannot_be_made_can_still_be_cancelled() {
    let again = Box::new(|| panic!("not made"));
    let (mut world, ticket) = due(Charge::Repeat { period: Duration::from_millis(5), again });
    panics(|| {
        world.claim(ticket, NOW);
    });
    assert_eq!((world.count(0), world.next()), (1, Some(milliseconds(15))));
    assert_eq!(world.cancel_all(0), 1);
    assert_eq!(world.next(), None);
}
