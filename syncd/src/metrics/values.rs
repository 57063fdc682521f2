//! From rows of the database to metrics.

use std::collections::BTreeMap;
use std::fmt::Error;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use serde::Deserialize;
use tokio_postgres::Row;

use super::labels::Text;

/// Name, help, and how the value is read.
type Gauge<T, V> = (&'static str, &'static str, fn(&T) -> V);

const HEALTHS: [&str; 7] = ["ok", "running", "failing", "stale", "blocked", "never_ran", "disabled"];

#[derive(Debug)]
pub struct Values {
    sources: Vec<Source>,
    runs: Vec<Runs>,
    run_buckets: Vec<f64>,
    waiting_runs: i64,
    lag_seconds: f64,
    webhooks: Vec<Webhook>,
}

#[derive(Debug)]
struct Source {
    name: Name,
    kind: String,
    health: String,
    last_success: Option<f64>,
    age: Option<f64>,
    next_run: Option<f64>,
    running: bool,
    failures: i64,
    quarantined: i64,
    dead_letters: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    source: String,
    iam: String,
}

#[derive(Debug)]
struct Runs {
    name: Name,
    mode: String,
    state: String,
    runs: i64,
    timed: i64,
    seconds: f64,
    buckets: Vec<i64>,
    rows: [(&'static str, i64); 5],
}

#[derive(Debug, Deserialize)]
struct Webhook {
    webhook: String,
    iam: String,
    pending: i64,
    failed: i64,
    lag_seconds: f64,
}

impl Values {
    pub fn of_rows(sources: &[Row], runs: &[Row], feed: &Row) -> Result<Self, tokio_postgres::Error> {
        let webhooks: serde_json::Value = feed.try_get("webhooks")?;
        Ok(Self {
            sources: sources.iter().map(Source::of_row).collect::<Result<_, _>>()?,
            runs: runs.iter().map(Runs::of_row).collect::<Result<_, _>>()?,
            run_buckets: feed.try_get("run_buckets")?,
            waiting_runs: feed.try_get("waiting_runs")?,
            lag_seconds: feed.try_get("lag_seconds")?,
            webhooks: serde_json::from_value(webhooks).unwrap_or_default(),
        })
    }
}

impl Name {
    fn of_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self { source: row.try_get("source")?, iam: row.try_get("iam")? })
    }

    fn labels(&self) -> Vec<(&'static str, Text)> {
        vec![("source", Text::from(self.source.as_str())), ("iam", Text::from(self.iam.as_str()))]
    }

    fn with(&self, more: &[(&'static str, &str)]) -> Vec<(&'static str, Text)> {
        let more = more.iter().map(|(name, value)| (*name, Text::from(*value)));
        self.labels().into_iter().chain(more).collect()
    }
}

impl Source {
    fn of_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            name: Name::of_row(row)?,
            kind: row.try_get("kind")?,
            health: row.try_get("health")?,
            last_success: row.try_get("last_success")?,
            age: row.try_get("age")?,
            next_run: row.try_get("next_run")?,
            running: row.try_get("running")?,
            failures: row.try_get("failures")?,
            quarantined: row.try_get("quarantined")?,
            dead_letters: row.try_get("dead_letters")?,
        })
    }
}

impl Runs {
    fn of_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let mut rows = [("read", 0), ("added", 0), ("changed", 0), ("removed", 0), ("quarantined", 0)];
        for (column, count) in &mut rows {
            *count = row.try_get(*column)?;
        }
        Ok(Self {
            name: Name::of_row(row)?,
            mode: row.try_get("mode")?,
            state: row.try_get("state")?,
            runs: row.try_get("runs")?,
            timed: row.try_get("timed")?,
            seconds: row.try_get("seconds")?,
            buckets: row.try_get("buckets")?,
            rows,
        })
    }

    fn is_applied(&self) -> bool {
        self.mode == "apply" && self.state == "succeeded"
    }
}

/// None: the database is away, and that is all there is to say.
pub fn encode(encoder: &mut DescriptorEncoder, values: Option<&Values>) -> Result<(), Error> {
    let help = "Whether the daemon could ask its database just now";
    let up = encoder.encode_descriptor("pg_roster_database_up", help, None, MetricType::Gauge)?;
    ConstGauge::new(u64::from(values.is_some())).encode(up)?;
    let Some(values) = values else { return Ok(()) };
    encode_sources(encoder, &values.sources)?;
    encode_runs(encoder, values)?;
    encode_feed(encoder, values)
}

