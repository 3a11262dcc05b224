//! The network as machines: they decide, the driver does.

mod connector;
mod listener;
mod proxy;

pub use connector::Connector;
pub use listener::Listener;
pub use proxy::Proxy;
