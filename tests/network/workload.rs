//! Clients that ask, and servers that answer, while everything goes wrong.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Done, Ended};

/// How many questions a client has.
const QUESTIONS: u32 = 40;
/// How many it asks at once.
const BATCH: u32 = 10;
/// How long it waits for an answer.
const IDLE: Duration = Duration::from_secs(20);
/// How long it waits until it connects again.
const AGAIN: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "workload.Question")]
struct Question {
    client: u32,
    attempt: u32,
    number: u32,
    filling: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "workload.Answer")]
struct Answer {
    client: u32,
    attempt: u32,
    number: u32,
    filling: String,
}

#[derive(Debug, Message)]
#[message(name = "workload.Again", local)]
struct Again;

#[derive(Debug, Message)]
#[message(name = "workload.Idle", local)]
struct Idle;

/// Something that a point has seen.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Opened { far: Address, attempt: u32 },
    Asked { far: Address, number: u32 },
    Message { far: Address, client: u32, attempt: u32, number: u32 },
    Ended { far: Address, reason: Ended },
}

/// All that a point has seen, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Rc<RefCell<Vec<Seen>>>);

impl History {
    fn add(&self, seen: Seen) {
        self.0.borrow_mut().push(seen);
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.borrow().clone()
    }
}

/// Of different sizes, so that frames lie across the pieces in which bytes travel.
fn filling(number: u32) -> String {
    "x".repeat([0, 10, 100, 1_000][number as usize % 4])
}

/// Answers every question.
pub(crate) struct Server {
    at: HostPort,
    history: History,
}

impl Server {
    pub(crate) fn new(at: HostPort, history: History) -> Self {
        Self { at, history }
    }
}

#[state_machine]
impl Server {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(&self.at);
        Next::STAY
    }
    fn ANY_Listening(&mut self, _: Listening) -> Next<Self> {
        Next::STAY
    }
    /// For want of a descriptor.
    fn ANY_NotListening(&mut self, _: NotListening, cx: &mut Context) -> Next<Self> {
        cx.start(AGAIN, Again);
        Next::STAY
    }
    fn ANY_Again(&mut self, _: Again, cx: &mut Context) -> Next<Self> {
        cx.listen(&self.at);
        Next::STAY
    }
    fn ANY_Accepted(&mut self, _: Accepted, cx: &mut Context) -> Next<Self> {
        self.history.add(Seen::Opened { far: cx.from(), attempt: 0 });
        Next::STAY
    }
    fn ANY_NotAccepted(&mut self, _: NotAccepted) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Question(&mut self, question: Question, cx: &mut Context) -> Next<Self> {
        let Question { client, attempt, number, filling } = question;
        self.history.add(Seen::Message { far: cx.from(), client, attempt, number });
        cx.reply(Answer { client, attempt, number, filling });
        Next::STAY
    }
    fn ANY_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        self.history.add(Seen::Ended { far: cx.from(), reason: abandoned.reason });
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Asks its questions in batches, closing the connection in between, and asks again what was not answered.
pub(crate) struct Client {
    id: u32,
    to: HostPort,
    history: History,
    attempt: u32,
    far: Address,
    /// The next question that has no answer.
    next: u32,
    /// How many were asked over this connection.
    asked: u32,
}

impl Client {
    pub(crate) fn new(id: u32, to: HostPort, history: History) -> Self {
        Self { id, to, history, attempt: 0, far: Address::NONE, next: 0, asked: 0 }
    }

    fn connect(&mut self, cx: &mut Context) {
        self.attempt += 1;
        cx.connect(Connect::to(&self.to).within(Duration::from_secs(5)));
    }

    fn ask(&mut self, cx: &mut Context) {
        for _ in 0..BATCH {
            let number = self.asked;
            self.asked += 1;
            self.history.add(Seen::Asked { far: self.far, number });
            let question = Question { client: self.id, attempt: self.attempt, number, filling: filling(number) };
            cx.send(self.far, question);
        }
    }

    fn take(&mut self, answer: &Answer, cx: &Context) {
        let Answer { client, attempt, number, ref filling } = *answer;
        assert_eq!((client, attempt), (self.id, self.attempt), "an answer to somebody else");
        assert_eq!(*filling, self::filling(number), "an answer to another question");
        self.history.add(Seen::Message { far: cx.from(), client, attempt, number });
        self.next += 1;
    }

    fn end(&mut self, reason: Ended, cx: &Context) {
        self.history.add(Seen::Ended { far: cx.from(), reason });
    }
}

#[state_machine(INITIAL, PENDING, ASKING, CLOSING, WAITING)]
impl Client {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        self.connect(cx);
        Self::PENDING
    }
    fn PENDING_NotConnected(&mut self, _: NotConnected, cx: &mut Context) -> Next<Self> {
        cx.start(AGAIN, Again);
        Self::WAITING
    }
    fn PENDING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        self.far = cx.from();
        (self.asked, self.next) = (0, 0);
        self.history.add(Seen::Opened { far: self.far, attempt: self.attempt });
        self.ask(cx);
        // Some say all they have to say at once, and wait for no answer.
        if self.id % 2 == 1 {
            cx.send(self.far, Close);
            return Self::CLOSING;
        }
        cx.start(IDLE, Idle);
        Self::ASKING
    }
    fn ASKING_Answer(&mut self, answer: Answer, cx: &mut Context) -> Next<Self> {
        self.take(&answer, cx);
        cx.start(IDLE, Idle);
        if self.next == QUESTIONS {
            cx.send(self.far, Close);
            return Self::CLOSING;
        }
        if self.next == self.asked {
            self.ask(cx);
        }
        Self::ASKING
    }
    /// The connection may be dead without anybody knowing.
    fn ASKING_Idle(&mut self, _: Idle, cx: &mut Context) -> Next<Self> {
        cx.send(self.far, Close);
        Self::CLOSING
    }
    fn ASKING_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        self.end(abandoned.reason, cx);
        cx.start(AGAIN, Again);
        Self::WAITING
    }
    fn CLOSING_Answer(&mut self, answer: Answer, cx: &mut Context) -> Next<Self> {
        self.take(&answer, cx);
        Self::CLOSING
    }
    fn CLOSING_Closed(&mut self, closed: Closed, cx: &mut Context) -> Next<Self> {
        let in_order = closed.reason == Ended::ByUs;
        self.end(closed.reason, cx);
        // Who does not wait for answers is done when it was heard, or seems so.
        if self.next == QUESTIONS || (self.id % 2 == 1 && in_order) {
            return Self::complete(Done);
        }
        cx.start(AGAIN, Again);
        Self::WAITING
    }
    fn CLOSING_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        self.end(abandoned.reason, cx);
        cx.start(AGAIN, Again);
        Self::WAITING
    }
    fn WAITING_Again(&mut self, _: Again, cx: &mut Context) -> Next<Self> {
        self.connect(cx);
        Self::PENDING
    }
    /// Of a connection that has ended since.
    fn ANY_Idle(&mut self, _: Idle) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
