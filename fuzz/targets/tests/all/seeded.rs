//! Inputs that chance makes from a fixed seed.

use fsm_core::Message;
use fsm_net::sim::Random;
use statepoint_fuzz_targets::{
    Everything, Target, bodies, frames, handshake_initiator, handshake_responder, record_stream, take,
};

/// A valid stream and a valid body, so that a change of a byte leads deep into the format.
fn valid() -> (Vec<u8>, Vec<u8>) {
    let message = Everything::example();
    let body = message.encode().expect("it can be written").bytes;
    let mut frame = vec![0x94, 0xff, 0x00, 0xaf];
    frame.extend_from_slice(Everything::NAME.as_bytes());
    frame.extend_from_slice(&[0x92, 0xff, 0x01]);
    frame.extend_from_slice(&body);
    let mut stream = u32::try_from(frame.len()).expect("it is short").to_be_bytes().to_vec();
    stream.extend_from_slice(&frame);
    stream.extend_from_slice(&[0, 0, 0, 3, 0x92, 1, 1]);
    (stream, body)
}

/// Calls `target` with the valid input, changed in a few places, cut, or grown.
fn run_changed(valid: &[u8], rounds: u64, name: &str, target: Target) {
    let mut random = Random::new(rounds);
    for _ in 0..rounds {
        let mut bytes = valid.to_vec();
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(bytes.len().max(1) as u64)).unwrap_or(0);
            match random.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), random.next_u64() as u8),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = random.next_u64() as u8;
                    }
                }
            }
        }
        crate::run(name, target, &bytes);
    }
}

/// Calls `target` with anything, the first byte in turn.
fn run_anything(longest: u64, rounds: u64, name: &str, target: Target) {
    let mut random = Random::new(rounds + longest);
    for round in 0..rounds {
        let length = random.below(longest);
        let byte = |_| {
            let byte = random.next_u64() as u8;
            // Small numbers are more often something.
            if random.below(3) == 0 { byte % 16 } else { byte }
        };
        let mut bytes: Vec<u8> = (0..length).map(byte).collect();
        if let Some(first) = bytes.first_mut() {
            *first = round as u8;
        }
        crate::run(name, target, &bytes);
    }
}

#[test]
fn a_valid_stream_is_taken() {
    let (stream, body) = valid();
    let seen = take(&stream, 3);
    assert!(seen.len() == 2 && seen[0].contains("Message") && seen[1].contains("Gone"), "{seen:?}");
    bodies(&body);
}

#[test]
fn changed_streams_do_no_harm() {
    run_changed(&valid().0, 20_000, "frames", frames);
}

#[test]
fn changed_bodies_do_no_harm() {
    run_changed(&valid().1, 20_000, "bodies", bodies);
}

#[test]
fn a_connecting_end_withstands_anything() {
    run_anything(200, 500, "handshake_initiator", handshake_initiator);
}

#[test]
fn a_listening_end_withstands_anything() {
    run_anything(200, 500, "handshake_responder", handshake_responder);
}

#[test]
fn records_withstand_anything() {
    run_anything(120, 500, "record_stream", record_stream);
}

/// A list announced in a list and so on: each longer than any body, or as long as the rest of this one.
#[test]
fn lists_that_are_only_announced_take_no_memory() {
    let body = valid().1;
    let keyed = body.windows(5).position(|bytes| bytes == b"keyed").expect("a field of that name") + 5;
    for depth in [1, 10, 61, 100, 10_000] {
        let lists = [0xdd, 0x7f, 0xff, 0xff, 0xff].repeat(depth);
        crate::run("bodies", bodies, &[&body[..keyed], &[0x81, 7], &lists].concat());
        let lists: Vec<u8> =
            (0..depth).rev().flat_map(|inner| [0xdc, ((inner * 3) >> 8) as u8, (inner * 3) as u8]).collect();
        crate::run("bodies", bodies, &[&body[..keyed], &[0x81, 7], &lists].concat());
    }
}
