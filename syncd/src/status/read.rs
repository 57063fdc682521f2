use tokio_postgres::{Client, Row};

use super::attention;
use super::{BlockedPlan, FeedStatus, RunStatus, SourceStatus, Status};
use crate::database::DatabaseError;

pub async fn read(client: &Client) -> Result<Status, DatabaseError> {
    let sources = rows(client, include_str!("../../sql/status_sources.sql"), source_of).await?;
    let runs = rows(client, include_str!("../../sql/status_runs.sql"), run_of).await?;
    let blocked = rows(client, include_str!("../../sql/status_blocked.sql"), blocked_of).await?;
    let feed = client.query_one(include_str!("../../sql/status_feed.sql"), &[]).await?;
    let feed = feed_of(&feed)?;
    let attention = attention::of(&sources, &feed);
    Ok(Status { well: attention.is_empty(), attention, sources, runs, blocked, feed })
}

async fn rows<T>(
    client: &Client,
    statement: &str,
    of_row: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Vec<T>, DatabaseError> {
    let rows = client.query(statement, &[]).await?;
    Ok(rows.iter().map(of_row).collect::<Result<_, _>>()?)
}

fn source_of(row: &Row) -> Result<SourceStatus, tokio_postgres::Error> {
    Ok(SourceStatus {
        source: row.try_get("source")?,
        iam: row.try_get("iam")?,
        kind: row.try_get("kind")?,
        health: row.try_get("health")?,
        enabled: row.try_get("enabled")?,
        schedule: row.try_get("schedule")?,
        time_zone: row.try_get("time_zone")?,
        next_run_at: row.try_get("next_run_at")?,
        last_run_id: row.try_get("last_run_id")?,
        last_success_at: row.try_get("last_success_at")?,
        age_seconds: row.try_get("age_seconds")?,
        last_error: row.try_get("last_error")?,
        running_run_id: row.try_get("running_run_id")?,
        running_seconds: row.try_get("running_seconds")?,
        failures: row.try_get("failures")?,
        retry_at: row.try_get("retry_at")?,
        read: row.try_get("read")?,
        added: row.try_get("added")?,
        changed: row.try_get("changed")?,
        removed: row.try_get("removed")?,
        quarantined: row.try_get("quarantined")?,
        dead_letters: row.try_get("dead_letters")?,
        stale_values: row.try_get("stale_values")?,
    })
}

fn run_of(row: &Row) -> Result<RunStatus, tokio_postgres::Error> {
    Ok(RunStatus {
        run_id: row.try_get("run_id")?,
        source: row.try_get("source")?,
        mode: row.try_get("mode")?,
        trigger: row.try_get("trigger")?,
        state: row.try_get("state")?,
        started_at: row.try_get("started_at")?,
        finished_at: row.try_get("finished_at")?,
        read: row.try_get("read")?,
        added: row.try_get("added")?,
        changed: row.try_get("changed")?,
        removed: row.try_get("removed")?,
        quarantined: row.try_get("quarantined")?,
        message: row.try_get("message")?,
    })
}

fn blocked_of(row: &Row) -> Result<BlockedPlan, tokio_postgres::Error> {
    let run_id: i64 = row.try_get("run_id")?;
    Ok(BlockedPlan {
        run_id,
        source: row.try_get("source")?,
        removed: row.try_get("removed")?,
        message: row.try_get("message")?,
        look: told(include_str!("../../sql/told_look.sql"), run_id),
        release: told(include_str!("../../sql/told_release.sql"), run_id),
    })
}

/// A statement for a person to run.
fn told(statement: &str, run_id: i64) -> String {
    statement.trim_end().replace("$1", &run_id.to_string())
}

fn feed_of(row: &Row) -> Result<FeedStatus, tokio_postgres::Error> {
    let webhooks: serde_json::Value = row.try_get("webhooks")?;
    Ok(FeedStatus {
        waiting_runs: row.try_get("waiting_runs")?,
        lag_seconds: row.try_get("lag_seconds")?,
        webhooks: serde_json::from_value(webhooks).unwrap_or_default(),
    })
}
