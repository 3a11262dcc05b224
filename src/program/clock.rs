//! The clocks of the trace.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fsm_core::Event;

/// The time of an event by the system's clock, in UTC: `20:32:21.639`.
pub(super) fn time_of_day() -> impl Fn(&Event<'_>) -> String {
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    move |event| {
        let now = began + Duration::from_nanos(event.at.as_nanos());
        let (seconds, milliseconds) = (now.as_secs(), now.subsec_millis());
        let (hours, minutes) = (seconds / 3_600 % 24, seconds / 60 % 60);
        format!("{hours:02}:{minutes:02}:{:02}.{milliseconds:03}", seconds % 60)
    }
}

/// The time since the first call.
pub(super) fn stopwatch() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}
