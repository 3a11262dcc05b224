//! What the guide's walk through the programs shows is what they print.

use std::path::Path;

use crate::matrix;
use crate::program::{Program, free_port, free_ports};

const GUIDE: &str = include_str!("../../src/guide/walkthrough.md");

/// A line without what is different each time: times, ports and durations.
fn plain(line: &str) -> String {
    let is_time = |word: &str| word.len() == 12 && word.chars().filter(|letter| *letter == ':').count() == 2;
    let is_duration = |word: &str| {
        let number = word.trim_end_matches(['n', 'u', 'm', 's']);
        number != word && !number.is_empty() && number.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
    };
    let words = line.split(' ').map(|word| match word {
        _ if is_time(word) => "TIME".to_owned(),
        _ if is_duration(word) => "DURATION".to_owned(),
        _ => match word.split_once("127.0.0.1:") {
            Some((before, port)) => {
                format!("{before}127.0.0.1:PORT{}", port.trim_start_matches(|letter: char| letter.is_ascii_digit()))
            }
            None => word.to_owned(),
        },
    });
    words.collect::<Vec<_>>().join(" ")
}

fn plain_text(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

/// The guide has these lines, one after the other.
fn assert_shown(text: &str) {
    let (expected, guide) = (plain_text(text), plain_text(GUIDE));
    assert!(
        guide.contains(&expected),
        "expected src/guide/walkthrough.md to contain, but for times and ports:\n{text}"
    );
}

/// What a program writes after it was started with these flags is shown as the output of this command. The port is not named in
/// the guide, because there it is the one that the program has.
fn assert_prints(name: &str, flags: &[&str], port: u16, code: i32) {
    let running = Program::start(name, &[flags, &[&format!("--port={port}")]].concat());
    assert_output(name, flags, running, code);
}

fn assert_output(name: &str, flags: &[&str], running: Program, code: i32) {
    let (got, stdout, stderr) = running.finish();
    assert_eq!(got, code, "{stderr}");
    let dashes = if flags.is_empty() { "" } else { " -- " };
    assert_shown(&format!("$ cargo run --example {name}{dashes}{}\n{stderr}{stdout}", flags.join(" ")));
}

/// A server as the guide starts it.
fn serve(name: &str) -> (Program, u16) {
    assert_shown(&format!("$ cargo run --example {name} -- --debug-level=CONSOLE"));
    Program::serve(name, &[])
}

/// Ctrl-C, and what the server has written since it said where it listens, with the line about its end or without.
fn assert_wrote(server: Program, with_end: bool) {
    server.interrupt();
    let (code, stdout, stderr) = server.finish();
    assert_eq!((code, &*stdout), (172, ""), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    let (listening, rest) = lines.split_first().expect("it has listened");
    assert_shown(listening);
    let shown = if with_end { rest } else { rest.split_last().expect("it has said that it was aborted").1 };
    assert_shown(&shown.join("\n"));
}

#[test]
fn the_guide_shows_a_request_and_its_response() {
    let (server, port) = serve("listen_at_address");
    assert_prints("connect_to_address", &["--debug-level=DEBUG"], port, 0);
    server.says("Closed/Abandoned");
    assert_wrote(server, true);
}

#[test]
fn the_guide_shows_a_client_that_was_started_before_its_server() {
    let (port, flags) = (free_port(), ["--debug-level=DEBUG"]);
    let name = "connect_and_reconnect_to_address";
    let client = Program::start(name, &[flags[0], &format!("--port={port}")]);
    for _ in 0..2 {
        client.says("Received NotConnected");
    }
    let server = Program::serve("listen_at_address", &[&format!("--port={port}")]);
    assert_output(name, &flags, client, 0);
    drop(server);
}

#[test]
fn the_guide_shows_a_server_that_is_not_there_and_a_port_that_is_taken() {
    assert_prints("connect_to_address", &[], 1, 111);
    let (server, port) = Program::serve("listen_at_address", &[]);
    assert_prints("listen_fsm_at_address", &[], port, 98);
    drop(server);
}

#[test]
fn the_guide_shows_three_servers() {
    let port = free_ports(3);
    let at = |port: u16| Program::serve("listen_sessions_at_address", &[&format!("--port={port}")]);
    let servers = [0, 1, 2].map(|number| at(port + number));
    assert_prints("connect_to_three_servers", &[], port, 0);
    drop(servers);
}

#[test]
fn the_guide_shows_a_relay() {
    let (server, port) = Program::serve("listen_at_address", &[]);
    assert_shown("$ cargo run --example relay_to_address -- --debug-level=CONSOLE");
    let (relay, relayed) = Program::serve("relay_to_address", &[&format!("--server-port={port}")]);
    let client = Program::start("connect_to_address", &[&format!("--port={relayed}")]);
    assert_output("connect_to_address", &["--port=32010"], client, 0);
    relay.says("abandoned by");
    assert_wrote(relay, false);
    drop(server);
}

#[test]
fn the_guide_shows_several_conversations() {
    let (server, port) = serve("listen_conversations_at_address");
    assert_prints("connect_conversations_to_address", &["--rounds=3", "--debug-level=CONSOLE"], port, 0);
    drop(server);
}

#[test]
fn the_guide_shows_a_server_that_asks() {
    let (server, port) = serve("listen_and_ask_at_address");
    assert_prints("connect_and_answer_to_address", &[], port, 0);
    server.says("abandoned by");
    assert_wrote(server, false);
}

#[test]
fn the_guide_lists_every_program() {
    let list = GUIDE.split_once("## All programs").expect("the list").1;
    for name in matrix::examples("") {
        assert!(list.contains(&format!("`{name}`")), "expected `{name}` in the list of src/guide/walkthrough.md");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/laboratory/main.rs").exists());
    assert!(list.contains("`laboratory`"));
}
