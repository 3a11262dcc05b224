//! The machine of all points: it does what the messages say.

use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use fsm_core::{
    Address, Context, Done, EncodeError, Encoded, Machine, Message, Next, Refused, Start, Stop, Timeout, Vocabulary,
    state_machine,
};

use crate::{Act, Entry, KINDS, Mail, START, STOP, TIMEOUT, fixed};

const NAMES: [&str; KINDS] = ["model.M0", "model.M1", "model.M2", "model.M3", "model.M4"];

#[derive(Clone)]
pub(super) struct Script<const KIND: usize>(pub(super) Mail);
type M0 = Script<0>;
type M1 = Script<1>;
type M2 = Script<2>;
type M3 = Script<3>;
type M4 = Script<4>;

impl<const KIND: usize> Message for Script<KIND> {
    const NAME: &'static str = NAMES[KIND];
    const LOCAL: bool = true;

    fn encode(&self) -> Result<Encoded, EncodeError> {
        fsm_core::macros::encode_local(self)
    }

    fn decode(encoded: Encoded) -> Result<Self, Refused> {
        fsm_core::macros::decode_local(encoded)
    }
}

/// Calls `$call` with the type of the messages of a kind.
macro_rules! of_kind {
    ($kind:expr, $script:ident => $call:expr) => {
        match $kind {
            0 => {
                type $script = Script<0>;
                $call
            }
            1 => {
                type $script = Script<1>;
                $call
            }
            2 => {
                type $script = Script<2>;
                $call
            }
            3 => {
                type $script = Script<3>;
                $call
            }
            _ => {
                type $script = Script<4>;
                $call
            }
        }
    };
}
pub(super) use of_kind;

/// What the points share: where they are, and what they have handled.
#[derive(Default)]
pub(super) struct World {
    pub(super) addresses: Vec<Address>,
    pub(super) log: Vec<Entry>,
}

pub(super) struct Actor {
    pub(super) point: usize,
    pub(super) state: usize,
    pub(super) world: Rc<RefCell<World>>,
}

#[state_machine(A(defer(M1, M2)), B(defer(M2, M3), timeout = "4ms"), C(defer(M0, M3, M4), timeout = "3ms"), D)]
impl Actor {
    fn ANY_M0(&mut self, message: M0, cx: &mut Context) -> Next<Self> {
        self.act(message.0, cx)
    }
    fn ANY_M1(&mut self, message: M1, cx: &mut Context) -> Next<Self> {
        self.act(message.0, cx)
    }
    fn ANY_M2(&mut self, message: M2, cx: &mut Context) -> Next<Self> {
        self.act(message.0, cx)
    }
    fn ANY_M3(&mut self, message: M3, cx: &mut Context) -> Next<Self> {
        self.act(message.0, cx)
    }
    fn ANY_M4(&mut self, message: M4, cx: &mut Context) -> Next<Self> {
        self.act(message.0, cx)
    }
    fn B_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        self.act(fixed(TIMEOUT), cx)
    }
    fn C_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        self.act(fixed(TIMEOUT), cx)
    }
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.act(fixed(START), cx)
    }
    fn ANY_Stop(&mut self, _: Stop, cx: &mut Context) -> Next<Self> {
        self.act(fixed(STOP), cx)
    }
    fn A_Enter(&mut self) {
        self.state = 0;
    }
    fn B_Enter(&mut self) {
        self.state = 1;
    }
    fn C_Enter(&mut self) {
        self.state = 2;
    }
    fn D_Enter(&mut self) {
        self.state = 3;
    }

    fn act(&mut self, mail: Mail, cx: &mut Context) -> Next<Self> {
        let Mail { kind, serial, acts } = mail;
        self.world.borrow_mut().log.push(Entry { point: self.point, state: self.state, kind, serial });
        let mut next = Next::STAY;
        for act in acts {
            match act {
                Act::Go(0) => next = Self::A,
                Act::Go(1) => next = Self::B,
                Act::Go(2) => next = Self::C,
                Act::Go(_) => next = Self::D,
                Act::End => next = Self::complete(Done),
                Act::Cancel(kind) => drop(of_kind!(kind, Kind => cx.cancel::<Kind>())),
                Act::Send(to, mail) => {
                    let to = self.world.borrow().addresses[to];
                    of_kind!(mail.kind, Kind => cx.send(to, Kind { 0: mail }));
                }
                Act::Start(after, mail) => {
                    let after = Duration::from_millis(after);
                    of_kind!(mail.kind, Kind => cx.start(after, Kind { 0: mail }));
                }
            }
        }
        next
    }
}
