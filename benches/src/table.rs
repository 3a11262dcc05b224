//! The one table.

use std::fmt;

use crate::measure::{Column, Samples};

/// A line of the table: what the contenders needed for one unit of the same work.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Its name, as in `--rows` with a word more.
    pub(crate) name: &'static str,
    /// What the figures count; always less is better.
    pub(crate) unit: &'static str,
    /// The contenders that apply.
    pub(crate) samples: Vec<(Column, Samples)>,
    /// What is to be reached.
    pub(crate) checks: Vec<Check>,
}

/// A target of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// Ours may be at most `factor` times this column.
    AtMost { column: Column, factor: f64 },
    /// Ours must be at least `factor` times as fast as this column; `aim` is hoped for.
    TimesAsFast { column: Column, factor: f64, aim: Option<f64> },
    /// Ours may be at most so many units; `aim` is hoped for.
    Below { most: f64, aim: Option<f64> },
}

impl Row {
    fn samples(&self, wanted: Column) -> Option<&Samples> {
        self.samples.iter().find(|(column, _)| *column == wanted).map(|(_, samples)| samples)
    }

    fn median(&self, column: Column) -> Option<f64> {
        self.samples(column).map(Samples::median)
    }

    /// How many times what `second` needs `first` needs.
    fn ratio(&self, first: Column, second: Column) -> Option<f64> {
        Some(self.samples(first)?.ratio_to(self.samples(second)?))
    }

    /// The largest spread among the contenders.
    pub(crate) fn spread(&self) -> f64 {
        self.samples.iter().map(|(_, samples)| samples.spread()).fold(0.0, f64::max)
    }

    fn judge(&self, check: Check) -> [String; 3] {
        let ours = self.median(Column::Ours);
        let (ratio, target, met) = match check {
            Check::AtMost { column, factor } => {
                let ratio = self.ratio(Column::Ours, column);
                (
                    ratio.map(|ratio| format!("{ratio:.2} x {}", column.title())),
                    format!("<= {factor}"),
                    ratio.map(|ratio| ratio <= factor),
                )
            }
            Check::TimesAsFast { column, factor, aim } => {
                let ratio = self.ratio(column, Column::Ours);
                (
                    ratio.map(|ratio| format!("{ratio:.2} x as fast as {}", column.title())),
                    format!(">= {factor}{}", hoped_for(aim)),
                    ratio.map(|ratio| ratio >= factor),
                )
            }
            Check::Below { most, aim } => {
                (ours.map(figure), format!("<= {most}{}", hoped_for(aim)), ours.map(|ours| ours <= most))
            }
        };
        let met = met.map(|met| if met { "yes" } else { "NO" });
        [ratio.unwrap_or_default(), target, met.unwrap_or_default().to_owned()]
    }

    fn lines(&self, columns: &[Column]) -> Vec<Vec<String>> {
        let mut first = vec![format!("{}, {}", self.name, self.unit)];
        first.extend(columns.iter().map(|column| self.median(*column).map_or_else(String::new, figure)));
        let mut judged = self.checks.iter().map(|check| self.judge(*check));
        first.extend(judged.next().unwrap_or_default());
        let mut lines = vec![first];
        for more in judged {
            let mut line = vec![String::new(); 1 + columns.len()];
            line.extend(more);
            lines.push(line);
        }
        lines
    }
}

fn hoped_for(aim: Option<f64>) -> String {
    aim.map_or_else(String::new, |aim| format!(" (aim {aim})"))
}

/// Three digits that count.
fn figure(value: f64) -> String {
    match value.abs() {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// All rows, as Markdown that is aligned for the terminal too. Each part has the columns that its rows fill: who is
/// measured on one question has nothing to say to the other.
#[derive(Debug)]
pub(crate) struct Table<'a>(pub(crate) &'a [Vec<Row>]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.iter().filter(|rows| !rows.is_empty());
        parts.next().map_or(Ok(()), |rows| write_part(f, rows))?;
        parts.try_for_each(|rows| {
            writeln!(f)?;
            write_part(f, rows)
        })
    }
}

