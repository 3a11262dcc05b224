//! Files of keys that are something else, become it while a program runs, or come later.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use statepoint::link::{Identity, KeyFileError, KnownKeys, NotRemembered, SecurityError};
use statepoint::prelude::*;
use statepoint::wire::LinkError;
use statepoint::{Completed, Exhausted};

use crate::modes::{CLIENT, Places, SERVER, identity, key, listen};
use crate::puppet::Puppet;
use crate::scenarios;
use crate::world::World;

scenarios!(
    a_key_file_that_comes_later_is_read_at_the_next_attempt,
    a_book_that_is_mended_later_is_opened_at_the_next_attempt,
    settings_that_make_no_sense_end_a_member_of_a_group_at_once,
    a_key_that_is_changed_in_the_book_is_accepted_at_the_next_attempt,
);

/// A file of this test, which is not there yet. Each call names another.
fn fresh(name: &str) -> PathBuf {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("statepoint-{}-{call}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn pipe(path: &PathBuf) {
    let made = Command::new("mkfifo").arg(path).status().expect("every Unix has it");
    assert!(made.success());
}

/// What `task` gives. It must not take for ever.
fn in_time<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    std::thread::spawn(move || done.send(task()));
    result.recv_timeout(Duration::from_secs(60)).expect("it blocks nobody")
}

fn is_no_file(error: &KeyFileError) -> bool {
    matches!(error, KeyFileError::Content { expected: "an ordinary file", .. })
}

/// To open a pipe waits for somebody at its other end, and all connections of the reactor would wait too.
#[test]
fn a_pipe_in_the_place_of_a_key_file_is_refused_and_blocks_nobody() {
    let path = fresh("pipe");
    pipe(&path);
    let (identity, known) = (path.clone(), path.clone());
    assert!(is_no_file(&in_time(move || Identity::load(identity)).expect_err("no key")));
    assert!(is_no_file(&in_time(move || KnownKeys::open(known)).expect_err("no keys")));
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn a_book_that_becomes_something_else_remembers_nothing_and_knows_what_it_knew() {
    let path = fresh("book");
    let known = KnownKeys::open(&path).expect("a book that is not there yet");
    known.remember("one.lab:1", key(SERVER)).expect("written");
    std::fs::remove_file(&path).expect("removed");
    pipe(&path);
    let book = known.clone();
    let refused = in_time(move || book.remember("two.lab:1", key(SERVER)));
    assert!(matches!(refused, Err(NotRemembered::File(error)) if is_no_file(&error)));
    assert_eq!((known.get("one.lab:1"), known.get("two.lab:1")), (Some(key(SERVER)), None));
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("made");
    let refused = known.remember("two.lab:1", key(SERVER));
    assert!(matches!(refused, Err(NotRemembered::File(error)) if is_no_file(&error)));
    std::fs::remove_dir(&path).expect("removed");
    known.remember("two.lab:1", key(SERVER)).expect("written");
    assert_eq!((known.get("one.lab:1"), known.get("two.lab:1")), (Some(key(SERVER)), Some(key(SERVER))));
    let text = std::fs::read_to_string(&path).expect("a book again");
    assert_eq!(text, format!("one.lab:1 {0}\ntwo.lab:1 {0}\n", key(SERVER)), "with all that was known");
    std::fs::remove_file(path).expect("removed");
}

/// Soon, so that nothing takes long over sockets.
fn soon() -> Retry {
    Retry::steps([], Duration::from_millis(20))
}

/// What a child of the puppet has completed with.
fn completed(world: &mut impl World, puppet: &Puppet) -> Value {
    world.run_until("the child to end", |_| puppet.has_completed());
    let (Completed { value, .. }, _) = puppet.completed().remove(0);
    value
}

/// What this child completes with when nothing about it changes: its attempts are spent, and this was the last.
fn exhausted(world: &mut impl World, owner: &Puppet, point: impl statepoint::IntoPoint + 'static) -> Exhausted {
    let child = owner.child(world);
    child.act(world, move |cx| cx.create(point));
    completed(world, &child).take().expect("it has tried")
}

/// A secret may be mounted later than the program starts, or be put right by somebody who was woken up for it.
fn a_key_file_that_comes_later_is_read_at_the_next_attempt(world: &mut impl Places) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let at = world.place(server.host);
    let files = ["late-server", "late-client"].map(fresh);
    let of_server = Listen::at(at).identity_file(&files[0]).allow_anybody();
    let tried = exhausted(world, &server, ListenAtAddress::new(of_server.clone()).retry(soon().attempts(3)));
    assert_eq!(tried.attempts, 3);
    assert!(tried.last.contains("expected to read the key file"), "{tried:?}");
    server.act(world, move |cx| cx.create(ListenAtAddress::new(of_server).retry(soon())));
    world.settle();
    let own = Identity::load_or_create(&files[0]).expect("made");
    server.pick::<UseAddress>(world);

    let of_client = Connect::to(at).expect(own.public_key()).identity_file(&files[1]);
    let tried = exhausted(world, &client, ConnectToAddress::new(of_client.clone()).retry(soon().attempts(3)));
    assert!(tried.attempts == 3 && tried.last.contains("expected to read the key file"), "{tried:?}");
    client.act(world, move |cx| cx.create(ConnectToAddress::new(of_client).retry(soon())));
    world.settle();
    assert_eq!((client.waiting(), server.waiting()), (0, 0), "nobody connects without the key that was asked for");
    let own = Identity::load_or_create(&files[1]).expect("made");
    client.pick::<UseAddress>(world);
    assert_eq!(server.pick::<Accepted>(world).0.key, Some(own.public_key()));
    for file in files {
        std::fs::remove_file(file).expect("removed");
    }
    world.finish();
}

