//! The trace: what happens in a kernel, as a story.

extern crate fsm_core as statepoint;

mod support;

use core::fmt;
use core::time::Duration;
use std::cell::Cell;
use std::rc::Rc;

use fsm_core::{
    Aborted, Address, Body, Completed, Context, Done, Encoded, Kernel, Level, Limits, Machine, Message, Moment, Next,
    Routine, Start, Stop, TextTrace, Timeout, TraceHash, Undelivered, Vocabulary, What, routine, state_machine,
};
use serde::{Deserialize, Serialize};
use support::{Go, Log, Meet, Note, kernel, reluctant, settle};

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Hello")]
struct Hello {
    my_name: String,
}

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Welcome")]
struct Welcome {
    your_name: String,
}

struct Server;

#[state_machine(INITIAL, OPENING(defer(Hello), timeout = "2s"), OPEN)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.start(Duration::from_millis(10), Go);
        Self::OPENING
    }
    fn OPENING_Go(&mut self, _: Go) -> Next<Self> {
        Self::OPEN
    }
    fn OPENING_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(Done)
    }
    fn OPEN_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("At server - {}", hello.my_name));
        cx.reply(Welcome { your_name: hello.my_name });
        Self::OPEN
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// A kernel whose trace of `level` and above goes to a log.
fn traced(level: Level) -> (Kernel, Log) {
    let (mut kernel, log) = (kernel(), Log::default());
    let lines = log.clone();
    kernel.set_sink(TextTrace::new(level, move |line: &str| lines.add(line)));
    (kernel, log)
}

/// A server, a client that greets it before it is open, and a parent above both.
fn story(kernel: &mut Kernel) {
    let top = kernel.create(
        routine(async |cx| {
            let server = cx.create(Server);
            cx.create(
                routine(async move |cx| {
                    cx.send(server, Hello { my_name: "Gladys".into() });
                    let welcome: Welcome = cx.select().await;
                    cx.console(format_args!("At client - {}", welcome.your_name));
                    cx.stop(server);
                })
                .named("client"),
            );
            cx.select::<Completed>().await;
            cx.select::<Completed>().await;
        })
        .named("top"),
    );
    kernel.watch(top);
    while kernel.take_gone().is_none() {
        settle(kernel);
        if let Some(deadline) = kernel.next_deadline() {
            kernel.advance(deadline, 10);
        }
    }
}

#[test]
fn a_run_reads_as_a_story() {
    let (mut kernel, log) = traced(Level::Debug);
    story(&mut kernel);
    let expected = "\
0.000000s + <00000001>top - Created
0.000000s < <00000001>top - Received Start from <none>
0.000000s + <00000002>Server[INITIAL] - Created by <00000001>
0.000000s + <00000003>client - Created by <00000001>
0.000000s < <00000002>Server[INITIAL] - Received Start from <00000001> -> OPENING
0.000000s _ <00000002>Server[INITIAL] - Started Go for 10ms
0.000000s _ <00000002>Server[INITIAL] - Started Timeout for 2s
0.000000s < <00000003>client - Received Start from <00000001>
0.000000s > <00000003>client - Sent Hello to <00000002>
0.000000s < <00000002>Server[OPENING] - Deferred Hello from <00000003>
0.010000s < <00000002>Server[OPENING] - Received Go from itself -> OPEN
0.010000s _ <00000002>Server[OPENING] - Cancelled Timeout
0.010000s < <00000002>Server[OPEN] - Received Hello from <00000003>
0.010000s ^ <00000002>Server[OPEN] - At server - Gladys
0.010000s > <00000002>Server[OPEN] - Sent Welcome to <00000003>
0.010000s < <00000003>client - Received Welcome from <00000002>
0.010000s ^ <00000003>client - At client - Gladys
0.010000s > <00000003>client - Sent Stop to <00000002>
0.010000s X <00000003>client - Ending with Done
0.010000s X <00000003>client - Ended
0.010000s < <00000002>Server[OPEN] - Received Stop from <00000003> (ANY_Stop)
0.010000s X <00000002>Server[OPEN] - Ending with Aborted
0.010000s X <00000002>Server[OPEN] - Ended
0.010000s < <00000001>top - Received Completed from <00000003>
0.010000s < <00000001>top - Received Completed from <00000002>
0.010000s X <00000001>top - Ending with Done
0.010000s X <00000001>top - Ended
";
    assert_eq!(log.take().join("\n"), expected.trim_end());
}

