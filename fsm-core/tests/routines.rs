//! Points written as `async fn`.

extern crate fsm_core as statepoint;

mod support;

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;

use fsm_core::{
    Aborted, Address, Completed, Context, Done, Fault, Faulted, ForeignAwait, Kernel, Machine, Moment, Next, Outcome,
    Panicked, Routine, Select, Start, Stop, TimedOut, Undelivered, Value, Vocabulary, routine, state_machine,
};
use support::{Go, Log, Meet, Note, kernel, leaf, settle};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Select)]
enum Either {
    Note(Note),
    Go(Go),
}

#[derive(Debug, Select)]
#[select(defer(Note, Meet))]
enum Later {
    Go(Go),
}

/// Runs a routine with messages for it from nobody, and lets a second pass; the kernel, and with what it ended.
fn play<T: Outcome + 'static>(
    work: impl AsyncFnOnce(&mut Routine) -> T + 'static,
    messages: impl IntoIterator<Item = fsm_core::Body>,
) -> (Kernel, Option<Value>) {
    let mut kernel = kernel();
    let point = kernel.create(routine(work).named("played"));
    for message in messages {
        kernel.send(point, Address::NONE, message);
    }
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + SECOND, 100);
    settle(&mut kernel);
    let value = kernel.take_result().map(|(_, value)| value);
    (kernel, value)
}

/// What a routine told by `Faulted`, which has a place for words.
fn words(value: Option<Value>) -> String {
    value.expect("it has ended").take::<Faulted>().expect("words").condition
}

fn say(text: impl core::fmt::Display) -> Faulted {
    Faulted { condition: text.to_string(), explanation: String::new() }
}

#[test]
fn a_select_takes_the_messages_it_lists_in_their_order() {
    let work = async |cx: &mut Routine| {
        let first: Either = cx.select().await;
        let second: Either = cx.select().await;
        say(format_args!("{first:?} {second:?} {:?}", cx.select::<Note>().await))
    };
    let (_, value) = play(work, [Go.into(), Note(1).into(), Note(2).into()]);
    assert_eq!(words(value), "Go(Go) Note(Note(1)) Note(2)");
}

#[test]
fn a_message_that_is_not_listed_is_unknown_counted_and_traced() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    kernel.set_sink(fsm_core::TextTrace::new(fsm_core::Level::Warning, move |line: &str| told.add(line)));
    let point = kernel.create(routine(async |cx| cx.select::<Either>().await).named("choosy"));
    kernel.send(point, Address::NONE, Meet(point));
    settle(&mut kernel);
    assert_eq!(log.take(), [format!("0.000000s ? {point}choosy - Unknown Meet from <none>, expected Note, Go")]);
    assert_eq!((kernel.counters().unknown, kernel.is_alive(point)), (1, true));
}

impl Outcome for Either {
    fn into_value(self) -> Value {
        Done.into()
    }
}

#[test]
fn a_deferred_message_is_kept_for_the_next_select_in_its_order() {
    let work = async |cx: &mut Routine| {
        let Later::Go(Go) = cx.select().await;
        let first = cx.select::<Note>().await;
        let Meet(_) = cx.select().await;
        say(format_args!("{first:?} {:?}", cx.select::<Note>().await))
    };
    let messages = [Note(1).into(), Meet(Address::NONE).into(), Note(2).into(), Go.into(), Note(3).into()];
    let (kernel, value) = play(work, messages);
    assert_eq!((words(value), kernel.counters().unknown), ("Note(1) Note(2)".to_owned(), 0));
    assert_eq!(kernel.counters().dead(Undelivered::Ended), 1); // the third
}

#[test]
fn a_select_within_takes_a_message_that_comes_in_time_and_its_limit_is_gone() {
    let work = async |cx: &mut Routine| {
        let note = cx.select_within::<Note>(SECOND).await;
        cx.select::<Go>().await;
        say(format_args!("{note:?}"))
    };
    let mut kernel = kernel();
    let point = kernel.create(routine(work));
    settle(&mut kernel);
    assert_eq!(kernel.timers(), 1);
    kernel.send(point, Address::NONE, Note(1));
    settle(&mut kernel);
    assert_eq!((kernel.timers(), kernel.is_alive(point)), (0, true));
    let (_, value) = play(work, [Note(1).into(), Go.into()]);
    assert_eq!(words(value), "Ok(Note(1))");
}

#[test]
fn a_select_within_that_waits_in_vain_tells_what_it_waited_for_and_how_long() {
    let (kernel, value) =
        play(async |cx: &mut Routine| cx.select_within::<Either>(SECOND).await, [Meet(Address::NONE).into()]);
    let expected = TimedOut { waiting_for: "Note, Go".into(), limit: SECOND };
    assert_eq!(value.expect("it has ended").take::<TimedOut>().expect("a limit"), expected);
    assert_eq!(kernel.counters().unknown, 1);
}

