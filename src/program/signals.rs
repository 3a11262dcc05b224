//! Signals as messages.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fsm_core::{Address, Stop};
use fsm_net::reactor::Handle;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// The exit code of a process that is ended by a second signal.
const ENDED_HARD: i32 = 130;

/// The first signal sends `Stop` to `main`; a second one, when the program does not end, ends the process at once.
pub(super) fn stop_on_signal(handle: Handle, main: Address) -> io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        // The order matters: the first signal finds `asked` unset, and sets it.
        signal_hook::flag::register_conditional_shutdown(signal, ENDED_HARD, Arc::clone(&asked))?;
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for _ in signals.forever() {
            // A full inbox means a reactor that does not turn; the second signal ends it.
            let _ = handle.send(main, Stop);
        }
    })?;
    Ok(())
}
