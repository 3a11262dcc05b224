//! Timers of points, and the time limits of states.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;

use fsm_core::{
    Address, Context, Done, Kernel, Machine, Message, Moment, Next, Start, Stop, Timeout, Vocabulary, routine,
    state_machine,
};
use support::{Go, Log, Meet, Note, kernel, settle};

/// The moment after `milliseconds`.
fn at(milliseconds: u64) -> Moment {
    Moment::ZERO + Duration::from_millis(milliseconds)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Lets time pass and everything that comes of it happen.
fn pass(kernel: &mut Kernel, until: Moment) {
    settle(kernel);
    while kernel.next_deadline().is_some_and(|deadline| deadline <= until) {
        let deadline = kernel.next_deadline().unwrap_or(until);
        kernel.advance(deadline, 100);
        settle(kernel);
    }
    kernel.advance(until, 100);
    settle(kernel);
}

/// Told to go from IDLE it starts a timer; from DEFERRING, which defers the timer, it cancels it and goes on.
struct Canceller {
    log: Log,
}

#[state_machine(IDLE, DEFERRING(defer(Note, Meet)), TAKING)]
impl Canceller {
    fn IDLE_Go(&mut self, _: Go, cx: &mut Context) -> Next<Self> {
        cx.start(ms(5), Note(1));
        cx.start(ms(6), Meet(cx.me()));
        Self::DEFERRING
    }
    fn DEFERRING_Go(&mut self, _: Go, cx: &mut Context) -> Next<Self> {
        self.log.add(format_args!("cancelled {}", cx.cancel::<Note>()));
        Self::TAKING
    }
    fn DEFERRING_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.start(ms(5), Note(2));
        Self::TAKING
    }
    fn TAKING_Note(&mut self, note: Note) -> Next<Self> {
        self.log.add(format_args!("{note:?}"));
        Next::STAY
    }
    fn TAKING_Meet(&mut self, _: Meet) -> Next<Self> {
        self.log.add("Meet");
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

fn canceller(log: &Log) -> (Kernel, Address) {
    let mut kernel = kernel();
    let point = kernel.create(Canceller { log: log.clone() });
    kernel.send(point, Address::NONE, Go);
    settle(&mut kernel);
    (kernel, point)
}

#[test]
fn a_cancelled_timer_is_never_delivered() {
    let log = Log::default();
    let (mut kernel, point) = canceller(&log);
    kernel.send(point, Address::NONE, Go);
    pass(&mut kernel, at(100));
    assert_eq!(log.take(), ["cancelled true", "Meet"]);
}

#[test]
fn a_timer_that_is_queued_when_it_is_cancelled_is_not_delivered() {
    let log = Log::default();
    let (mut kernel, point) = canceller(&log);
    kernel.send(point, Address::NONE, Go);
    assert_eq!(kernel.advance(at(10), 100), 2); // behind `Go`
    settle(&mut kernel);
    assert_eq!(log.take(), ["cancelled true", "Meet"]);
}

#[test]
fn a_timer_that_is_deferred_when_it_is_cancelled_is_not_delivered() {
    let log = Log::default();
    let (mut kernel, point) = canceller(&log);
    pass(&mut kernel, at(10)); // both are deferred
    kernel.send(point, Address::NONE, Go); // cancels the first and takes up the rest at once
    settle(&mut kernel);
    assert_eq!(log.take()[1..], ["Meet"]);
}

#[test]
fn a_deferred_timer_that_is_started_anew_is_delivered_once_at_its_new_time() {
    let log = Log::default();
    let (mut kernel, point) = canceller(&log);
    pass(&mut kernel, at(10));
    kernel.send(point, Address::NONE, Start); // starts the first anew and takes up the rest
    settle(&mut kernel);
    assert_eq!(log.take(), ["Meet"]);
    pass(&mut kernel, at(14));
    assert!(log.take().is_empty());
    pass(&mut kernel, at(15));
    assert_eq!(log.take(), ["Note(2)"]);
}

#[test]
fn cancelling_a_timer_touches_no_message_of_its_type() {
    let log = Log::default();
    let (mut kernel, point) = canceller(&log);
    kernel.send(point, Address::NONE, Note(7)); // deferred
    kernel.send(point, Address::NONE, Go);
    settle(&mut kernel);
    assert_eq!(log.take(), ["cancelled true", "Note(7)"]);
}

#[test]
fn a_timer_comes_from_the_point_itself_at_its_time_and_not_before() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    kernel.create(routine(async move |cx| {
        cx.start(Duration::from_micros(2_500), Note(1)); // in whole milliseconds
        cx.select::<Note>().await;
        told.add(format_args!("{:?} {}", cx.now(), cx.from() == cx.me()));
    }));
    settle(&mut kernel);
    assert_eq!(kernel.next_deadline(), Some(at(3)));
    kernel.advance(Moment::from_nanos(2_999_999), 10);
    settle(&mut kernel);
    assert!(log.take().is_empty());
    kernel.advance(at(3), 10);
    settle(&mut kernel);
    assert_eq!(log.take(), ["0.003000s true"]);
}

#[test]
fn a_point_has_one_timer_for_each_type_of_message() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    kernel.create(routine(async move |cx| -> Done {
        cx.start(ms(1), Go);
        cx.start(ms(2), Note(1));
        cx.start(ms(9), Note(2)); // anew
        cx.select::<Go>().await;
        loop {
            told.add(format_args!("{:?} at {:?}", cx.select::<Note>().await, cx.now()));
        }
    }));
    pass(&mut kernel, at(20));
    assert_eq!((log.take(), kernel.timers()), (vec!["Note(2) at 0.009000s".to_owned()], 0));
}

