//! Peers that misbehave in ways drawn from seeds, towards a listener and towards a connector: nobody hears what was not said,
//! nobody is kept waiting, and nothing is left of them.
//!
//! A peer has an honest link of its own, and writes what that would write, spoilt. So it is known how far what came was what
//! an honest peer would have said: that is heard, and of the rest nothing. In a clear link anybody may change what is said, so
//! there the rest is the peer's own.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::Ended;
use statepoint::link::{ConnectSecurity, ListenSecurity, Mode};
use statepoint::prelude::*;
use statepoint::sim::Random;

use crate::in_every_mode;
use crate::insider::Insider;
use crate::misdeeds::{Leaving, Plan, Way, Who};
use crate::modes::{
    CLIENT, SERVER, STRANGER, Timed, connect_security, connecting, identity, key, listen_security, listening,
};
use crate::witness::{Heard, Witness};
use crate::world::{Accept, Raw, World, read_to_end, write_all};

in_every_mode!(
    peers_that_misbehave_towards_a_listener_achieve_nothing,
    peers_that_misbehave_towards_a_connector_achieve_nothing,
);

/// Seeds of one test. There are 24 of them.
const SEEDS: u64 = 150;

/// How long an opening may take of those that stay silent, which wait for it all at once. The others have as long as the test.
const LIMIT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(100);

fn peers_that_misbehave_towards_a_listener_achieve_nothing<W: Timed>(world: &mut W, mode: Mode) {
    let host = world.host();
    let own = world.own(host);
    let witness = Witness::new(world, host);
    let [patient, impatient] =
        [LONG, LIMIT].map(|limit| witness.listen(world, listening(mode, own).open_within(limit)));
    let call: Call<W> = Box::new(move |world, _, who, seed, limit| {
        let at = if limit == LONG { patient } else { impatient };
        Insider::connecting(world.connect_raw(at), &connector(who, mode), seed)
    });
    Trial::new(world, mode, witness, true, call).run(world);
}

fn peers_that_misbehave_towards_a_connector_achieve_nothing<W: Timed<Raw: 'static>>(world: &mut W, mode: Mode) {
    let host = world.host();
    let witness = Witness::new(world, host);
    let (at, mut accept) = world.raw_listener();
    let call: Call<W> = Box::new(move |world, witness, who, seed, limit| {
        witness.dial(world, connecting(mode, at).within(limit));
        Insider::listening(accepted(world, &mut accept), &listener(who, mode), seed)
    });
    Trial::new(world, mode, witness, false, call).run(world);
}

fn accepted<W: World>(world: &mut W, accept: &mut Accept<W::Raw>) -> W::Raw {
    let mut raw = None;
    world.run_until("a call", |_| {
        raw = raw.take().or_else(&mut *accept);
        raw.is_some()
    });
    raw.expect("just seen")
}

/// A connecting peer.
fn connector(who: Who, mode: Mode) -> ConnectSecurity {
    match (who, mode) {
        (Who::Right, mode) | (Who::OfMode(mode), _) => connect_security(mode),
        // Who proves nothing is nobody in particular.
        (Who::Stranger, Mode::Mutual) => connect_security(mode).identity(identity(STRANGER)),
        (Who::Distrusting, Mode::Mutual) => ConnectSecurity::clear().expect(key(STRANGER)).identity(identity(CLIENT)),
        (Who::Stranger | Who::Distrusting, _) => ConnectSecurity::clear().expect(key(STRANGER)),
    }
}

/// A listening peer.
fn listener(who: Who, mode: Mode) -> ListenSecurity {
    match (who, mode) {
        (Who::Right, mode) | (Who::OfMode(mode), _) => listen_security(mode),
        (Who::Stranger, Mode::Mutual) => ListenSecurity::clear().identity(identity(STRANGER)).allow([key(CLIENT)]),
        (Who::Distrusting, Mode::Mutual) => ListenSecurity::clear().identity(identity(SERVER)).allow([key(STRANGER)]),
        (Who::Stranger | Who::Distrusting, _) => ListenSecurity::clear().identity(identity(STRANGER)),
    }
}

/// Has a peer connected with the witness, which gives it so long.
type Call<W> = Box<dyn FnMut(&mut W, &Witness, Who, u64, Duration) -> Insider<<W as World>::Raw>>;

/// The witness, and all peers.
struct Trial<W: World> {
    mode: Mode,
    witness: Witness,
    /// The witness listens.
    listens: bool,
    call: Call<W>,
    /// An honest peer, which has been there from before, and its far end.
    friend: Option<(Insider<W::Raw>, Address)>,
    /// What the last peer would have written.
    earlier: Vec<Vec<u8>>,
    /// How many links were opened and not, how many notes were heard, how many ends were in order.
    counts: [usize; 4],
}

