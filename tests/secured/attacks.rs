//! An attacker between two hosts, from many seeds: nothing that he does makes a point hear what was not said, each end is told
//! one end, and of what is sealed he reads nothing.

use std::net::SocketAddr;
use std::time::Duration;

use statepoint::link::Mode;
use statepoint::sim::{Faults, Random};
use statepoint::{Ended, Failure, TraceHash};

use crate::conversation::{CLEARTEXT, Log, Script, Speaker, Story, check};
use crate::modes::{connecting, listening};
use crate::simulated::Simulated;
use crate::way::{Attacker, Deed};
use crate::world::World;

const SEALED: [Mode; 3] = [Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];

/// Seeds of one test.
const SEEDS: u64 = 600;

/// Longer than any deadline: a link that opens, a record that ends, a close that is answered.
const LONG: Duration = Duration::from_secs(60);

/// A conversation over several connections in the presence of an attacker.
struct Run {
    attacker: Attacker,
    /// By connection: the client's story and the server's.
    stories: Vec<(Story, Option<Story>)>,
    clients: Vec<SocketAddr>,
    hash: u64,
}

fn faults(random: &mut Random) -> Faults {
    let calm = Faults { latency_least: Duration::from_micros(100), ..Faults::default() };
    if random.chance(0.5) {
        return calm;
    }
    Faults { latency_mean: Duration::from_micros(200), split_writes: 0.5, short_reads: 0.3, short_writes: 0.3, ..calm }
}

fn script(random: &mut Random) -> Script {
    let rounds = (0..random.between(1, 4)).map(|_| random.below(6) as u32).collect();
    let sizes = (0..3).map(|_| random.scaled(1, 20_000) as usize).collect();
    let pause = random.duration_between(Duration::from_micros(10), Duration::from_millis(3));
    Script { rounds, pause, sizes, server_closes: random.chance(0.5), is_single: false }
}

/// So many clients talk to one server, while somebody does `deeds`.
fn run(
    seed: u64,
    mode: Mode,
    faults: Faults,
    script: &Script,
    clients: usize,
    deeds: Vec<((usize, bool), Deed)>,
) -> Result<Run, String> {
    let world = &mut Simulated::with(seed, faults);
    let (here, there) = (world.host(), world.host());
    let hashes = [here, there].map(|host| {
        let hash = TraceHash::new();
        world.kernel(host).set_sink(hash.clone());
        hash
    });
    let server = Speaker::server(listening(mode, world.own(here)), script);
    let (server_log, at) = (server.log.clone(), server.at.clone());
    world.create(here, server);
    world.run_until("the port", |_| at.borrow().is_some());
    let at = at.borrow().ok_or("no port")?;
    let attacker = Attacker::new(&world.net(), at, deeds);
    let logs: Vec<Log> = (0..clients)
        .map(|_| {
            let client = Speaker::client(connecting(mode, at), script);
            let log = client.log.clone();
            world.create(there, client);
            log
        })
        .collect();
    world.pass(LONG);
    // They have connected one after the other, and got ports in that order.
    let mut clients = attacker.clients();
    clients.sort();
    let logs: Vec<_> = clients.iter().copied().zip(logs).collect();
    let stories = check(&server_log, &logs, script)?;
    let opened = server_log.opened().len();
    let accepted = world.net_counters(here).accepted as usize;
    if accepted != opened + server_log.not_opened().len() {
        return Err(format!("{accepted} accepted, {opened} opened and {:?} not", server_log.not_opened()));
    }
    let left = (world.sockets(here), world.sockets(there), world.kernel(there).points());
    if left != (1, 0, clients.len()) {
        return Err(format!("sockets and points are left: {left:?}"));
    }
    for host in [here, there] {
        let (kernel, net) = (world.kernel(host).counters().clone(), world.net_counters(host));
        if (kernel.refused, kernel.panics, kernel.unknown, net.refused) != (0, 0, 0, 0) {
            return Err(format!("something got through: {kernel:?} {net:?}"));
        }
    }
    world.finish();
    let hash = hashes.iter().fold(world.net().trace_hash(), |all, hash| all.rotate_left(9) ^ hash.value());
    Ok(Run { attacker, stories, clients, hash })
}

/// What the attacker has done was noticed at one end at least, and where he has done nothing all was in order.
fn is_noticed(run: &Run) -> Result<(), String> {
    for (client, (at_client, at_server)) in run.clients.iter().zip(&run.stories) {
        let is_changed = run.attacker.has_changed(*client);
        let is_orderly = at_client.is_orderly() && at_server.as_ref().is_some_and(Story::is_orderly);
        if is_changed == is_orderly {
            return Err(format!("changed: {is_changed}, {at_client:?}, {at_server:?}"));
        }
        for story in [Some(at_client), at_server.as_ref()].into_iter().flatten() {
            check_reason(story)?;
        }
    }
    Ok(())
}

