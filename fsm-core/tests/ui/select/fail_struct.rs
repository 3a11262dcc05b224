//! Select on a struct.
extern crate fsm_core as statepoint;

use statepoint::{Select, Start, Stop};

#[derive(Select)]
struct News(Stop);

async fn wait(cx: &mut statepoint::Routine) {
    cx.select::<News>().await;
    let _: (Start, Stop);
}

fn main() {}
