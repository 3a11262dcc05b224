//! Deferral against a model: every point has one mailbox, and takes from it the first message that its state does not
//! defer. Random histories, equal logs.

extern crate fsm_core as statepoint;

mod machine;
mod model;

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use fsm_core::{Address, Kernel, Limits, Moment};

use machine::{Actor, Script, World, of_kind};
use model::Model;

const STATES: usize = 4;
/// The kinds of messages that hold scripts; behind them come the three of the kernel.
const KINDS: usize = 5;
const TIMEOUT: usize = KINDS;
const START: usize = KINDS + 1;
const STOP: usize = KINDS + 2;
const POINTS: usize = 3;

/// What each state defers.
const DEFERS: [&[usize]; STATES] = [&[1, 2], &[2, 3], &[0, 3, 4], &[]];
/// The time limits of the states, in milliseconds.
const LIMITS: [Option<u64>; STATES] = [None, Some(4), Some(3), None];

/// What a message has its receiver do.
#[derive(Debug, Clone)]
enum Act {
    Go(usize),
    Send(usize, Mail),
    Start(u64, Mail),
    Cancel(usize),
    End,
}

/// A message: its kind, a number of its own, and what it has its receiver do.
#[derive(Debug, Clone)]
struct Mail {
    kind: usize,
    serial: u64,
    acts: Vec<Act>,
}

/// A point has handled a message.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    point: usize,
    state: usize,
    kind: usize,
    serial: u64,
}

/// What `Timeout`, `Start` and `Stop` always do.
fn fixed(kind: usize) -> Mail {
    let acts = match kind {
        TIMEOUT => vec![Act::Go(0)],
        STOP => vec![Act::End],
        _ => Vec::new(),
    };
    Mail { kind, serial: 0, acts }
}

/// A history: kernel and model side by side.
struct History {
    seed: u64,
    random: u64,
    serial: u64,
    kernel: Kernel,
    world: Rc<RefCell<World>>,
    model: Model,
}

impl History {
    fn new(seed: u64) -> Self {
        let world = Rc::new(RefCell::new(World { addresses: vec![Address::NONE; POINTS], log: Vec::new() }));
        let kernel = Kernel::new(Limits::default());
        let mut history = Self { seed, random: seed, serial: 0, kernel, world, model: Model::default() };
        (0..POINTS).for_each(|point| history.create(point));
        history
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % bound
    }

    fn mail(&mut self, depth: usize) -> Mail {
        self.serial += 1;
        let serial = self.serial;
        let acts = (0..self.below(4)).map(|_| self.act(depth)).collect();
        Mail { kind: self.below(KINDS), serial, acts }
    }

    fn act(&mut self, depth: usize) -> Act {
        match self.below(40) {
            0..16 => Act::Go(self.below(STATES)),
            16..24 if depth > 0 => Act::Send(self.below(POINTS), self.mail(depth - 1)),
            24..32 if depth > 0 => Act::Start(self.below(6) as u64, self.mail(depth - 1)),
            32..39 => Act::Cancel(self.below(KINDS)),
            39 => Act::End,
            _ => Act::Go(self.below(STATES)),
        }
    }

    fn create(&mut self, point: usize) {
        let actor = Actor { point, state: 0, world: Rc::clone(&self.world) };
        self.world.borrow_mut().addresses[point] = self.kernel.create(actor);
        self.model.create(point);
    }

    /// Something happens; then the model does what the kernel did, and finds the same.
    fn step(&mut self) {
        let point = self.below(POINTS);
        match self.below(20) {
            0..11 => {
                let (mail, to) = (self.mail(2), self.world.borrow().addresses[point]);
                self.model.send(point, mail.clone());
                of_kind!(mail.kind, Kind => self.kernel.send(to, Address::NONE, Kind { 0: mail }));
            }
            11..16 => {
                let budget = self.below(12);
                self.kernel.run(budget);
            }
            16..19 => {
                let (now, budget) = (self.model.now + self.below(4) as u64, 1 + self.below(3));
                self.kernel.advance(Moment::ZERO + Duration::from_millis(now), budget);
                self.model.advance(now, budget);
            }
            _ if !self.model.mailboxes[point].alive => self.create(point),
            _ => self.step(),
        }
        self.compare();
    }

    fn compare(&mut self) {
        let log = core::mem::take(&mut self.world.borrow_mut().log);
        for entry in log {
            let expected = self.model.handle(entry.point);
            assert_eq!(Some(entry), expected, "left the kernel, right the model; seed {}", self.seed);
        }
    }

    /// Everything that can be handled is, and the same is left.
    fn finish(&mut self) {
        while self.kernel.run(100) > 0 {
            self.compare();
        }
        for point in 0..POINTS {
            assert_eq!(
                self.model.next_serial(point),
                None,
                "the kernel left what the point would take; seed {}",
                self.seed
            );
            let address = self.world.borrow().addresses[point];
            assert_eq!(self.kernel.is_alive(address), self.model.mailboxes[point].alive);
        }
        assert_eq!(self.kernel.counters().dead_letters(), self.model.dead);
        assert_eq!(self.kernel.timers(), self.model.timers.len());
    }
}

#[test]
fn to_a_point_it_is_as_if_it_had_one_mailbox() {
    let (mut handled, mut deferred, mut dead) = (0, 0, 0);
    for seed in 0..5_000 {
        let mut history = History::new(seed);
        for _ in 0..80 {
            history.step();
        }
        history.finish();
        let counters = history.kernel.counters();
        (handled, deferred, dead) =
            (handled + counters.handled, deferred + counters.deferred, dead + history.model.dead);
    }
    // Histories in which nothing happens would be equal, too.
    assert!(handled > 200_000 && deferred > 50_000 && dead > 10_000, "{handled} {deferred} {dead}");
}

#[test]
fn a_point_that_takes_up_what_it_had_deferred_lets_others_have_their_turn() {
    let world = Rc::new(RefCell::new(World::default()));
    let mut kernel = Kernel::new(Limits::default());
    let actor = |point| Actor { point, state: 0, world: Rc::clone(&world) };
    let (busy, other) = (kernel.create(actor(0)), kernel.create(actor(1)));
    let mail = |kind, acts: &[Act]| Mail { kind, serial: 0, acts: acts.to_vec() };
    for _ in 0..40 {
        kernel.send(busy, Address::NONE, Script::<1>(mail(1, &[]))); // deferred
    }
    kernel.send(busy, Address::NONE, Script::<0>(mail(0, &[Act::Go(3)])));
    for _ in 0..8 {
        kernel.send(other, Address::NONE, Script::<0>(mail(0, &[])));
    }
    while kernel.run(100) > 0 {}
    let story: String =
        world.borrow().log.iter().skip(3).map(|entry| if entry.point == 0 { 'b' } else { 'o' }).collect();
    assert_eq!(story, format!("{}{}{}", "b".repeat(8), "o".repeat(8), "b".repeat(32)));
}

#[test]
fn what_is_deferred_lies_still_while_the_state_stays() {
    let world = Rc::new(RefCell::new(World::default()));
    let mut kernel = Kernel::new(Limits::default());
    let point = kernel.create(Actor { point: 0, state: 0, world: Rc::clone(&world) });
    let mail = |kind| Mail { kind, serial: 0, acts: Vec::new() };
    kernel.send(point, Address::NONE, Script::<1>(mail(1)));
    for _ in 0..10 {
        kernel.send(point, Address::NONE, Script::<0>(mail(0)));
    }
    while kernel.run(100) > 0 {}
    assert_eq!((kernel.counters().deferred, world.borrow().log.len()), (1, 11));
}
