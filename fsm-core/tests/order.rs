//! In which order messages are handled.

extern crate fsm_core as statepoint;

mod support;

use fsm_core::{Address, Done, Stop, Vocabulary, routine};
use support::{Go, Log, Meet, Note, kernel, listener, settle};

#[test]
fn a_message_is_handled_to_the_end_before_the_next_one_begins() {
    let (mut kernel, log) = (kernel(), Log::default());
    for name in ["a", "b"] {
        let log = log.clone();
        let point = kernel.create(routine(async move |cx| -> Done {
            loop {
                let Note(left) = cx.select().await;
                log.add(format_args!("{name}{left} begins"));
                if left > 0 {
                    cx.send(cx.me(), Note(left - 1));
                }
                log.add(format_args!("{name}{left} ends"));
            }
        }));
        kernel.send(point, Address::NONE, Note(1));
    }
    settle(&mut kernel);
    let order = ["a1 begins", "a1 ends", "b1 begins", "b1 ends", "a0 begins", "a0 ends", "b0 begins", "b0 ends"];
    assert_eq!(log.take(), order);
}

#[test]
fn messages_from_one_sender_to_one_receiver_arrive_in_the_order_sent() {
    let (mut kernel, log) = (kernel(), Log::default());
    let receiver = kernel.create(listener(&log));
    for sender in [100, 200, 300] {
        kernel.create(routine(async move |cx| {
            for number in 0..20 {
                cx.send(receiver, Note(sender + number));
                cx.send(cx.me(), Go);
                cx.select::<Go>().await;
            }
        }));
    }
    settle(&mut kernel);
    let all: Vec<u32> = log.take().iter().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(all.len(), 60);
    for sender in [100, 200, 300] {
        let from_one: Vec<u32> = all.iter().copied().filter(|number| number / 100 * 100 == sender).collect();
        assert_eq!(from_one, (sender..sender + 20).collect::<Vec<_>>());
    }
}

