//! A point whose strings the test holds: it does what it is told and keeps what it gets.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{IntoPoint, Peer};

use crate::world::{HostId, World};

/// Something to be done in a handler of the puppet.
#[derive(Message)]
#[message(name = "test.Do", local)]
struct Do(Box<dyn FnOnce(&mut Context)>);

/// The puppet ends of itself.
#[derive(Message)]
#[message(name = "test.End", local)]
struct End;

#[derive(Clone, Default)]
struct Strings {
    /// What has come, with the sender.
    inbox: Rc<RefCell<VecDeque<(Unknown, Address)>>>,
    completed: Rc<RefCell<Vec<(Completed, Address)>>>,
}

pub(crate) struct PuppetPoint(Strings);

#[state_machine]
impl PuppetPoint {
    fn ANY_Start(&mut self, _: Start) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Do(&mut self, Do(task): Do, cx: &mut Context) -> Next<Self> {
        task(cx);
        Next::STAY
    }
    fn ANY_Completed(&mut self, completed: Completed, cx: &mut Context) -> Next<Self> {
        self.0.completed.borrow_mut().push((completed, cx.from()));
        Next::STAY
    }
    fn ANY_Unknown(&mut self, unknown: Unknown, cx: &mut Context) -> Next<Self> {
        self.0.inbox.borrow_mut().push_back((unknown, cx.from()));
        Next::STAY
    }
    fn ANY_End(&mut self, _: End) -> Next<Self> {
        Self::complete(statepoint::Done)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// A puppet, as the test holds it.
#[derive(Clone)]
pub(crate) struct Puppet {
    pub(crate) host: HostId,
    pub(crate) address: Address,
    strings: Strings,
}

impl Puppet {
    /// A root point.
    pub(crate) fn new(world: &mut impl World, host: HostId) -> Self {
        let strings = Strings::default();
        let address = world.create(host, PuppetPoint(strings.clone()));
        Self { host, address, strings }
    }

    /// A child of this one.
    pub(crate) fn child(&self, world: &mut impl World) -> Self {
        let strings = Strings::default();
        let point = PuppetPoint(strings.clone());
        let address = self.act(world, move |cx| cx.create(point));
        Self { host: self.host, address, strings }
    }

    /// Has something done, and goes on until it is done.
    pub(crate) fn act<R: 'static>(&self, world: &mut impl World, task: impl FnOnce(&mut Context) -> R + 'static) -> R {
        let done = Rc::new(Cell::new(None));
        let result = Rc::clone(&done);
        self.soon(world, move |cx| result.set(Some(task(cx))));
        let mut got = None;
        world.run_until("the puppet to act", |_| {
            got = done.take();
            got.is_some()
        });
        got.expect("just seen")
    }

    /// Has something done when its turn comes.
    pub(crate) fn soon(&self, world: &mut impl World, task: impl FnOnce(&mut Context) + 'static) {
        world.kernel(self.host).send(self.address, Address::NONE, Do(Box::new(task)));
    }

    /// Has something done after it has sent itself so many messages, one for the other: each time, all that waits goes first.
    pub(crate) fn later(&self, world: &mut impl World, hops: usize, task: impl FnOnce(&mut Context) + 'static) {
        let me = self.address;
        let mut task: Box<dyn FnOnce(&mut Context)> = Box::new(task);
        for _ in 0..hops {
            let next = Do(task);
            task = Box::new(move |cx| cx.send(me, next));
        }
        world.kernel(self.host).send(me, Address::NONE, Do(task));
    }

    /// Has something done when so much time has passed.
    pub(crate) fn after(&self, world: &mut impl World, duration: Duration, task: impl FnOnce(&mut Context) + 'static) {
        let task = Do(Box::new(task));
        self.act(world, move |cx| cx.start(duration, task));
    }

    /// Sends a message.
    pub(crate) fn send(&self, world: &mut impl World, to: Address, message: impl Message) {
        self.soon(world, move |cx| cx.send(to, message));
    }

    /// Asks it to end.
    pub(crate) fn stop(&self, world: &mut impl World) {
        world.kernel(self.host).send(self.address, Address::NONE, Stop);
    }

    /// Has it end of itself, and goes on until nothing of it and of its connections is left.
    pub(crate) fn end(&self, world: &mut impl World) {
        world.kernel(self.host).send(self.address, Address::NONE, End);
        let (host, address) = (self.host, self.address);
        world.run_until("the puppet to end", |world| !world.kernel(host).is_alive(address));
    }

    /// The next message, which must be a `T`, and its sender.
    pub(crate) fn expect<T: Message>(&self, world: &mut impl World) -> (T, Address) {
        self.wait_for(world, 1, T::NAME);
        self.take()
    }

    /// Goes on until it has got `count` messages that were not taken yet.
    pub(crate) fn wait_for(&self, world: &mut impl World, count: usize, what: &str) {
        world.run_until(what, |_| self.waiting() >= count);
    }

    /// The first `T` of what comes, whatever else comes before it, and its sender.
    pub(crate) fn pick<T: Message>(&self, world: &mut impl World) -> (T, Address) {
        world.run_until(T::NAME, |_| self.count::<T>() > 0);
        let mut inbox = self.strings.inbox.borrow_mut();
        let index = inbox.iter().position(|(unknown, _)| unknown.is::<T>()).expect("just seen");
        let (unknown, from) = inbox.remove(index).expect("just found");
        (unknown.open().expect("its body fits"), from)
    }

    /// The next message of those that have come, which must be a `T`.
    pub(crate) fn take<T: Message>(&self) -> (T, Address) {
        let (unknown, from) = self.strings.inbox.borrow_mut().pop_front().expect("a message has come");
        let text = format!("{unknown:?}");
        match unknown.open::<T>() {
            Ok(message) => (message, from),
            Err(refused) => panic!("expected a {}, got {text}: {refused}", T::NAME),
        }
    }

    /// How many messages have come and were not taken.
    pub(crate) fn waiting(&self) -> usize {
        self.strings.inbox.borrow().len()
    }

    /// The names of the messages that have come and were not taken.
    pub(crate) fn names(&self) -> Vec<String> {
        self.strings.inbox.borrow().iter().map(|(unknown, _)| unknown.name().to_owned()).collect()
    }

    /// How many messages called so have come and were not taken.
    pub(crate) fn count<T: Message>(&self) -> usize {
        self.strings.inbox.borrow().iter().filter(|(unknown, _)| unknown.is::<T>()).count()
    }

    /// The children that have ended, and with what.
    pub(crate) fn completed(&self) -> Vec<(Completed, Address)> {
        self.strings.completed.take()
    }

    /// Whether a child has ended of which `completed` has not told.
    pub(crate) fn has_completed(&self) -> bool {
        !self.strings.completed.borrow().is_empty()
    }

    /// Listens at a port that the system chooses: where, and the listener.
    pub(crate) fn listen(&self, world: &mut impl World) -> (SocketAddr, Address) {
        let own = world.own(self.host);
        let listener = self.act(world, move |cx| cx.listen(own));
        let (listening, from) = self.expect::<Listening>(world);
        assert_eq!(from, listener, "it is the listener that tells of itself");
        (listening.listening, listener)
    }

    /// Connects: the far end, as it is known here.
    pub(crate) fn connect(&self, world: &mut impl World, to: SocketAddr) -> Address {
        self.soon(world, move |cx| {
            cx.connect(to);
        });
        self.pick::<Connected>(world).1
    }

    /// Connects to somebody who does not want to. What comes first, the connection or its end, is a matter of chance.
    pub(crate) fn connect_in_vain(&self, world: &mut impl World, to: SocketAddr) {
        self.soon(world, move |cx| {
            cx.connect(to);
        });
        world.run_until("the attempt to be in vain", |_| self.count::<Abandoned>() + self.count::<NotConnected>() > 0);
        match self.count::<NotConnected>() {
            0 => {
                self.take::<Connected>();
                self.take::<Abandoned>();
            }
            _ => drop(self.take::<NotConnected>()),
        }
    }
}

/// Puppets that are made as sessions, in the order of their connections.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Rc<RefCell<VecDeque<(Peer, Strings)>>>);

impl Sessions {
    /// What `Listen::session` and `Connect::session` take.
    pub(crate) fn maker<P: IntoPoint>(
        &self,
        point: impl Fn(PuppetPoint) -> P + 'static,
    ) -> impl Fn(&Peer) -> P + 'static {
        let made = Rc::clone(&self.0);
        move |peer| {
            let strings = Strings::default();
            made.borrow_mut().push_back((*peer, strings.clone()));
            point(PuppetPoint(strings))
        }
    }

