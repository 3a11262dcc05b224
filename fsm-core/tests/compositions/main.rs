//! Points made of points: several at once, one after the other, a question and its answer (`questions.rs`).

extern crate fsm_core as statepoint;

mod questions;
#[path = "../support/mod.rs"]
mod support;

use core::time::Duration;

use fsm_core::{
    Aborted, Ack, Address, Body, Completed, Concurrently, ConnectionLost, Coverage, Create, Done, Fault, Faulted,
    GetResponse, Harness, IntoPoint, Kernel, Limits, Message, Moment, NewPoint, OutOfService, Overloaded, Ping,
    Routine, Sequentially, Stop, TemporarilyUnavailable, TimedOut, Undelivered, Value, Values, Vocabulary, routine,
};
use serde::{Deserialize, Serialize};
use support::{Go, Log, Note, kernel, leaf, reluctant, settle};

const SECOND: Duration = Duration::from_secs(1);

/// A point that ends at once.
fn note(number: u32) -> NewPoint {
    routine(async move |_: &mut Routine| Note(number)).into_point()
}

/// A point that ends after so many seconds.
fn later(log: &Log, number: u32) -> NewPoint {
    let log = log.clone();
    let work = async move |cx: &mut Routine| {
        log.add(format_args!("{number} begins"));
        cx.sleep(number * SECOND).await;
        log.add(format_args!("{number} ends"));
        Note(number)
    };
    routine(work).into_point()
}

fn fault() -> NewPoint {
    routine(async |_: &mut Routine| Faulted { condition: "broken".into(), explanation: String::new() }).into_point()
}

/// A point that answers each `Ping` as it is told.
fn server<T: Message + Clone>(answer: T) -> NewPoint {
    let work = async move |cx: &mut Routine| -> Done {
        loop {
            cx.select::<Ping>().await;
            cx.reply(answer.clone());
        }
    };
    routine(work).into_point()
}

/// Goes on until nothing happens any more.
fn finish(kernel: &mut Kernel) {
    settle(kernel);
    while let Some(deadline) = kernel.next_deadline() {
        kernel.advance(deadline, 100);
        settle(kernel);
    }
}

/// What a root point completes with, when everything has been done.
fn ended(kernel: &mut Kernel, point: Address) -> Value {
    finish(kernel);
    let (ended, value) = kernel.take_result().expect("it has ended");
    assert_eq!(ended, point);
    assert_eq!(kernel.timers(), 0);
    value
}

/// Plays a composition alone in a kernel.
fn play(point: impl IntoPoint) -> Value {
    let mut kernel = kernel();
    let point = kernel.create(point);
    let value = ended(&mut kernel, point);
    assert_eq!((kernel.points(), kernel.counters().dropped), (0, 0));
    value
}

fn numbers(value: Value) -> Vec<u32> {
    value.open::<Vec<Note>>().expect("notes").into_iter().map(|Note(number)| number).collect()
}

#[test]
fn several_points_at_once_complete_in_the_order_in_which_they_were_given() {
    let mut test = Harness::new(Concurrently::new([note(1), note(2), note(3)]));
    let children = test.start().children();
    assert_eq!(children.len(), 3);
    assert!(test.complete(children[2], Note(3)).value().is_none());
    assert!(test.complete(children[0], Note(1)).value().is_none());
    let step = test.complete(children[1], Note(2));
    let Values(values) = step.completed().expect("all have ended");
    assert_eq!(
        values.iter().map(|value| value.peek()).collect::<Vec<_>>(),
        [Some(&Note(1)), Some(&Note(2)), Some(&Note(3))]
    );
}

#[test]
fn points_at_once_take_as_long_as_the_longest() {
    let (log, mut kernel) = (Log::default(), kernel());
    let point = kernel.create(Concurrently::new([3, 1, 2].map(|number| later(&log, number))));
    assert_eq!(numbers(ended(&mut kernel, point)), [3, 1, 2]);
    assert_eq!(kernel.now(), Moment::ZERO + 3 * SECOND);
    assert_eq!(log.take(), ["3 begins", "1 begins", "2 begins", "1 ends", "2 ends", "3 ends"]);
}

#[test]
fn points_in_sequence_follow_each_other() {
    let (log, mut kernel) = (Log::default(), kernel());
    let point = kernel.create(Sequentially::new([3, 1, 2].map(|number| later(&log, number))));
    assert_eq!(numbers(ended(&mut kernel, point)), [3, 1, 2]);
    assert_eq!(kernel.now(), Moment::ZERO + 6 * SECOND);
    assert_eq!(log.take(), ["3 begins", "3 ends", "1 begins", "1 ends", "2 begins", "2 ends"]);
}

