//! Every setting of a listener with every setting of a connector: what both ends are told, exactly and at once.

use std::io::ErrorKind;
use std::time::Duration;

use statepoint::link::{ConnectSecurity, KnownKeys, ListenSecurity, Mode, PublicKey};
use statepoint::prelude::*;
use statepoint::wire::LinkError;
use statepoint::{Ended, Failure, NetCounters};

use crate::messages::Note;
use crate::modes::{CLIENT, MODES, SERVER, STRANGER, Timed, identity, key};
use crate::puppet::Puppet;
use crate::scenarios;

scenarios!(every_listener_with_every_connector);

/// How long two ends may take to tell each other anything: less than any deadline, more than a slow network.
const AT_ONCE: Duration = Duration::from_millis(200);

/// A setting of a listener.
struct Listening {
    name: &'static str,
    security: ListenSecurity,
    /// What of it counts: its own key, and whom it admits.
    own: Option<u8>,
    admits: Vec<u8>,
    realm: &'static str,
}

/// A setting of a connector.
struct Connecting {
    name: &'static str,
    security: fn(KnownKeys) -> ConnectSecurity,
    own: Option<u8>,
    expects: Expects,
    realm: &'static str,
}

/// Whom a connector expects.
enum Expects {
    Any,
    OneOf(Vec<u8>),
    /// Whoever is in the book, or whoever comes first.
    InBook(Option<u8>),
}

/// What an end comes to: the peer's key, or why there is no connection.
type Outcome = Result<Option<PublicKey>, LinkError>;

fn listeners() -> Vec<Listening> {
    let known = |who| ListenSecurity::clear().identity(identity(who));
    let all = vec![CLIENT, SERVER, STRANGER];
    let listener =
        |name, security, own, admits: &[u8], realm| Listening { name, security, own, admits: admits.into(), realm };
    vec![
        listener("clear", ListenSecurity::clear(), None, &all, ""),
        listener("encrypted", ListenSecurity::encrypted(), None, &all, ""),
        listener("encrypted, with a realm", ListenSecurity::encrypted().realm("lab"), None, &all, "lab"),
        listener("with a key", known(SERVER), Some(SERVER), &all, ""),
        listener("with a key and a realm", known(SERVER).realm("lab"), Some(SERVER), &all, "lab"),
        listener("with another key", known(STRANGER), Some(STRANGER), &all, ""),
        listener("of the client", known(SERVER).allow([key(CLIENT)]), Some(SERVER), &[CLIENT], ""),
        listener("of two", known(SERVER).allow([key(STRANGER), key(CLIENT)]), Some(SERVER), &[CLIENT, STRANGER], ""),
        listener("of a stranger", known(SERVER).allow([key(STRANGER)]), Some(SERVER), &[STRANGER], ""),
        listener("of nobody", known(SERVER).allow([]), Some(SERVER), &[], ""),
        listener("of anybody", known(SERVER).allow_anybody(), Some(SERVER), &all, ""),
        listener("of anybody, with a realm", known(SERVER).allow_anybody().realm("lab"), Some(SERVER), &all, "lab"),
    ]
}

fn connectors() -> Vec<Connecting> {
    fn server() -> ConnectSecurity {
        ConnectSecurity::clear().expect(key(SERVER))
    }
    fn first_use(book: KnownKeys) -> ConnectSecurity {
        ConnectSecurity::clear().trust_on_first_use(&book)
    }
    fn client(security: ConnectSecurity) -> ConnectSecurity {
        security.identity(identity(CLIENT))
    }
    let connector = |name, security, own, expects| Connecting { name, security, own, expects, realm: "" };
    let (one, two) = (|| Expects::OneOf(vec![SERVER]), || Expects::OneOf(vec![SERVER, STRANGER]));
    let lab = |connecting| Connecting { realm: "lab", ..connecting };
    let me = Some(CLIENT);
    vec![
        connector("clear", |_| ConnectSecurity::clear(), None, Expects::Any),
        connector("encrypted", |_| ConnectSecurity::encrypted(), None, Expects::Any),
        lab(connector("encrypted, with a realm", |_| ConnectSecurity::encrypted().realm("lab"), None, Expects::Any)),
        connector("expects", |_| server(), None, one()),
        connector("expects two", |_| server().expect(key(STRANGER)), None, two()),
        connector("expects another", |_| ConnectSecurity::clear().expect(key(77)), None, Expects::OneOf(vec![77])),
        connector("any key", |_| ConnectSecurity::clear().trust_any_unauthenticated(), None, Expects::Any),
        connector("first use", first_use, None, Expects::InBook(None)),
        connector("first use, again", first_use, None, Expects::InBook(Some(SERVER))),
        connector("first use, changed", first_use, None, Expects::InBook(Some(77))),
        connector("known", |_| client(server()), me, one()),
        lab(connector("known, with a realm", |_| client(server().realm("lab")), me, one())),
        connector(
            "known to any key",
            |_| client(ConnectSecurity::clear().trust_any_unauthenticated()),
            me,
            Expects::Any,
        ),
        connector("known, first use", |book| client(first_use(book)), me, Expects::InBook(None)),
        connector("known, first use, again", |book| client(first_use(book)), me, Expects::InBook(Some(SERVER))),
        connector("known, first use, changed", |book| client(first_use(book)), me, Expects::InBook(Some(77))),
        connector("the server itself", |_| server().identity(identity(SERVER)), Some(SERVER), one()),
    ]
}

