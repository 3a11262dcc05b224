//! Three processes, three connections, random traffic of addresses, against what the addresses should mean.
//!
//! Every address that a process holds is kept together with the point it was made for. Wherever it travels, over as many
//! hops as chance takes it, it must lead to that point or nowhere. All traffic goes through real frames.

use std::collections::{BTreeMap, BTreeSet};

use fsm_core::{Address, Encoded};

use super::super::message_pack::{Either, Reader};
use super::super::{Inbound, Part, Refusal, Wire, encode_gone};
use super::{End, Random, message};

/// A point and the process that it lives in: what an address should mean.
type Identity = (usize, Address);

const PROCESSES: usize = 3;

struct Side {
    end: End,
    /// What has been written to the peer under each number, as read from the frames themselves.
    given: BTreeMap<u64, Address>,
    gone: BTreeSet<u64>,
}

/// `processes[p].sides[q]`: the end in `p` of its connection with `q`.
struct Process {
    sides: BTreeMap<usize, Side>,
    held: Vec<(Address, Identity)>,
    points: Vec<Address>,
}

struct Network {
    random: Random,
    processes: Vec<Process>,
    next_point: u32,
    delivered: usize,
    refused: usize,
    relayed: usize,
}

/// The proxy in each process for the connection with `peer`, in its `generation`.
fn proxy(peer: usize, generation: u32) -> Address {
    Address::new(1 + peer as u32, generation, 0)
}

fn peer_of(address: Address) -> usize {
    address.slot() as usize - 1
}

impl Network {
    fn new(seed: u64) -> Self {
        let processes =
            (0..PROCESSES).map(|_| Process { sides: BTreeMap::new(), held: Vec::new(), points: Vec::new() }).collect();
        let mut network =
            Self { random: Random::new(seed), processes, next_point: 100, delivered: 0, refused: 0, relayed: 0 };
        for process in 0..PROCESSES {
            network.create(process);
        }
        for (one, other) in [(0, 1), (1, 2), (0, 2)] {
            network.connect(one, other, 1);
        }
        network
    }

    fn create(&mut self, process: usize) -> Address {
        let address = Address::new(self.next_point, 1, 0);
        self.next_point += 1;
        self.processes[process].points.push(address);
        self.processes[process].held.push((address, (process, address)));
        address
    }

    fn connect(&mut self, one: usize, other: usize, generation: u32) {
        for (here, there) in [(one, other), (other, one)] {
            let target = self.create(here);
            let proxy = proxy(there, generation);
            let mut end = End::with_bound(proxy, 400);
            assert_eq!(end.border.set_default(target), Ok(()));
            let given = BTreeMap::from([(0, target)]);
            self.processes[here].sides.insert(there, Side { end, given, gone: BTreeSet::new() });
            self.processes[there].held.push((self::proxy(here, generation).with_far(1), (here, target)));
        }
    }

    fn side(&mut self, process: usize, peer: usize) -> &mut Side {
        self.processes[process].sides.get_mut(&peer).expect("all are connected")
    }

    /// Where an address of `process` really leads: followed from table to table.
    fn resolve(&self, process: usize, address: Address) -> Result<Identity, Refusal> {
        let Some(number) = address.far().checked_sub(1) else {
            let alive = self.processes[process].points.contains(&address);
            return if alive { Ok((process, address)) } else { Err(Refusal::Gone) };
        };
        let peer = peer_of(address);
        if self.processes[process].sides[&peer].end.border.proxy() != address.near() {
            return Err(Refusal::Gone);
        }
        let inner = self.processes[peer].sides[&process].end.border.read(Wire::Yours(number))?;
        self.resolve(peer, inner)
    }

