//! Somebody who carries bytes between two ends, over connections of his own, and cuts them where he likes.

use std::net::SocketAddr;

use crate::world::{Accept, Raw, World};

/// How he cuts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// This direction ends, as if its sender had ended it.
    Direction,
    /// Both end.
    Both,
    /// Both connections are closed.
    Close,
    /// Nothing is carried any more.
    Stall,
}

/// One direction.
#[derive(Debug, Default)]
struct Direction {
    carried: usize,
    waiting: Vec<u8>,
    has_ended: bool,
    is_told: bool,
}

/// He carries one connection.
pub(crate) struct Carrier<R> {
    accept: Accept<R>,
    server: SocketAddr,
    /// With the client, and with the server.
    ends: Option<[R; 2]>,
    /// From the client, and from the server.
    directions: [Direction; 2],
    /// Which direction, behind how many bytes (one at the least), and how.
    cut: Option<(usize, usize, Cut)>,
    is_cut: bool,
}

impl<R: Raw> Carrier<R> {
    /// Where he is to be found, and he himself.
    pub(crate) fn new<W: World<Raw = R>>(
        world: &mut W,
        server: SocketAddr,
        cut: Option<(usize, usize, Cut)>,
    ) -> (SocketAddr, Self) {
        let (at, accept) = world.raw_listener();
        (at, Self { accept, server, ends: None, directions: Default::default(), cut, is_cut: false })
    }

    /// How many bytes he has carried from the client, and from the server.
    pub(crate) fn carried(&self) -> [usize; 2] {
        [&self.directions[0], &self.directions[1]].map(|direction| direction.carried)
    }

    /// Whether he has cut.
    pub(crate) fn has_cut(&self) -> bool {
        self.is_cut
    }

    /// Carries what is there to be carried.
    pub(crate) fn carry<W: World<Raw = R>>(&mut self, world: &mut W) {
        if self.ends.is_none()
            && !self.is_cut
            && let Some(client) = (self.accept)()
        {
            self.ends = Some([client, world.connect_raw(self.server)]);
        }
        (0..2).for_each(|direction| self.carry_one(direction));
    }

    fn carry_one(&mut self, number: usize) {
        let Some(ends) = &mut self.ends else { return };
        if self.is_cut && matches!(self.cut, Some((_, _, Cut::Stall))) {
            return;
        }
        let direction = &mut self.directions[number];
        if direction.waiting.is_empty() && !direction.has_ended {
            match ends[number].read() {
                Ok(bytes) if bytes.is_empty() => direction.has_ended = true,
                Ok(bytes) => direction.waiting = bytes,
                Err(error) if is_early(&error) => {}
                Err(_) => return self.close(),
            }
        }
        if direction.is_told {
            direction.waiting.clear(); // this direction is cut
            return;
        }
        let left = self.cut.filter(|(of, _, _)| *of == number).map(|(_, at, _)| at - direction.carried);
        let count = direction.waiting.len().min(left.unwrap_or(usize::MAX));
        match ends[1 - number].write(&direction.waiting[..count]) {
            Ok(count) => {
                direction.carried += count;
                direction.waiting.drain(..count);
            }
            Err(error) if is_early(&error) => return,
            Err(_) => return self.close(),
        }
        if left == Some(count) {
            self.cut(number);
        } else if direction.has_ended && direction.waiting.is_empty() {
            direction.is_told = true;
            ends[1 - number].shutdown();
        }
    }

    fn cut(&mut self, number: usize) {
        self.is_cut = true;
        let (Some(ends), Some((_, _, how))) = (&mut self.ends, self.cut) else { return };
        match how {
            Cut::Close => return self.close(),
            Cut::Stall => return,
            Cut::Direction => {}
            Cut::Both => {
                if !std::mem::replace(&mut self.directions[1 - number].is_told, true) {
                    ends[number].shutdown();
                }
            }
        }
        if !std::mem::replace(&mut self.directions[number].is_told, true) {
            ends[1 - number].shutdown();
        }
    }

    fn close(&mut self) {
        self.is_cut = true;
        for end in self.ends.take().into_iter().flatten() {
            end.close();
        }
    }
}

fn is_early(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::NotConnected)
}
