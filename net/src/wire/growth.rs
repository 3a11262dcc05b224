//! How a buffer grows for something whose length the peer has announced, a frame or a record.

/// Room for the first bytes.
const FIRST_ROOM: usize = 256;

/// Keeps what has come of something that will be `whole` bytes long. Doubles the buffer, so memory is in proportion to what has
/// come, not to what was announced.
pub(crate) fn keep(buffer: &mut Vec<u8>, come: &[u8], whole: usize) {
    let needed = buffer.len() + come.len();
    if needed > buffer.capacity() {
        let room = needed.max(2 * buffer.capacity()).max(FIRST_ROOM).min(whole.max(needed));
        buffer.reserve_exact(room - buffer.len());
    }
    buffer.extend_from_slice(come);
}
