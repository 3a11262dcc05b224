//! Servers that are not there, not yet, not any more, and again.

use std::io::Write;
use std::net::TcpListener;

use crate::matrix::{self, ACQUAINTED, CONVERSATIONS, WELCOME};
use crate::program::{Program, free_port, free_ports};
use crate::raw;

fn port_flag(port: u16) -> String {
    format!("--port={port}")
}

/// What a program writes to stderr, for people, when the server has closed the connection.
fn was_abandoned(client: Program, port: u16) {
    let (code, stdout, stderr) = client.finish();
    let expected = format!(": abandoned by \"127.0.0.1:{port}\" (closed by the peer)\n");
    assert_eq!((code, &*stdout, stderr.lines().count()), (172, "", 1), "{stderr}");
    assert!(stderr.ends_with(&expected), "expected {expected:?}, got {stderr:?}");
}

#[test]
fn without_a_server_a_client_says_so_in_one_line() {
    for client in matrix::clients().iter().filter(|client| !matrix::is_patient(client)) {
        let (code, stdout, stderr) = Program::start(client, &["--port=1"]).finish();
        let expected = format!("{client}: cannot connect to \"127.0.0.1:1\" (Connection refused (os error 111))\n");
        assert_eq!((code, &*stdout, &*stderr), (111, "", &*expected));
    }
}

#[test]
fn without_a_server_a_client_that_reconnects_tries_until_it_is_interrupted() {
    for client in matrix::clients().iter().filter(|client| matrix::is_patient(client)) {
        let running = Program::start(client, &["--port=1", "--debug-level=OBJECT"]);
        running.says("Received NotConnected");
        running.interrupt();
        let (code, stdout, stderr) = running.finish();
        assert_eq!((code, &*stdout), (172, ""), "{stderr}");
        assert!(stderr.ends_with(&format!("{client}: aborted (user or software interrupt)\n")), "{stderr}");
    }
}

#[test]
fn a_port_in_use_is_told_in_one_line() {
    let servers = matrix::servers();
    let (running, port) = Program::serve(&servers[0], &[]);
    let laboratory = ["laboratory", "controller"].map(|role| ("laboratory", format!("--role={role}")));
    let relay = ("relay_to_address", "--server-port=1".to_owned());
    let named = servers.iter().map(|server| (&**server, "--server-name=Buster".to_owned()));
    for (server, flag) in named.chain(laboratory).chain([relay]) {
        let (code, stdout, stderr) = Program::start(server, &[&port_flag(port), &flag]).finish();
        let expected =
            format!("{server}: cannot listen at \"127.0.0.1:{port}\" (Address already in use (os error 98))\n");
        assert_eq!((code, &*stdout, &*stderr), (98, "", &*expected));
    }
    // The first goes on.
    assert_eq!(Program::start("connect_to_address", &[&port_flag(port)]).finish().0, 0);
    drop(running);
}

/// They are told at once and in order, and so are the clients that are connected: none has to wait for a deadline.
#[test]
fn an_interrupted_server_says_goodbye_to_its_clients() {
    for server in matrix::servers() {
        let (running, port) = Program::serve(&server, &["--server-name=Buster"]);
        let clients = matrix::stay(&server, port);
        for _ in &clients {
            running.says("Accepted 127.0.0.1:");
        }
        running.interrupt();
        let (code, stdout, stderr) = running.finish();
        assert_eq!((code, &*stdout), (172, ""), "{stderr}");
        assert!(stderr.ends_with(&format!("{server}: aborted (user or software interrupt)\n")), "{stderr}");
        clients.into_iter().for_each(|client| was_abandoned(client, port));
        TcpListener::bind(("127.0.0.1", port)).expect("the port is free again");
    }
}

#[test]
fn an_interrupted_relay_says_goodbye_to_both_ends() {
    let (server, port) = Program::serve("listen_conversations_at_address", &[]);
    let flags = [&format!("--server-port={port}"), "--debug-level=OBJECT"];
    let (relay, relayed) = Program::serve("relay_to_address", &flags);
    let clients = matrix::stay("listen_conversations_at_address", relayed);
    for _ in &clients {
        relay.says("AddressGroup[PENDING] - Received UseAddress");
    }
    relay.interrupt();
    assert_eq!(relay.finish().0, 172);
    clients.into_iter().for_each(|client| was_abandoned(client, relayed));
    for _ in 0..2 {
        server.says("(closed by the peer)");
    }
}

#[test]
fn a_server_that_ends_behind_a_relay_ends_its_clients() {
    let (server, port) = Program::serve("listen_conversations_at_address", &[]);
    let flags = [&format!("--server-port={port}"), "--debug-level=OBJECT"];
    let (relay, relayed) = Program::serve("relay_to_address", &flags);
    let clients = matrix::stay("listen_conversations_at_address", relayed);
    for _ in &clients {
        relay.says("AddressGroup[PENDING] - Received UseAddress");
    }
    server.kill();
    clients.into_iter().for_each(|client| was_abandoned(client, relayed));
    // And with the next server the relay goes on.
    let server = Program::serve("listen_conversations_at_address", &[&port_flag(port)]).0;
    let client = Program::start("connect_conversations_to_address", &[&port_flag(relayed)]);
    assert_eq!(client.finish(), (0, CONVERSATIONS.into(), String::new()));
    drop((server, relay));
}

