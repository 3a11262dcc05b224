//! Groups over links: members that are made again, and the one refusal that ends a member for good.

use std::net::SocketAddr;
use std::time::Duration;

use statepoint::link::{KnownKeys, ListenSecurity, Mode};
use statepoint::prelude::*;
use statepoint::wire::LinkError;
use statepoint::{Completed, Exhausted};

use crate::messages::Note;
use crate::modes::{CLIENT, Places, SERVER, STRANGER, connecting, identity, key, listen, listening};
use crate::puppet::Puppet;
use crate::world::World;
use crate::{in_every_mode, scenarios};

in_every_mode!(a_group_of_a_port_and_a_server, a_server_that_comes_back_is_met_again);

scenarios!(
    a_client_that_a_known_server_does_not_admit_gives_up,
    a_refusal_that_anybody_could_have_made_is_tried_again,
    a_server_that_is_set_right_is_met_at_the_next_attempt,
    a_key_that_has_changed_is_never_taken_for_the_old_one,
);

#[derive(Group)]
struct Port {
    port: Member,
}

#[derive(Group)]
struct Servers {
    one: Member,
    other: Member,
}

/// Soon, so that nothing takes long over sockets.
fn soon() -> Retry {
    Retry::steps([], Duration::from_millis(20))
}

/// Creates a child that tells its parent of what it has got.
fn create(world: &mut impl World, puppet: &Puppet, point: impl statepoint::IntoPoint + 'static) -> Address {
    puppet.act(world, move |cx| cx.create(point))
}

/// Waits for a message and drops it.
fn hear<T: Message>(world: &mut impl World, puppet: &Puppet) -> T {
    puppet.pick::<T>(world).0
}

/// What a child of the puppet has completed with.
fn completed(world: &mut impl World, puppet: &Puppet) -> Value {
    world.run_until("the child to end", |_| puppet.has_completed());
    let (Completed { value, .. }, _) = puppet.completed().remove(0);
    value
}

/// Two hosts listen in their groups, a third has a group of both.
fn a_group_of_a_port_and_a_server(world: &mut impl Places, mode: Mode) {
    let hosts = [world.host(), world.host(), world.host()];
    let [one, other, client] = hosts.map(|host| Puppet::new(world, host));
    let places = [&one, &other].map(|server| {
        let at = world.place(server.host);
        let port = Port { port: Member::new(move || ListenAtAddress::new(listening(mode, at))) };
        create(world, server, port.table().group());
        hear::<Ready>(world, server);
        at
    });
    let [to_one, to_other] =
        places.map(|at| Member::new(move || ConnectToAddress::new(connecting(mode, at)).retry(soon())));
    let mut servers = Servers { one: to_one, other: to_other };
    create(world, &client, servers.table().group());
    hear::<Ready>(world, &client);
    while client.count::<GroupUpdate>() > 0 {
        servers.update(&hear::<GroupUpdate>(world, &client));
    }
    assert_eq!(servers.missing(), [""; 0]);
    for (server, far) in [(&one, servers.one.address()), (&other, servers.other.address())] {
        let accepted = hear::<Accepted>(world, server);
        assert_eq!(accepted.key, (mode == Mode::Mutual).then(|| key(CLIENT)));
        client.send(world, far, Note { number: 1 });
        let (note, from) = server.pick::<Note>(world);
        server.send(world, from, Note { number: note.number + 1 });
        assert_eq!(hear::<Note>(world, &client).number, 2);
    }
    world.finish();
}

fn a_server_that_comes_back_is_met_again(world: &mut impl Places, mode: Mode) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let at = world.place(server.host);
    create(world, &client, ConnectToAddress::new(connecting(mode, at)).retry(soon()));
    for _ in 0..3 {
        let port = server.child(world);
        listen(world, &port, listening(mode, at));
        let there = hear::<UseAddress>(world, &client).address;
        port.pick::<Accepted>(world);
        client.send(world, there, Note { number: 1 });
        hear::<Note>(world, &port);
        port.end(world);
        hear::<NoAddress>(world, &client);
    }
    world.finish();
}

