//! `syncd status`: sources, the last runs, plans that wait for a decision, and whether anything needs somebody.

mod attention;
mod print;
mod read;
mod words;

use std::io::stdout;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::cli::StatusArgs;
use crate::output::{CommandError, json};
use crate::pipeline::Surroundings;

#[derive(Debug, Serialize)]
struct Status {
    /// Nothing needs anybody.
    well: bool,
    attention: Vec<String>,
    sources: Vec<SourceStatus>,
    runs: Vec<RunStatus>,
    blocked: Vec<BlockedPlan>,
    feed: FeedStatus,
}

#[derive(Debug, Serialize)]
struct SourceStatus {
    source: String,
    iam: String,
    kind: String,
    health: String,
    enabled: bool,
    schedule: Option<String>,
    time_zone: Option<String>,
    next_run_at: Option<DateTime<Utc>>,
    last_run_id: Option<i64>,
    last_success_at: Option<DateTime<Utc>>,
    /// Since the last success.
    age_seconds: Option<f64>,
    last_error: Option<String>,
    running_run_id: Option<i64>,
    running_seconds: Option<f64>,
    /// Runs that failed since one did not.
    failures: i64,
    retry_at: Option<DateTime<Utc>>,
    /// Of the last run.
    read: Option<i64>,
    added: Option<i64>,
    changed: Option<i64>,
    removed: Option<i64>,
    /// At present.
    quarantined: i64,
    dead_letters: i64,
    stale_values: Option<i64>,
}

#[derive(Debug, Serialize)]
struct RunStatus {
    run_id: i64,
    source: String,
    mode: String,
    trigger: String,
    state: String,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    read: Option<i64>,
    added: Option<i64>,
    changed: Option<i64>,
    removed: Option<i64>,
    quarantined: Option<i64>,
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct BlockedPlan {
    run_id: i64,
    source: String,
    removed: Option<i64>,
    message: Option<String>,
    look: String,
    release: String,
}

#[derive(Debug, Serialize)]
struct FeedStatus {
    /// Runs whose changes have no number yet.
    waiting_runs: i64,
    lag_seconds: f64,
    webhooks: Vec<WebhookStatus>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WebhookStatus {
    webhook: String,
    iam: String,
    enabled: bool,
    pending: i64,
    failed: i64,
    lag_seconds: f64,
    last_error: Option<String>,
}

pub async fn status(around: &Surroundings, args: &StatusArgs) -> Result<Outcome, CommandError> {
    let session = around.database.connect().await?;
    let status = read::read(&session.client).await?;
    let mut out = stdout().lock();
    match args.json {
        true => json(&mut out, &status)?,
        false => print::print(&mut out, &status)?,
    }
    Ok(Outcome::Ok)
}
