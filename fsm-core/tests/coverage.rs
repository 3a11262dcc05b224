//! Transition coverage: which cells and edges of a machine were taken.

extern crate fsm_core as statepoint;

mod support;

use core::time::Duration;

use fsm_core::{
    Aborted, Address, Context, Coverage, Done, Harness, Kernel, Machine, Moment, Next, Start, Stop, Timeout, Unknown,
    Vocabulary, routine, state_machine,
};
use support::{Go, Note, kernel, settle};

struct Lamp;

#[state_machine(OFF(defer(Note)), ON(timeout = "5s"), UP = OFF | ON, BROKEN)]
impl Lamp {
    fn OFF_Start(&mut self, _: Start) -> Next<Self> {
        Self::OFF
    }
    fn OFF_Go(&mut self, _: Go) -> Next<Self> {
        Self::ON
    }
    fn ON_Go(&mut self, _: Go) -> Next<Self> {
        Self::OFF
    }
    fn ON_Note(&mut self, note: Note, cx: &mut Context) -> Next<Self> {
        cx.console(note.0);
        if note.0 == 0 { Self::BROKEN } else { Next::STAY }
    }
    fn ON_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::OFF
    }
    fn BROKEN_Unknown(&mut self, _: Unknown) -> Next<Self> {
        Next::STAY
    }
    fn BROKEN_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
    fn UP_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// A kernel that counts, with a lamp that got these messages.
fn lamp(messages: impl IntoIterator<Item = fsm_core::Body>) -> Kernel {
    let mut kernel = kernel();
    kernel.record_coverage();
    let lamp = kernel.create(Lamp);
    for message in messages {
        kernel.send(lamp, Address::NONE, message);
        settle(&mut kernel);
    }
    kernel
}

fn coverage(kernel: &Kernel) -> &Coverage {
    kernel.coverage().expect("it is recorded")
}

#[test]
fn a_kernel_counts_only_when_it_is_asked_to() {
    let mut kernel = kernel();
    kernel.create(Lamp);
    settle(&mut kernel);
    assert!(kernel.coverage().is_none());
    kernel.record_coverage();
    assert_eq!(coverage(&kernel).machines().count(), 0);
}

#[test]
fn cells_that_were_never_taken_are_named() {
    let mut kernel = lamp([Go.into(), Note(7).into()]);
    let missing = ["OFF_Stop", "OFF defers Note", "ON_Stop", "ON_Go", "ON_Timeout", "BROKEN_Stop", "BROKEN_Unknown"];
    let mut found = coverage(&kernel).missing_cells::<Lamp>();
    let sorted = |mut cells: Vec<String>| {
        cells.sort();
        cells
    };
    assert_eq!(sorted(found), sorted(missing.map(String::from).to_vec()));
    kernel.advance(Moment::ZERO + Duration::from_secs(5), 10);
    settle(&mut kernel);
    found = coverage(&kernel).missing_cells::<Lamp>();
    assert!(!found.contains(&"ON_Timeout".to_owned()));
}

#[test]
fn edges_that_were_never_taken_are_named() {
    let mut kernel = lamp([Go.into(), Note(7).into(), Note(0).into()]);
    let missing = ["ON_Go -> OFF", "ON_Timeout -> OFF", "BROKEN_Stop -> [*]", "UP_Stop -> [*]"];
    assert_eq!(coverage(&kernel).missing_edges::<Lamp>(), missing);
    kernel.send(Address::new(1, 1, 0), Address::NONE, Stop);
    settle(&mut kernel);
    assert_eq!(coverage(&kernel).missing_edges::<Lamp>(), ["ON_Go -> OFF", "ON_Timeout -> OFF", "UP_Stop -> [*]"]);
}

#[test]
fn a_deferral_is_a_cell_and_its_message_takes_another_when_it_is_handled() {
    let kernel = lamp([Note(1).into(), Go.into()]);
    let missing = coverage(&kernel).missing_cells::<Lamp>();
    assert!(
        !missing.contains(&"OFF defers Note".to_owned()) && !missing.contains(&"ON_Note".to_owned()),
        "{missing:?}"
    );
}