    /// A message with addresses that `process` holds, to one of them, carried until it arrives or is refused.
    fn send(&mut self, process: usize) {
        let far: Vec<_> = self.processes[process].held.iter().filter(|(it, _)| it.is_far()).copied().collect();
        if far.is_empty() {
            return;
        }
        let (to, expected_to) = *self.random.pick(&far);
        let held = self.processes[process].held.clone();
        let listed: Vec<_> = (0..self.random.below(5)).map(|_| *self.random.pick(&held)).collect();
        let (from, expected_from) = *self.random.pick(&held);
        let addresses: Vec<_> = listed.iter().map(|(address, _)| *address).collect();
        let body_len = 1 + self.random.below(20);
        let body = self.random.bytes(body_len);
        let name = ["A", "B", "C", "D"][self.random.below(4)];
        let encoded = message(name, &body, &addresses);
        let mut all_alive = true;
        let ends = [(to, expected_to), (from, expected_from)];
        for (address, expected) in listed.iter().copied().chain(ends) {
            match self.resolve(process, address) {
                Ok(identity) => assert_eq!(identity, expected),
                Err(_) => all_alive = false,
            }
        }
        let Some((at, to, from, encoded)) = self.carry(process, to, from, encoded) else {
            assert!(!all_alive, "nothing in the message had gone, and it was refused");
            self.refused += 1;
            return;
        };
        self.delivered += 1;
        assert_eq!((at, to), expected_to);
        assert_eq!(&*encoded.name, name);
        assert_eq!(encoded.bytes, body, "the body is what was sent");
        let expected = listed.iter().map(|(_, identity)| *identity).chain([expected_from]);
        for (address, identity) in encoded.addresses.iter().chain([&from]).zip(expected) {
            match self.resolve(at, *address) {
                Ok(reached) => assert_eq!(reached, identity, "{address} in process {at}"),
                Err(Refusal::Gone) => assert!(!all_alive),
                Err(other) => panic!("{address} in process {at}: {other}"),
            }
            self.processes[at].held.push((*address, identity));
        }
    }

    fn carry(
        &mut self,
        mut at: usize,
        mut to: Address,
        mut from: Address,
        mut encoded: Encoded,
    ) -> Option<(usize, Address, Address, Encoded)> {
        let mut hops = 0;
        while to.is_far() {
            let peer = peer_of(to);
            let side = self.side(at, peer);
            let frame = side.end.encode(to, from, &encoded).ok()?;
            side.note(&frame, from, &encoded.addresses);
            match self.side(peer, at).end.decode(&frame) {
                Ok(Inbound::Message { to: next_to, from: next_from, encoded: next }) => {
                    (at, to, from, encoded) = (peer, next_to, next_from, next);
                }
                Ok(Inbound::Refused { reason: Refusal::Gone, .. }) => return None,
                other => panic!("{other:?}"),
            }
            hops += 1;
        }
        self.relayed += usize::from(hops > 1);
        Some((at, to, from, encoded))
    }

    /// Tells the peers of `process` that `address` has gone, and they tell theirs.
    fn gone(&mut self, process: usize, address: Address) {
        for peer in (0..PROCESSES).filter(|peer| *peer != process) {
            let side = self.side(process, peer);
            let numbers = side.end.border.gone(address);
            self.announce(process, peer, &numbers);
        }
    }

    fn announce(&mut self, process: usize, peer: usize, numbers: &[u64]) {
        for number in numbers {
            assert!(self.side(process, peer).gone.insert(*number), "{number} goes once");
            let mut out = Vec::new();
            encode_gone(*number, &mut out);
            match self.side(peer, process).end.decode(&out[4..]) {
                Ok(Inbound::Gone(address)) => self.gone(peer, address),
                other => panic!("{other:?}"),
            }
        }
    }

    fn end_point(&mut self, process: usize) {
        let index = self.random.below(self.processes[process].points.len());
        let address = self.processes[process].points.swap_remove(index);
        // The process itself knows that its point has ended; the others hold on to their addresses.
        self.processes[process].held.retain(|(held, _)| *held != address);
        if self.random.one_in(2) {
            self.gone(process, address);
        } else {
            self.tell_ends(process);
        }
    }

    fn forget_dead(&mut self, process: usize) {
        let mut held = std::mem::take(&mut self.processes[process].held);
        held.retain(|(address, _)| self.resolve(process, *address).is_ok());
        self.processes[process].held = held;
    }

