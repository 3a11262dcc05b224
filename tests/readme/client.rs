use std::time::Duration;

#[derive(Select)]
enum Opened {
    Connected(Connected),
    NotConnected(NotConnected),
}

async fn client(cx: &mut Routine, server: ConnectSettings) -> Result<Welcome, Fault> {
    cx.connect(&server);
    let server = match cx.select::<Opened>().await {
        Opened::Connected(_) => cx.from(),
        Opened::NotConnected(fault) => return Err(fault.into()),
    };
    cx.send(server, Hello { my_name: "Gladys".into() });
    Ok(cx.select_within::<Welcome>(Duration::from_secs(3)).await?)
}

fn main() -> std::process::ExitCode {
    statepoint::run(ConnectSettings::to("127.0.0.1", 32011), |server| {
        routine(async move |cx: &mut Routine| client(cx, server).await)
    })
}
