//! Questions and answers over a connection.

use std::time::Duration;

use statepoint::prelude::*;
use statepoint::{Ack, FromValue, Ping, Refused, Undelivered};

use crate::frames::{self, Called};
use crate::messages::{Bulk, Card, Note};
use crate::puppet::{Pair, Puppet};
use crate::scenarios;
use crate::world::{Raw, World, first_frame, read_until, write_all};

scenarios!(
    many_questions_are_under_way_at_once_over_one_connection,
    an_answer_from_far_that_comes_too_late_meets_nobody,
    a_fault_from_far_is_the_error_of_the_question,
    an_answer_from_far_that_does_not_fit_counts_against_its_sender,
    a_question_over_a_connection_that_has_ended_fails_at_once,
    both_ends_ask_over_the_same_connection,
    a_question_that_is_too_large_fails_at_once,
    questions_under_way_fail_when_their_connection_ends,
    a_peer_cannot_end_a_question_with_a_message_that_is_refused,
    a_question_is_given_up_with_the_last_connection_that_holds_its_asker,
    a_question_outlives_another_connection_that_has_heard_of_its_asker,
    a_question_outlives_its_connection_when_another_one_can_answer,
);

/// Creates a child of the puppet.
fn create(puppet: &Puppet, world: &mut impl World, point: impl statepoint::IntoPoint + 'static) -> Address {
    puppet.act(world, move |cx| cx.create(point))
}

/// What the puppet's only child has completed with.
fn ended<T: FromValue>(puppet: &Puppet, world: &mut impl World) -> Result<T, Fault> {
    world.run_until("a child to end", |_| puppet.has_completed());
    let mut ended = puppet.completed();
    assert_eq!(ended.len(), 1);
    ended.remove(0).0.value.open()
}

fn many_questions_are_under_way_at_once_over_one_connection(world: &mut impl World) {
    const MANY: u64 = 300;
    let Pair { server, client, there, .. } = Pair::new(world);
    let questions = (0..MANY).map(move |number| GetResponse::new(there, Note { number }));
    create(&client, world, Concurrently::new(questions));
    server.wait_for(world, MANY as usize, "all questions");
    assert_eq!(world.exports(client.host), MANY as usize);
    // They are answered in another order than they were asked.
    let mut asked: Vec<_> = (0..MANY).map(|_| server.take::<Note>()).collect();
    asked.sort_by_key(|(note, _)| note.number % 7);
    server.soon(world, move |cx| {
        for (Note { number }, from) in asked {
            cx.send(from, Bulk::new(number, 1));
        }
    });
    let answers: Vec<Bulk> = ended(&client, world).expect("answers");
    assert!(answers.iter().map(|answer| answer.number).eq(0..MANY), "each has its own");
    // What was asked for once is asked for no more.
    world.run_until("both tables to be empty", |world| world.exports(client.host) + world.exports(server.host) == 0);
    world.finish();
}

fn an_answer_from_far_that_comes_too_late_meets_nobody(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    create(&client, world, GetResponse::new(there, Note { number: 1 }).within(Duration::ZERO));
    let (_, first) = server.expect::<Note>(world);
    assert!(ended::<Ack>(&client, world).expect_err("late").is::<TimedOut>());
    create(&client, world, GetResponse::new(there, Note { number: 2 }));
    let (_, second) = server.expect::<Note>(world);
    server.soon(world, move |cx| {
        cx.send(first, Bulk::new(1, 1));
        cx.send(second, Bulk::new(2, 1));
    });
    assert_eq!(ended::<Bulk>(&client, world).expect("an answer").number, 2);
    let counters = world.kernel(client.host).counters();
    assert_eq!(counters.dead(Undelivered::Gone) + counters.dead(Undelivered::Ended), 1);
    world.finish();
}

fn a_fault_from_far_is_the_error_of_the_question(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    create(&client, world, Sequentially::new([1, 2].map(|number| GetResponse::new(there, Note { number }))));
    let (_, from) = server.expect::<Note>(world);
    server.send(world, from, Overloaded { request: "Note".into(), explanation: "ask the other one".into() });
    let fault = ended::<Value>(&client, world).expect_err("it means failure");
    assert_eq!(fault.to_string(), "overloaded (Note; ask the other one)");
    assert_eq!(server.waiting(), 0, "the second was not asked");
    world.finish();
}

fn an_answer_from_far_that_does_not_fit_counts_against_its_sender(world: &mut impl World) {
    /// Has the name of an `Ack`, and something else inside.
    #[derive(Debug, Serialize, Deserialize, Message)]
    #[message(name = "statepoint.Ack")]
    struct NoAck(String);
    let Pair { server, client, there, .. } = Pair::new(world);
    create(&client, world, routine(async move |cx: &mut Routine| cx.request::<Ack>(there, Ping).await));
    let (_, from) = server.expect::<Ping>(world);
    server.send(world, from, NoAck("no".into()));
    assert!(ended::<Value>(&client, world).expect_err("it does not fit").is::<Refused>());
    assert_eq!(world.kernel(client.host).counters().refused, 1);
    world.finish();
}

fn a_question_over_a_connection_that_has_ended_fails_at_once(world: &mut impl World) {
    let Pair { server, client, there, .. } = Pair::new(world);
    client.send(world, there, Close);
    client.expect::<Closed>(world);
    server.expect::<Abandoned>(world);
    create(&client, world, routine(async move |cx: &mut Routine| cx.request::<Ack>(there, Ping).await));
    assert!(ended::<Ack>(&client, world).expect_err("nobody is there").is::<OutOfService>());
    world.finish();
}

