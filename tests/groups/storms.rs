//! Groups on a network in which everything goes wrong, from many seeds.

use statepoint::prelude::*;
use statepoint::sim::{Faults, Happening, Random};

use crate::support::*;
use crate::town::*;

/// The largest delay on a private network, and for a name that was never found, which counts as the Internet.
const LARGEST_DELAY: u64 = 24;
const LARGEST_DELAY_OF_NAMES: u64 = 96;

/// About five minutes of faults, in which servers are killed and come back; then none. Within twice the largest delay the group is ready, and stays so.
fn weather(seed: u64, faults: Faults, has_names: bool) -> (Town, Address, Notes) {
    let (place, largest): (fn(u32) -> HostPort, u64) =
        if has_names { (named_place, LARGEST_DELAY_OF_NAMES) } else { (place, LARGEST_DELAY) };
    let (mut town, notes) = (Town::with_faults(seed, faults), Notes::default());
    (0..3).for_each(|server| town.begin(server));
    let owner = town.create(Owner::of(Servers::at(place), &notes));
    let mut random = Random::new(seed);
    for _ in 0..10 {
        town.simulation.run_for(random.duration_between(seconds(0), seconds(60)));
        let server = random.below(3) as u32;
        town.kill(server);
        town.simulation.run_for(random.duration_between(seconds(0), seconds(10)));
        town.begin(server);
    }
    town.simulation.world().heal();
    town.simulation.run_for(seconds(2 * largest));
    assert!(notes.is_ready(), "seed {seed}: expected a group that is ready, got {:?}", notes.all());
    let so_far = notes.all().len();
    town.simulation.run_for(seconds(60));
    assert_eq!(notes.all().len() - so_far, 0, "seed {seed}: the group is restless");
    check_order(&notes);
    (town, owner, notes)
}

#[test]
fn after_the_faults_end_every_group_is_ready_again() {
    use Happening::*;
    let faults = [
        RefusedAtRandom,
        Unanswered,
        TurnedAway,
        WrongListener,
        NoDescriptor,
        AcceptAborted,
        AcceptExhausted,
        ResetAtByte,
        ResetInTime,
        Lost,
        Clogged,
        NotResolved,
    ];
    let (mut seen, mut readies) = ([0; 12], 0);
    for seed in 0..200 {
        let (mut town, owner, notes) = weather(seed, Faults::swarm(seed), seed % 4 == 0);
        readies += notes.count("Ready");
        for (seen, fault) in seen.iter_mut().zip(faults) {
            *seen += town.simulation.world().count(fault);
        }
        town.stop(owner);
        town.end(seconds(10));
    }
    eprintln!("ready {readies} times; {:?}", faults.iter().zip(seen).collect::<Vec<_>>());
    assert!(readies > 800 && seen.iter().all(|seen| *seen > 20), "the weather was too good: {seen:?}");
}

/// What a peer that has vanished without a word does not answer, nobody notices; so here none vanishes.
#[test]
fn after_the_faults_end_every_server_answers() {
    for seed in 1_000..1_100 {
        let faults = Faults { lost: 0.0, ..Faults::swarm(seed) };
        let (mut town, owner, notes) = weather(seed, faults, true);
        let so_far = notes.answers();
        town.send(owner, AskAll);
        town.until(seconds(10), "three answers", || notes.answers() == so_far + 3);
    }
}

/// The same seed, the same run.
#[test]
fn a_storm_can_be_repeated() {
    let run = |seed| {
        let (town, _, notes) = weather(seed, Faults::swarm(seed), seed % 2 == 0);
        (town.simulation.world().trace_hash(), notes.all())
    };
    for seed in 0..5 {
        assert_eq!(run(seed), run(seed));
    }
}
