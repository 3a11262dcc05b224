//! The stripped loop: one queue of 32-byte envelopes with boxed bodies, a check of slot and generation, a table of
//! functions, a downcast, nothing else. No bounds, no timers, no children, no panic guard, no states, no trace.

use std::any::Any;
use std::collections::VecDeque;

use crate::measure::{nanoseconds_each, shuffled};

/// What a message is boxed as.
trait Body: Any {
    fn id(&self) -> u64;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Address {
    slot: u32,
    generation: u32,
}

struct Envelope {
    to: Address,
    from: Address,
    body: Box<dyn Body>,
}

const _: () = assert!(size_of::<Envelope>() == 32);

/// The half that a handler may touch.
///
/// `me` and `from` are kept apart on purpose. Side by side, the compiler moves them from the envelope in one load of 16
/// bytes; with a single ball that envelope was written just before in two stores of 8, the processor cannot forward those
/// to such a load, and a hop takes 21 ns in place of 12.
#[derive(Default)]
#[repr(C)]
struct Context {
    me: Address,
    queue: VecDeque<Envelope>,
    from: Address,
}

impl Context {
    fn send(&mut self, to: Address, body: impl Body) {
        self.queue.push_back(Envelope { to, from: self.me, body: Box::new(body) });
    }
}

type Cell<M> = fn(&mut M, Box<dyn Body>, &mut Context);

trait Machine: 'static {
    const TABLE: &'static [Cell<Self>];
    fn column(id: u64) -> Option<usize>;
}

trait Point {
    fn receive(&mut self, body: Box<dyn Body>, context: &mut Context);
}

impl<M: Machine> Point for M {
    fn receive(&mut self, body: Box<dyn Body>, context: &mut Context) {
        if let Some(cell) = M::column(body.id()).and_then(|column| M::TABLE.get(column)) {
            cell(self, body, context);
        }
    }
}

/// The body as a `T`, which its id says it is.
fn open<T: Body>(body: Box<dyn Body>) -> Option<T> {
    let body: Box<dyn Any> = body;
    body.downcast().ok().map(|message| *message)
}

struct Slot {
    generation: u32,
    point: Box<dyn Point>,
}

#[derive(Default)]
struct Loop {
    slots: Vec<Slot>,
    context: Context,
}

impl Loop {
    fn create(&mut self, point: impl Machine) -> Address {
        let slot = u32::try_from(self.slots.len()).expect("fewer than 4 G points");
        self.slots.push(Slot { generation: 1, point: Box::new(point) });
        Address { slot, generation: 1 }
    }

    fn run(&mut self) {
        while let Some(Envelope { to, from, body }) = self.context.queue.pop_front() {
            let Some(slot) = self.slots.get_mut(to.slot as usize) else {
                continue;
            };
            if slot.generation != to.generation {
                continue;
            }
            self.context.me = to;
            self.context.from = from;
            slot.point.receive(body, &mut self.context);
        }
    }
}

struct Ball {
    left: u64,
}

impl Body for Ball {
    fn id(&self) -> u64 {
        1
    }
}

struct Go;

impl Body for Go {
    fn id(&self) -> u64 {
        2
    }
}

struct Item {
    number: u64,
}

impl Body for Item {
    fn id(&self) -> u64 {
        3
    }
}

/// Gives each ball back to whoever sent it.
struct Player {
    balls: u64,
}

impl Machine for Player {
    const TABLE: &'static [Cell<Self>] = &[|player, body, context| {
        let Some(Ball { left }) = open(body) else {
            return;
        };
        player.balls += 1;
        if left > 0 {
            let to = context.from;
            context.send(to, Ball { left: left - 1 });
        }
    }];

    fn column(id: u64) -> Option<usize> {
        (id == 1).then_some(0)
    }
}

/// Gives each ball to the next of the ring.
struct Link {
    next: Address,
    balls: u64,
}

impl Machine for Link {
    const TABLE: &'static [Cell<Self>] = &[|link, body, context| {
        let Some(Ball { left }) = open(body) else {
            return;
        };
        link.balls += 1;
        if left > 0 {
            context.send(link.next, Ball { left: left - 1 });
        }
    }];

    fn column(id: u64) -> Option<usize> {
        (id == 1).then_some(0)
    }
}

/// Sends `items` to the sink when it is told to go.
struct Producer {
    sink: Address,
    items: u64,
}

impl Machine for Producer {
    const TABLE: &'static [Cell<Self>] = &[|producer, body, context| {
        let Some(Go) = open(body) else {
            return;
        };
        for number in 0..producer.items {
            context.send(producer.sink, Item { number });
        }
    }];

    fn column(id: u64) -> Option<usize> {
        (id == 2).then_some(0)
    }
}

/// Adds up what it gets.
struct Sink {
    sum: u64,
}