/// Each end asks while it is asked.
fn both_ends_ask_over_the_same_connection(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    let answers = async |cx: &mut Routine| {
        let Note { number } = cx.select().await;
        cx.reply(Bulk::new(number, 1));
    };
    let asks = |number, clerk: Address| {
        routine(async move |cx: &mut Routine| {
            let Bulk { number: answer, .. } = cx.request(clerk, Note { number }).await?;
            assert_eq!(answer, number);
            Ok::<_, Fault>(Ack)
        })
    };
    let [here, yonder] =
        [&client, &server].map(|puppet| puppet.act(world, move |cx| cx.create_quiet(routine(answers))));
    client.send(world, there, Card::of(here));
    server.send(world, back, Card::of(yonder));
    let (there, _) = client.expect::<Card>(world);
    let (back, _) = server.expect::<Card>(world);
    create(&client, world, asks(1, there.at));
    create(&server, world, asks(2, back.at));
    for puppet in [&client, &server] {
        assert_eq!(ended::<Ack>(puppet, world).expect("an answer"), Ack);
    }
    world.finish();
}

fn a_question_that_is_too_large_fails_at_once(world: &mut impl World) {
    let Pair { client, there, .. } = Pair::new(world);
    create(&client, world, GetResponse::new(there, Bulk::new(1, 70_000_000)).within(Duration::MAX));
    let fault = ended::<Ack>(&client, world).expect_err("no frame is that large");
    assert!(fault.to_string().starts_with("Bulk cannot be sent"), "{fault}");
    world.finish();
}

fn questions_under_way_fail_when_their_connection_ends(world: &mut impl World) {
    let Pair { server, client, there, back, .. } = Pair::new(world);
    let questions = [1, 2].map(|number| GetResponse::new(there, Note { number }).within(Duration::MAX));
    create(&client, world, Concurrently::new(questions).keep_faults());
    let (first, asker) = server.expect::<Note>(world);
    server.expect::<Note>(world);
    // One is answered in the last moment.
    server.soon(world, move |cx| {
        cx.send(asker, Ack);
        cx.send(back, Close);
    });
    let answers: Vec<Result<Ack, Fault>> = ended(&client, world).expect("faults are kept");
    assert_eq!(first.number, 1);
    assert_eq!(answers[0].as_ref().expect("it was answered"), &Ack);
    assert!(answers[1].as_ref().expect_err("nobody is left").is::<ConnectionLost>());
    world.finish();
}

/// A client and two servers. The client has asked the first, which has told the client's own point who asks, and that one the
/// second server: now both could answer.
struct Two {
    pair: Pair,
    other: Puppet,
    other_there: Address,
    asker: Address,
    asker_for_other: Address,
}

impl Two {
    fn new(world: &mut impl World) -> Self {
        let pair = Pair::new(world);
        let Pair { server, client, there, back, .. } = &pair;
        let host = world.host();
        let other = Puppet::new(world, host);
        let (at, _) = other.listen(world);
        let other_there = client.connect(world, at);
        create(client, world, GetResponse::new(*there, Note { number: 1 }).within(Duration::MAX));
        let (_, asker) = server.expect::<Note>(world);
        server.send(world, *back, Card::of(asker));
        let (card, _) = client.expect::<Card>(world);
        client.send(world, other_there, card);
        let asker_for_other = other.pick::<Card>(world).0.at;
        Self { other, other_there, asker, asker_for_other, pair }
    }

    fn close(&self, world: &mut impl World, there: Address) {
        self.pair.client.send(world, there, Close);
        self.pair.client.expect::<Closed>(world);
    }
}

fn a_question_outlives_another_connection_that_has_heard_of_its_asker(world: &mut impl World) {
    let two = Two::new(world);
    two.close(world, two.other_there);
    assert!(!two.pair.client.has_completed(), "who was asked is there");
    two.pair.server.send(world, two.asker, Ack);
    ended::<Ack>(&two.pair.client, world).expect("the answer");
    world.finish();
}

fn a_question_outlives_its_connection_when_another_one_can_answer(world: &mut impl World) {
    let two = Two::new(world);
    two.close(world, two.pair.there);
    assert!(!two.pair.client.has_completed(), "the other one may answer");
    two.other.send(world, two.asker_for_other, Ack);
    ended::<Ack>(&two.pair.client, world).expect("the answer");
    world.finish();
}

fn a_question_is_given_up_with_the_last_connection_that_holds_its_asker(world: &mut impl World) {
    let two = Two::new(world);
    two.close(world, two.pair.there);
    two.close(world, two.other_there);
    assert!(ended::<Ack>(&two.pair.client, world).expect_err("nobody is left").is::<ConnectionLost>());
    world.finish();
}

/// In the asker's name, to an address that was never given: the refusal is not the asker's.
fn a_peer_cannot_end_a_question_with_a_message_that_is_refused(world: &mut impl World) {
    let host = world.host();
    let server = Puppet::new(world, host);
    let (at, _) = server.listen(world);
    let mut raw = world.dial(at);
    let (_, back) = server.expect::<Accepted>(world);
    create(&server, world, GetResponse::new(back, Note { number: 1 }).within(Duration::MAX));
    read_until(world, &mut raw, |bytes| first_frame(bytes).is_some());
    write_all(world, &mut raw, &frames::message(-2_000, Some(-2), Called::Name("test.Note"), &[], &[0xc0]));
    world.run_until("the message to be refused", |world| world.net_counters(host).refused == 1);
    world.settle();
    assert!(!server.has_completed(), "the question goes on");
    raw.close();
    world.run_until("the question to end with its connection", |_| server.has_completed());
    world.finish();
}
