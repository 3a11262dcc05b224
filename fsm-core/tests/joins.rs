//! Routines that wait for others: for a child, for several, for an answer.

extern crate fsm_core as statepoint;

mod support;

use core::future::Future;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use fsm_core::{
    Aborted, Ack, Address, Body, Completed, Concurrently, Done, Fault, Faulted, GetResponse, IntoPoint, Kernel, Limits,
    Message, Moment, NewRoutine, OutOfService, Outcome, Overloaded, Ping, Routine, RoutineHarness, Select,
    Sequentially, Stop, TimedOut, Undelivered, Value, Values, Vocabulary, routine,
};
use support::{Go, Log, Note, kernel, leaf, settle};

const SECOND: Duration = Duration::from_secs(1);

/// A point that answers each `Note` with the next one, after so long.
fn counter(takes: Duration) -> NewRoutine {
    routine(async move |cx: &mut Routine| -> Done {
        loop {
            let Note(number) = cx.select().await;
            let asker = cx.from();
            cx.sleep(takes).await;
            cx.send(asker, Note(number + 1));
        }
    })
}

/// A point that takes everything and says nothing.
fn silent() -> NewRoutine {
    routine(async |cx: &mut Routine| cx.select::<Go>().await)
}

/// Goes on until nothing happens any more.
fn finish(kernel: &mut Kernel) {
    settle(kernel);
    while let Some(deadline) = kernel.next_deadline() {
        kernel.advance(deadline, 100);
        settle(kernel);
    }
}

/// What a routine beside others ends with.
fn play<T: Outcome + 'static>(kernel: &mut Kernel, work: impl AsyncFnOnce(&mut Routine) -> T + 'static) -> Value {
    let point = kernel.create(routine(work).named("played"));
    finish(kernel);
    let (ended, value) = kernel.take_result().expect("it has ended");
    assert_eq!(ended, point);
    value
}

fn say(text: impl core::fmt::Display) -> Faulted {
    Faulted { condition: text.to_string(), explanation: String::new() }
}

/// What a routine told by `Faulted`, which has a place for words.
fn words(value: Value) -> String {
    value.take::<Faulted>().expect("words").condition
}

#[test]
fn a_routine_waits_for_a_child_and_gets_its_value() {
    let work = async |cx: &mut Routine| {
        let child = routine(async |cx: &mut Routine| {
            cx.sleep(SECOND).await;
            Note(7)
        });
        let note: Note = cx.run(child).await?;
        Ok::<_, Fault>(say(format_args!("{note:?} at {}", cx.now())))
    };
    assert_eq!(words(play(&mut kernel(), work)), "Note(7) at 1.000000s");
}

#[test]
fn a_childs_fault_is_an_error_and_so_is_a_value_of_another_type() {
    let work = async |cx: &mut Routine| {
        let aborted = cx.run::<Note>(routine(async |_: &mut Routine| Aborted)).await;
        let other = cx.run::<Note>(routine(async |_: &mut Routine| Done)).await;
        let any = cx.run::<Value>(routine(async |_: &mut Routine| Done)).await;
        let listed = cx.run::<Aborted>(routine(async |_: &mut Routine| Aborted)).await;
        say(format_args!("{} / {} / {any:?} / {listed:?}", aborted.unwrap_err(), other.unwrap_err()))
    };
    let expected = "aborted (user or software interrupt) / expected Note, got Done / Ok(Done) / Ok(Aborted)";
    assert_eq!(words(play(&mut kernel(), work)), expected);
}

#[test]
fn a_request_gives_the_answer_as_the_type_that_is_named() {
    #[derive(Debug, Select)]
    enum Answer {
        Note(Note),
        Overloaded(Overloaded),
    }
    let mut kernel = kernel();
    let server = kernel.create(counter(SECOND));
    let work = async move |cx: &mut Routine| {
        let Note(one) = cx.request(server, Note(0)).await?;
        let two: Answer = cx.request(server, Note(one)).await?;
        let three: Value = cx.request(server, Note(2)).await?;
        let wrong = cx.request::<Ack>(server, Note(2)).await.unwrap_err();
        Ok::<_, Fault>(say(format_args!("{one} {two:?} {three:?}, {wrong}")))
    };
    assert_eq!(words(play(&mut kernel, work)), "1 Note(Note(2)) Note 3, expected Ack, got Note 3");
}

