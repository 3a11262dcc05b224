//! Nothing grows without end, and who sends too much is told.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;

use fsm_core::{
    Address, Body, Completed, Context, Done, Encoded, Kernel, Limits, Machine, Message, Moment, NewRoutine, Next,
    Overflow, Select, Start, Stop, TimedOut, Undelivered, Vocabulary, routine, state_machine,
};
use support::{Go, Log, Meet, Note, kernel, leaf, listener, settle};

const SECOND: Duration = Duration::from_secs(1);

fn small() -> Kernel {
    Kernel::new(Limits { queued_per_point: 10, deferred_per_point: 10, ..Limits::default() })
}

/// What a peer sends under the name of a local message.
fn feigned<T: Message>() -> Body {
    Body::encoded(Encoded { name: T::NAME.into(), id: T::ID, bytes: vec![0xc0], addresses: Vec::new() })
}

/// A point that sends `count` notes to `to` whenever it is told to go, and logs each `Overflow` it is told of.
fn flooder(log: &Log, to: Address, count: u32) -> NewRoutine {
    #[derive(Select)]
    enum Told {
        Go(Go),
        Overflow(Overflow),
    }
    let log = log.clone();
    routine(async move |cx| -> Done {
        loop {
            match cx.select().await {
                Told::Go(Go) => (0..count).for_each(|number| cx.send(to, Note(number))),
                Told::Overflow(overflow) => log.add(format_args!("{overflow:?} from {}", cx.from())),
            }
        }
    })
}

/// A point that sleeps, deferring what comes, and then logs every note.
fn sleeper(log: &Log) -> NewRoutine {
    let log = log.clone();
    routine(async move |cx| -> Done {
        cx.sleep(SECOND).await;
        loop {
            log.add(cx.select::<Note>().await.0);
        }
    })
}

