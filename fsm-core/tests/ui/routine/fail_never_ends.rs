//! Nothing says what a routine that never ends would return.
extern crate fsm_core as statepoint;

use statepoint::*;

fn main() {
    let _ = routine(async |cx: &mut Routine| {
        loop {
            cx.select::<Ping>().await;
            cx.reply(Ack);
        }
    });
}