#[test]
fn a_limit_is_not_put_off_by_other_messages() {
    let work = async |cx: &mut Routine| cx.select_within::<Go>(SECOND).await;
    let (_, value) = play(work, (0..100).map(|number| Note(number).into()));
    assert!(value.expect("it has ended").is::<TimedOut>());
}

#[test]
fn a_sleep_defers_what_comes_and_ends_at_its_time() {
    let work = async |cx: &mut Routine| {
        cx.sleep(SECOND / 2).await;
        cx.sleep(SECOND / 4).await;
        let woke = cx.now();
        let (first, second) = (cx.select::<Note>().await, cx.select::<Either>().await);
        say(format_args!("{woke}: {first:?} {second:?}"))
    };
    let (mut kernel, log) = (kernel(), Log::default());
    let point = kernel.create(routine(work));
    kernel.send(point, Address::NONE, Note(1));
    kernel.send(point, Address::NONE, Go);
    settle(&mut kernel);
    while let Some(deadline) = kernel.next_deadline() {
        kernel.advance(deadline, 10);
        settle(&mut kernel);
    }
    log.add(words(kernel.take_result().map(|(_, value)| value)));
    assert_eq!(log.take(), ["0.750000s: Note(1) Go(Go)"]);
}

#[test]
fn a_stop_that_is_not_listed_drops_the_future_and_ends_with_aborted() {
    let log = Log::default();
    let grave = log.when_dropped("dropped");
    let told = log.clone();
    let work = async move |cx: &mut Routine| {
        let _grave = grave;
        let _ = cx.select_within::<Note>(SECOND).await;
        told.add("went on");
    };
    let (kernel, value) = play(work, [Stop.into()]);
    assert!(value.expect("it has ended").is::<Aborted>());
    assert_eq!((log.take(), kernel.timers()), (vec!["dropped".to_owned()], 0));
}

#[test]
fn a_stop_ends_a_sleep() {
    let (_, value) = play(async |cx: &mut Routine| cx.sleep(10 * SECOND).await, [Stop.into()]);
    assert!(value.expect("it has ended").is::<Aborted>());
}

#[test]
fn a_stop_that_is_listed_is_a_message_like_any_other() {
    #[derive(Select)]
    enum Ending {
        Stop(Stop),
        Go(Go),
    }
    let work = async |cx: &mut Routine| match cx.select().await {
        Ending::Stop(Stop) => say(format_args!("tidied up, then {:?}", cx.select::<Note>().await)),
        Ending::Go(Go) => say("went"),
    };
    let (_, value) = play(work, [Stop.into(), Note(5).into()]);
    assert_eq!(words(value), "tidied up, then Note(5)");
}

#[test]
fn from_is_the_sender_of_the_last_message_taken() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    let point = kernel.create(routine(async move |cx| -> Done {
        told.add(format_args!("at first {}", cx.from()));
        loop {
            match cx.select_within::<Note>(SECOND).await {
                Ok(Note(number)) => told.add(format_args!("{number} from {}", cx.from())),
                Err(_) => told.add(format_args!("none, last from {}", cx.from())),
            }
        }
    }));
    let [first, second] = [7, 8].map(|slot| Address::new(slot, 1, 1));
    settle(&mut kernel);
    kernel.send(point, first, Note(1));
    kernel.send(point, second, Go); // unknown, so not taken
    kernel.send(point, second, Start); // the first one is taken, a second one is not
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + SECOND, 10);
    settle(&mut kernel);
    let expected = ["at first <none>".to_owned(), format!("1 from {first}"), format!("none, last from {first}")];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_routine_that_awaits_something_foreign_ends_with_a_fault_that_says_so() {
    let (kernel, value) = play(async |_: &mut Routine| core::future::pending::<Done>().await, []);
    let fault = value.expect("it has ended").take::<ForeignAwait>().expect("a fault");
    assert_eq!(fault, ForeignAwait { routine: "played".into() });
    assert!(fault.to_string().contains("`select`, `select_within` and `sleep`"));
    assert_eq!(kernel.points(), 0);
    let later = async |cx: &mut Routine| {
        cx.select::<Go>().await;
        core::future::pending::<Done>().await
    };
    assert!(play(later, [Go.into()]).1.expect("it has ended").is::<ForeignAwait>());
}

#[test]
fn a_foreign_future_that_is_ready_may_be_awaited() {
    let (_, value) = play(async |_: &mut Routine| core::future::ready(Note(1)).await, []);
    assert!(value.expect("it has ended").is::<Note>());
}