fn a_book_that_is_mended_later_is_opened_at_the_next_attempt(world: &mut impl Places) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let own = world.own(server.host);
    let (at, _) = listen(world, &server, Listen::at(own).identity(identity(SERVER)));
    let path = fresh("mended");
    std::fs::write(&path, "no key\n").expect("written");
    let connect = Connect::to(at).known_keys_file(&path);
    let tried = exhausted(world, &client, ConnectToAddress::new(connect.clone()).retry(soon().attempts(3)));
    assert!(tried.attempts == 3 && tried.last.contains("a public key behind the address"), "{tried:?}");
    std::fs::write(&path, "").expect("written");
    client.act(world, move |cx| cx.create(ConnectToAddress::new(connect).retry(soon())));
    client.pick::<UseAddress>(world);
    assert_eq!(
        std::fs::read_to_string(&path).expect("a book"),
        format!("{} {}\n", HostPort::from(at), key(SERVER)),
        "who answered is written down"
    );
    std::fs::remove_file(path).expect("removed");
    world.finish();
}

/// The server has a new key. Whoever has compared it changes the line, and the program that runs goes on.
fn a_key_that_is_changed_in_the_book_is_accepted_at_the_next_attempt(world: &mut impl Places) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let at = world.place(server.host);
    let path = fresh("changed");
    let line = |who| format!("{} {}\n", HostPort::from(at), key(who));
    std::fs::write(&path, line(CLIENT)).expect("written");
    let connect = Connect::to(at).known_keys_file(&path);
    listen(world, &server, Listen::at(at).identity(identity(SERVER)));
    client.act(world, move |cx| cx.create(ConnectToAddress::new(connect).retry(soon())));
    for _ in 0..3 {
        assert!(matches!(server.pick::<NotAccepted>(world).0.reason.link, Some(LinkError::Refused { .. })));
    }
    assert_eq!(client.waiting(), 0);
    std::fs::write(&path, line(SERVER)).expect("written");
    client.pick::<UseAddress>(world);
    std::fs::remove_file(path).expect("removed");
    world.finish();
}

/// Nothing that could happen makes another attempt go better, so whoever watches the program learns it at once.
fn settings_that_make_no_sense_end_a_member_of_a_group_at_once(world: &mut impl Places) {
    let host = world.host();
    let point = Puppet::new(world, host);
    let at = world.place(host);
    let book = KnownKeys::in_memory();
    let child = point.child(world);
    let connect = Connect::to(at).expect(key(SERVER)).trust_on_first_use(&book);
    child.act(world, move |cx| cx.create(ConnectToAddress::new(connect).retry(soon())));
    let fault = completed(world, &child).take::<NotConnected>().expect("the fault");
    assert_eq!((fault.reason.text.clone(), fault.reason.is_final()), (SecurityError::Contradiction.to_string(), true));
    let child = point.child(world);
    let listen = Listen::at(at).allow([key(CLIENT)]);
    child.act(world, move |cx| cx.create(ListenAtAddress::new(listen).retry(soon())));
    let fault = completed(world, &child).take::<NotListening>().expect("the fault");
    assert_eq!((fault.reason.text.clone(), fault.reason.is_final()), (SecurityError::NoIdentity.to_string(), true));
    assert_eq!(world.net_counters(host).connected, 0);
    world.finish();
}
