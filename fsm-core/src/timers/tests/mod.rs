//! One test for each promise of the timers; `model` compares whole histories with a specification.

mod model;
mod order;
mod tickets;

use core::time::Duration;
use std::collections::VecDeque;

use super::{Charge, Entry, LAST_TICK, NIL, Started, TICK, Ticket, Timers};
use crate::Message;
use crate::body::Body;
use crate::moment::Moment;

/// The body of all timers here: a number to tell them apart.
#[derive(Debug, Message)]
#[message(name = "statepoint.test.Mark", local)]
struct Mark(u64);

/// What is delivered when nothing is due.
const NOTHING: [u64; 0] = [];

fn mark(number: u64) -> Body {
    Body::new(Mark(number))
}

fn number(body: Body) -> u64 {
    match body.open::<Mark>() {
        Ok(Mark(number)) => number,
        Err(_) => panic!("a timer delivered a body that nobody gave it"),
    }
}

fn repeat(period: Duration, number: u64) -> Charge {
    let again = Box::new(move || mark(number));
    Charge::Repeat { period, again }
}

fn milliseconds(count: u64) -> Moment {
    Moment::from_nanos(count * TICK)
}

fn nanoseconds(count: u64) -> Moment {
    Moment::from_nanos(count)
}

/// Timers, the points that have them, and the tickets that were given out.
struct World {
    timers: Timers,
    heads: Vec<u32>,
    tickets: VecDeque<Ticket>,
}

impl World {
    fn new(points: usize) -> World {
        World { timers: Timers::new(), heads: vec![NIL; points], tickets: VecDeque::new() }
    }

    fn charge(&mut self, point: usize, key: u64, deadline: Moment, charge: Charge) -> Started {
        self.timers.start(&mut self.heads[point], point as u32, key, deadline, charge)
    }

    /// Starts a timer that delivers `number` once.
    fn start(&mut self, point: usize, key: u64, deadline: Moment, number: u64) -> Started {
        self.charge(point, key, deadline, Charge::Once(mark(number)))
    }

    fn cancel(&mut self, point: usize, key: u64) -> bool {
        self.timers.cancel(&mut self.heads[point], key)
    }

    fn cancel_all(&mut self, point: usize) -> usize {
        self.timers.cancel_all(&mut self.heads[point])
    }

    fn count(&self, point: usize) -> usize {
        self.timers.count(self.heads[point])
    }

    fn expire(&mut self, now: Moment, budget: usize) -> usize {
        let World { timers, tickets, .. } = self;
        let before = tickets.len();
        let given = timers.expire(now, budget, &mut |ticket| tickets.push_back(ticket));
        assert_eq!(tickets.len() - before, given, "what expire returns is what it gave");
        given
    }

    /// Claims one ticket: point, key, number of the body.
    fn claim(&mut self, ticket: Ticket, now: Moment) -> Option<(u32, u64, u64)> {
        let Ticket { owner, index, generation } = ticket;
        let head = &mut self.heads[owner as usize];
        let (key, body) = self.timers.claim(head, index, generation, now)?;
        Some((owner, key, number(body)))
    }

    /// Expires without a bound and claims at once: the numbers that are delivered.
    fn advance(&mut self, now: Moment) -> Vec<u64> {
        self.expire(now, usize::MAX);
        let mut numbers = Vec::new();
        while let Some(ticket) = self.tickets.pop_front() {
            numbers.extend(self.claim(ticket, now).map(|(_, _, number)| number));
        }
        numbers
    }

    fn next(&self) -> Option<Moment> {
        self.timers.next_deadline()
    }
}

#[test]
fn an_entry_fills_one_cache_line() {
    assert_eq!((size_of::<Entry>(), align_of::<Entry>()), (64, 64));
}

#[test]
fn a_timer_never_fires_before_its_deadline_and_fires_at_the_tick_that_follows_it() {
    for deadline in [1, TICK - 1, TICK, TICK + 1, 5 * TICK - 1, 5 * TICK, 70 * TICK + 3] {
        let tick = deadline.div_ceil(TICK) * TICK;
        let mut world = World::new(1);
        world.start(0, 1, nanoseconds(deadline), 7);
        assert_eq!(world.advance(nanoseconds(deadline - 1)), NOTHING);
        assert_eq!(world.advance(nanoseconds(tick - 1)), NOTHING);
        assert_eq!(world.advance(nanoseconds(tick)), [7]);
    }
}

#[test]
fn a_timer_of_no_duration_fires_at_the_next_expire_even_within_the_tick() {
    let mut world = World::new(1);
    let now = nanoseconds(3 * TICK + 500);
    world.advance(now);
    world.start(0, 1, now + Duration::ZERO, 7);
    assert_eq!(world.next(), Some(milliseconds(3)));
    assert_eq!(world.advance(now), [7]);
}

#[test]
fn a_deadline_in_the_past_is_due_at_once() {
    let mut world = World::new(1);
    world.advance(milliseconds(1_000));
    world.start(0, 1, milliseconds(3), 7);
    assert_eq!(world.advance(milliseconds(1_000)), [7]);
}

#[test]
fn the_clock_never_goes_back() {
    let mut world = World::new(1);
    world.advance(milliseconds(100));
    world.advance(milliseconds(20));
    world.start(0, 1, milliseconds(90), 1);
    world.start(0, 2, milliseconds(101), 2);
    assert_eq!(world.advance(Moment::ZERO), [1]);
    assert_eq!(world.advance(milliseconds(101)), [2]);
}

