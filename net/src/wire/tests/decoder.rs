//! Bytes into frames.

use super::super::{Decoder, FrameError, FrameLimit};
use super::Random;

fn decoder(limit: usize) -> Decoder {
    Decoder::new(FrameLimit::new(limit).expect("a limit"))
}

fn stream(frames: &[Vec<u8>]) -> Vec<u8> {
    let prefixed = frames.iter().map(|frame| [&(frame.len() as u32).to_be_bytes()[..], frame].concat());
    prefixed.collect::<Vec<_>>().concat()
}

/// Feeds one segment and collects the frames that it completes.
fn feed(decoder: &mut Decoder, mut segment: &[u8], frames: &mut Vec<Vec<u8>>) {
    while let Some(frame) = decoder.next_frame(&mut segment).expect("a sound stream") {
        frames.push(frame.to_vec());
    }
    assert_eq!(segment, [], "a segment is taken whole");
}

#[test]
fn any_split_of_the_byte_stream_gives_the_same_frames() {
    let mut random = Random::new(3);
    for _ in 0..2_000 {
        let sizes = [1, 2, 7, 255, 256, 257, 300, 1_000, 5_000];
        let count = 1 + random.below(8);
        let frames: Vec<_> = (0..count)
            .map(|_| {
                let size = *random.pick(&sizes);
                random.bytes(size)
            })
            .collect();
        let bytes = stream(&frames);
        let longest = *random.pick(&[1, 3, 10, 300, 20_000]);
        let (mut decoder, mut got, mut rest) = (decoder(5_000), Vec::new(), &bytes[..]);
        while !rest.is_empty() {
            let (segment, behind) = rest.split_at(random.below(longest + 1).min(rest.len()));
            feed(&mut decoder, segment, &mut got);
            rest = behind;
        }
        assert_eq!(got, frames);
        assert!(decoder.is_idle());
        assert_eq!(decoder.held(), 0, "an idle decoder holds no memory");
    }
}

#[test]
fn a_whole_frame_is_handed_out_without_a_copy() {
    let bytes = stream(&[b"one".to_vec(), b"two".to_vec()]);
    let mut decoder = decoder(100);
    let range = bytes.as_ptr_range();
    // The first length comes in two pieces; the frames are whole all the same.
    let (mut segment, mut rest) = bytes.split_at(2);
    assert_eq!(decoder.next_frame(&mut segment), Ok(None));
    for expected in [b"one", b"two"] {
        let frame = decoder.next_frame(&mut rest).expect("sound").expect("whole");
        assert_eq!(frame, expected);
        assert!(range.contains(&frame.as_ptr()));
    }
    assert_eq!(decoder.held(), 0);
}

#[test]
fn memory_follows_what_has_come_and_not_what_was_announced() {
    let length = 1 << 20;
    let mut decoder = decoder(length);
    let mut prefix = &(length as u32).to_be_bytes()[..];
    assert_eq!(decoder.next_frame(&mut prefix), Ok(None));
    assert_eq!(decoder.held(), 0);
    let mut come = 0;
    for step in [1, 1, 10, 100, 1_000, 50_000, 200_000, 400_000] {
        let bytes = vec![7; step];
        assert_eq!(decoder.next_frame(&mut &bytes[..]), Ok(None));
        come += step;
        assert!(decoder.held() <= (2 * come).max(256), "{come} bytes have come, {} are held", decoder.held());
        assert_eq!(decoder.missing(), Some(length - come));
    }
    let last = vec![7; length - come];
    let mut last = &last[..];
    assert_eq!(decoder.next_frame(&mut last).expect("sound").map(<[u8]>::len), Some(length));
    assert_eq!(decoder.held(), length, "not a byte more than the frame");
    assert_eq!(decoder.missing(), None);
    assert_eq!(decoder.next_frame(&mut last), Ok(None));
    assert_eq!(decoder.held(), 0, "the buffer is given back");
}

#[test]
fn a_frame_of_no_bytes_ends_the_stream() {
    let mut decoder = decoder(100);
    let mut bytes = &[0, 0, 0, 0, 0, 0, 0, 1, b'x'][..];
    for _ in 0..3 {
        assert_eq!(decoder.next_frame(&mut bytes), Err(FrameError::Empty), "the error stays");
    }
}

#[test]
fn a_frame_over_the_limit_ends_the_stream_before_anything_is_allocated() {
    for got in [101, 1 << 20, u32::MAX] {
        let mut decoder = decoder(100);
        let prefix = got.to_be_bytes();
        // The length comes byte by byte.
        for byte in &prefix[..3] {
            assert_eq!(decoder.next_frame(&mut &[*byte][..]), Ok(None));
        }
        let error = Err(FrameError::TooLong { got, limit: 100 });
        assert_eq!(decoder.next_frame(&mut &prefix[3..]), error);
        assert_eq!(decoder.next_frame(&mut &stream(&[b"fine".to_vec()])[..]), error, "the error stays");
        assert_eq!(decoder.held(), 0);
    }
}

#[test]
fn a_frame_of_exactly_the_limit_is_taken() {
    let mut got = Vec::new();
    feed(&mut decoder(100), &stream(&[vec![1; 100]]), &mut got);
    assert_eq!(got, [vec![1; 100]]);
}

#[test]
fn a_limit_is_between_one_byte_and_the_cap() {
    assert_eq!(FrameLimit::new(0), None);
    assert_eq!(FrameLimit::new(1).map(FrameLimit::bytes), Some(1));
    assert_eq!(FrameLimit::new(64 << 20), Some(FrameLimit::CAP));
    assert_eq!(FrameLimit::new((64 << 20) + 1), None);
}

#[test]
fn a_stream_that_ends_inside_a_frame_can_be_told_from_one_that_ends_between_frames() {
    let bytes = stream(&[b"frame".to_vec()]);
    for end in 0..=bytes.len() {
        let mut decoder = decoder(100);
        feed(&mut decoder, &bytes[..end], &mut Vec::new());
        assert_eq!(decoder.is_idle(), end == 0 || end == bytes.len(), "the end is at {end}");
    }
}
