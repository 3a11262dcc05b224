//! A real connection over loopback, and a server that sends back what it gets.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use statepoint::prelude::*;
use statepoint::reactor::Reactor;
use statepoint::{Limits, NetSettings, Ping};

/// How long a trip may take before its test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server hears of.
#[derive(Select)]
enum News<T: Message> {
    Message(T),
    Accepted(Accepted),
    Abandoned(Abandoned),
}

#[derive(Select)]
enum Opened {
    Connected(Connected),
    NotConnected(NotConnected),
}

/// Opens each message, calls every address in it, and sends it back.
async fn server<T: Message>(cx: &mut Routine, at: Rc<Cell<Option<SocketAddr>>>, addresses: fn(&T) -> Vec<Address>) {
    cx.listen(HostPort::new("127.0.0.1", 0));
    at.set(Some(cx.select::<Listening>().await.listening));
    loop {
        if let News::Message(message) = cx.select().await {
            let asker = cx.from();
            for address in addresses(&message) {
                cx.send(address, Ping);
            }
            cx.send(asker, message);
        }
    }
}

/// Says to its parent that it was called.
#[derive(Message)]
#[message(name = "types.Called", local)]
struct Called;

async fn bell(cx: &mut Routine) -> Done {
    loop {
        cx.select::<Ping>().await;
        cx.send(cx.parent(), Called);
    }
}

/// Sends what `make` makes of the addresses of `bells` points, one message after the other, and waits until each of these
/// points was called as often as it is mentioned.
async fn client<T: Message>(
    cx: &mut Routine,
    at: SocketAddr,
    bells: usize,
    make: impl FnOnce(&[Address]) -> Vec<T>,
    addresses: fn(&T) -> Vec<Address>,
    home: Rc<RefCell<Vec<T>>>,
) -> Result<Done, Fault> {
    cx.connect(at);
    let server = match cx.select::<Opened>().await {
        Opened::Connected(_) => cx.from(),
        Opened::NotConnected(fault) => return Err(fault.into()),
    };
    let bells: Vec<Address> = (0..bells).map(|_| cx.create(routine(bell))).collect();
    for message in make(&bells) {
        let mut expected = addresses(&message);
        let message: T = cx.request(server, message).await?;
        home.borrow_mut().push(message);
        let mut called = Vec::new();
        for _ in &expected {
            cx.select::<Called>().await;
            called.push(cx.from());
        }
        expected.sort();
        called.sort();
        assert_eq!(called, expected, "each address leads to its point");
    }
    Ok(Done)
}

/// Sends messages to a server of another reactor, which opens each of them and sends it back; what has come home.
pub(crate) fn there_and_back<T: Message>(
    bells: usize,
    make: impl FnOnce(&[Address]) -> Vec<T> + 'static,
    addresses: fn(&T) -> Vec<Address>,
) -> Vec<T> {
    let reactor = || Reactor::new(Limits::default(), NetSettings::default()).expect("a selector");
    let (mut here, mut there) = (reactor(), reactor());
    let (port, home) = (Rc::new(Cell::new(None)), Rc::new(RefCell::new(Vec::new())));
    let told = Rc::clone(&port);
    there.create(routine(async move |cx: &mut Routine| server(cx, told, addresses).await));
    let began = Instant::now();
    let turn = |reactor: &mut Reactor| {
        reactor.turn(Some(Duration::from_millis(1))).expect("the selector works");
        assert!(began.elapsed() < PATIENCE, "a message has not come home: {:?}", there_counters(reactor));
    };
    let at = loop {
        turn(&mut there);
        if let Some(at) = port.get() {
            break at;
        }
    };
    let kept = Rc::clone(&home);
    let asks = routine(async move |cx: &mut Routine| client(cx, at, bells, make, addresses, kept).await);
    let client = here.create(asks);
    let value = loop {
        turn(&mut here);
        turn(&mut there);
        if let Some(value) = here.take_result(client) {
            break value;
        }
    };
    assert_eq!(value.fault(), None, "at the server: {:?}", there_counters(&there));
    for reactor in [&here, &there] {
        assert_eq!(reactor.kernel().counters().refused, 0);
    }
    home.take()
}

fn there_counters(reactor: &Reactor) -> (&statepoint::Counters, statepoint::NetCounters) {
    (reactor.kernel().counters(), reactor.counters())
}

/// Every message comes home as it was.
pub(crate) fn survive<T: Message + Clone + PartialEq + Debug>(messages: impl IntoIterator<Item = T>) {
    let messages: Vec<T> = messages.into_iter().collect();
    let sent = messages.clone();
    assert_eq!(there_and_back(0, move |_| sent, |_| Vec::new()), messages);
}

/// A message with addresses comes home as it was, and each of its addresses has led from the server to its point.
pub(crate) fn survive_with_addresses<T: Message + Clone + PartialEq + Debug>(
    bells: usize,
    make: impl FnOnce(&[Address]) -> T + 'static,
    addresses: fn(&T) -> Vec<Address>,
) {
    let sent = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&sent);
    let make = move |bells: &[Address]| {
        let message = make(bells);
        assert!(!addresses(&message).is_empty());
        kept.replace(Some(message.clone()));
        vec![message]
    };
    let home = there_and_back(bells, make, addresses);
    assert_eq!(home, [sent.take().expect("it was made")]);
}
