//! That a link with a handshake, records, new keys and a goodbye fits between the same decoder and the same output.
//!
//! The toy here hides nothing. It has the shape of an encrypted link: handshake messages of fixed size, sealed records that
//! begin with their length, a key that changes under way, records of its own, and a goodbye that cannot be forged by cutting.

use super::super::{Clear, Decoder, FrameLimit, Link, LinkError, LinkState, Outlet, Output, Pool};
use super::Random;

const HELLO: &[u8] = b"hello";
const WELCOME: &[u8] = b"welcome";
const REKEY_AFTER: u32 = 3;

#[derive(Debug)]
struct Toy {
    connector: bool,
    state: LinkState,
    goodbye: bool,
    /// Bytes of a handshake message or of a record that have not come whole.
    kept: Vec<u8>,
    opened: Vec<u8>,
    /// How many records were sealed and opened; the keys follow from them.
    sealed: u32,
    unsealed: u32,
}

const DATA: u8 = 0;
const GOODBYE: u8 = 1;

impl Toy {
    fn new(connector: bool) -> Self {
        Self {
            connector,
            state: LinkState::Opening,
            goodbye: false,
            kept: Vec::new(),
            opened: Vec::new(),
            sealed: 0,
            unsealed: 0,
        }
    }

    fn crypt(bytes: &mut [u8], count: u32) {
        let key = (count / REKEY_AFTER).wrapping_mul(31) as u8 ^ 0x5a;
        bytes.iter_mut().for_each(|byte| *byte ^= key);
    }

    fn sum(bytes: &[u8], count: u32) -> u8 {
        bytes.iter().fold(count as u8, |sum, byte| sum.rotate_left(3) ^ byte)
    }

    /// Record: length (2 bytes), then kind, body and sum, all changed by the key of the moment.
    fn record(&mut self, kind: u8, body: &[u8], out: &mut Outlet<'_>) {
        let mut record = out.take();
        record.extend(((body.len() + 2) as u16).to_be_bytes());
        record.push(kind);
        record.extend_from_slice(body);
        let sum = Self::sum(&record[2..], self.sealed);
        record.push(sum);
        Self::crypt(&mut record[2..], self.sealed);
        self.sealed += 1;
        out.push(record);
    }

    /// Takes bytes until `kept` holds `need`.
    fn keep(&mut self, bytes: &mut &mut [u8], need: usize) -> bool {
        let take = need.saturating_sub(self.kept.len()).min(bytes.len());
        let (come, rest) = std::mem::take(bytes).split_at_mut(take);
        self.kept.extend_from_slice(come);
        *bytes = rest;
        self.kept.len() >= need
    }

    fn handshake(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let expected = if self.connector { WELCOME } else { HELLO };
        if self.kept != expected {
            let got = String::from_utf8_lossy(&self.kept).into_owned();
            return Err(LinkError::Mismatch { expected: String::from_utf8_lossy(expected).into_owned(), got });
        }
        self.kept.clear();
        if !self.connector {
            out.write(WELCOME);
        }
        self.state = LinkState::Open;
        Ok(())
    }
}

impl Link for Toy {
    fn begin(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        if self.connector {
            out.write(HELLO);
        }
        Ok(())
    }

    fn receive<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b mut [u8],
        out: &mut Outlet<'_>,
    ) -> Result<Option<&'a [u8]>, LinkError> {
        if self.state == LinkState::Opening {
            let need = if self.connector { WELCOME.len() } else { HELLO.len() };
            if !self.keep(bytes, need) {
                return Ok(None);
            }
            self.handshake(out)?;
        }
        while self.keep(bytes, 2) {
            let need = 2 + usize::from(u16::from_be_bytes([self.kept[0], self.kept[1]]));
            if !self.keep(bytes, need) {
                return Ok(None);
            }
            self.opened.clear();
            self.opened.extend_from_slice(&self.kept[2..]);
            self.kept.clear();
            Self::crypt(&mut self.opened, self.unsealed);
            let Some(sum) = self.opened.pop() else {
                return Err(LinkError::Tampered);
            };
            if Self::sum(&self.opened, self.unsealed) != sum || self.goodbye {
                return Err(LinkError::Tampered);
            }
            self.unsealed += 1;
            match self.opened.split_first() {
                Some((&DATA, _)) => return Ok(self.opened.get(1..)),
                Some((&GOODBYE, [])) => {
                    self.goodbye = true;
                    if self.state == LinkState::Open {
                        self.close(out)?;
                    }
                }
                _ => return Err(LinkError::Tampered),
            }
        }
        Ok(None)
    }

    fn seal(&mut self, frames: Vec<u8>, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        // Records end anywhere in the stream of frames.
        for part in frames.chunks(100) {
            self.record(DATA, part, out);
        }
        out.give(frames);
        Ok(())
    }

    fn close(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        self.record(GOODBYE, &[], out);
        self.state = LinkState::Closed;
        Ok(())
    }

    fn end(&mut self) -> Result<(), LinkError> {
        if self.goodbye { Ok(()) } else { Err(LinkError::CutOff) }
    }

    fn state(&self) -> LinkState {
        self.state
    }
}

/// What the driver has for each connection.
struct Peer {
    link: Box<dyn Link>,
    output: Output,
    decoder: Decoder,
    frames: Vec<Vec<u8>>,
}