#[test]
fn a_fault_for_an_answer_is_an_error_unless_it_is_listed() {
    #[derive(Debug, Select)]
    enum Answer {
        Note(Note),
        Overloaded(Overloaded),
    }
    let mut kernel = kernel();
    let server = kernel.create(routine(async |cx: &mut Routine| -> Done {
        loop {
            cx.select::<Note>().await;
            cx.reply(Overloaded { request: "Note".into(), ..Overloaded::default() });
        }
    }));
    let work = async move |cx: &mut Routine| {
        let listed: Answer = cx.request(server, Note(0)).await?;
        assert!(matches!(listed, Answer::Overloaded(_)));
        assert_eq!(cx.from(), server);
        let Note(_) = cx.request(server, Note(0)).await?;
        Ok::<_, Fault>(Done)
    };
    assert_eq!(play(&mut kernel, work).fault().expect("a fault"), "overloaded (Note)");
}

#[test]
fn from_is_who_answered() {
    let mut kernel = kernel();
    let worker = kernel.create(counter(Duration::ZERO));
    let chief = kernel.create(routine(async move |cx: &mut Routine| -> Done {
        loop {
            let note = cx.select::<Note>().await;
            cx.forward(worker, note);
        }
    }));
    let work = async move |cx: &mut Routine| {
        let Note(one) = cx.request(chief, Note(0)).await?;
        assert_eq!(cx.from(), worker);
        cx.request_within::<Note>(chief, Go, SECOND).await.unwrap_err();
        assert_eq!(cx.from(), worker, "nobody has answered since");
        Ok::<_, Fault>(Note(one))
    };
    assert!(play(&mut kernel, work).is::<Note>());
}

#[test]
fn a_request_that_nobody_answers_ends_at_its_limit() {
    let mut kernel = kernel();
    let silent = kernel.create(silent());
    let work = async move |cx: &mut Routine| {
        let began = cx.now();
        let usual = cx.request::<Ack>(silent, Ping).await.unwrap_err();
        let (first, between) = (cx.now() - began, cx.now());
        let short = cx.request_within::<Ack>(silent, Ping, SECOND).await.unwrap_err();
        say(format_args!("{usual} {first:?}, {short} {:?}", cx.now() - between))
    };
    let expected = "timed out waiting for an answer to Ping (10s) 10s, timed out waiting for an answer to Ping (1s) 1s";
    assert_eq!(words(play(&mut kernel, work)), expected);
}

#[test]
fn a_request_to_a_point_that_has_ended_fails_at_once() {
    let mut kernel = kernel();
    let gone = kernel.create(routine(async |_: &mut Routine| {}));
    finish(&mut kernel);
    kernel.take_result();
    let value = play(&mut kernel, async move |cx: &mut Routine| cx.request::<Ack>(gone, Ping).await);
    assert!(value.is::<OutOfService>());
    assert_eq!(kernel.now(), Moment::ZERO);
}

#[test]
fn an_answer_that_comes_late_is_not_taken_for_that_to_the_next_request() {
    let mut kernel = kernel();
    let slow = kernel.create(counter(2 * SECOND));
    let work = async move |cx: &mut Routine| {
        let late = cx.request_within::<Note>(slow, Note(10), SECOND).await;
        assert!(late.unwrap_err().is::<TimedOut>());
        cx.request::<Note>(slow, Note(20)).await
    };
    assert_eq!(play(&mut kernel, work).open::<Note>().expect("an answer"), Note(21));
    assert_eq!(kernel.counters().dead(Undelivered::Ended), 1, "the late one");
}

