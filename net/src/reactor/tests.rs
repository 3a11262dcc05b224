//! What only the reactor does: it looks at the clock.

use core::cell::Cell;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::rc::Rc;

use fsm_core::{Done, Limits, Message, Routine, Value, routine};
use serde::{Deserialize, Serialize};

use super::Reactor;
use crate::messages::Connected;
use crate::networking::Networking;
use crate::settings::NetSettings;

const PATIENCE: Duration = Duration::from_secs(60);

/// A connecting end's hello in a clear link, and what it hears before the first frame.
const HELLO: usize = 16;
const WELCOME: &[u8] = b"\xF5FSM\x02\x01\x00\x00\x00\x10\x00\x00\0\0\0\0\0\0\0\x01\x03";
/// An answer without a sender.
const ANSWER: &[u8] = b"\0\0\0\x12\0\x94\xFF\xC0\xABtest.Answer\x90\xC0";

#[derive(Serialize, Deserialize, Message)]
#[message(name = "test.Answer")]
struct Answer;

/// A handler that blocks, a debugger, a laptop that sleeps: afterwards everybody's time seems to be over.
#[test]
fn what_has_come_while_the_process_stood_still_is_heard_before_the_time_is_over() {
    let mut reactor = Reactor::new(Limits::default(), NetSettings::default()).expect("a selector");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("its address");
    let waits = Rc::new(Cell::new(false));
    let begins = Rc::clone(&waits);
    let main = reactor.create(routine(async move |cx: &mut Routine| {
        cx.connect(at);
        cx.select::<Connected>().await;
        begins.set(true);
        match cx.select_within::<Answer>(Duration::from_secs(5)).await {
            Ok(Answer) => Value::from(Done),
            Err(fault) => Value::from(fault),
        }
    }));
    let turns = |reactor: &mut Reactor, until: &dyn Fn(&Reactor) -> bool| {
        while !until(reactor) {
            reactor.turn(Some(PATIENCE)).expect("the selector works");
        }
    };
    turns(&mut reactor, &|reactor| reactor.counters().connected > 0);
    let (mut peer, _) = listener.accept().expect("it has connected");
    peer.write_all(WELCOME).expect("room");
    turns(&mut reactor, &|_| waits.get());
    peer.read_exact(&mut [0; HELLO]).expect("a hello");
    peer.write_all(ANSWER).expect("room");
    reactor.gather(Some(PATIENCE)).expect("the selector works");
    reactor.began = reactor.began.checked_sub(Duration::from_secs(10)).expect("the system has run for a while");
    let value = reactor.run(main).expect("the selector works");
    assert!(value.is::<Done>(), "{value:?}");
}
