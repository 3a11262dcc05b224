//! A machine that notes all that it hears, of the network and of its peers, and says one word over each connection.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use statepoint::prelude::*;
use statepoint::{Ended, Failure};

use crate::messages::Note;
use crate::world::{HostId, World};

/// Something that the witness has heard, and of which far end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Opened(Address),
    NotOpened(Failure),
    Note(Address, u64),
    /// A message that nobody ever says, by its name.
    Other(Address, String),
    Ended(Address, Ended),
}

impl Heard {
    /// Nothing comes of that connection any more.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::NotOpened(_) | Self::Ended(..))
    }

    /// Whether it is of this far end. A peer may speak for points behind it, but for no other peer's.
    pub(crate) fn is_of(&self, far: Address) -> bool {
        match self {
            Self::Opened(of) | Self::Note(of, _) | Self::Other(of, _) | Self::Ended(of, _) => of.near() == far.near(),
            Self::NotOpened(_) => false,
        }
    }
}

/// To be connected with somebody.
#[derive(Message)]
#[message(name = "secured.Dial", local)]
struct Dial(Connect);

/// To be where somebody can connect.
#[derive(Message)]
#[message(name = "secured.Open", local)]
struct Open(Listen);

#[derive(Default)]
struct Point {
    heard: Rc<RefCell<Vec<Heard>>>,
    ports: Rc<RefCell<Vec<SocketAddr>>>,
}

impl Point {
    fn note(&self, heard: Heard) -> Next<Self> {
        self.heard.borrow_mut().push(heard);
        Next::STAY
    }
}

#[state_machine]
impl Point {
    fn ANY_Start(&mut self, _: Start) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Open(&mut self, Open(listen): Open, cx: &mut Context) -> Next<Self> {
        cx.listen(listen);
        Next::STAY
    }
    fn ANY_Dial(&mut self, Dial(connect): Dial, cx: &mut Context) -> Next<Self> {
        cx.connect(connect);
        Next::STAY
    }
    fn ANY_Listening(&mut self, listening: Listening) -> Next<Self> {
        self.ports.borrow_mut().push(listening.listening);
        Next::STAY
    }
    fn ANY_Accepted(&mut self, _: Accepted, cx: &mut Context) -> Next<Self> {
        cx.reply(Note { number: 0 });
        self.note(Heard::Opened(cx.from()))
    }
    fn ANY_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        cx.reply(Note { number: 0 });
        self.note(Heard::Opened(cx.from()))
    }
    fn ANY_NotAccepted(&mut self, fault: NotAccepted) -> Next<Self> {
        self.note(Heard::NotOpened(fault.reason))
    }
    fn ANY_NotConnected(&mut self, fault: NotConnected) -> Next<Self> {
        self.note(Heard::NotOpened(fault.reason))
    }
    fn ANY_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
        self.note(Heard::Note(cx.from(), note.number))
    }
    fn ANY_Abandoned(&mut self, fault: Abandoned, cx: &mut Context) -> Next<Self> {
        self.note(Heard::Ended(cx.from(), fault.reason))
    }
    fn ANY_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        self.note(Heard::Other(cx.from(), unknown.name().to_owned()))
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// The witness, as the test holds it.
pub(crate) struct Witness {
    pub(crate) host: HostId,
    address: Address,
    heard: Rc<RefCell<Vec<Heard>>>,
    ports: Rc<RefCell<Vec<SocketAddr>>>,
}

impl Witness {
    pub(crate) fn new(world: &mut impl World, host: HostId) -> Self {
        let point = Point::default();
        let (heard, ports) = (Rc::clone(&point.heard), Rc::clone(&point.ports));
        Self { host, address: world.create(host, point), heard, ports }
    }

    /// Has it listen: where.
    pub(crate) fn listen(&self, world: &mut impl World, listen: Listen) -> SocketAddr {
        let count = self.ports.borrow().len();
        world.kernel(self.host).send(self.address, Address::NONE, Open(listen));
        world.run_until("a port", |_| self.ports.borrow().len() > count);
        self.ports.borrow()[count]
    }

    pub(crate) fn dial(&self, world: &mut impl World, connect: Connect) {
        world.kernel(self.host).send(self.address, Address::NONE, Dial(connect));
    }

    /// How much it has heard.
    pub(crate) fn count(&self) -> usize {
        self.heard.borrow().len()
    }

    /// What it has heard from there on.
    pub(crate) fn since(&self, start: usize) -> Vec<Heard> {
        self.heard.borrow()[start..].to_vec()
    }

    /// Goes on until it has heard something like that since then: the first of it.
    pub(crate) fn wait(
        &self,
        world: &mut impl World,
        start: usize,
        what: &str,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Heard {
        let find = || self.heard.borrow()[start..].iter().find(|heard| is_it(heard)).cloned();
        world.run_until(what, |_| find().is_some());
        find().expect("just seen")
    }
}
