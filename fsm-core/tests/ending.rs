//! How points end: from the leaves up.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;

use fsm_core::{Address, Completed, Done, Kernel, Limits, Moment, Stop, Timeout, Undelivered, Vocabulary, routine};
use support::{Go, Log, Meet, Note, kernel, leaf, listener, reluctant, settle};

/// The moment after `seconds`.
fn after(seconds: u64) -> Moment {
    Moment::ZERO + Duration::from_secs(seconds)
}

#[test]
fn a_parent_gets_completed_when_everything_below_its_child_has_ended() {
    let (mut kernel, log) = (kernel(), Log::default());
    let (told, leaves) = (log.clone(), [leaf(&log, "elder leaf"), leaf(&log, "younger leaf")]);
    let own = log.when_dropped("middle");
    kernel.create(routine(async move |cx| {
        let middle = cx.create(routine(async move |cx| {
            let _own = own;
            for leaf in leaves {
                cx.create(leaf);
            }
            cx.select::<Stop>().await;
            Note(7)
        }));
        cx.stop(middle);
        let Completed { value, dropped } = cx.select().await;
        told.add(format_args!("completed with {value:?}, {dropped} dropped, from {}", cx.from() == middle));
    }));
    settle(&mut kernel);
    let order = ["middle", "elder leaf", "younger leaf", "completed with Note 7, 0 dropped, from true"];
    assert_eq!((log.take(), kernel.points()), (order.map(String::from).to_vec(), 0));
}

#[test]
fn one_child_that_is_alive_keeps_its_parent_waiting() {
    let (mut kernel, log) = (kernel(), Log::default());
    let leaves = [leaf(&log, "leaf"), routine(reluctant), leaf(&log, "leaf")];
    let parent = kernel.create(routine(async |cx| {
        for leaf in leaves {
            cx.create(leaf);
        }
    }));
    settle(&mut kernel);
    assert_eq!((log.take().len(), kernel.points(), kernel.take_result().is_none()), (2, 2, true));
    kernel.send(Address::new(3, 1, 0), Address::NONE, Note(1));
    settle(&mut kernel);
    assert_eq!((kernel.points(), kernel.take_result().map(|(point, _)| point)), (0, Some(parent)));
}

#[test]
fn completed_is_the_last_thing_a_point_sends() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    kernel.create(routine(async move |cx| {
        cx.create(routine(async |cx| {
            for number in 0..3 {
                cx.send(cx.parent(), Note(number));
            }
        }));
        for _ in 0..3 {
            told.add(cx.select::<Note>().await.0);
        }
        cx.select::<Completed>().await;
        told.add("completed");
    }));
    settle(&mut kernel);
    assert_eq!(log.take(), ["0", "1", "2", "completed"]);
    assert_eq!(kernel.counters().unknown, 0);
}

#[test]
fn a_point_that_has_ended_takes_no_more_messages() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    let point = kernel.create(routine(async move |cx| told.add(cx.select::<Note>().await.0)));
    for number in 0..3 {
        kernel.send(point, Address::NONE, Note(number)); // the first ends it
    }
    settle(&mut kernel);
    kernel.send(point, Address::NONE, Note(3));
    kernel.send(point.with_far(9), Address::NONE, Note(4));
    assert_eq!((log.take(), kernel.is_alive(point)), (vec!["0".to_owned()], false));
    assert_eq!(kernel.counters().dead(Undelivered::Ended), 4);
}

#[test]
fn a_point_that_waits_for_its_children_takes_no_more_messages() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    let point = kernel.create(routine(async move |cx| {
        cx.create(routine(async move |cx| {
            cx.select::<Stop>().await;
            told.add(cx.parent());
            cx.send(cx.parent(), Note(1));
            cx.select::<Note>().await;
        }));
    }));
    settle(&mut kernel);
    assert_eq!((kernel.points(), kernel.is_alive(point)), (2, false));
    assert_eq!((log.take(), kernel.counters().dead(Undelivered::Ended)), (vec![point.to_string()], 1));
}

#[test]
fn what_a_point_had_deferred_is_dead_letters_when_it_ends() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| cx.sleep(Duration::from_secs(1)).await));
    for number in 0..20 {
        kernel.send(point, Address::NONE, Note(number));
    }
    settle(&mut kernel);
    assert_eq!((kernel.counters().deferred, kernel.counters().dead(Undelivered::Ended)), (20, 0));
    kernel.send(point, Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!((kernel.is_alive(point), kernel.counters().dead(Undelivered::Ended)), (false, 20));
}