#[test]
fn the_same_run_has_the_same_hash_and_another_run_another() {
    let hash = |seconds: u64, told: u32| {
        let (mut kernel, hash) = (kernel(), TraceHash::new());
        kernel.set_sink(hash.clone());
        kernel.advance(Moment::ZERO + Duration::from_secs(seconds), 10);
        story(&mut kernel);
        let broken = kernel.create(routine(async |cx| -> Done { panic!("{:?}", cx.select::<Note>().await) }));
        kernel.send(broken, Address::NONE, Note(told));
        settle(&mut kernel);
        hash.value()
    };
    assert_eq!(hash(0, 1), hash(0, 1));
    assert_ne!(hash(0, 1), hash(1, 1));
    assert_ne!(hash(0, 1), hash(0, 2));
}

/// The lines of everything that can go wrong, each without its time.
fn mishaps(level: Level) -> Vec<String> {
    let mut kernel = Kernel::new(Limits { timers_per_point: 0, ..Limits::default() });
    let log = Log::default();
    let lines = log.clone();
    let sink = TextTrace::new(level, move |line: &str| lines.add(line)).with_time(|event| format!("{:?}", event.at));
    kernel.set_sink(sink);
    let clumsy = routine(async |cx| -> Done {
        cx.start(Duration::from_secs(1), Note(1));
        cx.send(Address::NONE, Go);
        cx.create(routine(reluctant).named("reluctant"));
        let Note(number) = cx.select().await;
        panic!("{number} is too much")
    });
    let point = kernel.create(clumsy.named("clumsy"));
    let proxy = point.with_far(3);
    kernel.send(point, proxy, Go);
    kernel.send(point, proxy, Body::encoded(Encoded { bytes: vec![0xc3], ..Note(1).encode().expect("it has serde") }));
    kernel.send(point, proxy, Start);
    kernel.send(point, proxy, Note(7));
    settle(&mut kernel);
    kernel.log(point, Level::Warning, "the driver is worried");
    kernel.dead_letter(proxy, point, "test.Go", Undelivered::Gone);
    kernel.advance(Moment::ZERO + Duration::from_secs(5), 10);
    settle(&mut kernel);
    let lines = log.take().into_iter();
    lines.map(|line| line.split_once(' ').expect("a time").1.to_owned()).collect()
}

#[test]
fn what_goes_wrong_is_told_with_its_reason() {
    let expected = [
        "? <00000001>clumsy - Refused timer Note: the point has too many",
        "? <00000001>clumsy - Dead letter Go to <none>: no point ever had this address",
        "? <00000001>clumsy - Unknown Go from <00000001/3>, expected Note",
        "? <00000001>clumsy - Refused a message from <00000001/3>: the body of `test.Note` does not fit: \
         invalid type: boolean `true`, expected u32",
        "! <00000001>clumsy - Panicked at Note: 7 is too much",
        "? <00000001> - the driver is worried",
        "? <00000001> - Dead letter Go to <00000001/3>: the peer's point has ended",
        "! <00000002>reluctant - Dropped: it did not end within the grace time",
    ];
    assert_eq!(mishaps(Level::Warning), expected);
}

#[test]
fn news_of_a_connection_to_a_point_that_has_ended_are_counted_and_no_warning() {
    for (message, reason, is_warning) in [
        ("statepoint.Abandoned", Undelivered::Ended, false),
        ("statepoint.Closed", Undelivered::Ended, false),
        ("statepoint.Abandoned", Undelivered::Overflow, true),
        ("statepoint.NotConnected", Undelivered::Ended, true),
        ("test.Abandoned", Undelivered::Ended, true),
    ] {
        let (mut kernel, log) = traced(Level::Object);
        kernel.dead_letter(Address::new(1, 1, 0), Address::NONE, message, reason);
        let line = &log.take()[0];
        assert_eq!(line.contains(" ? "), is_warning, "{line}");
        assert!(line.contains("Dead letter "), "{line}");
        assert_eq!(kernel.counters().dead(reason), 1);
        let (mut kernel, log) = traced(Level::Warning);
        kernel.dead_letter(Address::new(1, 1, 0), Address::NONE, message, reason);
        assert_eq!(log.take().len(), usize::from(is_warning), "{message}");
    }
}