#[test]
fn no_more_points_run_at_once_than_was_said() {
    let log = Log::default();
    let points = [2, 2, 1, 1].map(|number| later(&log, number));
    assert_eq!(numbers(play(Concurrently::new(points).at_once(2))), [2, 2, 1, 1]);
    let (mut running, mut most) = (0_u32, 0);
    for line in log.take() {
        running = if line.ends_with("begins") { running + 1 } else { running - 1 };
        most = most.max(running);
    }
    assert_eq!(most, 2);
    assert_eq!(numbers(play(Concurrently::new([note(1), note(2)]).at_once(0))), [1, 2], "none at once is one at once");
}

#[test]
fn nothing_at_all_completes_at_once_with_no_values() {
    assert_eq!(numbers(play(Concurrently::new(Vec::<NewPoint>::new()))), [0_u32; 0]);
    assert_eq!(numbers(play(Sequentially::new(Vec::<NewPoint>::new()))), [0_u32; 0]);
}

#[test]
fn points_of_different_types_go_into_a_tuple() {
    let create = Create::new(|| note(1));
    let done = || routine(async |_: &mut Routine| {});
    let value = play(Concurrently::from((&create, done(), Sequentially::new([note(2), note(3)]))));
    let expected = (Note(1), Done, [Note(2), Note(3)]);
    assert_eq!(value.open::<(Note, Done, [Note; 2])>().expect("these three"), expected);
    let value = play(Sequentially::from((&create, Concurrently::from((done(), note(2))))));
    let (Note(1), (Done, Note(2))) = value.open().expect("these two") else { panic!("expected them in their order") };
}

#[test]
fn the_first_fault_stops_the_other_points_and_is_the_value() {
    let (log, mut kernel) = (Log::default(), kernel());
    let point = kernel.create(Concurrently::new([leaf(&log, "first").into_point(), fault(), later(&log, 9)]));
    let value = ended(&mut kernel, point);
    assert_eq!(value.take::<Faulted>().expect("the fault").condition, "broken");
    assert_eq!((log.take(), kernel.points()), (vec!["9 begins".to_owned(), "first".to_owned()], 0));
}

#[test]
fn after_a_fault_no_more_points_of_a_sequence_are_created() {
    let log = Log::default();
    let value = play(Sequentially::new([later(&log, 1), fault(), later(&log, 2)]));
    assert!(value.is::<Faulted>());
    assert_eq!(log.take(), ["1 begins", "1 ends"]);
}

#[test]
fn faults_can_be_kept_among_the_values() {
    let points = || [note(1), fault(), note(2)];
    for value in [
        play(Concurrently::new(points()).keep_faults()),
        play(Concurrently::new(points()).keep_faults().at_once(1)),
        play(Sequentially::new(points()).keep_faults()),
    ] {
        let Ok([Ok(Note(1)), Err(fault), Ok(Note(2))]) = value.open::<[Result<Note, Fault>; 3]>() else {
            panic!("expected the fault in its place")
        };
        assert_eq!(fault.to_string(), "broken");
    }
}

#[test]
fn a_composition_that_takes_too_long_stops_its_points_and_names_those_that_were_missing() {
    let log = Log::default();
    let value = play(Concurrently::new([5, 1, 3].map(|number| later(&log, number))).within(2 * SECOND));
    let late = value.take::<TimedOut>().expect("a limit");
    assert_eq!(
        late,
        TimedOut { waiting_for: "2 of 3 points: later<00000002>, later<00000004>".into(), limit: 2 * SECOND }
    );
    assert_eq!(log.take(), ["5 begins", "1 begins", "3 begins", "1 ends"]);
    let value = play(Sequentially::new([1, 5, 3].map(|number| later(&log, number))).within(2 * SECOND));
    assert_eq!(value.take::<TimedOut>().expect("a limit").waiting_for, "2 of 3 points: later<00000002>, ..");
    assert_eq!(log.take(), ["1 begins", "1 ends", "5 begins"]);
}

#[test]
fn a_point_that_never_ends_is_dropped_after_the_grace_time() {
    let mut kernel = kernel();
    let deaf = routine(async |cx: &mut Routine| {
        reluctant(cx).await;
    });
    let point = kernel.create(Concurrently::from((deaf, note(1))).within(SECOND));
    let value = ended(&mut kernel, point);
    assert!(value.is::<TimedOut>());
    assert_eq!((kernel.counters().dropped, kernel.now()), (1, Moment::ZERO + SECOND + Limits::default().grace));
}

