//! Groups, `ANY`, a deferral of the state's own: the most specific cell wins.
#![deny(warnings)]

extern crate fsm_core as statepoint;

use statepoint::{Aborted, CellShape, Context, Harness, Machine, Message, Next, Start, Stop, Unknown, state_machine};

#[derive(Debug, Message)]
#[message(local)]
struct Ping;

#[derive(Debug, Message)]
#[message(local)]
struct Pong;

#[derive(Debug, Message)]
#[message(local)]
struct T1;

#[derive(Default)]
struct Player {
    told: Vec<&'static str>,
}

/// Plays.
#[state_machine(UP = SERVING | HALF_OPEN, INITIAL, SERVING(defer(Pong)), HALF_OPEN, GLARING)]
impl Player {
    /// Begins.
    ///
    /// By serving.
    fn INITIAL_Start(&mut self, _: Start) -> Next<Self> {
        Self::SERVING
    }
    fn UP_Ping(&mut self, _: Ping) -> Next<Self> {
        self.tell("UP_Ping");
        Self::HALF_OPEN
    }
    fn ANY_Ping(&mut self, _: Ping) -> Next<Self> {
        self.tell("ANY_Ping");
        Next::STAY
    }
    fn HALF_OPEN_Ping(&mut self, _: Ping) -> Next<Self> {
        self.tell("HALF_OPEN_Ping");
        self.glare()
    }
    fn ANY_Pong(&mut self, _: Pong) -> Next<Self> {
        self.tell("ANY_Pong");
        Next::STAY
    }
    fn GLARING_T1(&mut self, _: T1) -> Next<Self> {
        self.tell("GLARING_T1");
        Player::SERVING
    }
    fn UP_Unknown(&mut self, unknown: Unknown) -> Next<Self> {
        assert_eq!(unknown.name(), "T1");
        self.tell("UP_Unknown");
        Next::STAY
    }
    fn UP_Enter(&mut self) {
        self.tell("UP_Enter");
    }
    fn HALF_OPEN_Exit(&mut self, _: &mut Context) {
        self.tell("HALF_OPEN_Exit");
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn glare(&mut self) -> Next<Self> {
        Self::GLARING
    }
    fn tell(&mut self, what: &'static str) {
        self.told.push(what);
    }
}

fn main() {
    let shape = Player::TABLE.shape;
    let states: Vec<_> = shape.states.iter().map(|state| state.name).collect();
    assert_eq!(states, ["INITIAL", "SERVING", "HALF_OPEN", "GLARING"]);
    assert_eq!(shape.doc, "Plays.");
    assert_eq!(shape.handlers[0].doc, "Begins.\n\nBy serving.");
    assert_eq!(shape.cells[1][2], CellShape::Defer);
    // The edge through the helper.
    assert_eq!((shape.handlers[3].name, shape.handlers[3].goes), ("HALF_OPEN_Ping", [3].as_slice()));

    let mut test = Harness::new(Player::default());
    let _ = test.start();
    let _ = test.give(Pong);
    let _ = test.give(T1);
    let _ = test.give(Ping);
    let _ = test.give(Ping);
    let _ = test.give(Ping);
    let _ = test.give(T1);
    let told = [
        "UP_Enter",
        "UP_Unknown",
        "UP_Ping",
        "UP_Enter",
        "ANY_Pong",
        "HALF_OPEN_Ping",
        "HALF_OPEN_Exit",
        "ANY_Ping",
        "GLARING_T1",
        "UP_Enter",
    ];
    assert_eq!(test.machine().told, told);
}
