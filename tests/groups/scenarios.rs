//! Groups whose servers come late, die and come back.

use statepoint::sim::Random;
use statepoint::{Connect, ConnectToAddress};

use crate::support::*;
use crate::town::*;
use statepoint::prelude::*;

#[test]
fn a_group_is_ready_when_its_servers_are_there() {
    let (mut town, notes) = (Town::busy(1), Notes::default());
    let owner = town.create(Owner::new(&notes));
    town.until(seconds(1), "three answers", || {
        notes.all().iter().filter(|note| note.starts_with("answer")).count() == 3
    });
    let mut heard = notes.all();
    heard.sort();
    assert_eq!(heard, ["+clock", "+scale", "+store", "Ready", "answer 0", "answer 1", "answer 2"]);
    town.stop(owner);
    assert!(town.end(seconds(1)).is::<Aborted>());
}

#[test]
fn a_server_that_comes_late_is_met_at_the_next_attempt() {
    let (mut town, notes) = (Town::new(2), Notes::default());
    (0..2).for_each(|server| town.begin(server));
    town.create(Owner::new(&notes));
    town.simulation.run_for(seconds(3));
    assert_eq!((notes.count("+clock"), notes.count("+store"), notes.count("Ready")), (1, 1, 0));
    town.begin(2);
    // Attempts on a private network begin 4 to 6 seconds apart.
    town.until(seconds(3), "the group to be ready", || notes.is_ready());
}

#[test]
pub(crate) fn a_server_that_is_killed_and_comes_back_makes_the_group_ready_again() {
    let (mut town, notes) = (Town::busy(3), Notes::default());
    town.create(Owner::new(&notes));
    town.until(seconds(1), "the answer", || notes.count("answer 1") == 1);
    town.simulation.run_for(seconds(60));
    town.kill(1);
    town.until(seconds(1), "the group not to be ready", || notes.count("NotReady") == 1);
    let heard = notes.all();
    assert_eq!(heard[heard.len() - 2..], ["-store", "NotReady"]);
    town.begin(1);
    town.until(seconds(6), "the second answer", || notes.count("answer 1") == 2);
    check_order(&notes);
}

#[test]
fn members_come_and_go_and_the_owner_always_knows() {
    for seed in 0..50 {
        let (mut town, notes, mut random) = (Town::with_faults(seed, latency()), Notes::default(), Random::new(seed));
        let owner = town.create(Owner::new(&notes));
        let mut is_up = [false; 3];
        for _ in 0..20 {
            let server = random.below(3) as usize;
            if is_up[server] {
                town.kill(server as u32);
            } else {
                town.begin(server as u32);
            }
            is_up[server] = !is_up[server];
            town.simulation.run_for(random.duration_between(millis(0), seconds(40)));
        }
        for server in (0..3).filter(|server| !is_up[*server as usize]) {
            town.begin(server);
        }
        // The largest delay on a private network is 24 seconds.
        town.until(seconds(48), "the group to be ready", || notes.is_ready());
        check_order(&notes);
        town.stop(owner);
        town.end(seconds(5));
    }
}

/// Asks all servers, and ends with how many have answered when it is stopped.
struct Inquiry {
    servers: [Address; 3],
    answers: u32,
    notes: Notes,
}

#[state_machine]
impl Inquiry {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        for server in self.servers {
            cx.send(server, Question);
        }
        Next::STAY
    }

    fn ANY_Answer(&mut self, _: Answer) -> Next<Self> {
        self.answers += 1;
        self.notes.add(self.answers);
        Next::STAY
    }

    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Verdict(self.answers))
    }
}

fn inquiry(servers: &Servers, notes: &Notes, previous: Option<Value>) -> Inquiry {
    notes.add("session");
    let answers = previous.and_then(|value| value.take::<Verdict>().ok()).map_or(0, |verdict| verdict.0);
    Inquiry { servers: servers.addresses(), answers, notes: notes.clone() }
}

#[test]
fn a_group_with_a_session_ends_when_a_server_is_lost() {
    let (mut town, notes) = (Town::busy(4), Notes::default());
    let seen = notes.clone();
    let table = Servers::new().table().session(move |servers| inquiry(servers, &seen, None));
    town.create(table.group());
    town.until(seconds(1), "three answers", || notes.count("3") == 1);
    town.kill(0);
    assert_eq!(town.end(seconds(1)).fault().as_deref(), Some("lost \"clock\" (the group is no longer complete)"));
}