#[test]
fn what_others_send_meanwhile_is_no_answer_and_is_kept() {
    let mut kernel = kernel();
    let server = kernel.create(counter(SECOND));
    let (log, told) = (Log::default(), Log::default());
    let line = told.clone();
    let child = leaf(&log, "leaf");
    let work = async move |cx: &mut Routine| {
        let early = cx.create(routine(async |_: &mut Routine| Go));
        let me = cx.me();
        for number in [100, 101] {
            cx.send(me, Note(number)); // just what is waited for, but it does not come from who was asked
        }
        let Note(answer) = cx.request(server, Note(0)).await?;
        let ((), Note(joined)) =
            cx.concurrently((routine(async |_: &mut Routine| {}), routine(async |_: &mut Routine| Note(2)))).await?;
        let (Note(first), Note(second)) = (cx.select().await, cx.select().await);
        line.add(format_args!("{answer} {joined} {first} {second}"));
        drop(child);
        assert_eq!(cx.from(), me);
        let _ = early;
        Ok::<_, Fault>(Done)
    };
    assert!(play(&mut kernel, work).is::<Done>());
    assert_eq!(told.take(), ["1 2 100 101"]);
}

#[test]
fn the_end_of_another_child_is_kept_for_a_later_select() {
    let work = async |cx: &mut Routine| {
        let early = cx.create(routine(async |_: &mut Routine| Note(1)));
        let slow = || {
            routine(async |cx: &mut Routine| {
                cx.sleep(SECOND).await;
                Note(2)
            })
        };
        let Note(joined) = cx.run(slow()).await?;
        let Note(again) = cx.run(slow()).await?;
        let Completed { value, .. } = cx.select().await;
        Ok::<_, Fault>(say(format_args!("{joined} {again} {value:?} {}", cx.from() == early)))
    };
    assert_eq!(words(play(&mut kernel(), work)), "2 2 Note 1 true");
}

#[test]
fn several_at_once_and_one_after_the_other_give_typed_values() {
    let nap = |seconds: u32| {
        routine(async move |cx: &mut Routine| {
            cx.sleep(seconds * SECOND).await;
            Note(seconds)
        })
    };
    let work = async move |cx: &mut Routine| {
        let (Note(three), Ack, Done) = cx
            .concurrently((nap(3), routine(async |_: &mut Routine| Ack), routine(async |_: &mut Routine| {})))
            .await?;
        let first = cx.now();
        let notes: Vec<Note> = cx.concurrently(vec![nap(2), nap(1)]).await?;
        let [Note(one), Note(two)] = cx.sequentially::<[Note; 2]>([nap(1), nap(2)]).await?;
        let () = cx.sequentially(Sequentially::new([nap(1)]).within(2 * SECOND)).await?;
        Ok::<_, Fault>(say(format_args!("{three} {first} {notes:?} {one} {two} {}", cx.now())))
    };
    let expected = "3 3.000000s [Note(2), Note(1)] 1 2 9.000000s";
    assert_eq!(words(play(&mut kernel(), work)), expected);
}

#[test]
fn a_fault_among_several_is_the_error_and_nothing_is_left_alive() {
    let (log, mut kernel) = (Log::default(), kernel());
    let told = log.clone();
    let work = async move |cx: &mut Routine| {
        let broken = routine(async |cx: &mut Routine| {
            cx.sleep(SECOND).await;
            say("broken")
        });
        let error = cx.concurrently::<()>((leaf(&told, "leaf has ended"), broken)).await.unwrap_err();
        told.add(format_args!("{error} at {}", cx.now()));
        let late = cx.concurrently::<()>(Concurrently::new([leaf(&told, "the other, too")]).within(SECOND)).await;
        told.add(late.unwrap_err());
        Done
    };
    assert!(play(&mut kernel, work).is::<Done>());
    assert_eq!(
        log.take(),
        [
            "leaf has ended",
            "broken at 1.000000s",
            "the other, too",
            "timed out waiting for 1 of 1 points: leaf<00000003> (1s)"
        ]
    );
    assert_eq!((kernel.points(), kernel.timers()), (0, 0));
}

