//! Messages between machines.

use statepoint::{
    Aborted, Address, Context, Kernel, Limits, Machine as _, Message, Next, Start, Stop, Vocabulary as _, state_machine,
};

use crate::measure::{nanoseconds_each, shuffled};

#[derive(Message)]
#[message(local)]
struct Ball {
    left: u64,
}

#[derive(Message)]
#[message(local)]
struct Go;

#[derive(Message)]
#[message(local)]
struct Item {
    number: u64,
}

/// Gives each ball back to whoever sent it.
struct Player {
    balls: u64,
}

#[state_machine(INITIAL, PLAYING)]
impl Player {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PLAYING
    }
    fn PLAYING_Ball(&mut self, Ball { left }: Ball, cx: &mut Context) -> Next<Self> {
        self.balls += 1;
        if left > 0 {
            cx.reply(Ball { left: left - 1 });
        }
        Self::PLAYING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Gives each ball to the next of the ring.
struct Link {
    next: Address,
    balls: u64,
}

#[state_machine(INITIAL, PLAYING)]
impl Link {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::PLAYING
    }
    fn PLAYING_Meet(&mut self, meet: Meet) -> Next<Self> {
        self.next = meet.next;
        Self::PLAYING
    }
    fn PLAYING_Ball(&mut self, Ball { left }: Ball, cx: &mut Context) -> Next<Self> {
        self.balls += 1;
        if left > 0 {
            cx.send(self.next, Ball { left: left - 1 });
        }
        Self::PLAYING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Closes the ring.
#[derive(Message)]
#[message(local)]
struct Meet {
    next: Address,
}

/// Sends `items` to the sink when it is told to go.
struct Producer {
    sink: Address,
    items: u64,
}

#[state_machine(INITIAL, READY)]
impl Producer {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::READY
    }
    fn READY_Go(&mut self, _: Go, cx: &mut Context) -> Next<Self> {
        for number in 0..self.items {
            cx.send(self.sink, Item { number });
        }
        Self::READY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Adds up what it gets.
struct Sink {
    sum: u64,
}

#[state_machine(INITIAL, OPEN)]
impl Sink {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::OPEN
    }
    fn OPEN_Item(&mut self, Item { number }: Item) -> Next<Self> {
        self.sum = std::hint::black_box(self.sum.wrapping_add(number));
        Self::OPEN
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn run(kernel: &mut Kernel, messages: usize) {
    let mut handled = 0;
    while !kernel.is_idle() {
        handled += kernel.run(usize::MAX);
    }
    assert!(handled >= messages, "{handled} of {messages} messages were handled");
}

/// Nanoseconds for each hop of a ball between two machines.
pub(crate) fn ping_pong(hops: usize) -> f64 {
    let mut kernel = Kernel::new(Limits::default());
    let first = kernel.create(Player { balls: 0 });
    let second = kernel.create(Player { balls: 0 });
    run(&mut kernel, 2);
    nanoseconds_each(hops, || {
        let left = hops as u64 - 1;
        kernel.send(second, first, Ball { left });
        run(&mut kernel, hops);
    })
}

/// Nanoseconds for each hop of `balls` round a ring.
pub(crate) fn ring(machines: usize, balls: usize, hops: usize) -> f64 {
    let mut kernel = Kernel::new(Limits::default());
    let link = |next| Link { next, balls: 0 };
    let last = kernel.create(link(Address::NONE));
    let mut first = last;
    for _ in 1..machines {
        first = kernel.create(link(first));
    }
    kernel.send(last, Address::NONE, Meet { next: first });
    run(&mut kernel, machines);
    nanoseconds_each(hops, || {
        let left = (hops / balls) as u64 - 1;
        for _ in 0..balls {
            kernel.send(first, Address::NONE, Ball { left });
        }
        run(&mut kernel, hops);
    })
}

/// Nanoseconds for each hop of `balls` round a ring whose neighbours lie anywhere in memory.
pub(crate) fn scattered(machines: usize, balls: usize, hops: usize) -> f64 {
    let mut kernel = Kernel::new(Limits::default());
    let links: Vec<Address> = (0..machines).map(|_| kernel.create(Link { next: Address::NONE, balls: 0 })).collect();
    run(&mut kernel, machines);
    let order = shuffled(machines);
    for (link, next) in order.iter().zip(order.iter().cycle().skip(1)) {
        kernel.send(links[*link], Address::NONE, Meet { next: links[*next] });
    }
    run(&mut kernel, machines);
    nanoseconds_each(hops, || {
        let left = (hops / balls) as u64 - 1;
        for start in order.iter().step_by(machines / balls).take(balls) {
            kernel.send(links[*start], Address::NONE, Ball { left });
        }
        run(&mut kernel, hops);
    })
}

/// Nanoseconds for each message from many producers to one sink.
pub(crate) fn fan_in(producers: usize, items: usize) -> f64 {
    let mut kernel = Kernel::new(Limits { queued_per_point: 2_000_000, ..Limits::default() });
    let sink = kernel.create(Sink { sum: 0 });
    let producers: Vec<Address> =
        (0..producers).map(|_| kernel.create(Producer { sink, items: items as u64 })).collect();
    run(&mut kernel, producers.len());
    nanoseconds_each(producers.len() * items, || {
        for producer in &producers {
            kernel.send(*producer, Address::NONE, Go);
        }
        run(&mut kernel, producers.len() * items);
    })
}
