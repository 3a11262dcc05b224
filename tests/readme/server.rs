use statepoint::prelude::*;

#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Hello")]
pub struct Hello {
    pub my_name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hello_welcome.Welcome")]
pub struct Welcome {
    pub your_name: String,
    pub my_name: String,
}

pub struct Server {
    name: String,
    at: HostPort,
}

#[state_machine(INITIAL, PENDING(timeout = "5s"), LISTENING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(&self.at);
        Self::PENDING
    }
    fn PENDING_Listening(&mut self, _: Listening) -> Next<Self> {
        Self::LISTENING
    }
    fn PENDING_NotListening(&mut self, fault: NotListening) -> Next<Self> {
        Self::complete(fault)
    }
    fn PENDING_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn LISTENING_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("{} has come", accepted.remote));
        Self::LISTENING
    }
    fn LISTENING_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("{} has gone", abandoned.remote));
        Self::LISTENING
    }
    fn LISTENING_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        cx.console(fault);
        Self::LISTENING
    }
    fn LISTENING_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name, my_name: self.name.clone() });
        Self::LISTENING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}
