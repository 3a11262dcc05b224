//! The link itself: a handshake, then records.

use std::fmt;

use super::LinkPeer;
use super::cutter::{Cutter, Whole, is_batch, portion};
use super::handshake::{Done, Handshake};
use super::preamble::End;
use super::record::{BATCH, BATCH_BODY, CLOSE, CLOSE_BODY, DATA, Half, PING, PONG, PREFIX, READY, REKEY};
use super::trust::Standing;
use crate::wire::{Link, LinkError, LinkState, Outlet};

/// An answer to a ping waits while so many bytes wait for the socket.
const PONG_WAITS: usize = 64 * 1024;

/// The reasons of a goodbye.
const ORDERLY: u16 = 0;
const NOT_AUTHORISED: u16 = 1;

/// A link of this module, in any mode and at either end.
#[derive(Debug)]
pub(super) struct Secured {
    stage: Stage,
    state: LinkState,
    /// Kept when the rest is gone.
    peer: Option<LinkPeer>,
}

#[derive(Debug)]
enum Stage {
    Handshake(Box<Handshake>),
    Records(Box<Records>),
    /// Nothing more goes either way, and no key is left.
    Failed(Box<LinkError>),
}

/// A link whose handshake is over.
struct Records {
    sealing: Half,
    opening: Half,
    cutter: Cutter,
    peer: LinkPeer,
    /// The largest frame that this end accepts.
    limit: usize,
    /// A connecting end waits to be admitted: how well the peer's key is known.
    waiting: Option<Standing>,
    /// The peer has said goodbye.
    is_over: bool,
    /// The last ping that was not answered.
    pong: Option<[u8; 8]>,
    /// How often this end has asked, and which of its questions the peer has answered last.
    pings: u64,
    answered: u64,
}

/// The next part of the peer's frames.
enum Part<'b> {
    None,
    Here(&'b [u8]),
    /// In what the cutter keeps, from here on.
    Kept(usize),
}

impl Secured {
    pub(super) fn new(handshake: Handshake) -> Self {
        Self { stage: Stage::Handshake(Box::new(handshake)), state: LinkState::Opening, peer: None }
    }

    /// How much memory holds what has come of an incomplete record.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn held(&self) -> usize {
        match &self.stage {
            Stage::Records(records) => records.cutter.kept.capacity(),
            _ => 0,
        }
    }

    /// The error stays, the keys do not.
    fn fail(&mut self, error: LinkError) -> LinkError {
        self.stage = Stage::Failed(Box::new(error.clone()));
        error
    }

    fn advance<'b>(&mut self, bytes: &mut &'b mut [u8], out: &mut Outlet<'_>) -> Result<Part<'b>, LinkError> {
        loop {
            match &mut self.stage {
                Stage::Failed(error) => return Err((**error).clone()),
                Stage::Records(records) => return records.receive(bytes, &mut self.state, out),
                Stage::Handshake(handshake) => match handshake.take(bytes, out)? {
                    None => return Ok(Part::None),
                    Some(done) => {
                        let records = Records::begin(handshake, done, &mut self.state, out)?;
                        self.peer = Some(records.peer);
                        self.stage = Stage::Records(Box::new(records));
                    }
                },
            }
        }
    }
}

impl Records {
    /// The handshake is over: a listening end says whether the peer is admitted, a connecting one waits for that.
    fn begin(
        handshake: &Handshake,
        done: Done,
        state: &mut LinkState,
        out: &mut Outlet<'_>,
    ) -> Result<Self, LinkError> {
        let (end, epochs, Done { keys, peer, standing, verdict }) = (handshake.end, handshake.settings.epochs, done);
        let (seals, opens) = keys.map_or((None, None), |[seals, opens]| (Some(seals), Some(opens)));
        let mut records = Self {
            sealing: Half::new(end, seals, epochs),
            opening: Half::new(end.other(), opens, epochs),
            cutter: Cutter::default(),
            peer,
            limit: handshake.limit as usize,
            waiting: (end == End::Connector).then_some(standing),
            is_over: false,
            pong: None,
            pings: 0,
            answered: 0,
        };
        match (end, verdict, peer.key) {
            (End::Connector, ..) => return Ok(records),
            (End::Listener, Err(error), Some(key)) => {
                records.say_goodbye(NOT_AUTHORISED, &format!("the key {key} is not allowed here"), out)?;
                return Err(error);
            }
            (End::Listener, verdict, _) => verdict?,
        }
        records.say(READY, &[], out)?;
        if *state == LinkState::Opening {
            *state = LinkState::Open;
        }
        Ok(records)
    }