#[test]
fn the_timers_of_a_point_die_with_it_also_when_they_are_due() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| {
        cx.start(Duration::from_secs(1), Go);
        cx.repeat(Duration::from_secs(2), Note(1));
        cx.start(Duration::from_secs(9), Timeout);
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    assert_eq!((kernel.timers(), kernel.next_deadline()), (3, Some(after(1))));
    kernel.send(point, Address::NONE, Stop);
    assert_eq!(kernel.advance(after(2), 100), 2);
    settle(&mut kernel);
    assert_eq!((kernel.timers(), kernel.next_deadline(), kernel.is_idle()), (0, None, true));
    assert_eq!((kernel.counters().dead_letters(), kernel.counters().handled), (0, 2));
}

#[test]
fn a_child_that_has_not_ended_after_the_grace_time_is_dropped_and_reported() {
    let mut kernel = Kernel::new(Limits { grace: Duration::from_secs(2), ..Limits::default() });
    let log = Log::default();
    let (told, own) = (log.clone(), log.when_dropped("dropped"));
    kernel.create(routine(async move |cx| {
        cx.create(routine(async move |cx| {
            cx.create(routine(async move |cx| {
                let _own = own;
                cx.start(Duration::from_secs(99), Timeout);
                reluctant(cx).await
            }));
        }));
        told.add(cx.select::<Completed>().await.dropped);
    }));
    kernel.advance(after(1), 10);
    settle(&mut kernel);
    assert_eq!((kernel.next_deadline(), log.take()), (Some(after(3)), vec![]));
    kernel.advance(after(2), 10);
    settle(&mut kernel);
    assert_eq!((kernel.points(), kernel.counters().dropped), (3, 0));
    kernel.advance(after(3), 10);
    assert_eq!(log.take(), ["dropped"]); // gone before anybody is told
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.counters().dropped), (vec!["1".to_owned()], 1));
    assert_eq!((kernel.points(), kernel.timers(), kernel.next_deadline()), (0, 0, None));
}

#[test]
fn a_message_for_a_point_that_was_dropped_is_a_dead_letter() {
    let mut kernel = kernel();
    kernel.create(routine(async |cx| {
        let child = cx.create(routine(reluctant));
        cx.send(Address::DRIVER, Meet(child));
    }));
    settle(&mut kernel);
    let sent = kernel.take_outbound().expect("the child's address");
    let child = sent.body.open::<Meet>().expect("an address").0;
    kernel.watch(child);
    kernel.send(child, Address::NONE, Note(1)); // queued when the child is dropped
    kernel.advance(after(5), 10);
    settle(&mut kernel);
    assert_eq!((kernel.is_alive(child), kernel.take_gone()), (false, Some(child)));
    assert_eq!(kernel.counters().dead(Undelivered::Ended), 1);
}

#[test]
fn children_that_end_in_time_leave_no_deadline_behind() {
    let (mut kernel, log) = (kernel(), Log::default());
    let slow = kernel.create(routine(reluctant));
    for _ in 0..3 {
        let leaf = leaf(&log, "leaf");
        kernel.create(routine(async move |cx| {
            cx.create(leaf);
        }));
    }
    settle(&mut kernel);
    assert_eq!((kernel.points(), kernel.next_deadline()), (1, None));
    assert!(kernel.is_alive(slow));
}

#[test]
fn an_address_is_never_that_of_another_point() {
    let mut kernel = kernel();
    let mut all = std::collections::BTreeSet::new();
    let mut slots = std::collections::BTreeSet::new();
    for _ in 0..1_000 {
        let point = kernel.create(routine(async |_| Done));
        assert!(all.insert(point) && slots.len() < 2);
        slots.insert(point.slot());
        settle(&mut kernel);
        assert!(!kernel.is_alive(point));
    }
}

#[test]
fn the_address_of_the_next_point_in_a_slot_leads_nowhere_before_its_birth() {
    let mut kernel = kernel();
    let next = |point: Address| Address::new(point.slot(), point.generation() + 1, 0);
    let waiting = kernel.create(routine(async |cx| {
        cx.create(routine(reluctant));
    }));
    let ended = kernel.create(routine(async |_| Done));
    settle(&mut kernel);
    for address in [next(waiting), next(ended)] {
        assert!(!kernel.is_alive(address));
        kernel.send(address, Address::NONE, Note(1));
    }
    assert_eq!((kernel.counters().dead(Undelivered::NoSuchPoint), kernel.queued()), (2, 0));
}

