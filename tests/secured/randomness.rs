//! Keys of single connections: each has one of its own, and there is no connection without randomness for it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use statepoint::link::{Mode, Seed};
use statepoint::net::{Net, Token};
use statepoint::prelude::*;
use statepoint::sim::{SimNet, World as SimWorld};
use statepoint::wire::LinkError;
use statepoint::{Driver, Limits, NetSettings};

use crate::in_every_mode;
use crate::insider::calling;
use crate::modes::{Timed, connecting, listen, listening};
use crate::puppet::Puppet;
use crate::world::{Raw, read_until, write_all};

in_every_mode!(every_attempt_has_a_key_of_its_own, every_answer_has_a_key_of_its_own);

/// Where the ephemeral key is, in hello and welcome. A clear link has none.
fn keys(message: &[u8], mode: Mode) -> Option<Vec<u8>> {
    (mode != Mode::Clear).then(|| message[16..48].to_vec())
}

fn every_attempt_has_a_key_of_its_own(world: &mut impl Timed, mode: Mode) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let to = connecting(mode, at);
        client.soon(world, move |cx| {
            cx.connect(to);
        });
        let mut raw = None;
        world.run_until("a call", |_| {
            raw = raw.take().or_else(&mut accept);
            raw.is_some()
        });
        let mut raw = raw.expect("just seen");
        let hello = read_until(world, &mut raw, |bytes| bytes.len() >= if mode == Mode::Clear { 16 } else { 48 });
        assert!(keys(&hello, mode).is_none_or(|key| seen.insert(key)), "the same key again");
        raw.close();
        client.expect::<NotConnected>(world);
    }
    world.finish();
}

fn every_answer_has_a_key_of_its_own(world: &mut impl Timed, mode: Mode) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = world.own(host);
    let (at, _) = listen(world, &server, listening(mode, own));
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        // Somebody says what was said before.
        let mut peer = calling(world, mode, at, 1);
        let hello = peer.says();
        write_all(world, &mut peer.raw, &hello);
        let welcome =
            read_until(world, &mut peer.raw, |bytes| bytes.len() >= if mode == Mode::Clear { 16 } else { 64 });
        assert!(keys(&welcome, mode).is_none_or(|key| seen.insert(key)), "the same key again");
        peer.raw.close();
    }
    if mode != Mode::Clear {
        for _ in 0..10 {
            server.expect::<NotAccepted>(world);
        }
        world.finish();
    }
}

/// A network whose system has no random bytes.
struct Dry(SimNet);

impl Net for Dry {
    fn seed(&mut self) -> Result<Seed, LinkError> {
        Err(LinkError::NoRandomness)
    }
    fn listen(&mut self, at: SocketAddr) -> io::Result<(Token, SocketAddr)> {
        self.0.listen(at)
    }
    fn accept(&mut self, listener: Token) -> io::Result<(Token, SocketAddr, SocketAddr)> {
        self.0.accept(listener)
    }
    fn accept_and_drop(&mut self, listener: Token, most: usize) -> usize {
        self.0.accept_and_drop(listener, most)
    }
    fn connect(&mut self, to: SocketAddr) -> io::Result<Token> {
        self.0.connect(to)
    }
    fn connected(&mut self, token: Token) -> io::Result<Option<(SocketAddr, SocketAddr)>> {
        self.0.connected(token)
    }
    fn resolve(&mut self, query: u64, host: &str, port: u16) -> io::Result<()> {
        self.0.resolve(query, host, port)
    }
    fn cancel_resolve(&mut self, query: u64) {
        self.0.cancel_resolve(query);
    }
    fn read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(token, into)
    }
    fn short_read_drains(&self, token: Token) -> bool {
        self.0.short_read_drains(token)
    }
    fn write_vectored(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(token, from)
    }
    fn shutdown(&mut self, token: Token) -> io::Result<()> {
        self.0.shutdown(token)
    }
    fn close(&mut self, token: Token) {
        self.0.close(token);
    }
    fn abort(&mut self, token: Token) {
        self.0.abort(token);
    }
    fn local_address(&self, token: Token) -> io::Result<SocketAddr> {
        self.0.local_address(token)
    }
}

/// What a point is told in a world where its host has no random bytes. The other host calls, or is called.
fn told(
    point: impl AsyncFnOnce(&mut Routine, SocketAddr) -> statepoint::Failure + 'static,
    calls: bool,
) -> Vec<LinkError> {
    let world = SimWorld::new(1);
    let at: SocketAddr = "10.0.0.1:32011".parse().expect("an address");
    let (dry, mut other) = (world.host(at.ip()), world.host([10, 0, 0, 2].into()));
    let elsewhere = other.listen("10.0.0.2:32011".parse().expect("an address")).expect("a free port").1;
    let mut driver = Driver::new(Dry(dry), Limits::default(), NetSettings::default());
    let reasons = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&reasons);
    let goes_to = if calls { at } else { elsewhere };
    driver.create(routine(async move |cx: &mut Routine| {
        let reason = point(cx, goes_to).await;
        heard.borrow_mut().extend(reason.link);
        Done
    }));
    for round in 0..200 {
        for event in driver.net_mut().0.ready() {
            driver.ready(event);
        }
        driver.turn(world.now());
        if round == 3 && calls {
            other.connect(at).expect("a socket");
        }
        other.ready();
        world.advance(world.now() + Duration::from_millis(1));
    }
    assert_eq!(driver.sockets(), 0, "nothing stays open");
    reasons.take()
}

#[test]
fn without_randomness_there_is_an_error_and_no_connection() {
    let called = told(
        async |cx, at| {
            cx.listen(Listen::at(at).encrypted());
            cx.select::<Listening>().await;
            cx.select::<NotAccepted>().await.reason
        },
        true,
    );
    assert_eq!(called, [LinkError::NoRandomness]);
    let calling = told(
        async |cx, at| {
            cx.connect(Connect::to(at).encrypted());
            cx.select::<NotConnected>().await.reason
        },
        false,
    );
    assert_eq!(calling, [LinkError::NoRandomness]);
}
