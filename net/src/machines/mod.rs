//! The network as machines: they decide, the driver does.

mod connector;
mod listener;
mod news;
mod proxy;

pub use connector::Connector;
pub use listener::Listener;
pub use proxy::Proxy;
