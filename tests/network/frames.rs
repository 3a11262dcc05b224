//! A clear link and its frames by hand, for peers that speak bytes: what `docs/security.md` and the documentation of
//! `statepoint::wire` say, written a second time.

/// What the connecting end says before its first frame.
pub(crate) const GREETING: &[u8] = b"\xF5FSM\x01\x01\x01\x00\x00\x10\x00\x00\0\0\0\0";
/// What it hears before the first frame of the other end: a welcome, and that it is ready.
pub(crate) const WELCOME: &[u8] = b"\xF5FSM\x02\x01\x00\x00\x00\x10\x00\x00\0\0\0\0\0\0\0\x01\x03";
/// What either end says behind its last frame.
pub(crate) const GOODBYE: &[u8] = b"\0\0\0\x03\x04\0\0";

/// The default target of the end that reads: its export 0.
pub(crate) const DEFAULT: i64 = -1;

/// How a message's name goes over the wire.
#[derive(Clone, Copy)]
pub(crate) enum Called<'a> {
    /// Spelt.
    Name(&'a str),
    /// By its number.
    Number(i64),
}

/// The frame of a message. An address `n >= 0` is an export of this end, `-(n + 1)` one of the other end.
pub(crate) fn message(to: i64, from: Option<i64>, called: Called<'_>, addresses: &[i64], body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x94];
    integer(&mut frame, to);
    match from {
        Some(number) => integer(&mut frame, number),
        None => frame.push(0xC0),
    }
    match called {
        Called::Name(name) => text(&mut frame, name),
        Called::Number(number) => integer(&mut frame, number),
    }
    match u16::try_from(addresses.len()).expect("few addresses") {
        count @ 0..=15 => frame.push(0x90 | count as u8),
        count => {
            frame.push(0xDC);
            frame.extend(count.to_be_bytes());
        }
    }
    for address in addresses {
        integer(&mut frame, *address);
    }
    frame.extend(body);
    framed(&frame)
}

/// The record of one frame: its length, its kind, the frame.
pub(crate) fn framed(frame: &[u8]) -> Vec<u8> {
    let length = u32::try_from(1 + frame.len()).expect("a short frame");
    [&length.to_be_bytes(), &[0][..], frame].concat()
}

/// Takes the records that are there whole off the front of `bytes`, and gives the frames in them.
pub(crate) fn frames_of(bytes: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some(record) = take(bytes) {
        match record.split_first().expect("a record has a kind") {
            (0, frame) => frames.push(frame.to_vec()),
            (7, batch) => {
                let mut batch = batch.to_vec();
                frames.extend(std::iter::from_fn(|| take(&mut batch)));
                assert!(batch.is_empty(), "a batch ends with a frame");
            }
            (4, reason) => assert_eq!(reason, [0, 0], "a goodbye without a reason"),
            (kind, _) => panic!("expected no record of kind {kind}"),
        }
    }
    frames
}

/// What stands behind a length of four bytes, when it is there whole.
fn take(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let whole = bytes.get(4..4 + length)?.to_vec();
    bytes.drain(..4 + length);
    Some(whole)
}

/// The control frame that tells of the end of this end's export `number`.
pub(crate) fn gone(number: i64) -> Vec<u8> {
    let mut frame = vec![0x92, 1];
    integer(&mut frame, number);
    framed(&frame)
}

/// The shortest form of an integer.
pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    match value {
        0..=0x7F => out.push(value as u8),
        0x80..=0xFF => out.extend([0xCC, value as u8]),
        0x100..=0xFFFF => {
            out.push(0xCD);
            out.extend((value as u16).to_be_bytes());
        }
        0x1_0000..=0xFFFF_FFFF => {
            out.push(0xCE);
            out.extend((value as u32).to_be_bytes());
        }
        0x1_0000_0000.. => {
            out.push(0xCF);
            out.extend(value.to_be_bytes());
        }
        -32..=-1 => out.push(value as u8),
        -128..=-33 => out.extend([0xD0, value as u8]),
        -32_768..=-129 => {
            out.push(0xD1);
            out.extend((value as i16).to_be_bytes());
        }
        -0x8000_0000..=-32_769 => {
            out.push(0xD2);
            out.extend((value as i32).to_be_bytes());
        }
        _ => {
            out.push(0xD3);
            out.extend(value.to_be_bytes());
        }
    }
}

/// The shortest form of a text of less than 64 KiB.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        length @ 0..=31 => out.push(0xA0 | length as u8),
        length @ 32..=0xFF => out.extend([0xD9, length as u8]),
        length => {
            out.push(0xDA);
            out.extend((length as u16).to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}
