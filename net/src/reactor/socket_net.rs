//! The network of the system: mio's non-blocking sockets behind [`Net`].

use super::resolver::Resolver;
use crate::link::Seed;
use crate::net::{BACKLOG, Net, Ready, Slab, Token, not_a_connection, not_a_listener, not_open};
use crate::wire::LinkError;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

/// Epoll and kqueue report the next arrival after a read that came back short; elsewhere one must read until
/// `WouldBlock`.
const SHORT_READ_DRAINS: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly"
));

/// The least and the most that systems take for a time of theirs to ask the peer's system. Nine hours.
const SECOND: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(32_767);

/// [`Net`] over the sockets of the system. It does not wait: whoever owns the `Poll` hands it the events one by one
/// ([`ready`](Self::ready)), and asks for the answers of name look-ups after a wake ([`resolved`](Self::resolved)).
///
/// Each socket is registered once, for reading and writing, edge-triggered: in the steady state the selector is never
/// called but to wait.
#[derive(Debug)]
pub(crate) struct SocketNet {
    registry: Registry,
    sockets: Slab<Opened>,
    /// Given up for a moment when descriptors are exhausted, to be able to turn peers away.
    reserve: Option<Socket>,
    resolver: Resolver,
    /// See [`NetSettings`](crate::NetSettings).
    keep_alive: Option<Duration>,
}

#[derive(Debug)]
enum Opened {
    Listener(TcpListener),
    Connection(Connection),
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// The end of the stream, or an error, was announced: no further event will be.
    ended: bool,
    /// Why connecting failed. The system tells it once only.
    failed: Option<ErrorKind>,
}

impl SocketNet {
    /// A network without sockets, that registers with this registry. `wake` is called, from another thread, when
    /// [`resolved`](Self::resolved) has something: it must wake the `Poll`.
    ///
    /// `mio::Token(usize::MAX)` is never used for a socket.
    pub(crate) fn new(registry: Registry, wake: impl Fn() + Send + Sync + 'static) -> SocketNet {
        SocketNet {
            registry,
            sockets: Slab::new(),
            reserve: reserve(),
            resolver: Resolver::new(wake),
            keep_alive: None,
        }
    }

    /// Has the system look after connections that come, as [`NetSettings`](crate::NetSettings) says.
    pub(crate) fn keep_alive(self, silence: Option<Duration>) -> SocketNet {
        SocketNet { keep_alive: silence, ..self }
    }

    /// What an event of the `Poll` means; `None` when it is about a socket that was closed since, or not of ours.
    pub(crate) fn ready(&mut self, event: &mio::event::Event) -> Option<Ready> {
        let token = self.token_of(event.token())?;
        let ended = event.is_read_closed() || event.is_error();
        let writable = event.is_writable() || event.is_write_closed() || event.is_error();
        if let Some(Opened::Connection(connection)) = self.sockets.get_mut(token) {
            connection.ended |= ended;
        }
        Some(Ready::Socket { token, readable: event.is_readable() || ended, writable })
    }

    /// The next answer to a name look-up, if there is one.
    pub(crate) fn resolved(&mut self) -> Option<Ready> {
        self.resolver.take().map(|(query, answer)| Ready::Resolved { query, answer })
    }

    /// How many sockets are open.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.sockets.count()
    }

    fn token_of(&self, given: mio::Token) -> Option<Token> {
        let index = u32::try_from(given.0 as u64 & u64::from(u32::MAX)).ok()?;
        self.sockets.token_at(index as usize).filter(|&token| packed(token) == given)
    }

    fn listener(&self, token: Token) -> io::Result<&TcpListener> {
        match self.sockets.get(token) {
            Some(Opened::Listener(listener)) => Ok(listener),
            Some(Opened::Connection(_)) => Err(not_a_listener()),
            None => Err(not_open()),
        }
    }

    fn connection(&mut self, token: Token) -> io::Result<&mut Connection> {
        match self.sockets.get_mut(token) {
            Some(Opened::Connection(connection)) => Ok(connection),
            Some(Opened::Listener(_)) => Err(not_a_connection()),
            None => Err(not_open()),
        }
    }

    fn keep(&mut self, mut stream: TcpStream) -> io::Result<Token> {
        // Frames are gathered before they are written. A failure here (a peer gone already) shows at the first read.
        stream.set_nodelay(true).ok();
        if let Some(silence) = self.keep_alive {
            // While something waits to be acknowledged the system asks nothing, and sends it again for a quarter of an hour. A
            // limit on that (TCP_USER_TIMEOUT) also ends connections to peers that live and do not read.
            let [silence, interval] = [silence, silence / 4].map(|time| time.clamp(SECOND, LONGEST));
            let question = TcpKeepalive::new().with_time(silence).with_interval(interval).with_retries(4);
            SockRef::from(&stream).set_tcp_keepalive(&question).ok();
        }
        let name = packed(self.sockets.next_token());
        self.registry.register(&mut stream, name, Interest::READABLE | Interest::WRITABLE)?;
        Ok(self.sockets.insert(Opened::Connection(Connection { stream, ended: false, failed: None })))
    }
}

impl Net for SocketNet {
    fn listen(&mut self, at: SocketAddr) -> io::Result<(Token, SocketAddr)> {
        let mut listener = bind(at)?;
        let at = listener.local_addr()?;
        self.registry.register(&mut listener, packed(self.sockets.next_token()), Interest::READABLE)?;
        Ok((self.sockets.insert(Opened::Listener(listener)), at))
    }

