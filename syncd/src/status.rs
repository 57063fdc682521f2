//! `syncd status`: sources, the last runs, and plans that wait for a decision.

use std::io::{self, Write, stdout};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::{Client, Row};

use crate::Outcome;
use crate::cli::StatusArgs;
use crate::database::DatabaseError;
use crate::output::{CommandError, brief, json, moment, or_dash, printable, table};
use crate::pipeline::Surroundings;

#[derive(Debug, Serialize)]
struct Status {
    sources: Vec<SourceStatus>,
    runs: Vec<RunStatus>,
    blocked: Vec<BlockedPlan>,
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
    last_error: Option<String>,
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
    release: String,
}

pub async fn status(around: &Surroundings, args: &StatusArgs) -> Result<Outcome, CommandError> {
    let session = around.database.connect().await?;
    let status = read(&session.client).await?;
    let mut out = stdout().lock();
    match args.json {
        true => json(&mut out, &status)?,
        false => print(&mut out, &status)?,
    }
    Ok(Outcome::Ok)
}

async fn read(client: &Client) -> Result<Status, DatabaseError> {
    Ok(Status {
        sources: rows(client, include_str!("../sql/status_sources.sql"), source_of).await?,
        runs: rows(client, include_str!("../sql/status_runs.sql"), run_of).await?,
        blocked: rows(client, include_str!("../sql/status_blocked.sql"), blocked_of).await?,
    })
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
        last_error: row.try_get("last_error")?,
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
        release: format!("SELECT roster.apply_run({run_id}, override_guard => true);"),
    })
}

fn print(out: &mut impl Write, status: &Status) -> io::Result<()> {
    print_sources(out, &status.sources)?;
    print_runs(out, &status.runs)?;
    for plan in &status.blocked {
        writeln!(
            out,
            "\nrun {} of {} is blocked by the guard and waits for a decision:",
            plan.run_id, plan.source
        )?;
        writeln!(out, "  {}", printable(or_dash(plan.message.as_deref())))?;
        writeln!(out, "  SELECT * FROM roster.sync_changes WHERE run_id = {};", plan.run_id)?;
        writeln!(out, "  {}", plan.release)?;
    }
    Ok(())
}

fn print_sources(out: &mut impl Write, sources: &[SourceStatus]) -> io::Result<()> {
    if sources.is_empty() {
        return writeln!(out, "no sources yet: see roster.create_source");
    }
    let mut rows =
        table(&["source", "iam", "kind", "health", "schedule", "next run", "last success", "last error"]);
    for source in sources {
        rows.add_row(vec![
            printable(&source.source),
            printable(&source.iam),
            source.kind.clone(),
            source.health.clone(),
            or_dash(source.schedule.as_deref()).to_owned(),
            moment(source.next_run_at),
            moment(source.last_success_at),
            brief(source.last_error.as_deref()),
        ]);
    }
    writeln!(out, "{rows}")
}

fn print_runs(out: &mut impl Write, runs: &[RunStatus]) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "no runs yet");
    }
    let mut rows = table(&["run", "source", "mode", "trigger", "state", "started", "+", "~", "-", "message"]);
    let count = |count: Option<i64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    for run in runs {
        rows.add_row(vec![
            run.run_id.to_string(),
            printable(&run.source),
            run.mode.clone(),
            run.trigger.clone(),
            run.state.clone(),
            moment(run.started_at),
            count(run.added),
            count(run.changed),
            count(run.removed),
            brief(run.message.as_deref()),
        ]);
    }
    writeln!(out, "{rows}")
}
