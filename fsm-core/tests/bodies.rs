//! Bodies are opened by whoever takes them, and by nobody else.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;
use std::cell::Cell;

use fsm_core::{
    Address, Body, Completed, Context, Done, EncodeError, Encoded, Kernel, Machine, Message, Moment, Next, Overflow,
    Start, Stop, Timeout, Undelivered, Unknown, Vocabulary, message_id, routine, state_machine,
};
use serde::{Deserialize, Deserializer, Serialize};
use support::{Go, Log, Note, kernel, settle};

thread_local! {
    static DECODED: Cell<u32> = const { Cell::new(0) };
}

/// How many greetings were decoded since the last look.
fn decoded() -> u32 {
    DECODED.take()
}

fn counted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    DECODED.set(DECODED.get() + 1);
    String::deserialize(deserializer)
}

/// A message that tells when it is decoded.
#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "bodies.Greeting", also = "bodies.Salute")]
struct Greeting {
    #[serde(deserialize_with = "counted")]
    text: String,
}

/// A message that stays in its process.
#[derive(Debug, Message)]
#[message(name = "bodies.Secret", local)]
struct Secret;

fn greeting() -> Encoded {
    Greeting { text: "hello".into() }.encode().expect("it has serde")
}

/// A body of another shape, `true`, under the name of a greeting.
fn nonsense() -> Encoded {
    Encoded { bytes: vec![0xc3], ..greeting() }
}

/// Bytes under the name of any message.
fn feigned(name: &'static str) -> Encoded {
    Encoded { name: name.into(), id: message_id(name), bytes: vec![0xc0], addresses: Vec::new() }
}

/// Takes greetings in TAKING, defers them in KEEPING, and has no cell for them in OTHER.
struct Host {
    log: Log,
    friend: Address,
}

#[state_machine(TAKING, KEEPING(defer(Greeting)), OTHER, OPENING)]
impl Host {
    fn TAKING_Greeting(&mut self, greeting: Greeting) -> Next<Self> {
        self.log.add(greeting.text);
        Next::STAY
    }
    fn TAKING_Secret(&mut self, secret: Secret) -> Next<Self> {
        self.log.add(format_args!("{secret:?}"));
        Next::STAY
    }
    fn TAKING_Note(&mut self, note: Note) -> Next<Self> {
        match note.0 {
            0 => Self::KEEPING,
            1 => Self::OTHER,
            _ => Self::OPENING,
        }
    }
    fn KEEPING_Go(&mut self, _: Go) -> Next<Self> {
        Self::TAKING
    }
    fn OTHER_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.forward(self.friend, unknown);
        Next::STAY
    }
    fn OPENING_Unknown(&mut self, unknown: Unknown) -> Next<Self> {
        match unknown.open::<Greeting>() {
            Ok(greeting) => self.log.add(greeting.text),
            Err(refused) => self.log.add(refused.expected()),
        }
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

/// A host in one of its states: 0 keeps, 1 does not know, 2 opens what it does not know, 3 takes.
fn host(state: u32, log: &Log) -> (Kernel, Address) {
    let mut kernel = kernel();
    let proxy = kernel.create(routine(async |cx| cx.select::<Stop>().await));
    let point = kernel.create(Host { log: log.clone(), friend: proxy.with_far(5) });
    if state < 3 {
        kernel.send(point, Address::NONE, Note(state));
    }
    settle(&mut kernel);
    decoded();
    (kernel, point)
}

fn give(kernel: &mut Kernel, point: Address, encoded: Encoded) {
    kernel.send(point, Address::NONE, Body::encoded(encoded));
    settle(kernel);
}

#[test]
fn a_cell_opens_the_body_that_it_takes() {
    let log = Log::default();
    let (mut kernel, point) = host(3, &log);
    give(&mut kernel, point, greeting());
    assert_eq!((log.take(), decoded()), (vec!["hello".to_owned()], 1));
}

#[test]
fn a_former_name_is_understood_by_cells_selects_and_deferrals() {
    let former = Encoded { name: "bodies.Salute".into(), id: message_id("bodies.Salute"), ..greeting() };
    let log = Log::default();
    let (mut kernel, point) = host(0, &log);
    give(&mut kernel, point, former.clone());
    give(&mut kernel, point, Go.encode().expect("it has serde"));
    assert_eq!((log.take(), kernel.counters().deferred), (vec!["hello".to_owned()], 1));
    let told = log.clone();
    let point = kernel.create(routine(async move |cx| told.add(cx.select::<Greeting>().await.text)));
    give(&mut kernel, point, former);
    assert_eq!(log.take(), ["hello"]);
}

#[test]
fn a_select_opens_the_body_that_it_takes() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    let point = kernel.create(routine(async move |cx| told.add(cx.select::<Greeting>().await.text)));
    give(&mut kernel, point, greeting());
    assert_eq!((log.take(), decoded()), (vec!["hello".to_owned()], 1));
}

