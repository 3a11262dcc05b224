//! What waits to be written.

use super::super::{Clear, Fill, Link, LinkError, LinkState, Marks, Outlet, Output, Pool, SendError};
use super::Random;

fn append(output: &mut Output, pool: &mut Pool, bytes: &[u8]) -> Option<Fill> {
    let appended = output.append(pool, |out| {
        out.extend_from_slice(bytes);
        Ok(())
    });
    appended.expect("there is room")
}

fn seal(output: &mut Output, pool: &mut Pool) -> Option<Fill> {
    output.seal(&mut Clear, pool).expect("a clear link does nothing")
}

/// What a socket would be given.
fn offered(output: &Output) -> Vec<u8> {
    let slices = output.slices();
    assert!(slices.len() <= 64);
    assert!(slices.iter().all(|slice| !slice.is_empty()));
    let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
    assert!(bytes.len() <= 256 * 1024);
    bytes
}

#[test]
fn bytes_leave_in_the_order_in_which_they_came_however_little_the_socket_takes() {
    let mut random = Random::new(8);
    for _ in 0..15 {
        let (mut pool, mut output) = (Pool::new(), Output::default());
        let (mut expected, mut written) = (Vec::new(), Vec::new());
        for _ in 0..120 {
            match random.below(4) {
                0 | 1 => {
                    let size = *random.pick(&[1, 10, 100, 3_000, 70_000]);
                    let bytes = random.bytes(size);
                    expected.extend_from_slice(&bytes);
                    append(&mut output, &mut pool, &bytes);
                }
                2 => drop(seal(&mut output, &mut pool)),
                _ => {
                    let mut bytes = offered(&output);
                    assert_eq!(bytes.is_empty(), output.ready() == 0);
                    bytes.truncate(random.below(bytes.len() + 1));
                    output.consume(bytes.len(), &mut pool);
                    written.extend(bytes);
                }
            }
            assert_eq!(output.len(), expected.len() - written.len());
        }
        seal(&mut output, &mut pool);
        while output.ready() > 0 {
            let bytes = offered(&output);
            output.consume(bytes.len(), &mut pool);
            written.extend(bytes);
        }
        assert_eq!(written, expected);
        assert_eq!(output.held(), 0, "an empty output holds no memory");
        assert!(pool.held() <= 4 << 20);
    }
}

#[test]
fn one_write_takes_at_most_64_slices_and_256_kib() {
    let (mut pool, mut output) = (Pool::new(), Output::default());
    append(&mut output, &mut pool, &vec![1; 600 * 1024]);
    append(&mut output, &mut pool, &[2; 10]);
    seal(&mut output, &mut pool);
    let sizes: Vec<_> = output.slices().iter().map(|slice| slice.len()).collect();
    assert_eq!(sizes, [256 * 1024]);
    output.consume(600 * 1024 - 5, &mut pool);
    let sizes: Vec<_> = output.slices().iter().map(|slice| slice.len()).collect();
    assert_eq!(sizes, [5, 10]);
}

#[test]
fn what_a_slow_peer_lets_pile_up_in_small_pieces_is_put_together() {
    let (mut pool, mut output) = (Pool::new(), Output::default());
    for _ in 0..10_000 {
        append(&mut output, &mut pool, &[7; 20]);
        seal(&mut output, &mut pool);
    }
    assert_eq!(output.len(), 200_000);
    assert!(output.slices().len() <= 4, "{} slices", output.slices().len());
    assert!(output.held() <= 2 * output.len(), "{} bytes held", output.held());
}

#[test]
fn frames_of_one_turn_lie_together_and_go_to_the_socket_without_a_copy() {
    let (mut pool, mut output) = (Pool::new(), Output::default());
    pool.give(Vec::with_capacity(1_000));
    let mut chunk = std::ptr::null();
    for frame in 0..3 {
        let appended = output.append(&mut pool, |out| {
            assert_eq!(out.len(), frame * 100);
            out.extend_from_slice(&[1; 100]);
            chunk = out.as_ptr();
            Ok(())
        });
        assert_eq!(appended, Ok(None));
    }
    seal(&mut output, &mut pool);
    assert_eq!((output.slices().len(), output.slices()[0].as_ptr()), (1, chunk));
}