#[test]
fn a_flood_of_lines_is_cut_short_and_counted() {
    let (mut kernel, log) = (kernel(), Log::default());
    let sink = log.clone();
    kernel.set_sink(TextTrace::new(Level::Warning, move |line: &str| sink.add(line)).at_most(2));
    let point = kernel.create(routine(async |cx: &mut Routine| cx.select::<Go>().await));
    for (text, second) in [("a", 7), ("b", 7), ("c", 7), ("d", 7), ("e", 9), ("f", 10)] {
        kernel.advance(Moment::ZERO + Duration::from_secs(second), 10);
        kernel.log(point, Level::Warning, text);
    }
    let lines = ["7.000000s ? <00000001> - a", "7.000000s ? <00000001> - b", "9.000000s (2 lines were left out)"];
    assert_eq!(log.take(), [&lines[..], &["9.000000s ? <00000001> - e", "10.000000s ? <00000001> - f"]].concat());
}

#[test]
fn what_is_left_out_holds_nothing_else_back() {
    let (mut kernel, log) = (kernel(), Log::default());
    let sink = log.clone();
    let point = kernel.create(routine(async |cx: &mut Routine| {
        cx.select::<Go>().await;
        cx.console("going");
        cx.select::<Go>().await;
    }));
    settle(&mut kernel);
    kernel.set_sink(TextTrace::new(Level::Object, move |line: &str| sink.add(line)).at_most(1));
    kernel.send(point, Address::NONE, Go);
    settle(&mut kernel);
    kernel.advance(Moment::ZERO + Duration::from_secs(5), 10);
    kernel.log(point, Level::Console, "later");
    let lines = log.take();
    assert!(lines[0].ends_with("- going") && lines[1].ends_with("(1 lines were left out)"), "{lines:?}");
    assert!(lines[2].ends_with("- later") && lines.len() == 3, "{lines:?}");
}

#[test]
fn a_message_with_the_short_name_of_an_expected_one_is_named_whole() {
    let told = |message| What::Unknown { message, from: Address::NONE, expected: "Go, Note", fault: "" }.to_string();
    assert_eq!(told("other.Note"), "Unknown other.Note from <none>, expected Go, Note");
    assert_eq!(told("other.Notes"), "Unknown Notes from <none>, expected Go, Note");
}

#[test]
fn a_reply_from_a_timers_cell_is_told_to_come_from_the_point_itself() {
    let (mut kernel, log) = traced(Level::Warning);
    kernel.create(
        routine(async |cx| {
            cx.start(Duration::from_secs(1), Go);
            cx.select::<Go>().await;
            cx.reply(Note(1));
            cx.sleep(Duration::from_secs(1)).await;
            cx.select::<Go>().await;
        })
        .named("forgetful"),
    );
    settle(&mut kernel);
    for second in 1..4 {
        kernel.advance(Moment::ZERO + Duration::from_secs(second), 10);
        settle(&mut kernel);
    }
    let lines = log.take();
    assert!(
        matches!(lines.as_slice(), [one] if one.ends_with("forgetful - Unknown Note from itself, expected Go")),
        "{lines:?}"
    );
}

#[test]
fn a_message_of_a_points_life_without_a_cell_is_told_but_is_no_warning() {
    let line = "< <00000001>clumsy - Unknown Start from <00000001/3>, expected Note";
    assert!(mishaps(Level::Object).contains(&line.to_owned()));
    assert!(!mishaps(Level::Warning).contains(&line.to_owned()));
}

#[test]
fn a_sink_gets_the_events_of_its_level_and_above() {
    let count = |level| mishaps(level).len();
    let counts: Vec<_> = Level::ALL.into_iter().map(count).collect();
    assert_eq!(counts, [17, 17, 17, 8, 8, 2, 0]);
    let (mut kernel, log) = traced(Level::Console);
    kernel.create(routine(async |cx| {
        for level in Level::ALL {
            cx.log(level, level);
        }
        cx.console("at last");
    }));
    settle(&mut kernel);
    let levels: Vec<_> = log.take().iter().filter_map(|line| line.rsplit(' ').next().map(str::to_owned)).collect();
    assert_eq!(levels, ["CONSOLE", "WARNING", "FAULT", "NONE", "last"]);
}

#[test]
fn a_level_is_read_by_its_name() {
    for level in Level::ALL {
        assert_eq!(level.to_string().parse(), Ok(level));
        assert_eq!(level.name().to_lowercase().parse(), Ok(level));
    }
    let refused = "LOUD".parse::<Level>().expect_err("there is no such level");
    assert_eq!(refused.to_string(), "expected DEBUG, TRACE, OBJECT, CONSOLE, WARNING, FAULT or NONE, got `LOUD`");
}

