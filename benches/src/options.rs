//! The command line.

/// The groups of rows that `--rows` chooses from, in the order of the table.
pub(crate) const GROUPS: [&str; 11] = [
    "dispatch",
    "ping-pong",
    "ring",
    "fan-in",
    "points",
    "timers",
    "scattered",
    "build",
    "sealing",
    "requests",
    "handshakes",
];

/// Those of them that are about connections: a part of the table with columns of its own.
pub(crate) const CONNECTIONS: [&str; 3] = ["sealing", "requests", "handshakes"];

/// What is printed on `--help` and after a mistake.
pub(crate) const USAGE: &str = "\
usage: speed [--quick] [--rows NAME,NAME..] [--rounds N]
  --quick   a tenth of the work in 3 rounds and without `build`: a few seconds in all
  --rows    only these: dispatch, ping-pong, ring, fan-in, points, timers, scattered, build, sealing, requests, handshakes
  --rounds  the figures are medians of so many rounds (15)";

/// How much work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// A tenth of the work.
    pub(crate) quick: bool,
    /// Rounds of a row whose samples take well under a second.
    pub(crate) rounds: usize,
}

impl Size {
    /// `full`, or a tenth of it.
    pub(crate) fn of(&self, full: usize) -> usize {
        if self.quick { full / 10 } else { full }
    }

    /// Rounds of a row whose samples take seconds.
    pub(crate) fn few_rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds.min(5) }
    }
}

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// How much work.
    pub(crate) size: Size,
    /// The groups of rows.
    pub(crate) groups: Vec<&'static str>,
}

/// Reads the arguments after the program's name; `Err` is for the user to read.
pub(crate) fn parse(arguments: &[String]) -> Result<Options, String> {
    let (mut quick, mut rounds, mut chosen) = (false, None, None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--rows" => chosen = Some(groups(arguments.next())?),
            "--rounds" => rounds = Some(number(arguments.next())?),
            // `cargo bench` and `cargo run` habits
            "--bench" => {}
            other => return Err(format!("expected --quick, --rows or --rounds, got {other}")),
        }
    }
    let all = || GROUPS.into_iter().filter(|group| !quick || *group != "build").collect();
    Ok(Options {
        size: Size { quick, rounds: rounds.unwrap_or(if quick { 3 } else { 15 }) },
        groups: chosen.unwrap_or_else(all),
    })
}

fn groups(names: Option<&String>) -> Result<Vec<&'static str>, String> {
    let names = names.ok_or("--rows wants names, as in --rows ring,fan-in")?;
    let mut chosen = Vec::new();
    for name in names.split(',') {
        let group = GROUPS.into_iter().find(|group| *group == name);
        let known = || format!("expected rows of {}, got {name}", GROUPS.join(", "));
        chosen.push(group.ok_or_else(known)?);
    }
    chosen.sort_by_key(|name| GROUPS.iter().position(|group| group == name));
    chosen.dedup();
    Ok(chosen)
}

fn number(text: Option<&String>) -> Result<usize, String> {
    text.and_then(|text| text.parse().ok())
        .filter(|rounds| *rounds > 0)
        .ok_or_else(|| "--rounds wants a number from 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&arguments)
    }

    #[test]
    fn without_arguments_all_rows_are_measured_in_full() {
        let options = parsed("").unwrap();
        assert_eq!(options.groups, GROUPS);
        assert_eq!((options.size.of(1_000), options.size.rounds), (1_000, 15));
    }

    #[test]
    fn a_quick_run_leaves_out_the_builds_unless_they_are_asked_for() {
        assert!(!parsed("--quick").unwrap().groups.contains(&"build"));
        assert_eq!(parsed("--quick --rows build").unwrap().groups, ["build"]);
    }

    #[test]
    fn chosen_rows_stand_in_the_order_of_the_table() {
        assert_eq!(parsed("--rows ring,dispatch").unwrap().groups, ["dispatch", "ring"]);
    }

    #[test]
    fn a_mistake_is_answered_with_what_was_expected() {
        assert!(parsed("--rows rings").unwrap_err().contains("got rings"));
        assert!(parsed("--fast").unwrap_err().contains("--quick"));
        assert!(parsed("--rounds 0").is_err());
    }
}