fn encode_sources(encoder: &mut DescriptorEncoder, sources: &[Source]) -> Result<(), Error> {
    let help = "The health of a source: 1 for the state that it is in, 0 for the others";
    let mut health = encoder.encode_descriptor("pg_roster_source_health", help, None, MetricType::Gauge)?;
    for source in sources {
        for state in HEALTHS {
            let labels = source.name.with(&[("kind", source.kind.as_str()), ("state", state)]);
            health.encode_family(&labels)?.encode_gauge(&u32::from(source.health == state))?;
        }
    }
    let gauges: [Gauge<Source, Option<f64>>; 7] = [
        ("last_success_timestamp_seconds", "When a run or a request last succeeded", |s| s.last_success),
        ("age_seconds", "Seconds since a run or a request last succeeded", |s| s.age),
        ("next_run_timestamp_seconds", "When the schedule fires next", |s| s.next_run),
        ("running_runs", "Runs that are under way", |s| Some(f64::from(u8::from(s.running)))),
        ("failures", "Runs that failed since one did not", |s| Some(float(s.failures))),
        ("quarantined_entries", "Entries that cannot be taken", |s| Some(float(s.quarantined))),
        ("dead_letters", "Events that could not be taken", |s| Some(float(s.dead_letters))),
    ];
    for (name, help, value) in gauges {
        let name = format!("pg_roster_source_{name}");
        let mut gauge = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
        for source in sources {
            if let Some(value) = value(source) {
                gauge.encode_family(&source.name.labels())?.encode_gauge(&value)?;
            }
        }
    }
    Ok(())
}

fn encode_runs(encoder: &mut DescriptorEncoder, values: &Values) -> Result<(), Error> {
    let help = "Runs that ended, by what they came to";
    let mut runs = encoder.encode_descriptor("pg_roster_runs", help, None, MetricType::Counter)?;
    for total in &values.runs {
        let labels = total.name.with(&[("mode", total.mode.as_str()), ("state", total.state.as_str())]);
        runs.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, f64>(&count(total.runs), None)?;
    }
    let help = "Entries read and quarantined, and rows added, changed and removed, by runs that succeeded";
    let mut rows = encoder.encode_descriptor("pg_roster_run_rows", help, None, MetricType::Counter)?;
    for total in values.runs.iter().filter(|total| total.is_applied()) {
        for (what, rows_of_run) in &total.rows {
            let labels = total.name.with(&[("change", what)]);
            rows.encode_family(&labels)?
                .encode_counter::<NoLabelSet, u64, f64>(&count(*rows_of_run), None)?;
        }
    }
    encode_durations(encoder, values)
}

fn encode_durations(encoder: &mut DescriptorEncoder, values: &Values) -> Result<(), Error> {
    let mut by_source: BTreeMap<&Name, (f64, i64, Vec<i64>)> = BTreeMap::new();
    for total in &values.runs {
        let (seconds, timed, buckets) = by_source.entry(&total.name).or_default();
        *seconds += total.seconds;
        *timed += total.timed;
        buckets.resize(buckets.len().max(total.buckets.len()), 0);
        for (sum, runs) in buckets.iter_mut().zip(&total.buckets) {
            *sum += runs;
        }
    }
    let help = "How long runs took, whatever they came to";
    let mut histogram =
        encoder.encode_descriptor("pg_roster_run_duration_seconds", help, None, MetricType::Histogram)?;
    for (name, (seconds, timed, buckets)) in by_source {
        let limits = values.run_buckets.iter().copied().chain(std::iter::once(f64::MAX));
        let buckets: Vec<(f64, u64)> = limits.zip(buckets.into_iter().map(count)).collect();
        histogram.encode_family(&name.labels())?.encode_histogram::<NoLabelSet>(
            seconds,
            count(timed),
            &buckets,
            None,
        )?;
    }
    Ok(())
}

fn encode_feed(encoder: &mut DescriptorEncoder, values: &Values) -> Result<(), Error> {
    let help = "Runs whose changes have no number in the feed yet";
    let waiting = encoder.encode_descriptor("pg_roster_feed_waiting_runs", help, None, MetricType::Gauge)?;
    ConstGauge::new(values.waiting_runs).encode(waiting)?;
    let help = "Age of the oldest change that has no number in the feed yet";
    let lag = encoder.encode_descriptor("pg_roster_feed_lag_seconds", help, None, MetricType::Gauge)?;
    ConstGauge::new(values.lag_seconds).encode(lag)?;
    let gauges: [Gauge<Webhook, f64>; 3] = [
        ("pending_deliveries", "Changes that a webhook has still to deliver", |w| float(w.pending)),
        ("failed_deliveries", "Changes that a webhook gave up on", |w| float(w.failed)),
        ("lag_seconds", "Age of the oldest change that a webhook has still to deliver", |w| w.lag_seconds),
    ];
    for (name, help, value) in gauges {
        let name = format!("pg_roster_webhook_{name}");
        let mut gauge = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
        for webhook in &values.webhooks {
            let labels = [
                ("webhook", Text::from(webhook.webhook.as_str())),
                ("iam", Text::from(webhook.iam.as_str())),
            ];
            gauge.encode_family(&labels)?.encode_gauge(&value(webhook))?;
        }
    }
    Ok(())
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(count: i64) -> f64 {
    count as f64
}