    fn receive<'b>(
        &mut self,
        bytes: &mut &'b mut [u8],
        state: &mut LinkState,
        out: &mut Outlet<'_>,
    ) -> Result<Part<'b>, LinkError> {
        loop {
            if self.is_over && !bytes.is_empty() {
                return Err(LinkError::Tampered);
            }
            match self.cutter.cut(bytes, self.lengths())? {
                None => break,
                Some(Whole::Here(record)) => {
                    if let Some(frames) = self.take(record, state)? {
                        return Ok(Part::Here(&record[frames..]));
                    }
                }
                Some(Whole::Kept) => {
                    let mut record = std::mem::take(&mut self.cutter.kept);
                    let frames = self.take(&mut record, state)?;
                    self.cutter.kept = record;
                    if let Some(frames) = frames {
                        return Ok(Part::Kept(frames));
                    }
                }
            }
        }
        self.answer(*state, out)?;
        Ok(Part::None)
    }

    /// The shortest and longest record that the peer may write now.
    fn lengths(&self) -> (usize, usize) {
        let least = self.opening.overhead();
        (least, least + if self.waiting.is_some() { CLOSE_BODY } else { self.limit })
    }

    /// Opens a whole record. Frames begin where it says; anything else is dealt with here.
    fn take(&mut self, record: &mut [u8], state: &mut LinkState) -> Result<Option<usize>, LinkError> {
        let (kind, start) = self.opening.open(record)?;
        let (head, body) = record.split_at_mut(start);
        match (kind, self.waiting.take()) {
            (DATA, None) if !body.is_empty() => {
                // The frame's own length is not sent. It goes in front of the body, where tag and kind are not needed now.
                head[start - PREFIX..].copy_from_slice(&(body.len() as u32).to_be_bytes());
                return Ok(Some(start - PREFIX));
            }
            (BATCH, None) if is_batch(body) => return Ok(Some(start)),
            (PING, None) if body.len() == 8 => self.pong = body.first_chunk().copied(),
            (PONG, None) if self.is_awaited(body) => {}
            (REKEY, None) => {}
            (READY, Some(standing)) if body.is_empty() => {
                standing.confirm(self.peer.key)?;
                if *state == LinkState::Opening {
                    *state = LinkState::Open;
                }
            }
            (CLOSE, Some(standing)) => return Err(self.turned_away(goodbye(body)?, &standing)),
            (CLOSE, None) if goodbye(body)?.0 == ORDERLY => self.is_over = true,
            (kind, _) => {
                let got = format!("one of kind {kind} with {} bytes", body.len());
                return Err(LinkError::Malformed { expected: "a record that belongs there", got });
            }
        }
        Ok(None)
    }

    /// Instead of being ready the listening end says goodbye.
    fn turned_away(&self, (reason, text): (u16, String), standing: &Standing) -> LinkError {
        match (self.peer.key, standing) {
            // Only somebody who was known before is believed for good: anybody can have the key of a stranger.
            (Some(by), Standing::Known) if reason == NOT_AUTHORISED => LinkError::NotAuthorised { by, reason: text },
            _ if reason == NOT_AUTHORISED => LinkError::Refused { reason: text },
            _ => LinkError::Refused { reason: format!("the peer closed before the link was open ({text})") },
        }
    }

    /// Answers the last ping once a read is worked off, unless the peer does not even read what waits already.
    fn answer(&mut self, state: LinkState, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        if state == LinkState::Open
            && out.waiting() < PONG_WAITS
            && let Some(pong) = self.pong.take()
        {
            self.say(PONG, &pong, out)?;
        }
        Ok(())
    }

    /// Questions are numbers. Who does not read asks again before it has seen an answer.
    fn ping(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        self.pings += 1;
        self.say(PING, &self.pings.to_be_bytes(), out)
    }

    /// Whether it answers a question that was asked and that nobody has answered, nor a later one.
    fn is_awaited(&mut self, answer: &[u8]) -> bool {
        let number = answer.try_into().map(u64::from_be_bytes).unwrap_or(0);
        let is_awaited = number > self.answered && number <= self.pings;
        if is_awaited {
            self.answered = number;
        }
        is_awaited
    }

    fn say(&mut self, kind: u8, body: &[u8], out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let mut record = out.take();
        self.sealing.seal(kind, body, &mut record)?;
        out.push(record);
        Ok(())
    }

    fn say_goodbye(&mut self, reason: u16, text: &str, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let body = [&reason.to_be_bytes()[..], text.as_bytes()].concat();
        self.say(CLOSE, &body, out)
    }

    /// Seals frames, as many in one record as is allowed.
    fn seal(&mut self, mut frames: Vec<u8>, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let limit = self.peer.frame_limit.bytes();
        let mut records = out.take();
        if frames.len() > BATCH_BODY && portion(&frames, limit)?.0 == frames.len() {
            self.sealing.seal_in_place(&mut frames, &mut records)?;
            out.push(records);
            out.push(frames);
            return Ok(());
        }
        records.reserve(frames.len() + frames.len() / 16 + 256);
        let mut rest = &frames[..];
        while !rest.is_empty() {
            let (size, count) = portion(rest, limit)?;
            let (these, behind) = rest.split_at(size);
            match count {
                1 => self.sealing.seal(DATA, &these[PREFIX..], &mut records)?,
                _ => self.sealing.seal(BATCH, these, &mut records)?,
            }
            rest = behind;
        }
        out.push(records);
        out.give(frames);
        Ok(())
    }
}