impl Machine for Sink {
    const TABLE: &'static [Cell<Self>] = &[|sink, body, _| {
        if let Some(Item { number }) = open(body) {
            sink.sum = std::hint::black_box(sink.sum.wrapping_add(number));
        }
    }];

    fn column(id: u64) -> Option<usize> {
        (id == 3).then_some(0)
    }
}

/// Nanoseconds for each hop of a ball between two points.
pub(crate) fn ping_pong(hops: usize) -> f64 {
    let mut work = Loop::default();
    let first = work.create(Player { balls: 0 });
    let second = work.create(Player { balls: 0 });
    work.context.me = first;
    nanoseconds_each(hops, || {
        work.context.send(second, Ball { left: hops as u64 - 1 });
        work.run();
    })
}

/// Nanoseconds for each hop of `balls` round a ring.
pub(crate) fn ring(points: usize, balls: usize, hops: usize) -> f64 {
    let mut work = Loop::default();
    let mut next = Address { slot: u32::try_from(points - 1).expect("fewer than 4 G points"), generation: 1 };
    for _ in 0..points {
        next = work.create(Link { next, balls: 0 });
    }
    nanoseconds_each(hops, || {
        let left = (hops / balls) as u64 - 1;
        for _ in 0..balls {
            work.context.send(next, Ball { left });
        }
        work.run();
    })
}

/// Nanoseconds for each hop of `balls` round a ring whose neighbours lie anywhere in memory.
pub(crate) fn scattered(points: usize, balls: usize, hops: usize) -> f64 {
    let mut work = Loop::default();
    let order = shuffled(points);
    let address = |point: usize| Address { slot: u32::try_from(point).expect("fewer than 4 G points"), generation: 1 };
    let mut next = vec![Address::default(); points];
    for (link, after) in order.iter().zip(order.iter().cycle().skip(1)) {
        next[*link] = address(*after);
    }
    for next in next {
        work.create(Link { next, balls: 0 });
    }
    nanoseconds_each(hops, || {
        let left = (hops / balls) as u64 - 1;
        for start in order.iter().step_by(points / balls).take(balls) {
            work.context.send(address(*start), Ball { left });
        }
        work.run();
    })
}

/// Nanoseconds for each message from many producers to one sink.
pub(crate) fn fan_in(producers: usize, items: usize) -> f64 {
    let mut work = Loop::default();
    let sink = work.create(Sink { sum: 0 });
    let producers: Vec<Address> = (0..producers).map(|_| work.create(Producer { sink, items: items as u64 })).collect();
    nanoseconds_each(producers.len() * items, || {
        for producer in &producers {
            work.context.send(*producer, Go);
        }
        work.run();
    })
}

struct Tick;

impl Body for Tick {
    fn id(&self) -> u64 {
        4
    }
}

/// Counts its ticks.
struct Clock {
    ticks: u64,
}

impl Machine for Clock {
    const TABLE: &'static [Cell<Self>] = &[|clock, body, _| {
        if let Some(Tick) = open(body) {
            clock.ticks += 1;
        }
    }];

    fn column(id: u64) -> Option<usize> {
        (id == 4).then_some(0)
    }
}

/// Points that take ticks, for a timer queue that has nobody to give its timers to.
#[derive(Default)]
pub(crate) struct Clocks(Loop);

impl Clocks {
    /// So many points.
    pub(crate) fn new(count: usize) -> Self {
        let mut work = Loop::default();
        for _ in 0..count {
            work.create(Clock { ticks: 0 });
        }
        Self(work)
    }

    /// Gives a tick to the point of this number, by way of the queue.
    pub(crate) fn tick(&mut self, number: usize) {
        let slot = u32::try_from(number).expect("fewer than 4 G points");
        self.0.context.send(Address { slot, generation: 1 }, Tick);
        self.0.run();
    }
}

/// Makes so many idle points with a struct of `WORDS` words, hands them to `measure` while they live.
pub(crate) fn points<const WORDS: usize>(count: usize, measure: impl FnOnce()) {
    let mut work = Loop::default();
    for _ in 0..count {
        work.create(Idle::<WORDS> { words: [1; WORDS] });
    }
    for slot in 0..count {
        let to = Address { slot: u32::try_from(slot).expect("fewer than 4 G points"), generation: 1 };
        work.context.send(to, Go);
        work.run();
    }
    measure();
    std::hint::black_box(&work.slots);
}

/// Waits for messages that do not come.
struct Idle<const WORDS: usize> {
    words: [u64; WORDS],
}

impl<const WORDS: usize> Machine for Idle<WORDS> {
    const TABLE: &'static [Cell<Self>] = &[|idle, body, _| {
        if let Some(Go) = open(body) {
            idle.words[0] += 1;
        }
    }];

    fn column(id: u64) -> Option<usize> {
        (id == 2).then_some(0)
    }
}
