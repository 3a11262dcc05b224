//! Two variants of one message.
extern crate fsm_core as statepoint;

use statepoint::{Select, Start, Stop};

#[derive(Select)]
enum News {
    Start(Start),
    Begin(Start),
}

async fn wait(cx: &mut statepoint::Routine) {
    cx.select::<News>().await;
    let _: (Start, Stop);
}

fn main() {}
