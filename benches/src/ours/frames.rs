//! Frames through a link: sealed at one end, opened at the other. No sockets.

use std::hint::black_box;

use fsm_net::link::{ConnectSecurity, ListenSecurity, Seed};
use fsm_net::wire::{FrameLimit, Link, LinkState, Output, Pool};

use crate::measure::nanoseconds_each;

/// What the driver reads from a socket at once.
const READ: usize = 64 * 1024;

/// The two ends of an encrypted link. After the handshake all sealed modes are the same.
struct Ends {
    seals: Box<dyn Link>,
    opens: Box<dyn Link>,
    output: Output,
    pool: Pool,
    /// What is on its way between the sockets.
    wire: Vec<u8>,
}

impl Ends {
    fn new() -> Self {
        let limit = FrameLimit::default();
        let seed = || Seed::random().expect("the system has randomness");
        let mut connecting =
            ConnectSecurity::encrypted().link("bench:1", limit, seed()).expect("settings that make sense");
        let mut listening = ListenSecurity::encrypted().link(limit, seed()).expect("settings that make sense");
        let (mut pool, mut there, mut back, mut wire) = (Pool::new(), Output::default(), Output::default(), Vec::new());
        connecting.begin(&mut there.outlet(&mut pool)).expect("a fresh link");
        while listening.state() != LinkState::Open || connecting.state() != LinkState::Open {
            carry(&mut there, &mut wire, &mut *listening, &mut back, &mut pool);
            carry(&mut back, &mut wire, &mut *connecting, &mut there, &mut pool);
        }
        Self { seals: connecting, opens: listening, output: Output::default(), pool, wire }
    }

    /// As the driver does it: frames wait, are sealed together, and are written and read in pieces.
    fn carry(&mut self, frame: &[u8], count: usize) -> usize {
        for _ in 0..count {
            let appended = self.output.append(&mut self.pool, |out| {
                out.extend((frame.len() as u32).to_be_bytes());
                out.extend_from_slice(frame);
                Ok(())
            });
            appended.expect("the output is far from full");
        }
        self.output.seal(&mut *self.seals, &mut self.pool).expect("the link is open");
        carry(&mut self.output, &mut self.wire, &mut *self.opens, &mut Output::default(), &mut self.pool)
    }
}

/// All that waits, to the other end. How many bytes of frames it gave.
fn carry(from: &mut Output, wire: &mut Vec<u8>, to: &mut dyn Link, back: &mut Output, pool: &mut Pool) -> usize {
    wire.clear();
    while from.ready() > 0 {
        let slices = from.slices();
        slices.iter().for_each(|slice| wire.extend_from_slice(slice));
        let written = slices.iter().map(|slice| slice.len()).sum();
        from.consume(written, pool);
    }
    let mut opened = 0;
    for mut read in wire.chunks_mut(READ) {
        while let Some(part) = to.receive(&mut read, &mut back.outlet(pool)).expect("the other end's bytes") {
            opened += black_box(part).len();
        }
    }
    opened
}

/// Nanoseconds for each frame of `size` bytes, sealed and opened, when `together` of them are flushed at once.
pub(crate) fn frames(size: usize, count: usize, together: usize) -> f64 {
    let (mut ends, frame) = (Ends::new(), vec![7; size]);
    nanoseconds_each(count, || {
        for _ in 0..count / together {
            assert_eq!(ends.carry(&frame, together), together * (4 + size), "all frames have come");
        }
    })
}
