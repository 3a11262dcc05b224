//! The system's sockets: several reactors in one thread, turned in alternation.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use statepoint::prelude::*;
use statepoint::reactor::Reactor;
use statepoint::{IntoPoint, Kernel, Limits, NetCounters, NetSettings, TextTrace};

use crate::world::{Accept, HostId, Raw, World};

/// How long a scenario may wait for one condition.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a world in which nothing happens waits for the system before it looks again.
const PAUSE: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(crate) struct Loopback {
    reactors: Vec<Reactor>,
    roots: Vec<(HostId, Address)>,
    warnings: Rc<RefCell<Vec<String>>>,
    /// Which reactor waits next, when none has anything to do.
    waiter: usize,
}

impl World for Loopback {
    type Raw = TcpStream;

    fn host_with(&mut self, limits: Limits, settings: NetSettings) -> HostId {
        let mut reactor = Reactor::new(limits, settings).expect("a selector");
        let warnings = Rc::clone(&self.warnings);
        let sink = TextTrace::new(Level::Warning, move |line: &str| warnings.borrow_mut().push(line.to_owned()));
        reactor.kernel_mut().set_sink(sink);
        self.reactors.push(reactor);
        self.reactors.len() - 1
    }

    fn own(&self, _: HostId) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    fn name(&mut self, _: HostId) -> String {
        "localhost".into()
    }

    fn create(&mut self, host: HostId, point: impl IntoPoint) -> Address {
        let root = self.reactors[host].create(point);
        self.roots.push((host, root));
        root
    }

    fn kernel(&mut self, host: HostId) -> &mut Kernel {
        self.reactors[host].kernel_mut()
    }

    fn sockets(&mut self, host: HostId) -> usize {
        self.reactors[host].sockets()
    }

    fn exports(&mut self, host: HostId) -> usize {
        self.reactors[host].exports()
    }

    fn net_counters(&mut self, host: HostId) -> NetCounters {
        self.reactors[host].counters()
    }

    fn nudge(&mut self) {
        let before = self.handled();
        for reactor in &mut self.reactors {
            reactor.turn(Some(Duration::ZERO)).expect("the selector works");
        }
        if self.handled() == before && !self.reactors.is_empty() {
            self.waiter = (self.waiter + 1) % self.reactors.len();
            self.reactors[self.waiter].turn(Some(PAUSE)).expect("the selector works");
        }
    }

    fn settle(&mut self) {
        (0..20).for_each(|_| self.nudge());
    }

    fn run_until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(
                began.elapsed() < PATIENCE,
                "expected {what} within {PATIENCE:?}; warnings: {:#?}",
                self.warnings()
            );
            self.nudge();
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    fn roots(&self) -> Vec<(HostId, Address)> {
        self.roots.clone()
    }

    fn connect_raw(&mut self, to: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(to).expect("connected");
        stream.set_nonblocking(true).expect("set");
        stream
    }

    fn raw_listener(&mut self) -> (SocketAddr, Accept<TcpStream>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listening");
        listener.set_nonblocking(true).expect("set");
        let at = listener.local_addr().expect("bound");
        let accept = move || {
            let (stream, _) = listener.accept().ok()?;
            stream.set_nonblocking(true).expect("set");
            Some(stream)
        };
        (at, Box::new(accept))
    }

    /// The system tells nobody which descriptors are a reactor's; programs.rs counts those of a process.
    fn is_clean(&self, _: HostId) -> bool {
        true
    }
}

impl Loopback {
    fn handled(&self) -> u64 {
        self.reactors.iter().map(|reactor| reactor.kernel().counters().handled).sum()
    }
}

impl Raw for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 1 << 16];
        let count = Read::read(self, &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    fn shutdown(&mut self) {
        let _ = TcpStream::shutdown(self, Shutdown::Write);
    }

    fn close(self) {}
}
