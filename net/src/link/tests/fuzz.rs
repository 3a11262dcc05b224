//! The fuzzing functions, over inputs that chance makes from a fixed seed.

use super::super::fuzzing::{handshake_initiator, handshake_responder, record_stream};
use super::Chance;

fn run(seed: u64, rounds: usize, longest: usize, target: fn(&[u8])) {
    let mut chance = Chance(seed);
    for round in 0..rounds {
        let length = chance.below(longest);
        let mut input = chance.bytes(length);
        // Small numbers are more often something, and zeros end loops.
        for byte in &mut input {
            match chance.below(3) {
                0 => *byte %= 16,
                1 => *byte %= 64,
                _ => {}
            }
        }
        if let Some(mode) = input.first_mut() {
            *mode = round as u8;
        }
        target(&input);
    }
}

#[test]
fn a_connecting_end_withstands_any_bytes() {
    run(1, 400, 200, handshake_initiator);
}

#[test]
fn a_listening_end_withstands_any_bytes() {
    run(2, 400, 200, handshake_responder);
}

#[test]
fn a_stream_of_records_withstands_any_change() {
    run(3, 400, 120, record_stream);
}

#[test]
fn inputs_that_lead_nowhere_are_taken_too() {
    for target in [handshake_initiator, handshake_responder, record_stream] {
        for mode in 0..4 {
            target(&[]);
            target(&[mode]);
            target(&[mode, 0, 255]);
            target(&[mode, 1, 0, 0, 0, 0, 0, 0, 0]);
        }
    }
}
