//! An enum that lists nothing.
extern crate fsm_core as statepoint;

use statepoint::{Select, Start, Stop};

#[derive(Select)]
enum News {}

async fn wait(cx: &mut statepoint::Routine) {
    cx.select::<News>().await;
    let _: (Start, Stop);
}

fn main() {}
