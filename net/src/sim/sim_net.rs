//! The simulated network as one host sees it.

use super::state::State;
use crate::link::Seed;
use crate::net::{Net, Ready, Token};
use crate::wire::LinkError;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// [`Net`] for one host of a [`World`](super::World).
///
/// Events are edge-triggered as those of the system: [`ready`](SimNet::ready) shows each change once.
///
/// ```
/// use statepoint::net::Net;
/// use statepoint::sim::World;
/// use std::io::ErrorKind;
///
/// let world = World::new(1);
/// let mut net = world.host([10, 0, 0, 1].into());
/// let token = net.connect("10.0.0.1:80".parse()?)?;
/// assert!(net.connected(token)?.is_none());
/// world.advance(world.now());
/// assert_eq!(net.ready().len(), 1);
/// assert_eq!(net.connected(token).unwrap_err().kind(), ErrorKind::ConnectionRefused);
/// assert!(net.ready().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SimNet {
    state: Rc<RefCell<State>>,
    ip: IpAddr,
}

impl SimNet {
    pub(super) fn new(state: Rc<RefCell<State>>, ip: IpAddr) -> Self {
        SimNet { state, ip }
    }

    /// The address of the host.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// What has changed since this was called last, in the order in which it changed; changes at one socket are
    /// merged. Empty while nothing changes.
    pub fn ready(&mut self) -> Vec<Ready> {
        self.state.borrow_mut().take_ready(self.ip)
    }
}

impl Net for SimNet {
    fn listen(&mut self, at: SocketAddr) -> io::Result<(Token, SocketAddr)> {
        self.state.borrow_mut().listen(self.ip, at)
    }

    fn accept(&mut self, listener: Token) -> io::Result<(Token, SocketAddr, SocketAddr)> {
        self.state.borrow_mut().accept(self.ip, listener)
    }

    fn accept_and_drop(&mut self, listener: Token, most: usize) -> usize {
        self.state.borrow_mut().accept_and_drop(self.ip, listener, most)
    }

    fn connect(&mut self, to: SocketAddr) -> io::Result<Token> {
        self.state.borrow_mut().connect(self.ip, to)
    }

    fn connected(&mut self, token: Token) -> io::Result<Option<(SocketAddr, SocketAddr)>> {
        self.state.borrow().connected(self.ip, token)
    }

    fn resolve(&mut self, query: u64, host: &str, port: u16) -> io::Result<()> {
        self.state.borrow_mut().resolve(self.ip, query, host, port)
    }

    fn cancel_resolve(&mut self, query: u64) {
        self.state.borrow_mut().cancel_resolve(self.ip, query);
    }

    fn read(&mut self, token: Token, into: &mut [u8]) -> io::Result<usize> {
        self.state.borrow_mut().read(self.ip, token, into)
    }

    fn short_read_drains(&self, token: Token) -> bool {
        self.state.borrow().short_read_drains(self.ip, token)
    }

    fn write_vectored(&mut self, token: Token, from: &[IoSlice<'_>]) -> io::Result<usize> {
        self.state.borrow_mut().write(self.ip, token, from)
    }

    fn shutdown(&mut self, token: Token) -> io::Result<()> {
        self.state.borrow_mut().shutdown(self.ip, token)
    }

    fn close(&mut self, token: Token) {
        self.state.borrow_mut().close(self.ip, token, true);
    }

    fn abort(&mut self, token: Token) {
        self.state.borrow_mut().close(self.ip, token, false);
    }

    fn local_address(&self, token: Token) -> io::Result<SocketAddr> {
        self.state.borrow().local_address(self.ip, token)
    }

    fn seed(&mut self) -> Result<Seed, LinkError> {
        Ok(Seed::from_bytes(self.state.borrow_mut().secret()))
    }
}

impl fmt::Debug for SimNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimNet").field("ip", &self.ip).finish_non_exhaustive()
    }
}
