//! Spans of time in a header: `"5s"`, `"250ms"`, `"1m30s"`.

use core::time::Duration;

/// The units, largest first, in nanoseconds.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads one or more whole numbers, each with its unit, larger units first.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{text}` is not a time: write whole numbers with units h, m, s, ms, us or ns, as in \"5s\" or \"1m30s\""
        )
    };
    let mut total: u128 = 0;
    let mut smallest = UNITS.len();
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number: u128 = number.parse().map_err(|_| wrong())?;
        let place = UNITS.iter().rposition(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let (_, nanoseconds) = UNITS.get(place).ok_or_else(wrong)?;
        if smallest != UNITS.len() && place <= smallest {
            return Err(format!("`{text}` is not a time: larger units come first and each only once, as in \"1m30s\""));
        }
        smallest = place;
        total = number.checked_mul(*nanoseconds).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = tail;
    }
    if total == 0 {
        return Err(
            "a timeout of zero would fire at once: write a time above zero, as in \"5s\", or leave it out".into()
        );
    }
    match u64::try_from(total) {
        Ok(nanoseconds) => Ok(Duration::from_nanos(nanoseconds)),
        Err(_) => Err(format!("`{text}` is longer than 584 years, which is all that a timer can count")),
    }
}

#[cfg(test)]
mod tests {
    use super::period;
    use core::time::Duration;

    #[test]
    fn every_unit_is_read() {
        let read = |text| period(text).map(|time| time.as_nanos());
        assert_eq!(read("7ns"), Ok(7));
        assert_eq!(read("7us"), Ok(7_000));
        assert_eq!(read("7ms"), Ok(7_000_000));
        assert_eq!(read("7s"), Ok(7_000_000_000));
        assert_eq!(read("7m"), Ok(420_000_000_000));
        assert_eq!(read("7h"), Ok(25_200_000_000_000));
    }

    #[test]
    fn units_can_be_added_up() {
        assert_eq!(period("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(period("1h1ns"), Ok(Duration::new(3_600, 1)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "5", "s", "5 s", "5sec", "1.5s", "-5s", "30s1m", "1s1s", "5S"] {
            assert!(period(text).is_err(), "{text}");
        }
    }

    #[test]
    fn zero_and_more_than_a_timer_can_count_are_refused() {
        assert!(period("0s").is_err_and(|text| text.contains("zero")));
        assert!(period("0m0ns").is_err_and(|text| text.contains("zero")));
        assert!(period("6000000h").is_err_and(|text| text.contains("584")));
        assert!(period("340282366920938463463374607431768211456s").is_err());
        assert!(period("340282366920938463463374607431768211455h").is_err());
    }
}
