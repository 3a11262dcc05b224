//! Signals as messages.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fsm_core::{Address, Pause, Resume, Stop};
use fsm_net::reactor::Handle;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

/// The exit code of a process that is ended by a second signal.
const ENDED_HARD: i32 = 130;
/// The signals that mean `Stop`.
const STOPS: [i32; 4] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT];

/// Signals become messages to `main`. The second that means `Stop`, when the program does not end, ends the process at once.
pub(super) fn to_messages(handle: Handle, main: Address) -> io::Result<()> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in STOPS {
        // The order matters: the first signal finds `asked` unset, and sets it.
        signal_hook::flag::register_conditional_shutdown(signal, ENDED_HARD, Arc::clone(&asked))?;
        signal_hook::flag::register(signal, Arc::clone(&asked))?;
    }
    let mut signals = signal_hook::iterator::Signals::new(STOPS.into_iter().chain([SIGUSR1, SIGUSR2]))?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            // A full inbox means a reactor that does not turn; a second signal ends it.
            let _ = match signal {
                SIGUSR1 => handle.send(main, Pause),
                SIGUSR2 => handle.send(main, Resume),
                _ => handle.send(main, Stop),
            };
        }
    })?;
    Ok(())
}
