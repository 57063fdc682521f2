//! Cron rules without PostgreSQL, with the crate `croner` as a second opinion.

#[path = "../src/cron_rule/mod.rs"]
mod cron_rule;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use cron_rule::CronRule;
use proptest::prelude::*;
use proptest::sample::select;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

/// The next firings on the wall clock of `zone`, offset included.
fn firings(rule: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
    let rule = CronRule::parse(rule).expect("a rule");
    let next = |after: DateTime<Utc>| rule.next_after(after, zone);
    let instants = std::iter::successors(next(at(after)), |&instant| next(instant)).take(count);
    instants.map(|instant| instant.with_timezone(&zone).format("%m-%d %H:%M%:z").to_string()).collect()
}

fn refusal(rule: &str) -> (String, String) {
    let error = CronRule::parse(rule).expect_err("a refusal");
    (error.to_string(), error.hint())
}

#[test]
fn a_time_in_the_gap_runs_right_after_it_and_once() {
    let found = firings("*/20 2 * * *", Tz::Europe__Berlin, "2026-03-28T12:00:00Z", 2);
    assert_eq!(found, ["03-29 03:00+02:00", "03-30 02:00+02:00"]);
}

#[test]
fn a_repeated_time_runs_once() {
    let found = firings("30 2 * * *", Tz::Europe__Berlin, "2026-10-24T12:00:00Z", 2);
    assert_eq!(found, ["10-25 02:30+02:00", "10-26 02:30+01:00"]);
    let second_pass = firings("30 2 * * *", Tz::Europe__Berlin, "2026-10-25T01:10:00Z", 1);
    assert_eq!(second_pass, ["10-26 02:30+01:00"]);
}

#[test]
fn an_hourly_rule_runs_every_hour() {
    let autumn = firings("0 * * * *", Tz::Europe__Berlin, "2026-10-24T23:30:00Z", 4);
    assert_eq!(autumn, ["10-25 02:00+02:00", "10-25 02:00+01:00", "10-25 03:00+01:00", "10-25 04:00+01:00"]);
    let spring = firings("30 * * * *", Tz::Europe__Berlin, "2026-03-29T00:00:00Z", 3);
    assert_eq!(spring, ["03-29 01:30+01:00", "03-29 03:30+02:00", "03-29 04:30+02:00"]);
}

#[test]
fn a_skipped_day_runs_at_the_start_of_the_next() {
    let found = firings("0 12 30 12 *", Tz::Pacific__Apia, "2011-12-01T00:00:00Z", 1);
    assert_eq!(found, ["12-31 00:00+14:00"]);
}

#[test]
fn sunday_is_0_and_7_and_a_name() {
    let after = "2026-01-01T00:00:00Z";
    for rule in ["0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * SUN", "@weekly"] {
        assert_eq!(firings(rule, Tz::UTC, after, 2), ["01-04 00:00+00:00", "01-11 00:00+00:00"], "{rule}");
    }
    let weekend = ["01-02 00:00+00:00", "01-03 00:00+00:00", "01-04 00:00+00:00", "01-09 00:00+00:00"];
    assert_eq!(firings("0 0 * * 5-7", Tz::UTC, after, 4), weekend);
    assert_eq!(firings("0 0 * * fri-sun", Tz::UTC, after, 4), weekend);
}

#[test]
fn restricted_day_and_weekday_are_alternatives_and_a_star_step_is_no_restriction() {
    let either = firings("0 0 13 * fri", Tz::UTC, "2026-01-08T12:00:00Z", 3);
    assert_eq!(either, ["01-09 00:00+00:00", "01-13 00:00+00:00", "01-16 00:00+00:00"]);
    let both = firings("0 0 */2 * mon", Tz::UTC, "2026-01-01T12:00:00Z", 2);
    assert_eq!(both, ["01-05 00:00+00:00", "01-19 00:00+00:00"]);
}

