//! The boxed loop, as people write it by hand: boxed actors, boxed messages, a mailbox for each actor and a queue of the
//! actors that have mail.

use std::any::Any;
use std::collections::VecDeque;

use crate::measure::nanoseconds_each;

trait Actor {
    fn receive(&mut self, message: Box<dyn Any>, from: usize, mail: &mut Outbox);
}

struct Mailbox {
    messages: VecDeque<(usize, Box<dyn Any>)>,
    scheduled: bool,
}

/// What an actor sends while it handles a message; delivered when it returns.
#[derive(Default)]
struct Outbox {
    messages: Vec<(usize, Box<dyn Any>)>,
}

impl Outbox {
    fn send(&mut self, to: usize, message: impl Any) {
        self.messages.push((to, Box::new(message)));
    }
}

#[derive(Default)]
struct Loop {
    actors: Vec<Box<dyn Actor>>,
    mailboxes: Vec<Mailbox>,
    ready: VecDeque<usize>,
    outbox: Outbox,
}

impl Loop {
    /// Messages that an actor handles before the next has its turn.
    const VISIT: usize = 64;

    fn create(&mut self, actor: impl Actor + 'static) -> usize {
        self.actors.push(Box::new(actor));
        self.mailboxes.push(Mailbox { messages: VecDeque::new(), scheduled: false });
        self.actors.len() - 1
    }

    fn deliver(&mut self, from: usize) {
        for (to, message) in self.outbox.messages.drain(..) {
            let mailbox = &mut self.mailboxes[to];
            mailbox.messages.push_back((from, message));
            if !mailbox.scheduled {
                mailbox.scheduled = true;
                self.ready.push_back(to);
            }
        }
    }

    fn send(&mut self, to: usize, from: usize, message: impl Any) {
        self.outbox.send(to, message);
        self.deliver(from);
    }

    fn run(&mut self) {
        while let Some(me) = self.ready.pop_front() {
            for _ in 0..Self::VISIT {
                let Some((from, message)) = self.mailboxes[me].messages.pop_front() else {
                    break;
                };
                self.actors[me].receive(message, from, &mut self.outbox);
                self.deliver(me);
            }
            if self.mailboxes[me].messages.is_empty() {
                self.mailboxes[me].scheduled = false;
            } else {
                self.ready.push_back(me);
            }
        }
    }
}

struct Ball {
    left: u64,
}

struct Go;

struct Item {
    number: u64,
}

struct Player {
    balls: u64,
}

impl Actor for Player {
    fn receive(&mut self, message: Box<dyn Any>, from: usize, mail: &mut Outbox) {
        if let Ok(ball) = message.downcast::<Ball>() {
            self.balls += 1;
            if ball.left > 0 {
                mail.send(from, Ball { left: ball.left - 1 });
            }
        }
    }
}

struct Link {
    next: usize,
    balls: u64,
}

impl Actor for Link {
    fn receive(&mut self, message: Box<dyn Any>, _: usize, mail: &mut Outbox) {
        if let Ok(ball) = message.downcast::<Ball>() {
            self.balls += 1;
            if ball.left > 0 {
                mail.send(self.next, Ball { left: ball.left - 1 });
            }
        }
    }
}

struct Producer {
    sink: usize,
    items: u64,
}

impl Actor for Producer {
    fn receive(&mut self, message: Box<dyn Any>, _: usize, mail: &mut Outbox) {
        if message.is::<Go>() {
            for number in 0..self.items {
                mail.send(self.sink, Item { number });
            }
        }
    }
}

struct Sink {
    sum: u64,
}

impl Actor for Sink {
    fn receive(&mut self, message: Box<dyn Any>, _: usize, _: &mut Outbox) {
        if let Ok(item) = message.downcast::<Item>() {
            self.sum = std::hint::black_box(self.sum.wrapping_add(item.number));
        }
    }
}

struct Idle<const WORDS: usize> {
    words: [u64; WORDS],
}

impl<const WORDS: usize> Actor for Idle<WORDS> {
    fn receive(&mut self, message: Box<dyn Any>, _: usize, _: &mut Outbox) {
        if message.is::<Go>() {
            self.words[0] += 1;
        }
    }
}

/// Nanoseconds for each hop of a ball between two actors.
pub(crate) fn ping_pong(hops: usize) -> f64 {
    let mut work = Loop::default();
    let first = work.create(Player { balls: 0 });
    let second = work.create(Player { balls: 0 });
    nanoseconds_each(hops, || {
        let left = hops as u64 - 1;
        work.send(second, first, Ball { left });
        work.run();
    })
}

/// Nanoseconds for each hop of `balls` round a ring.
pub(crate) fn ring(actors: usize, balls: usize, hops: usize) -> f64 {
    let mut work = Loop::default();
    let mut next = actors - 1;
    for _ in 0..actors {
        next = work.create(Link { next, balls: 0 });
    }
    nanoseconds_each(hops, || {
        let left = (hops / balls) as u64 - 1;
        for _ in 0..balls {
            work.send(next, next, Ball { left });
        }
        work.run();
    })
}

/// Nanoseconds for each message from many producers to one sink.
pub(crate) fn fan_in(producers: usize, items: usize) -> f64 {
    let mut work = Loop::default();
    let sink = work.create(Sink { sum: 0 });
    let producers: Vec<usize> = (0..producers).map(|_| work.create(Producer { sink, items: items as u64 })).collect();
    nanoseconds_each(producers.len() * items, || {
        for producer in &producers {
            work.send(*producer, sink, Go);
        }
        work.run();
    })
}

/// Makes so many idle actors, gives each a message, hands them to `measure` while they live.
pub(crate) fn points<const WORDS: usize>(count: usize, measure: impl FnOnce()) {
    let mut work = Loop::default();
    for _ in 0..count {
        let actor = work.create(Idle::<WORDS> { words: [1; WORDS] });
        work.send(actor, actor, Go);
        work.run();
    }
    measure();
    std::hint::black_box(&work.actors);
}
