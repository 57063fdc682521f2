//! `cron_next`: a cron rule in a time zone, on PostgreSQL's clock.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::cron_rule::CronRule;

/// Microseconds from chrono's epoch (1970) to PostgreSQL's (2000).
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

#[pg_extern(sql = false, stable, strict, parallel_safe)]
fn cron_next(schedule: &str, time_zone: &str, after: TimestampWithTimeZone) -> Option<TimestampWithTimeZone> {
    let rule = CronRule::parse(schedule).unwrap_or_else(|error| refuse(error.to_string(), error.hint()));
    let zone = time_zone.parse::<Tz>().unwrap_or_else(|_| refuse_zone(time_zone));
    to_postgres(rule.next_after(from_postgres(after)?, zone)?)
}

/// None for `infinity`, `-infinity` and the far ends of PostgreSQL's calendar, where no rule fires.
fn from_postgres(at: TimestampWithTimeZone) -> Option<DateTime<Utc>> {
    let micros: i64 = at.into();
    DateTime::from_timestamp_micros(micros.checked_add(POSTGRES_EPOCH_MICROS)?)
}

fn to_postgres(at: DateTime<Utc>) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(at.timestamp_micros() - POSTGRES_EPOCH_MICROS).ok()
}

fn refuse_zone(time_zone: &str) -> ! {
    refuse(
        format!("time_zone: {time_zone:?} is not a known time zone"),
        "Use UTC or a name such as Europe/Berlin, in this spelling.".to_owned(),
    )
}

fn refuse(message: String, hint: String) -> ! {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, "cron_next")
        .set_hint(hint)
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR report does not return")
}
