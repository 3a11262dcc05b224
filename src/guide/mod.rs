//! The guide: how statepoint works, chapter by chapter.
//!
//! | chapter | what it tells |
//! |---|---|
//! | [`cells`] | why a method that looks odd is a table cell; start here |
//! | [`walkthrough`] | the example programs, command by command, with what they print; a list of them all |
//! | [`machines`] | states, deferral, timeouts, state data, groups, unknown messages, endings |
//! | [`messages`] | deriving, naming and renaming messages; addresses inside messages; faults |
//! | [`types`] | what can be put into a message: a table, each row a test; graphs |
//! | [`routines`] | points written as `async fn`, and when to write one |
//! | [`compositions`] | a question and its answer; several points at once, one after the other |
//! | [`points`] | what the kernel promises: order, ends, bounds, panics |
//! | [`network`] | listening, connecting, closing; what a peer can and cannot do |
//! | [`sessions`] | one point for each connection; several conversations over one |
//! | [`groups`] | servers that are found again when they are lost |
//! | [`encryption`] | who can read, who is at the other end, and what happens when two ends disagree |
//! | [`testing`] | one transition, virtual time, coverage, a whole network in a simulated world |
//! | [`operating`] | the trace, the counters, flags and exit codes; what to look at at 3 a.m. |

#[doc = include_str!("cells.md")]
pub mod cells {}

#[doc = include_str!("walkthrough.md")]
pub mod walkthrough {}

#[doc = include_str!("machines.md")]
pub mod machines {}

#[doc = include_str!("messages.md")]
pub mod messages {}

#[doc = include_str!("types.md")]
pub mod types {}

#[doc = include_str!("routines.md")]
pub mod routines {}

#[doc = include_str!("compositions.md")]
pub mod compositions {}

#[doc = include_str!("points.md")]
pub mod points {}

#[doc = include_str!("network.md")]
pub mod network {}

#[doc = include_str!("sessions.md")]
pub mod sessions {}

#[doc = include_str!("groups.md")]
pub mod groups {}

#[doc = include_str!("encryption.md")]
pub mod encryption {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("operating.md")]
pub mod operating {}
