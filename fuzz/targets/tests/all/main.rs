//! Every target over its corpus and over inputs that chance makes from a fixed seed: what is promised, and how much memory
//! that takes.
#![forbid(unsafe_code)]

mod corpus;
mod seeded;

/// No body is read deeper.
const DEEPEST: u64 = 64;
/// What serde takes for an element of a list that is announced, before it has seen it.
const ELEMENT: u64 = 64;

/// Calls a target, which may take memory in proportion to its input, and nothing on the strength of an announced length: the
/// links and decoders in it accept frames of 1 to 64 MiB.
///
/// A part of the output of a link takes 64 KiB whatever is in it. A byte in `record_stream` is a frame of up to 25 KiB, in
/// several copies. Where a body announces a list, serde takes room for it at once, and lists nest.
fn run(name: &str, target: statepoint_fuzz_targets::Target, input: &[u8]) {
    let (fixed, per_byte) = match name {
        "record_stream" => (1 << 19, 200_000),
        "bodies" => (1 << 14, DEEPEST * ELEMENT),
        _ => (1 << 19, 1_000),
    };
    let taken = allocation_counter::measure(|| target(input)).bytes_max;
    let most = fixed + per_byte * input.len() as u64;
    assert!(taken <= most, "{name} took {taken} bytes, at most {most} for {} of input: {input:02x?}", input.len());
}
