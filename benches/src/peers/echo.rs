//! Requests and responses over loopback, written by hand over mio: both ends in one loop, as ours are in one reactor.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::measure::cpu_time;
use crate::rows::requests::Measured;

/// A request or response: a length and this many bytes, as many on the wire as ours are.
const BODY: usize = 64;
const PREFIX: usize = 4;
const READ: usize = 64 * 1024;

/// What stands between the frames of a program and its socket.
pub(crate) trait Session {
    /// Appends to `out` what is to be written, so that the other end opens it as `clear`.
    fn seal(&mut self, clear: &[u8], out: &mut Vec<u8>);
    /// Appends to `clear` what follows from the bytes that were read.
    fn open(&mut self, read: &[u8], clear: &mut Vec<u8>);
}

/// Nothing is protected.
pub(crate) struct Bare;

impl Session for Bare {
    fn seal(&mut self, clear: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(clear);
    }

    fn open(&mut self, read: &[u8], clear: &mut Vec<u8>) {
        clear.extend_from_slice(read);
    }
}

struct End<S> {
    stream: TcpStream,
    session: S,
    /// Opened and not yet worked off.
    come: Vec<u8>,
    /// Said and not yet sealed.
    said: Vec<u8>,
    wire: Vec<u8>,
}

impl<S: Session> End<S> {
    fn new(stream: std::net::TcpStream, session: S) -> Self {
        stream.set_nonblocking(true).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        let stream = TcpStream::from_std(stream);
        Self { stream, session, come: Vec::new(), said: Vec::new(), wire: Vec::new() }
    }

    /// One read; what came is worked off frame by frame, what was said to it is written at once.
    fn serve(&mut self, scratch: &mut [u8], mut take: impl FnMut(&[u8], &mut Vec<u8>)) {
        let Ok(count) = self.stream.read(scratch) else { return };
        self.session.open(&scratch[..count], &mut self.come);
        let mut rest = &self.come[..];
        while let Some((prefix, behind)) = rest.split_first_chunk::<PREFIX>()
            && let Some((frame, behind)) = behind.split_at_checked(u32::from_be_bytes(*prefix) as usize)
        {
            take(frame, &mut self.said);
            rest = behind;
        }
        let used = self.come.len() - rest.len();
        self.come.drain(..used);
        self.flush();
    }

    fn flush(&mut self) {
        if self.said.is_empty() {
            return;
        }
        self.session.seal(&self.said, &mut self.wire);
        let written = self.stream.write(&self.wire).expect("the other end reads");
        assert_eq!(written, self.wire.len(), "little is under way");
        self.wire.clear();
        self.said.clear();
    }
}

fn say(number: u64, said: &mut Vec<u8>) {
    said.extend((BODY as u32).to_be_bytes());
    said.extend(number.to_be_bytes());
    said.extend([7; BODY - 8]);
}

/// `requests` of them, always `under_way` at once.
pub(crate) fn requests<S: Session>((client, server): (S, S), requests: usize, under_way: usize) -> Measured {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let stream = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("a listener");
    let (mut client, mut server) = (End::new(stream, client), End::new(listener.accept().expect("a peer").0, server));
    let (mut poll, mut events) = (Poll::new().expect("a selector"), Events::with_capacity(1_024));
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut client.stream, Token(0), both).expect("a socket");
    poll.registry().register(&mut server.stream, Token(1), both).expect("a socket");
    let (mut scratch, mut trips) = (vec![0; READ], Vec::with_capacity(requests));
    let began = cpu_time();
    let (mut asked, mut last) = (under_way, Instant::now());
    (0..under_way).for_each(|number| say(number as u64, &mut client.said));
    client.flush();
    while trips.len() < requests {
        poll.poll(&mut events, None).expect("a selector");
        for event in events.iter().filter(|event| event.is_readable()) {
            if event.token() == Token(1) {
                server.serve(&mut scratch, |frame, said| {
                    said.extend((frame.len() as u32).to_be_bytes());
                    said.extend_from_slice(frame);
                });
                continue;
            }
            client.serve(&mut scratch, |_, said| {
                let now = Instant::now();
                trips.push((now - core::mem::replace(&mut last, now)).as_secs_f64() * 1e6);
                if asked < requests {
                    say(asked as u64, said);
                    asked += 1;
                }
            });
        }
    }
    Measured::new(trips, cpu_time() - began)
}