/// What an end may be told because of an attacker. Nothing of it is final.
fn check_reason(story: &Story) -> Result<(), String> {
    let link = match &story.end {
        Ok((_, Ended::Link(error))) => Some(error),
        Err(Failure { link, .. }) => link.as_ref(),
        Ok(_) => None,
    };
    if link.is_some_and(|error| error.is_final()) { Err(format!("{story:?} is final")) } else { Ok(()) }
}

/// Anything, at any place of any connection and direction.
fn seeded(seed: u64) -> Result<Run, String> {
    let random = &mut Random::new(seed);
    let mode = SEALED[seed as usize % SEALED.len()];
    let (faults, script, clients) = (faults(random), script(random), random.between(1, 3));
    // Half of all attacks are upon the handshake and the first few records.
    let bytes = if random.chance(0.5) { 300 } else { 30_000 };
    let deeds: Vec<_> = (0..random.between(1, 3))
        .map(|_| {
            let direction = (random.below(clients) as usize, random.chance(0.5));
            (direction, Deed::drawn(random, bytes, 8, clients))
        })
        .collect();
    let run = run(seed, mode, faults, &script, clients as usize, deeds.clone());
    let run = run.and_then(|run| is_noticed(&run).map(|()| run));
    run.map_err(|flaw| format!("seed {seed}, {mode}, {deeds:?}: {flaw}"))
}

#[test]
fn whatever_is_done_on_the_way_nobody_hears_what_was_not_said() {
    let (mut unopened, mut cut_off, mut untouched) = (0, 0, 0);
    for seed in 0..SEEDS {
        let run = seeded(seed).unwrap_or_else(|flaw| panic!("{flaw}"));
        for (client, _) in &run.stories {
            match &client.end {
                Err(_) => unopened += 1,
                Ok(_) if client.is_orderly() => untouched += 1,
                Ok(_) => cut_off += 1,
            }
        }
        assert!(!run.attacker.has_seen(CLEARTEXT.as_bytes()), "seed {seed}");
    }
    assert!([unopened, cut_off, untouched].iter().all(|count| *count > 50), "{unopened}, {cut_off}, {untouched}");
}

#[test]
fn the_same_seed_gives_the_same_attack() {
    for seed in 0..10 {
        let [one, other] = [(); 2].map(|()| seeded(seed).map(|run| run.hash));
        assert_eq!(one, other);
    }
}

/// A short conversation. With nothing done to it: how long it is in each direction.
fn short(mode: Mode, deeds: Vec<((usize, bool), Deed)>) -> Result<Run, String> {
    let (rounds, pause) = (vec![2, 1], Duration::from_millis(1));
    let script = Script { rounds, pause, sizes: vec![10], server_closes: false, is_single: false };
    run(7, mode, Faults { latency_least: Duration::from_micros(100), ..Faults::default() }, &script, 1, deeds)
}

#[test]
fn a_bit_that_is_flipped_at_any_byte_is_noticed() {
    for mode in SEALED {
        let honest = short(mode, Vec::new()).unwrap_or_else(|flaw| panic!("{mode}: {flaw}"));
        is_noticed(&honest).unwrap_or_else(|flaw| panic!("{mode}: {flaw}"));
        for (direction, bytes, _) in honest.attacker.sizes() {
            for at in 0..bytes {
                let deed = Deed::Flip { at, bit: (at * 5 % 8) as u8 };
                let run = short(mode, vec![(direction, deed)]);
                let flaw =
                    run.and_then(|run| is_noticed(&run).map(|()| assert!(run.attacker.has_changed(run.clients[0]))));
                flaw.unwrap_or_else(|flaw| panic!("{mode}, byte {at} of {direction:?}: {flaw}"));
            }
        }
    }
}

/// What is on the wire can be read where it should be, so it would be seen elsewhere too.
#[test]
fn only_a_clear_link_can_be_read_on_the_way() {
    let texts = [CLEARTEXT, "secured.Saying", "from_server", "xxxxxxxx"];
    for mode in [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual] {
        let run = short(mode, Vec::new()).unwrap_or_else(|flaw| panic!("{mode}: {flaw}"));
        for text in texts {
            assert_eq!(run.attacker.has_seen(text.as_bytes()), mode == Mode::Clear, "{mode}: {text}");
        }
    }
}