#[test]
fn who_is_no_child_cannot_complete_for_one() {
    let mut test = Harness::new(Concurrently::new([note(1)]));
    let children = test.start().children();
    let stranger = test.stranger();
    assert!(test.complete(stranger, Note(7)).value().is_none());
    assert!(test.complete(stranger, Aborted).value().is_none(), "nor fail for one");
    assert!(test.complete(children[0], Note(1)).completed::<Values>().is_some());
    let mut test = Harness::new(Sequentially::new([note(1), note(2)]));
    let first = test.start().children();
    let second = test.complete(first[0], Note(1)).children();
    assert!(test.complete(first[0], Note(7)).value().is_none(), "each completes once");
    assert!(test.complete(second[0], Note(2)).completed::<Values>().is_some());
}

#[test]
fn a_composition_for_which_there_is_no_room_ends_with_a_fault() {
    let crowded = |point: NewPoint| {
        let mut kernel = Kernel::new(Limits { points: 2, ..Limits::default() });
        let point = kernel.create(point);
        ended(&mut kernel, point)
    };
    let points = || [1, 1, 1].map(|number| later(&Log::default(), number));
    assert!(crowded(Concurrently::new(points()).into_point()).is::<Overloaded>());
    assert_eq!(numbers(crowded(Sequentially::new(points()).into_point())), [1, 1, 1], "one at a time has room");
    let value = crowded(Concurrently::new(points()).keep_faults().into_point());
    let answers = value.open::<Vec<Result<Note, Fault>>>().expect("three values");
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false]);
}

/// Stops a point after `moment` messages; the value, and whether it had ended before.
fn stopped_after(moment: usize, create: impl Fn(&mut Kernel, &Log) -> Address) -> (Value, bool) {
    let (log, mut kernel) = (Log::default(), kernel());
    let point = create(&mut kernel, &log);
    kernel.run(moment);
    while kernel.is_idle()
        && kernel.is_alive(point)
        && kernel.now() < Moment::ZERO + SECOND
        && let Some(deadline) = kernel.next_deadline()
    {
        kernel.advance(deadline, 100);
        kernel.run(moment);
    }
    let was_over = !kernel.is_alive(point);
    kernel.send(point, Address::NONE, Stop);
    let mut value = None;
    finish(&mut kernel);
    while let Some((ended, with)) = kernel.take_result() {
        value = (ended == point).then_some(with).or(value);
    }
    // The leaves are told to end, and end, before the composition does.
    let log = log.take();
    assert!(log.is_empty() || log == ["leaf"], "{log:?}");
    assert_eq!((kernel.timers(), kernel.counters().dropped), (0, 0), "after {moment} messages");
    assert_eq!(kernel.counters().unknown, 0, "after {moment} messages");
    (value.expect("it has ended"), was_over)
}

#[test]
fn a_composition_can_be_stopped_at_every_moment() {
    let nested = |kernel: &mut Kernel, log: &Log| {
        let server = routine(async |cx: &mut Routine| {
            cx.select::<Ping>().await;
            cx.reply(Ack);
        });
        let server = kernel.create(server);
        let question = GetResponse::new(server, Ping).within(SECOND);
        let first = Concurrently::from((leaf(log, "leaf"), question, note(1))).within(SECOND);
        kernel.create(Sequentially::from((note(2), first, note(3))))
    };
    let (mut stopped, mut over) = (0, 0);
    for moment in 0..60 {
        let (value, was_over) = stopped_after(moment, nested);
        match was_over {
            false => {
                assert!(value.is::<Aborted>(), "after {moment} messages: {value:?}");
                stopped += 1;
            }
            true => {
                assert!(value.is::<TimedOut>(), "the leaf ends only when it is told to: {value:?}");
                over += 1;
            }
        }
    }
    assert!(stopped > 10 && over > 10, "{stopped} {over}");
}

