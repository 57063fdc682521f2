//! Times and counts as people say them.

use chrono::{DateTime, Utc};

const UNITS: [(f64, &str); 4] = [(86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second")];

/// `3 minutes ago`
pub fn ago(seconds: f64) -> String {
    if seconds < 1.0 { "just now".to_owned() } else { format!("{} ago", span(seconds)) }
}

/// `in 12 minutes`, or `due` when it is past.
pub fn ahead(time: DateTime<Utc>) -> String {
    let milliseconds = (time - Utc::now()).num_milliseconds();
    match u32::try_from(milliseconds / 1000) {
        Ok(seconds @ 1..) => format!("in {}", span(f64::from(seconds))),
        _ => "due".to_owned(),
    }
}

/// `3 minutes`: in the largest unit that fits, rounded down.
pub fn span(seconds: f64) -> String {
    let (size, name) = UNITS.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1.0, "second"));
    let count = (seconds / size).floor();
    let plural = if count == 1.0 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_unit() {
        for (seconds, told) in [
            (0.2, "just now"),
            (1.0, "1 second ago"),
            (59.9, "59 seconds ago"),
            (60.0, "1 minute ago"),
            (7_300.0, "2 hours ago"),
            (200_000.0, "2 days ago"),
        ] {
            assert_eq!(ago(seconds), told);
        }
    }

    #[test]
    fn what_lies_ahead_is_told_and_what_is_past_is_due() {
        assert_eq!(ahead(Utc::now() - chrono::Duration::minutes(1)), "due");
        assert_eq!(ahead(Utc::now() + chrono::Duration::seconds(7_300)), "in 2 hours");
    }
}