    fn tell_ends(&mut self, process: usize) {
        for peer in (0..PROCESSES).filter(|peer| *peer != process) {
            let points = self.processes[process].points.clone();
            let proxies: Vec<_> = self.processes[process].sides.values().map(|it| it.end.border.proxy()).collect();
            let alive = |address: Address| points.contains(&address) || proxies.contains(&address.near());
            let border = &mut self.side(process, peer).end.border;
            let dead: Vec<_> = border.exported().filter(|address| !alive(*address)).collect();
            let numbers: Vec<_> = dead.into_iter().flat_map(|address| border.gone(address)).collect();
            self.announce(process, peer, &numbers);
        }
    }

    fn reconnect(&mut self) {
        let (one, other) = *self.random.pick(&[(0, 1), (1, 2), (0, 2)]);
        let generation = self.side(one, other).end.border.proxy().generation() + 1;
        self.connect(one, other, generation);
        self.tell_ends(one);
        self.tell_ends(other);
    }

    /// A peer guesses numbers: it reaches what it was given and nothing else.
    fn probe(&mut self) {
        let process = self.random.below(PROCESSES);
        let peer = (process + 1 + self.random.below(PROCESSES - 1)) % PROCESSES;
        for _ in 0..20 {
            let number = self.random.below(60) as u64 | (self.random.below(6) as u64) << 32;
            let side = self.side(process, peer);
            let expected = match side.given.get(&number) {
                Some(_) if side.gone.contains(&number) => Err(Refusal::Gone),
                Some(address) => Ok(*address),
                None => Err(Refusal::NeverGiven),
            };
            assert_eq!(side.end.border.read(Wire::Yours(number)), expected, "{number:#x}");
        }
    }
}

impl Side {
    /// Reads the numbers that a frame gives the peer.
    fn note(&mut self, frame: &[u8], from: Address, listed: &[Address]) {
        let mut reader = Reader::new(frame);
        let header = "a header of our own";
        assert_eq!(reader.array(Part::Header), Ok(4));
        reader.value(Part::To).expect(header);
        let mut note = |value: Either<'_>, address: Address| {
            if let Either::Integer(number @ 0..) = value {
                let number = number as u64;
                let before = self.given.insert(number, address);
                assert!(before.is_none_or(|before| before == address), "{number:#x} was used for {before:?}");
                assert!(!self.gone.contains(&number), "{number:#x} had gone");
            }
        };
        note(reader.value(Part::From).expect(header).1, from);
        reader.value(Part::Name).expect(header);
        assert_eq!(reader.array(Part::Addresses), Ok(listed.len() as u32));
        for address in listed {
            note(reader.value(Part::Addresses).expect(header).1, *address);
        }
    }
}

#[test]
fn addresses_lead_to_their_points_over_any_number_of_hops_and_peers_reach_only_what_they_were_given() {
    let (mut delivered, mut refused, mut relayed) = (0, 0, 0);
    for seed in 0..300 {
        let mut network = Network::new(seed);
        for _ in 0..250 {
            let process = network.random.below(PROCESSES);
            match network.random.below(20) {
                0 => network.end_point(process),
                1 | 2 => drop(network.create(process)),
                3 if network.random.one_in(3) => network.reconnect(),
                4..=6 => network.probe(),
                _ => network.send(process),
            }
            // Now and then what leads nowhere is forgotten, so that not every message mentions something dead.
            if network.random.one_in(4) {
                network.forget_dead(process);
            }
            // Chance should meet new addresses as often as old ones.
            let held = &mut network.processes[process].held;
            if held.len() > 40 {
                held.drain(4..20);
            }
            if network.processes[process].points.is_empty() {
                network.create(process);
            }
        }
        delivered += network.delivered;
        refused += network.refused;
        relayed += network.relayed;
    }
    assert!(
        delivered > 20_000 && refused > 2_000 && relayed > 5_000,
        "{delivered} delivered, {refused} refused, {relayed} relayed"
    );
}
