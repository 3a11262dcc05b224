//! Points made of points: several at once, one after the other, a question and its answer.

extern crate fsm_core as statepoint;

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
fn a_question_completes_with_its_answer() {
    let mut kernel = kernel();
    let server = kernel.create(server(Ack));
    let point = kernel.create(GetResponse::new(server, Ping));
    let value = ended(&mut kernel, point);
    assert_eq!(value.open::<Ack>().expect("the answer"), Ack);
    assert_eq!(kernel.now(), Moment::ZERO, "nobody waits for the limit");
}

#[test]
fn a_question_that_nobody_answers_ends_at_its_limit() {
    let mut kernel = kernel();
    let silent = kernel.create(routine(async |cx: &mut Routine| cx.select::<Go>().await));
    for (question, limit) in
        [(GetResponse::new(silent, Ping).within(SECOND), SECOND), (GetResponse::new(silent, Ping), GetResponse::LIMIT)]
    {
        let began = kernel.now();
        let point = kernel.create(question);
        let value = ended(&mut kernel, point).take::<TimedOut>().expect("a limit");
        assert_eq!(value, TimedOut { waiting_for: "an answer to Ping".into(), limit });
        assert_eq!(kernel.now() - began, limit);
    }
}

#[test]
fn a_question_can_wait_longer_than_any_program_runs() {
    let mut test = Harness::new(GetResponse::new(Address::DRIVER, Ping).within(Duration::MAX));
    let _ = test.start();
    let step = test.advance(Duration::from_secs(1 << 32));
    assert!(step.value().is_none(), "{step:?}");
    assert!(test.give(Ack).completed::<Ack>().is_some());
}

#[test]
fn an_answer_that_comes_too_late_is_a_dead_letter() {
    let mut kernel = kernel();
    let slow = kernel.create(routine(async |cx: &mut Routine| {
        cx.select::<Ping>().await;
        let asker = cx.from();
        cx.sleep(2 * SECOND).await;
        cx.send(asker, Ack);
    }));
    let point = kernel.create(GetResponse::new(slow, Ping).within(SECOND));
    finish(&mut kernel);
    let (ended, value) = kernel.take_result().expect("it has ended");
    assert!(ended == point && value.is::<TimedOut>());
    assert_eq!(kernel.counters().dead(Undelivered::Ended), 1);
}

#[test]
fn whoever_a_question_is_handed_on_to_may_answer_it() {
    let mut kernel = kernel();
    let worker = kernel.create(server(Ack));
    let chief = kernel.create(routine(async move |cx: &mut Routine| -> Done {
        loop {
            let ping = cx.select::<Ping>().await;
            cx.forward(worker, ping);
        }
    }));
    let point = kernel.create(GetResponse::new(chief, Ping));
    assert!(ended(&mut kernel, point).is::<Ack>());
}

#[test]
fn the_second_answer_is_a_dead_letter() {
    let mut kernel = kernel();
    let eager = kernel.create(routine(async |cx: &mut Routine| {
        cx.select::<Ping>().await;
        cx.reply(Note(1));
        cx.reply(Note(2));
        cx.select::<Go>().await;
    }));
    let point = kernel.create(GetResponse::new(eager, Ping));
    assert_eq!(ended(&mut kernel, point).open::<Note>().expect("an answer"), Note(1));
    assert_eq!(kernel.counters().dead(Undelivered::Ended), 1);
}

#[test]
fn a_question_to_a_point_that_has_ended_is_out_of_service_at_once() {
    let mut kernel = kernel();
    let gone = kernel.create(note(1));
    finish(&mut kernel);
    kernel.take_result();
    for nobody in [gone, gone.with_far(1), Address::NONE] {
        let dead = kernel.counters().dead_letters();
        let point = kernel.create(GetResponse::new(nobody, Ping));
        let fault = ended(&mut kernel, point).take::<OutOfService>().expect("nobody is there");
        assert!(fault.to_string().starts_with("out of service (Ping; "), "{fault}");
        assert_eq!(kernel.counters().dead_letters(), dead + 1, "the question is not lost in silence");
    }
    assert_eq!(kernel.now(), Moment::ZERO);
}

#[test]
fn a_question_that_finds_no_room_is_overloaded() {
    let mut kernel = Kernel::new(Limits { queued_per_point: 4, ..Limits::default() });
    kernel.record_coverage();
    let busy = kernel.create(routine(async |cx: &mut Routine| cx.select::<Go>().await));
    kernel.create(GetResponse::new(busy, Ping));
    kernel.create(GetResponse::new(busy, Ping));
    for number in 0..3 {
        kernel.send(busy, Address::NONE, Note(number));
    }
    kernel.run(1); // `busy` has begun: its queue has room for one more
    kernel.send(busy, Address::NONE, Note(3));
    settle(&mut kernel);
    let told = "overloaded (Ping; the point takes messages more slowly than they come)";
    for _ in 0..2 {
        let (_, value) = kernel.take_result().expect("both know at once");
        assert_eq!(value.take::<Overloaded>().expect("no room").to_string(), told);
    }
}

#[test]
fn a_question_to_a_point_that_ends_without_looking_at_it_is_answered_at_once() {
    let mut kernel = kernel();
    let sleeper = kernel.create(routine(async |cx: &mut Routine| cx.sleep(SECOND).await));
    kernel.create(GetResponse::new(sleeper, Ping));
    settle(&mut kernel);
    assert_eq!(kernel.counters().deferred, 1);
    kernel.advance(Moment::ZERO + SECOND, 100);
    settle(&mut kernel);
    assert_eq!(kernel.take_result().map(|(ended, _)| ended), Some(sleeper));
    let (_, value) = kernel.take_result().expect("it knows at once");
    let fault = value.take::<OutOfService>().expect("who was asked has ended");
    assert_eq!((kernel.points(), fault.to_string().as_str()), (0, "out of service (Ping; the point has ended)"));
}