#[test]
fn a_roll_call_tells_who_answers() {
    let mut kernel = kernel();
    let here = kernel.create(routine(async |cx: &mut Routine| {
        cx.select::<Ping>().await;
        cx.reply(Ack);
        cx.select::<Go>().await;
    }));
    let all = [here, kernel.create(silent()), Address::NONE];
    let work = async move |cx: &mut Routine| {
        let questions = all.map(|member| GetResponse::new(member, Ping).within(SECOND));
        let answers: [Result<Ack, Fault>; 3] = cx.concurrently(Concurrently::new(questions).keep_faults()).await?;
        let told: Vec<_> =
            answers.iter().map(|answer| answer.as_ref().map_or_else(Fault::to_string, |_| "here".into())).collect();
        Ok::<_, Fault>(say(told.join(" / ")))
    };
    let expected = "here / timed out waiting for an answer to Ping (1s) / \
                    out of service (Ping; no point ever had this address)";
    assert_eq!(words(play(&mut kernel, work)), expected);
}

/// Waits for others in each of the ways, one after the other.
async fn busy(cx: &mut Routine, server: Address, log: Log) -> Result<Done, Fault> {
    let Note(_) = cx.request(server, Note(0)).await?;
    cx.run::<Note>(routine(async |_: &mut Routine| Note(1))).await?;
    let _ = cx.concurrently::<()>(Concurrently::new([leaf(&log, "leaf")]).within(SECOND)).await;
    let _ = cx.sequentially::<()>(Sequentially::new([leaf(&log, "leaf")]).within(SECOND)).await;
    let _ = cx.request_within::<Note>(Address::DRIVER, Note(0), SECOND).await;
    cx.run::<()>(leaf(&log, "leaf")).await?;
    Ok(Done)
}

#[test]
fn a_routine_that_waits_for_others_can_be_stopped_at_every_moment() {
    let mut ends = 0;
    for moment in 0..80 {
        let (log, mut kernel) = (Log::default(), kernel());
        let server = kernel.create(counter(Duration::ZERO));
        let told = log.clone();
        let point = kernel.create(routine(async move |cx: &mut Routine| busy(cx, server, told).await));
        let mut left = moment;
        while left > 0 {
            let ran = kernel.run(left);
            left -= ran;
            if ran == 0 {
                let Some(deadline) = kernel.next_deadline() else { break };
                kernel.advance(deadline, 1);
            }
        }
        let alive = kernel.points();
        kernel.send(point, Address::NONE, Stop);
        kernel.send(server, Address::NONE, Stop);
        settle(&mut kernel);
        assert_eq!((kernel.points(), kernel.timers()), (0, 0), "after {moment} messages");
        assert!(alive >= 2, "it waits until it is stopped");
        let values: Vec<_> = std::iter::from_fn(|| kernel.take_result()).collect();
        let (_, value) = values.iter().find(|(ended, _)| *ended == point).expect("it has ended");
        assert!(value.is::<Aborted>(), "after {moment} messages: {value:?}");
        assert_eq!(kernel.counters().unknown, 0, "after {moment} messages");
        ends = ends.max(log.take().len());
    }
    assert_eq!(ends, 3, "the last was stopped while it waited for the last leaf");
}

