//! The harness: a test of one cell takes three to six lines.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fsm_core::{
    Aborted, Body, Completed, Context, Done, Harness, Machine, Message, Moment, Next, RoutineHarness, Start, Stop,
    TimedOut, Timeout, Unknown, Value, Vocabulary, routine, state_machine,
};
use support::{Go, Meet, Note};

const SECOND: Duration = Duration::from_secs(1);

/// Books a room with a desk, which it creates.
struct Hotel {
    rooms: u32,
}

/// What the hotel asks; it has a time limit of its own.
struct Desk {
    rooms: u32,
}

#[state_machine(ASKED(timeout = "1s"))]
impl Desk {
    fn ASKED_Note(&mut self, note: Note) -> Next<Self> {
        Self::complete(Note(self.rooms - note.0))
    }
    fn ASKED_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

#[state_machine(CLOSED, BOOKING(defer(Note, Go), timeout = "3s"), FULL(data = u32), LEAVING)]
impl Hotel {
    fn CLOSED_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.reply(Meet(cx.me()));
        Next::STAY
    }
    fn CLOSED_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
        let desk = cx.create(Desk { rooms: self.rooms });
        cx.create(routine(async |_| Done));
        cx.send(desk, note);
        cx.start(2 * SECOND, Go);
        cx.console(format_args!("booking {}", note.0));
        Self::BOOKING
    }
    fn BOOKING_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        let cancelled = cx.cancel::<Go>();
        cx.console(format_args!("{:?}, cancelled {cancelled}", completed.value));
        self.rooms = completed.value.take::<Note>().map_or(0, |note| note.0);
        Self::FULL(self.rooms)
    }
    fn BOOKING_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn FULL_Note(&mut self, note: Note, left: &mut u32, cx: &mut Context) -> Next<Self> {
        cx.reply(Note(*left));
        if note.0 == 0 {
            return Self::complete(Done);
        }
        Self::FULL(*left - 1)
    }
    fn FULL_Go(&mut self, _: Go) -> Next<Self> {
        Self::LEAVING
    }
    fn LEAVING_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        cx.forward(cx.parent(), unknown);
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn hotel() -> Harness<Hotel> {
    Harness::new(Hotel { rooms: 10 })
}

#[test]
fn start_comes_from_the_parent() {
    let mut test = hotel();
    let step = test.start();
    assert_eq!(step.sent_to::<Meet>(test.parent()), [&Meet(test.me())]);
    assert!(!step.moved() && test.is_in(Hotel::CLOSED));
}

#[test]
fn a_step_tells_what_was_created_sent_started_and_said() {
    let mut test = hotel();
    let step = test.give(Note(4));
    let [desk, other] = step.children()[..] else { panic!("expected two children, got {step:?}") };
    assert_eq!((step.created::<Desk>()[0].rooms, step.created::<Hotel>().len()), (10, 0));
    assert_eq!((step.sent_to::<Note>(desk), step.sent_to::<Note>(other)), (vec![&Note(4)], vec![]));
    assert_eq!((step.sent::<Note>(), step.sent::<Go>(), step.sent_names()), (vec![&Note(4)], vec![], vec!["Note"]));
    assert_eq!((step.started::<Go>(), step.started::<Note>()), (Some(2 * SECOND), None));
    assert_eq!((step.said(), step.next(), step.moved()), (&["booking 4".to_owned()][..], "BOOKING", true));
    assert_eq!(test.state(), "BOOKING");
}

#[test]
fn a_child_completes_when_the_test_says_so() {
    let mut test = hotel().put(Hotel::BOOKING);
    let desk = test.stranger();
    let step = test.complete(desk, Note(6));
    assert!(test.is_in(Hotel::FULL(0)));
    assert_eq!((test.machine().rooms, step.said()), (6, &["Note 6, cancelled false".to_owned()][..]));
}

#[test]
fn deferred_messages_are_handled_after_the_change_of_state_that_allows_it() {
    let mut test = hotel().put(Hotel::BOOKING);
    let (guest, other) = (test.stranger(), test.stranger());
    assert!(test.give_from(guest, Note(1)).deferred() && test.give_from(other, Note(2)).deferred());
    let step = test.complete(other, Note(6));
    assert_eq!((step.sent_to::<Note>(guest), step.sent_to::<Note>(other)), (vec![&Note(6)], vec![&Note(5)]));
}

