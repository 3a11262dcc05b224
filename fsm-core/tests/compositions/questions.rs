//! Questions and their answers.

use super::*;

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
pub(crate) fn a_question_can_wait_longer_than_any_program_runs() {
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
pub(crate) fn a_question_that_finds_no_room_is_overloaded() {
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
pub(crate) fn a_question_that_nobody_is_left_to_answer_says_that_it_may_have_arrived() {
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
