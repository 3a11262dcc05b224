//! The example programs as processes of their own.
#![cfg(unix)]

mod coming_and_going;
mod laboratory;
mod matrix;
mod program;
mod raw;
mod strain;
mod walkthrough;

use std::io::Read;
use std::time::{Duration, Instant};

use matrix::WELCOME;
use program::Program;

const SERVERS: [&str; 4] =
    ["listen_fsm_at_address", "listen_fsm_sessions_at_address", "listen_sessions_at_address", "listen_at_address"];
const CLIENT: &str = "connect_fsm_to_address";

#[test]
fn names_travel_from_the_flags_to_the_other_end() {
    let (server, port) = Program::serve("listen_fsm_at_address", &["--server-name=Bust \"er\""]);
    let flags = [&format!("--port={port}"), "--client-name=Ægir", "--debug-level=CONSOLE"];
    let (code, stdout, stderr) = Program::start(CLIENT, &flags).finish();
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, "Welcome\n+   your_name: \"Ægir\"\n+   my_name: \"Bust \\\"er\\\"\"\n");
    assert!(stderr.contains(r#"At client - Hello "Ægir", my name is "Bust "er"""#), "{stderr}");
    server.interrupt();
    let (_, _, stderr) = server.finish();
    assert!(stderr.contains("^ <00000001>ListenAtAddress[LISTENING] - Accepted 127.0.0.1:"), "{stderr}");
    assert!(stderr.contains("ListenAtAddress[PENDING] - Listening at 127.0.0.1:"), "{stderr}");
    assert!(stderr.contains("(closed by the peer)"), "{stderr}");
}

#[test]
fn a_flag_that_does_not_exist_is_answered_with_the_one_that_was_meant() {
    for program in [SERVERS[0], CLIENT] {
        let (code, stdout, stderr) = Program::start(program, &["--prot=32011"]).finish();
        let expected = format!("{program}: unknown flag --prot, did you mean --port? (see --help)\n");
        assert_eq!((code, &*stdout, &*stderr), (172, "", &*expected));
        let (code, _, stderr) = Program::start(program, &["--port=many"]).finish();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(code != 0 && stderr.contains("--port"), "{stderr}");
        let (code, stdout, stderr) = Program::start(program, &["--help"]).finish();
        assert_eq!((code, &*stderr), (0, ""));
        assert!(stdout.contains("--port=32011") && stdout.contains("--debug-level"), "{stdout}");
    }
}

#[test]
fn an_interrupt_ends_a_server_at_once_and_in_order() {
    for (signal, server) in ["INT", "TERM", "HUP", "QUIT"].into_iter().zip(SERVERS) {
        let (running, port) = Program::serve(server, &["--debug-level=OBJECT"]);
        let began = Instant::now();
        running.signal(signal);
        let (code, stdout, stderr) = running.finish();
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!((code, &*stdout), (172, ""), "{stderr}");
        assert!(stderr.contains("Received Stop from <none>"), "{stderr}");
        assert!(stderr.ends_with(&format!("{server}: aborted (user or software interrupt)\n")), "{stderr}");
        // The port is free again.
        std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    }
}

/// A peer that does not answer has three seconds. Who does not want to wait asks twice.
#[test]
fn a_second_interrupt_ends_a_server_that_waits_for_a_peer() {
    let (running, port) = Program::serve(SERVERS[0], &["--debug-level=OBJECT"]);
    let mut silent = raw::connect(port);
    running.says("Received Accepted");
    running.interrupt();
    let mut goodbye = Vec::new();
    silent.read_to_end(&mut goodbye).expect("the end of the stream");
    assert_eq!(goodbye, raw::frames::GOODBYE);
    running.interrupt();
    assert_eq!(running.finish().0, 130);
}

#[test]
fn a_client_that_is_interrupted_while_it_waits_ends_at_once() {
    let hole = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = hole.local_addr().expect("bound").port();
    let client = Program::start(CLIENT, &[&format!("--port={port}"), "--debug-level=OBJECT"]);
    let mut server = raw::accept(&hole);
    client.says("Received Connected");
    client.interrupt();
    // It says goodbye, and the other end does too.
    let mut hello = Vec::new();
    server.read_to_end(&mut hello).expect("the end of the stream");
    drop(server);
    let (code, stdout, stderr) = client.finish();
    assert_eq!((code, &*stdout), (172, ""), "{stderr}");
    assert!(hello.windows(19).any(|part| part == b"hello_welcome.Hello"), "{hello:02x?}");
}

#[test]
fn a_client_whose_server_says_nothing_times_out() {
    let hole = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = hole.local_addr().expect("bound").port();
    let client = Program::start(CLIENT, &[&format!("--port={port}")]);
    let mut server = raw::accept(&hole);
    let began = Instant::now();
    std::io::copy(&mut server, &mut std::io::sink()).expect("the end of the stream");
    drop(server);
    let (code, stdout, stderr) = client.finish();
    assert_eq!((code, &*stdout, stderr.lines().count()), (172, "", 1), "{stderr}");
    assert!(stderr.contains("timed out"), "{stderr}");
    assert!(began.elapsed() >= Duration::from_millis(2_500), "{:?}", began.elapsed());
}

#[test]
fn the_trace_goes_to_stderr_and_shows_machines_and_messages() {
    let (code, stdout, stderr) = Program::start("hello", &["--debug-level=TRACE"]).finish();
    assert_eq!((code, &*stdout), (0, WELCOME));
    for line in [
        "+ <00000002>Server[INITIAL] - Created by <00000001>",
        "< <00000002>Server[LISTENING] - Received Hello from <",
        "> <00000002>Server[LISTENING] - Sent Welcome to <",
        "< <00000004>Client[PENDING] - Received Connected from <",
        "-> CONNECTED",
        "X <00000004>Client[CONNECTED] - Ending with Welcome",
    ] {
        assert!(stderr.contains(line), "expected {line:?} in\n{stderr}");
    }
    let is_time = |line: &str| line.get(..12).is_some_and(|time| time.chars().filter(|c| *c == ':').count() == 2);
    assert!(stderr.lines().all(is_time), "{stderr}");
    let (code, stdout, stderr) = Program::start("hello", &["--debug-level=NONE"]).finish();
    assert_eq!((code, &*stdout, &*stderr), (0, WELCOME, ""));
}
