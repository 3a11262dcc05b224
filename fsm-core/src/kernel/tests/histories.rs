//! Random families: points create, defer, end, panic and are dropped. Whatever happens, the promises about ends hold, and
//! the kernel is left in good order.

use core::time::Duration;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::address::Address;
use crate::context::Context;
use crate::head::{BACKLOG, NIL, VACANT};
use crate::kernel::Kernel;
use crate::lifecycle::{Completed, Done, Start, Stop};
use crate::limits::Limits;
use crate::vocabulary::Vocabulary;
use crate::{Machine, Message, Next, state_machine};

/// What a member of a family is told to do, one after the other.
#[derive(Debug, Clone, Message)]
#[message(local)]
struct Order(Vec<Act>);

/// Goes on from HOLDING.
#[derive(Debug, Clone, Message)]
#[message(local)]
struct Release;

#[derive(Debug, Clone)]
enum Act {
    Create { how: How, reluctant: bool, mine: bool },
    Send(usize, Vec<Act>),
    Stop(usize),
    Timer(u64),
    Hold,
    End,
    Panic,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Told,
    Quiet,
    Beside,
}

/// What is known of all families.
#[derive(Default)]
struct World {
    addresses: Vec<Address>,
    parents: Vec<Option<usize>>,
    members: BTreeMap<Address, usize>,
    alive: BTreeSet<usize>,
    completed: BTreeSet<Address>,
}

thread_local! {
    /// What was promised and is not so. A member does not panic for it: that would be the end of the member, no more.
    static BROKEN: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

type Shared = Rc<RefCell<World>>;

struct Member {
    number: usize,
    started: bool,
    /// Does not end when it is stopped.
    reluctant: bool,
    /// Panics when it is dropped.
    mine: bool,
    world: Shared,
}

impl Member {
    /// A new member below `parent`. It becomes known when its address is.
    fn new(world: &Shared, parent: Option<usize>, reluctant: bool, mine: bool) -> Self {
        let mut known = world.borrow_mut();
        let number = known.parents.len();
        known.parents.push(parent);
        known.alive.insert(number);
        Self { number, started: false, reluctant: reluctant && parent.is_some(), mine, world: Rc::clone(world) }
    }
}

impl Member {
    fn expect(&self, promise: bool, broken: &'static str) {
        if !promise {
            BROKEN.with_borrow_mut(|all| all.push(broken));
        }
    }
}

fn introduce(world: &Shared, number: usize, address: Address) {
    let mut known = world.borrow_mut();
    assert_eq!(known.addresses.len(), number);
    known.addresses.push(address);
    if known.members.insert(address, number).is_some() {
        BROKEN.with_borrow_mut(|all| all.push("an address was used twice"));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.world.borrow_mut().alive.remove(&self.number);
        if self.mine && !std::thread::panicking() {
            panic!("a mine");
        }
    }
}

#[state_machine(OPEN, HOLDING(defer(Order)))]
impl Member {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let parent = self.world.borrow().parents[self.number];
        let address = parent.map_or(Address::NONE, |parent| self.world.borrow().addresses[parent]);
        self.expect(!self.started && cx.from() == address && cx.parent() == address, "a start from somebody else");
        self.started = true;
        Next::STAY
    }
    fn OPEN_Order(&mut self, order: Order, cx: &mut Context) -> Next<Self> {
        self.expect(self.started, "an order before the start");
        let mut next = Next::STAY;
        for act in order.0 {
            match act {
                Act::Create { how, reluctant, mine } => {
                    let parent = match how {
                        How::Told | How::Quiet => Some(self.number),
                        How::Beside => self.world.borrow().parents[self.number],
                    };
                    let member = Self::new(&self.world, parent, reluctant, mine);
                    let number = member.number;
                    let address = match how {
                        How::Told => cx.create(member),
                        How::Quiet => cx.create_quiet(member),
                        How::Beside => cx.create_beside(member),
                    };
                    introduce(&self.world, number, address);
                }
                Act::Send(to, acts) => {
                    let to = pick(&self.world, to);
                    cx.send(to, Order(acts));
                }
                Act::Stop(whom) => {
                    let whom = pick(&self.world, whom);
                    cx.stop(whom);
                }
                Act::Timer(after) => cx.start(Duration::from_millis(after), Release),
                Act::Hold => next = Self::HOLDING,
                Act::End => next = Self::complete(Done),
                Act::Panic => panic!("as ordered"),
            }
        }
        next
    }
    fn ANY_Release(&mut self, _: Release) -> Next<Self> {
        Self::OPEN
    }
    fn ANY_Completed(&mut self, _: Completed, cx: &mut Context) -> Next<Self> {
        let is_new = self.world.borrow_mut().completed.insert(cx.from());
        self.expect(is_new, "a child that had completed before");
        let world = self.world.borrow();
        let child = world.members[&cx.from()];
        self.expect(world.parents[child] == Some(self.number), "a child of somebody else");
        for member in &world.alive {
            let mut above = Some(*member);
            while let Some(at) = above {
                self.expect(at != child, "a child with somebody alive below");
                above = world.parents[at];
            }
        }
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        if self.reluctant { Next::STAY } else { Self::complete(Done) }
    }
}

