//! "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to `wrong`, unless all are too far away to be what was meant.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        // The first of several equally near ones: the order of the source decides.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `` `A`, `B` or `C` ``
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [front @ .., end] => format!("{} {last} {end}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{list, nearest};

    #[test]
    fn the_nearest_name_is_suggested() {
        assert_eq!(nearest("PENDNG", ["INITIAL", "PENDING", "LISTENING"]), Some("PENDING"));
        assert_eq!(nearest("timeuot", ["defer", "timeout", "data"]), Some("timeout"));
        assert_eq!(nearest("UO", ["UP"]), Some("UP"));
    }

    #[test]
    fn a_name_that_resembles_none_gets_no_suggestion() {
        assert_eq!(nearest("CLOSING", ["INITIAL", "PENDING"]), None);
        assert_eq!(nearest("A", ["XYZ"]), None);
    }

    #[test]
    fn names_are_listed_as_people_write_them() {
        assert_eq!(list(["A"], "or"), "`A`");
        assert_eq!(list(["A", "B", "C"], "or"), "`A`, `B` or `C`");
    }
}