    fn accept(&mut self, listener: Token) -> io::Result<(Token, SocketAddr, SocketAddr)> {
        let listener = self.listener(listener)?;
        let (stream, peer) = uninterrupted(|| listener.accept())?;
        // Some systems answer InvalidInput about a connection that was reset meanwhile; the listener is well.
        let local = stream.local_addr().map_err(|_| ErrorKind::ConnectionAborted)?;
        Ok((self.keep(stream)?, canonical(peer), canonical(local)))
    }

    fn accept_and_drop(&mut self, listener: Token, most: usize) -> usize {
        let reserved = self.reserve.take();
        let Ok(listener) = self.listener(listener) else {
            self.reserve = reserved;
            return 0;
        };
        drop(reserved);
        let dropped = (0..most).take_while(|_| uninterrupted(|| listener.accept()).is_ok()).count();
        self.reserve = reserve();
        dropped
    }

    fn connect(&mut self, to: SocketAddr) -> io::Result<Token> {
        self.keep(TcpStream::connect(to)?)
    }

    fn connected(&mut self, token: Token) -> io::Result<Option<(SocketAddr, SocketAddr)>> {
        let connection = self.connection(token)?;
        if let Some(kind) = connection.failed {
            return Err(kind.into());
        }
        let addresses = connection.addresses();
        if let Err(error) = &addresses {
            connection.failed = Some(error.kind());
        }
        addresses
    }

    fn resolve(&mut self, query: u64, host: &str, port: u16) -> io::Result<()> {
        self.resolver.ask(query, host, port)
    }

    fn cancel_resolve(&mut self, query: u64) {
        self.resolver.cancel(query);
    }

    fn read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize> {
        let stream = &mut self.connection(token)?.stream;
        uninterrupted(|| stream.read(into))
    }

    fn short_read_drains(&self, token: Token) -> bool {
        match self.sockets.get(token) {
            Some(Opened::Connection(connection)) => SHORT_READ_DRAINS && !connection.ended,
            _ => false,
        }
    }

    fn write_vectored(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        let stream = &mut self.connection(token)?.stream;
        uninterrupted(|| stream.write_vectored(from))
    }

    fn shutdown(&mut self, token: Token) -> io::Result<()> {
        self.connection(token)?.stream.shutdown(Shutdown::Write)
    }

    fn close(&mut self, token: Token) {
        match self.sockets.remove(token) {
            Some(Opened::Listener(mut listener)) => self.registry.deregister(&mut listener).ok(),
            Some(Opened::Connection(mut connection)) => self.registry.deregister(&mut connection.stream).ok(),
            None => return,
        };
        if self.reserve.is_none() {
            self.reserve = reserve();
        }
    }

    fn abort(&mut self, token: Token) {
        if let Some(Opened::Connection(connection)) = self.sockets.get(token) {
            // Without it the close is an ordinary one, which is all that can be done then.
            SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO)).ok();
        }
        self.close(token);
    }

    fn local_address(&self, token: Token) -> io::Result<SocketAddr> {
        match self.sockets.get(token) {
            Some(Opened::Listener(listener)) => listener.local_addr(),
            Some(Opened::Connection(connection)) => connection.stream.local_addr().map(canonical),
            None => Err(not_open()),
        }
    }

    fn seed(&mut self) -> Result<Seed, LinkError> {
        Seed::random()
    }
}

impl Connection {
    fn addresses(&mut self) -> io::Result<Option<(SocketAddr, SocketAddr)>> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        let peer = match self.stream.peer_addr() {
            Ok(peer) => peer,
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(None),
            Err(error) => return Err(error),
        };
        let local = self.stream.local_addr()?;
        if peer == local {
            // Nobody listens at a port of the range that the system draws from, and it drew the same one for us: TCP
            // then connects the socket to itself.
            return Err(io::Error::new(ErrorKind::ConnectionRefused, "expected a listener, got ourselves"));
        }
        Ok(Some((canonical(peer), canonical(local))))
    }
}

/// Listens as mio does, but with our own backlog (its is 128) and for IPv4 too where the address is `[::]`.
fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // On Windows the option has another meaning: it lets a stranger take the port over.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    if at.is_ipv6() && at.ip().is_unspecified() {
        // Where the system cannot, the listener serves IPv6 alone.
        socket.set_only_v6(false).ok();
    }
    socket.bind(&at.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    Ok(TcpListener::from_std(socket.into()))
}

/// A descriptor to hold in reserve; `None` if there is none left just now.
fn reserve() -> Option<Socket> {
    Socket::new(Domain::IPV4, Type::STREAM, None).ok()
}

/// A peer that came over IPv4 is shown so, also at a listener that serves both.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address, // keeps the scope of IPv6
        ip => SocketAddr::new(ip, address.port()),
    }
}

/// The token under which the selector knows a socket. Where `usize` has 32 bits only the index is left of it; an event
/// for a former socket of the slot then is one in vain for its next, which the contract allows.
fn packed(token: Token) -> mio::Token {
    mio::Token((u64::from(token.generation()) << 32 | token.index() as u64) as usize)
}

fn uninterrupted<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests;
