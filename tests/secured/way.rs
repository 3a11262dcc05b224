//! Somebody on the way between two hosts of the simulated network, who sees all bytes and changes them as he likes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use statepoint::sim::{Random, World};

/// A direction of a connection: the connection by its number, in the order in which they were first seen, and whether it leads
/// to the server.
type Direction = (usize, bool);

/// What he does to one direction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    /// Another bit than was sent, at this byte.
    Flip { at: usize, bit: u8 },
    /// So many bytes never arrive.
    Drop { at: usize, count: usize },
    /// Nothing arrives from here on.
    Truncate { at: usize },
    /// Bytes that nobody has sent.
    Insert { at: usize, bytes: Vec<u8> },
    /// The write with this number comes twice.
    Double { write: usize },
    /// An earlier write comes once more behind this one.
    Replay { write: usize, earlier: usize },
    /// This write comes behind the one after it.
    Swap { write: usize },
    /// Instead of this write comes one of the other direction.
    Reflect { write: usize, other: usize },
    /// Instead of this write comes that with the same number of another connection.
    Splice { write: usize, connection: usize },
}

impl Deed {
    /// Anything, within so many bytes and writes.
    pub(crate) fn drawn(random: &mut Random, bytes: u64, writes: u64, connections: u64) -> Self {
        let mut below = |bound: u64| usize::try_from(random.below(bound)).unwrap_or_default();
        let (kind, at, write, earlier) = (below(9), below(bytes), below(writes), below(writes));
        match kind {
            0 => Self::Flip { at, bit: below(8) as u8 },
            1 => Self::Drop { at, count: 1 + below(100) },
            2 => Self::Truncate { at },
            3 => Self::Insert { at, bytes: (0..=below(60)).map(|_| below(256) as u8).collect() },
            4 => Self::Double { write },
            5 => Self::Replay { write, earlier },
            6 => Self::Swap { write },
            7 => Self::Reflect { write, other: earlier },
            _ => Self::Splice { write, connection: below(connections) },
        }
    }
}

/// All that went over one direction.
#[derive(Debug, Default)]
struct Seen {
    /// As it was sent.
    writes: Vec<Vec<u8>>,
    /// How many bytes of it there were.
    sent: usize,
    /// What is to come behind the next write.
    held: Vec<u8>,
    /// Something else came than was sent.
    is_changed: bool,
}

/// What he knows, and what he is about to do.
#[derive(Debug, Default)]
struct State {
    server: Option<SocketAddr>,
    deeds: Vec<(Direction, Deed)>,
    /// The clients, in the order in which they were first seen.
    clients: Vec<SocketAddr>,
    seen: BTreeMap<Direction, Seen>,
}

/// Who stands there.
#[derive(Clone, Default)]
pub(crate) struct Attacker(Rc<RefCell<State>>);

impl Attacker {
    /// He takes his place before everybody who connects to `server`.
    pub(crate) fn new(world: &World, server: SocketAddr, deeds: Vec<(Direction, Deed)>) -> Self {
        let attacker = Self(Rc::new(RefCell::new(State { server: Some(server), deeds, ..State::default() })));
        let state = Rc::clone(&attacker.0);
        world.tamper(move |from, to, bytes| state.borrow_mut().pass(from, to, bytes));
        attacker
    }

    /// Whether other bytes than were sent have come to one of the ends of this connection: the client's, or the server's.
    pub(crate) fn has_changed(&self, client: SocketAddr) -> bool {
        let state = self.0.borrow();
        let connection = state.clients.iter().position(|seen| *seen == client);
        state.seen.iter().any(|((of, _), seen)| Some(*of) == connection && seen.is_changed)
    }

    /// Who has connected, in the order in which they were first seen.
    pub(crate) fn clients(&self) -> Vec<SocketAddr> {
        self.0.borrow().clients.clone()
    }

