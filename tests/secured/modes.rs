//! What both ends are set to in each mode, and tests that run in every mode and every world.

use std::net::SocketAddr;

use statepoint::link::{ConnectSecurity, Identity, ListenSecurity, Mode, PublicKey, Seed};
use statepoint::prelude::*;

use crate::loopback::Loopback;
use crate::puppet::{Pair, Puppet};
use crate::simulated::Simulated;
use crate::world::{HostId, World};

pub(crate) const MODES: [Mode; 4] = [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];

/// Identities, by the byte that their seeds consist of.
pub(crate) const CLIENT: u8 = 1;
pub(crate) const SERVER: u8 = 2;
pub(crate) const STRANGER: u8 = 9;

pub(crate) fn identity(who: u8) -> Identity {
    Identity::from_seed(Seed::from_bytes([who; 32]))
}

pub(crate) fn key(who: u8) -> PublicKey {
    identity(who).public_key()
}

/// A listener whose connections are of this mode, as its user sets it.
pub(crate) fn listening(mode: Mode, listen: impl Into<Listen>) -> Listen {
    let listen = listen.into();
    match mode {
        Mode::Clear => listen,
        Mode::Encrypted => listen.encrypted(),
        Mode::ServerAuthenticated => listen.identity(identity(SERVER)),
        Mode::Mutual => listen.identity(identity(SERVER)).allow([key(CLIENT)]),
    }
}

/// A connector that such a listener serves.
pub(crate) fn connecting(mode: Mode, connect: impl Into<Connect>) -> Connect {
    let connect = connect.into();
    match mode {
        Mode::Clear => connect,
        Mode::Encrypted => connect.encrypted(),
        Mode::ServerAuthenticated => connect.expect(key(SERVER)),
        Mode::Mutual => connect.expect(key(SERVER)).identity(identity(CLIENT)),
    }
}

/// What that listener's user sets, where no user is.
pub(crate) fn listen_security(mode: Mode) -> ListenSecurity {
    match mode {
        Mode::Clear => ListenSecurity::clear(),
        Mode::Encrypted => ListenSecurity::encrypted(),
        Mode::ServerAuthenticated => ListenSecurity::clear().identity(identity(SERVER)),
        Mode::Mutual => ListenSecurity::clear().identity(identity(SERVER)).allow([key(CLIENT)]),
    }
}

/// What that connector's user sets, where no user is.
pub(crate) fn connect_security(mode: Mode) -> ConnectSecurity {
    match mode {
        Mode::Clear => ConnectSecurity::clear(),
        Mode::Encrypted => ConnectSecurity::encrypted(),
        Mode::ServerAuthenticated => ConnectSecurity::clear().expect(key(SERVER)),
        Mode::Mutual => ConnectSecurity::clear().expect(key(SERVER)).identity(identity(CLIENT)),
    }
}

/// Whether time is virtual, so that it can be measured.
pub(crate) trait Timed: World {
    const IS_VIRTUAL: bool;
}

impl Timed for Simulated {
    const IS_VIRTUAL: bool = true;
}

impl Timed for Loopback {
    const IS_VIRTUAL: bool = false;
}

/// Where a point of a host can listen though nobody knows it yet, so that somebody can be told before it does.
pub(crate) trait Places: Timed {
    fn place(&mut self, host: HostId) -> SocketAddr;
}

impl Places for Simulated {
    fn place(&mut self, host: HostId) -> SocketAddr {
        (Self::ip(host), 32_011).into()
    }
}

impl Places for Loopback {
    fn place(&mut self, _: HostId) -> SocketAddr {
        self.raw_listener().0 // it is closed at once, so the port is free
    }
}

/// Listens at a port that the system chooses: where, and the listener.
pub(crate) fn listen(world: &mut impl World, server: &Puppet, listen: Listen) -> (SocketAddr, Address) {
    let listener = server.act(world, move |cx| cx.listen(listen));
    (server.pick::<Listening>(world).0.listening, listener)
}

/// Connects: the far end, as it is known here.
pub(crate) fn connect(world: &mut impl World, client: &Puppet, connect: Connect) -> Address {
    client.soon(world, move |cx| {
        cx.connect(connect);
    });
    client.pick::<Connected>(world).1
}

/// Two hosts, connected by a link of this mode.
pub(crate) fn pair(world: &mut impl World, mode: Mode) -> Pair {
    let (server, client) = (world.host(), world.host());
    let (server, client) = (Puppet::new(world, server), Puppet::new(world, client));
    let own = world.own(server.host);
    let (at, listener) = listen(world, &server, listening(mode, own));
    let there = connect(world, &client, connecting(mode, at));
    let (_, back) = server.expect::<Accepted>(world);
    Pair { server, client, at, listener, there, back }
}

/// Makes tests of scenarios: one in each world and mode.
#[macro_export]
macro_rules! in_every_mode {
    ($($name:ident),* $(,)?) => {
        $crate::in_every_mode!(in clear, Clear, $($name)*);
        $crate::in_every_mode!(in encrypted, Encrypted, $($name)*);
        $crate::in_every_mode!(in server_authenticated, ServerAuthenticated, $($name)*);
        $crate::in_every_mode!(in mutual, Mutual, $($name)*);
    };
    (in $module:ident, $mode:ident, $($name:ident)*) => {
        mod $module {
            use $crate::{loopback::Loopback, simulated::Simulated};
            const MODE: statepoint::link::Mode = statepoint::link::Mode::$mode;
            mod simulated {
                $(#[test] fn $name() { super::super::$name(&mut super::Simulated::calm(), super::MODE); })*
            }
            mod simulated_in_pieces {
                $(#[test] fn $name() { super::super::$name(&mut super::Simulated::in_pieces(), super::MODE); })*
            }
            mod over_sockets {
                $(#[test] fn $name() { super::super::$name(&mut super::Loopback::default(), super::MODE); })*
            }
        }
    };
}