fn pick(world: &Shared, at: usize) -> Address {
    let known = world.borrow();
    known.addresses[at % known.addresses.len()]
}

/// A generator of numbers: Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn acts(&mut self, depth: usize) -> Vec<Act> {
        (0..=self.below(3)).map(|_| self.act(depth)).collect()
    }

    fn act(&mut self, depth: usize) -> Act {
        match self.below(32) {
            0..12 => Act::Create {
                how: [How::Told, How::Told, How::Quiet, How::Beside][self.below(4)],
                reluctant: self.below(6) == 0,
                mine: self.below(12) == 0,
            },
            12..20 if depth > 0 => Act::Send(self.below(1_000), self.acts(depth - 1)),
            20..23 => Act::Stop(self.below(1_000)),
            23..26 => Act::Timer(self.below(30) as u64),
            26..28 => Act::Hold,
            28 => Act::Panic,
            29..31 => Act::End,
            _ => Act::Timer(0),
        }
    }
}

/// Nothing waits, so every head, list and map is as it should be.
fn check(kernel: &Kernel) {
    let cx = kernel.context();
    let mut free = cx.free.clone();
    free.sort_unstable();
    assert!(free.is_sorted_by(|one, next| one < next), "a slot is free twice");
    for (slot, head) in (0..).zip(&cx.heads).skip(1) {
        let is_alive = kernel.points[slot as usize].is_some();
        let is_ending = kernel.endings.contains_key(&slot);
        assert!(!(is_alive && is_ending), "{slot}");
        assert_eq!((head.has(VACANT), head.has(BACKLOG)), (!is_alive, kernel.backlogs.contains_key(&slot)), "{slot}");
        assert_eq!(free.binary_search(&slot).is_ok(), !is_alive && !is_ending, "{slot}");
        assert!(!is_alive || head.count() == 0, "{slot} counts what is not queued");
        assert!(!is_ending || head.first_child != NIL, "{slot} waits for nobody");
        assert!(is_alive || head.timers == NIL, "{slot} has timers and is none");
        let mut child = head.first_child;
        assert!(is_alive || is_ending || (child == NIL && head.parent == NIL), "{slot} is no member of a family");
        let mut before = NIL;
        while child != NIL {
            let link = &cx.heads[child as usize];
            assert_eq!((link.parent, link.previous_sibling), (slot, before), "{child} below {slot}");
            (before, child) = (child, link.next_sibling);
        }
    }
}

/// Lets everything happen; a time limit for the run stands for a loop without end.
fn settle(kernel: &mut Kernel) {
    for _ in 0..1_000 {
        if kernel.run(100) == 0 {
            return check(kernel);
        }
    }
    panic!("it does not come to rest");
}

fn history(seed: u64) -> (u64, u64) {
    let (mut random, world) = (Random(seed), Shared::default());
    let mut kernel = Kernel::new(Limits { grace: Duration::from_millis(20), ..Limits::default() });
    let mut roots = 0;
    for _ in 0..60 {
        match random.below(12) {
            0..2 => {
                let member = Member::new(&world, None, false, false);
                let number = member.number;
                let address = kernel.create(member);
                introduce(&world, number, address);
                roots += 1;
            }
            2..9 if roots > 0 => kernel.send(pick(&world, random.below(1_000)), Address::NONE, Order(random.acts(3))),
            9 => settle(&mut kernel),
            10 => {
                let now = kernel.now() + Duration::from_millis(random.below(12) as u64);
                kernel.advance(now, 1 + random.below(5));
            }
            _ => drop(kernel.run(random.below(8))),
        }
    }
    settle(&mut kernel);
    let all = world.borrow().addresses.clone();
    all.iter().for_each(|member| kernel.send(*member, Address::NONE, Stop));
    settle(&mut kernel);
    while let Some(deadline) = kernel.next_deadline() {
        kernel.advance(deadline, 100);
        settle(&mut kernel);
    }
    let counters = kernel.counters().clone();
    assert_eq!((kernel.points(), kernel.timers(), kernel.next_deadline()), (0, 0, None));
    assert_eq!((kernel.cx().free.len() + 1, world.borrow().alive.len()), (kernel.cx().heads.len(), 0));
    assert_eq!((kernel.endings.len(), kernel.overdue.len(), kernel.backlogs.len()), (0, 0, 0));
    let mut results = 0;
    while let Some((root, _)) = kernel.take_result() {
        assert!(world.borrow_mut().completed.insert(root), "it has completed before");
        results += 1;
    }
    assert_eq!((results, BROKEN.take()), (roots, Vec::new()));
    (counters.panics, counters.dropped)
}

#[test]
fn whatever_happens_in_families_the_promises_hold_and_nothing_is_left() {
    let (mut panics, mut dropped) = (0, 0);
    for seed in 0..1_500 {
        let what = std::panic::catch_unwind(|| history(seed));
        let (more_panics, more_dropped) = what.unwrap_or_else(|_| panic!("with the seed {seed}"));
        (panics, dropped) = (panics + more_panics, dropped + more_dropped);
    }
    assert!(panics > 1_000 && dropped > 500, "{panics} {dropped}"); // else nothing was tried
}