/// The server is known and has proven its key: what it says is no trick of anybody on the way.
fn a_client_that_a_known_server_does_not_admit_gives_up(world: &mut impl World) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let own = world.own(server.host);
    let strict = Listen::at(own).identity(identity(SERVER)).allow([key(STRANGER)]);
    let (at, _) = listen(world, &server, strict);
    let expects = connecting(Mode::Mutual, at);
    let book = KnownKeys::in_memory();
    book.remember(&HostPort::from(at).to_string(), key(SERVER)).expect("an empty book");
    let remembers = Connect::to(at).trust_on_first_use(&book).identity(identity(CLIENT));
    for connect in [expects, remembers] {
        let child = client.child(world);
        create(world, &child, ConnectToAddress::new(connect.clone()).retry(soon()));
        let fault = completed(world, &child).take::<NotConnected>().expect("the refusal");
        let reason = format!("the key {} is not allowed here", key(CLIENT));
        assert_eq!(fault.reason.link, Some(LinkError::NotAuthorised { by: key(SERVER), reason }));
        let fault = hear::<NotAccepted>(world, &server);
        assert!(matches!(fault.reason.link, Some(LinkError::WrongKey { .. })), "{fault:?}");
        // A group goes with its member.
        let servers = Servers {
            one: Member::new(move || ConnectToAddress::new(connect.clone()).retry(soon())),
            other: Member::new(move || ListenAtAddress::new(own)),
        };
        let owner = client.child(world);
        create(world, &owner, servers.table().group());
        assert!(completed(world, &owner).is::<NotConnected>());
        hear::<NotAccepted>(world, &server);
    }
    world.settle();
    assert_eq!((server.names(), world.net_counters(server.host).accepted), (vec![], 4), "nobody has tried again");
    world.finish();
}

/// An attacker with a key of its own, or one who only listens on the way, can say as much. It keeps nobody from the server.
fn a_refusal_that_anybody_could_have_made_is_tried_again(world: &mut impl World) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let own = world.own(server.host);
    let known = ListenSecurity::clear().identity(identity(SERVER));
    let stranger = ListenSecurity::clear().identity(identity(STRANGER));
    fn first_use(at: SocketAddr) -> Connect {
        Connect::to(at).trust_on_first_use(&KnownKeys::in_memory()).identity(identity(CLIENT))
    }
    type Case = (ListenSecurity, fn(SocketAddr) -> Connect, &'static str);
    let cases: [Case; 6] = [
        (ListenSecurity::encrypted(), |at| connecting(Mode::Clear, at), "says that it requires"),
        (ListenSecurity::clear(), |at| connecting(Mode::Mutual, at), "says that it requires"),
        (stranger, |at| connecting(Mode::ServerAuthenticated, at), "compare both"),
        (known.clone().allow([]), first_use, "is not allowed here"),
        (known.clone().realm("another"), |at| connecting(Mode::ServerAuthenticated, at), "only the peer can"),
        (known.clone().allow([key(SERVER)]), |at| first_use(at).identity(identity(SERVER)), "end's own"),
    ];
    for (security, connect, because) in cases {
        let (at, listener) = listen(world, &server, Listen::at(own).security(security));
        let child = client.child(world);
        create(world, &child, ConnectToAddress::new(connect(at)).retry(soon().attempts(3)));
        let exhausted = completed(world, &child).take::<Exhausted>().expect("it has tried");
        assert_eq!(exhausted.attempts, 3);
        assert!(exhausted.last.contains(because), "expected {because:?} in {:?}", exhausted.last);
        (0..3).for_each(|_| drop(hear::<NotAccepted>(world, &server)));
        server.act(world, move |cx| cx.stop_listen(listener));
    }
    world.finish();
}

fn a_server_that_is_set_right_is_met_at_the_next_attempt(world: &mut impl Places) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let at = world.place(server.host);
    create(world, &client, ConnectToAddress::new(connecting(Mode::Mutual, at)).retry(soon()));
    for wrong in [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated] {
        let (_, listener) = listen(world, &server, listening(wrong, at));
        (0..3).for_each(|_| drop(hear::<NotAccepted>(world, &server)));
        server.act(world, move |cx| cx.stop_listen(listener));
        let host = server.host;
        world.run_until("the port to close", |world| world.sockets(host) == 0);
    }
    assert_eq!(client.waiting(), 0);
    listen(world, &server, listening(Mode::Mutual, at));
    let there = hear::<UseAddress>(world, &client).address;
    client.send(world, there, Note { number: 1 });
    hear::<Note>(world, &server);
    world.finish();
}

/// The first answer at an address decides, whoever comes later: until somebody changes the book.
fn a_key_that_has_changed_is_never_taken_for_the_old_one(world: &mut impl Places) {
    let hosts = [world.host(), world.host()];
    let [server, client] = hosts.map(|host| Puppet::new(world, host));
    let at = world.place(server.host);
    let book = KnownKeys::in_memory();
    create(world, &client, ConnectToAddress::new(Connect::to(at).trust_on_first_use(&book)).retry(soon()));
    for (who, is_met) in [(SERVER, true), (STRANGER, false), (SERVER, true)] {
        let port = server.child(world);
        listen(world, &port, Listen::at(at).identity(identity(who)));
        if is_met {
            hear::<UseAddress>(world, &client);
            assert_eq!(hear::<Accepted>(world, &port).key, None);
        } else {
            (0..3).for_each(|_| drop(hear::<NotAccepted>(world, &port)));
        }
        assert_eq!(book.get(&HostPort::from(at).to_string()), Some(key(SERVER)));
        port.end(world);
        if is_met {
            hear::<NoAddress>(world, &client);
        }
    }
    assert_eq!(client.waiting(), 0);
    world.finish();
}