    /// How many bytes and writes there were in each direction.
    pub(crate) fn sizes(&self) -> Vec<(Direction, usize, usize)> {
        let state = self.0.borrow();
        state.seen.iter().map(|(direction, seen)| (*direction, seen.sent, seen.writes.len())).collect()
    }

    /// Whether these bytes were sent in one piece, in any direction.
    pub(crate) fn has_seen(&self, text: &[u8]) -> bool {
        let all = |seen: &Seen| seen.writes.concat();
        self.0.borrow().seen.values().any(|seen| all(seen).windows(text.len()).any(|part| part == text))
    }
}

impl State {
    fn pass(&mut self, from: SocketAddr, to: SocketAddr, bytes: &mut Vec<u8>) {
        let is_to_server = self.server == Some(to);
        let client = if is_to_server { from } else { to };
        let known = self.clients.iter().position(|known| *known == client);
        let connection = known.unwrap_or_else(|| {
            self.clients.push(client);
            self.clients.len() - 1
        });
        let direction = (connection, is_to_server);
        let sent = bytes.clone();
        let seen = self.seen.entry(direction).or_default();
        let (write, start) = (seen.writes.len(), seen.sent);
        seen.writes.push(sent.clone());
        seen.sent += sent.len();
        let held = std::mem::take(&mut seen.held);
        // Backwards, so that a place in the bytes is still the same when something was done behind it.
        let mut deeds: Vec<Deed> =
            self.deeds.iter().filter(|(of, _)| *of == direction).map(|(_, it)| it.clone()).collect();
        deeds.sort_by_key(|deed| std::cmp::Reverse(place(deed)));
        for deed in deeds {
            self.commit(direction, &deed, (write, start), bytes);
        }
        bytes.extend(held);
        if *bytes != sent
            && let Some(seen) = self.seen.get_mut(&direction)
        {
            seen.is_changed = true;
        }
    }

    /// Does it, if it is to be done to this write, which begins at `start`.
    fn commit(&mut self, direction: Direction, deed: &Deed, (write, start): (usize, usize), bytes: &mut Vec<u8>) {
        let within = |at: usize| at.checked_sub(start).filter(|at| *at < bytes.len());
        match deed {
            Deed::Flip { at, bit } => {
                if let Some(at) = within(*at) {
                    bytes[at] ^= 1 << bit;
                }
            }
            Deed::Drop { at, count } => {
                let end = (at + count).saturating_sub(start).min(bytes.len());
                bytes.drain(at.saturating_sub(start).min(end)..end);
            }
            Deed::Truncate { at } => bytes.truncate(at.saturating_sub(start)),
            Deed::Insert { at, bytes: more } => {
                if let Some(at) = within(*at) {
                    bytes.splice(at..at, more.iter().copied());
                }
            }
            Deed::Double { write: number } if *number == write => bytes.extend(bytes.clone()),
            Deed::Replay { write: number, earlier } if *number == write => {
                let heard = self.heard(direction, *earlier);
                bytes.extend(heard.unwrap_or_default());
            }
            Deed::Swap { write: number } if *number == write => {
                if let Some(seen) = self.seen.get_mut(&direction) {
                    seen.held = std::mem::take(bytes);
                }
            }
            Deed::Reflect { write: number, other } if *number == write => {
                let (connection, is_to_server) = direction;
                if let Some(heard) = self.heard((connection, !is_to_server), *other) {
                    *bytes = heard;
                }
            }
            Deed::Splice { write: number, connection } if *number == write => {
                if let Some(heard) = self.heard((*connection, direction.1), write) {
                    *bytes = heard;
                }
            }
            _ => {}
        }
    }

    fn heard(&self, direction: Direction, write: usize) -> Option<Vec<u8>> {
        self.seen.get(&direction)?.writes.get(write).cloned()
    }
}

/// Where in the bytes a deed begins.
fn place(deed: &Deed) -> usize {
    match deed {
        Deed::Flip { at, .. } | Deed::Drop { at, .. } | Deed::Truncate { at } | Deed::Insert { at, .. } => *at,
        _ => usize::MAX,
    }
}