/// Tells what a peer was about to do when the test fails.
struct Story(String);

impl Drop for Story {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it has failed at {}", self.0);
        }
    }
}

impl<W: Timed> Trial<W> {
    fn new(world: &mut W, mode: Mode, witness: Witness, listens: bool, call: Call<W>) -> Self {
        let mut trial = Self { mode, witness, listens, call, friend: None, earlier: Vec::new(), counts: [0; 4] };
        trial.friend = Some(trial.honest(world, SEEDS));
        trial
    }

    fn run(mut self, world: &mut W) {
        let plans = (0..SEEDS).map(|seed| (seed, Plan::drawn(&mut Random::new(seed), self.mode)));
        let (silent, others): (Vec<_>, Vec<_>) = plans.partition(|(_, plan)| plan.leaving == Leaving::Silence);
        for (seed, plan) in &others {
            self.commit(world, *seed, plan);
            if seed % 10 == 0 {
                self.friend_is_heard(world);
            }
        }
        self.commit_silence(world, &silent);
        self.friend_is_heard(world);
        self.nothing_is_left(world);
        assert!(self.counts.iter().all(|count| *count > 5), "too little has happened: {:?}", self.counts);
    }

    /// One peer comes, misbehaves, and goes.
    fn commit(&mut self, world: &mut W, seed: u64, plan: &Plan) {
        let story = Story(format!("seed {seed}, {}: {plan:?}", self.mode));
        let start = self.witness.count();
        let mut peer = (self.call)(world, &self.witness, plan.who, seed, LONG);
        let said = self.misbehave(world, &mut peer, plan, seed);
        leave(world, peer, plan.leaving);
        self.witness.wait(world, start, "the end of it", Heard::is_end);
        let heard = self.heard_since(start);
        self.check(&heard, plan, &said).unwrap_or_else(|flaw| panic!("{flaw}: {}, heard {heard:?}", story.0));
        self.earlier = said.way.messages;
    }

    /// Several peers come and do not go: those whose links are not open have no more time than the limit.
    fn commit_silence(&mut self, world: &mut W, silent: &[(u64, Plan)]) {
        let _story = Story(format!("the silent ones, {}: {silent:?}", self.mode));
        let start = self.witness.count();
        let (mut peers, mut intact) = (Vec::new(), Vec::new());
        for (seed, plan) in silent {
            let mut peer = (self.call)(world, &self.witness, plan.who, *seed, LIMIT);
            let said = self.misbehave(world, &mut peer, plan, *seed);
            if self.opens(plan, &said) {
                peer.raw.shutdown();
            }
            intact.extend(said.intact());
            peers.push(peer);
        }
        let ends = |heard: &[Heard]| heard.iter().filter(|heard| heard.is_end()).count();
        let witness = &self.witness;
        let began = world.kernel(witness.host).now();
        world.run_until("the end of all of them", |_| ends(&witness.since(start)) == silent.len());
        let took = world.kernel(witness.host).now() - began;
        assert!(!W::IS_VIRTUAL || took < LIMIT + LIMIT / 2, "they took {took:?}");
        for heard in self.heard_since(start) {
            let is_said = match &heard {
                Heard::Note(_, number) => intact.contains(number),
                Heard::Other(..) => false,
                _ => true,
            };
            assert!(is_said || self.mode == Mode::Clear, "{heard:?} was not said");
        }
        peers.into_iter().for_each(|peer| peer.raw.close());
    }

    /// Does what is planned, up to where it leaves.
    fn misbehave(&self, world: &mut W, peer: &mut Insider<W::Raw>, plan: &Plan, seed: u64) -> Said {
        let mut said = Said { random: Some(Random::new(!seed)), ..Said::default() };
        let mut is_over = false;
        while !(peer.is_open() || is_over) {
            let message = peer.says();
            let is_as_ever = message.is_empty() || said.say(world, peer, message, plan, &self.earlier);
            if is_as_ever {
                world.run_until("the other end's part of the handshake", |_| {
                    is_over = peer.hears() != Ok(true);
                    is_over || peer.has_to_say() || peer.is_open()
                });
            } else {
                // Nobody knows whether the other end has anything to say to that.
                a_little_happens(world);
                is_over = peer.hears() != Ok(true) || !(peer.has_to_say() || peer.is_open());
            }
        }
        // Who connects is open when it has heard that the other end is.
        said.has_waited = self.listens && peer.is_open() && said.way.is_honest();
        let last = peer.says();
        if !last.is_empty() {
            said.say(world, peer, last, plan, &self.earlier);
        }
        if !peer.is_open() || is_over {
            return said;
        }
        if plan.waits && !self.listens && self.is_right(plan) && said.way.is_honest() {
            world.run_until("a first word", |_| peer.hears() != Ok(true) || !peer.frames.is_empty());
            said.has_waited = !peer.frames.is_empty();
        }
        for number in (1_000 * (seed + 1)..).take(plan.notes) {
            let message = peer.note(number as i64);
            said.say(world, peer, message, plan, &self.earlier);
            said.notes.push((said.way.honest.len(), number));
        }
        if plan.leaving == Leaving::Goodbye {
            let message = peer.goodbye();
            said.say(world, peer, message, plan, &self.earlier);
            said.has_goodbye = true;
        }
        said
    }