#[test]
fn a_server_may_come_after_its_clients() {
    let port = free_ports(4);
    let flags = [&format!("--server-port={}", port + 3), "--debug-level=OBJECT"];
    let (relay, relayed) = Program::serve("relay_to_address", &flags);
    let caller = Program::start("connect_conversations_to_address", &[&port_flag(relayed)]);
    relay.says("Received NotConnected");
    let patient = matrix::clients().into_iter().filter(|client| matrix::is_patient(client));
    let clients: Vec<_> = patient
        .map(|client| {
            let running = Program::start(&client, &[&port_flag(port), "--debug-level=OBJECT"]);
            running.says("Received NotConnected");
            (client, running)
        })
        .collect();
    let at = |port| Program::serve("listen_conversations_at_address", &[&port_flag(port)]).0;
    let servers = [0, 1, 2, 3].map(|number| at(port + number));
    for (client, running) in clients {
        let (code, stdout, stderr) = running.finish();
        let expected = if client == "connect_to_three_servers" { ACQUAINTED } else { WELCOME };
        assert_eq!((code, &*stdout), (0, expected), "{stderr}");
        assert!(stderr.contains("-> GLARING"), "it has waited: {stderr}");
    }
    assert_eq!(caller.finish(), (0, CONVERSATIONS.into(), String::new()));
    drop((servers, relay));
}

/// With `Unknown` before it, it would look like a fault of the server.
#[test]
fn a_server_that_is_a_machine_says_who_was_no_client() {
    let servers = ["listen_fsm_at_address", "listen_fsm_sessions_at_address", "laboratory"];
    for (server, flags) in servers.into_iter().zip([&[][..], &[], &["--role=controller"]]) {
        let (server, port) = Program::serve(server, flags);
        let mut stranger = raw::call(port);
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("room");
        let remote = stranger.local_addr().expect("connected");
        let line = server.says(&format!("cannot accept {remote} at 127.0.0.1:{port} ("));
        assert!(!line.contains("Unknown"), "{line}");
    }
}

/// A server that takes connections and answers no hello: it is killed before it has.
fn silent_server(port: u16) -> Program {
    Program::serve("laboratory", &["--role=controller", &port_flag(port)]).0
}

#[test]
fn a_client_that_reconnects_finds_a_server_that_was_killed_and_has_come_back() {
    let port = free_port();
    let server = silent_server(port);
    let client = Program::start("connect_and_reconnect_fsm_to_address", &[&port_flag(port), "--debug-level=OBJECT"]);
    client.says("Sent Hello");
    server.kill();
    client.says("Received NotReady");
    let server = Program::serve("listen_fsm_at_address", &[&port_flag(port)]);
    client.says("Received Ready");
    let (code, stdout, stderr) = client.finish();
    assert_eq!((code, &*stdout), (0, WELCOME), "{stderr}");
    drop(server);
}

/// One of three: the session that has it is stopped, and another is made when it is back.
#[test]
fn a_client_of_three_servers_begins_again_when_one_of_them_was_killed_and_has_come_back() {
    let port = free_ports(3);
    let serve = |port| Program::serve("listen_sessions_at_address", &[&port_flag(port)]).0;
    let (_clock, store, _scale) = (serve(port), silent_server(port + 1), serve(port + 2));
    let client = Program::start("connect_to_three_servers", &[&port_flag(port), "--debug-level=OBJECT"]);
    for _ in 0..2 {
        client.says("Received Welcome");
    }
    store.kill();
    client.says("Session[GREETING] - Received Stop");
    let _store = serve(port + 1);
    let (code, stdout, stderr) = client.finish();
    assert_eq!((code, &*stdout), (0, ACQUAINTED), "{stderr}");
    assert_eq!(stderr.matches("Received Welcome").count(), 5, "two, and three again");
}

#[test]
fn a_client_whose_server_is_killed_says_so_in_one_line() {
    let port = free_port();
    for client in matrix::clients().iter().filter(|client| !matrix::is_patient(client)) {
        let server = silent_server(port);
        let running = Program::start(client, &[&port_flag(port), "--debug-level=OBJECT"]);
        running.says("Received Connected");
        server.kill();
        let (code, stdout, stderr) = running.finish();
        assert_eq!((code, &*stdout), (172, ""), "{stderr}");
        let last = stderr.lines().last().unwrap_or_default();
        let expected = format!("{client}: abandoned by \"127.0.0.1:{port}\" (");
        assert!(last.starts_with(&expected), "expected {expected:?}, got {last:?}");
    }
}
