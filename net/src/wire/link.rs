//! The place for a link between frames and socket.
//!
//! A link turns one stream of bytes into another: what the socket gives into the peer's frames, our frames into what the
//! socket takes. [`Clear`] changes nothing. An encrypted link keeps everything of its own to itself: its handshake messages,
//! how it cuts the stream into records, the records that only it understands (goodbye, new keys, are you there). Decoder and
//! output see frames with their lengths in either case.

use std::error::Error;
use std::fmt;

use super::output::Outlet;

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// The handshake is under way: frames wait.
    Opening,
    /// Frames go both ways.
    Open,
    /// This end or the peer has said goodbye: no more frames are sealed. What the peer has sent before its own goodbye is
    /// still received.
    Closed,
}

/// Why a link cannot go on. The connection is to be dropped.
///
/// ```
/// let error = fsm_net::wire::LinkError::Tampered;
/// assert!(error.to_string().starts_with("expected bytes that only the peer can have written"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The peer speaks something else, or another version or mode of the link. Its settings, or ours, are to blame.
    Mismatch {
        /// What this end requires.
        expected: String,
        /// What came.
        got: String,
    },
    /// The peer has refused the link and said why. Unless it came sealed, this is a hint and no proof.
    Refused {
        /// What the peer said, for people.
        reason: String,
    },
    /// Bytes have been changed, repeated, moved or made up on the way. The network or an attacker is to blame.
    Tampered,
    /// The stream has ended without a goodbye. The peer or the network is to blame.
    CutOff,
    /// The system gave no random bytes for a key.
    NoRandomness,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { expected, got } => {
                write!(f, "expected {expected}, got {got}; both ends need the same link settings")
            }
            Self::Refused { reason } => write!(f, "expected the peer to open the link, got a refusal: {reason}"),
            Self::Tampered => f.write_str("expected bytes that only the peer can have written, got others"),
            Self::CutOff => f.write_str("expected a goodbye before the end of the stream, got none"),
            Self::NoRandomness => f.write_str("expected random bytes from the system, got none"),
        }
    }
}

impl Error for LinkError {}

/// What stands between frames and socket: one stream of bytes turned into another.
///
/// A connection uses its link like this:
///
/// * [`Link::begin`] when the socket is connected or accepted;
/// * [`Link::receive`] until it returns `None`, for all bytes that were read; what it returns goes to the
///   [`Decoder`](super::Decoder);
/// * [`Output::seal`](super::Output::seal) once a turn, which calls [`Link::seal`] when the link is open;
/// * [`Link::close`] behind the last frame, then the socket's writing half is shut down when all is written;
/// * [`Link::end`] when the socket gives no more bytes.
///
/// After an error the connection is dropped and nothing more is sent, except what the link has put into the output already.
/// Deadlines belong to the driver: it measures how long a link takes to become [`LinkState::Open`].
///
/// ```
/// use fsm_net::wire::{Clear, Link, LinkState, Output, Pool};
///
/// let (mut pool, mut output) = (Pool::new(), Output::default());
/// let mut link: Box<dyn Link> = Box::new(Clear);
/// link.begin(&mut output.outlet(&mut pool))?;
/// assert_eq!(link.state(), LinkState::Open);
///
/// let mut read = *b"\0\0\0\x02hi";
/// let mut bytes = &mut read[..];
/// loop {
///     let Some(frames) = link.receive(&mut bytes, &mut output.outlet(&mut pool))? else { break };
///     assert_eq!(frames, b"\0\0\0\x02hi"); // to the decoder
/// }
/// # Ok::<(), fsm_net::wire::LinkError>(())
/// ```
pub trait Link: fmt::Debug {
    /// The socket is there: the end that speaks first says hello.
    ///
    /// # Errors
    ///
    /// The link cannot be opened, for want of randomness, say.
    fn begin(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError>;

    /// The peer's bytes, which may be changed in place. Returns the next part of the peer's frames (any part of that stream,
    /// in its order, never empty) and moves `bytes` behind what it was made of; `None` when all of `bytes` is taken. Replies
    /// of the link's own go to `out`.
    ///
    /// A link that keeps the bytes of an incomplete record keeps them in proportion to what has come.
    ///
    /// # Errors
    ///
    /// The peer broke the link's rules. The error stays: nothing is received afterwards.
    fn receive<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b mut [u8],
        out: &mut Outlet<'_>,
    ) -> Result<Option<&'a [u8]>, LinkError>;

    /// Whole frames with their lengths, to go to the peer after everything before them. Called in the state
    /// [`LinkState::Open`] only.
    ///
    /// # Errors
    ///
    /// The link cannot seal any more. Nothing may be sent over it afterwards.
    fn seal(&mut self, frames: Vec<u8>, out: &mut Outlet<'_>) -> Result<(), LinkError>;

    /// Says goodbye, so that the peer can tell an end from a cut. Nothing is sealed afterwards.
    ///
    /// # Errors
    ///
    /// The link cannot seal any more.
    fn close(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError>;

    /// The socket gives no more bytes.
    ///
    /// # Errors
    ///
    /// [`LinkError::CutOff`] if the peer should have said goodbye and has not.
    fn end(&mut self) -> Result<(), LinkError>;

    /// Where the link stands.
    fn state(&self) -> LinkState;
}

/// The link that does nothing: frames are the stream, and the end of the stream is the goodbye.
///
/// ```
/// use fsm_net::wire::{Clear, Link, LinkState};
///
/// assert_eq!(Clear.state(), LinkState::Open);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clear;

impl Link for Clear {
    fn begin(&mut self, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Ok(())
    }

    fn receive<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b mut [u8],
        _: &mut Outlet<'_>,
    ) -> Result<Option<&'a [u8]>, LinkError> {
        let all = std::mem::take(bytes);
        Ok((!all.is_empty()).then_some(all))
    }

    fn seal(&mut self, frames: Vec<u8>, out: &mut Outlet<'_>) -> Result<(), LinkError> {
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
        LinkState::Open
    }
}
