//! Peers that begin a handshake and do not end it: what one costs in memory, and what a crowd of them does to others.
//!
//! The crowd comes from another process, on another core if there is one. The session whose requests are timed has both
//! its ends in the reactor that the crowd comes to, so each request waits for two of its turns, and the reactor never sleeps:
//! what a request takes is CPU time, and all of it is counted. Its p99 is by time and not by number: for 99 % of the time the
//! request under way was answered within it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use fsm_net::link::ConnectSecurity;

use crate::measure::{Column, Contender, Samples, interleave, leave_cores, open_files, resident_bytes};
use crate::options::Size;
use crate::ours;
use crate::peers::{noise, tls};
use crate::table::{Check, Row};

/// Descriptors that a process needs besides those of a crowd.
const SPARE_FILES: usize = 100;
/// How many the driver lets stay unless it is told otherwise.
const USUAL_OPENINGS: usize = 1_024;
/// For the rows about a crowd, each of which takes some 10 seconds.
const CROWD_ROUNDS: usize = 3;

const P99: Check = Check::Below { most: 5_000.0, aim: None };

/// Memory, then the crowd.
pub(crate) fn rows(size: &Size) -> Vec<Row> {
    let mut rows = vec![pending(size)];
    rows.extend(crowds(size));
    rows
}

/// Each sample is a process of its own, so that each contender begins with an empty heap.
fn pending(size: &Size) -> Row {
    let count = size.of(4_000);
    let contender = |column: Column| {
        Contender::new(column, move || {
            let text = super::in_a_child(&["pending", column.title(), &count.to_string()]);
            text.trim().parse().unwrap_or_else(|_| panic!("a child said {text:?}"))
        })
    };
    let samples = interleave(size.few_rounds(), [Column::Ours, Column::Snow, Column::Rustls].map(contender).into());
    let checks = vec![Check::Below { most: 1_024.0, aim: None }];
    Row { name: "pending handshake", unit: "bytes", samples, checks }
}

/// What a child does that is to hold `count` handshakes: the bytes for each.
pub(crate) fn pending_child(title: &str, count: usize) -> Option<String> {
    fn held<T>(count: usize, mut make: impl FnMut() -> T) -> String {
        drop(make());
        let before = resident_bytes();
        let held: Vec<T> = (0..count).map(|_| make()).collect();
        format!("{:.1}", (resident_bytes() - before) as f64 / held.len() as f64)
    }
    let settings = tls::Settings::new();
    match Column::ALL.into_iter().find(|column| column.title() == title)? {
        Column::Ours => Some(held(count, ours::pending::maker())),
        Column::Snow => Some(held(count, noise::pending)),
        Column::Rustls => Some(held(count, || settings.pending())),
        _ => None,
    }
}

/// Rounds of the rows about a crowd. None of them runs in vain.
pub(crate) fn crowd_rounds(size: &Size) -> usize {
    if size.quick { 1 } else { CROWD_ROUNDS.min(size.rounds) }
}

fn crowds(size: &Size) -> Vec<Row> {
    let strangers = size.of(10_000).min(open_files().saturating_sub(SPARE_FILES));
    let open_within = Duration::from_millis(size.of(5_000) as u64);
    let rounds = crowd_rounds(size);
    let stay: Vec<[f64; 5]> = (0..rounds).map(|_| crowd(strangers, strangers + 1, open_within)).collect();
    // They give way to each other long before their time is over.
    let pass: Vec<[f64; 5]> = (0..rounds).map(|_| crowd(strangers, USUAL_OPENINGS, open_within / 5)).collect();
    let row = |name: String, unit, from: &[[f64; 5]], figure: usize, checks| {
        let samples = Samples::new(from.iter().map(|figures| figures[figure]).collect());
        Row { name: name.leak(), unit, samples: vec![(Column::Ours, samples)], checks }
    };
    vec![
        row("half-open peer in a reactor".to_owned(), "bytes", &stay, 4, Vec::new()),
        row("a session's p99, alone".to_owned(), "us", &stay, 0, Vec::new()),
        row(format!("p99 while {strangers} half-open peers come"), "us", &stay, 1, vec![P99]),
        row("p99 while they stay".to_owned(), "us", &stay, 2, vec![P99]),
        row("p99 while they are given up".to_owned(), "us", &stay, 3, vec![P99]),
        row(format!("p99 while {strangers} come, {USUAL_OPENINGS} may stay"), "us", &pass, 1, vec![P99]),
    ]
}

/// A child serves; this process is the crowd.
fn crowd(strangers: usize, openings: usize, open_within: Duration) -> [f64; 5] {
    let program = std::env::current_exe().expect("a running program has a file");
    let mut child = Command::new(program)
        .args(["--child", "half-open", &openings.to_string(), &open_within.as_millis().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started again");
    let (mut stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let mut line = || lines.next().expect("the child goes on");
    let port = line().parse().expect("a port");
    let crowd = std::thread::spawn(move || {
        leave_cores();
        come(port, strangers)
    });
    let crowd = crowd.join().expect("strangers can connect");
    stdin.write_all(b"all are there\n").expect("the child reads");
    let text = line();
    drop(crowd);
    child.wait().expect("it has ended");
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    figures.try_into().unwrap_or_else(|_| panic!("a child said {text:?}"))
}

/// Each says hello; then all wait for their answers, and say nothing more. Some may have been turned away.
fn come(port: u16, strangers: usize) -> Vec<TcpStream> {
    let hello = ours::pending::hello(&ConnectSecurity::encrypted());
    let say_hello = |_| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a listener");
        let _ = stream.write_all(&hello);
        stream
    };
    let mut crowd: Vec<TcpStream> = (0..strangers).map(say_hello).collect();
    for stream in &mut crowd {
        let _ = stream.read(&mut [0; 64]);
    }
    crowd
}

/// What a child does that is to hold a session among a crowd.
pub(crate) fn half_open_child(openings: usize, milliseconds: usize) -> String {
    ours::half_open::child(openings, Duration::from_millis(milliseconds as u64))
}