#[test]
fn starting_anew_replaces_deadline_and_body() {
    let mut world = World::new(1);
    assert_eq!(world.start(0, 1, milliseconds(10), 1), Started::New);
    assert_eq!(world.start(0, 1, milliseconds(30), 2), Started::Again);
    assert_eq!((world.timers.len(), world.count(0)), (1, 1));
    assert_eq!(world.advance(milliseconds(29)), NOTHING);
    assert_eq!(world.advance(milliseconds(30)), [2]);
    assert_eq!(world.start(0, 1, milliseconds(40), 3), Started::New);
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let mut world = World::new(1);
    world.start(0, 1, milliseconds(10), 1);
    world.start(0, 2, milliseconds(10), 2);
    world.start(0, 3, milliseconds(10), 3);
    assert!(world.cancel(0, 2));
    assert!(!world.cancel(0, 2));
    assert!(!world.cancel(0, 9));
    assert_eq!(world.advance(milliseconds(10)), [1, 3]);
    assert!(!world.cancel(0, 1));
}

#[test]
fn points_with_the_same_keys_do_not_touch_each_other() {
    let mut world = World::new(3);
    for point in 0..3 {
        for key in 0..4 {
            world.start(point, key, milliseconds(5), point as u64 * 10 + key);
        }
    }
    assert_eq!((world.timers.len(), world.count(1)), (12, 4));
    assert_eq!(world.cancel_all(1), 4);
    assert_eq!(world.cancel_all(1), 0);
    assert_eq!((world.timers.len(), world.count(0), world.count(1), world.count(2)), (8, 4, 0, 4));
    assert!(world.cancel(2, 1));
    assert_eq!(world.advance(milliseconds(5)), [0, 1, 2, 3, 20, 22, 23]);
    assert_eq!((world.timers.len(), world.count(0), world.count(2)), (0, 0, 0));
}

#[test]
fn the_next_deadline_is_exact_and_none_when_nothing_is_armed() {
    let mut world = World::new(1);
    assert_eq!(world.next(), None);
    world.start(0, 1, nanoseconds(40 * TICK - 5), 1);
    assert_eq!(world.next(), Some(milliseconds(40)));
    world.start(0, 2, milliseconds(12), 2);
    assert_eq!(world.next(), Some(milliseconds(12)));
    world.cancel(0, 2);
    assert_eq!(world.next(), Some(milliseconds(40)));
    world.expire(milliseconds(40), 1);
    assert_eq!(world.next(), None, "a timer that was given out is not armed");
    assert_eq!(world.timers.len(), 1, "but there is one until it is claimed");
    world.advance(milliseconds(90));
    world.start(0, 1, milliseconds(100), 1);
    world.start(0, 2, milliseconds(110), 2);
    world.cancel(0, 1);
    let exact = Some(milliseconds(110));
    assert_eq!(world.next(), exact, "90 and 110 are in one turn of 64 ticks");
}

#[test]
fn the_next_deadline_leads_to_every_timer_in_few_steps_though_others_were_cancelled() {
    let mut world = World::new(1);
    for exponent in 0..44 {
        world.start(0, exponent, milliseconds((1 << exponent) + 1), exponent);
        world.start(0, 100 + exponent, milliseconds(1 << exponent), 0);
    }
    (0..44).for_each(|exponent| assert!(world.cancel(0, 100 + exponent)));
    for exponent in 0..44 {
        let deadline = milliseconds((1 << exponent) + 1);
        let mut delivered = Vec::new();
        for _ in 0..2 {
            let next = world.next().expect("one is armed");
            assert!(next <= deadline, "{next:?} is later than {deadline:?}");
            delivered.extend(world.advance(next));
            if !delivered.is_empty() {
                break;
            }
        }
        assert_eq!(delivered, [exponent]);
    }
}

#[test]
fn a_deadline_behind_the_end_of_the_clock_never_comes_and_can_be_cancelled() {
    let mut world = World::new(1);
    world.start(0, 1, Moment::ZERO + Duration::MAX, 1);
    world.start(0, 2, nanoseconds(LAST_TICK * TICK), 2);
    assert_eq!(world.next(), Some(nanoseconds(LAST_TICK * TICK)));
    assert_eq!(world.advance(nanoseconds(u64::MAX)), [2]);
    assert_eq!(world.next(), None, "a driver that jumps to the next deadline comes to its end");
    assert_eq!(world.timers.len(), 1);
    assert_eq!(world.start(0, 1, Moment::ZERO, 3), Started::Again);
    assert_eq!(world.advance(nanoseconds(u64::MAX)), [3]);
    world.start(0, 1, Moment::ZERO + Duration::MAX, 4);
    assert_eq!(world.advance(nanoseconds(u64::MAX)), NOTHING, "not even at the last moment");
}

#[test]
fn memory_is_bounded_by_the_timers_alive_at_once() {
    let mut world = World::new(20);
    for round in 0..20_000u64 {
        let point = (round % 20) as usize;
        world.cancel(point, 1);
        let deadline = milliseconds(round + round * 7919 % 5_000);
        world.start(point, 1, deadline, round);
        if round % 10 == 0 {
            world.advance(milliseconds(round));
        }
    }
    assert!(world.timers.entries.len() <= 20);
    assert!(world.timers.wheel.blocks() <= 20);
}
