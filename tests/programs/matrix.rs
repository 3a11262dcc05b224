//! Every listening program serves every connecting program.

use std::path::Path;

use crate::program::{Program, free_ports};

/// What the programs are told beside ports and names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags<'a> {
    pub(crate) servers: &'a [&'a str],
    pub(crate) clients: &'a [&'a str],
    pub(crate) relays: &'a [&'a str],
}

const ASKING: &str = "listen_and_ask_at_address";
const ANSWERING: &str = "connect_and_answer_to_address";
const CLERKS: &str = "listen_conversations_at_address";
const CALLERS: &str = "connect_conversations_to_address";
const OF_THREE: &str = "connect_to_three_servers";

pub(crate) const WELCOME: &str = "Welcome\n+   your_name: \"Gladys\"\n+   my_name: \"Buster\"\n";
pub(crate) const ACQUAINTED: &str = "Acquainted\n+   clock: \"Buster\"\n+   store: \"Buster\"\n+   scale: \"Buster\"\n";
pub(crate) const CONVERSATIONS: &str = "Conversations\n+   with: [\"Buster 1\",\"Buster 2\",\"Buster 3\"]\n";
pub(crate) const ADMITTED: &str = "Admitted\n+   guest: \"Gladys\"\n+   number: 1\n";

/// The examples of one file whose names begin so: who adds one adds it to the matrix.
pub(crate) fn examples(prefix: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = folder.read_dir().expect("the examples").map(|file| file.expect("a file").file_name());
    let names = files.filter_map(|file| Some(file.to_str()?.strip_suffix(".rs")?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    assert!(names.len() > 4, "expected examples in {}, got {names:?}", folder.display());
    names
}

pub(crate) fn servers() -> Vec<String> {
    examples("listen_")
}

pub(crate) fn clients() -> Vec<String> {
    examples("connect_")
}

/// Whether a client goes on trying when nobody is there.
pub(crate) fn is_patient(client: &str) -> bool {
    client == OF_THREE || client.contains("reconnect")
}

/// What a client writes when it has been served; none when it speaks of things that this server knows nothing of.
fn outcome(server: &str, client: &str) -> Option<&'static str> {
    match client {
        CALLERS => (server == CLERKS).then_some(CONVERSATIONS),
        ANSWERING => (server == ASKING).then_some(ADMITTED),
        OF_THREE => Some(ACQUAINTED),
        _ => Some(WELCOME),
    }
}

/// Two clients that stay with a server for as long as it is there: they wait for what it does not do, or talk without end.
pub(crate) fn stay(server: &str, port: u16) -> [Program; 2] {
    let (first, port) = (if server == ASKING { CALLERS } else { ANSWERING }, format!("--port={port}"));
    let flags = [&port, "--debug-level=NONE"];
    [Program::start(first, &flags), Program::start(CALLERS, &[&flags[..], &["--rounds=4000000000"]].concat())]
}

/// A program at three ports in a row, the first of which is `port`, each with flags of its own.
fn three(name: &str, port: u16, flags: &[&str], own: impl Fn(u16) -> String) -> [Program; 3] {
    [0, 1, 2].map(|number| {
        let (at, own) = (format!("--port={}", port + number), own(number));
        let flags = [flags, &[at.as_str(), own.as_str()]].concat();
        Program::serve(name, &flags).0
    })
}

fn end(programs: impl IntoIterator<Item = Program>, name: &str) {
    for program in programs {
        program.interrupt();
        let (code, stdout, stderr) = program.finish();
        assert_eq!((code, &*stdout), (172, ""), "{name}: {stderr}");
        assert!(stderr.ends_with(&format!("{name}: aborted (user or software interrupt)\n")), "{stderr}");
        assert!(!stderr.contains(" ? <") && !stderr.contains(" ! <"), "nothing is lost: {stderr}");
    }
}

/// All clients, at the same time, at this server.
fn all_at(server: &str, port: u16, flags: &[&str]) {
    let port = format!("--port={port}");
    // Who is asked and did not expect that says so, as a warning. There are no others.
    let quiet: &[_] = if server == ASKING { &["--debug-level=FAULT"] } else { &[] };
    let flags = [&[port.as_str()], quiet, flags].concat();
    let clients = clients().into_iter().filter_map(|client| Some((outcome(server, &client)?, client)));
    let running: Vec<_> = clients.map(|(output, client)| (Program::start(&client, &flags), output, client)).collect();
    for (running, output, client) in running {
        let (code, stdout, stderr) = running.finish();
        assert_eq!((code, &*stdout, &*stderr), (0, output, ""), "{client} at {server}");
    }
}

/// All clients at all servers, three of each because one of the clients wants three.
fn everybody_at_everybody(flags: Flags<'_>) {
    for server in servers() {
        let port = free_ports(3);
        let running = three(&server, port, flags.servers, |_| "--server-name=Buster".into());
        all_at(&server, port, flags.clients);
        end(running, &server);
    }
}

/// The same with a relay before each server.
fn everybody_through_relays(flags: Flags<'_>) {
    for server in servers() {
        let port = free_ports(6);
        let running = three(&server, port, flags.servers, |_| "--server-name=Buster".into());
        let relays =
            three("relay_to_address", port + 3, flags.relays, |number| format!("--server-port={}", port + number));
        all_at(&server, port + 3, flags.clients);
        end(relays, "relay_to_address");
        end(running, &server);
    }
}

/// However a server and a client are written, they understand each other.
#[test]
fn every_client_is_welcome_at_every_server() {
    everybody_at_everybody(Flags::default());
}

#[test]
fn every_client_is_welcome_at_every_server_behind_a_relay() {
    everybody_through_relays(Flags::default());
}

#[test]
fn every_client_is_welcome_at_every_server_when_both_encrypt() {
    everybody_at_everybody(Flags { servers: &["--encrypted"], clients: &["--encrypted"], ..Flags::default() });
}

#[test]
fn every_client_is_welcome_at_every_server_behind_a_relay_when_all_encrypt() {
    let (servers, clients) = (&["--encrypted"], &["--encrypted"]);
    everybody_through_relays(Flags { servers, clients, relays: &["--encrypted", "--server-encrypted"] });
}

#[test]
fn every_client_is_welcome_at_every_server_whose_key_it_expects() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("programs-{}.key", std::process::id()));
    let (code, stdout, stderr) = Program::start("make_key", &[&format!("--file={}", file.display())]).finish();
    assert_eq!((code, &*stderr), (0, ""));
    let key = stdout.split('"').nth(1).unwrap_or_else(|| panic!("expected a key, got {stdout:?}"));
    let (identity, expect) = (format!("--identity={}", file.display()), format!("--expect={key}"));
    everybody_at_everybody(Flags { servers: &[&identity], clients: &[&expect], ..Flags::default() });
    std::fs::remove_file(file).expect("it was made");
}

