//! AddressGroup alone: its members and its session are addresses in whose name the test speaks.

use statepoint::{AddressGroup, Kernel, Limits};

use crate::support::*;
use statepoint::prelude::*;

/// Three members.
#[derive(Group)]
pub(crate) struct Trio {
    pub(crate) clock: Member,
    pub(crate) store: Member,
    pub(crate) scale: Member,
}

/// A session that shows what it was made of.
pub(crate) struct Work {
    pub(crate) addresses: [Address; 3],
    pub(crate) previous: Option<Value>,
}

#[state_machine]
impl Work {
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

impl Work {
    pub(crate) fn new(trio: &Trio, previous: Option<Value>) -> Self {
        Self { addresses: [&trio.clock, &trio.store, &trio.scale].map(Member::address), previous }
    }
}

pub(crate) fn trio() -> Trio {
    let member = || Member::new(|| Work { addresses: [Address::NONE; 3], previous: None });
    Trio { clock: member(), store: member(), scale: member() }
}

/// A group on the table, with the addresses of its members and of its latest session.
struct Test {
    table: Table<AddressGroup>,
    members: Vec<Address>,
    session: Address,
}

impl Test {
    /// A group that has started.
    fn new(group: AddressGroup) -> Self {
        let mut table = Table::new(group);
        let step = table.start();
        assert_eq!(step.next(), "PENDING");
        Self { members: step.children(), table, session: Address::NONE }
    }

    fn found(&mut self, member: usize) -> statepoint::Step {
        self.use_address(member, far(1 + member as u32))
    }

    fn use_address(&mut self, member: usize, address: Address) -> statepoint::Step {
        let step = self.table.give_from(self.members[member], UseAddress { address });
        self.session = step.children().last().copied().unwrap_or(self.session);
        step
    }

    fn lost(&mut self, member: usize) -> statepoint::Step {
        self.table.give_from(self.members[member], NoAddress)
    }

    /// A group all of whose members are there.
    fn full(group: AddressGroup) -> Self {
        let mut test = Self::new(group);
        for member in 0..3 {
            let _ = test.found(member);
        }
        test
    }

    /// A resident group that has lost its first member, whose session was told to stop.
    fn restarting() -> Self {
        let mut test = Self::full(resident());
        let step = test.lost(0);
        assert_eq!((step.next(), step.sent_to::<Stop>(test.session)), ("RESTARTING", vec![&Stop]));
        test
    }