#[test]
fn months_have_names_and_a_leap_day_waits() {
    assert_eq!(
        firings("0 0 1 feb,DEC *", Tz::UTC, "2026-01-01T00:00:00Z", 2),
        ["02-01 00:00+00:00", "12-01 00:00+00:00"]
    );
    assert_eq!(
        CronRule::parse("0 0 29 2 *").unwrap().next_after(at("2026-01-01T00:00:00Z"), Tz::UTC),
        Some(at("2028-02-29T00:00:00Z"))
    );
}

#[test]
fn a_day_that_does_not_exist_never_fires() {
    assert!(firings("0 0 30 2 *", Tz::UTC, "2026-01-01T00:00:00Z", 1).is_empty());
}

#[test]
fn the_ends_of_the_calendar_are_harmless() {
    let rule = CronRule::parse("* * * * *").unwrap();
    assert_eq!(rule.next_after(DateTime::<Utc>::MAX_UTC, Tz::Pacific__Apia), None);
    assert!(rule.next_after(DateTime::<Utc>::MIN_UTC, Tz::Pacific__Apia).is_some());
}

#[test]
fn a_refusal_names_the_field_and_what_is_allowed() {
    let (message, hint) = refusal("0 24 * * *");
    assert_eq!(message, r#"schedule: "24" is not allowed in the field "hour""#);
    assert!(hint.contains("0 to 23"), "{hint}");
    assert!(refusal("@reboot").1.contains("@hourly"));
    assert_eq!(refusal("0 0 * * * *").0, r#"schedule: a cron rule has five fields, "0 0 * * * *" has 6"#);
}

#[test]
fn what_is_not_cron_is_refused() {
    for field in [
        "60", "-1", "+1", "5-1", "1-", "-", "*/0", "5/15", "1,,2", ",", "1-2-3", "*/", "**", "?", "L", "x",
        "٣",
    ] {
        assert!(CronRule::parse(&format!("{field} * * * *")).is_err(), "{field}");
    }
    for rule in ["", "* * * *", "0 0 0 * *", "0 0 * 13 *", "0 0 * * 8", "0 0 * mon *", "@"] {
        assert!(CronRule::parse(rule).is_err(), "{rule}");
    }
}

fn list(range: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = String> {
    let values = proptest::collection::vec(range.prop_map(|value| value.to_string()), 1..4);
    prop_oneof![Just("*".to_owned()), values.prop_map(|values| values.join(","))]
}

/// Rules whose meaning is not open to opinion: the oracle also lets a star in the minutes follow the hands.
fn rules() -> impl Strategy<Value = String> {
    (list(0..=59), list(0..=4), list(1..=31), list(1..=12), list(0..=7))
        .prop_filter("a star in the minutes has one in the hours", |(minute, hour, ..)| {
            minute != "*" || hour == "*"
        })
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #[test]
    fn agrees_with_croner(
        rule in rules(),
        zone in select(vec![Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Asia__Kolkata]),
        seconds in 0i64..4 * 365 * 86_400,
    ) {
        let after = at("2024-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
        let oracle: croner::Cron = rule.parse().expect("a rule for the oracle");
        let expected = oracle.find_next_occurrence(&after.with_timezone(&zone), false).ok();
        let found = CronRule::parse(&rule).expect("a rule").next_after(after, zone);
        prop_assert_eq!(found, expected.map(|instant| instant.to_utc()), "{} in {}", rule, zone);
    }

    #[test]
    fn never_panics_and_always_moves_on(rule in prop_oneof![rules(), "[0-9*,/\\-a-z@ ]{0,20}"], seconds in any::<i32>(), zone in select(&chrono_tz::TZ_VARIANTS[..])) {
        let after = DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::from(seconds));
        if let Ok(rule) = CronRule::parse(&rule) {
            prop_assert!(rule.next_after(after, zone).is_none_or(|next| next > after));
        }
    }
}