#[test]
fn what_is_left_when_a_recalled_message_ends_the_machine_is_dropped() {
    let mut test = hotel().put(Hotel::BOOKING);
    let _ = test.give(Note(0));
    let _ = test.give(Note(1));
    let child = test.stranger();
    let step = test.complete(child, Note(6));
    assert!(step.completed::<Done>().is_some() && step.sent::<Note>() == [&Note(6)]);
}

#[test]
fn time_passes_only_when_the_test_says_so_and_each_timer_comes_at_its_moment() {
    let mut test = hotel();
    let _ = test.give(Note(4));
    let step = test.advance(2 * SECOND); // the time limit of the desk, which nobody drives, passes too
    assert!(step.deferred() && step.value().is_none());
    let step = test.advance(SECOND);
    assert_eq!(step.completed::<TimedOut>(), Some(&TimedOut::default()));
    assert!(step.completed::<Done>().is_none() && step.value().is_some_and(Value::is_fault));
    assert!(!test.is_in(Hotel::BOOKING));
}

#[test]
fn a_deferred_timer_that_is_cancelled_is_not_delivered() {
    let mut test = hotel();
    let _ = test.give(Note(4));
    assert!(test.advance(2 * SECOND).deferred());
    let child = test.stranger();
    let step = test.complete(child, Note(6));
    assert_eq!((step.next(), step.sent::<Go>().len()), ("FULL", 0)); // `Go` would lead to LEAVING
}

#[test]
fn a_timer_that_runs_is_cancelled() {
    let mut test = hotel();
    let _ = test.give(Note(4));
    let child = test.stranger();
    let step = test.complete(child, Note(6));
    assert!(step.cancelled::<Go>() && !step.cancelled::<Note>());
    assert!(!test.advance(60 * SECOND).moved());
}

#[test]
fn put_arms_the_limit_of_the_state_and_of_no_other() {
    let mut test = hotel().put(Hotel::BOOKING);
    assert!(test.advance(3 * SECOND - Duration::from_millis(1)).value().is_none());
    assert!(test.advance(Duration::from_millis(1)).completed::<TimedOut>().is_some());
    let mut test = hotel().put(Hotel::BOOKING).put(Hotel::FULL(1));
    assert!(test.advance(60 * SECOND).value().is_none());
}

#[test]
fn a_forwarded_message_keeps_its_sender() {
    let mut test = hotel().put(Hotel::LEAVING);
    let step = test.give(Go);
    assert!(step.forwarded::<Go>(test.parent(), test.peer()) && !step.forwarded::<Go>(test.parent(), test.me()));
    assert!(step.unknown().is_empty());
}

#[test]
fn a_far_sender_gets_the_reply() {
    let mut test = hotel().put(Hotel::FULL(3));
    let far = test.peer().with_far(9);
    assert_eq!(test.give_from(far, Note(1)).sent_to::<Note>(far), [&Note(3)]);
}

#[test]
fn unknown_messages_and_bodies_that_do_not_fit_are_told() {
    let mut test = hotel().put(Hotel::FULL(3));
    let mut encoded = Note(1).encode().expect("it has serde");
    encoded.bytes.clear();
    let (unknown, refused) = (test.give(Start), test.give(Body::encoded(encoded)));
    assert_eq!((unknown.unknown(), unknown.refused().len()), (&["statepoint.Start".to_owned()][..], 0));
    assert_eq!((refused.unknown().len(), refused.refused()[0].expected()), (0, "test.Note"));
    assert_eq!(test.give(Meet(test.me())).unknown(), ["test.Meet"]);
}

#[test]
fn the_machine_can_be_looked_at_and_changed() {
    let mut test = hotel();
    test.machine_mut().rooms = 3;
    assert_eq!((test.machine().rooms, format!("{test:?}").as_str()), (3, "Harness(Hotel[CLOSED])"));
    assert_eq!(test.give(Note(1)).created::<Desk>()[0].rooms, 3);
}

