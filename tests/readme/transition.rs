#[test]
fn a_server_welcomes_who_says_hello() {
    let server = Server { name: "Buster".into(), at: HostPort::new("127.0.0.1", 0) };
    let mut test = Harness::new(server).put(Server::LISTENING);
    let step = test.give(Hello { my_name: "Gladys".into() });
    let welcome = Welcome { your_name: "Gladys".into(), my_name: "Buster".into() };
    assert_eq!(step.sent_to::<Welcome>(test.peer()), [&welcome]);
}