/// Reason and text of a goodbye. The text is the peer's: nothing in it can disturb a log.
fn goodbye(body: &[u8]) -> Result<(u16, String), LinkError> {
    let malformed = || LinkError::Malformed { expected: "a goodbye with a reason", got: "another".into() };
    let (reason, text) = body.split_first_chunk().filter(|_| body.len() <= CLOSE_BODY).ok_or_else(malformed)?;
    let text = std::str::from_utf8(text).map_err(|_| malformed())?;
    let reason = u16::from_be_bytes(*reason);
    let is_known = matches!(reason, ORDERLY | NOT_AUTHORISED);
    is_known.then(|| (reason, text.escape_debug().to_string())).ok_or_else(malformed)
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("peer", &self.peer).field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl Link for Secured {
    fn begin(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        if let Stage::Handshake(handshake) = &mut self.stage {
            handshake.begin(out);
        }
        Ok(())
    }

    fn receive<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b mut [u8],
        out: &mut Outlet<'_>,
    ) -> Result<Option<&'a [u8]>, LinkError> {
        match (self.advance(bytes, out).map_err(|error| self.fail(error))?, &self.stage) {
            (Part::Here(frames), _) => Ok(Some(frames)),
            (Part::Kept(start), Stage::Records(records)) => Ok(Some(&records.cutter.kept[start..])),
            _ => Ok(None),
        }
    }

    fn seal(&mut self, frames: Vec<u8>, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let sealed = match &mut self.stage {
            Stage::Failed(error) => return Err((**error).clone()),
            Stage::Records(records) if self.state == LinkState::Open => records.seal(frames, out),
            _ => Err(LinkError::Malformed { expected: "an open link to seal frames for", got: "another".into() }),
        };
        sealed.map_err(|error| self.fail(error))
    }

    fn close(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let said = match &mut self.stage {
            Stage::Failed(error) => return Err((**error).clone()),
            Stage::Records(records) if self.state == LinkState::Open => records.say_goodbye(ORDERLY, "", out),
            // Before it is open there is nobody to say goodbye to.
            _ => Ok(()),
        };
        self.state = LinkState::Closed;
        said.map_err(|error| self.fail(error))
    }

    fn ping(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let asked = match &mut self.stage {
            Stage::Records(records) if self.state == LinkState::Open => records.ping(out),
            _ => Ok(()),
        };
        asked.map_err(|error| self.fail(error))
    }

    fn end(&mut self) -> Result<(), LinkError> {
        let expected = match &self.stage {
            Stage::Failed(error) => return Err((**error).clone()),
            Stage::Records(records) if records.is_over => return Ok(()),
            // The peer may have ended its own half only: this end can still say what it has to say.
            Stage::Records(records) if records.waiting.is_none() => return Err(LinkError::CutOff),
            // This end has left before the link was open: there was nobody to say goodbye to.
            _ if self.state == LinkState::Closed => return Ok(()),
            Stage::Records(_) => "the peer to be ready after the handshake".into(),
            Stage::Handshake(handshake) => format!("the handshake of a link in the mode {}", handshake.mode()),
        };
        Err(self.fail(LinkError::Left { expected }))
    }

    fn state(&self) -> LinkState {
        self.state
    }

    fn peer(&self) -> Option<&LinkPeer> {
        self.peer.as_ref().filter(|_| self.state != LinkState::Opening)
    }

    fn missing(&self) -> Option<usize> {
        match &self.stage {
            Stage::Handshake(handshake) => Some(handshake.missing()),
            Stage::Records(records) => records.cutter.missing(),
            Stage::Failed(_) => None,
        }
    }
}
