//! A peer that speaks bytes and knows how links work: it has one of its own, and what that writes is the test's to spoil.

use std::net::SocketAddr;

use statepoint::link::{ConnectSecurity, ListenSecurity, Mode, Seed};
use statepoint::wire::{Decoder, FrameLimit, Link, LinkError, LinkState, Output, Pool};

use crate::frames::{self, Called, DEFAULT};
use crate::messages;
use crate::modes::{connect_security, listen_security};
use crate::world::{Accept, Raw, World, write_all};

/// The end of a link, and a socket that only the test writes to.
pub(crate) struct Insider<R> {
    pub(crate) raw: R,
    link: Box<dyn Link>,
    output: Output,
    pool: Pool,
    decoder: Decoder,
    /// What the other end has sent.
    pub(crate) frames: Vec<Vec<u8>>,
    /// The same as bytes, with all that is not a frame.
    pub(crate) heard: Vec<u8>,
    /// The name of a note has been spelt, and is number 0 since.
    has_spelt: bool,
}

impl<R: Raw> Insider<R> {
    /// The connecting end.
    pub(crate) fn connecting(raw: R, security: &ConnectSecurity, seed: u64) -> Self {
        let link = security.link("insider:1", FrameLimit::default(), seed_of(seed));
        Self::new(raw, link.expect("sound settings"))
    }

    /// The listening end.
    pub(crate) fn listening(raw: R, security: &ListenSecurity, seed: u64) -> Self {
        Self::new(raw, security.link(FrameLimit::default(), seed_of(seed)).expect("sound settings"))
    }

    fn new(raw: R, mut link: Box<dyn Link>) -> Self {
        let (mut output, mut pool) = (Output::default(), Pool::new());
        link.begin(&mut output.outlet(&mut pool)).expect("a fresh link");
        let decoder = Decoder::new(FrameLimit::default());
        Self { raw, link, output, pool, decoder, frames: Vec::new(), heard: Vec::new(), has_spelt: false }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.link.state() != LinkState::Opening
    }

    pub(crate) fn has_to_say(&self) -> bool {
        self.output.ready() > 0
    }

    /// The bytes that an honest end would write now.
    pub(crate) fn says(&mut self) -> Vec<u8> {
        // A link that has failed has nothing more to say than what it said then.
        let _ = self.output.seal(&mut *self.link, &mut self.pool);
        let mut bytes = Vec::new();
        while self.output.ready() > 0 {
            let part: Vec<u8> = self.output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
            self.output.consume(part.len(), &mut self.pool);
            bytes.extend(part);
        }
        bytes
    }

    /// The bytes of a note with this number.
    pub(crate) fn note(&mut self, number: i64) -> Vec<u8> {
        let called = if self.has_spelt { Called::Number(0) } else { Called::Name("test.Note") };
        self.has_spelt = true;
        let record = frames::message(DEFAULT, Some(0), called, &[], &messages::note(number));
        self.frame(&record[frames::framed(&[]).len()..])
    }

    /// The bytes of a frame.
    pub(crate) fn frame(&mut self, frame: &[u8]) -> Vec<u8> {
        let appended = self.output.append(&mut self.pool, |out| {
            out.extend((frame.len() as u32).to_be_bytes());
            out.extend_from_slice(frame);
            Ok(())
        });
        appended.expect("little waits");
        self.says()
    }

    /// The bytes of a goodbye.
    pub(crate) fn goodbye(&mut self) -> Vec<u8> {
        self.link.close(&mut self.output.outlet(&mut self.pool)).expect("a link that has not failed");
        self.says()
    }

    /// The bytes of a question whether the other end is there. None while it has not answered the last one.
    pub(crate) fn asks(&mut self) -> Vec<u8> {
        self.link.ping(&mut self.output.outlet(&mut self.pool)).expect("a link that has not failed");
        self.says()
    }

    /// Reads what is there. `false` when there will be no more.
    pub(crate) fn hears(&mut self) -> Result<bool, LinkError> {
        match self.raw.read() {
            Ok(bytes) if bytes.is_empty() => self.link.end().map(|()| false),
            Ok(mut bytes) => self.takes(&mut bytes).map(|()| true),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::NotConnected) => {
                Ok(true)
            }
            Err(_) => Err(LinkError::CutOff),
        }
    }

    fn takes(&mut self, mut bytes: &mut [u8]) -> Result<(), LinkError> {
        self.heard.extend_from_slice(bytes);
        while let Some(mut part) = self.link.receive(&mut bytes, &mut self.output.outlet(&mut self.pool))? {
            while let Some(frame) = self.decoder.next_frame(&mut part).expect("a sound stream of frames") {
                self.frames.push(frame.to_vec());
            }
        }
        Ok(())
    }

    /// Does what an honest end does until the link is open.
    pub(crate) fn open<W: World<Raw = R>>(&mut self, world: &mut W) {
        let last = self.opens(world);
        write_all(world, &mut self.raw, &last);
    }

    /// The same, but for the last that it says, which is not written.
    pub(crate) fn opens<W: World<Raw = R>>(&mut self, world: &mut W) -> Vec<u8> {
        while !self.is_open() {
            self.answer(world);
        }
        self.says()
    }

    /// Writes what there is to say, and waits for something to say next, or for the link to be open.
    fn answer<W: World<Raw = R>>(&mut self, world: &mut W) {
        let bytes = self.says();
        write_all(world, &mut self.raw, &bytes);
        world.run_until("the other end's part of the handshake", |_| {
            assert_eq!(self.hears(), Ok(true));
            self.output.ready() > 0 || self.is_open()
        });
    }

    /// The messages of a handshake that this end writes, each when its time has come, given to `write` instead of the socket.
    /// Ends when the link is open, or when `write` has had enough.
    pub(crate) fn write_handshake<W: World<Raw = R>>(
        &mut self,
        world: &mut W,
        mut write: impl FnMut(&mut W, &mut R, Vec<u8>) -> bool,
    ) {
        loop {
            world.run_until("something to say, or the link to be open", |_| {
                assert_eq!(self.hears(), Ok(true));
                self.output.ready() > 0 || self.is_open()
            });
            let bytes = self.says();
            if (!bytes.is_empty() && !write(world, &mut self.raw, bytes)) || self.is_open() {
                return;
            }
        }
    }

    /// Reads until the other end has ended: whether in order.
    pub(crate) fn is_left<W: World<Raw = R>>(&mut self, world: &mut W) -> Result<(), LinkError> {
        let mut end = Ok(());
        world.run_until("the end of the stream", |_| match self.hears() {
            Ok(goes_on) => !goes_on,
            Err(error) => {
                end = Err(error);
                true
            }
        });
        end
    }
}

/// Never the same twice in one test, as long as the numbers are not.
fn seed_of(number: u64) -> Seed {
    let mut bytes = [0x5A; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Seed::from_bytes(bytes)
}

/// Somebody who connects and knows the right keys.
pub(crate) fn calling<W: World>(world: &mut W, mode: Mode, at: SocketAddr, seed: u64) -> Insider<W::Raw> {
    Insider::connecting(world.connect_raw(at), &connect_security(mode), seed)
}

/// Somebody who accepts the next call and knows the right keys.
pub(crate) fn called<W: World>(world: &mut W, mode: Mode, accept: &mut Accept<W::Raw>, seed: u64) -> Insider<W::Raw> {
    let mut raw = None;
    world.run_until("a call", |_| {
        raw = raw.take().or_else(&mut *accept);
        raw.is_some()
    });
    Insider::listening(raw.expect("just seen"), &listen_security(mode), seed)
}
