//! A server that reports all that it sees, and a peer that speaks bytes.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::reactor::{Handle, Reactor};
use statepoint::{Counters, Ended, Failure, Limits, NetCounters, NetSettings, TextTrace};

use crate::frames::{self, Called, DEFAULT};

/// How long a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// What Rust gives to a thread when nobody says otherwise.
const STACK: usize = 2 << 20;

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Hello")]
struct Hello {
    my_name: String,
}

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Welcome")]
struct Welcome {
    your_name: String,
}

/// As deep as the peer likes.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "test.Tree")]
struct Tree {
    children: Vec<Tree>,
}

#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "test.Card")]
struct Card {
    at: Address,
}

/// What the server has seen.
#[derive(Debug, PartialEq)]
pub(crate) enum Report {
    Accepted(SocketAddr),
    NotAccepted(Failure),
    Abandoned(SocketAddr, Ended),
    Card,
}

struct Point {
    reports: Sender<Report>,
}

#[state_machine]
impl Point {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(HostPort::new("127.0.0.1", 0));
        Next::STAY
    }
    fn ANY_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name });
        Next::STAY
    }
    fn ANY_Tree(&mut self, _: Tree) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Card(&mut self, _: Card) -> Next<Self> {
        self.report(Report::Card)
    }
    fn ANY_Listening(&mut self, listening: Listening) -> Next<Self> {
        self.report(Report::Accepted(listening.listening))
    }
    fn ANY_Accepted(&mut self, accepted: Accepted) -> Next<Self> {
        self.report(Report::Accepted(accepted.remote))
    }
    fn ANY_NotAccepted(&mut self, fault: NotAccepted) -> Next<Self> {
        self.report(Report::NotAccepted(fault.reason))
    }
    fn ANY_Abandoned(&mut self, abandoned: Abandoned) -> Next<Self> {
        self.report(Report::Abandoned(abandoned.remote, abandoned.reason))
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

impl Point {
    fn report(&mut self, report: Report) -> Next<Self> {
        // The test may have seen enough.
        let _ = self.reports.send(report);
        Next::STAY
    }
}

/// A server on a thread of its own.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    main: Address,
    handle: Handle,
    reports: Receiver<Report>,
    warnings: Receiver<String>,
    thread: JoinHandle<(NetCounters, Counters)>,
}

/// What is left to look at when the server has ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) net: NetCounters,
    pub(crate) kernel: Counters,
    /// The lines of the trace that warn.
    pub(crate) warnings: Vec<String>,
}

impl Outcome {
    /// Fails the test when no line of the trace says so.
    pub(crate) fn warned(&self, text: &str) {
        assert!(self.warnings.iter().any(|line| line.contains(text)), "expected {text:?} in {:#?}", self.warnings);
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(NetSettings::default())
    }

    pub(crate) fn with(settings: NetSettings) -> Self {
        let (reports, seen) = channel();
        let (lines, warnings) = channel();
        let (started, ready) = channel();
        let serve = move || {
            let mut reactor = Reactor::new(Limits::default(), settings).expect("a selector");
            reactor.kernel_mut().set_sink(TextTrace::new(Level::Warning, move |line: &str| {
                let _ = lines.send(line.to_owned());
            }));
            let main = reactor.create(Point { reports });
            started.send((reactor.handle(), main)).expect("the test waits");
            let value = reactor.run(main).expect("the selector works");
            assert!(value.is::<Aborted>(), "{value:?}");
            assert_eq!(reactor.sockets(), 0, "sockets are left");
            (reactor.counters(), reactor.kernel().counters().clone())
        };
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(serve).expect("a thread");
        let (handle, main) = ready.recv_timeout(PATIENCE).expect("the server starts");
        let Ok(Report::Accepted(at)) = seen.recv_timeout(PATIENCE) else { panic!("expected a port") };
        Self { at, main, handle, reports: seen, warnings, thread }
    }

    /// A peer, accepted.
    pub(crate) fn connect(&self) -> Peer {
        let mut peer = Peer::connect(self.at);
        peer.greet();
        assert_eq!(self.report(), Report::Accepted(peer.local()));
        peer
    }

