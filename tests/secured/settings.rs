//! Settings that make no sense: refused before anything is opened, and never replaced by weaker ones.

use std::io::ErrorKind;

use statepoint::link::{ConnectSecurity, KnownKeys, ListenSecurity, SecurityError};
use statepoint::prelude::*;

use crate::modes::{CLIENT, SERVER, identity, key};
use crate::puppet::Puppet;
use crate::scenarios;
use crate::world::World;

scenarios!(
    a_listener_with_settings_that_make_no_sense_opens_no_port,
    a_connector_with_settings_that_make_no_sense_calls_nobody,
    a_key_cannot_be_remembered_for_an_address_that_is_no_line,
    settings_of_one_name_do_not_undo_those_of_another,
    what_was_named_is_never_thrown_away_by_a_value_of_all_settings,
    a_realm_can_be_named_by_itself,
);

fn a_listener_with_settings_that_make_no_sense_opens_no_port(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let own = Listen::at(world.own(host));
    let two = ListenSecurity::clear().identity(identity(SERVER)).allow([key(CLIENT)]).allow_anybody();
    let long = ListenSecurity::encrypted().realm("r".repeat(256));
    for (listen, error) in [
        (own.clone().allow([key(CLIENT)]), SecurityError::NoIdentity),
        (own.clone().encrypted().allow([]), SecurityError::NoIdentity),
        (own.clone().security(ListenSecurity::encrypted().allow_anybody()), SecurityError::NoIdentity),
        (own.clone().security(two), SecurityError::Contradiction),
        (own.clone().security(long), SecurityError::RealmTooLong { got: 256, limit: 255 }),
        (own.clone().security(ListenSecurity::clear().realm("lab")), SecurityError::RealmInClear),
        (own.clone().realm("lab"), SecurityError::RealmInClear),
        // What a file has is not needed to see it.
        (own.clone().identity_file("no such file").allow([key(CLIENT)]).allow_anybody(), SecurityError::Contradiction),
    ] {
        let requested = listen.host_port().clone();
        let listener = server.act(world, move |cx| cx.listen(listen));
        let (fault, from) = server.expect::<NotListening>(world);
        assert_eq!((fault.requested.clone(), from), (requested, listener));
        assert_eq!((fault.reason.kind, fault.reason.link), (ErrorKind::InvalidInput, None));
        assert_eq!(fault.reason.text, error.to_string());
        world.run_until("the listener to end", |world| world.kernel(host).points() == 1);
        assert_eq!(world.sockets(host), 0);
    }
    world.finish();
}

/// Even where nobody would answer, it is the settings that are told.
fn a_connector_with_settings_that_make_no_sense_calls_nobody(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let (at, mut accept) = world.raw_listener();
    let book = KnownKeys::in_memory();
    let to = Connect::to(at);
    let five = (10..15).fold(to.clone(), |connect, who| connect.expect(key(who)));
    let any = ConnectSecurity::clear().trust_any_unauthenticated();
    for (connect, error) in [
        (to.clone().identity(identity(CLIENT)), SecurityError::NobodyExpected),
        (to.clone().encrypted().identity(identity(CLIENT)), SecurityError::NobodyExpected),
        (five, SecurityError::TooManyKeys { got: 5, limit: 4 }),
        (to.clone().expect(key(SERVER)).trust_on_first_use(&book), SecurityError::Contradiction),
        (to.clone().trust_on_first_use(&book).known_keys_file("no such folder/known"), SecurityError::Contradiction),
        (to.clone().known_keys_file("no such folder/known").trust_on_first_use(&book), SecurityError::Contradiction),
        (to.clone().security(any.expect(key(SERVER))), SecurityError::Contradiction),
        (
            to.clone().security(ConnectSecurity::encrypted().realm("r".repeat(256))),
            SecurityError::RealmTooLong { got: 256, limit: 255 },
        ),
        (to.clone().security(ConnectSecurity::clear().realm("lab")), SecurityError::RealmInClear),
        (to.clone().realm("lab"), SecurityError::RealmInClear),
        // What files have is not needed to see it.
        (to.clone().identity_file("no such file"), SecurityError::NobodyExpected),
        (to.clone().known_keys_file("no such folder/known").expect(key(SERVER)), SecurityError::Contradiction),
    ] {
        is_refused(world, &client, connect, error);
    }
    assert!(accept().is_none(), "somebody has called");
    assert_eq!(world.net_counters(host).connected, 0);
    world.finish();
}

fn a_key_cannot_be_remembered_for_an_address_that_is_no_line(world: &mut impl World) {
    let host = world.host();
    let client = Puppet::new(world, host);
    let book = KnownKeys::in_memory();
    for name in ["two words", "line\nbreak", "#comment", &"x".repeat(600)] {
        let connect = Connect::to(HostPort::new(name, 80)).trust_on_first_use(&book);
        is_refused(world, &client, connect, SecurityError::Address);
    }
    world.finish();
}

