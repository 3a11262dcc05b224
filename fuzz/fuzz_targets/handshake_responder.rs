#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| statepoint_fuzz_targets::handshake_responder(bytes));
