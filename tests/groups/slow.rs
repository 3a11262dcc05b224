//! Groups on a simulated network whose servers speak unasked, whose members end or move, whose sessions take their time.

use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Exhausted, GroupTable};

use crate::onlooker::{Reporter, Slow, Watched};
use crate::support::*;
use crate::town::*;

/// A member that tries again every half second.
fn member(server: u32) -> Member {
    Member::new(move || ConnectToAddress::new(place(server)).retry(Retry::steps([], millis(500))))
}

fn servers() -> Servers {
    Servers { clock: member(0), store: member(1), scale: member(2) }
}

fn begin(town: &mut Town, server: u32) {
    town.visit(server, Reporter::new(place(server)));
}

/// A town in which every server speaks once a second.
fn talkative() -> Town {
    let mut town = Town::new(1);
    (0..3).for_each(|server| begin(&mut town, server));
    town
}

/// A resident group whose sessions take so long to stop; sessions and parent write into the same notes.
fn resident(town: &mut Town, takes: Duration, options: fn(GroupTable<Servers>) -> GroupTable<Servers>) -> Watched {
    let notes = Notes::default();
    let seen = notes.clone();
    let table = servers().table().resident(move |_, previous| {
        seen.add(format_args!("previous {:?}", previous.and_then(|value| value.take::<Verdict>().ok())));
        Slow::new(takes, &seen)
    });
    let group = town.watch(options(table).group());
    town.until(seconds(2), "a session", || notes.count("session") == 1);
    town.simulation.run_for(millis(2_500));
    Watched { notes, ..group }
}

/// A server goes, and with it what the session was told.
fn lose(town: &mut Town, group: &Watched, server: u32) {
    town.kill(server);
    town.until(seconds(1), "the session to be told to stop", || group.notes.count("told to stop") > 0);
}

#[test]
pub(crate) fn without_a_session_the_parent_hears_what_servers_say() {
    let mut town = Town::new(1);
    (0..2).for_each(|server| begin(&mut town, server));
    let group = town.watch(servers().table().group());
    town.simulation.run_for(millis(3_100));
    let notes = &group.notes;
    assert_eq!((notes.count("GroupUpdate"), notes.count("Ready"), notes.count("News")), (2, 0, 6));
    begin(&mut town, 2);
    town.until(seconds(1), "the group to be ready", || notes.count("Ready") == 1);
    let so_far = notes.count("News");
    town.simulation.run_for(seconds(2));
    assert_eq!(notes.count("News"), so_far + 6);
    town.stop(group.point);
    assert!(town.end(seconds(1)).is::<Aborted>());
}

#[test]
pub(crate) fn a_group_ends_with_a_member_that_gives_up() {
    let mut town = talkative();
    let nobody = Member::new(|| ConnectToAddress::new(named_place(0)).retry(Retry::by_scope().attempts(1)));
    town.simulation.world().name(named_place(0).host(), Vec::new());
    let group = town.watch(Servers { clock: nobody, ..servers() }.table().group());
    assert!(town.end(seconds(1)).is::<Exhausted>());
    assert_eq!(group.notes.count("Ready"), 0);
}

#[test]
pub(crate) fn a_group_that_is_ready_ends_with_a_member_that_was_to_connect_once() {
    let mut town = talkative();
    let once = Member::new(|| ConnectToAddress::new(place(0)).once());
    let group = town.watch(Servers { clock: once, ..servers() }.table().group());
    town.until(seconds(1), "the group to be ready", || group.notes.count("Ready") == 1);
    town.kill(0);
    assert!(town.end(seconds(1)).is::<Abandoned>());
    let notes = group.notes.all();
    assert_eq!(notes[notes.len() - 2..], ["GroupUpdate", "NotReady"]);
}

/// A member whose address changes after so long, and again, and that is never without one.
async fn nomad(cx: &mut Routine, stays: Duration) {
    for number in (1..=2).cycle() {
        cx.send(cx.parent(), UseAddress { address: far(number) });
        cx.sleep(stays).await;
    }
}

fn with_nomad(stays: Duration) -> Servers {
    let nomad = Member::new(move || routine(async move |cx: &mut Routine| nomad(cx, stays).await));
    Servers { clock: nomad, ..servers() }
}

#[test]
pub(crate) fn a_member_that_moves_leaves_the_group_ready() {
    let mut town = talkative();
    let group = town.watch(with_nomad(seconds(10)).table().group());
    town.simulation.run_for(seconds(35));
    let notes = &group.notes;
    assert_eq!((notes.count("GroupUpdate"), notes.count("Ready"), notes.count("NotReady")), (6, 1, 0));
    town.stop(group.point);
    town.end(seconds(1));
}

