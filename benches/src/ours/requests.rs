//! Requests and responses over loopback: a client and a server in one reactor, so that nobody sleeps and nobody is woken.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use fsm_net::reactor::Reactor;
use fsm_net::{
    Abandoned, Accepted, Connect, Connected, HostPort, Listen, Listening, NetSettings, Networking as _, NotConnected,
    NotListening,
};
use serde::{Deserialize, Serialize};
use statepoint::{
    Aborted, Context, Done, Limits, Machine as _, Message, Next, Start, Stop, Vocabulary as _, state_machine,
};

use crate::measure::{cpu_time, wall_time};
use crate::rows::requests::Measured;

/// So long that a request and a response are 68 bytes each in a clear record, as those written by hand are.
const TEXT: usize = 35;

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "speed.Ask")]
struct Ask {
    number: u64,
    text: String,
}

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "speed.Answer")]
struct Answer {
    number: u64,
    text: String,
}

/// The server's end of a connection.
struct Session;

#[state_machine]
impl Session {
    fn ANY_Ask(&mut self, ask: Ask, cx: &mut Context) -> Next<Self> {
        cx.reply(Answer { number: ask.number, text: ask.text });
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// What the client has seen.
#[derive(Debug, Default)]
pub(crate) struct Trips {
    /// Where the client listens.
    pub(crate) at: Option<SocketAddr>,
    /// Between one response and the next, in microseconds.
    pub(crate) spans: Vec<f64>,
    /// CPU time from the first request to the last response.
    pub(crate) used: Duration,
}

/// Listens, connects, asks.
pub(crate) struct Client {
    listen: Option<Listen>,
    encrypted: bool,
    sessions: usize,
    connected: usize,
    under_way: usize,
    left_to_ask: usize,
    left_to_come: usize,
    began: Duration,
    last: Duration,
    /// What the spans between responses are measured with.
    clock: fn() -> Duration,
    trips: Rc<RefCell<Trips>>,
}

impl Client {
    /// `requests` of them over each of `sessions` connections, always `under_way` at once.
    pub(crate) fn new(encrypted: bool, sessions: usize, under_way: usize, requests: usize) -> Self {
        let listen = Listen::at(HostPort::new("127.0.0.1", 0)).session(|_| Session);
        let (began, last, trips) = (Duration::ZERO, Duration::ZERO, Rc::default());
        let (left_to_ask, left_to_come) = (requests, requests);
        let listen = Some(if encrypted { listen.encrypted() } else { listen });
        let (connected, clock) = (0, wall_time as fn() -> Duration);
        Self { listen, encrypted, sessions, connected, under_way, left_to_ask, left_to_come, began, last, clock, trips }
    }

    /// Spans are CPU time.
    pub(crate) fn by_cpu_time(self) -> Self {
        Self { clock: cpu_time, ..self }
    }

    /// How long a peer may take to open its link.
    pub(crate) fn open_within(self, limit: Duration) -> Self {
        Self { listen: self.listen.map(|listen| listen.open_within(limit)), ..self }
    }

    /// Where it writes down what it sees.
    pub(crate) fn trips(&self) -> Rc<RefCell<Trips>> {
        Rc::clone(&self.trips)
    }

    fn ask(&mut self, server: statepoint::Address, cx: &mut Context) {
        if self.left_to_ask > 0 {
            self.left_to_ask -= 1;
            cx.send(server, Ask { number: self.left_to_ask as u64 % 128, text: "7".repeat(TEXT) });
        }
    }
}

#[state_machine(INITIAL, OPENING(defer(Answer)), ASKING)]
impl Client {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        if let Some(listen) = self.listen.take() {
            cx.listen(listen);
        }
        Self::OPENING
    }
    fn OPENING_Listening(&mut self, listening: Listening, cx: &mut Context) -> Next<Self> {
        self.trips.borrow_mut().at = Some(listening.listening);
        for _ in 0..self.sessions {
            let connect = Connect::to(HostPort::from(listening.listening));
            cx.connect(if self.encrypted { connect.encrypted() } else { connect });
        }
        Self::OPENING
    }
    fn OPENING_NotListening(&mut self, fault: NotListening) -> Next<Self> {
        Self::complete(fault)
    }
    /// Responses wait until all are connected.
    fn OPENING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        self.connected += 1;
        if self.began.is_zero() {
            (self.began, self.last) = (cpu_time(), (self.clock)());
        }
        let server = cx.from();
        (0..self.under_way).for_each(|_| self.ask(server, cx));
        if self.connected == self.sessions { Self::ASKING } else { Self::OPENING }
    }
    fn OPENING_NotConnected(&mut self, fault: NotConnected) -> Next<Self> {
        Self::complete(fault)
    }
    fn ANY_Accepted(&mut self, _: Accepted) -> Next<Self> {
        Next::STAY
    }
    fn ASKING_Answer(&mut self, answer: Answer, cx: &mut Context) -> Next<Self> {
        let now = (self.clock)();
        let span = now - core::mem::replace(&mut self.last, now);
        self.trips.borrow_mut().spans.push(span.as_secs_f64() * 1e6);
        assert_eq!(answer.text.len(), TEXT);
        let server = cx.from();
        self.ask(server, cx);
        self.left_to_come -= 1;
        if self.left_to_come == 0 {
            self.trips.borrow_mut().used = cpu_time() - self.began;
            return Self::complete(Done);
        }
        Self::ASKING
    }
    fn ANY_Abandoned(&mut self, fault: Abandoned) -> Next<Self> {
        Self::complete(fault)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// `requests` of them in all, over `sessions` connections, always `under_way` at once over each.
pub(crate) fn requests(encrypted: bool, sessions: usize, under_way: usize, requests: usize) -> Measured {
    let mut reactor = Reactor::new(Limits::default(), NetSettings::default()).expect("a selector");
    let client = Client::new(encrypted, sessions, under_way, requests);
    let trips = client.trips();
    let main = reactor.create(client);
    let value = reactor.run(main).expect("a selector");
    assert!(value.is::<Done>(), "the client ended with {value:?}");
    let Trips { spans, used, .. } = trips.take();
    Measured::new(spans, used)
}