impl Peer {
    fn new(link: impl Link + 'static, pool: &mut Pool) -> Self {
        let mut peer = Self {
            link: Box::new(link),
            output: Output::default(),
            decoder: Decoder::new(FrameLimit::default()),
            frames: Vec::new(),
        };
        assert_eq!(peer.link.begin(&mut peer.output.outlet(pool)), Ok(()));
        peer
    }

    fn send(&mut self, frame: &[u8], pool: &mut Pool) {
        let appended = self.output.append(pool, |out| {
            out.extend((frame.len() as u32).to_be_bytes());
            out.extend_from_slice(frame);
            Ok(())
        });
        assert_eq!(appended, Ok(None));
    }

    fn read(&mut self, mut bytes: &mut [u8], pool: &mut Pool) -> Result<(), LinkError> {
        loop {
            let Some(mut plain) = self.link.receive(&mut bytes, &mut self.output.outlet(pool))? else {
                return Ok(());
            };
            while let Some(frame) = self.decoder.next_frame(&mut plain).expect("a sound stream") {
                self.frames.push(frame.to_vec());
            }
        }
    }

    /// Some of the bytes that wait for the socket.
    fn write(&mut self, random: &mut Random, pool: &mut Pool) -> Vec<u8> {
        self.output.seal(&mut *self.link, pool).expect("sound");
        let mut bytes: Vec<u8> = self.output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
        bytes.truncate(random.below(bytes.len() + 1));
        self.output.consume(bytes.len(), pool);
        bytes
    }

    fn closed(&mut self, pool: &mut Pool) {
        self.output.seal(&mut *self.link, pool).expect("sound");
        assert_eq!(self.link.close(&mut self.output.outlet(pool)), Ok(()));
    }
}

fn carry_until_quiet(peers: &mut [Peer; 2], random: &mut Random, pool: &mut Pool) -> Result<(), LinkError> {
    for _ in 0..10_000 {
        for from in 0..2 {
            let mut bytes = peers[from].write(random, pool);
            peers[1 - from].read(&mut bytes, pool)?;
        }
        if peers.iter().all(|peer| peer.output.is_empty()) {
            return Ok(());
        }
    }
    panic!("expected an end of the traffic, {peers:?}", peers = peers.each_ref().map(|peer| &peer.output));
}

#[test]
fn frames_cross_any_link_in_any_segmentation() {
    let mut random = Random::new(9);
    for round in 0..200 {
        let mut pool = Pool::new();
        let mut peers = if round % 2 == 0 {
            [Peer::new(Toy::new(true), &mut pool), Peer::new(Toy::new(false), &mut pool)]
        } else {
            [Peer::new(Clear, &mut pool), Peer::new(Clear, &mut pool)]
        };
        let mut sent = [Vec::new(), Vec::new()];
        for _ in 0..20 {
            let from = random.below(2);
            let size = 1 + random.below(300);
            let frame = random.bytes(size);
            peers[from].send(&frame, &mut pool);
            sent[from].push(frame);
            let mut bytes = peers[from].write(&mut random, &mut pool);
            assert_eq!(peers[1 - from].read(&mut bytes, &mut pool), Ok(()));
        }
        assert_eq!(carry_until_quiet(&mut peers, &mut random, &mut pool), Ok(()));
        assert_eq!([&peers[1].frames, &peers[0].frames], [&sent[0], &sent[1]]);
        peers[0].closed(&mut pool);
        assert_eq!(carry_until_quiet(&mut peers, &mut random, &mut pool), Ok(()));
        assert!(peers.iter_mut().all(|peer| peer.link.end().is_ok()), "both ends have heard a goodbye");
    }
}

#[test]
fn a_cut_stream_is_told_from_one_that_ended_with_a_goodbye() {
    let (mut pool, mut random) = (Pool::new(), Random::new(10));
    let mut peers = [Peer::new(Toy::new(true), &mut pool), Peer::new(Toy::new(false), &mut pool)];
    peers[0].send(b"frame", &mut pool);
    assert_eq!(carry_until_quiet(&mut peers, &mut random, &mut pool), Ok(()));
    assert_eq!(peers[1].frames, [b"frame"]);
    assert_eq!(peers[1].link.end(), Err(LinkError::CutOff));
}

#[test]
fn a_changed_record_reaches_no_frame() {
    let (mut pool, mut random) = (Pool::new(), Random::new(11));
    let mut peers = [Peer::new(Toy::new(true), &mut pool), Peer::new(Toy::new(false), &mut pool)];
    assert_eq!(carry_until_quiet(&mut peers, &mut random, &mut pool), Ok(()));
    peers[0].send(b"frame", &mut pool);
    let sealed = peers[0].output.seal(&mut *peers[0].link, &mut pool);
    assert_eq!(sealed, Ok(None));
    let mut bytes: Vec<u8> = peers[0].output.slices().iter().flat_map(|slice| slice.to_vec()).collect();
    bytes[5] ^= 1;
    assert_eq!(peers[1].read(&mut bytes, &mut pool), Err(LinkError::Tampered));
    assert_eq!(peers[1].frames, Vec::<Vec<u8>>::new());
}

#[test]
fn ends_with_different_links_learn_it_instead_of_waiting() {
    let (mut pool, mut random) = (Pool::new(), Random::new(12));
    let mut peers = [Peer::new(Clear, &mut pool), Peer::new(Toy::new(false), &mut pool)];
    peers[0].send(b"frame", &mut pool);
    let got = carry_until_quiet(&mut peers, &mut random, &mut pool);
    assert!(matches!(got, Err(LinkError::Mismatch { .. })), "{got:?}");
}
