//! A server process that is put to the test: what it holds and what it costs is read from the system.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::program::{Program, free_port};
use crate::raw;

const SERVER: &str = "listen_fsm_at_address";
const CLIENT: &str = "connect_fsm_to_address";

/// How many descriptors a process has open.
fn descriptors(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).expect("a running process").count()
}

/// The memory that a process has in use, in bytes.
fn memory(id: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("a running process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<usize>().ok()).expect("a number") * 1_024
}

/// The processor time that a process has used, in hundredths of a second.
fn ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("a running process");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number")
}

/// Whether the server has closed the connection, known once it has served somebody who came later.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("set");
    match stream.peek(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

fn client(port: u16) -> (i32, String) {
    let (code, _, stderr) = Program::start(CLIENT, &[&format!("--port={port}")]).finish();
    (code, stderr)
}

#[test]
fn a_server_without_descriptors_turns_peers_away_does_not_spin_and_recovers() {
    let port = free_port();
    let flags = [&format!("--port={port}"), "--debug-level=OBJECT"];
    let server = Program::start_with_descriptors(64, SERVER, &flags).listening();
    let mut peers: Vec<TcpStream> = (0..200).map(|_| raw::call(port)).collect();
    for peer in &mut peers {
        // Some are turned away already.
        let _ = peer.write_all(raw::frames::GREETING);
    }
    server.says("Received NotAccepted");
    // Peers are turned away in the order in which they came: the last is among them.
    let turned_away = peers.last_mut().expect("there are some").read(&mut [0]);
    assert!(matches!(turned_away, Ok(0) | Err(_)), "{turned_away:?}");
    peers.retain_mut(|peer| !is_closed(peer));
    assert!((30..64).contains(&peers.len()), "{} of 200 are held with 64 descriptors", peers.len());

    // Nothing happens for two seconds.
    let before = ticks(server.id());
    let silent = &mut peers[0];
    silent.set_nonblocking(false).expect("set");
    silent.read_exact(&mut [0; raw::frames::WELCOME.len()]).expect("it was accepted");
    silent.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
    assert_eq!(silent.read(&mut [0]).expect_err("nothing").kind(), ErrorKind::WouldBlock);
    let used = ticks(server.id()) - before;
    assert!(used <= 10, "{used} hundredths of a second of processor time in two seconds");

    // One goes, one comes.
    silent.shutdown(std::net::Shutdown::Both).expect("connected");
    server.says("Received Abandoned");
    let began = Instant::now();
    assert_eq!(client(port), (0, String::new()));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    drop(peers);
    for _ in 0..3 {
        assert_eq!(client(port), (0, String::new()));
    }
    server.interrupt();
    let (code, _, stderr) = server.finish();
    assert_eq!(code, 172);
    // Those who were slow to open their links made room first, and each of them is told of.
    let crowded = stderr.matches("has ended: Too many peers are connecting").count();
    assert_eq!(stderr.matches("Received NotAccepted").count() - crowded, 1, "that the system has no more is told once");
}

#[test]
fn a_server_holds_no_more_after_many_clients_than_before() {
    let (server, port) = Program::serve(SERVER, &["--debug-level=OBJECT"]);
    let round = || {
        for number in 0..300 {
            let mut peer = if number % 2 == 0 { raw::call(port) } else { raw::connect(port) };
            // In order, in the middle of a frame, with garbage, and without a word.
            match number % 4 {
                0 => peer.write_all(&[0, 0, 0, 9]).expect("room"),
                1 => peer.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("room"),
                2 => peer.shutdown(std::net::Shutdown::Write).expect("connected"),
                _ => {}
            }
        }
        assert_eq!(client(port), (0, String::new()));
    };
    // What the process keeps for the next time it has after the first round.
    round();
    settle(&server, port, 0);
    let (files, bytes) = (descriptors(server.id()), memory(server.id()));
    for _ in 0..5 {
        round();
    }
    settle(&server, port, files);
    assert_eq!(descriptors(server.id()), files);
    let more = memory(server.id()).saturating_sub(bytes);
    assert!(more < 4 << 20, "{more} bytes more after 1,500 clients");
}

/// Serves clients until the server has only so many descriptors, or as few as it gets to.
fn settle(server: &Program, port: u16, files: usize) {
    for _ in 0..20 {
        if descriptors(server.id()) <= files {
            return;
        }
        assert_eq!(client(port), (0, String::new()));
    }
}

/// A stopped process answers nothing, but its system does; and it goes on where it was.
#[test]
fn a_server_that_is_stopped_and_continued_serves_those_who_waited() {
    let (server, port) = Program::serve(SERVER, &["--debug-level=OBJECT"]);
    server.signal("STOP");
    let waiting = Program::start(CLIENT, &[&format!("--port={port}"), "--debug-level=OBJECT"]);
    waiting.says("Proxy[INITIAL] - Received Start");
    server.signal("CONT");
    assert_eq!(waiting.finish().0, 0);
}

#[test]
fn a_client_that_is_killed_in_the_middle_is_abandoned_and_the_next_is_served() {
    let (server, port) = Program::serve(SERVER, &["--debug-level=OBJECT"]);
    server.signal("STOP");
    let doomed = Program::start(CLIENT, &[&format!("--port={port}"), "--debug-level=OBJECT"]);
    doomed.says("Proxy[INITIAL] - Received Start");
    drop(doomed);
    server.signal("CONT");
    server.says("Received Lost");
    // This one was there already.
    drop(raw::connect(port));
    server.says("Received Abandoned");
    assert_eq!(client(port), (0, String::new()));
}
