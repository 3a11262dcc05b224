//! The network's part of the vocabulary.

use fsm_core::{Address, Vocabulary};

use crate::machines::{Connector, Listener};
use crate::orders::Count;
use crate::request::{Connect, Listen};

/// What a point can do with the network. [`Context`](statepoint::Context) and [`Routine`](statepoint::Routine) have it; import
/// it with the prelude.
///
/// Whoever calls `listen` or `connect` is the controller: it gets the messages about the port and its connections, and the
/// messages of peers that name no other address. Port and connections are below it like children: when the controller
/// ends, they end first.
///
/// ```
/// use statepoint::{Context, HostPort, Networking, Vocabulary};
///
/// fn serve(cx: &mut Context) {
///     cx.listen(HostPort::new("127.0.0.1", 32011));
/// }
/// ```
pub trait Networking: Vocabulary {
    /// Listens. [`Listening`](crate::Listening) or [`NotListening`](crate::NotListening) comes; then
    /// [`Accepted`](crate::Accepted) for each peer, and [`Abandoned`](crate::Abandoned) or [`Closed`](crate::Closed) when
    /// it has gone. Returns the listener's address, which [`Networking::stop_listen`] takes.
    fn listen(&mut self, listen: impl Into<Listen>) -> Address {
        let controller = self.me();
        self.create_quiet(Listener::new(listen.into(), controller))
    }

    /// Stops to listen. Connections that were accepted go on.
    fn stop_listen(&mut self, listener: Address) {
        self.stop(listener);
    }

    /// Connects. [`Connected`](crate::Connected) or [`NotConnected`](crate::NotConnected) comes; later
    /// [`Abandoned`](crate::Abandoned) or [`Closed`](crate::Closed). Returns the attempt's address: stopping it gives the
    /// attempt up, and then nothing comes, unless `Connected` was on its way already.
    fn connect(&mut self, connect: impl Into<Connect>) -> Address {
        let controller = self.me();
        self.create_quiet(Connector::new(connect.into(), controller))
    }

    /// Asks what has happened in the network so far: [`NetCounters`](crate::NetCounters) comes. What has happened in the kernel
    /// is there at once, by [`Vocabulary::counters`].
    fn ask_net_counters(&mut self) {
        self.send(Address::DRIVER, Count);
    }
}

impl<V: Vocabulary> Networking for V {}
