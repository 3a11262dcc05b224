//! An option that does not exist.
extern crate fsm_core as statepoint;

use statepoint::{Select, Start, Stop};

#[derive(Select)]
#[select(keep(Start))]
enum News {
    Stop(Stop),
}

async fn wait(cx: &mut statepoint::Routine) {
    cx.select::<News>().await;
    let _: (Start, Stop);
}

fn main() {}
