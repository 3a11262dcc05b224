//! The two machines of the seed, word for word in our spelling. They compile as they are: their first state takes only
//! `Start` and leaves, so it need not answer `Stop`.
#![deny(warnings)]

extern crate fsm_core as statepoint;

use serde::{Deserialize, Serialize};
use statepoint::{Aborted, Context, Harness, Machine, Message, Next, Start, Stop, Vocabulary, state_machine};

#[derive(Debug, Serialize, Deserialize, Message)]
struct Hello {
    my_name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
struct Welcome {
    your_name: String,
    my_name: String,
}

// What the network has, as far as the two machines see of it.
#[derive(Debug, Clone)]
struct HostPort {
    host: String,
    port: u16,
}

macro_rules! messages {
    ($($name:ident)*) => {$(
        #[derive(Debug, Message)]
        #[message(local)]
        struct $name;
    )*};
}

messages!(Listening NotListening Connected NotConnected Abandoned);

#[derive(Debug, Message)]
#[message(local)]
struct Accepted {
    accepted_at: HostPort,
}

trait Network {
    fn listen(&mut self, at: &HostPort);
    fn connect(&mut self, to: &HostPort);
}

impl Network for Context {
    fn listen(&mut self, at: &HostPort) {
        self.console(format_args!("listen at {}:{}", at.host, at.port));
    }
    fn connect(&mut self, to: &HostPort) {
        self.console(format_args!("connect to {}:{}", to.host, to.port));
    }
}

struct Settings {
    name: String,
    host: String,
    port: u16,
}

struct ListenAtAddress {
    settings: Settings,
    server_name: String,
    at: Option<HostPort>,
    listening: Option<Listening>,
}

#[state_machine(INITIAL, PENDING, LISTENING)]
impl ListenAtAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let at = HostPort { host: self.settings.host.clone(), port: self.settings.port };
        cx.listen(&at);
        self.at = Some(at);
        Self::PENDING
    }
    fn PENDING_Listening(&mut self, message: Listening) -> Next<Self> {
        self.listening = Some(message);
        Self::LISTENING
    }
    fn PENDING_NotListening(&mut self, message: NotListening) -> Next<Self> {
        Self::complete(message)
    }
    fn PENDING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn LISTENING_Accepted(&mut self, message: Accepted, cx: &mut Context) -> Next<Self> {
        cx.console(format_args!("Accepted at {:?}", message.accepted_at));
        Self::LISTENING
    }
    fn LISTENING_Hello(&mut self, message: Hello, cx: &mut Context) -> Next<Self> {
        let welcome = Welcome { your_name: message.my_name, my_name: self.server_name.clone() };
        cx.reply(welcome);
        Self::LISTENING
    }
    fn LISTENING_Abandoned(&mut self, _: Abandoned, cx: &mut Context) -> Next<Self> {
        cx.console("Abandoned");
        Self::LISTENING
    }
    fn LISTENING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

struct ConnectToAddress {
    settings: Settings,
    client_name: String,
    to: Option<HostPort>,
    connected: Option<Connected>,
}

#[state_machine(INITIAL, PENDING, CONNECTED)]
impl ConnectToAddress {
    fn INITIAL_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        let to = HostPort { host: self.settings.host.clone(), port: self.settings.port };
        cx.connect(&to);
        self.to = Some(to);
        Self::PENDING
    }
    fn PENDING_Connected(&mut self, message: Connected, cx: &mut Context) -> Next<Self> {
        self.connected = Some(message);
        let hello = Hello { my_name: self.client_name.clone() };
        cx.reply(hello);
        Self::CONNECTED
    }
    fn PENDING_NotConnected(&mut self, message: NotConnected) -> Next<Self> {
        Self::complete(message)
    }
    fn PENDING_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
    fn CONNECTED_Welcome(&mut self, message: Welcome) -> Next<Self> {
        Self::complete(message)
    }
    fn CONNECTED_Abandoned(&mut self, message: Abandoned) -> Next<Self> {
        Self::complete(message)
    }
    fn CONNECTED_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

fn main() {
    let settings = |name: &str| Settings { name: name.into(), host: "127.0.0.1".into(), port: 32011 };
    let server = ListenAtAddress {
        server_name: settings("Buster").name,
        settings: settings("Buster"),
        at: None,
        listening: None,
    };
    let mut server = Harness::new(server);
    let _ = server.start();
    assert_eq!(server.state(), "PENDING");
    let _ = server.give(Listening);
    let _ = server.give(Accepted { accepted_at: HostPort { host: "127.0.0.1".into(), port: 1 } });
    let step = server.give(Hello { my_name: "Gladys".into() });
    let welcome = Welcome { your_name: "Gladys".into(), my_name: "Buster".into() };
    assert_eq!(step.sent_to::<Welcome>(server.peer()), [&welcome]);
    let _ = server.give(Abandoned);
    assert_eq!(server.state(), "LISTENING");
    assert!(server.machine().at.is_some() && server.machine().listening.is_some());

    let client = ConnectToAddress {
        client_name: settings("Gladys").name,
        settings: settings("Gladys"),
        to: None,
        connected: None,
    };
    let mut client = Harness::new(client);
    let _ = client.start();
    let _ = client.give(Connected);
    assert!(client.is_in(ConnectToAddress::CONNECTED));
    assert!(client.machine().to.is_some() && client.machine().connected.is_some());
    let _ = client.give(welcome);
    assert!(!client.is_in(ConnectToAddress::CONNECTED));
    let _ = (NotListening, NotConnected);
}