#[test]
fn timers_come_in_the_order_of_their_deadlines_and_then_in_that_of_their_starts() {
    let (mut kernel, log) = (kernel(), Log::default());
    for (number, after) in [(1, 3), (2, 1), (3, 3), (4, 0), (5, 1)] {
        let told = log.clone();
        kernel.create(routine(async move |cx| {
            cx.start(ms(after), Go);
            cx.select::<Go>().await;
            told.add(number);
        }));
    }
    settle(&mut kernel);
    assert_eq!(kernel.advance(at(5), 2), 2);
    assert_eq!(kernel.advance(at(5), 100), 3);
    settle(&mut kernel);
    assert_eq!(log.take(), ["4", "2", "5", "1", "3"]);
}

#[test]
fn cancelling_tells_whether_there_was_a_timer() {
    let mut kernel = kernel();
    kernel.create(routine(async |cx| {
        assert!(!cx.cancel::<Go>());
        cx.start(ms(1), Go);
        assert!(cx.cancel::<Go>());
        assert!(!cx.cancel::<Go>());
    }));
    settle(&mut kernel);
    assert_eq!((kernel.counters().panics, kernel.timers()), (0, 0));
}

#[test]
fn a_repeated_timer_comes_every_period_and_those_missed_become_one() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    kernel.create(routine(async move |cx| {
        cx.repeat(ms(10), Note(1));
        for _ in 0..4 {
            cx.select::<Note>().await;
            told.add(cx.now());
        }
        assert!(cx.cancel::<Note>());
        cx.select::<Stop>().await;
    }));
    pass(&mut kernel, at(25));
    assert_eq!(log.take(), ["0.010000s", "0.020000s"]);
    kernel.advance(at(57), 100); // 30, 40 and 50 have passed
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.next_deadline()), (vec!["0.057000s".to_owned()], Some(at(60))));
    pass(&mut kernel, at(200));
    assert_eq!((log.take(), kernel.timers()), (vec!["0.060000s".to_owned()], 0));
}

#[test]
fn a_period_of_nothing_is_a_millisecond() {
    let mut kernel = kernel();
    kernel.create(routine(async |cx| {
        cx.repeat(Duration::ZERO, Note(1));
        loop {
            cx.select::<Note>().await;
            if cx.now() == at(10) {
                return Note(0);
            }
        }
    }));
    pass(&mut kernel, at(10));
    assert_eq!((kernel.points(), kernel.counters().handled), (0, 11));
}

#[test]
fn a_timer_may_run_for_longer_than_time_lasts() {
    let mut kernel = kernel();
    kernel.create(routine(async |cx| {
        cx.start(Duration::MAX, Go);
        cx.repeat(Duration::MAX, Note(1));
        cx.select_within::<Meet>(Duration::MAX).await
    }));
    pass(&mut kernel, Moment::from_nanos(u64::MAX));
    assert_eq!((kernel.timers(), kernel.points(), kernel.next_deadline()), (3, 1, None));
}