#[test]
fn the_values_of_a_composition_are_shown_to_people() {
    let value = play(Concurrently::from((note(1), routine(async |_: &mut Routine| Ack), Sequentially::new([note(2)]))));
    assert_eq!(value.to_json(), r#"[{"Note":1},"Ack",{"Values":[{"Note":2}]}]"#);
    assert_eq!(value.to_text(), r#"Values [{"Note":1},"Ack",{"Values":[{"Note":2}]}]"#);
}

#[test]
fn a_value_of_another_shape_is_a_fault_that_says_what_was_expected() {
    let two = || play(Concurrently::new([note(1), note(2)]));
    let text = |result: Option<Fault>| result.expect("a fault").to_string();
    assert_eq!(text(two().open::<[Note; 3]>().err()), "expected 3 values, got 2");
    assert_eq!(text(two().open::<(Note, Note, Note)>().err()), "expected 3 values, got 2");
    assert_eq!(text(two().open::<(Note, Ack)>().err()), "expected Ack, got Note 2");
    assert_eq!(text(two().open::<Note>().err()), "expected Note, got Values");
    assert_eq!(text(Value::from(Ack).open::<Vec<Note>>().err()), "expected several values, got Ack");
    assert_eq!(text(Value::from(Aborted).open::<Vec<Note>>().err()), Aborted.to_string());
    assert!(two().open::<()>().is_ok() && two().open::<Value>().is_ok());
    assert!(Value::from(Aborted).open::<()>().is_err() && Value::from(Aborted).open::<Value>().is_err());
}

#[test]
fn a_value_of_another_type_is_shown_as_far_as_people_read_it() {
    #[derive(Debug, Serialize, Deserialize, Message)]
    #[message(name = "oven.Refused")]
    struct Refused {
        reason: String,
    }
    let told = |reason: &str| {
        let value = Refused { reason: reason.into() };
        let came =
            Value::from(Body::encoded(value.encode().expect("bytes"))).open::<Ack>().expect_err("bytes of another");
        let fault = Value::from(value).open::<Ack>().expect_err("it is another");
        assert_eq!(fault.to_string(), came.to_string());
        fault.to_string()
    };
    assert_eq!(told("too hot\n"), r#"expected Ack, got Refused {"reason":"too hot\n"}"#);
    let open = r#"expected Ack, got Refused {"reason":""#;
    assert_eq!(told(&"é".repeat(1_000)), format!("{open}{} ..", "é".repeat(200 - r#" {"reason":""#.len())));
    assert_eq!(told(&"x".repeat(5_000)), "expected Ack, got Refused");
}

#[test]
fn namesakes_are_told_apart() {
    #[derive(Debug, Message)]
    #[message(name = "other.Ack", local)]
    struct Other;
    let fault = Value::from(Other).open::<Ack>().expect_err("it is another one");
    assert_eq!(fault.to_string(), "expected statepoint.Ack, got other.Ack");
}

#[test]
fn every_cell_of_the_compositions_is_taken() {
    let coverage = Coverage::collect(|| {
        several_points_at_once_complete_in_the_order_in_which_they_were_given();
        who_is_no_child_cannot_complete_for_one();
        questions::a_question_can_wait_longer_than_any_program_runs();
        for moment in 0..2 {
            stop_on_the_table(moment);
        }
        assert!(Harness::new(Concurrently::new(Vec::<NewPoint>::new())).start().completed::<Values>().is_some());
        assert!(Harness::new(Sequentially::new(Vec::<NewPoint>::new())).start().completed::<Values>().is_some());
        questions::a_question_that_finds_no_room_is_overloaded();
        questions::a_question_that_nobody_is_left_to_answer_says_that_it_may_have_arrived();
        let mut test = Harness::new(GetResponse::new(Address::DRIVER, Ping));
        let _ = test.start();
        assert!(test.advance(GetResponse::LIMIT).completed::<TimedOut>().is_some());
    });
    assert_eq!(coverage.report::<Concurrently>(), "");
    assert_eq!(coverage.report::<Sequentially>(), "");
    assert_eq!(coverage.report::<GetResponse>(), "");
}

/// Stops each of the three before or after its `Start`, and lets the limits of two of them pass.
fn stop_on_the_table(moment: usize) {
    fn one<M: fsm_core::Machine>(machine: M, moment: usize) {
        let mut test = Harness::new(machine);
        if moment > 0 {
            let _ = test.start();
        }
        assert!(test.give(Stop).completed::<Aborted>().is_some());
    }
    one(Concurrently::new([note(1)]), moment);
    one(Sequentially::new([note(1)]), moment);
    one(GetResponse::new(Address::DRIVER, Ping), moment);
    let mut test = Harness::new(Concurrently::new([note(1)]).within(SECOND));
    let _ = test.start();
    assert!(test.advance(SECOND).completed::<TimedOut>().is_some());
    let mut test = Harness::new(Sequentially::new([note(1)]).within(SECOND));
    let _ = test.start();
    assert!(test.advance(SECOND).completed::<TimedOut>().is_some());
}
