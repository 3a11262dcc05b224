//! What cannot be brought about, or not be seen, from outside.

mod histories;

use core::time::Duration;

use super::{AHEAD, Kernel, LARGE};
use crate::address::Address;
use crate::counters::Undelivered;
use crate::head::COUNT;
use crate::lifecycle::{Aborted, Done, Stop};
use crate::limits::Limits;
use crate::moment::Moment;
use crate::routine::routine;
use crate::vocabulary::Vocabulary;

fn kernel() -> Kernel {
    Kernel::new(Limits::default())
}

/// The point's slot is at its last generation; the address that leads there.
fn wear_out(kernel: &mut Kernel, point: Address) -> Address {
    kernel.cx().heads[point.slot() as usize].generation = u32::MAX;
    Address::new(point.slot(), u32::MAX, 0)
}

#[test]
fn a_slot_whose_generation_is_spent_is_never_used_again() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| {
        cx.select::<Stop>().await;
    }));
    kernel.run(10);
    let point = wear_out(&mut kernel, point);
    kernel.send(point, Address::NONE, Stop);
    kernel.run(10);
    assert_eq!((kernel.is_alive(point), kernel.points()), (false, 0));
    for _ in 0..10 {
        let next = kernel.create(routine(async |_| Done));
        assert_ne!(next.slot(), point.slot());
        kernel.run(10);
    }
    for generation in [0, 1, u32::MAX] {
        let address = Address::new(point.slot(), generation, 0);
        assert!(!kernel.is_alive(address));
        kernel.send(address, Address::NONE, Aborted);
    }
    assert_eq!(kernel.counters().dead_letters(), 3);
}

#[test]
fn the_last_point_of_a_slot_waits_for_its_children_like_any_other() {
    let mut kernel = kernel();
    let parent = kernel.create(routine(async |cx| {
        cx.create(routine(async |cx| {
            cx.select::<Stop>().await;
            cx.send(Address::DRIVER, Aborted);
            cx.send(cx.parent(), Aborted);
        }));
        cx.select::<Stop>().await;
    }));
    kernel.run(10);
    let parent = wear_out(&mut kernel, parent);
    kernel.send(parent, Address::NONE, Stop);
    kernel.run(10);
    assert!(kernel.take_outbound().is_some());
    assert_eq!(kernel.take_result().map(|(point, _)| point), Some(parent));
    assert_eq!((kernel.points(), kernel.counters().dead(Undelivered::Ended)), (0, 1));
}

#[test]
fn a_backlog_is_given_back_when_nothing_is_left_of_it() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| {
        cx.sleep(Duration::from_secs(1)).await;
        for _ in 0..20 {
            cx.select::<Aborted>().await;
        }
        cx.select::<Stop>().await;
    }));
    kernel.run(10);
    assert!(kernel.backlogs.is_empty());
    for _ in 0..20 {
        kernel.send(point, Address::NONE, Aborted);
    }
    kernel.run(30);
    assert_eq!(kernel.backlogs.len(), 1);
    kernel.advance(Moment::ZERO + Duration::from_secs(1), 10);
    kernel.run(30);
    assert_eq!((kernel.backlogs.len(), kernel.is_alive(point), kernel.counters().unknown), (0, true, 0));
}

#[test]
fn a_backlog_is_given_back_when_its_point_ends() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| cx.sleep(Duration::from_secs(1)).await));
    kernel.send(point, Address::NONE, Aborted);
    kernel.send(point, Address::NONE, Stop);
    kernel.run(30);
    assert_eq!((kernel.backlogs.len(), kernel.endings.len(), kernel.overdue.len()), (0, 0, 0));
}

#[test]
fn a_backlog_is_given_back_when_its_only_message_is_cancelled() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| -> Done {
        cx.start(Duration::from_millis(1), Done);
        cx.start(Duration::from_millis(2), Aborted);
        loop {
            cx.sleep(Duration::from_millis(10)).await; // defers both
            if !cx.cancel::<Done>() && !cx.cancel::<Aborted>() {
                cx.select::<Stop>().await;
            }
        }
    }));
    kernel.run(10);
    kernel.advance(Moment::ZERO + Duration::from_millis(2), 10);
    kernel.run(10);
    assert_eq!(kernel.backlogs.len(), 1);
    kernel.advance(Moment::ZERO + Duration::from_millis(10), 10);
    kernel.run(10);
    assert_eq!((kernel.backlogs.len(), kernel.counters().unknown, kernel.is_alive(point)), (0, 0, true));
}

#[test]
fn the_count_of_a_points_messages_does_not_run_into_its_flags() {
    let mut kernel = Kernel::new(Limits { queued_per_point: u32::MAX, ..Limits::default() });
    let point = kernel.create(routine(async |cx| {
        cx.select::<Stop>().await;
    }));
    kernel.run(10);
    let limit = kernel.cx().limits.queued_per_point;
    kernel.cx().heads[point.slot() as usize].queued = limit; // as if so many had been sent
    kernel.send(point, Address::NONE, Aborted);
    assert_eq!(kernel.counters().dead(Undelivered::Overflow), 1);
    assert!(limit < COUNT / 2);
}

/// Handles all messages, a few at a time: how many there were, and who sent something to the driver.
fn drain(kernel: &mut Kernel, budget: usize) -> (usize, Vec<Address>) {
    let mut all = 0;
    loop {
        let handled = kernel.run(budget);
        assert!(handled <= budget, "{handled}");
        all += handled;
        if handled < budget {
            return (all, core::iter::from_fn(|| kernel.take_outbound()).map(|sent| sent.from).collect());
        }
    }
}

#[test]
fn a_large_kernel_handles_every_message_in_order_and_keeps_to_its_budget() {
    let mut kernel = kernel();
    let create = |_| {
        kernel.create(routine(async |cx| {
            cx.select::<Aborted>().await;
            cx.send(Address::DRIVER, Aborted);
            cx.sleep(Duration::from_millis(1)).await;
            cx.send(Address::DRIVER, Done);
        }))
    };
    let points: Vec<Address> = (0..LARGE).map(create).collect();
    points.iter().for_each(|point| kernel.send(*point, Address::NONE, Aborted));
    // Start, message and what it sent.
    assert_eq!(drain(&mut kernel, AHEAD - 3), (3 * LARGE, points.clone()));
    kernel.advance(Moment::ZERO + Duration::from_millis(1), usize::MAX);
    // Timer and what it sent; then the point has ended.
    assert_eq!(drain(&mut kernel, AHEAD + 3), (2 * LARGE, points));
    assert_eq!(kernel.points(), 0);
}
