//! Records: what the stream consists of once the handshake is over, in clear links too.
//!
//! ```text
//!  0  4  length L: of all that follows
//!  4 16  tag, in a sealed link
//!    1  kind           } sealed under the key of the direction;
//!    .. body           } the nonce holds direction, epoch, L and how many records were before
//! ```

use super::preamble::End;
use super::suite::{Nonce, RecordKey, TAG};
use crate::wire::LinkError;

/// One frame, without its length.
pub(super) const DATA: u8 = 0;
/// "Are you there?", eight bytes.
pub(super) const PING: u8 = 1;
/// "I am", the same eight bytes. Nobody answers what was not asked.
pub(super) const PONG: u8 = 2;
/// The listening end admits the connecting one: its first record, and only that.
pub(super) const READY: u8 = 3;
/// Goodbye: a reason (u16) and a text of at most 256 bytes. The last record.
pub(super) const CLOSE: u8 = 4;
/// The last record under the old key.
pub(super) const REKEY: u8 = 5;
/// 2 to 256 frames with their lengths.
pub(super) const BATCH: u8 = 7;

/// The bytes of a length.
pub(super) const PREFIX: usize = 4;
/// The longest body of a goodbye.
pub(super) const CLOSE_BODY: usize = 2 + 256;
/// The longest body of a batch, and the most frames in it.
pub(super) const BATCH_BODY: usize = 16 * 1024;
pub(super) const BATCH_FRAMES: usize = 256;

/// After so many records the writer takes a new key.
pub(super) const REKEY_RECORDS: u64 = 1 << 20;

/// When a key must, may and may not be replaced, in records and bytes of its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epochs {
    /// The writer replaces it from here on.
    pub(super) after: (u64, u64),
    /// The reader takes no new key before both of these: new keys are no pastime.
    pub(super) least: (u64, u64),
    /// The reader takes nothing but a new key behind these.
    pub(super) most: (u64, u64),
}

impl Epochs {
    pub(super) fn new(records: u64) -> Self {
        let least = (1 << 10, 16 << 20);
        Self { after: (records.clamp(least.0, REKEY_RECORDS), 1 << 30), least, most: (1 << 21, 2 << 30) }
    }
}

/// One direction of a link, at its writer or its reader.
#[derive(Debug)]
pub(super) struct Half {
    /// None in a clear link.
    key: Option<RecordKey>,
    direction: u8,
    pub(super) epoch: u32,
    /// How many records, and how many bytes, were sealed or opened in this epoch.
    records: u64,
    bytes: u64,
    pub(super) epochs: Epochs,
}

impl Half {
    /// The direction that `writer` writes.
    pub(super) fn new(writer: End, key: Option<RecordKey>, epochs: Epochs) -> Self {
        let direction = match writer {
            End::Connector => 1,
            End::Listener => 2,
        };
        Self { key, direction, epoch: 0, records: 0, bytes: 0, epochs }
    }

    /// What a record has besides its body and its length.
    pub(super) fn overhead(&self) -> usize {
        if self.key.is_some() { TAG + 1 } else { 1 }
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.key.is_some()
    }

    /// Appends a record to `out`, behind one with a new key if it is time.
    pub(super) fn seal(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        self.renew_in_time(out)?;
        self.seal_one(kind, body, out)
    }

    /// The same for one large frame with its length, which is not copied: what does not fit into the place of the length goes
    /// to `out`, and `frame` itself becomes the rest of the record.
    pub(super) fn seal_in_place(&mut self, frame: &mut [u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        self.renew_in_time(out)?;
        let length = (self.overhead() + frame.len() - PREFIX) as u32;
        let nonce = self.next_nonce(length);
        let mut head = [&length.to_be_bytes()[..], &[0; TAG][..self.overhead() - 1]].concat();
        frame[PREFIX - 1] = DATA;
        if let Some(key) = &self.key {
            head[PREFIX..].copy_from_slice(&key.seal(&nonce, &mut frame[PREFIX - 1..])?);
        }
        let (front, back) = head.split_at(head.len() + 1 - PREFIX);
        out.extend_from_slice(front);
        frame[..PREFIX - 1].copy_from_slice(back);
        Ok(())
    }

    fn renew_in_time(&mut self, out: &mut Vec<u8>) -> Result<(), LinkError> {
        if self.is_sealed() && self.has_reached(self.epochs.after) {
            self.seal_one(REKEY, &[], out)?;
            self.renew()?;
        }
        Ok(())
    }

    fn seal_one(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        let length = (self.overhead() + body.len()) as u32;
        // The number is spent before it is used: whatever goes wrong, no two records have the same.
        let nonce = self.next_nonce(length);
        out.extend(length.to_be_bytes());
        let start = out.len();
        out.extend(&[0; TAG][..self.overhead() - 1]);
        out.push(kind);
        out.extend_from_slice(body);
        if let (Some(key), Some((tag, text))) = (&self.key, out[start..].split_first_chunk_mut::<TAG>()) {
            *tag = key.seal(&nonce, text)?;
        }
        Ok(())
    }

    /// Opens a whole record in place. Returns its kind and where its body begins.
    pub(super) fn open(&mut self, record: &mut [u8]) -> Result<(u8, usize), LinkError> {
        let body = PREFIX + self.overhead();
        let is_ripe = self.is_sealed() && self.has_reached(self.epochs.least);
        let is_spent = self.is_sealed() && self.has_reached(self.epochs.most);
        let nonce = self.next_nonce((record.len() - PREFIX) as u32);
        if let (Some(key), Some((tag, text))) = (&self.key, record[PREFIX..].split_first_chunk_mut::<TAG>()) {
            key.open(&nonce, text, tag)?;
        }
        let kind = record[body - 1];
        if kind == REKEY {
            if !is_ripe || record.len() > body {
                return Err(LinkError::Malformed { expected: "no new key yet", got: "one".into() });
            }
            self.renew()?;
        } else if is_spent {
            return Err(LinkError::Malformed { expected: "a new key long ago", got: "more under the old one".into() });
        }
        Ok((kind, body))
    }

    /// The key of the next epoch. The old one is wiped.
    pub(super) fn renew(&mut self) -> Result<(), LinkError> {
        let ended = LinkError::Malformed { expected: "fewer new keys in one connection", got: "too many".into() };
        self.epoch = self.epoch.checked_add(1).ok_or(ended)?;
        self.key = self.key.as_ref().map(RecordKey::next);
        (self.records, self.bytes) = (0, 0);
        Ok(())
    }

    fn has_reached(&self, (records, bytes): (u64, u64)) -> bool {
        self.records >= records || self.bytes >= bytes
    }

    /// Differs for each two records that could ever be under the same key.
    fn next_nonce(&mut self, length: u32) -> Nonce {
        let mut nonce = [0; 24];
        nonce[0] = self.direction;
        nonce[2..6].copy_from_slice(&self.epoch.to_be_bytes());
        nonce[6..10].copy_from_slice(&length.to_be_bytes());
        nonce[16..].copy_from_slice(&self.records.to_be_bytes());
        self.records += 1;
        self.bytes += u64::from(length);
        nonce
    }
}
