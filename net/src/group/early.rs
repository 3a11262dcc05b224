//! Messages of peers that came before there was a session to take them.

use std::collections::VecDeque;

use fsm_core::{Address, Context, Level, Unknown, Vocabulary};

/// How many are kept; as many as the reference keeps.
const MOST: usize = 32;

/// The last of them, in their order. What is dropped is told in the trace.
#[derive(Debug, Default)]
pub(super) struct Early(VecDeque<Unknown>);

impl Early {
    /// Keeps a message; the oldest gives way.
    pub(super) fn keep(&mut self, unknown: Unknown, cx: &mut Context) {
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.pop_front()
        {
            cx.log(Level::Warning, format_args!("dropped {}, the oldest of {MOST} early messages", oldest.name()));
        }
        self.0.push_back(unknown);
    }

    /// Passes all on; their senders stay their senders.
    pub(super) fn hand_over(&mut self, session: Address, cx: &mut Context) {
        for unknown in self.0.drain(..) {
            cx.pass_on(session, unknown);
        }
    }

    /// There will be no session.
    pub(super) fn drop_all(&mut self, cx: &mut Context) {
        for unknown in self.0.drain(..) {
            cx.log(Level::Warning, format_args!("dropped {}: there is no session to take it", unknown.name()));
        }
    }
}