#[test]
fn the_time_taken_stands_in_the_line_of_the_message() {
    thread_local! { static TIME: Cell<u64> = const { Cell::new(0) }; }
    fn stopwatch() -> Duration {
        Duration::from_micros(TIME.get())
    }
    let (mut kernel, log) = (kernel(), Log::default());
    let lines = log.clone();
    kernel.set_sink(TextTrace::new(Level::Object, move |line: &str| lines.add(line)).with_stopwatch(stopwatch));
    kernel.create(routine(async |_| TIME.set(42)).named("slow"));
    settle(&mut kernel);
    assert_eq!(log.take()[1], "0.000000s < <00000001>slow - Received Start from <none> 42us");
}

#[test]
fn what_a_handler_does_follows_the_line_of_its_message_unless_it_is_very_much() {
    let (mut kernel, log) = traced(Level::Console);
    let chatter = kernel.create(routine(async |cx| -> Done {
        loop {
            let Note(count) = cx.select().await;
            (0..count).for_each(|number| cx.console(number));
        }
    }));
    settle(&mut kernel);
    kernel.send(chatter, Address::NONE, Note(3));
    settle(&mut kernel);
    assert_eq!(log.take().len(), 3); // a level without lines of messages holds nothing back
    for (count, place) in [(3, 0), (255, 0), (256, 256), (1_000, 1_000)] {
        let (mut kernel, log) = traced(Level::Object);
        let chatter = kernel.create(routine(async move |cx| {
            (0..count).for_each(|number| cx.console(number));
            cx.select::<Stop>().await;
        }));
        settle(&mut kernel);
        let lines = log.take();
        assert_eq!(lines.len(), count + 2);
        assert!(
            lines[place + 1].contains("Received Start") && kernel.is_alive(chatter),
            "{count}: {}",
            lines[place + 1]
        );
    }
}

#[test]
fn no_line_is_held_back_when_its_handler_has_returned() {
    let (mut kernel, log) = traced(Level::Object);
    let point = kernel.create(routine(async |cx| -> Note { cx.select().await }).named("point"));
    settle(&mut kernel);
    log.take();
    let nonsense = Encoded { bytes: vec![0xc3], ..Note(1).encode().expect("it has serde") };
    for message in [Go.into(), Body::encoded(nonsense), Note(1).into()] {
        kernel.send(point, Address::NONE, message);
        settle(&mut kernel);
        assert!(!log.take().is_empty());
        kernel.log(point, Level::Console, "now");
        assert_eq!(log.take(), [format!("0.000000s ^ {point} - now")]);
    }
}

/// A text that counts how often it is made.
struct Counted(Rc<Cell<u32>>);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        f.write_str("counted")
    }
}

#[test]
fn a_text_is_made_only_when_somebody_listens() {
    let made = |sink: Option<Level>| {
        let (mut kernel, count) = (kernel(), Rc::new(Cell::new(0)));
        if let Some(level) = sink {
            kernel.set_sink(TextTrace::new(level, |_: &str| {}));
        }
        let text = Counted(Rc::clone(&count));
        let point = kernel.create(routine(async move |cx| cx.log(Level::Trace, text)));
        kernel.log(point, Level::Trace, Counted(Rc::clone(&count)));
        settle(&mut kernel);
        count.get()
    };
    assert_eq!([None, Some(Level::None), Some(Level::Object), Some(Level::Trace)].map(made), [0, 0, 0, 2]);
}

#[test]
fn a_panic_in_a_drop_is_told() {
    /// Panics when it is dropped.
    struct Mine;
    impl Drop for Mine {
        fn drop(&mut self) {
            panic!("a mine")
        }
    }
    let (mut kernel, log) = traced(Level::Fault);
    let mine = Mine;
    let point = kernel.create(routine(async move |cx| {
        let _mine = mine;
        cx.select::<Go>().await
    }));
    kernel.send(point, Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!(log.take(), ["0.000000s ! <00000001> - Panicked at drop: a mine"]);
}

#[test]
fn a_forwarded_message_tells_whose_it_is() {
    let (mut kernel, log) = traced(Level::Object);
    let relay = kernel.create(routine(async |cx| {
        let Meet(friend) = cx.select().await;
        cx.forward(friend, Note(1));
    }));
    settle(&mut kernel);
    kernel.send(relay, relay.with_far(2), Meet(relay.with_far(8)));
    log.take();
    settle(&mut kernel);
    assert_eq!(
        log.take()[1],
        "0.000000s > <00000001>a_forwarded_message_tells_whose_it_is - \
        Forward Note to <00000001/8> (from <00000001/2>)"
    );
}
