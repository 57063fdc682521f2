//! Cron rules without PostgreSQL, with the crate `croner` as a second opinion.

#[path = "../src/cron_rule/mod.rs"]
mod cron_rule;

use std::collections::BTreeSet;

use chrono::{DateTime, Offset, TimeDelta, TimeZone, Utc};
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

/// Rules of every form, each against every zone.
const RULES: [&str; 25] = [
    "0 * * * *",
    "30 * * * *",
    "5,35 * * * *",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
    "0 0 * * *",
    "30 2 * * *",
    "15 2,3 * * *",
    "0 1-3 * * *",
    "30 0-23/6 * * *",
    "10-50/20 2-4 * * *",
    "0 2 * * 0",
    "0 2 * * 7",
    "30 2 * * sun",
    "45 23 * * mon-fri",
    "0 12 * * TUE,thu,Sat",
    "0 0 1,15 * 5",
    "0 3 13 * fri",
    "30 1 1-7 mar-may *",
    "0 0 31 * *",
    "0 0 29 feb *",
    "59 23 28-31/3 jan,JUL,12 *",
];

/// Clocks that change by an hour or half of one, at midnight, in spring and autumn of either half of the world, or never.
const ZONES: [Tz; 9] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::America__Santiago,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Auckland,
    Tz::Africa__Cairo,
    Tz::Asia__Kolkata,
];

/// All firings of ten years.
fn walk(next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>) -> BTreeSet<DateTime<Utc>> {
    let (start, end) = (at("2024-01-01T00:00:00Z"), at("2034-01-01T00:00:00Z"));
    std::iter::successors(next(start), |&now| next(now)).take_while(|&now| now < end).collect()
}

/// croner takes a rule with several hours or minutes for one that follows the hands of the clock. cron(5) does so for a
/// star only: each time that is named runs once, right after the gap or at its first pass. They may differ where the
/// clock changes.
fn names_several_times(rule: &str) -> bool {
    let several = |field: &str| field.contains(['*', ',', '-']);
    let fields: Vec<&str> = rule.split_whitespace().collect();
    matches!(fields[..], [minute, hour, ..] if !hour.starts_with('*') && (several(hour) || several(minute)))
}

fn is_near_a_clock_change(at: DateTime<Utc>, zone: Tz) -> bool {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    offset(at - TimeDelta::hours(5)) != offset(at + TimeDelta::hours(5))
}

#[test]
fn every_firing_of_ten_years_is_that_of_croner() {
    for text in RULES {
        let rule = CronRule::parse(text).expect("a rule");
        let oracle: croner::Cron = text.parse().expect("a rule for the oracle");
        for zone in ZONES {
            let found = walk(|now| rule.next_after(now, zone));
            let expected = walk(|now| {
                oracle
                    .find_next_occurrence(&now.with_timezone(&zone), false)
                    .ok()
                    .map(|instant| instant.to_utc())
            });
            assert!(found.len() > 1, "{text} in {zone}");
            let mut differences: Vec<_> = found.symmetric_difference(&expected).collect();
            if names_several_times(text) {
                differences.retain(|&&instant| !is_near_a_clock_change(instant, zone));
            }
            assert!(differences.is_empty(), "{text} in {zone}: {differences:?}");
        }
    }
}

#[test]
fn several_hours_that_are_named_run_once_each_when_the_clock_changes() {
    let (spring, autumn) = ("2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z");
    for hours in ["1-3", "1,2,3", "1-3/1"] {
        let rule = format!("15 {hours} * * *");
        let found = firings(&rule, Tz::Europe__Berlin, spring, 4);
        assert_eq!(
            found,
            ["03-29 01:15+01:00", "03-29 03:00+02:00", "03-29 03:15+02:00", "03-30 01:15+02:00"],
            "{rule}"
        );
        let found = firings(&rule, Tz::Europe__Berlin, autumn, 4);
        assert_eq!(
            found,
            ["10-25 01:15+02:00", "10-25 02:15+02:00", "10-25 03:15+01:00", "10-26 01:15+01:00"],
            "{rule}"
        );
    }
    let by_the_hands = firings("15 */1 * * *", Tz::Europe__Berlin, "2026-10-24T23:30:00Z", 3);
    assert_eq!(by_the_hands, ["10-25 02:15+02:00", "10-25 02:15+01:00", "10-25 03:15+01:00"]);
}

#[test]
fn nicknames_stand_for_their_rules() {
    let pairs = [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@DAILY", "0 0 * * *"),
    ];
    for (nickname, rule) in pairs {
        for zone in ZONES {
            let firings = |rule| firings(rule, zone, "2026-03-01T00:00:00Z", 50);
            assert_eq!(firings(nickname), firings(rule), "{nickname} in {zone}");
        }
    }
}

/// A list of values, ranges, ranges with steps and (where there are some) names.
fn list(
    range: std::ops::RangeInclusive<u32>,
    names: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let (min, max) = (*range.start(), *range.end());
    let value = range.clone().prop_map(|value| value.to_string());
    let span = (range.clone(), range.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let step = (range.clone(), range, 1..=(max - min))
        .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b)));
    let part = if names.is_empty() {
        prop_oneof![3 => value, 1 => span, 1 => step].boxed()
    } else {
        prop_oneof![3 => value, 1 => span, 1 => step, 2 => select(names).prop_map(str::to_owned)].boxed()
    };
    let parts = proptest::collection::vec(part, 1..4);
    prop_oneof![Just("*".to_owned()), parts.prop_map(|parts| parts.join(","))]
}

const MONTHS: &[&str] = &["jan", "FEB", "mar", "Oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "MON", "wed", "Fri", "sat"];

/// Rules whose meaning is not open to opinion where the clock does not change: the oracle also lets a star in the minutes follow the hands.
fn rules() -> impl Strategy<Value = String> {
    (list(0..=59, &[]), list(0..=4, &[]), list(1..=31, &[]), list(1..=12, MONTHS), list(0..=7, WEEKDAYS))
        .prop_filter("a star in the minutes has one in the hours", |(minute, hour, ..)| {
            minute != "*" || hour == "*"
        })
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #[test]
    fn agrees_with_croner(
        rule in rules(),
        zone in select(&ZONES[..]),
        seconds in 0i64..10 * 365 * 86_400,
    ) {
        let after = at("2024-01-01T00:00:00Z") + TimeDelta::seconds(seconds);
        let oracle: croner::Cron = rule.parse().expect("a rule for the oracle");
        let expected = oracle.find_next_occurrence(&after.with_timezone(&zone), false).ok();
        let found = CronRule::parse(&rule).expect("a rule").next_after(after, zone);
        let expected = expected.map(|instant| instant.to_utc());
        let opinions = names_several_times(&rule)
            && [found, expected].iter().flatten().any(|&instant| is_near_a_clock_change(instant, zone));
        prop_assert!(found == expected || opinions, "{} in {}: {:?}, croner {:?}", rule, zone, found, expected);
    }

    #[test]
    fn never_panics_and_always_moves_on(rule in prop_oneof![rules(), "[0-9*,/\\-a-z@ ]{0,20}"], seconds in any::<i32>(), zone in select(&chrono_tz::TZ_VARIANTS[..])) {
        let after = DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::from(seconds));
        if let Ok(rule) = CronRule::parse(&rule) {
            prop_assert!(rule.next_after(after, zone).is_none_or(|next| next > after));
        }
    }
}
