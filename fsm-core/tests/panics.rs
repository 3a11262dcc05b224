//! A panic ends one point and nothing else.

extern crate fsm_core as statepoint;

mod support;

use core::fmt;
use core::time::Duration;

use fsm_core::{
    Address, Body, Completed, Done, EncodeError, Encoded, Kernel, Limits, Machine, Message, Moment, Next, Panicked,
    Refused, Stop, Timeout, Undelivered, Vocabulary, routine, state_machine,
};
use support::{Go, Grave, Log, Note, kernel, leaf, listener, reluctant, settle};

/// A message that panics when it is dropped, unless the thread panics already.
#[derive(Clone)]
struct Mine(Log);

impl Drop for Mine {
    fn drop(&mut self) {
        self.0.add("mine");
        if !std::thread::panicking() {
            panic!("a mine");
        }
    }
}

impl Message for Mine {
    const NAME: &'static str = "test.Mine";
    const LOCAL: bool = true;

    fn encode(&self) -> Result<Encoded, EncodeError> {
        fsm_core::macros::encode_local(self)
    }

    fn decode(encoded: Encoded) -> Result<Self, Refused> {
        fsm_core::macros::decode_local(encoded)
    }
}

/// A text that cannot be made.
struct Unsayable;

impl fmt::Display for Unsayable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("words fail me")
    }
}

/// A parent that logs what its only child completed with.
fn parent(log: &Log, child: fsm_core::NewRoutine) -> fsm_core::NewRoutine {
    let log = log.clone();
    routine(async move |cx| {
        cx.create(child);
        let Completed { value, .. } = cx.select().await;
        log.add(value.fault().unwrap_or_else(|| value.short_name().into()));
        cx.select::<Stop>().await;
    })
    .named("parent")
}

/// The kernel still does its work.
fn works(kernel: &mut Kernel) -> bool {
    let log = Log::default();
    let point = kernel.create(listener(&log));
    kernel.send(point, Address::NONE, Note(5));
    settle(kernel);
    log.take() == ["5"]
}

#[test]
fn a_panic_ends_that_point_alone_and_its_parent_gets_a_fault_that_names_it() {
    let (mut kernel, log) = (kernel(), Log::default());
    let neighbour = kernel.create(listener(&log));
    let child = routine(async |cx| {
        let Note(number) = cx.select().await;
        assert_eq!(number, 0, "not nothing");
    });
    kernel.create(parent(&log, child.named("careful")));
    settle(&mut kernel);
    let child = Address::new(3, 1, 0);
    kernel.send(child, Address::NONE, Note(1));
    kernel.send(neighbour, Address::NONE, Note(2));
    settle(&mut kernel);
    let told = log.take();
    assert_eq!(told[0], "2");
    assert!(told[1].starts_with("careful panicked at Note: assertion"), "{told:?}");
    assert!(told[1].contains("not nothing"), "{told:?}");
    assert_eq!((kernel.counters().panics, kernel.points()), (1, 2));
}

#[test]
fn the_fault_of_a_panic_holds_routine_message_and_text() {
    let mut kernel = kernel();
    kernel.create(routine(async |_| -> Done { panic!("at once") }).named("hasty"));
    settle(&mut kernel);
    let (_, value) = kernel.take_result().expect("it has ended");
    let expected =
        Panicked { machine: "hasty".into(), state: String::new(), message: "Start".into(), text: "at once".into() };
    assert_eq!(value.take::<Panicked>().expect("a panic"), expected);
}

#[test]
fn a_panic_without_a_text_is_a_panic_too() {
    let mut kernel = kernel();
    kernel.create(routine(async |_| -> Done { std::panic::panic_any(7) }));
    settle(&mut kernel);
    let (_, value) = kernel.take_result().expect("it has ended");
    assert_eq!(value.take::<Panicked>().expect("a panic").text, "a panic without a text");
}

#[test]
fn the_messages_behind_a_panic_in_one_run_are_handled() {
    let (mut kernel, log) = (kernel(), Log::default());
    let receiver = kernel.create(listener(&log));
    for _ in 0..50 {
        kernel.create(routine(async |_| -> Done { panic!("one of many") }));
        kernel.send(receiver, Address::NONE, Note(1));
    }
    assert_eq!(kernel.run(1_000), 101);
    assert_eq!((log.take().len(), kernel.counters().panics, kernel.points()), (50, 50, 1));
}

#[test]
fn what_a_handler_sent_and_created_before_it_panicked_stands() {
    let (mut kernel, log) = (kernel(), Log::default());
    let receiver = kernel.create(listener(&log));
    let child = leaf(&log, "the child is gone");
    kernel.create(routine(async move |cx| -> Done {
        cx.send(receiver, Note(1));
        let child = cx.create(child);
        cx.send(receiver, Note(child.slot()));
        panic!("after all that");
    }));
    settle(&mut kernel);
    assert_eq!(log.take(), ["1", "3", "the child is gone"]);
    assert!(kernel.take_result().expect("it ended after its child").1.is::<Panicked>());
}

#[test]
fn a_panic_in_the_midst_of_an_operation_leaves_the_kernel_whole() {
    let mut kernel = kernel();
    kernel.set_sink(fsm_core::TextTrace::new(fsm_core::Level::Console, |_: &str| {}));
    kernel.create(routine(async |cx| cx.console(Unsayable)));
    settle(&mut kernel);
    let (_, value) = kernel.take_result().expect("it has ended");
    assert_eq!(value.take::<Panicked>().expect("a panic").text, "words fail me");
    assert!(works(&mut kernel));
}