#[test]
fn messages_over_a_points_bound_are_dead_letters() {
    let (mut kernel, log) = (small(), Log::default());
    let point = kernel.create(listener(&log));
    settle(&mut kernel);
    for number in 0..1_000 {
        kernel.send(point, Address::NONE, Note(number));
        assert!(kernel.queued() <= 10);
    }
    settle(&mut kernel);
    assert_eq!(log.take(), (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(kernel.counters().dead(Undelivered::Overflow), 990);
}

#[test]
fn one_flooded_point_does_not_hinder_another() {
    let (mut kernel, log) = (small(), Log::default());
    let (flooded, other) = (kernel.create(listener(&Log::default())), kernel.create(listener(&log)));
    (0..100).for_each(|number| kernel.send(flooded, Address::NONE, Note(number)));
    kernel.send(other, Address::NONE, Note(7));
    settle(&mut kernel);
    assert_eq!(log.take(), ["7"]);
}

#[test]
fn the_sender_is_told_once_in_an_episode() {
    let (mut kernel, log) = (small(), Log::default());
    let point = kernel.create(listener(&Log::default()));
    let flooder = kernel.create(flooder(&log, point, 30));
    let told = format!("{:?} from {point}", Overflow { to: point });
    for _ in 0..3 {
        kernel.send(flooder, Address::NONE, Go);
        settle(&mut kernel); // and with that the episode is over
        assert_eq!(log.take(), [told.as_str()]);
    }
}

#[test]
fn an_episode_lasts_until_half_of_the_bound_is_free() {
    for (handled, told) in [(4, 1), (5, 2)] {
        let (mut kernel, log) = (small(), Log::default());
        let point = kernel.create(listener(&Log::default()));
        let sender = kernel.create(flooder(&log, point, 0)); // logs what it is told
        settle(&mut kernel);
        (0..11).for_each(|number| kernel.send(point, sender, Note(number)));
        kernel.run(handled);
        (0..11).for_each(|number| kernel.send(point, sender, Note(number)));
        settle(&mut kernel);
        assert_eq!(log.take().len(), told, "{handled} of 10 were handled");
    }
}

#[test]
fn what_points_and_driver_say_to_each_other_is_never_lost_to_a_bound() {
    let (mut kernel, log) = (small(), Log::default());
    let point = kernel.create(listener(&log));
    (0..20).for_each(|number| kernel.send(point, Address::DRIVER, Note(number)));
    (0..20).for_each(|number| kernel.send(Address::DRIVER, point, Note(number)));
    settle(&mut kernel);
    assert_eq!(log.take().len(), 20);
    assert_eq!(core::iter::from_fn(|| kernel.take_outbound()).count(), 20);
    assert_eq!(kernel.counters().dead(Undelivered::Overflow), 0);
}

#[test]
fn a_flood_to_far_addresses_is_bounded_by_their_proxy_and_each_episode_is_told() {
    let (mut kernel, log) = (small(), Log::default());
    let proxy = kernel.create(listener(&Log::default()));
    let flooder = kernel.create(flooder(&log, proxy.with_far(3), 30));
    for _ in 0..3 {
        kernel.send(flooder, Address::NONE, Go);
        settle(&mut kernel);
        assert_eq!(log.take().len(), 1);
        assert_eq!(core::iter::from_fn(|| kernel.take_outbound()).count(), 10);
    }
}

#[test]
fn a_flooded_point_can_still_be_stopped() {
    let (mut kernel, log) = (small(), Log::default());
    let point = kernel.create(leaf(&log, "stopped"));
    (0..100).for_each(|number| kernel.send(point, Address::NONE, Note(number)));
    (0..100).for_each(|_| kernel.send(point, Address::NONE, feigned::<Stop>())); // takes no room from a true one
    kernel.send(point, Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.points()), (vec!["stopped".to_owned()], 0));
}

#[test]
fn the_room_for_stop_is_bounded_as_well() {
    let mut kernel = small();
    let point = kernel.create(listener(&Log::default()));
    (0..1_000).for_each(|_| kernel.send(point, Address::NONE, Stop));
    assert!(kernel.queued() < 100);
}

#[test]
fn a_flooded_parent_hears_of_the_end_of_each_child() {
    let (mut kernel, log) = (small(), Log::default());
    let told = log.clone();
    let parent = kernel.create(routine(async move |cx| {
        for _ in 0..50 {
            cx.create(routine(async |_| Done));
        }
        cx.sleep(SECOND).await;
        for _ in 0..50 {
            cx.select::<Completed>().await;
        }
        told.add("all have completed");
    }));
    for _ in 0..5 {
        (0..20).for_each(|number| kernel.send(parent, Address::NONE, Note(number)));
        settle(&mut kernel);
    }
    assert!(kernel.counters().dead(Undelivered::Overflow) > 0);
    kernel.advance(Moment::ZERO + SECOND, 10);
    settle(&mut kernel);
    assert_eq!(log.take(), ["all have completed"]);
}

#[test]
fn what_a_point_defers_is_bounded_and_the_sender_is_told_once() {
    let (mut kernel, log, heard) = (small(), Log::default(), Log::default());
    let point = kernel.create(sleeper(&heard));
    let flooder = kernel.create(flooder(&log, point, 5));
    for _ in 0..10 {
        kernel.send(flooder, Address::NONE, Go);
        settle(&mut kernel);
    }
    assert_eq!((kernel.counters().deferred, kernel.counters().dead(Undelivered::Overflow)), (10, 40));
    assert_eq!(log.take().len(), 1);
    kernel.advance(Moment::ZERO + SECOND, 10);
    settle(&mut kernel);
    assert_eq!(heard.take().len(), 10);
}

/// Works for who says `Go`, and leaves notes for later. It needs a message of this process to go on.
struct Worker(Log);

#[state_machine(IDLE(defer(Note)), BUSY(defer(Note)), READING)]
impl Worker {
    fn IDLE_Start(&mut self, _: Start) -> Next<Self> {
        Self::IDLE
    }
    fn IDLE_Go(&mut self, _: Go, cx: &mut Context) -> Next<Self> {
        cx.send(cx.me(), Meet(cx.me()));
        Self::BUSY
    }
    fn BUSY_Meet(&mut self, _: Meet) -> Next<Self> {
        self.0.add("worked");
        Self::IDLE
    }
    fn IDLE_Meet(&mut self, _: Meet) -> Next<Self> {
        Self::READING
    }
    fn READING_Note(&mut self, Note(number): Note) -> Next<Self> {
        self.0.add(number);
        Self::READING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

#[test]
fn peers_that_fill_what_a_point_defers_do_not_keep_it_from_going_on() {
    let (mut kernel, log) = (small(), Log::default());
    let point = kernel.create(Worker(log.clone()));
    let peer = kernel.create(leaf(&log, "")).with_far(7);
    for number in 0..100 {
        kernel.deliver_from_far(point, peer, Body::encoded(Note(number).encode().expect("a note")));
        settle(&mut kernel);
    }
    assert_eq!((kernel.counters().deferred, kernel.counters().dead(Undelivered::Overflow)), (5, 95));
    // What a proxy says in the name of its peer is no peer's.
    kernel.deliver_from_far(point, peer, Note(100));
    settle(&mut kernel);
    assert_eq!(kernel.counters().deferred, 6);
    for _ in 0..3 {
        kernel.deliver_from_far(point, peer, Go);
        settle(&mut kernel);
        assert_eq!(log.take(), ["worked"]);
    }
    // The other half is for this process.
    for number in 200..300 {
        kernel.send(point, Address::NONE, Note(number));
        settle(&mut kernel);
    }
    kernel.send(point, Address::NONE, Meet(point));
    settle(&mut kernel);
    assert_eq!(log.take().join(" "), "0 1 2 3 4 100 200 201 202 203");
}

#[test]
fn a_point_that_has_deferred_to_its_bound_can_still_be_stopped() {
    let (mut kernel, log) = (small(), Log::default());
    let point = kernel.create(sleeper(&log));
    for _ in 0..10 {
        (0..10).for_each(|number| kernel.send(point, Address::NONE, Note(number)));
        settle(&mut kernel);
    }
    kernel.send(point, Address::NONE, Stop);
    settle(&mut kernel);
    assert!(!kernel.is_alive(point));
}

/// Creates a point that sleeps for a second, has it defer 100 notes, and wakes it: eight are handled, 92 wait.
fn crowd(kernel: &mut Kernel, point: NewRoutine) -> Address {
    let point = kernel.create(point);
    (0..100).for_each(|number| kernel.send(point, Address::NONE, Note(number)));
    settle(kernel);
    kernel.advance(Moment::ZERO + SECOND, 10);
    kernel.run(1);
    point
}

#[test]
fn stop_and_completed_get_through_when_a_backlog_is_full() {
    #[derive(Select)]
    enum Heard {
        Note(Note),
        Completed(Completed),
        Stop(Stop),
    }
    let mut kernel = Kernel::new(Limits { deferred_per_point: 100, ..Limits::default() });
    let log = Log::default();
    let told = log.clone();
    let child = routine(async |cx| cx.select::<Go>().await);
    let parent = crowd(
        &mut kernel,
        routine(async move |cx| {
            let child = cx.create(child);
            cx.send(Address::DRIVER, Meet(child));
            cx.sleep(SECOND).await;
            loop {
                match cx.select().await {
                    Heard::Note(Note(_)) => {}
                    Heard::Completed(completed) => told.add(completed.value.short_name()),
                    Heard::Stop(Stop) => return told.add("stopped"),
                }
            }
        }),
    );
    let Meet(child) = kernel.take_outbound().expect("the child").body.open().expect("its address");
    kernel.send(child, Address::NONE, Go);
    kernel.run(1); // 84 wait
    (0..40).for_each(|number| kernel.send(parent, Address::NONE, Note(number)));
    kernel.run(1); // the child ends: its `Completed` stands behind the 40, of which 24 find room
    kernel.send(parent, Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!(kernel.counters().dead(Undelivered::Overflow), 16);
    assert_eq!((log.take(), kernel.points()), (vec!["Go".into(), "stopped".to_owned()], 0));
}

#[test]
fn what_waits_behind_a_backlog_is_bounded() {
    let mut kernel = Kernel::new(Limits { deferred_per_point: 100, ..Limits::default() });
    let log = Log::default();
    let point = crowd(&mut kernel, sleeper(&log));
    // After another visit 84 wait, and there is room for 16.
    (0..1_000).for_each(|number| kernel.send(point, Address::NONE, Note(number)));
    settle(&mut kernel);
    assert_eq!((log.take().len(), kernel.counters().dead(Undelivered::Overflow)), (116, 984));
}

#[test]
fn the_run_queue_of_the_kernel_is_bounded_but_not_for_what_the_kernel_itself_must_send() {
    let mut kernel = Kernel::new(Limits { run_queue: 10, ..Limits::default() });
    let log = Log::default();
    let children = [leaf(&log, "one"), leaf(&log, "two")];
    let parent = kernel.create(routine(async move |cx| {
        for child in children {
            cx.create(child);
        }
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    kernel.send(parent, Address::NONE, Stop);
    (0..100).for_each(|_| kernel.send(parent, Address::NONE, Go));
    assert_eq!((kernel.queued(), kernel.counters().dead(Undelivered::RunQueueFull)), (10, 91));
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.points()), (vec!["one".into(), "two".to_owned()], 0));
}

#[test]
fn timers_of_a_point_are_bounded_but_not_the_limit_of_a_select() {
    let mut kernel = Kernel::new(Limits { timers_per_point: 2, ..Limits::default() });
    kernel.create(routine(async |cx| {
        cx.start(5 * SECOND, Note(1));
        cx.start(5 * SECOND, Go);
        cx.start(SECOND, Meet(Address::NONE)); // refused
        cx.start(6 * SECOND, Go); // anew, which takes no more room
        cx.select_within::<Meet>(2 * SECOND).await
    }));
    settle(&mut kernel);
    assert_eq!((kernel.timers(), kernel.counters().timers_refused), (3, 1));
    kernel.advance(Moment::ZERO + 2 * SECOND, 10);
    settle(&mut kernel);
    assert!(kernel.take_result().expect("the limit has passed").1.is::<TimedOut>());
}

#[test]
fn points_are_bounded_and_one_that_is_not_created_has_no_address() {
    let mut kernel = Kernel::new(Limits { points: 2, ..Limits::default() });
    let log = Log::default();
    let first = kernel.create(listener(&log));
    let child = listener(&log);
    let second = kernel.create(routine(async move |cx| {
        let child = cx.create(child);
        cx.send(Address::DRIVER, Meet(child));
        cx.send(child, Note(1));
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    let sent = kernel.take_outbound().expect("the address");
    assert_eq!(sent.body.peek(), Some(&Meet(Address::NONE)));
    assert_eq!((kernel.points(), kernel.counters().dead(Undelivered::NoSuchPoint)), (2, 1));
    kernel.send(first, Address::NONE, Stop);
    settle(&mut kernel);
    assert!(kernel.is_alive(second) && !kernel.create(listener(&log)).is_none());
}

#[test]
fn a_million_messages_to_a_point_that_has_gone_leave_nothing_behind() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |_| Done));
    settle(&mut kernel);
    (0..1_000_000).for_each(|number| kernel.send(point, Address::NONE, Note(number)));
    assert_eq!((kernel.queued(), kernel.counters().dead(Undelivered::Ended)), (0, 1_000_000));
}