#[test]
pub(crate) fn a_member_that_moves_ends_the_session_that_has_its_address() {
    let mut town = talkative();
    let notes = Notes::default();
    let seen = notes.clone();
    town.watch(with_nomad(seconds(10)).table().session(move |_| Slow::new(seconds(1), &seen)).group());
    town.simulation.run_for(seconds(9));
    assert_eq!(notes.all(), ["session"]);
    assert_eq!(town.end(seconds(3)).fault().as_deref(), Some("lost \"clock\" (the group is no longer complete)"));
    assert_eq!(notes.all(), ["session", "told to stop"]);
}

#[test]
pub(crate) fn a_group_ends_with_the_session_that_has_heard_enough() {
    let mut town = talkative();
    let session = |_: &Servers| {
        routine(async |cx: &mut Routine| {
            for _ in 0..10 {
                cx.select::<News>().await;
            }
            Verdict(10)
        })
    };
    let group = town.watch(servers().table().session(session).group());
    assert_eq!(town.end(seconds(5)).peek(), Some(&Verdict(10)));
    assert_eq!(group.notes.all(), [""; 0]);
}

#[test]
pub(crate) fn what_changes_while_a_session_stops_is_for_the_next_one() {
    let mut town = talkative();
    let group = resident(&mut town, seconds(4), |table| table);
    lose(&mut town, &group, 0);
    begin(&mut town, 0);
    town.simulation.run_for(seconds(1));
    town.kill(1);
    town.simulation.run_for(seconds(1));
    begin(&mut town, 1);
    town.simulation.run_for(seconds(1));
    assert_eq!(group.notes.count("session"), 1, "it takes 4 seconds to stop");
    town.until(seconds(1), "the next session", || group.notes.count("session") == 2);
    // Three servers have spoken twice each by then, and what they say while it stops is not for it.
    let previous: Vec<String> = group.notes.all().into_iter().filter(|note| note.starts_with("previous")).collect();
    assert_eq!(previous, ["previous None", "previous Some(Verdict(6))"]);
    town.stop(group.point);
    town.end(seconds(5));
}

/// It had time to say goodbye: as much as the kernel gives.
#[test]
pub(crate) fn a_group_that_is_stopped_while_its_session_stops_is_aborted() {
    let mut town = talkative();
    let group = resident(&mut town, seconds(3), |table| table);
    lose(&mut town, &group, 0);
    town.stop(group.point);
    assert!(town.end(seconds(4)).is::<Aborted>());
    assert_eq!(group.notes.count("told again"), 1, "by the kernel");
}

/// What was kept for the next session is for this one, which is the last.
#[test]
fn until_stopped_a_session_that_stops_already_gets_what_came_meanwhile() {
    let mut town = talkative();
    let group = resident(&mut town, seconds(9), GroupTable::until_stopped);
    lose(&mut town, &group, 0);
    town.simulation.run_for(seconds(3));
    town.stop(group.point);
    let verdict = town.end(seconds(7)).take::<Verdict>().expect("that of the session");
    // Three servers twice, then two for nine seconds.
    assert_eq!((verdict, group.notes.count("told again")), (Verdict(6 + 2 * 9), 0));
}

#[test]
pub(crate) fn a_session_that_takes_longer_than_10_seconds_to_stop_ends_its_group() {
    let mut town = talkative();
    let group = resident(&mut town, seconds(12), |table| table);
    lose(&mut town, &group, 0);
    let fault = town.end(seconds(13)).take::<Faulted>().expect("a fault");
    assert_eq!(fault.condition, "the session of a group does not stop");
    assert_eq!(group.notes.count("told again"), 1);
}

#[test]
pub(crate) fn until_stopped_members_come_and_go_and_the_session_has_the_last_word() {
    let mut town = talkative();
    let group = resident(&mut town, seconds(9), GroupTable::until_stopped);
    town.stop(group.point);
    town.simulation.run_for(seconds(2));
    town.kill(0);
    town.simulation.run_for(seconds(2));
    begin(&mut town, 0);
    town.stop(group.point);
    let verdict = town.end(seconds(6)).take::<Verdict>().expect("that of the session");
    assert!(verdict.0 > 6 + 2 * 9, "it hears the servers to the end: {verdict:?}");
    assert_eq!((group.notes.count("told to stop"), group.notes.count("told again")), (1, 0));
}

#[test]
pub(crate) fn until_stopped_a_group_waits_for_its_session_10_seconds() {
    let mut town = talkative();
    let group = resident(&mut town, seconds(12), GroupTable::until_stopped);
    town.stop(group.point);
    town.simulation.run_for(millis(9_900));
    assert_eq!(group.notes.count("told again"), 0);
    assert!(town.end(seconds(3)).is::<Aborted>());
    assert_eq!(group.notes.count("told again"), 1);
}
