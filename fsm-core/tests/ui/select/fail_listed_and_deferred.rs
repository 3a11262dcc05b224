//! A message both listed and deferred.
extern crate fsm_core as statepoint;

use statepoint::{Select, Start, Stop};

#[derive(Select)]
#[select(defer(Start))]
enum News {
    Start(Start),
}

async fn wait(cx: &mut statepoint::Routine) {
    cx.select::<News>().await;
    let _: (Start, Stop);
}

fn main() {}