/// Polls `future` once and drops it.
async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    core::future::poll_fn(move |cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn a_wait_that_is_given_up_stops_the_child_and_its_end_is_nobodys_news() {
    let (log, mut kernel) = (Log::default(), kernel());
    let told = log.clone();
    let work = async move |cx: &mut Routine| {
        assert!(once(cx.run::<()>(leaf(&told, "leaf"))).await.is_none());
        assert!(once(cx.request::<Ack>(Address::DRIVER, Ping)).await.is_none());
        told.add("gave up");
        let late = cx.select_within::<Completed>(SECOND).await;
        told.add(format_args!("{}", late.unwrap_err()));
        Done
    };
    assert!(play(&mut kernel, work).is::<Done>());
    assert_eq!(log.take(), ["gave up", "leaf", "timed out waiting for Completed (1s)"]);
}

#[test]
fn a_wait_that_is_dropped_with_its_routine_disturbs_nobody() {
    let (log, mut kernel) = (Log::default(), kernel());
    let told = log.clone();
    let point = kernel.create(routine(async move |cx: &mut Routine| {
        let mut wait = Box::pin(cx.run::<()>(leaf(&told, "leaf")));
        let mut polled = false;
        core::future::poll_fn(move |context| {
            assert!(wait.as_mut().poll(context).is_pending());
            if core::mem::replace(&mut polled, true) { panic!("cannot wait") } else { Poll::<()>::Pending }
        })
        .await;
    }));
    settle(&mut kernel);
    kernel.send(point, Address::NONE, Go);
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.points()), (vec!["leaf".to_owned()], 0));
}

#[test]
fn a_routine_for_whose_child_there_is_no_room_gets_a_fault() {
    let mut kernel = Kernel::new(Limits { points: 1, ..Limits::default() });
    let value = play(&mut kernel, async |cx: &mut Routine| cx.run::<()>(silent()).await);
    assert_eq!(value.fault().expect("a fault"), "overloaded (there is no room for another point)");
}

#[test]
fn an_answer_from_far_that_does_not_fit_is_refused_and_counted_for_its_sender() {
    let mut kernel = kernel();
    let proxy = kernel.create(silent()).with_far(1);
    let point = kernel.create(routine(async move |cx: &mut Routine| cx.request::<Note>(proxy, Ping).await));
    settle(&mut kernel);
    let asked = kernel.take_outbound().expect("the question leaves");
    assert!(asked.to == proxy && asked.from != point);
    let mut answer = Note(1).encode().expect("bytes");
    answer.bytes.clear();
    kernel.deliver_from_far(asked.from, proxy, Body::encoded(answer));
    settle(&mut kernel);
    let (ended, value) = kernel.take_result().expect("it has ended");
    assert!(ended == point && value.fault().expect("a fault").starts_with("the body of `test.Note` does not fit: "));
    assert_eq!((kernel.counters().refused, kernel.take_refused()), (1, Some(proxy)));
}

#[test]
fn a_request_is_tested_on_the_table() {
    let mut test = RoutineHarness::new(routine(async |cx: &mut Routine| {
        let server = cx.parent();
        let note: Note = cx.request(server, Ping).await?;
        cx.reply(Done);
        Ok::<_, Fault>(note)
    }));
    let step = test.start();
    let asked = step.created::<GetResponse>()[0];
    assert_eq!((asked.to(), asked.request::<Ping>(), asked.request::<Note>()), (test.parent(), Some(&Ping), None));
    let child = step.children()[0];
    assert!(test.give(Note(1)).deferred(), "it is no answer");
    let step = test.complete(child, Note(2));
    assert_eq!(step.completed::<Note>(), Some(&Note(2)));
    assert_eq!(step.sent_to::<Done>(child), [&Done], "on the table it is the child who answers");
}

#[test]
fn a_join_is_tested_on_the_table() {
    let mut test = RoutineHarness::new(routine(async |cx: &mut Routine| {
        cx.concurrently::<[Note; 2]>([silent(), silent()]).await.map(|[_, note]| note)
    }));
    let child = test.start().children()[0];
    let step = test.complete(child, Values(vec![Note(1).into(), Note(2).into()]));
    assert_eq!(step.completed::<Note>(), Some(&Note(2)));
}

#[test]
fn a_machine_is_waited_for_like_a_routine() {
    let mut kernel = kernel();
    let server = kernel.create(counter(Duration::ZERO));
    let work = async move |cx: &mut Routine| {
        let Note(number) = cx.run(GetResponse::new(server, Note(4)).into_point()).await?;
        Ok::<_, Fault>(Note(number))
    };
    assert_eq!(play(&mut kernel, work).open::<Note>().expect("an answer"), Note(5));
}