#[test]
fn a_question_that_nobody_is_left_to_answer_says_that_it_may_have_arrived() {
    let mut kernel = kernel();
    kernel.record_coverage();
    let silent = kernel.create(routine(async |cx: &mut Routine| cx.sleep(SECOND).await));
    let point = kernel.create(GetResponse::new(silent, Ping));
    kernel.give_up_question(point); // it has not asked yet
    settle(&mut kernel);
    assert!(kernel.is_alive(point));
    kernel.give_up_question(point);
    kernel.give_up_question(silent); // which asks nothing
    let fault = ended(&mut kernel, point).take::<ConnectionLost>().expect("its connection has ended");
    let told = "the connection ended while Ping was under way: nobody can say whether it arrived; connect again and ask again if \
                that does no harm";
    assert_eq!(fault.to_string(), told);
    assert!(ConnectionLost::default().to_string().contains("while a request was under way"));
}

#[test]
fn a_question_that_cannot_leave_the_process_is_answered_at_once() {
    let mut kernel = kernel();
    let proxy = kernel.create(routine(async |cx: &mut Routine| cx.select::<Go>().await)).with_far(1);
    let point = kernel.create(GetResponse::new(proxy, Ping));
    settle(&mut kernel);
    let asked = kernel.take_outbound().expect("the question leaves");
    kernel.dead_letter(asked.to, asked.from, "Ping", Undelivered::TooLarge);
    let fault = ended(&mut kernel, point).take::<Faulted>().expect("it cannot be sent");
    assert!(fault.to_string().starts_with("Ping cannot be sent"), "{fault}");
}

/// An answer from beyond a connection.
fn far_answer(body: Body) -> (Kernel, Address, Value) {
    let mut kernel = kernel();
    let proxy = kernel.create(routine(async |cx: &mut Routine| cx.select::<Go>().await)).with_far(1);
    let point = kernel.create(GetResponse::new(proxy, Ping));
    settle(&mut kernel);
    let asked = kernel.take_outbound().expect("the question leaves");
    assert!(asked.to == proxy && asked.from == point && asked.body.is::<Ping>());
    kernel.deliver_from_far(point, proxy, body);
    let value = ended(&mut kernel, point);
    (kernel, proxy, value)
}

#[test]
fn an_answer_from_far_stays_bytes_until_its_type_is_named() {
    let bytes = Note(5).encode().expect("bytes");
    let (_, _, value) = far_answer(Body::encoded(bytes.clone()));
    assert_eq!((value.peek::<Note>(), value.is::<Note>()), (None, true));
    assert_eq!(value.open::<Note>().expect("it fits"), Note(5));
    let (_, _, value) = far_answer(Body::encoded(bytes));
    assert_eq!(value.open::<Ack>().unwrap_err().to_string(), "expected Ack, got Note 5");
}

#[test]
fn a_common_fault_from_far_is_known_to_mean_failure() {
    fn comes_as_fault<T: Message>(fault: T) {
        let text = fault.fault().expect("it is a fault");
        let (_, _, value) = far_answer(Body::encoded(fault.encode().expect("bytes")));
        assert_eq!(value.fault(), Some(text));
        assert!(value.open::<Ack>().unwrap_err().is::<T>());
    }
    comes_as_fault(Aborted);
    comes_as_fault(TimedOut::default());
    comes_as_fault(Faulted { condition: "broken".into(), explanation: "by hand".into() });
    comes_as_fault(Overloaded { request: "Ping".into(), explanation: String::new() });
    comes_as_fault(OutOfService::default());
    comes_as_fault(ConnectionLost { request: "Ping".into() });
    comes_as_fault(TemporarilyUnavailable { request: String::new(), unavailable: vec!["clock".into()] });
}

#[test]
fn a_fault_from_far_that_does_not_fit_is_refused_and_counted_for_its_sender() {
    let mut bytes = Faulted::default().encode().expect("bytes");
    bytes.bytes.truncate(3);
    let (mut kernel, proxy, value) = far_answer(Body::encoded(bytes));
    assert!(value.is_fault());
    assert!(value.open::<Ack>().unwrap_err().is::<fsm_core::Refused>());
    assert_eq!((kernel.counters().refused, kernel.take_refused()), (1, Some(proxy)));
}

#[test]
fn a_peer_cannot_end_a_question_by_the_names_of_local_messages() {
    let mut forged = Note(1).encode().expect("bytes");
    for name in [
        Stop::NAME,
        Completed::NAME,
        "statepoint.compose.NoAnswer",
        "statepoint.compose.Returned",
        "statepoint.compose.Unanswerable",
    ] {
        forged.name = name.into();
        forged.id = fsm_core::message_id(name);
        let mut test = Harness::new(GetResponse::new(Address::DRIVER, Ping));
        let _ = test.start();
        let step = test.give(Body::encoded(forged.clone()));
        assert!(step.value().is_none(), "{step:?}");
    }
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
        a_question_can_wait_longer_than_any_program_runs();
        for moment in 0..2 {
            stop_on_the_table(moment);
        }
        assert!(Harness::new(Concurrently::new(Vec::<NewPoint>::new())).start().completed::<Values>().is_some());
        assert!(Harness::new(Sequentially::new(Vec::<NewPoint>::new())).start().completed::<Values>().is_some());
        a_question_that_finds_no_room_is_overloaded();
        a_question_that_nobody_is_left_to_answer_says_that_it_may_have_arrived();
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
