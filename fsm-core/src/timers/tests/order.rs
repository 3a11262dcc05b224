//! In which order due timers are given.

use super::*;

#[test]
fn due_timers_come_by_tick_and_within_a_tick_as_they_were_started() {
    let mut world = World::new(1);
    for (key, deadline) in [30, 10, 20, 10, 30, 20, 10].into_iter().enumerate() {
        world.start(0, key as u64, milliseconds(deadline), key as u64);
    }
    assert_eq!(world.advance(milliseconds(30)), [1, 3, 6, 2, 5, 0, 4]);
}

#[test]
fn deadlines_within_one_tick_come_as_they_were_started() {
    let mut world = World::new(1);
    world.start(0, 1, nanoseconds(5 * TICK), 1);
    world.start(0, 2, nanoseconds(5 * TICK - 900), 2);
    world.start(0, 3, nanoseconds(4 * TICK + 1), 3);
    assert_eq!(world.advance(milliseconds(5)), [1, 2, 3]);
}

#[test]
fn starting_anew_moves_a_timer_behind_the_others_of_its_tick() {
    let mut world = World::new(1);
    (1..=3).for_each(|key| {
        world.start(0, key, milliseconds(5), key);
    });
    world.start(0, 1, milliseconds(5), 1);
    assert_eq!(world.advance(milliseconds(5)), [2, 3, 1]);
}

/// One timer of a tick is started at each level from which the tick can be reached, then a second one after the step.
#[test]
fn the_order_of_start_outlives_every_cascade() {
    let deadline = (3u64 << 40) + (5 << 30) + (7 << 24) + (9 << 18) + (11 << 12) + (13 << 6) + 21;
    let mut world = World::new(1);
    let mut expected = Vec::new();
    for bits in [44, 41, 36, 30, 24, 18, 12, 6, 3, 0] {
        let clock = if bits == 44 { 0 } else { deadline >> bits << bits };
        for step in [clock.saturating_sub(1), clock] {
            assert_eq!(world.advance(milliseconds(step)), if step == deadline { &expected[..] } else { &[] });
            if step < deadline {
                let key = expected.len() as u64;
                world.start(0, key, milliseconds(deadline), key);
                expected.push(key);
            }
        }
    }
    assert_eq!(expected.len(), 19);
    assert_eq!(world.timers.len(), 0);
}

/// More timers than a block holds, some of them cancelled, before and after a cascade.
#[test]
fn holes_of_cancelled_timers_do_not_change_the_order() {
    let mut world = World::new(1);
    let mut expected: Vec<u64> = (0..200).collect();
    let mut cancel = |world: &mut World, which: fn(u64) -> bool| {
        expected.retain(|&key| !which(key) || !world.cancel(0, key));
        expected.clone()
    };
    (0..200).for_each(|key| {
        world.start(0, key, milliseconds(5_000), key);
    });
    cancel(&mut world, |key| key % 3 == 1 || (40..90).contains(&key) || key > 190);
    (200..230).for_each(|key| {
        world.start(0, key, milliseconds(5_000), key);
    });
    world.advance(milliseconds(4_999));
    let mut expected = cancel(&mut world, |key| key % 7 == 2);
    expected.extend(200..230);
    assert_eq!(world.advance(milliseconds(5_000)), expected);
}

#[test]
fn a_deadline_in_the_past_does_not_overtake_what_was_due_before() {
    let mut world = World::new(1);
    (1..=4).for_each(|key| {
        world.start(0, key, milliseconds(key * 100), key);
    });
    assert_eq!(world.expire(milliseconds(350), 1), 1);
    world.start(0, 9, milliseconds(50), 9);
    assert_eq!(world.advance(milliseconds(350)), [1, 2, 3, 9]);
}

#[test]
fn a_budget_bounds_one_call_and_the_next_goes_on_where_it_stopped() {
    for budget in 1..=7 {
        let mut world = World::new(1);
        (0..60).for_each(|key| {
            world.start(0, key, milliseconds(1 + key / 6 * 400), key);
        });
        let now = milliseconds(5_000);
        assert_eq!(world.expire(now, 0), 0);
        let mut left = 60;
        while left > 0 {
            let given = world.expire(now, budget);
            assert_eq!(given, budget.min(left));
            left -= given;
        }
        assert_eq!(world.expire(now, budget), 0);
        assert_eq!(world.advance(now), (0..60).collect::<Vec<_>>());
    }
}

#[test]
fn timers_years_away_come_in_their_order_however_the_clock_gets_there() {
    let year = 365 * 24 * 3_600_000;
    for steps in [1, 3, 1_000] {
        let mut world = World::new(1);
        let years = [500, 1, 7, 2, 300, 2, 584, 40, 3, 1];
        for (key, &years) in years.iter().enumerate() {
            world.start(0, key as u64, milliseconds(years * year), years);
        }
        let mut delivered = Vec::new();
        for step in 1..=steps {
            let clock = 584 * year / steps * step;
            let fired = world.advance(milliseconds(clock));
            assert!(fired.iter().all(|&years| years * year <= clock));
            delivered.extend(fired);
        }
        delivered.extend(world.advance(milliseconds(584 * year)));
        assert_eq!(delivered, [1, 1, 2, 2, 3, 7, 40, 300, 500, 584]);
    }
}
