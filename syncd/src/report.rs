//! How the end of a run is told.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::Client;

use crate::apply::RunReport;
use crate::database::DatabaseError;
use crate::output::{CommandError, json, or_dash, printable, table};
use crate::plan::{Change, Counts};

pub fn print_report(out: &mut impl Write, report: &RunReport, took: Duration) -> io::Result<()> {
    let mut rows =
        table(&["source", "run", "state", "read", "added", "changed", "removed", "quarantined", "seconds"]);
    rows.add_row(vec![
        report.source.clone(),
        report.run_id.to_string(),
        report.state.clone(),
        report.read.to_string(),
        report.added.to_string(),
        report.changed.to_string(),
        report.removed.to_string(),
        report.quarantined.to_string(),
        format!("{:.1}", took.as_secs_f64()),
    ]);
    writeln!(out, "{rows}")?;
    if !report.is_blocked()
        && let Some(message) = &report.message
    {
        writeln!(out, "{}", printable(message))?;
    }
    print_quarantine_hint(out, report)
}

/// The difference, a line each, as it arrives from the database.
pub async fn print_plan(
    out: &mut (impl Write + Send),
    client: &Client,
    report: &RunReport,
) -> Result<(), CommandError> {
    let mut counts = Counts::default();
    let rows = changes(client, report.run_id).await?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await.map_err(DatabaseError::from)? {
        let change = Change::from_row(&row).map_err(DatabaseError::from)?;
        counts.count(&change);
        writeln!(out, "{}", change.line())?;
    }
    print_plan_end(out, report, &counts)?;
    Ok(())
}

/// The same as one document, as it arrives from the database.
pub async fn print_plan_json(
    out: &mut (impl Write + Send),
    client: &Client,
    report: &RunReport,
) -> Result<(), CommandError> {
    let mut counts = Counts::default();
    write!(out, "{{\"run\": ")?;
    serde_json::to_writer(&mut *out, report).map_err(io::Error::from)?;
    write!(out, ",\n\"changes\": [")?;
    let rows = changes(client, report.run_id).await?;
    let mut rows = std::pin::pin!(rows);
    let mut separator = "\n";
    while let Some(row) = rows.try_next().await.map_err(DatabaseError::from)? {
        let change = Change::from_row(&row).map_err(DatabaseError::from)?;
        counts.count(&change);
        write!(out, "{separator}")?;
        serde_json::to_writer(&mut *out, &change).map_err(io::Error::from)?;
        separator = ",\n";
    }
    write!(out, "],\n\"counts\": ")?;
    serde_json::to_writer(&mut *out, &counts).map_err(io::Error::from)?;
    writeln!(out, "}}")?;
    Ok(())
}

pub fn print_report_json(out: &mut impl Write, report: &RunReport) -> io::Result<()> {
    json(out, report)
}

/// What was blocked, by which limits, and what to do about it.
pub fn blocked_message(report: &RunReport) -> String {
    let id = report.run_id;
    let look = match report.is_plan() {
        true => String::new(),
        false => format!("  SELECT * FROM roster.sync_changes WHERE run_id = {id};  -- look at it\n"),
    };
    format!(
        "blocked by the guard: {}\nnothing was written. If these removals are right, let exactly this plan through:\n\
         {look}  SELECT roster.apply_run({id}, override_guard => true);",
        printable(or_dash(report.message.as_deref())),
    )
}

async fn changes(client: &Client, run_id: i64) -> Result<tokio_postgres::RowStream, DatabaseError> {
    Ok(client.query_raw(include_str!("../sql/run_changes.sql"), [run_id]).await?)
}

fn print_plan_end(out: &mut impl Write, report: &RunReport, counts: &Counts) -> io::Result<()> {
    if counts.is_empty() {
        writeln!(out, "no changes: {} entries read from {}, all as known", report.read, report.source)?;
        return print_quarantine_hint(out, report);
    }
    writeln!(out)?;
    for line in counts.lines() {
        writeln!(out, "{line}")?;
    }
    print_quarantine_hint(out, report)?;
    if report.is_blocked() {
        return Ok(());
    }
    let mut call = format!("SELECT roster.apply_run({});", report.run_id);
    if let Some(message) = &report.message {
        writeln!(out, "{}", printable(message))?;
        if counts.has_removals() {
            call.push_str("  -- removals beyond the guard need override_guard => true");
        }
    }
    writeln!(out, "\nnothing was written. To apply exactly this:\n  {call}")
}

fn print_quarantine_hint(out: &mut impl Write, report: &RunReport) -> io::Result<()> {
    if report.quarantined == 0 {
        return Ok(());
    }
    let entries = if report.quarantined == 1 { "entry" } else { "entries" };
    writeln!(out, "{} {entries} cannot be taken; what is known of them stays", report.quarantined)?;
    if report.state == "succeeded" && !report.is_plan() {
        let source = report.source.replace('\'', "''");
        writeln!(out, "  SELECT kind, key, reason FROM roster.quarantine WHERE source = '{source}';")?;
    }
    Ok(())
}
