//! What is sent, completed with or returned as an error is no message.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Hello;

struct Bad;

struct Server;

#[state_machine]
impl Server {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.reply(Hello);
        Self::complete(Hello)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

async fn fails(_: &mut Routine) -> Result<Done, Fault> {
    Err(Bad)?
}

fn main() {
    let _ = routine(fails);
}
