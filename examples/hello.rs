//! A server and a client in one program, over a real and encrypted loopback connection. The trace of both is shown.
//!
//! cargo run --release --example hello

#[path = "shared/hello_welcome.rs"]
mod hello_welcome;

use hello_welcome::{Hello, Welcome};
use statepoint::Program;
use statepoint::prelude::*;

struct Server;

#[state_machine(INITIAL, PENDING, LISTENING)]
impl Server {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.listen(Listen::at(HostPort::new("127.0.0.1", 0)).encrypted()); // the system chooses the port
        Self::PENDING
    }
    fn PENDING_Listening(&mut self, listening: Listening, cx: &mut Context) -> Next<Self> {
        cx.send(cx.parent(), listening);
        Self::LISTENING
    }
    fn PENDING_NotListening(&mut self, fault: NotListening) -> Next<Self> {
        Self::complete(fault)
    }
    fn LISTENING_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Accepted {}", accepted.remote));
        Self::LISTENING
    }
    fn LISTENING_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Abandoned {}", abandoned.remote));
        Self::LISTENING
    }
    fn LISTENING_Hello(&mut self, hello: Hello, cx: &mut Context) -> Next<Self> {
        cx.reply(Welcome { your_name: hello.my_name, my_name: "Buster".into() });
        Self::LISTENING
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

struct Client {
    server: HostPort,
}

#[state_machine(INITIAL, PENDING, CONNECTED(timeout = "3s"))]
impl Client {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        cx.connect(Connect::to(&self.server).encrypted());
        Self::PENDING
    }
    fn PENDING_Connected(&mut self, _: Connected, cx: &mut Context) -> Next<Self> {
        cx.reply(Hello { my_name: "Gladys".into() });
        Self::CONNECTED
    }
    fn PENDING_NotConnected(&mut self, fault: NotConnected) -> Next<Self> {
        Self::complete(fault)
    }
    fn CONNECTED_Welcome(&mut self, welcome: Welcome, cx: &mut Context) -> Next<Self> {
        cx.console(&welcome);
        Self::complete(welcome)
    }
    fn CONNECTED_Timeout(&mut self, _: Timeout) -> Next<Self> {
        Self::complete(TimedOut::default())
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// Starts the server, then the client at the server's port; ends with what the client ended with.
async fn hello(cx: &mut Routine) -> Value {
    #[derive(Select)]
    enum Begun {
        Listening(Listening),
        Completed(Completed),
    }
    cx.create(Server);
    let server = match cx.select::<Begun>().await {
        Begun::Listening(listening) => HostPort::from(listening.listening),
        Begun::Completed(server) => return server.value,
    };
    cx.create(Client { server });
    cx.select::<Completed>().await.value
}

#[derive(Serialize, Deserialize, Settings)]
struct Settings {}

fn main() -> std::process::ExitCode {
    Program::new(Settings {}).debug_level(Level::Object).run(|_| routine(hello))
}
