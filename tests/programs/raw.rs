//! Peers that speak bytes: they greet, and then say what a test wants said, or nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

#[path = "../network/frames.rs"]
#[allow(dead_code, reason = "these peers say little more than their greeting")]
pub(crate) mod frames;

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    stream
}

/// Connects, and says nothing.
pub(crate) fn call(port: u16) -> TcpStream {
    patient(TcpStream::connect(("127.0.0.1", port)).expect("connected"))
}

/// Connects, as far as to the first frame.
pub(crate) fn connect(port: u16) -> TcpStream {
    let mut stream = call(port);
    stream.write_all(frames::GREETING).expect("room");
    let mut answer = vec![0; frames::WELCOME.len()];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, frames::WELCOME);
    stream
}

/// Accepts the next program that connects, as far as to the first frame.
pub(crate) fn accept(port: &TcpListener) -> TcpStream {
    let mut stream = patient(port.accept().expect("a client").0);
    let mut greeting = vec![0; frames::GREETING.len()];
    stream.read_exact(&mut greeting).expect("a greeting");
    assert_eq!(greeting, frames::GREETING);
    stream.write_all(frames::WELCOME).expect("room");
    stream
}