/// The documentation's rules, written a second time: what the connector and the listener come to.
fn expected(connecting: &Connecting, listening: &Listening, client: Mode, server: Mode) -> [Outcome; 2] {
    if client != server {
        let set_to = |mode| format!("the mode {mode}, which this end is set to");
        let (asks, requires) = (format!("asks for {client}"), format!("says that it requires {server}"));
        return [(client, requires), (server, asks)].map(|(mode, does)| {
            Err(LinkError::Mismatch { expected: set_to(mode), got: format!("a peer that {does}") })
        });
    }
    if connecting.realm != listening.realm {
        let expected = format!("the handshake of a link in the mode {server}");
        return [Err(LinkError::Tampered), Err(LinkError::Left { expected })];
    }
    let (server_key, client_key) = (listening.own.map(key), connecting.own.map(key));
    let Some(shown) = server_key else { return [Ok(None), Ok(None)] };
    if let Err(expected) = trusts(connecting, shown) {
        let reason = format!("the peer expects another key than this end's {shown}");
        return [Err(LinkError::WrongKey { expected, got: shown }), Err(LinkError::Refused { reason })];
    }
    match connecting.own.filter(|own| !listening.admits.contains(own)) {
        None => [Ok(server_key), Ok(client_key)],
        Some(own) => {
            let reason = format!("the key {} is not allowed here", key(own));
            let is_known = matches!(connecting.expects, Expects::OneOf(_) | Expects::InBook(Some(_)));
            let client = match is_known {
                true => LinkError::NotAuthorised { by: shown, reason },
                false => LinkError::Refused { reason },
            };
            let admitted = listening.admits.first().map(|only| format!("the key {}", key(*only)));
            let expected = admitted.unwrap_or_else(|| "one of no keys at all".into());
            [Err(client), Err(LinkError::WrongKey { expected, got: key(own) })]
        }
    }
}

/// Whether a connector trusts the key that it is shown. If not: which it would.
fn trusts(connecting: &Connecting, shown: PublicKey) -> Result<(), String> {
    if connecting.own.map(key) == Some(shown) {
        return Err("a key other than this end's own".into());
    }
    match &connecting.expects {
        Expects::OneOf(keys) if keys.iter().all(|it| key(*it) != shown) => Err(format!("the key {}", key(keys[0]))),
        Expects::InBook(Some(met)) if key(*met) != shown => Err(format!(
            "the key {}, which was met there first (to accept another one change its line in the file of known keys)",
            key(*met)
        )),
        _ => Ok(()),
    }
}

fn every_listener_with_every_connector(world: &mut impl Timed) {
    let (here, there) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, here), Puppet::new(world, there));
    let mut modes = Vec::new();
    for listening in listeners() {
        for connecting in connectors() {
            let cell = format!("a listener {} and a connector {}", listening.name, connecting.name);
            modes.push(
                meet(world, &server, &client, &listening, &connecting).unwrap_or_else(|flaw| panic!("{cell}: {flaw}")),
            );
        }
    }
    for pair in MODES.into_iter().flat_map(|client| MODES.map(|server| (client, server))) {
        assert!(modes.contains(&pair), "{pair:?} was not tried");
    }
    world.finish();
}