    fn is_right(&self, plan: &Plan) -> bool {
        matches!(plan.who, Who::Right) || plan.who == Who::OfMode(self.mode)
    }

    /// How much an honest peer writes until the other end's sealed link is open.
    fn handshake(&self) -> usize {
        match (self.listens, self.mode) {
            (true, Mode::Mutual) => 48 + 64,
            (true, _) => 48 + 16,
            (false, Mode::Encrypted) => 64 + 21,
            (false, _) => 112 + 21,
        }
    }

    /// Whether the other end's link opens.
    fn opens(&self, plan: &Plan, said: &Said) -> bool {
        match self.mode {
            Mode::Clear => said.way.opens_clear(self.listens),
            _ => self.is_right(plan) && said.way.agreed() >= self.handshake(),
        }
    }

    /// What the witness has heard of all but the friend.
    fn heard_since(&self, start: usize) -> Vec<Heard> {
        let friend = self.friend.as_ref().map_or(Address::NONE, |(_, far)| *far);
        self.witness.since(start).into_iter().filter(|heard| !heard.is_of(friend)).collect()
    }

    /// What the witness has heard of a peer is what came of what it has said.
    fn check(&mut self, heard: &[Heard], plan: &Plan, said: &Said) -> Result<(), String> {
        let opens = self.opens(plan, said);
        // What comes with the end of the handshake in one piece, and is wrong, ends the link before anybody hears of it.
        let is_sure = said.has_waited || (said.way.is_honest() && plan.leaving != Leaving::Close);
        let (far, heard) = match heard {
            [Heard::NotOpened(_)] if opens && is_sure => return Err("it was not opened".into()),
            [Heard::NotOpened(why)] => {
                self.counts[1] += 1;
                let may_be_final = plan.who == Who::Distrusting && self.mode == Mode::Mutual && !self.listens;
                return match &why.link {
                    Some(link) if link.is_final() && !may_be_final => Err("that is final".into()),
                    None if why.kind == std::io::ErrorKind::TimedOut => Err("only the clock has noticed".into()),
                    _ => Ok(()),
                };
            }
            [Heard::Opened(_), ..] if !opens => return Err("it was opened".into()),
            [Heard::Opened(far), heard @ ..] => (*far, heard),
            _ => return Err("neither opened nor not".into()),
        };
        self.counts[0] += 1;
        let Some((Heard::Ended(of, reason), heard)) = heard.split_last() else { return Err("no end".into()) };
        let is_all_of_it = *of == far && heard.iter().all(|heard| heard.is_of(far) && !heard.is_end());
        let notes = |heard: &Heard| if let Heard::Note(_, number) = heard { Some(*number) } else { None };
        let (notes, intact): (Vec<_>, _) = (heard.iter().filter_map(notes).collect(), said.intact());
        self.counts[2] += notes.len();
        let is_sealed = self.mode != Mode::Clear;
        let is_complete = notes.starts_with(&intact) || (plan.leaving == Leaving::Close && intact.starts_with(&notes));
        let is_no_more = intact.starts_with(&notes) && notes.len() == heard.len();
        if !(is_all_of_it && is_complete && (is_no_more || !is_sealed)) {
            return Err(format!("expected {intact:?}, {is_all_of_it} {is_complete} {is_no_more}"));
        }
        self.check_end(reason, said)
    }

    fn check_end(&mut self, reason: &Ended, said: &Said) -> Result<(), String> {
        let is_orderly = *reason == Ended::ByPeer;
        self.counts[3] += usize::from(is_orderly);
        let has_gone = said.has_goodbye && said.way.agreed() == said.way.honest.len();
        let is_odd = match reason {
            // That much has got through the link.
            Ended::Protocol(_) | Ended::TooManyRefused => self.mode != Mode::Clear,
            Ended::ByPeer => !has_gone && (self.mode != Mode::Clear || said.way.is_honest()),
            _ => has_gone && said.way.is_honest(),
        };
        if is_odd { Err("another end".into()) } else { Ok(()) }
    }

