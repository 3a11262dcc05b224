//! What a link holds, and what it leaves behind.

use super::super::cutter::Cutter;
use super::super::handshake::{Handshake, Welcomed};
use super::super::secured::Secured;
use super::*;

/// The two forms in which the package keeps a secret key, and its shared key.
const SECRET_KEY: usize = 64;
const SHARED_KEY: usize = 32;

#[test]
fn a_handshake_that_is_under_way_takes_less_than_a_kibibyte() {
    // With everything on the heap, at the end that has more: the listening one, between welcome and finish. Identity, realm
    // and allowed keys are shared by all links of a listener.
    let listening = size_of::<Secured>() + size_of::<Handshake>() + SECRET_KEY + size_of::<Welcomed>() + 2 * SHARED_KEY;
    // A connecting end has up to four expected keys of its own.
    let connecting = size_of::<Secured>() + size_of::<Handshake>() + SECRET_KEY + 4 * 32 + 200;
    assert!(listening <= 1_024 && connecting <= 1_024, "{listening} and {connecting} bytes");
    assert!(size_of::<Secured>() <= 192, "what stays when the link is open: {}", size_of::<Secured>());
}

#[test]
fn an_announced_length_takes_no_memory() {
    for mode in MODES {
        let (_, mut bob) = opened_in(mode);
        let mut cutter = Cutter::default();
        let mut bytes = (1_u32 << 20).to_be_bytes();
        assert!(cutter.cut(&mut &mut bytes[..], (1, 1 << 20)).expect("a good length").is_none());
        assert!(cutter.kept.capacity() <= 256);
        let mut come = 0;
        for size in [1, 255, 1_000, 60_000, 60_000] {
            assert!(cutter.cut(&mut &mut vec![0; size][..], (1, 1 << 20)).expect("a part").is_none());
            come += size;
            assert!(cutter.kept.capacity() <= 2 * (come + 4).max(256), "{} for {come}", cutter.kept.capacity());
        }
        assert_eq!(cutter.missing(), Some((1 << 20) - come));
        assert_eq!(bob.read(&bytes), Ok(()));
    }
}

#[test]
fn a_record_in_small_pieces_takes_what_it_has_and_is_seldom_moved() {
    let mut cutter = Cutter::default();
    let mut record = vec![0; 4 + 100_000];
    record[..4].copy_from_slice(&100_000_u32.to_be_bytes());
    let (mut rooms, mut last) = (std::collections::BTreeSet::new(), false);
    for piece in record.chunks_mut(100) {
        last = cutter.cut(&mut &mut piece[..], (1, 1 << 20)).expect("a part").is_some();
        rooms.insert(cutter.kept.capacity());
    }
    assert!(last && cutter.missing().is_none(), "whole, and nothing is missing");
    assert!(rooms.len() <= 12 && rooms.last() == Some(&(4 + 100_000)), "{rooms:?}");
}

#[test]
fn an_idle_link_keeps_no_buffer() {
    let mut cutter = Cutter::default();
    for mut bytes in [vec![0, 0, 0, 3, 1], vec![2, 3], Vec::new()] {
        let _ = cutter.cut(&mut &mut bytes[..], (1, 100)).expect("a good length");
    }
    assert_eq!((cutter.kept.capacity(), cutter.missing()), (0, None));
}

/// Reads this process's own memory, which needs no unsafe code here.
#[cfg(target_os = "linux")]
mod wiped {
    use std::fs::File;
    use std::io::{Read, Seek, SeekFrom};

    use super::super::super::suite::{RecordKey, Secret, Shared};
    use super::*;

    fn memory(at: usize, size: usize) -> Vec<u8> {
        let mut file = File::open("/proc/self/mem").expect("own memory");
        file.seek(SeekFrom::Start(at as u64)).expect("an address");
        let mut bytes = vec![0; size];
        file.read_exact(&mut bytes).expect("mapped memory");
        bytes
    }

    /// Whether any 8 bytes of the secret are still there.
    fn is_left(secret: &[u8], memory: &[u8]) -> bool {
        secret.windows(8).any(|part| memory.windows(8).any(|bytes| bytes == part))
    }

    fn secret() -> [u8; 32] {
        // Nothing else in this process has these bytes, nor any 8 of them in a row.
        std::array::from_fn(|at| (at as u8).wrapping_mul(37).wrapping_add(11))
    }

    #[test]
    fn a_secret_key_is_wiped_when_it_is_dropped() {
        let key = Secret::new(&secret());
        let at = key.address();
        assert!(is_left(&secret(), &memory(at, SECRET_KEY)), "the test looks at the right place");
        drop(key);
        assert!(!is_left(&secret(), &memory(at, SECRET_KEY)));
    }

    #[test]
    fn a_record_key_is_wiped_when_it_is_dropped_or_replaced() {
        let key = RecordKey::new(&secret());
        let at = key.address();
        assert!(is_left(&secret(), &memory(at, 32)), "the test looks at the right place");
        let next = key.next();
        let (next_at, next_bytes) = (next.address(), memory(next.address(), 32));
        drop(key);
        assert!(!is_left(&secret(), &memory(at, 32)));
        drop(next);
        assert!(!is_left(&next_bytes, &memory(next_at, 32)));
    }

    #[test]
    fn a_shared_key_is_wiped_when_it_is_dropped() {
        let shared: Shared = Secret::new(&secret()).agree(&identity(1).public_key());
        let (at, bytes) = (shared.address(), memory(shared.address(), SHARED_KEY));
        assert!(bytes.iter().any(|byte| *byte != 0));
        drop(shared);
        assert!(!is_left(&bytes, &memory(at, SHARED_KEY)));
    }

    #[test]
    fn a_link_that_has_failed_has_no_key_any_more() {
        for mode in SEALED {
            let (_, mut bob) = by_hand(mode);
            assert!(format!("{:?}", bob.link).contains("stage: Records("));
            assert!(bob.read(&[0xff; 4]).is_err());
            assert!(format!("{:?}", bob.link).contains("stage: Failed("), "{:?}", bob.link);
            let mut bob = Peer::listening(&listen(mode), 4);
            assert!(format!("{:?}", bob.link).contains("stage: Handshake("));
            assert!(bob.link.end().is_err());
            assert!(format!("{:?}", bob.link).contains("stage: Failed("));
        }
    }
}