fn write_part(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let is_filled = |column: &Column| rows.iter().any(|row| row.samples(*column).is_some());
    let columns: Vec<Column> = Column::ALL.into_iter().filter(is_filled).collect();
    let mut lines = vec![vec!["row".to_owned()]];
    lines[0].extend(columns.iter().map(|column| column.title().to_owned()));
    lines[0].extend(["ratio", "target", "met"].map(str::to_owned));
    for row in rows {
        lines.extend(row.lines(&columns));
    }
    let widths: Vec<usize> =
        (0..lines[0].len()).map(|i| lines.iter().map(|line| line[i].len()).max().unwrap_or(0)).collect();
    for (number, line) in lines.iter().enumerate() {
        for (i, (cell, width)) in line.iter().zip(&widths).enumerate() {
            if (1..=columns.len()).contains(&i) {
                write!(f, "| {cell:>width$} ")?;
            } else {
                write!(f, "| {cell:width$} ")?;
            }
        }
        writeln!(f, "|")?;
        if number == 0 {
            for (i, width) in widths.iter().enumerate() {
                let right = (1..=columns.len()).contains(&i);
                let colon = if right { ":" } else { "-" };
                write!(f, "|{}{colon}", "-".repeat(width + 1))?;
            }
            writeln!(f, "|")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, mpsc: f64, check: Check) -> Row {
        Row {
            name: "ring",
            unit: "ns",
            samples: vec![(Column::Ours, Samples::new(vec![ours])), (Column::Mpsc, Samples::new(vec![mpsc]))],
            checks: vec![check],
        }
    }

    #[test]
    fn a_target_of_speed_counts_how_many_times_as_fast_we_are() {
        let check = Check::TimesAsFast { column: Column::Mpsc, factor: 1.5, aim: Some(2.5) };
        let fast = row(20.0, 40.0, check).judge(check);
        assert_eq!(fast, ["2.00 x as fast as tokio mpsc", ">= 1.5 (aim 2.5)", "yes"]);
        let slow = row(30.0, 40.0, check).judge(check);
        assert_eq!(slow, ["1.33 x as fast as tokio mpsc", ">= 1.5 (aim 2.5)", "NO"]);
    }

    #[test]
    fn a_target_of_cost_counts_how_many_times_the_other_we_need() {
        let check = Check::AtMost { column: Column::Mpsc, factor: 1.5 };
        assert_eq!(row(30.0, 20.0, check).judge(check), ["1.50 x tokio mpsc", "<= 1.5", "yes"]);
        assert_eq!(row(31.0, 20.0, check).judge(check)[2], "NO");
    }

    #[test]
    fn a_second_target_stands_in_a_line_of_its_own() {
        let mut row = row(70.0, 1500.0, Check::Below { most: 72.0, aim: None });
        row.checks.push(Check::Below { most: 60.0, aim: Some(50.0) });
        let text = Table(&[vec![row]]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].contains("ring, ns") && lines[2].contains("yes"));
        assert!(!lines[3].contains("ring") && lines[3].contains("<= 60 (aim 50) | NO"));
    }

    #[test]
    fn a_part_has_the_columns_that_its_rows_fill() {
        let check = Check::Below { most: 1.0, aim: None };
        let clear = Row { samples: vec![(Column::Clear, Samples::new(vec![1.0]))], ..row(1.0, 1.0, check) };
        let text = Table(&[Vec::new(), vec![row(1.0, 2.0, check)], vec![clear]]).to_string();
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("| row")).collect();
        assert_eq!(heads.len(), 2, "an empty part is left out");
        assert!(heads[0].contains("tokio mpsc") && !heads[0].contains("clear"));
        assert!(heads[1].contains("clear") && !heads[1].contains("tokio mpsc"));
    }
}
