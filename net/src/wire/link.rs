//! The place for a link between frames and socket.
//!
//! A link turns one stream of bytes into another: what the socket gives into the peer's frames, our frames into what the
//! socket takes. It keeps everything of its own to itself: its preamble and handshake messages, how it cuts the stream into
//! records, the records that only it understands (goodbye, new keys, are you there). Decoder and output see frames with their
//! lengths in either case. The links of connections are made by [`ListenSecurity`](crate::ListenSecurity) and
//! [`ConnectSecurity`](crate::ConnectSecurity); [`Clear`] is the simplest thing that is one, for examples and tests.

use std::error::Error;
use std::fmt;

use super::output::Outlet;
use crate::link::{LinkPeer, PublicKey};

/// Where a link stands, for what this end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkState {
    /// The handshake is under way: frames wait.
    Opening,
    /// Frames go both ways. Also when the peer has said goodbye, or its stream has ended: it sends nothing more then, and
    /// what this end still has to say is sealed, up to its own goodbye. [`Link::end`] tells how the peer's stream has ended.
    Open,
    /// This end has said goodbye: no more frames are sealed. What the peer sends before its own goodbye is still received.
    Closed,
}

/// Why a link cannot go on. The connection is to be dropped.
///
/// ```
/// let error = statepoint::wire::LinkError::Tampered;
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
    /// The peer has gone before the link was open: it was turned away there, it was stopped, or something between has cut the
    /// stream. Its own trace may tell.
    Left {
        /// What should have come.
        expected: String,
    },
    /// The peer has refused the link and said why. Anybody on the way can have said it: a hint and no proof.
    Refused {
        /// What the peer said, for people.
        reason: String,
    },
    /// The peer has proven to own a key that this end does not expect there. The peer was set up anew, or an attacker
    /// stands between the ends.
    WrongKey {
        /// Which key, or which keys, this end expects.
        expected: String,
        /// The peer's.
        got: PublicKey,
    },
    /// The peer, whose key was known before, does not admit this end's key. No attacker can have made this up.
    NotAuthorised {
        /// The peer's key.
        by: PublicKey,
        /// What the peer said, for people.
        reason: String,
    },
    /// The key of a peer that was met for the first time cannot be written down, so it is not trusted either. The system
    /// is to blame.
    NotRemembered {
        /// What went wrong.
        reason: String,
    },
    /// The peer's bytes are as it wrote them, and against the rules. Its program is to blame, or in a clear link the
    /// network.
    Malformed {
        /// What the rules have there.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// A frame is larger than the peer accepts. The caller is to blame, who should have asked [`Link::peer`].
    TooLarge {
        /// The frame, in bytes.
        size: usize,
        /// What the peer accepts, in bytes.
        limit: usize,
    },
    /// Bytes have been changed, repeated, moved or made up on the way. The network or an attacker is to blame.
    Tampered,
    /// The stream has ended without a goodbye. The peer or the network is to blame.
    CutOff,
    /// The system gave no random bytes for a key.
    NoRandomness,
}

impl LinkError {
    /// Whether the peer, or somebody on the way, did what no end of a link does.
    pub(crate) fn breaks_rules(&self) -> bool {
        !matches!(self, Self::Left { .. } | Self::Refused { .. } | Self::NotRemembered { .. } | Self::NoRandomness)
    }

    /// Whether another attempt with the same settings must end in the same way. Only a peer whose key was known before can
    /// cause this: nobody on the way can keep this end from trying again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NotAuthorised { .. })
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { expected, got } => {
                write!(f, "expected {expected}, got {got}; both ends need the same link settings")
            }
            Self::Left { expected } => write!(f, "expected {expected}, got the end of the stream"),
            Self::Refused { reason } => write!(f, "expected the peer to open the link, got a refusal: {reason}"),
            Self::WrongKey { expected, got } => {
                write!(
                    f,
                    "expected a peer with {expected}, got one with the key {got}; compare both before trusting it"
                )
            }
            Self::NotAuthorised { by, reason } => {
                write!(f, "expected the peer with the key {by} to admit this end, got a refusal: {reason}")
            }
            Self::NotRemembered { reason } => write!(f, "expected to write the peer's key down, got: {reason}"),
            Self::Malformed { expected, got } => write!(f, "expected {expected}, got {got}"),
            Self::TooLarge { size, limit } => {
                write!(f, "expected a frame of at most {limit} bytes, got {size}; the peer takes no larger ones")
            }
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
/// use statepoint::wire::{Clear, Link, LinkState, Output, Pool};
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
/// # Ok::<(), statepoint::wire::LinkError>(())
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

    /// Asks the peer whether it is there. Whatever comes from it afterwards is the answer. It may be asked again before it has
    /// answered. A link that cannot ask does nothing.
    ///
    /// # Errors
    ///
    /// The link cannot seal any more.
    fn ping(&mut self, _: &mut Outlet<'_>) -> Result<(), LinkError> {
        Ok(())
    }

    /// The socket gives no more bytes.
    ///
    /// # Errors
    ///
    /// [`LinkError::CutOff`] if the peer should have said goodbye and has not. Of all errors this one does not end the link: what
    /// was to be sent may still be sealed.
    fn end(&mut self) -> Result<(), LinkError>;

    /// Where the link stands.
    fn state(&self) -> LinkState;

    /// Whom the link leads to and what the peer accepts. Known from the moment it is open; a link without a handshake
    /// knows nothing.
    fn peer(&self) -> Option<&LinkPeer> {
        None
    }

    /// How many bytes a handshake message or record that has begun still lacks, as far as is known. Who measures time lets
    /// nobody begin one and never end it.
    fn missing(&self) -> Option<usize> {
        None
    }
}

/// The link that does nothing: frames are the stream, and the end of the stream is the goodbye. It has not even a preamble, so
/// no connection uses it: one in the mode `clear` opens with a preamble and goes on like this.
///
/// ```
/// use statepoint::wire::{Clear, Link, LinkState};
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
