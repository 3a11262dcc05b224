//! The wire layer: what one connection's bytes mean.
//!
//! Nothing here owns a socket, reads a clock or runs a machine: bytes go in, values come out. The parts, in the order in
//! which a message meets them:
//!
//! | file | what it is |
//! |---|---|
//! | `border.rs` | which local addresses the peer was given, under which numbers |
//! | `names.rs` | which message names were spelt in each direction, under which numbers |
//! | `frame.rs` | a message or a control frame as bytes: the format, encoding, decoding |
//! | `output.rs` | frames that wait to be written, and the marks that tell that the peer reads too slowly |
//! | `link.rs` | the place for encryption between frames and socket |
//! | `decoder.rs` | the peer's bytes cut into frames again |
//! | `growth.rs` | how a buffer grows for what the peer has announced |
//! | `message_pack.rs` | the few MessagePack types of a header, read and written strictly |
//! | `error.rs` | what can be wrong with a frame, and why a message cannot be sent |
//!
//! Everything that a peer can make grow has a bound, and every bound is tested before anything is allocated.
//!
//! # Format
//!
//! A connection begins with a preamble of 16 bytes in each direction, in every mode; then frames follow as they are (mode
//! `clear`) or behind a handshake in sealed records. Preamble, handshake and records are the link's, byte by byte in
//! `docs/security.md`. The frames:
//!
//! ```text
//! frame    length u32 big-endian, then as many bytes: a message or a control frame
//! message  [to, from, name, [address, ..]]  body
//! control  [1, n]                           export n of the end that writes has gone
//! address  integer n >= 0: export n of the end that writes    integer -(n + 1): export n of the end that reads    nil: none
//! name     string: the name, spelt            integer: the number it is bound to
//! body     MessagePack to the end of the frame; an address in it is extension type 1 with an index into the list
//! ```
//!
//! The header is MessagePack in its shortest form and nothing else; a frame that writes it differently is refused. `to` is
//! always an export of the end that reads. The body is copied and not looked into: it is opened by whoever takes it.
//!
//! Each direction of a connection has its own names. A name that is spelt is bound to the next number, from 0, as long as
//! fewer than 4,096 are bound; after that nothing more is bound, and further names are spelt each time. A bound name is
//! never spelt again. The number of an export is its index, at most 32 bits, plus 2^32 times its generation, at most 31
//! bits; export 0 is the default target.
//!
//! # Example
//!
//! Ann sends a message to whoever Bob's end of their connection talks for. Each end has its own border and its own names.
//!
//! ```
//! use std::io::Write;
//!
//! use statepoint::{Address, Encoded, Name, message_id};
//! use statepoint::wire::{
//!     Border, Clear, Decoder, FrameLimit, Inbound, IncomingNames, Link, Output, OutgoingNames, Pool, decode_message,
//!     encode_message,
//! };
//!
//! // Ann's end: her proxy for the connection is the point <00000007>, she herself is <00000001>.
//! let (ann, bob_for_ann) = (Address::new(1, 1, 0), Address::new(7, 1, 1));
//! let mut border = Border::new(bob_for_ann.near());
//! let mut names = OutgoingNames::new();
//! let hello = Encoded {
//!     name: Name::from("hello_welcome.Hello"),
//!     id: message_id("hello_welcome.Hello"),
//!     bytes: b"\x81\xa7my_name\xa3Ann".to_vec(),
//!     addresses: Vec::new(),
//! };
//! let (mut pool, mut output) = (Pool::new(), Output::default());
//! output.append(&mut pool, |out| {
//!     encode_message(&mut border, &mut names, FrameLimit::default(), bob_for_ann, ann, &hello, out)
//! })?;
//! output.seal(&mut Clear, &mut pool)?;
//! let mut socket = Vec::new();
//! let written = socket.write_vectored(&output.slices())?;
//! output.consume(written, &mut pool);
//!
//! // Bob's end: messages for his default target go to the point <00000002>.
//! let bob = Address::new(2, 1, 0);
//! let mut border = Border::new(Address::new(9, 1, 0));
//! border.set_default(bob)?;
//! let (mut names, mut decoder) = (IncomingNames::new(), Decoder::new(FrameLimit::default()));
//! let mut bytes = &socket[..];
//! while let Some(frame) = decoder.next_frame(&mut bytes)? {
//!     match decode_message(&border, &mut names, frame)? {
//!         Inbound::Message { to, from, encoded } => {
//!             assert_eq!(to, bob);
//!             assert_eq!(from.near(), Address::new(9, 1, 0)); // Ann, beyond Bob's proxy
//!             assert_eq!(encoded, hello);
//!         }
//!         other => panic!("expected a message, got {other:?}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod border;
mod decoder;
mod error;
mod frame;
pub(crate) mod growth;
mod link;
mod message_pack;
mod names;
mod output;
mod pool;
#[cfg(test)]
mod tests;

pub use border::{Border, EXPORTS, MAX_NUMBER, Refusal, Wire};
pub use decoder::Decoder;
pub use error::{FrameError, Part, SendError};
pub use frame::{ADDRESSES, FrameLimit, Inbound, decode_message, encode_gone, encode_message};
pub use link::{Clear, Link, LinkError, LinkState};
pub use names::{IncomingNames, NAME_BYTES, NAMES, NameError, OutgoingNames, check_name};
pub use output::{Fill, Marks, Outlet, Output, Slices};
pub use pool::Pool;