#[test]
fn a_relay_behind_a_relay_behind_a_relay_is_one() {
    let (server, port) = Program::serve(CLERKS, &[]);
    let mut relays = Vec::new();
    let mut last = port;
    for _ in 0..3 {
        let (relay, port) = Program::serve("relay_to_address", &[&format!("--server-port={last}")]);
        relays.push(relay);
        last = port;
    }
    let (code, stdout, stderr) = Program::start(CALLERS, &[&format!("--port={last}"), "--rounds=100"]).finish();
    assert_eq!((code, &*stdout, &*stderr), (0, CONVERSATIONS, ""));
    // What is said to an address that was given goes from connection to connection: only what began it all was passed on.
    for relay in relays {
        relay.interrupt();
        let (_, _, stderr) = relay.finish();
        assert_eq!(stderr.matches("conversation.Begin from").count(), 1, "{stderr}");
        assert_eq!(stderr.matches("conversation.Line").count(), 0, "{stderr}");
    }
    end([server], CLERKS);
}

#[test]
fn several_conversations_share_one_connection() {
    let (server, port) = Program::serve(CLERKS, &["--debug-level=OBJECT"]);
    let flags = [&format!("--port={port}"), "--callers=20", "--rounds=50", "--debug-level=OBJECT"];
    let (code, stdout, stderr) = Program::start(CALLERS, &flags).finish();
    assert_eq!((code, stdout.matches("Buster ").count()), (0, 20), "{stdout}{stderr}");
    for caller in 1..=20 {
        assert_eq!(stderr.matches(&format!("my name is \"Buster {caller}\"\n")).count(), 49, "{caller}");
    }
    server.interrupt();
    let (_, _, stderr) = server.finish();
    assert_eq!(stderr.matches("Received Accepted").count(), 1);
    assert_eq!(stderr.matches("clerk - Received Line").count(), 20 * 50);
    assert_eq!(stderr.matches("clerk - Ending with Done").count(), 20, "every clerk has heard goodbye");
}

#[test]
fn a_server_asks_its_clients_and_uses_their_answers() {
    let (server, port) = Program::serve(ASKING, &["--server-name=Buster"]);
    for (number, name) in (1..).zip(["Gladys", "Ægir", ""]) {
        let (port, client_name) = (format!("--port={port}"), format!("--client-name={name}"));
        let (code, stdout, stderr) = Program::start(ANSWERING, &[&port, &client_name, "--json"]).finish();
        assert_eq!((code, &*stderr), (0, ""));
        assert_eq!(stdout, format!("{{\"guest\":\"{name}\",\"number\":{number}}}\n"));
        server.says(&format!("At server - Hello \"Buster\", my name is \"{name}\""));
    }
    end([server], ASKING);
}
