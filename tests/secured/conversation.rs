//! A conversation whose every word can be checked, whatever happens to the bytes on their way.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Ended, Failure};

/// Something that is said over one connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "secured.Saying")]
pub(crate) struct Saying {
    /// The connection, by the address of who has connected.
    of: SocketAddr,
    from_server: bool,
    number: u32,
    text: String,
}

/// Who has connected, where there is only one who can.
pub(crate) const ANYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What stands in every text, so that it can be looked for on the wire.
pub(crate) const CLEARTEXT: &str = "nobody on the way reads this";

impl Saying {
    /// Of different sizes, so that some are batched, some are records of their own, and some come in several reads.
    fn new(of: SocketAddr, from_server: bool, number: u32, sizes: &[usize]) -> Self {
        let size = sizes.get(number as usize % sizes.len().max(1)).copied().unwrap_or_default();
        let text = format!("{CLEARTEXT}: {of} {from_server} {number} {}", "x".repeat(size));
        Self { of, from_server, number, text }
    }
}

/// How much is said, by whom, and who ends it.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// How many sayings there are in each round, from either end.
    pub(crate) rounds: Vec<u32>,
    pub(crate) pause: Duration,
    pub(crate) sizes: Vec<usize>,
    pub(crate) server_closes: bool,
    /// There is one connection, the two ends may not agree on the client's address, and who closes has heard the other end out:
    /// the same is said each time.
    pub(crate) is_single: bool,
}

impl Script {
    fn count(&self) -> u32 {
        self.rounds.iter().sum()
    }
}

/// What one end has seen of one connection, in its order.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Opened(SocketAddr),
    NotOpened(Failure),
    Said(Saying),
    /// Whether this end had closed, and how it went.
    Ended(bool, Ended),
}

/// What one end has seen and said: by connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<(Address, Seen)>>>);

impl Log {
    fn add(&self, far: Address, seen: Seen) {
        self.0.borrow_mut().push((far, seen));
    }

    /// Whether there was an end, or no connection at all.
    pub(crate) fn is_over(&self) -> bool {
        self.0.borrow().iter().any(|(_, seen)| matches!(seen, Seen::NotOpened(_) | Seen::Ended(..)))
    }

    fn all(&self) -> Vec<Seen> {
        self.0.borrow().iter().map(|(_, seen)| seen.clone()).collect()
    }

    /// All that was seen of one connection.
    fn of(&self, far: Address) -> Vec<Seen> {
        self.0.borrow().iter().filter(|(of, _)| *of == far).map(|(_, seen)| seen.clone()).collect()
    }

    /// The connections that were opened: who has connected, and the far end's address.
    pub(crate) fn opened(&self) -> Vec<(SocketAddr, Address)> {
        let of = |seen: &Seen| if let Seen::Opened(of) = seen { Some(*of) } else { None };
        self.0.borrow().iter().filter_map(|(far, seen)| Some((of(seen)?, *far))).collect()
    }

    /// Why connections were not opened.
    pub(crate) fn not_opened(&self) -> Vec<Failure> {
        let why = |seen: &Seen| if let Seen::NotOpened(why) = seen { Some(why.clone()) } else { None };
        self.0.borrow().iter().filter_map(|(_, seen)| why(seen)).collect()
    }
}

/// It is time for the next round.
#[derive(Debug, Message)]
#[message(name = "secured.Round", local)]
struct Round;

/// One end: it listens or connects, says what the script has, and notes all that it sees.
pub(crate) struct Speaker {
    listen: Option<Listen>,
    connect: Option<Connect>,
    script: Script,
    pub(crate) log: Log,
    /// Where it listens, for the test.
    pub(crate) at: Rc<RefCell<Option<SocketAddr>>>,
    /// Open connections: who has connected, the far end, how many rounds are over, and how much was said.
    open: Vec<(SocketAddr, Address, usize, u32)>,
    heard: u32,
}

impl Speaker {
    pub(crate) fn server(listen: Listen, script: &Script) -> Self {
        Self { listen: Some(listen), ..Self::client_of(None, script) }
    }

    pub(crate) fn client(connect: Connect, script: &Script) -> Self {
        Self::client_of(Some(connect), script)
    }

    fn client_of(connect: Option<Connect>, script: &Script) -> Self {
        let (log, at) = (Log::default(), Rc::default());
        Self { listen: None, connect, script: script.clone(), log, at, open: Vec::new(), heard: 0 }
    }

    fn is_server(&self) -> bool {
        self.connect.is_none()
    }

    fn opened(&mut self, of: SocketAddr, cx: &mut Context) {
        let of = if self.script.is_single { ANYBODY } else { of };
        self.log.add(cx.from(), Seen::Opened(of));
        self.open.push((of, cx.from(), 0, 0));
        self.speak(cx);
    }

    /// A round over every connection.
    fn speak(&mut self, cx: &mut Context) {
        let from_server = self.is_server();
        for (of, far, round, said) in &mut self.open {
            let Some(count) = self.script.rounds.get(*round) else { continue };
            for number in *said..*said + count {
                cx.send(*far, Saying::new(*of, from_server, number, &self.script.sizes));
            }
            (*round, *said) = (*round + 1, *said + count);
            if *round == self.script.rounds.len() && self.script.server_closes == from_server && !self.script.is_single
            {
                cx.send(*far, Close);
            }
        }
        self.close_if_done(cx);
        if self.open.iter().any(|(_, _, round, _)| *round < self.script.rounds.len()) {
            cx.start(self.script.pause, Round);
        }
    }

    fn close_if_done(&self, cx: &mut Context) {
        let closes = self.script.is_single && self.script.server_closes == self.is_server();
        if let [(_, far, _, said)] = self.open[..]
            && closes
            && (said, self.heard) == (self.script.count(), self.script.count())
        {
            cx.send(far, Close);
        }
    }

