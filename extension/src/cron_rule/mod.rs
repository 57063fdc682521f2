//! cron(5) rules: when a schedule fires next, on a wall clock that is sometimes changed.
//!
//! The crate `cron` matches, on a clock without changes; this module translates the rule into its dialect
//! and decides what a change of the clock means:
//!
//! - A rule with fixed hours fires once for each time it names: right after the gap when the clock skipped
//!   that time, at its first occurrence when the clock repeats it.
//! - A rule whose hour field starts with `*` follows the hands of the clock: nothing to catch up after a gap,
//!   and the repeated hour gets its runs too, so that an hourly rule never pauses for two hours.

mod fields;

use chrono::{DateTime, Datelike, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use cron::Schedule;

pub use fields::RuleError;
use fields::{DAY, Fields, HOUR, MINUTE, MONTH, WEEKDAY};

/// No time zone has skipped more than a day.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;

/// Where the crate `cron` ends. Beyond it lie dates that chrono cannot put into every time zone.
const LAST_YEAR: i32 = 2100;

/// A parsed cron(5) rule.
#[derive(Debug)]
pub struct CronRule {
    /// Two of them when day of month and weekday are both restricted: either may match.
    matchers: Vec<Schedule>,
    every_hour: bool,
}

impl CronRule {
    pub fn parse(rule: &str) -> Result<Self, RuleError> {
        let fields = Fields::parse(rule)?;
        let matchers = dialect(&fields).iter().map(|text| matcher(text, rule)).collect::<Result<_, _>>()?;
        Ok(Self { matchers, every_hour: fields.hour.starts_with_star })
    }

    /// The first firing strictly after `after`; None when the rule never fires again (30 February).
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        if after.year() > LAST_YEAR {
            return None;
        }
        let after = after.max(DateTime::UNIX_EPOCH);
        if self.every_hour { self.next_by_the_hands(after, zone) } else { self.next_named_time(after, zone) }
    }

    fn next_named_time(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let first = self.next_match(wall_clock(after, zone));
        std::iter::successors(first, |&time| self.next_match(time))
            .map_while(|time| first_instant(time, zone))
            .find(|&instant| instant > after)
    }

    /// Searches on the present clock; when the clock is changed before the match, searches again from the change.
    fn next_by_the_hands(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let (mut now, mut wall) = (after, wall_clock(after, zone));
        loop {
            let offset = offset_seconds(now, zone);
            let fires = (self.next_match(wall)? - TimeDelta::seconds(offset)).and_utc();
            if offset_seconds(fires, zone) == offset {
                return Some(fires);
            }
            now = clock_change(now, fires, zone);
            wall = wall_clock(now, zone) - TimeDelta::seconds(1);
        }
    }

    /// The next match on a clock that is never changed.
    fn next_match(&self, time: NaiveDateTime) -> Option<NaiveDateTime> {
        let steady = time.and_utc();
        self.matchers
            .iter()
            .filter_map(|matcher| matcher.after(&steady).next())
            .min()
            .map(|at| at.naive_utc())
    }
}

/// The rule in the dialect of the crate `cron`: a field for seconds, weekdays by name (its 1 is Sunday).
fn dialect(fields: &Fields) -> Vec<String> {
    let [minute, hour] = [fields.minute.render(&MINUTE), fields.hour.render(&HOUR)];
    let [day, month] = [fields.day.render(&DAY), fields.month.render(&MONTH)];
    let weekday = fields.weekday.render(&WEEKDAY);
    if fields.day.starts_with_star || fields.weekday.starts_with_star {
        return vec![format!("0 {minute} {hour} {day} {month} {weekday}")];
    }
    vec![format!("0 {minute} {hour} {day} {month} *"), format!("0 {minute} {hour} * {month} {weekday}")]
}

fn matcher(text: &str, rule: &str) -> Result<Schedule, RuleError> {
    text.parse().map_err(|_| RuleError::Unsupported { rule: rule.to_owned() })
}

fn wall_clock(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

fn offset_seconds(at: DateTime<Utc>, zone: Tz) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc())
}

/// When the clock shows `time` for the first time; for a time that it skips, the first moment after the gap.
fn first_instant(time: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    (0..=LONGEST_GAP_MINUTES)
        .find_map(|minutes| zone.from_local_datetime(&(time + TimeDelta::minutes(minutes))).earliest())
        .map(|instant| instant.to_utc())
}

/// The first second between `before` and `after`, which lie on different sides of a clock change, of the new offset.
fn clock_change(before: DateTime<Utc>, after: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let offset = offset_seconds(before, zone);
    let (mut old, mut new) = (before.timestamp(), after.timestamp());
    while new - old > 1 {
        let middle = old + (new - old) / 2;
        let same = DateTime::from_timestamp(middle, 0).is_some_and(|at| offset_seconds(at, zone) == offset);
        if same { old = middle } else { new = middle }
    }
    DateTime::from_timestamp(new, 0).unwrap_or(after)
}
