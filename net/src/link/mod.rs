//! The secured byte stream under the frames: keys, trust, handshake, records.
//!
//! Every connection begins with sixteen bytes from each end that settle version, mode and limits, clear ones too. What follows
//! is sans-I/O and behind the trait [`Link`](crate::wire::Link): bytes go in, bytes come out, randomness is an argument, no
//! clock is read. Only [`Identity`] and [`KnownKeys`] touch files, when they are asked to.
//!
//! **The composition is this project's own, and nobody else has audited it.** `docs/security.md` says what each [`Mode`]
//! protects against and what not, and has every byte.
//!
//! | file | what it is |
//! |---|---|
//! | `security.rs` | what users set at either end: [`ListenSecurity`], [`ConnectSecurity`] |
//! | `preamble.rs` | the first sixteen bytes: version, mode, limits, refusal |
//! | `handshake.rs` | who the peer is, and keys for both directions |
//! | `record.rs` | the stream behind it: one direction, its key, its records |
//! | `cutter.rs` | bytes cut into records, frames put together into batches |
//! | `secured.rs` | the link: a handshake, then records; goodbye, ping |
//! | `suite.rs` | the primitives; the only file that names the packages behind them |
//! | `short.rs` | short records to the same bytes, faster |
//! | `public_key.rs`, `base32.rs` | keys that everybody may know, as bytes and as text |
//! | `identity.rs`, `key_file.rs` | secrets, and files for them |
//! | `trust.rs`, `known_keys.rs` | whose key is accepted; the keys that were met first |
//!
//! # Example
//!
//! ```
//! use statepoint::link::{ConnectSecurity, Identity, ListenSecurity, Seed};
//! use statepoint::wire::{FrameLimit, Link, LinkState, Output, Pool};
//!
//! let server = Identity::generate()?;
//! let connect = ConnectSecurity::clear().expect(server.public_key());
//! let listen = ListenSecurity::clear().identity(server.clone());
//!
//! let mut ann = connect.link("server.lab:32011", FrameLimit::default(), Seed::random()?)?;
//! let mut bob = listen.link(FrameLimit::default(), Seed::random()?)?;
//! let (mut pool, mut anns, mut bobs) = (Pool::new(), Output::default(), Output::default());
//! ann.begin(&mut anns.outlet(&mut pool))?;
//!
//! // What two sockets would do: hello, welcome, finish, ready.
//! fn carry(from: &mut Output, to: &mut dyn Link, back: &mut Output, pool: &mut Pool) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut bytes: Vec<u8> = from.slices().iter().flat_map(|slice| slice.to_vec()).collect();
//!     from.consume(bytes.len(), pool);
//!     let mut bytes = &mut bytes[..];
//!     while to.receive(&mut bytes, &mut back.outlet(pool))?.is_some() {}
//!     Ok(())
//! }
//! for _ in 0..2 {
//!     carry(&mut anns, &mut *bob, &mut bobs, &mut pool)?;
//!     carry(&mut bobs, &mut *ann, &mut anns, &mut pool)?;
//! }
//! assert_eq!((ann.state(), bob.state()), (LinkState::Open, LinkState::Open));
//! assert_eq!(ann.peer().and_then(|peer| peer.key), Some(server.public_key()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base32;
mod cutter;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod identity;
mod key_file;
mod known_keys;
mod peer;
mod preamble;
mod public_key;
mod record;
mod secured;
mod security;
mod short;
mod suite;
#[cfg(test)]
mod tests;
mod trust;

pub use identity::{Identity, Seed};
pub use key_file::KeyFileError;
pub use known_keys::{KnownKeys, NotRemembered};
pub use peer::{Binding, LinkPeer};
pub use preamble::Mode;
pub use public_key::{NoPublicKey, PublicKey};
pub use security::{ConnectSecurity, ListenSecurity, SecurityError};