#[test]
fn an_end_above_a_point_that_is_ending_already_does_not_touch_the_next_point_in_its_slot() {
    let (mut kernel, log) = (kernel(), Log::default());
    let top = kernel.create(routine(async |cx| {
        let middle = cx.create(routine(async |cx| {
            let low = cx.create(routine(reluctant));
            cx.send(Address::DRIVER, Meet(low));
        }));
        cx.send(Address::DRIVER, Meet(middle));
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    let mut children = core::iter::from_fn(|| kernel.take_outbound()).map(|sent| sent.body.open::<Meet>().unwrap().0);
    let (middle, low) = (children.next().unwrap(), children.next().unwrap());
    drop(children);
    // The lowest ends, and all above it at once; then each slot gets a new point before anything else is handled.
    kernel.send(top, Address::NONE, Stop);
    kernel.send(low, Address::NONE, Note(1));
    assert_eq!(kernel.run(2), 2);
    assert_eq!(kernel.points(), 0);
    let successors = [0; 3].map(|_| kernel.create(listener(&log)));
    assert!(successors.iter().any(|point| point.slot() == middle.slot()));
    settle(&mut kernel);
    assert!(successors.iter().all(|point| kernel.is_alive(*point)));
    assert_eq!(kernel.counters().dead_letters(), 0);
}

#[test]
fn a_child_that_is_created_in_the_handler_that_ends_its_parent_starts_and_stops() {
    let (mut kernel, log) = (kernel(), Log::default());
    let told = log.clone();
    kernel.create(routine(async move |cx| {
        cx.create(routine(async move |cx| {
            told.add("started");
            cx.select::<Stop>().await;
            told.add("stopped");
        }));
    }));
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.points()), (vec!["started".into(), "stopped".to_owned()], 0));
    assert!(kernel.take_result().is_some());
}

#[test]
fn a_quiet_child_does_not_tell_its_parent_but_ends_before_it() {
    let (mut kernel, log) = (kernel(), Log::default());
    let (told, leaf) = (log.clone(), leaf(&log, "quiet leaf"));
    kernel.create(routine(async move |cx| {
        cx.create(routine(async move |cx| {
            cx.create_quiet(routine(async |_| Done));
            cx.create_quiet(leaf);
            cx.sleep(Duration::from_secs(1)).await;
            Done
        }));
        cx.select::<Completed>().await;
        told.add("completed");
    }));
    settle(&mut kernel);
    kernel.advance(after(1), 10);
    settle(&mut kernel);
    assert_eq!(log.take(), ["quiet leaf", "completed"]);
    assert_eq!((kernel.counters().deferred, kernel.points()), (0, 0)); // no `Completed` came to the sleeper
}

#[test]
fn a_sibling_outlives_its_creator_and_ends_before_their_parent() {
    let (mut kernel, log) = (kernel(), Log::default());
    let (told, sibling) = (log.clone(), leaf(&log, "sibling"));
    let parent = kernel.create(routine(async move |cx| {
        cx.create(routine(async move |cx| {
            cx.create_beside(sibling);
        }));
        cx.select::<Completed>().await;
        told.add("creator completed");
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.points()), (vec!["creator completed".to_owned()], 2));
    kernel.watch(parent);
    kernel.send(parent, Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.take_gone()), (vec!["sibling".to_owned()], Some(parent)));
    assert_eq!(kernel.counters().dead_letters(), 0);
}

#[test]
fn a_sibling_that_is_created_while_the_parent_is_ending_is_stopped_too() {
    let (mut kernel, log) = (kernel(), Log::default());
    let sibling = leaf(&log, "sibling");
    kernel.create(routine(async move |cx| {
        cx.create(routine(async move |cx| {
            cx.select::<Stop>().await;
            cx.create_beside(sibling);
        }));
    }));
    settle(&mut kernel);
    assert_eq!((log.take(), kernel.points(), kernel.counters().dropped), (vec!["sibling".to_owned()], 0, 0));
}

#[test]
fn a_second_stop_comes_too_late_and_is_no_loss() {
    let (mut kernel, log) = (kernel(), Log::default());
    let point = kernel.create(leaf(&log, "once"));
    kernel.send(point, Address::NONE, Stop);
    kernel.send(point, Address::NONE, Stop);
    kernel.send(point, Address::NONE, Note(1));
    settle(&mut kernel);
    // What it wants has come about. The note is lost.
    assert_eq!((log.take(), kernel.counters().dead(Undelivered::Ended)), (vec!["once".to_owned()], 1));
}

#[test]
fn whoever_watches_hears_of_every_end_once() {
    let mut kernel = kernel();
    let normal = kernel.create(routine(async |cx| cx.select::<Note>().await));
    let broken = kernel.create(routine(async |cx| -> Done { panic!("{:?}", cx.select::<Note>().await) }));
    let gone = kernel.create(routine(async |_| Done));
    settle(&mut kernel);
    for point in [normal, broken, gone] {
        kernel.watch(point);
    }
    assert_eq!((kernel.take_gone(), kernel.take_gone()), (Some(gone), None));
    kernel.send(broken, Address::NONE, Note(1));
    kernel.send(normal, Address::NONE, Note(2));
    settle(&mut kernel);
    assert_eq!([kernel.take_gone(), kernel.take_gone(), kernel.take_gone()], [Some(broken), Some(normal), None]);
}
