//! Handshakes that have begun, at the listening end of a link.

use fsm_net::link::{ConnectSecurity, Identity, ListenSecurity, Seed};
use fsm_net::wire::{FrameLimit, Link, LinkState, Output, Pool};

fn seed() -> Seed {
    Seed::random().expect("the system has randomness")
}

/// What a connecting end says first.
pub(crate) fn hello(security: &ConnectSecurity) -> Vec<u8> {
    let (mut pool, mut output) = (Pool::new(), Output::default());
    let mut link = security.link("bench:1", FrameLimit::default(), seed()).expect("settings that make sense");
    link.begin(&mut output.outlet(&mut pool)).expect("a fresh link");
    output.slices().iter().flat_map(|slice| slice.to_vec()).collect()
}

/// Makes links that have answered a hello in the mode that asks most of them, where both ends prove their keys.
pub(crate) fn maker() -> impl FnMut() -> Box<dyn Link> {
    let identity = || Identity::generate().expect("the system has randomness");
    let server = identity();
    let hello = hello(&ConnectSecurity::clear().expect(server.public_key()).identity(identity()));
    let listening = ListenSecurity::clear().identity(server).allow_anybody();
    let mut pool = Pool::new();
    move || {
        let mut output = Output::default();
        let mut link = listening.link(FrameLimit::default(), seed()).expect("settings that make sense");
        let mut read = hello.clone();
        let received = link.receive(&mut &mut read[..], &mut output.outlet(&mut pool)).map(|frames| frames.is_some());
        assert!(received == Ok(false) && link.state() == LinkState::Opening && output.ready() > 0);
        output.clear(&mut pool);
        link
    }
}
