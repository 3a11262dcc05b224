//! Idle machines, children of one parent.

use statepoint::{
    Aborted, Address, Context, Kernel, Limits, Machine as _, Message, Next, Start, Stop, Vocabulary as _, state_machine,
};

/// Waits for messages that do not come.
struct Idle<const WORDS: usize> {
    words: [u64; WORDS],
}

#[state_machine(INITIAL, IDLE)]
impl<const WORDS: usize> Idle<WORDS> {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        self.words[0] += 1;
        Self::IDLE
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Asks the parent for so many more.
#[derive(Message)]
#[message(local)]
struct More {
    count: usize,
}

struct Parent<const WORDS: usize>;

#[state_machine(INITIAL, READY)]
impl<const WORDS: usize> Parent<WORDS> {
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::READY
    }
    fn READY_More(&mut self, more: More, cx: &mut Context) -> Next<Self> {
        for _ in 0..more.count {
            cx.create(Idle::<WORDS> { words: [1; WORDS] });
        }
        Self::READY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Makes so many idle machines, hands them to `measure` while they live.
pub(crate) fn points<const WORDS: usize>(count: usize, measure: impl FnOnce()) {
    let mut kernel = Kernel::new(Limits::default());
    let parent = kernel.create(Parent::<WORDS>);
    let mut left = count;
    while left > 0 {
        let batch = left.min(1_000);
        left -= batch;
        kernel.send(parent, Address::NONE, More { count: batch });
        while !kernel.is_idle() {
            kernel.run(usize::MAX);
        }
    }
    measure();
    assert!(kernel.is_alive(parent));
}
