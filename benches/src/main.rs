//! Prints one table: statepoint beside what a user would pick instead, each row the same work on all sides.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml            # all rows, some minutes
//! cargo run --release --manifest-path benches/Cargo.toml -- --quick # a tenth of the work, for CI
//! cargo run --release --manifest-path benches/Cargo.toml -- --rows ring,fan-in
//! ```
//! Figures are medians over rounds in which the contenders take turns. They are CPU time and not wall time, on one core, so that others on the machine disturb them little. Run it with nothing else on the machine all the same.

mod measure;
mod options;
mod ours;
mod peers;
mod rows;
mod table;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use measure::{cores, last_core, use_cores};
use options::{CONNECTIONS, Options, USAGE};
use table::{Row, Table};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = match arguments.split_first() {
        Some((first, rest)) if first == "--child" => {
            rows::child(rest).ok_or_else(|| "a child wants what its row gives it".to_owned())
        }
        Some((first, _)) if first == "--help" => Ok(USAGE.to_owned()),
        _ => {
            options::parse(&arguments).map(|options| report(&options)).map_err(|mistake| format!("{mistake}\n{USAGE}"))
        }
    };
    match text {
        Ok(text) => {
            let _ = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(mistake) => {
            let _ = writeln!(std::io::stderr(), "{mistake}");
            ExitCode::FAILURE
        }
    }
}

fn report(options: &Options) -> String {
    let load_before = load();
    let all_cores = std::thread::available_parallelism().map_or(1, Into::into);
    let all = cores();
    let (core, one) = last_core(&all);
    let mut rows = [Vec::new(), Vec::new()];
    for group in &options.groups {
        // cargo may use every core
        use_cores(if *group == "build" { &all } else { &one });
        rows[usize::from(CONNECTIONS.contains(group))].extend(measure(group, options));
    }
    format!("{}\n{}", Table(&rows), footer(options, &rows.concat(), core, &load_before, all_cores))
}

fn measure(group: &str, options: &Options) -> Vec<Row> {
    let size = &options.size;
    match group {
        "dispatch" => rows::dispatch::rows(size),
        "ping-pong" => rows::hops::ping_pong(size),
        "ring" => rows::hops::rings(size),
        "fan-in" => rows::hops::fan_in(size),
        "points" => rows::points::rows(size),
        "timers" => rows::timers::rows(size),
        "scattered" => rows::hops::scattered(size),
        "sealing" => rows::sealing::rows(size),
        "requests" => rows::requests::rows(size),
        "handshakes" => rows::handshakes::rows(size),
        _ => rows::build::rows(size),
    }
}

fn footer(options: &Options, rows: &[Row], core: usize, load_before: &str, all_cores: usize) -> String {
    let mut text = format!(
        "Machine: {}, {} cores, Linux {}. Load average before {load_before}, after {}. Built {} flags for this processor.\n",
        processor(),
        all_cores,
        first_line("/proc/sys/kernel/osrelease"),
        load(),
        // what matters to ciphers
        if cfg!(all(target_arch = "x86_64", target_feature = "avx2")) { "with" } else { "without" },
    );
    let _ = writeln!(
        text,
        "Medians of {} interleaved rounds ({} for the scattered ring, points, timers fired, build and pending handshakes, {} for \
         half-open peers) after one that does not count, on core {core} (build: on all); CPU time, but p50 is by the wall clock; \
         less is better. A ratio is the median of the rounds' ratios.",
        options.size.rounds,
        options.size.few_rounds(),
        rows::handshakes::crowd_rounds(&options.size),
    );
    text.push_str("Largest (max - min) / median of a row's contenders:");
    for row in rows {
        let _ = write!(text, " {} {:.0} %;", row.name, row.spread() * 100.0);
    }
    text.push_str(" do not believe in differences below that.");
    text
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn load() -> String {
    let text = first_line("/proc/loadavg");
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn first_line(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