#[test]
fn kernel_time_does_not_go_back() {
    let mut kernel = kernel();
    kernel.advance(at(5), 10);
    kernel.advance(at(3), 10);
    assert_eq!(kernel.now(), at(5));
}

/// Rings after five milliseconds of silence, or of talk.
struct Bell {
    log: Log,
}

/// A word that was spoken.
#[derive(Debug, Clone, Message)]
#[message(local)]
struct Word;

#[state_machine(ARMED(timeout = "5ms"), QUIET, BUSY(data = u32, timeout = "5ms"))]
impl Bell {
    fn ARMED_Word(&mut self, _: Word) -> Next<Self> {
        Self::ARMED
    }
    fn ARMED_Go(&mut self, _: Go) -> Next<Self> {
        Self::QUIET
    }
    fn ARMED_Timeout(&mut self, _: Timeout, cx: &mut Context) -> Next<Self> {
        self.log.add(format_args!("rang at {}", cx.now()));
        Self::QUIET
    }
    fn QUIET_Go(&mut self, _: Go) -> Next<Self> {
        Self::ARMED
    }
    fn QUIET_Note(&mut self, note: Note) -> Next<Self> {
        Self::BUSY(note.0)
    }
    fn BUSY_Note(&mut self, note: Note) -> Next<Self> {
        Self::BUSY(note.0)
    }
    fn BUSY_Word(&mut self, _: Word) -> Next<Self> {
        Next::STAY
    }
    fn BUSY_Go(&mut self, _: Go) -> Next<Self> {
        Self::QUIET
    }
    fn BUSY_Timeout(&mut self, _: Timeout, data: &mut u32, cx: &mut Context) -> Next<Self> {
        self.log.add(format_args!("busy with {data} at {}", cx.now()));
        Self::QUIET
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

/// Hands a bell messages at certain milliseconds; what it says until the hundredth.
fn ring(story: impl IntoIterator<Item = (u64, fsm_core::Body)>) -> Vec<String> {
    let (mut kernel, log) = (kernel(), Log::default());
    let bell = kernel.create(Bell { log: log.clone() });
    for (when, body) in story {
        pass(&mut kernel, at(when));
        kernel.send(bell, Address::NONE, body);
        settle(&mut kernel);
    }
    pass(&mut kernel, at(100));
    assert_eq!(kernel.timers(), 0);
    log.take()
}

#[test]
fn the_limit_of_the_first_state_begins_with_the_machine() {
    assert_eq!(ring([]), ["rang at 0.005000s"]);
}

#[test]
fn a_limit_is_untouched_by_messages_and_by_returning_the_same_state() {
    assert_eq!(ring([(1, Word.into()), (4, Word.into()), (4, Meet(Address::NONE).into())]), ["rang at 0.005000s"]);
}

#[test]
fn leaving_a_state_disarms_its_limit_and_entering_it_again_arms_the_whole_of_it() {
    assert_eq!(ring([(4, Go.into()), (10, Go.into())]), ["rang at 0.015000s"]);
    assert_eq!(ring([(4, Go.into())]), [""; 0]);
}

#[test]
fn a_state_with_data_is_entered_anew_by_returning_it_and_goes_on_by_staying() {
    let story = [(4, Go.into()), (10, Note(1).into()), (13, Note(2).into()), (14, Word.into())];
    assert_eq!(ring(story), ["busy with 2 at 0.018000s"]);
    assert_eq!(ring([(4, Go.into()), (10, Note(1).into()), (11, Go.into())]), [""; 0]);
}

#[test]
fn a_limit_that_is_queued_when_its_state_is_left_is_not_delivered() {
    let (mut kernel, log) = (kernel(), Log::default());
    let bell = kernel.create(Bell { log: log.clone() });
    settle(&mut kernel);
    kernel.send(bell, Address::NONE, Go);
    kernel.send(bell, Address::NONE, Go); // left and entered again
    assert_eq!(kernel.advance(at(5), 10), 1);
    settle(&mut kernel);
    assert!(log.take().is_empty());
    pass(&mut kernel, at(10));
    assert_eq!(log.take(), ["rang at 0.010000s"]);
}