/// One cell. What was not as it should be, or the modes of connector and listener.
fn meet(
    world: &mut impl Timed,
    server: &Puppet,
    client: &Puppet,
    listening: &Listening,
    connecting: &Connecting,
) -> Result<(Mode, Mode), String> {
    let (own, security) = (world.own(server.host), listening.security.clone());
    let listener = server.act(world, move |cx| cx.listen(Listen::at(own).security(security)));
    let at = server.expect::<statepoint::Listening>(world).0.listening;
    let (book, address) = (KnownKeys::in_memory(), HostPort::from(at).to_string());
    if let Expects::InBook(Some(met)) = connecting.expects {
        book.remember(&address, key(met)).expect("an empty book");
    }
    let security = (connecting.security)(book.clone());
    let modes = (security.mode(), listening.security.mode());
    let wanted = expected(connecting, listening, modes.0, modes.1);
    let before = [client, server].map(|puppet| world.net_counters(puppet.host));
    let began = world.kernel(client.host).now();
    client.soon(world, move |cx| {
        cx.connect(Connect::to(at).security(security));
    });
    world.run_until("both ends to hear of it", |_| client.waiting() > 0 && server.waiting() > 0);
    let took = world.kernel(client.host).now() - began;
    check(took < AT_ONCE || !is_virtual(world), || format!("both ends know after {took:?}"))?;
    let ((at_client, there), (at_server, back)) = (told_to_client(client)?, told_to_server(server)?);
    let got = [at_client, at_server];
    check(got == wanted, || format!("expected {wanted:#?}, got {got:#?}"))?;
    let known = match (&connecting.expects, &wanted[0]) {
        (Expects::InBook(None), Ok(key)) => *key,
        (Expects::InBook(met), _) => met.map(key),
        _ => None,
    };
    check(book.get(&address) == known, || format!("{:?} is in the book", book.get(&address)))?;
    if wanted[0].is_ok() {
        talk_and_close(world, (client, there), (server, back))?;
    }
    let (here, there) = (server.host, client.host);
    let is_over = |world: &mut _| left(world, there) == (1, 0) && left(world, here) == (2, 1);
    world.run_until("nothing to be left of it", is_over);
    let took = world.kernel(client.host).now() - began;
    check(took < AT_ONCE || !is_virtual(world), || format!("something is left until {took:?}"))?;
    server.act(world, move |cx| cx.stop_listen(listener));
    world.run_until("the port to close", |world| left(world, here) == (1, 0));
    check(client.waiting() + server.waiting() == 0, || format!("{:?}, {:?} too", client.names(), server.names()))?;
    for ((puppet, before), outcome) in [client, server].into_iter().zip(before).zip(&wanted) {
        let after = world.net_counters(puppet.host);
        let NetCounters { protocol_errors, not_opened, .. } = after;
        check(protocol_errors == before.protocol_errors, || format!("{after:?} counted, nobody broke a protocol"))?;
        check(not_opened - before.not_opened == u64::from(outcome.is_err()), || format!("{after:?} counted"))?;
    }
    Ok(modes)
}

fn is_virtual<W: Timed>(_: &W) -> bool {
    W::IS_VIRTUAL
}

/// Points and sockets of a host.
fn left(world: &mut impl Timed, host: usize) -> (usize, usize) {
    (world.kernel(host).points(), world.sockets(host))
}

fn check(is_so: bool, flaw: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(flaw()) }
}

/// What the client was told, and the far end if there is one.
fn told_to_client(client: &Puppet) -> Result<(Outcome, Address), String> {
    if client.count::<Connected>() == 1 {
        let (connected, there) = client.take::<Connected>();
        return Ok((Ok(connected.key), there));
    }
    check(client.count::<NotConnected>() == 1, || format!("the client got {:?}", client.names()))?;
    Ok((why(client.take::<NotConnected>().0.reason)?, Address::NONE))
}

/// What the server was told, and the far end if there is one.
fn told_to_server(server: &Puppet) -> Result<(Outcome, Address), String> {
    if server.count::<Accepted>() == 1 {
        let (accepted, back) = server.take::<Accepted>();
        return Ok((Ok(accepted.key), back));
    }
    check(server.count::<NotAccepted>() == 1, || format!("the server got {:?}", server.names()))?;
    Ok((why(server.take::<NotAccepted>().0.reason)?, Address::NONE))
}

/// A failure says in every way it has why there is no link.
fn why(reason: Failure) -> Result<Outcome, String> {
    let Failure { kind, code, text, link: Some(error), .. } = reason else { return Err(format!("{reason:?}")) };
    let is_kind = match &error {
        LinkError::WrongKey { .. } | LinkError::NotAuthorised { .. } => ErrorKind::PermissionDenied,
        LinkError::Tampered => ErrorKind::InvalidData,
        _ => ErrorKind::ConnectionRefused,
    };
    check((kind, code) == (is_kind, None) && text == error.to_string(), || format!("{kind:?} {code:?} {text:?}"))?;
    check(error.is_final() == matches!(error, LinkError::NotAuthorised { .. }), || format!("{error:?} is final"))?;
    Ok(Err(error))
}

/// What was opened carries messages both ways, and is closed.
fn talk_and_close(
    world: &mut impl Timed,
    (client, there): (&Puppet, Address),
    (server, back): (&Puppet, Address),
) -> Result<(), String> {
    client.send(world, there, Note { number: 1 });
    server.send(world, back, Note { number: 2 });
    check(server.expect::<Note>(world) == (Note { number: 1 }, back), || "another note".into())?;
    check(client.expect::<Note>(world) == (Note { number: 2 }, there), || "another note".into())?;
    client.send(world, there, Close);
    let ends = (client.expect::<Closed>(world).0.reason, server.expect::<Abandoned>(world).0.reason);
    check(ends == (Ended::ByUs, Ended::ByPeer), || format!("{ends:?}"))
}