#[test]
fn buffers_are_used_again() {
    let (mut pool, mut output) = (Pool::new(), Output::default());
    append(&mut output, &mut pool, &[1; 100]);
    seal(&mut output, &mut pool);
    output.consume(100, &mut pool);
    let held = pool.held();
    assert!(held >= 100);
    append(&mut output, &mut pool, &[1; 100]);
    assert_eq!(pool.held(), 0);
    output.clear(&mut pool);
    assert_eq!((pool.held(), output.held(), output.len()), (held, 0, 0));
}

#[test]
fn the_marks_have_a_gap_on_the_way_back() {
    let marks = Marks { clear: 10, soft: 50, hard: 100 };
    let (mut pool, mut output) = (Pool::new(), Output::new(marks));
    assert_eq!(append(&mut output, &mut pool, &[0; 49]), None);
    assert_eq!(append(&mut output, &mut pool, &[0; 1]), Some(Fill::Congested));
    assert_eq!(append(&mut output, &mut pool, &[0; 49]), None);
    assert_eq!(append(&mut output, &mut pool, &[0; 11]), Some(Fill::Full));
    let refused = output.append(&mut pool, |_| panic!("nothing is written to a full output"));
    assert_eq!(refused, Err(SendError::OutputFull { waiting: 110, limit: 100 }));
    assert_eq!(seal(&mut output, &mut pool), None);
    assert_eq!(output.consume(20, &mut pool), None, "90 wait: full until the soft mark");
    assert_eq!(output.consume(41, &mut pool), Some(Fill::Congested));
    assert_eq!(append(&mut output, &mut pool, &[0; 1]), None, "it takes frames again");
    seal(&mut output, &mut pool);
    assert_eq!(output.consume(40, &mut pool), None, "10 wait: congested until below the clear mark");
    assert_eq!(output.consume(1, &mut pool), Some(Fill::Normal));
    assert_eq!(output.fill(), Fill::Normal);
}

#[test]
fn a_single_step_may_lead_from_full_to_normal() {
    let (mut pool, mut output) = (Pool::new(), Output::new(Marks { clear: 10, soft: 50, hard: 100 }));
    assert_eq!(append(&mut output, &mut pool, &[0; 500]), Some(Fill::Full));
    seal(&mut output, &mut pool);
    assert_eq!(output.consume(500, &mut pool), Some(Fill::Normal));
}

#[test]
fn a_failed_write_leaves_nothing() {
    let (mut pool, mut output) = (Pool::new(), Output::default());
    for before in [0, 3] {
        append(&mut output, &mut pool, &vec![1; before]);
        let failed = output.append(&mut pool, |out| {
            out.extend_from_slice(b"half a frame");
            Err(SendError::NoBody)
        });
        assert_eq!(failed, Err(SendError::NoBody));
        assert_eq!(output.len(), before);
    }
    seal(&mut output, &mut pool);
    assert_eq!(offered(&output), [1; 3]);
}

/// A link whose handshake is not over.
#[derive(Debug)]
struct Opening(LinkState);

impl Link for Opening {
    fn begin(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        out.write(b"hello");
        Ok(())
    }

    fn receive<'a, 'b: 'a>(
        &'a mut self,
        _: &mut &'b mut [u8],
        _: &mut Outlet<'_>,
    ) -> Result<Option<&'a [u8]>, LinkError> {
        Ok(None)
    }

    fn seal(&mut self, frames: Vec<u8>, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        assert_eq!(self.0, LinkState::Open);
        out.push(frames);
        Ok(())
    }

    fn close(&mut self, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Ok(())
    }

    fn end(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn state(&self) -> LinkState {
        self.0
    }
}

#[test]
fn frames_wait_until_the_link_is_open_and_come_behind_its_handshake() {
    let (mut pool, mut output, mut link) = (Pool::new(), Output::default(), Opening(LinkState::Opening));
    append(&mut output, &mut pool, b"frame");
    assert_eq!(link.begin(&mut output.outlet(&mut pool)), Ok(()));
    assert_eq!(output.seal(&mut link, &mut pool), Ok(None));
    assert_eq!((offered(&output), output.len(), output.ready()), (b"hello".to_vec(), 10, 5));
    link.0 = LinkState::Open;
    assert_eq!(output.seal(&mut link, &mut pool), Ok(None));
    assert_eq!(offered(&output), b"helloframe");
}