/// Polls `future` once and drops it.
async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    core::future::poll_fn(move |cx| {
        let polled: Pin<&mut F> = future.as_mut();
        Poll::Ready(match polled.poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn the_limit_of_a_select_that_was_dropped_early_disturbs_no_other() {
    let work = async |cx: &mut Routine| {
        assert!(once(cx.select_within::<Note>(SECOND)).await.is_none());
        cx.select::<Go>().await
    };
    let (kernel, value) = play(work, []);
    assert!(value.is_none() && kernel.points() == 1, "{value:?}");
}

#[test]
fn a_message_deferred_by_a_routine_that_ends_at_once_reaches_no_other() {
    let (mut kernel, log) = (kernel(), Log::default());
    let hasty = kernel.create(routine(async |cx| {
        cx.select::<Go>().await;
        cx.select::<Go>().await;
        Done
    }));
    let told = log.clone();
    let point = kernel.create(routine(async move |cx| {
        let mut later = pin!(cx.select::<Later>());
        let mut polls = 0;
        // The second message is deferred, and with it the routine ends.
        let work = core::future::poll_fn(move |context| {
            polls += 1;
            assert!(later.as_mut().poll(context).is_pending());
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        work.await;
        told.add("ends");
    }));
    settle(&mut kernel);
    kernel.send(point, Address::NONE, Note(1));
    kernel.send(hasty, Address::NONE, Go);
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.is_alive(hasty)), (vec!["ends".to_owned()], true));
    assert_eq!((kernel.counters().deferred, kernel.counters().dead(Undelivered::Ended)), (0, 1));
}

#[test]
fn a_panic_inside_names_the_routine_and_the_message() {
    let work = async |cx: &mut Routine| -> Done {
        let note: Either = cx.select().await;
        panic!("cannot bear {note:?}")
    };
    let (_, value) = play(work, [Note(3).into()]);
    let panicked = value.expect("it has ended").take::<Panicked>().expect("a panic");
    assert_eq!(panicked.to_string(), "played panicked at Note: cannot bear Note(Note(3))");
}

#[test]
fn a_routine_ends_with_what_it_returns() {
    let ended = |value: Option<Value>| value.expect("it has ended").short_name().to_owned();
    assert_eq!(ended(play(async |_: &mut Routine| {}, []).1), "Done");
    assert_eq!(ended(play(async |_: &mut Routine| Note(1), []).1), "Note");
    assert_eq!(ended(play(async |_: &mut Routine| Value::from(Go), []).1), "Go");
    assert_eq!(ended(play(async |_: &mut Routine| Err::<Done, Fault>(Aborted.into()), []).1), "Aborted");
    let late = async |cx: &mut Routine| -> Result<Note, Fault> { Ok(cx.select_within::<Note>(SECOND).await?) };
    assert_eq!(ended(play(late, []).1), "TimedOut");
    assert_eq!(ended(play(late, [Note(1).into()]).1), "Note");
}

#[test]
fn a_routine_has_children_and_ends_after_them() {
    let log = Log::default();
    let (told, child) = (log.clone(), leaf(&log, "leaf"));
    let work = async move |cx: &mut Routine| {
        cx.create(child);
        let brief = cx.create(routine(async |_| Note(4)));
        let Completed { value, .. } = cx.select().await;
        told.add(format_args!("{value:?} {}", cx.from() == brief));
    };
    let (_, value) = play(work, []);
    assert!(value.is_some());
    assert_eq!(log.take(), ["Note 4 true", "leaf"]);
}

/// A machine that asks a routine, and a routine that asks a machine.
struct Clerk;

#[state_machine(FREE, ASKING(defer(Go)))]
impl Clerk {
    fn FREE_Go(&mut self, _: Go, cx: &mut Context) -> Next<Self> {
        let clerk = cx.from();
        cx.create(routine(async move |cx| {
            cx.send(clerk, Meet(cx.me()));
            cx.select::<Note>().await
        }));
        Self::ASKING
    }
    fn ASKING_Completed(&mut self, completed: Completed) -> Next<Self> {
        Self::complete(completed.value)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

#[test]
fn machines_and_routines_are_each_others_children_and_speak_the_same_messages() {
    let work = async |cx: &mut Routine| {
        let clerk = cx.create(Clerk);
        cx.send(clerk, Go);
        let Meet(_) = cx.select().await; // the routine below the machine asks
        cx.reply(Note(9));
        let Completed { value, .. } = cx.select().await;
        say(format_args!("{value:?}"))
    };
    assert_eq!(words(play(work, []).1), "Note 9");
}

/// Something that talks.
trait Talk {
    fn talk() -> fsm_core::NewRoutine;
}

impl<T: 'static> Talk for Vec<T> {
    fn talk() -> fsm_core::NewRoutine {
        routine(async |_| Done)
    }
}

async fn plain<T: Default>(_: &mut Routine) -> Done {
    drop(T::default());
    Done
}

#[test]
fn a_routine_has_the_name_of_the_function_around_it_unless_it_is_given_one() {
    let name = |routine: fsm_core::NewRoutine| format!("{routine:?}");
    assert_eq!(name(routine(plain::<Option<fn() -> String>>)), "NewRoutine(plain)");
    assert_eq!(name(Vec::<fn(u8) -> u8>::talk()), "NewRoutine(talk)");
    assert_eq!(name(leaf(&Log::default(), "")), "NewRoutine(leaf)");
    assert_eq!(name(routine(plain::<String>).named("given")), "NewRoutine(given)");
}