    fn ended(&mut self, by_us: bool, reason: Ended, cx: &mut Context) {
        self.log.add(cx.from(), Seen::Ended(by_us, reason));
        self.open.retain(|(_, far, _, _)| *far != cx.from());
    }
}

#[state_machine]
impl Speaker {
    fn ANY_Start(&mut self, _: Start, cx: &mut Context) -> Next<Self> {
        if let Some(listen) = &self.listen {
            cx.listen(listen.clone());
        }
        if let Some(connect) = &self.connect {
            cx.connect(connect.clone());
        }
        Next::STAY
    }
    fn ANY_Listening(&mut self, listening: Listening) -> Next<Self> {
        *self.at.borrow_mut() = Some(listening.listening);
        Next::STAY
    }
    fn ANY_Connected(&mut self, connected: Connected, cx: &mut Context) -> Next<Self> {
        self.opened(connected.local, cx);
        Next::STAY
    }
    fn ANY_Accepted(&mut self, accepted: Accepted, cx: &mut Context) -> Next<Self> {
        self.opened(accepted.remote, cx);
        Next::STAY
    }
    fn ANY_NotConnected(&mut self, fault: NotConnected, cx: &mut Context) -> Next<Self> {
        self.log.add(cx.from(), Seen::NotOpened(fault.reason));
        Next::STAY
    }
    fn ANY_NotAccepted(&mut self, fault: NotAccepted, cx: &mut Context) -> Next<Self> {
        self.log.add(cx.from(), Seen::NotOpened(fault.reason));
        Next::STAY
    }
    fn ANY_Saying(&mut self, saying: Saying, cx: &mut Context) -> Next<Self> {
        self.log.add(cx.from(), Seen::Said(saying));
        self.heard += 1;
        self.close_if_done(cx);
        Next::STAY
    }
    fn ANY_Round(&mut self, _: Round, cx: &mut Context) -> Next<Self> {
        self.speak(cx);
        Next::STAY
    }
    fn ANY_Abandoned(&mut self, abandoned: Abandoned, cx: &mut Context) -> Next<Self> {
        self.ended(false, abandoned.reason, cx);
        Next::STAY
    }
    fn ANY_Closed(&mut self, closed: Closed, cx: &mut Context) -> Next<Self> {
        self.ended(true, closed.reason, cx);
        Next::STAY
    }
    fn ANY_Congested(&mut self, _: Congested) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Relieved(&mut self, _: Relieved) -> Next<Self> {
        Next::STAY
    }
    fn ANY_Stop(&mut self, _: Stop) -> Next<Self> {
        Self::complete(Aborted)
    }
}

/// How one connection went, at one end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Story {
    /// How much came from the other end.
    pub(crate) heard: u32,
    /// Why it was not opened, or whether this end had closed and how it went.
    pub(crate) end: Result<(bool, Ended), Failure>,
}

impl Story {
    pub(crate) fn is_orderly(&self) -> bool {
        matches!(self.end, Ok((true, Ended::ByUs)) | Ok((false, Ended::ByPeer)))
    }
}

/// Reads a story of what one end has seen of one connection: first that it is open, then what the other end has said, all of
/// it as it was said and in that order, then one end.
fn story(seen: &[Seen], from_server: bool, script: &Script) -> Result<Story, String> {
    let odd = |what: &Seen| Err(format!("{what:?} is out of place in {seen:#?}"));
    let (of, rest) = match seen {
        [Seen::NotOpened(why)] => return Ok(Story { heard: 0, end: Err(why.clone()) }),
        [Seen::Opened(of), rest @ ..] => (*of, rest),
        [other, ..] => return odd(other),
        [] => return Err("nothing was told".into()),
    };
    let mut heard = 0;
    for what in rest {
        match what {
            Seen::Said(saying) if *saying == Saying::new(of, from_server, heard, &script.sizes) => heard += 1,
            Seen::Ended(by_us, reason) if heard as usize + 2 == seen.len() => {
                return Ok(Story { heard, end: Ok((*by_us, reason.clone())) });
            }
            other => return odd(other),
        }
    }
    Err(format!("no end was told of {of}: {seen:#?}"))
}

/// The stories of connections, checked: nothing was heard that was not said, and who was told that all was in order has
/// everything. By connection, whose clients are `clients`: the client's story, and the server's if it ever had a connection.
pub(crate) fn check(
    server: &Log,
    clients: &[(SocketAddr, Log)],
    script: &Script,
) -> Result<Vec<(Story, Option<Story>)>, String> {
    let mut stories = Vec::new();
    for (of, log) in clients {
        let client = story(&log.all(), true, script)?;
        let far = server.opened().into_iter().find(|(at, _)| at == of);
        let server = far.map(|(_, far)| story(&server.of(far), false, script)).transpose()?;
        has_everything(&client, server.as_ref(), script)?;
        stories.push((client, server));
    }
    Ok(stories)
}

/// Who has closed in order knows that the other end has heard it all; who was left in order, that it has heard all itself.
fn has_everything(client: &Story, server: Option<&Story>, script: &Script) -> Result<(), String> {
    for (one, other) in [(Some(client), server), (server, Some(client))] {
        let Some(one) = one.filter(|one| one.is_orderly()) else { continue };
        let hears = if one.end == Ok((true, Ended::ByUs)) { other } else { Some(one) };
        let heard = hears.map_or(0, |story| story.heard);
        if heard != script.count() {
            return Err(format!("in order, and {heard} of {} were heard: {one:?}, {other:?}", script.count()));
        }
    }
    Ok(())
}
