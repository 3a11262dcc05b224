//! Noise by the snow package: Diffie-Hellman on Curve25519, ChaCha20-Poly1305, BLAKE2b, as in our link.

use std::hint::black_box;

use snow::{Builder, HandshakeState, TransportState};

use super::echo::Session;
use crate::measure::nanoseconds_each;

/// Nobody proves anything, as in our mode `encrypted`.
const ANONYMOUS: &str = "Noise_NN_25519_ChaChaPoly_BLAKE2b";
/// Both ends prove their keys, as in our mode `mutual`.
const MUTUAL: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2b";
/// The longest message, its tag included.
const MESSAGE: usize = 65_535;
const TAG: usize = 16;
const PREFIX: usize = 2;

/// A pair of ends whose handshake is over.
pub(crate) fn sessions() -> (Noise, Noise) {
    let builder = || Builder::new(ANONYMOUS.parse().expect("a known protocol"));
    let mut initiator = builder().build_initiator().expect("no keys are needed");
    let mut responder = builder().build_responder().expect("no keys are needed");
    pass(&mut initiator, &mut responder);
    pass(&mut responder, &mut initiator);
    let transport = |state: HandshakeState| Noise::new(state.into_transport_mode().expect("the handshake is over"));
    (transport(initiator), transport(responder))
}

fn pass(from: &mut HandshakeState, to: &mut HandshakeState) {
    let (mut message, mut payload) = ([0; 1_024], [0; 1_024]);
    let length = from.write_message(&[], &mut message).expect("its turn");
    to.read_message(&message[..length], &mut payload).expect("what the other end wrote");
}

/// A responder that has answered the first message, and waits for the third.
pub(crate) fn pending() -> HandshakeState {
    let builder = || Builder::new(MUTUAL.parse().expect("a known protocol"));
    let with_key = || builder().local_private_key(&[1; 32]).expect("32 bytes");
    let mut initiator = with_key().build_initiator().expect("a key");
    let mut responder = with_key().build_responder().expect("a key");
    pass(&mut initiator, &mut responder);
    pass(&mut responder, &mut initiator);
    responder
}

/// One end of a stream: messages behind lengths of two bytes.
pub(crate) struct Noise {
    transport: TransportState,
    kept: Vec<u8>,
    text: Vec<u8>,
}

impl Noise {
    fn new(transport: TransportState) -> Self {
        Self { transport, kept: Vec::new(), text: vec![0; MESSAGE] }
    }
}

impl Session for Noise {
    fn seal(&mut self, clear: &[u8], out: &mut Vec<u8>) {
        for part in clear.chunks(MESSAGE - TAG) {
            let size = part.len() + TAG;
            out.extend((size as u16).to_be_bytes());
            let start = out.len();
            out.resize(start + size, 0);
            self.transport.write_message(part, &mut out[start..]).expect("room for it");
        }
    }

    fn open(&mut self, read: &[u8], clear: &mut Vec<u8>) {
        self.kept.extend_from_slice(read);
        let mut rest = &self.kept[..];
        while let Some((prefix, behind)) = rest.split_first_chunk::<PREFIX>()
            && let Some((message, behind)) = behind.split_at_checked(usize::from(u16::from_be_bytes(*prefix)))
        {
            let size = self.transport.read_message(message, &mut self.text).expect("what the other end wrote");
            clear.extend_from_slice(&self.text[..size]);
            rest = behind;
        }
        let used = self.kept.len() - rest.len();
        self.kept.drain(..used);
    }
}

/// Nanoseconds for each text of `size` bytes, sealed and opened. One that is longer than a message is cut in two.
pub(crate) fn frames(size: usize, count: usize, _: usize) -> f64 {
    let (mut seals, mut opens) = sessions();
    let (frame, mut wire, mut opened) = (vec![7; size], Vec::new(), Vec::new());
    nanoseconds_each(count, || {
        for _ in 0..count {
            wire.clear();
            seals.seal(&frame, &mut wire);
            opened.clear();
            opens.open(&wire, &mut opened);
            assert_eq!(black_box(&opened).len(), size);
        }
    })
}