#[test]
fn what_several_kernels_and_harnesses_counted_is_merged_to_nothing_missing() {
    let mut all = Coverage::default();
    let stories: [Vec<fsm_core::Body>; 3] = [
        vec![Note(1).into(), Go.into(), Go.into(), Stop.into()],
        vec![Go.into(), Note(0).into(), Go.into(), Stop.into()],
        vec![Go.into(), Stop.into()],
    ];
    for story in stories {
        assert!(!all.report::<Lamp>().is_empty());
        all.merge(coverage(&lamp(story)));
    }
    assert_eq!(
        all.report::<Lamp>(),
        "Lamp: cells never taken: ON_Timeout\nLamp: edges never taken: ON_Timeout -> OFF\n"
    );
    let mut test = Harness::new(Lamp).put(Lamp::ON);
    let _ = test.advance(Duration::from_secs(5));
    all.merge(test.coverage());
    assert_eq!((all.report::<Lamp>(), all.machines().collect::<Vec<_>>()), (String::new(), vec!["Lamp"]));
}

#[test]
fn edges_that_were_never_taken_are_marked_in_the_diagram() {
    let kernel = lamp([Go.into(), Go.into()]);
    let diagram = coverage(&kernel).diagram::<Lamp>();
    assert!(diagram.contains("    OFF --> ON: Go\n"), "{diagram}");
    assert!(diagram.contains("    ON --> OFF: Go, Timeout ✗\n"), "{diagram}");
    assert!(diagram.contains("    ON --> BROKEN: Note ✗\n"), "{diagram}");
    assert!(!Lamp::diagram().contains('✗'));
}

#[test]
fn a_message_that_is_refused_takes_no_cell() {
    let mut test = Harness::new(Lamp).put(Lamp::ON);
    let mut encoded = fsm_core::Message::encode(&Note(1)).expect("it has serde");
    encoded.bytes = vec![0xc3];
    assert_eq!(test.give(fsm_core::Body::encoded(encoded.clone())).refused().len(), 1);
    assert!(test.coverage().missing_cells::<Lamp>().contains(&"ON_Note".to_owned()));
    let kernel = lamp([Go.into(), fsm_core::Body::encoded(encoded)]);
    assert_eq!(kernel.counters().refused, 1);
    assert!(coverage(&kernel).missing_cells::<Lamp>().contains(&"ON_Note".to_owned()));
}

mod elsewhere {
    use super::*;

    /// Another machine of the same name.
    pub(super) struct Lamp;

    #[state_machine(DARK)]
    impl Lamp {
        fn DARK_Stop(&mut self, _: Stop) -> Next<Self> {
            Self::complete(Done)
        }
    }
}

#[test]
fn machines_of_one_name_are_counted_apart() {
    let mut other = Harness::new(elsewhere::Lamp);
    assert!(other.give(Stop).value().is_some());
    let mut all = coverage(&lamp([Go.into()])).clone();
    all.merge(other.coverage());
    assert_eq!(all.report::<elsewhere::Lamp>(), "");
    assert_eq!(all.report::<Lamp>(), coverage(&lamp([Go.into()])).report::<Lamp>());
    assert_eq!(all.machines().collect::<Vec<_>>(), ["Lamp", "Lamp"]);
}

/// A machine with a parameter: its shape is the same whatever the parameter is.
struct Holder<T>(T);

#[state_machine(HOLDING)]
impl<T: 'static> Holder<T> {
    fn HOLDING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Done)
    }
}

#[test]
fn a_generic_machine_is_one_machine() {
    let (mut numbers, mut words) = (Harness::new(Holder(7)), Harness::new(Holder("seven")));
    assert!(numbers.give(Stop).value().is_some() && words.give(Go).value().is_none());
    let mut all = numbers.coverage().clone();
    all.merge(words.coverage());
    assert_eq!((all.machines().count(), all.report::<Holder<&str>>()), (1, String::new()));
}

#[test]
fn routines_have_no_table_and_do_not_count() {
    let mut kernel = kernel();
    kernel.record_coverage();
    kernel.create(routine(async |cx| cx.select::<Stop>().await));
    settle(&mut kernel);
    assert_eq!(coverage(&kernel).machines().count(), 0);
}