    /// A group that ends with the value of its session, which was told to stop.
    fn stopping() -> Self {
        let mut test = Self::full(with_session_until_stopped());
        let step = test.table.give(Stop);
        assert_eq!((step.next(), step.sent_to::<Stop>(test.session)), ("STOPPING", vec![&Stop]));
        test
    }
}

fn plain() -> AddressGroup {
    trio().table().group()
}

fn with_session() -> AddressGroup {
    trio().table().session(|trio| Work::new(trio, None)).group()
}

fn with_session_until_stopped() -> AddressGroup {
    trio().table().session(|trio| Work::new(trio, None)).until_stopped().group()
}

fn resident() -> AddressGroup {
    trio().table().resident(Work::new).group()
}

/// A group in each state that is not the first.
fn every_state() -> [Test; 5] {
    let states =
        [Test::new(plain()), Test::full(plain()), Test::full(with_session()), Test::restarting(), Test::stopping()];
    let names: Vec<_> = states.iter().map(|test| test.table.state()).collect();
    assert_eq!(names, ["PENDING", "READY", "WORKING", "RESTARTING", "STOPPING"]);
    states
}

fn update(member: &'static str, address: Option<Address>) -> GroupUpdate {
    GroupUpdate { member: member.into(), address }
}

#[test]
fn at_the_start_the_members_are_created() {
    let mut test = Table::new(plain());
    assert_eq!(test.start().created::<Work>().len(), 3);
}

#[test]
fn a_group_without_members_is_a_fault() {
    let none = std::collections::BTreeMap::<String, Member>::new();
    let step = Table::new(none.table().group()).start();
    assert_eq!(step.completed::<Faulted>().map(|fault| &*fault.condition), Some("a group without members"));
}

#[test]
fn without_room_for_a_member_or_a_session_it_ends() {
    for (group, points, condition) in
        [(plain(), 3, "a group without a member"), (with_session(), 4, "a group without its session")]
    {
        let mut kernel = Kernel::new(Limits { points, ..Limits::default() });
        kernel.record_coverage();
        let group = kernel.create(group);
        kernel.run(1);
        for slot in 2..=4 {
            kernel.send(group, Address::new(slot, 1, 0), UseAddress { address: far(1) });
        }
        kernel.run(1_000);
        count(&kernel);
        let (_, value) = kernel.take_result().expect("it ends");
        assert_eq!(value.peek::<Faulted>().map(|fault| &*fault.condition), Some(condition));
    }
}

#[test]
fn the_parent_is_told_of_each_address_and_when_all_are_there() {
    let mut test = Test::new(plain());
    let parent = test.table.parent();
    for (member, name) in ["clock", "store"].into_iter().enumerate() {
        let step = test.found(member);
        assert_eq!(step.sent_to::<GroupUpdate>(parent), [&update(name, Some(far(1 + member as u32)))]);
        assert_eq!((step.next(), step.sent::<Ready>().len()), ("PENDING", 0));
    }
    let step = test.found(2);
    assert_eq!((step.next(), step.sent_names()), ("READY", vec!["GroupUpdate", "Ready"]));
}

#[test]
fn the_parent_is_told_when_one_is_lost_before_all_are_there() {
    let mut test = Test::new(plain());
    let _ = test.found(0);
    let step = test.lost(0);
    assert_eq!(step.sent_to::<GroupUpdate>(test.table.parent()), [&update("clock", None)]);
    for member in 0..3 {
        assert_eq!(test.table.state(), "PENDING");
        let _ = test.found(member);
    }
    assert_eq!(test.table.state(), "READY");
}

#[test]
fn the_parent_is_told_when_the_group_is_not_ready_any_more() {
    let mut test = Test::full(plain());
    let step = test.lost(1);
    assert_eq!((step.next(), step.sent_names()), ("PENDING", vec!["GroupUpdate", "NotReady"]));
    assert_eq!(step.sent_to::<GroupUpdate>(test.table.parent()), [&update("store", None)]);
    assert_eq!(test.found(1).sent_names(), ["GroupUpdate", "Ready"]);
}

#[test]
fn what_is_known_is_no_news() {
    let mut test = Test::new(plain());
    assert!(test.lost(0).sent_names().is_empty());
    let _ = test.found(0);
    assert!(test.found(0).sent_names().is_empty());
    let mut test = Test::full(plain());
    assert!(test.found(0).sent_names().is_empty());
    let mut test = Test::full(with_session());
    let step = test.found(0);
    assert_eq!((step.next(), step.sent_names().len()), ("WORKING", 0));
}

#[test]
fn who_is_no_member_brings_no_news() {
    for mut test in every_state() {
        let (before, stranger) = (test.table.state(), test.table.stranger());
        for step in [
            test.table.give_from(stranger, UseAddress { address: far(3) }),
            test.table.give_from(stranger, NoAddress),
            test.table.complete(stranger, Done),
        ] {
            assert_eq!((step.next(), step.sent_names().len(), step.value().is_none()), (before, 0, true));
        }
    }
}

#[test]
fn another_address_of_a_member_takes_the_place_of_the_first() {
    for mut test in [Test::full(plain()), Test::new(plain())] {
        let before = test.table.state();
        let _ = test.found(0);
        let step = test.use_address(0, far(3));
        assert_eq!(step.sent_to::<GroupUpdate>(test.table.parent()), [&update("clock", Some(far(3)))]);
        assert_eq!((step.next(), step.sent::<NotReady>().len()), (before, 0));
    }
}

#[test]
fn another_address_of_a_member_ends_the_session_that_has_the_first() {
    let step = Test::full(with_session()).use_address(0, far(3));
    assert_eq!(step.completed::<Faulted>().map(|fault| &*fault.condition), Some("lost \"clock\""));
    let mut test = Test::full(resident());
    assert_eq!(test.use_address(0, far(3)).next(), "RESTARTING");
    let step = test.table.complete(test.session, Aborted);
    assert_eq!(step.created::<Work>()[0].addresses, [far(3), far(2), far(3)]);
}

#[test]
fn a_group_that_is_not_ready_in_time_ends() {
    let mut test = Test::new(trio().table().get_ready(seconds(5)).group());
    let _ = test.found(0);
    assert_eq!(test.table.advance(seconds(5) - millis(1)).next(), "PENDING");
    let step = test.table.advance(millis(1));
    assert_eq!(step.completed::<TimedOut>().map(|fault| fault.limit), Some(seconds(5)));
}

#[test]
fn the_time_to_get_ready_does_not_run_on() {
    let mut test = Test::full(trio().table().get_ready(seconds(5)).group());
    let _ = test.lost(0);
    assert_eq!(test.table.advance(seconds(60)).next(), "PENDING");
}

#[test]
fn a_resident_group_waits_for_ever() {
    for table in [trio().table().get_ready(seconds(5)).resident(Work::new), {
        trio().table().resident(Work::new).get_ready(seconds(5))
    }] {
        assert_eq!(Test::new(table.group()).table.advance(seconds(60)).next(), "PENDING");
    }
}

#[test]
fn a_member_that_ends_ends_the_group() {
    for mut test in every_state() {
        let before = test.table.state();
        let step = test.table.complete(test.members[0], Verdict(7));
        if before == "STOPPING" {
            assert_eq!(step.next(), "STOPPING", "the session's value is the group's");
            continue;
        }
        assert_eq!(step.completed(), Some(&Verdict(7)), "{before}");
        let told = if before == "READY" { vec!["GroupUpdate", "NotReady"] } else { vec![] };
        assert_eq!(step.sent_names(), told, "{before}");
        let said = "the member \"clock\" has ended, and all other connections of the group with it: groups.Result";
        assert_eq!(step.said(), [said], "{before}");
    }
    let mut test = Test::new(plain());
    let _ = test.found(0);
    let step = test.table.complete(test.members[0], Verdict(7));
    assert_eq!(step.sent_to::<GroupUpdate>(test.table.parent()), [&update("clock", None)]);
}

#[test]
fn when_all_are_there_the_session_is_created_with_their_addresses() {
    let mut test = Test::new(with_session());
    for member in 0..2 {
        assert_eq!(test.found(member).sent_names(), [""; 0], "the owner hears nothing");
    }
    let step = test.found(2);
    assert_eq!((step.next(), step.sent_names().len()), ("WORKING", 0));
    assert_eq!(step.created::<Work>()[0].addresses, [far(1), far(2), far(3)]);
}

#[test]
fn a_member_lost_before_the_session_is_awaited_again() {
    let mut test = Test::new(with_session());
    let _ = (test.found(0), test.found(1), test.lost(0), test.found(2));
    assert_eq!(test.table.state(), "PENDING");
    assert_eq!(test.found(0).next(), "WORKING");
}

#[test]
fn the_group_ends_with_the_value_of_its_session() {
    for group in [with_session(), resident(), with_session_until_stopped()] {
        let mut test = Test::full(group);
        assert_eq!(test.table.complete(test.session, Verdict(3)).completed(), Some(&Verdict(3)));
    }
}

#[test]
fn losing_a_member_ends_a_group_that_is_not_resident() {
    let mut test = Test::full(with_session());
    let step = test.lost(1);
    assert_eq!(step.completed::<Faulted>().map(|fault| &*fault.condition), Some("lost \"store\""));
}

#[test]
fn a_resident_group_has_one_session_after_the_other() {
    let mut test = Test::restarting();
    let step = test.table.complete(test.session, Verdict(3));
    assert_eq!((step.next(), step.sent_names().len()), ("PENDING", 0));
    assert_eq!(test.table.complete(test.session, Done).next(), "PENDING", "it has ended already");
    let step = test.found(0);
    let work = step.created::<Work>();
    assert_eq!((step.next(), work[0].addresses), ("WORKING", [far(1), far(2), far(3)]));
    assert_eq!(work[0].previous.as_ref().and_then(Value::peek), Some(&Verdict(3)));
}

#[test]
fn members_come_and_go_while_the_session_stops() {
    let mut test = Test::restarting();
    let _ = (test.lost(1), test.found(0), test.found(1));
    assert_eq!(test.table.state(), "RESTARTING");
    assert_eq!(test.table.complete(test.session, Verdict(3)).next(), "WORKING");
    let mut test = Test::restarting();
    let _ = (test.found(0), test.lost(1));
    assert_eq!(test.table.complete(test.session, Verdict(3)).next(), "PENDING");
}

#[test]
fn without_a_session_the_parent_gets_what_peers_send() {
    for mut test in [Test::new(plain()), Test::full(plain())] {
        let (before, parent) = (test.table.state(), test.table.parent());
        let step = test.table.give_from(far(1), News(7));
        assert!(step.forwarded::<News>(parent, far(1)) && step.next() == before);
    }
}

#[test]
fn the_session_gets_what_peers_send() {
    for mut test in [Test::full(with_session()), Test::stopping()] {
        let before = test.table.state();
        let step = test.table.give_from(far(1), News(7));
        assert!(step.forwarded::<News>(test.session, far(1)) && step.next() == before);
    }
}

#[test]
fn the_parent_gets_what_the_session_sends() {
    for mut test in [Test::full(with_session()), Test::restarting(), Test::stopping()] {
        let (before, parent) = (test.table.state(), test.table.parent());
        let step = test.table.give_from(test.session, News(7));
        assert!(step.forwarded::<News>(parent, test.session) && step.next() == before);
    }
}

#[test]
fn the_session_gets_first_what_came_before_it() {
    let mut test = Test::new(with_session());
    for number in 0..2 {
        assert!(test.table.give_from(far(1 + number), News(number)).sent_names().is_empty());
    }
    let _ = (test.found(0), test.found(1));
    let step = test.found(2);
    assert_eq!(step.sent_to::<News>(test.session), [&News(0), &News(1)]);
    assert!(step.forwarded::<News>(test.session, far(1)) && step.forwarded::<News>(test.session, far(2)));
}

#[test]
fn the_next_session_gets_what_came_between() {
    let mut test = Test::restarting();
    assert!(test.table.give_from(far(2), News(1)).sent_names().is_empty());
    let _ = test.table.complete(test.session, Done);
    assert!(test.table.give_from(far(3), News(2)).sent_names().is_empty());
    let step = test.found(0);
    assert_eq!(step.sent_to::<News>(test.session), [&News(1), &News(2)]);
}

#[test]
fn of_many_early_messages_the_last_are_kept() {
    let mut test = Test::new(with_session());
    for number in 0..40 {
        let step = test.table.give_from(far(1), News(number));
        assert_eq!(step.said().len(), usize::from(number >= 32), "what is dropped is told");
    }
    let _ = (test.found(0), test.found(1));
    let step = test.found(2);
    let numbers: Vec<u32> = step.sent_to::<News>(test.session).iter().map(|news| news.0).collect();
    assert_eq!(numbers, (8..40).collect::<Vec<_>>());
}

#[test]
fn it_can_be_stopped_in_every_state() {
    for mut test in every_state() {
        let before = test.table.state();
        let step = test.table.give(Stop);
        assert!(step.sent_names().is_empty());
        assert!(step.completed::<Aborted>().is_some() || (before, step.next()) == ("STOPPING", "STOPPING"), "{before}");
    }
}

#[test]
fn until_stopped_the_value_of_the_session_is_that_of_the_group() {
    let mut test = Test::stopping();
    let _ = (test.lost(0), test.found(0));
    assert_eq!(test.table.complete(test.members[1], Done).next(), "STOPPING");
    assert_eq!(test.table.complete(test.session, Verdict(3)).completed(), Some(&Verdict(3)));
}

#[test]
fn until_stopped_it_waits_also_for_a_session_that_stops_already() {
    let mut test = Test::full(trio().table().resident(Work::new).until_stopped().group());
    let _ = test.lost(0);
    let step = test.table.give(Stop);
    assert_eq!((step.next(), step.sent_names().len()), ("STOPPING", 0), "it was told to stop already");
    assert_eq!(test.table.complete(test.session, Verdict(3)).completed(), Some(&Verdict(3)));
}

#[test]
fn a_session_that_does_not_stop_holds_the_group_up_for_10_seconds() {
    let mut test = Test::stopping();
    assert_eq!(test.table.advance(seconds(10) - millis(1)).next(), "STOPPING");
    assert!(test.table.advance(millis(1)).completed::<Aborted>().is_some());
    let mut test = Test::restarting();
    let step = test.table.advance(seconds(10));
    assert!(step.completed::<Faulted>().is_some_and(|fault| fault.condition.contains("does not stop")));
}

#[test]
fn every_cell_and_edge_is_taken() {
    let tests: [fn(); 27] = [
        without_room_for_a_member_or_a_session_it_ends,
        a_group_without_members_is_a_fault,
        the_parent_is_told_of_each_address_and_when_all_are_there,
        the_parent_is_told_when_one_is_lost_before_all_are_there,
        the_parent_is_told_when_the_group_is_not_ready_any_more,
        what_is_known_is_no_news,
        who_is_no_member_brings_no_news,
        another_address_of_a_member_takes_the_place_of_the_first,
        another_address_of_a_member_ends_the_session_that_has_the_first,
        a_group_that_is_not_ready_in_time_ends,
        the_time_to_get_ready_does_not_run_on,
        a_resident_group_waits_for_ever,
        a_member_that_ends_ends_the_group,
        when_all_are_there_the_session_is_created_with_their_addresses,
        a_member_lost_before_the_session_is_awaited_again,
        the_group_ends_with_the_value_of_its_session,
        losing_a_member_ends_a_group_that_is_not_resident,
        a_resident_group_has_one_session_after_the_other,
        members_come_and_go_while_the_session_stops,
        without_a_session_the_parent_gets_what_peers_send,
        the_session_gets_what_peers_send,
        the_session_gets_first_what_came_before_it,
        the_next_session_gets_what_came_between,
        it_can_be_stopped_in_every_state,
        until_stopped_the_value_of_the_session_is_that_of_the_group,
        until_stopped_it_waits_also_for_a_session_that_stops_already,
        a_session_that_does_not_stop_holds_the_group_up_for_10_seconds,
    ];
    assert_eq!(never_taken::<AddressGroup>(&tests), "");
}