    /// An honest peer comes, and is heard.
    fn honest(&mut self, world: &mut W, seed: u64) -> (Insider<W::Raw>, Address) {
        let start = self.witness.count();
        let mut peer = (self.call)(world, &self.witness, Who::Right, seed, LONG);
        peer.open(world);
        let Heard::Opened(far) = self.witness.wait(world, start, "an honest peer", |it| matches!(it, Heard::Opened(_)))
        else {
            panic!("expected a far end");
        };
        is_heard(world, &self.witness, &mut peer, far);
        (peer, far)
    }

    fn friend_is_heard(&mut self, world: &mut W) {
        let Some((friend, far)) = &mut self.friend else { return };
        is_heard(world, &self.witness, friend, *far);
    }

    /// An honest peer gets through; when it and the friend have gone, there is nothing more.
    fn nothing_is_left(&mut self, world: &mut W) {
        let last = self.honest(world, SEEDS + 1);
        for (mut peer, far) in [Some(last), self.friend.take()].into_iter().flatten() {
            let goodbye = peer.goodbye();
            write_all(world, &mut peer.raw, &goodbye);
            leave(world, peer, Leaving::Goodbye);
            self.witness.wait(world, 0, "an end in order", |heard| *heard == Heard::Ended(far, Ended::ByPeer));
        }
        let (host, ports) = (self.witness.host, if self.listens { 2 } else { 0 });
        world.run_until("all of it to end", |world| {
            (world.sockets(host), world.kernel(host).points(), world.exports(host)) == (ports, 1 + ports, 0)
        });
        let (kernel, net) = (world.kernel(host).counters().clone(), world.net_counters(host));
        assert_eq!((kernel.panics, kernel.unknown), (0, 0));
        assert!(self.mode == Mode::Clear || (kernel.refused, net.refused) == (0, 0), "something got through");
        world.finish();
    }
}

fn is_heard<W: World>(world: &mut W, witness: &Witness, peer: &mut Insider<W::Raw>, far: Address) {
    let start = witness.count();
    let note = peer.note(7);
    write_all(world, &mut peer.raw, &note);
    witness.wait(world, start, "a note", |heard| *heard == Heard::Note(far, 7));
}

/// Lets what was written arrive, and no deadline come.
fn a_little_happens<W: Timed>(world: &mut W) {
    if W::IS_VIRTUAL {
        return world.settle();
    }
    (0..4).for_each(|_| world.nudge());
}

fn leave<W: World>(world: &mut W, mut peer: Insider<W::Raw>, leaving: Leaving) {
    if leaving != Leaving::Close {
        peer.raw.shutdown();
        read_to_end(world, &mut peer.raw);
    }
    peer.raw.close();
}

/// What a peer has said.
#[derive(Debug, Default)]
struct Said {
    way: Way,
    /// Where each note ends in what is honest, and its number.
    notes: Vec<(usize, u64)>,
    has_goodbye: bool,
    /// It knows that the other end has told of the open link, before it has said anything else.
    has_waited: bool,
    /// The other end takes no more.
    is_broken: bool,
    random: Option<Random>,
}

impl Said {
    /// Says something, spoilt if that is planned. Whether it was said as it should be.
    fn say<W: Timed>(
        &mut self,
        world: &mut W,
        peer: &mut Insider<W::Raw>,
        message: Vec<u8>,
        plan: &Plan,
        earlier: &[Vec<u8>],
    ) -> bool {
        let was_cut = self.way.is_cut || self.is_broken;
        let bytes = self.way.spoil(message, plan, &peer.heard, earlier);
        let mut rest = if was_cut { &[][..] } else { &bytes[..] };
        while !rest.is_empty() && !self.is_broken {
            let size = match &mut self.random {
                Some(random) if plan.in_pieces => random.between(1, 60) as usize,
                _ => rest.len(),
            };
            let count = self.write(world, &mut peer.raw, &rest[..size.min(rest.len())]);
            rest = &rest[count..];
            if plan.in_pieces {
                a_little_happens(world);
            }
        }
        self.way.is_honest() && !self.is_broken
    }

    /// How much of it was written: nothing when the other end has gone.
    fn write<W: World>(&mut self, world: &mut W, raw: &mut W::Raw, bytes: &[u8]) -> usize {
        let mut written = 0;
        world.run_until("bytes to be written", |_| match raw.write(bytes) {
            Ok(count) => {
                written = count;
                true
            }
            Err(error) => {
                self.is_broken = !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected);
                self.is_broken
            }
        });
        self.way.written.extend(&bytes[..written]);
        written
    }

    /// The notes that came as they were said, behind nothing that did not.
    fn intact(&self) -> Vec<u64> {
        let agreed = self.way.agreed();
        self.notes.iter().filter(|(end, _)| *end <= agreed).map(|(_, number)| *number).collect()
    }
}
