//! What peers do that no program of ours does: a server on the system's sockets, and somebody who speaks bytes to it.
//!
//! Whatever comes, that connection ends or that message is refused, with a reason; memory stays bounded; and the listener
//! goes on, so that the next client is served. The server runs on a thread of 2 MiB, the least that Rust gives to a thread,
//! in a debug build.
//!
//! | file | what it is about |
//! |---|---|
//! | `server.rs` | the server, and the peer that speaks bytes |
//! | `bytes.rs` | bytes that are no frames |
//! | `headers.rs` | frames whose header is wrong |
//! | `bodies.rs` | messages whose body is wrong, or deep, or somebody else's |
//! | `pieces.rs` | good frames that come in bad pieces |
//! | `bounds.rs` | more than one may have of something |

mod bodies;
mod bounds;
mod bytes;
#[path = "../network/frames.rs"]
mod frames;
mod headers;
mod pieces;
mod server;