#[test]
fn coverage_is_counted() {
    let mut test = Harness::new(Desk { rooms: 1 });
    assert_eq!(test.coverage().missing_cells::<Desk>(), ["ASKED_Note", "ASKED_Timeout", "ASKED_Stop"]);
    let _ = test.give(Stop);
    assert_eq!(test.coverage().missing_cells::<Desk>(), ["ASKED_Note", "ASKED_Timeout"]);
}

#[test]
fn everyone_around_the_machine_has_an_address_of_its_own() {
    let mut test = hotel();
    let all = [test.me(), test.parent(), test.peer(), test.stranger(), test.stranger()];
    let different: std::collections::BTreeSet<_> = all.into_iter().collect();
    assert_eq!(different.len(), 5);
}

/// What a misused harness says.
fn complaint(misuse: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(misuse)).expect_err("expected a panic");
    *panic.downcast::<String>().expect("with a text")
}

#[test]
fn misuse_is_told_in_words() {
    let told = complaint(|| drop(hotel().put(Next::STAY)));
    assert_eq!(told, "expected a state, as `Hotel::STATE`, got STAY");
    let told = complaint(|| {
        let mut test = hotel();
        let _ = test.give(Stop);
        let _ = test.give(Note(1));
    });
    assert_eq!(told, "expected a running Hotel, but it has ended and takes no test.Note");
}

#[test]
fn a_step_shows_what_it_did() {
    let mut test = hotel();
    let shown = format!("{:?}", test.give(Note(4)));
    for part in ["BOOKING", "Note 4 to <", "Desk <", "2s"] {
        assert!(shown.contains(part), "{shown}");
    }
}

/// Asks a desk, and tells its parent.
fn asking() -> RoutineHarness {
    RoutineHarness::new(
        routine(async |cx| {
            let desk = cx.create(Desk { rooms: 1 });
            cx.repeat(SECOND, Go);
            cx.select::<Go>().await;
            cx.send(desk, Meet(cx.me()));
            let Completed { value, .. } = cx.select().await;
            cx.console(format_args!("{value:?} from {}", cx.from() == desk));
            let note: Note = cx.select().await;
            cx.reply(note);
            cx.select_within::<Note>(SECOND / 2).await
        })
        .named("asking"),
    )
}

#[test]
fn a_routine_is_tested_in_the_same_words() {
    let mut test = asking();
    let step = test.start();
    let [desk] = step.children()[..] else { panic!("expected a child, got {step:?}") };
    assert_eq!((step.created::<Desk>().len(), step.started::<Go>()), (1, Some(SECOND)));
    assert_eq!(test.advance(SECOND).sent_to::<Meet>(desk), [&Meet(test.me())]);
    assert_eq!(test.complete(desk, Note(2)).said(), ["Note 2 from true"]);
    assert_eq!(test.give(Note(3)).sent_to::<Note>(test.peer()), [&Note(3)]);
    let step = test.advance(SECOND / 2);
    assert_eq!(step.completed::<TimedOut>().map(|late| late.limit), Some(SECOND / 2));
}

#[test]
fn a_routine_can_be_stopped_and_hears_from_whom_the_test_likes() {
    let mut test = asking();
    let _ = test.start();
    assert_eq!(test.give(Note(1)).unknown(), ["test.Note"]);
    assert!(test.give_from(test.parent(), Stop).completed::<Aborted>().is_some());
    assert_eq!(format!("{test:?}"), "RoutineHarness(asking)");
}

#[test]
fn a_routine_that_takes_only_its_first_message_needs_no_start() {
    let mut test = RoutineHarness::new(routine(async |cx| {
        let Note(number) = cx.select().await;
        assert_eq!(cx.now(), Moment::ZERO);
        Note(number + 1)
    }));
    assert_eq!(test.give(Note(1)).completed::<Note>(), Some(&Note(2)));
}

#[test]
fn a_message_that_is_sent_to_nobody_is_told() {
    struct Lost;
    #[state_machine]
    impl Lost {
        fn ANY_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
            cx.send(fsm_core::Address::NONE, note);
            Next::STAY
        }
        fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Aborted)
        }
    }
    let step = Harness::new(Lost).give(Note(1));
    assert_eq!(step.lost(), [(Note::NAME.to_owned(), fsm_core::Undelivered::NoSuchPoint)]);
    assert!(step.sent_names().is_empty());
}