fn is_refused(world: &mut impl World, client: &Puppet, connect: Connect, error: SecurityError) {
    let requested = connect.host_port().clone();
    let attempt = client.act(world, move |cx| cx.connect(connect));
    let (fault, from) = client.expect::<NotConnected>(world);
    assert_eq!((fault.requested, fault.tried, from), (requested, None, attempt));
    assert_eq!((fault.reason.kind, fault.reason.link), (ErrorKind::InvalidInput, None), "{error}");
    assert_eq!(fault.reason.text, error.to_string());
    let host = client.host;
    world.run_until("the attempt to end", |world| world.kernel(host).points() == 1);
    assert_eq!(world.sockets(host), 0);
}

/// A listener that serves one client would serve everybody in clear if a value that names a realm only took the place of its keys.
fn what_was_named_is_never_thrown_away_by_a_value_of_all_settings(world: &mut impl World) {
    let host = world.host();
    let point = Puppet::new(world, host);
    let (own, book) = (Listen::at(world.own(host)), KnownKeys::in_memory());
    let lab = || ListenSecurity::default().realm("lab");
    let known = own.clone().identity(identity(SERVER)).allow([key(CLIENT)]);
    for listen in [
        known.clone().security(lab()),
        known.security(ListenSecurity::clear()),
        own.clone().security(lab()).identity(identity(SERVER)),
        own.clone().security(lab()).allow_anybody(),
        own.clone().security(lab()).encrypted(),
        own.clone().security(ListenSecurity::encrypted()).realm("lab"),
        own.clone().security(ListenSecurity::encrypted()).security(ListenSecurity::encrypted()),
        own.clone().identity_file("no such file").security(ListenSecurity::encrypted()),
        own.security(ListenSecurity::encrypted()).identity_file("no such file"),
    ] {
        point.soon(world, move |cx| {
            cx.listen(listen);
        });
        let reason = point.expect::<NotListening>(world).0.reason;
        assert_eq!((reason.text.clone(), reason.is_final()), (SecurityError::Contradiction.to_string(), true));
        assert!(reason.text.contains("`security` besides other options"), "{reason}");
    }
    let to = Connect::to(HostPort::new("10.0.0.1", 80));
    let any = || ConnectSecurity::encrypted();
    for connect in [
        to.clone().expect(key(SERVER)).security(ConnectSecurity::clear()),
        to.clone().encrypted().security(any()),
        to.clone().known_keys_file("no such folder/known").security(any()),
        to.clone().trust_on_first_use(&book).security(any()),
        to.clone().security(any()).expect(key(SERVER)),
        to.clone().security(any()).identity_file("no such file"),
        to.clone().security(any()).realm("lab"),
        to.security(any()).security(any()),
    ] {
        is_refused(world, &point, connect, SecurityError::Contradiction);
    }
    world.finish();
}

fn a_realm_can_be_named_by_itself(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let listen = Listen::at(world.own(here)).realm("lab").identity(identity(SERVER)).allow([key(CLIENT)]);
    server.soon(world, move |cx| {
        cx.listen(listen);
    });
    let at = server.expect::<Listening>(world).0.listening;
    let known = Connect::to(at).expect(key(SERVER)).identity(identity(CLIENT));
    for (connect, opens) in [(known.clone().realm("lab"), true), (known.clone().realm("hall"), false), (known, false)] {
        client.soon(world, move |cx| {
            cx.connect(connect);
        });
        if opens {
            assert_eq!(client.expect::<Connected>(world).0.key, Some(key(SERVER)));
            assert_eq!(server.expect::<Accepted>(world).0.key, Some(key(CLIENT)));
        } else {
            client.expect::<NotConnected>(world);
            server.expect::<NotAccepted>(world);
        }
    }
    world.finish();
}

/// `encrypted` beside a key is no contradiction, in whatever order they are named, and takes nothing away.
fn settings_of_one_name_do_not_undo_those_of_another(world: &mut impl World) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let own = world.own(here);
    for turn in 0..4 {
        let listen = match turn % 2 {
            0 => Listen::at(own).encrypted().identity(identity(SERVER)).allow([key(77)]).allow([key(CLIENT)]),
            _ => Listen::at(own).allow([key(CLIENT)]).identity(identity(SERVER)).encrypted(),
        };
        server.soon(world, move |cx| {
            cx.listen(listen);
        });
        let at = server.expect::<Listening>(world).0.listening;
        let connect = match turn / 2 {
            0 => Connect::to(at).encrypted().expect(key(77)).expect(key(SERVER)).identity(identity(CLIENT)),
            _ => Connect::to(at).identity(identity(CLIENT)).expect(key(SERVER)).encrypted(),
        };
        client.soon(world, move |cx| {
            cx.connect(connect);
        });
        assert_eq!(client.expect::<Connected>(world).0.key, Some(key(SERVER)));
        assert_eq!(server.expect::<Accepted>(world).0.key, Some(key(CLIENT)));
    }
    world.finish();
}