    /// The next thing that the server has seen.
    pub(crate) fn report(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).expect("the server sees something")
    }

    /// Why the server has no connection with this peer any more.
    pub(crate) fn abandoned(&self, peer: &Peer) -> Ended {
        match self.report() {
            Report::Abandoned(remote, reason) if remote == peer.local() => reason,
            other => panic!("expected the end of {}, got {other:?}", peer.local()),
        }
    }

    /// The same, where the peer has broken the protocol: the reason in words.
    pub(crate) fn protocol_error(&self, peer: &Peer) -> String {
        match self.abandoned(peer) {
            Ended::Protocol(text) => text,
            Ended::Link(error) => error.to_string(),
            other => panic!("expected a protocol error, got {other:?}"),
        }
    }

    /// Why the last peer was not accepted.
    pub(crate) fn not_accepted(&self) -> Failure {
        match self.report() {
            Report::NotAccepted(reason) => reason,
            other => panic!("expected a peer that is not accepted, got {other:?}"),
        }
    }

    /// The next client is served.
    pub(crate) fn serves_the_next(&self) {
        let mut next = self.connect();
        next.is_welcome();
        next.finish();
        assert_eq!(self.abandoned(&next), Ended::ByPeer);
    }

    /// Stops the server when these peers, which are all there are, have said goodbye.
    pub(crate) fn stop_with<const N: usize>(self, peers: [Peer; N]) -> Outcome {
        for mut peer in peers {
            peer.finish();
            assert_eq!(self.abandoned(&peer), Ended::ByPeer);
        }
        self.stop()
    }

    /// Stops the server, which leaves nothing behind.
    pub(crate) fn stop(self) -> Outcome {
        self.handle.send(self.main, Stop).expect("room in the inbox");
        let (net, kernel) = self.thread.join().expect("the server has not panicked");
        assert_eq!((kernel.panics, kernel.dropped), (0, 0));
        Outcome { net, kernel, warnings: self.warnings.try_iter().collect() }
    }
}

/// Somebody who speaks bytes.
pub(crate) struct Peer {
    stream: TcpStream,
    /// What was read and is no whole record.
    read: Vec<u8>,
    /// What was read and not asked for.
    frames: VecDeque<Vec<u8>>,
    /// Whether it has spelt the name of `Hello`, whose number is then 0.
    has_said_hello: bool,
}

impl Peer {
    pub(crate) fn connect(at: SocketAddr) -> Self {
        assert_eq!(at.ip(), Ipv4Addr::LOCALHOST);
        let stream = TcpStream::connect(at).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        stream.set_nodelay(true).expect("set");
        Self { stream, read: Vec::new(), frames: VecDeque::new(), has_said_hello: false }
    }

    /// As far as to the first frame.
    fn greet(&mut self) {
        self.send(frames::GREETING);
        let mut answer = vec![0; frames::WELCOME.len()];
        self.stream.read_exact(&mut answer).expect("an answer");
        let without_limit = |welcome: &[u8]| [&welcome[..8], &welcome[12..]].concat();
        assert_eq!(without_limit(&answer), without_limit(frames::WELCOME));
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("connected")
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("room");
    }

    /// Sends what the server may not want to hear to the end.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next frame.
    pub(crate) fn frame(&mut self) -> Vec<u8> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return frame;
            }
            let mut bytes = [0; 64 * 1024];
            let count = self.stream.read(&mut bytes).expect("a frame");
            assert_ne!(count, 0, "expected a frame, got the end of the stream");
            self.read.extend(&bytes[..count]);
            self.frames.extend(frames::frames_of(&mut self.read));
        }
    }

    /// Waits until something can be read, and leaves it.
    pub(crate) fn peek(&mut self) {
        self.stream.peek(&mut [0]).expect("something to read");
    }

    /// Says hello over this connection and is welcome: it stands, and all before has been read.
    pub(crate) fn is_welcome(&mut self) {
        let frame = hello(if self.has_said_hello { Called::Number(0) } else { Called::Name("hello_welcome.Hello") });
        self.send(&frame);
        let frame = self.frame();
        let ends_with = |text: &[u8]| frame.ends_with(text);
        assert!(ends_with(b"\xA9your_name\xA6Gladys"), "{frame:02x?}");
        self.has_said_hello = true;
    }

    /// Says goodbye.
    pub(crate) fn finish(&mut self) {
        self.try_send(frames::GOODBYE);
        self.cut();
    }

    /// Says nothing more, not even goodbye.
    pub(crate) fn cut(&mut self) {
        // The server may have cut the connection.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads until the server has ended the connection.
    pub(crate) fn ends(&mut self) {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

/// The frame of a `Hello`.
pub(crate) fn hello(called: Called<'_>) -> Vec<u8> {
    frames::message(DEFAULT, Some(0), called, &[], b"\x81\xA7my_name\xA6Gladys")
}

/// How much address space the process has, in bytes: it grows with what is allocated, used or not.
pub(crate) fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmData:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<usize>().ok()).unwrap_or(0) * 1_024
}