#[test]
fn until_stopped_the_value_of_the_session_is_the_result_of_the_program() {
    let (mut town, notes) = (Town::busy(5), Notes::default());
    let seen = notes.clone();
    let table = Servers::new().table().session(move |servers| inquiry(servers, &seen, None)).until_stopped();
    let group = town.create(table.group());
    town.until(seconds(1), "three answers", || notes.count("3") == 1);
    town.stop(group);
    assert_eq!(town.end(seconds(1)).peek(), Some(&Verdict(3)));
}

#[test]
fn a_resident_group_gives_each_session_the_value_of_the_one_before() {
    let (mut town, notes) = (Town::busy(6), Notes::default());
    let seen = notes.clone();
    let table = Servers::new().table().resident(move |servers, previous| inquiry(servers, &seen, previous));
    let group = town.create(table.until_stopped().group());
    for round in 1..=4 {
        let answers = (3 * round).to_string();
        town.until(seconds(60), "three more answers", || notes.count(&answers) == 1);
        assert_eq!(notes.count("session"), round);
        if round < 4 {
            let server = round as u32 % 3;
            town.kill(server);
            town.simulation.run_for(seconds(30));
            assert_eq!(notes.count("session"), round, "there is none without all servers");
            town.begin(server);
        }
    }
    town.stop(group);
    assert_eq!(town.end(seconds(1)).peek(), Some(&Verdict(12)));
}

#[test]
pub(crate) fn a_group_that_is_not_ready_in_time_leaves_nothing() {
    let mut town = Town::new(7);
    town.begin(0);
    town.create(Servers::new().table().get_ready(seconds(10)).group());
    assert!(town.end(seconds(11)).is::<TimedOut>());
}

/// One session for each connection.
#[test]
fn a_member_with_a_session_for_each_connection_ends_with_its_value() {
    let mut town = Town::busy(8);
    let connect = Connect::to(place(2)).session(|peer| {
        let server = peer.address;
        routine(async move |cx: &mut Routine| {
            cx.send(server, Question);
            Verdict(cx.select::<Answer>().await.server)
        })
    });
    town.create(ConnectToAddress::new(connect));
    assert_eq!(town.end(seconds(1)).peek(), Some(&Verdict(2)));
}

/// Runs for 12 seconds; then again from the beginning, stopped after the first event, after the second, and so on, once or
/// twice. From several seeds; how many runs that were.
fn stopped_at_every_moment(run: impl Fn(u64) -> (Town, Address)) -> usize {
    let stopped_after = |seed, events| {
        let (mut town, root) = run(seed);
        let until = town.simulation.now() + seconds(12);
        if (0..events).any(|_| !town.simulation.step(until)) {
            return None;
        }
        town.stop(root);
        if events % 2 == 0 {
            town.stop(root);
        }
        assert!(town.end(seconds(6)).is::<Aborted>());
        Some(())
    };
    (0..5).map(|seed| (0..).map_while(|events| stopped_after(seed, events)).count()).sum()
}

/// Two servers that are there, one of which goes for a while, and one that comes late.
fn unsteady(seed: u64) -> Town {
    let mut town = Town::with_faults(seed, latency());
    town.begin(0);
    for server in [1, 2] {
        let (away, there) = ([0, 0, 3][server as usize], [0, 2, 60][server as usize]);
        let server_of = async move |cx: &mut Routine| come_and_go(cx, server, seconds(away), seconds(there)).await;
        town.visit(server, routine(server_of));
    }
    town
}

#[test]
fn a_group_that_is_stopped_at_any_moment_leaves_nothing() {
    let run = |seed| {
        let mut town = unsteady(seed);
        let owner = town.create(Owner::new(&Notes::default()));
        (town, owner)
    };
    assert!(stopped_at_every_moment(run) > 200);
}

#[test]
pub(crate) fn a_resident_group_that_is_stopped_at_any_moment_leaves_nothing() {
    let run = |seed| {
        let (mut town, notes) = (unsteady(seed), Notes::default());
        let table = Servers::new().table().resident(move |servers, previous| inquiry(servers, &notes, previous));
        let group = town.create(table.group());
        (town, group)
    };
    assert!(stopped_at_every_moment(run) > 200);
}

#[test]
pub(crate) fn a_port_that_is_stopped_at_any_moment_leaves_nothing() {
    // The port comes under a name that has to be looked up.
    let port = || HostPort::new("client.lab", 32012);
    let run = |seed| {
        let mut town = Town::with_faults(seed, latency());
        town.simulation.world().name("client.lab", vec![CLIENT.into()]);
        for server in 0..3 {
            let retry = Retry::steps([], millis(400)).stable_after(seconds(0));
            town.visit(server, ConnectToAddress::new(port()).retry(retry));
        }
        let port = town.create(ListenAtAddress::new(port()));
        (town, port)
    };
    assert!(stopped_at_every_moment(run) > 80);
}