#[test]
fn a_panic_while_a_timer_makes_its_message_ends_the_timers_point() {
    /// Its clone panics.
    struct Fragile;
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            panic!("there is only one")
        }
    }
    impl Message for Fragile {
        const NAME: &'static str = "test.Fragile";
        fn encode(&self) -> Result<Encoded, EncodeError> {
            fsm_core::macros::encode_local(self)
        }
        fn decode(encoded: Encoded) -> Result<Self, Refused> {
            fsm_core::macros::decode_local(encoded)
        }
    }
    let (mut kernel, log) = (kernel(), Log::default());
    let guilty = kernel.create(routine(async |cx| {
        cx.repeat(Duration::from_millis(5), Fragile);
        cx.select::<Stop>().await;
    }));
    let innocent = kernel.create(listener(&log));
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + Duration::from_millis(5), 10);
    kernel.send(innocent, Address::NONE, Note(1));
    // The message of the innocent one is handled before the timer's, which is queued behind it.
    settle(&mut kernel);
    assert_eq!((kernel.is_alive(guilty), kernel.is_alive(innocent)), (false, true));
    assert_eq!((log.take(), kernel.timers()), (vec!["1".to_owned()], 0));
}

#[test]
fn a_panic_while_a_dead_letter_is_dropped_ends_nobody() {
    let (mut kernel, log) = (kernel(), Log::default());
    let gone = kernel.create(routine(async |_| Done));
    kernel.send(gone, Address::NONE, Mine(log.clone())); // still alive: it is queued
    let innocent = kernel.create(listener(&log));
    kernel.send(innocent, Address::NONE, Note(1));
    kernel.send(gone, Address::NONE, Mine(log.clone()));
    settle(&mut kernel);
    assert!(kernel.is_alive(innocent));
    assert_eq!((kernel.counters().dead(Undelivered::Ended), kernel.counters().panics), (2, 2));
    assert_eq!(log.take(), ["mine", "1", "mine"]);
    assert!(works(&mut kernel));
}

#[test]
fn a_point_whose_drop_panics_completes_all_the_same() {
    let (mut kernel, log) = (kernel(), Log::default());
    let mine = Mine(log.clone());
    kernel.create(parent(
        &log,
        routine(async move |cx| {
            let _mine = mine;
            cx.select::<Go>().await
        }),
    ));
    settle(&mut kernel);
    kernel.send(Address::new(2, 1, 0), Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!(log.take(), ["mine", "aborted (user or software interrupt)"]);
    assert_eq!((kernel.counters().panics, kernel.points()), (1, 1));
    assert!(works(&mut kernel));
}

/// Panics when it is told to go, and again when it is dropped.
struct Twice;

#[state_machine]
impl Twice {
    fn ANY_Go(&mut self, _: Go) -> Next<Self> {
        panic!("once")
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        panic!("twice")
    }
}

#[test]
fn a_machine_that_panics_and_whose_drop_panics_again_completes_all_the_same() {
    let mut kernel = kernel();
    let machine = kernel.create(Twice);
    kernel.send(machine, Address::NONE, Go);
    settle(&mut kernel);
    let (_, value) = kernel.take_result().expect("it has ended");
    let Panicked { machine, message, text, .. } = value.take().expect("a panic");
    assert_eq!((&*machine, &*message, &*text), ("Twice", "Go", "once"));
    assert_eq!(kernel.counters().panics, 2);
    assert!(works(&mut kernel));
}

#[test]
fn timers_and_deferred_messages_whose_drops_panic_do_not_hinder_an_end() {
    let (mut kernel, log) = (kernel(), Log::default());
    let (first, second) = (Mine(log.clone()), Mine(log.clone()));
    kernel.create(parent(
        &log,
        routine(async move |cx| {
            cx.start(Duration::from_secs(9), first);
            cx.send(cx.me(), second);
            cx.sleep(Duration::from_secs(1)).await; // defers the second
        }),
    ));
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + Duration::from_secs(1), 10);
    settle(&mut kernel);
    assert_eq!(log.take(), ["mine", "mine", "Done"]);
    assert_eq!((kernel.counters().panics, kernel.timers(), kernel.points()), (2, 0, 1));
    assert!(works(&mut kernel));
}

#[test]
fn points_that_are_dropped_after_the_grace_time_may_all_panic() {
    let (mut kernel, log) = (kernel(), Log::default());
    let mines: Vec<Mine> = (0..3).map(|_| Mine(log.clone())).collect();
    kernel.create(routine(async move |cx| {
        for mine in mines {
            cx.create(routine(async move |cx| {
                let _mine = mine;
                cx.start(Duration::from_secs(99), Timeout);
                reluctant(cx).await
            }));
        }
    }));
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + Limits::default().grace, 10);
    settle(&mut kernel);
    assert!(kernel.take_result().expect("it has ended").1.is::<Done>());
    assert_eq!((log.take().len(), kernel.counters().panics, kernel.counters().dropped), (3, 3, 3));
    assert_eq!((kernel.points(), kernel.timers()), (0, 0));
    assert!(works(&mut kernel));
}

#[test]
fn a_panic_is_no_reason_to_forget_a_drop() {
    let (mut kernel, log) = (kernel(), Log::default());
    let grave: Grave = log.when_dropped("the routine's own");
    kernel.create(routine(async move |_| -> Done {
        let _grave = grave;
        panic!("now");
    }));
    settle(&mut kernel);
    assert_eq!(log.take(), ["the routine's own"]);
}

#[test]
fn a_body_may_be_dropped_by_a_panicking_point() {
    let (mut kernel, log) = (kernel(), Log::default());
    let point = kernel.create(listener(&log));
    kernel.send(point, Address::NONE, Body::new(Mine(log.clone()))); // unknown to the listener
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.counters().unknown), (vec!["mine".to_owned()], 1));
    assert!(!kernel.is_alive(point)); // it was its message by then
    assert!(works(&mut kernel));
}