    /// The next session, of which the controller was told in the name of `address`.
    pub(crate) fn next(&self, host: HostId, address: Address) -> (Puppet, Peer) {
        let (peer, strings) = self.0.borrow_mut().pop_front().expect("a session was made");
        (Puppet { host, address, strings }, peer)
    }
}

/// A server on one host, a client on another, and each one's address of the other's end.
pub(crate) struct Pair {
    pub(crate) server: Puppet,
    pub(crate) client: Puppet,
    pub(crate) at: SocketAddr,
    pub(crate) listener: Address,
    /// The server, as the client knows it.
    pub(crate) there: Address,
    /// The client, as the server knows it.
    pub(crate) back: Address,
}

impl Pair {
    /// Two hosts, connected.
    pub(crate) fn new(world: &mut impl World) -> Self {
        let (at, to) = (world.host(), world.host());
        Self::on(world, at, to)
    }

    /// These hosts, connected.
    pub(crate) fn on(world: &mut impl World, server: HostId, client: HostId) -> Self {
        let (server, client) = (Puppet::new(world, server), Puppet::new(world, client));
        let (at, listener) = server.listen(world);
        let there = client.connect(world, at);
        let (_, back) = server.expect::<Accepted>(world);
        Self { server, client, at, listener, there, back }
    }
}