#[test]
fn a_message_is_handled_once() {
    let (mut kernel, log) = (kernel(), Log::default());
    let receiver = kernel.create(listener(&log));
    for number in 0..1_000 {
        kernel.send(receiver, Address::NONE, Note(number));
    }
    settle(&mut kernel);
    assert_eq!(log.take(), (0..1_000).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(kernel.counters().handled, 1_001); // with `Start`
}

#[test]
fn start_comes_first_and_from_the_parent() {
    let (mut kernel, log) = (kernel(), Log::default());
    let seen = log.clone();
    let parent = kernel.create(routine(async move |cx| {
        let child = cx.create(routine(async move |cx| {
            seen.add(format_args!("started by {} of {}", cx.from(), cx.parent()));
            let Note(number) = cx.select().await;
            seen.add(format_args!("{number} from {}", cx.from()));
        }));
        cx.send(child, Note(1));
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    assert_eq!(log.take(), [format!("started by {parent} of {parent}"), format!("1 from {parent}")]);
}

#[test]
fn a_root_point_has_no_parent() {
    let mut kernel = kernel();
    let point = kernel.create(routine(async |cx| cx.send(Address::DRIVER, Meet(cx.parent()))));
    settle(&mut kernel);
    let sent = kernel.take_outbound().expect("it was sent to the driver");
    assert_eq!((sent.from, sent.body.peek()), (point, Some(&Meet(Address::NONE))));
}

#[test]
fn the_address_of_a_child_is_valid_at_once() {
    let (mut kernel, log) = (kernel(), Log::default());
    let friend = kernel.create(routine(async |cx| {
        let Meet(child) = cx.select().await;
        cx.send(child, Note(2));
    }));
    let listener = listener(&log);
    kernel.create(routine(async move |cx| {
        let child = cx.create(listener);
        cx.send(friend, Meet(child));
        cx.send(child, Note(1));
        cx.select::<Stop>().await;
    }));
    settle(&mut kernel);
    assert_eq!(log.take(), ["1", "2"]);
}

#[test]
fn points_take_turns_by_the_order_of_their_messages() {
    let (mut kernel, log) = (kernel(), Log::default());
    let (first, second) = (kernel.create(listener(&log)), kernel.create(listener(&log)));
    for (to, number) in [(first, 1), (second, 2), (second, 3), (first, 4), (second, 5)] {
        kernel.send(to, Address::NONE, Note(number));
    }
    settle(&mut kernel);
    assert_eq!(log.take(), ["1", "2", "3", "4", "5"]);
}

#[test]
fn a_message_to_a_far_address_keeps_its_order_with_one_to_its_proxy() {
    let (mut kernel, log) = (kernel(), Log::default());
    let proxy = kernel.create(listener(&log));
    kernel.create(routine(async move |cx| {
        cx.send(proxy.with_far(7), Note(1));
        cx.send(proxy, Note(2));
        cx.send(proxy.with_far(8), Note(3));
        Done
    }));
    // One message at a time, to see what has left the kernel before the proxy is told.
    let mut story = Vec::new();
    while kernel.run(1) > 0 {
        while let Some(sent) = kernel.take_outbound() {
            story.push(format!("{:?} to {}", sent.body.peek::<Note>().expect("a note"), sent.to.far()));
        }
        story.extend(log.take());
    }
    assert_eq!(story, ["Note(1) to 7", "2", "Note(3) to 8"]);
}

#[test]
fn messages_that_leave_the_kernel_do_so_in_the_order_sent() {
    let mut kernel = kernel();
    let proxy = kernel.create(routine(async |cx| cx.select::<Stop>().await));
    let order = [Address::DRIVER, proxy.with_far(2), proxy.with_far(1), Address::DRIVER];
    kernel.create(routine(async move |cx| order.into_iter().for_each(|to| cx.send(to, Note(to.slot())))));
    settle(&mut kernel);
    let left: Vec<_> = core::iter::from_fn(|| kernel.take_outbound()).map(|sent| sent.to).collect();
    assert_eq!(left, order);
}

#[test]
fn a_message_from_beyond_a_connection_names_its_far_sender_and_a_reply_goes_back_there() {
    let mut kernel = kernel();
    let proxy = kernel.create(routine(async |cx| cx.select::<Stop>().await));
    let point = kernel.create(routine(async |cx| {
        let Note(number) = cx.select().await;
        cx.reply(Note(number + 1));
    }));
    kernel.send(point, proxy.with_far(4), Note(1));
    settle(&mut kernel);
    let sent = kernel.take_outbound().expect("the reply");
    assert_eq!((sent.to, sent.from, sent.body.peek()), (proxy.with_far(4), point, Some(&Note(2))));
}

#[test]
fn a_forwarded_message_keeps_its_sender() {
    let (mut kernel, log) = (kernel(), Log::default());
    let seen = log.clone();
    let target = kernel.create(routine(async move |cx| {
        let Note(number) = cx.select().await;
        seen.add(format_args!("{number} from {}", cx.from()));
    }));
    let relay = kernel.create(routine(async move |cx| {
        let note: Note = cx.select().await;
        cx.forward(target, note);
    }));
    let sender = kernel.create(routine(async move |cx| cx.send(relay, Note(7))));
    settle(&mut kernel);
    assert_eq!(log.take(), [format!("7 from {sender}")]);
}

#[test]
fn a_run_handles_no_more_than_its_budget_and_the_next_goes_on() {
    let (mut kernel, log) = (kernel(), Log::default());
    let point = kernel.create(listener(&log));
    for number in 0..5 {
        kernel.send(point, Address::NONE, Note(number));
    }
    assert_eq!(kernel.run(3), 3); // `Start` and two notes
    assert_eq!(log.take(), ["0", "1"]);
    assert_eq!((kernel.queued(), kernel.is_idle()), (3, false));
    assert_eq!(kernel.run(100), 3);
    assert_eq!(log.take(), ["2", "3", "4"]);
    assert_eq!((kernel.run(100), kernel.is_idle()), (0, true));
}
