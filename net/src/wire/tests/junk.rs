//! Bytes that no healthy peer sends.

use fsm_core::Address;

use super::super::{ADDRESSES, Decoder, FrameLimit, Inbound, NAMES};
use super::{End, Random, message, point};

const PROXY: Address = Address::new(7, 1, 0);

fn sound(inbound: &Inbound) {
    if let Inbound::Message { encoded, .. } = inbound {
        assert!(encoded.addresses.len() <= ADDRESSES);
        assert!(!encoded.bytes.is_empty());
    }
}

#[test]
fn random_bytes_never_panic_and_memory_stays_bounded() {
    let mut random = Random::new(5);
    let limit = FrameLimit::new(2_000).expect("a limit");
    let (mut frames, mut errors) = (0, 0);
    for _ in 0..20_000 {
        let mut decoder = Decoder::new(limit);
        let mut end = End::with_default(PROXY, point(1));
        for _ in 0..1 + random.below(6) {
            let len = random.below(600);
            let mut bytes = random.bytes(len);
            // Lengths that pass, so that chance also reaches the frames.
            if random.one_in(2) {
                bytes.splice(0..0, [0, 0, random.below(8) as u8, random.next() as u8]);
            }
            let mut bytes = &bytes[..];
            loop {
                match decoder.next_frame(&mut bytes) {
                    Ok(Some(frame)) => {
                        frames += 1;
                        assert!(frame.len() <= limit.bytes());
                        end.decode(frame).iter().for_each(sound);
                    }
                    Ok(None) => break,
                    Err(_) => {
                        errors += 1;
                        break;
                    }
                }
            }
            assert!(decoder.held() <= limit.bytes());
        }
    }
    assert!(frames > 1_000 && errors > 1_000, "{frames} frames, {errors} errors");
}

#[test]
fn changed_frames_are_read_soundly_or_refused() {
    let mut random = Random::new(6);
    let mut read = 0;
    let mut end = End::with_default(PROXY, point(1));
    let given: Vec<_> = (10..30).map(point).collect();
    for address in &given {
        assert!(end.border.write(*address).is_ok());
    }
    for round in 0..20_000 {
        let mut sender = End::with_default(PROXY, point(1));
        let listed: Vec<_> = (0..random.below(20)).map(|_| PROXY.with_far(1 + random.below(25) as u64)).collect();
        let body = 1 + random.below(20);
        let encoded = message(&format!("name.{round}"), &random.bytes(body), &listed);
        let mut frame = sender.encode(PROXY.with_far(1), point(3), &encoded).expect("can be sent");
        for _ in 0..random.below(4) {
            let at = random.below(frame.len());
            match random.below(4) {
                0 => frame[at] ^= 1 << random.below(8),
                1 => frame[at] = random.next() as u8,
                2 => drop(frame.remove(at)),
                _ => frame.insert(at, random.next() as u8),
            }
        }
        if let Ok(inbound) = end.decode(&frame) {
            read += 1;
            sound(&inbound);
            if let Inbound::Message { to, encoded, .. } = inbound {
                let reached = encoded.addresses.iter().chain([&to]);
                for address in reached.filter(|address| !address.is_far() && !address.is_none()) {
                    assert!(given.contains(address) || *address == point(1), "{address} was never given");
                }
            }
        }
        assert!(end.incoming.len() <= NAMES);
    }
    assert!(read > 4_000, "{read} were read");
}

#[test]
fn every_prefix_of_a_message_is_refused_or_has_a_shorter_body() {
    let mut sender = End::with_default(PROXY, point(1));
    let encoded = message("a.Name", &[1, 2, 3], &[point(4), PROXY.with_far(300), Address::NONE]);
    let frame = sender.encode(PROXY.with_far(1), point(3), &encoded).expect("can be sent");
    let header = frame.len() - 3;
    for end in 0..=frame.len() {
        let mut peer = End::with_default(PROXY, point(1));
        for slot in 0..400 {
            assert!(peer.border.write(point(100 + slot)).is_ok());
        }
        let got = peer.decode(&frame[..end]);
        assert_eq!(got.is_ok(), end > header, "cut at {end}: {got:?}");
    }
}