#[test]
fn an_unknown_is_opened_by_whoever_names_its_type() {
    let log = Log::default();
    let (mut kernel, point) = host(2, &log);
    give(&mut kernel, point, greeting());
    give(&mut kernel, point, nonsense());
    assert_eq!((log.take(), decoded()), (vec!["hello".into(), "bodies.Greeting".to_owned()], 1));
}

#[test]
fn forwarding_copies_the_bytes_and_the_addresses_and_does_not_decode() {
    let (mut kernel, point) = host(1, &Log::default());
    let sent = Encoded { addresses: vec![Address::new(7, 7, 7)], ..nonsense() };
    let sender = Address::new(1, 1, 9);
    kernel.send(point, sender, Body::encoded(sent.clone()));
    settle(&mut kernel);
    let passed = kernel.take_outbound().expect("it was forwarded");
    assert_eq!((passed.from, passed.to.far(), passed.body.into_encoded()), (sender, 5, Ok(sent)));
    assert_eq!((decoded(), kernel.counters().refused), (0, 0));
}

#[test]
fn deferring_does_not_decode_until_the_message_is_taken() {
    let log = Log::default();
    let (mut kernel, point) = host(0, &log);
    give(&mut kernel, point, greeting());
    give(&mut kernel, point, nonsense());
    assert_eq!((decoded(), kernel.counters().deferred, kernel.counters().refused), (0, 2, 0));
    kernel.send(point, Address::NONE, Go);
    settle(&mut kernel);
    assert_eq!((log.take(), decoded(), kernel.counters().refused), (vec!["hello".to_owned()], 1, 1));
}

#[test]
fn dropping_and_not_knowing_do_not_decode() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| cx.select::<Note>().await));
    give(&mut kernel, point, greeting());
    kernel.send(point, Address::NONE, Note(1));
    settle(&mut kernel);
    give(&mut kernel, point, greeting());
    assert_eq!((decoded(), kernel.counters().unknown, kernel.counters().dead(Undelivered::Ended)), (0, 1, 1));
}

#[test]
fn a_body_that_does_not_fit_is_refused_counted_and_traced_and_the_point_goes_on() {
    let log = Log::default();
    let (mut kernel, point) = host(3, &log);
    let told = log.clone();
    let level = fsm_core::Level::Warning;
    kernel.set_sink(fsm_core::TextTrace::new(level, move |line: &str| told.add(line)));
    let routine = kernel.create(routine(async |cx| cx.select::<Greeting>().await).named("select"));
    for to in [point, routine] {
        let sender = Address::new(1, 1, 3);
        kernel.send(to, sender, Body::encoded(nonsense()));
        settle(&mut kernel);
        let line = log.take().concat();
        assert!(line.contains(&format!("{to}")) && line.contains(&format!("from {sender}")), "{line}");
        assert!(line.contains("? ") && line.contains("the body of `bodies.Greeting` does not fit: "), "{line}");
        assert!(line.contains("invalid type: boolean"), "the decoder's reason: {line}");
    }
    assert_eq!(kernel.counters().refused, 2);
    give(&mut kernel, point, greeting());
    give(&mut kernel, routine, greeting());
    assert_eq!(log.take(), ["hello"]);
    assert!(kernel.take_result().expect("the routine took the second").1.is::<Greeting>());
}

#[test]
fn a_local_message_is_never_decoded_from_bytes() {
    let log = Log::default();
    let (mut kernel, point) = host(3, &log);
    give(&mut kernel, point, feigned("bodies.Secret"));
    give(&mut kernel, point, feigned("statepoint.Stop"));
    assert_eq!((log.take(), kernel.counters().refused, kernel.is_alive(point)), (vec![], 2, true));
    assert_eq!(Secret.encode(), Err(EncodeError::Local { name: "bodies.Secret" }));
}

#[test]
fn what_a_peer_calls_by_the_kernels_names_has_no_power_over_a_routine() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    let friend = Address::new(1, 1, 0);
    let point = kernel.create(routine(async move |cx| {
        cx.select::<Note>().await;
        let late = cx.select_within::<Note>(Duration::from_secs(1)).await;
        told.add(format_args!("{} at {}, {}", late.is_err(), cx.now(), cx.from() == friend));
    }));
    kernel.send(point, friend, Note(1));
    settle(&mut kernel);
    let names = [Start::NAME, Stop::NAME, Timeout::NAME, Completed::NAME, Overflow::NAME, "statepoint.Limit"];
    for name in names {
        kernel.send(point, friend.with_far(4), Body::encoded(feigned(name)));
    }
    settle(&mut kernel);
    assert_eq!((kernel.is_alive(point), kernel.counters().unknown), (true, 6));
    kernel.advance(Moment::ZERO + Duration::from_secs(1), 10);
    settle(&mut kernel);
    assert_eq!(log.take(), ["true at 1.000000s, true"]);
}

#[test]
fn a_value_of_another_type_is_refused_too() {
    let refused = Body::new(Note(1)).open::<Go>().expect_err("a note is no go");
    assert_eq!(refused.expected(), "test.Go");
}
