//! What is sent or returned is no message, and cannot be made one: the notes say what to do with the types of others.
extern crate fsm_core as statepoint;

use statepoint::*;

struct Server {
    known: Address,
}

#[state_machine]
impl Server {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.reply("welcome");
        cx.reply(5);
        cx.start(core::time::Duration::from_secs(1), 6_u32);
        Self::complete(self.known)
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

async fn reads(_: &mut Routine) -> Result<Done, Fault> {
    std::fs::read("five").map(drop)?;
    Ok(Done)
}

async fn says(_: &mut Routine) -> Result<Done, String> {
    Err("bad".into())
}

async fn asks(cx: &mut Routine, server: Address) -> Result<Done, Fault> {
    cx.request(server, Ping).await?;
    Ok(Done)
}

async fn asks_for_text(cx: &mut Routine, server: Address) -> Result<Done, Fault> {
    let _: String = cx.request(server, Ping).await?;
    Ok(Done)
}

fn main() {
    let _ = routine(reads);
    let _ = routine(says);
}
