//! One simulated connection: two ends, and a pipe in each direction.

use crate::net::Token;
use fsm_core::Moment;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// An end of a connection; as the name of a pipe, the end that sends into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Who connected.
    Client,
    /// Who accepts.
    Server,
}

impl Side {
    pub(super) const BOTH: [Side; 2] = [Side::Client, Side::Server];

    pub(super) const fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits to hear from the far end.
    Connecting,
    /// Has heard that there will be no connection.
    Failed(io::ErrorKind),
    /// In the queue of a listener.
    Waiting,
    /// In the hands of the application.
    Open,
    /// Closed by the application, or not there yet, or not any more.
    Gone,
}

/// What an end knows of a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    No,
    /// The application will be told by its next operation.
    Untold,
    Told,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) host: IpAddr,
    pub(super) address: SocketAddr,
    pub(super) phase: Phase,
    pub(super) token: Option<Token>,
    pub(super) broken: Broken,
}

impl End {
    pub(super) fn new(host: IpAddr, address: SocketAddr, phase: Phase) -> Self {
        End { host, address, phase, token: None, broken: Broken::No }
    }

    /// Whether somebody takes what arrives here.
    pub(super) fn takes(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Open) && self.broken == Broken::No
    }
}

/// What travels through a pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cargo {
    Bytes(Vec<u8>),
    Finish,
    Reset,
}

#[derive(Debug)]
pub(super) struct Pipe {
    /// What was sent and has not arrived, in order, with the moments of arrival. What would be there before what was
    /// sent earlier waits for it.
    pub(super) travelling: VecDeque<(Moment, Cargo)>,
    /// What has arrived and was not read.
    pub(super) arrived: VecDeque<u8>,
    /// The bound on bytes that the sender does not know to have been read.
    pub(super) capacity: usize,
    /// The bytes that the sender does not know to have been read.
    pub(super) unacknowledged: usize,
    /// Acknowledgements that are held up on their way.
    pub(super) acknowledgements_held: usize,
    /// A write found no room: the sender wants an event when there is.
    pub(super) wanted: bool,
    /// The sender has ended this direction.
    pub(super) finished: bool,
    /// The receiver has heard so.
    pub(super) ended: bool,
    /// Nothing is delivered for the time being.
    pub(super) clogged: bool,
    /// A delivery is on the agenda.
    pub(super) scheduled: bool,
    /// A delivery fell due while it was blocked.
    pub(super) held: bool,
    /// How many more bytes go through before the connection is reset.
    pub(super) reset_after: Option<u64>,
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Pipe {
            travelling: VecDeque::new(),
            arrived: VecDeque::new(),
            capacity: capacity.max(1),
            unacknowledged: 0,
            acknowledgements_held: 0,
            wanted: false,
            finished: false,
            ended: false,
            clogged: false,
            scheduled: false,
            held: false,
            reset_after: None,
        }
    }

    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.unacknowledged)
    }
}

/// What will become of an attempt to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    Refused,
    Unanswered,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) client: End,
    pub(super) server: End,
    /// From the client to the server.
    pub(super) upward: Pipe,
    /// From the server to the client.
    pub(super) downward: Pipe,
    pub(super) fate: Fate,
    /// Delivers nothing any more, in either direction, for ever.
    pub(super) lost: bool,
}

impl Connection {
    pub(super) fn end(&self, side: Side) -> &End {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    pub(super) fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// The pipe into which this side sends.
    pub(super) fn pipe(&self, from: Side) -> &Pipe {
        match from {
            Side::Client => &self.upward,
            Side::Server => &self.downward,
        }
    }

    pub(super) fn pipe_mut(&mut self, from: Side) -> &mut Pipe {
        match from {
            Side::Client => &mut self.upward,
            Side::Server => &mut self.downward,
        }
    }

    /// Whether no application can notice this connection any more.
    pub(super) fn is_over(&self) -> bool {
        self.client.phase == Phase::Gone && self.server.phase == Phase::Gone
    }
}
