use std::io::{self, Write};

use super::words::{ago, ahead, counted, span};
use super::{FeedStatus, RunStatus, SourceStatus, Status};
use crate::output::{brief, moment, or_dash, printable, table};

pub fn print(out: &mut impl Write, status: &Status) -> io::Result<()> {
    print_sources(out, &status.sources)?;
    print_runs(out, &status.runs)?;
    print_feed(out, &status.feed)?;
    for plan in &status.blocked {
        writeln!(
            out,
            "\nrun {} of {} is blocked by the guard and waits for a decision:",
            plan.run_id,
            printable(&plan.source)
        )?;
        writeln!(out, "  {}", printable(or_dash(plan.message.as_deref())))?;
        writeln!(out, "  {}  -- look at it", plan.look)?;
        writeln!(out, "  {}  -- let it through", plan.release)?;
    }
    print_verdict(out, status)
}

fn print_verdict(out: &mut impl Write, status: &Status) -> io::Result<()> {
    if status.well {
        return writeln!(out, "\nall is well");
    }
    writeln!(out)?;
    for line in &status.attention {
        writeln!(out, "! {line}")?;
    }
    let number = i64::try_from(status.attention.len()).unwrap_or(i64::MAX);
    writeln!(out, "{} somebody", counted(number, "thing needs", "things need"))
}

fn print_sources(out: &mut impl Write, sources: &[SourceStatus]) -> io::Result<()> {
    if sources.is_empty() {
        return writeln!(out, "no sources yet: see roster.create_source");
    }
    let mut rows = table(&[
        "source",
        "iam",
        "kind",
        "health",
        "fresh as of",
        "next run",
        "schedule",
        "read",
        "+",
        "~",
        "-",
        "waiting",
        "note",
    ]);
    for source in sources {
        rows.add_row(vec![
            printable(&source.source),
            printable(&source.iam),
            source.kind.clone(),
            source.health.clone(),
            source.age_seconds.map_or_else(|| "-".to_owned(), ago),
            source.next_run_at.filter(|_| source.enabled).map_or_else(|| "-".to_owned(), ahead),
            or_dash(source.schedule.as_deref()).to_owned(),
            count(source.read),
            count(source.added),
            count(source.changed),
            count(source.removed),
            waiting(source),
            note(source),
        ]);
    }
    writeln!(out, "{rows}")
}

/// What waits for somebody to look at it.
fn waiting(source: &SourceStatus) -> String {
    let counts = [
        (source.quarantined, "quarantined"),
        (source.dead_letters, "dead"),
        (source.stale_values.unwrap_or_default(), "stale"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

fn note(source: &SourceStatus) -> String {
    let mut notes = Vec::new();
    if let (Some(run_id), Some(seconds)) = (source.running_run_id, source.running_seconds) {
        notes.push(format!("run {run_id} under way for {}", span(seconds)));
    }
    if source.failures > 0 {
        let retry = source.retry_at.map_or_else(String::new, |at| format!(", tried again {}", ahead(at)));
        notes.push(format!("{}{retry}", counted(source.failures, "failure", "failures in a row")));
    }
    if let Some(error) = &source.last_error {
        notes.push(brief(Some(error)));
    }
    if notes.is_empty() { "-".to_owned() } else { notes.join("; ") }
}

fn print_runs(out: &mut impl Write, runs: &[RunStatus]) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "no runs yet");
    }
    let mut rows = table(&["run", "source", "mode", "trigger", "state", "started", "+", "~", "-", "message"]);
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

fn print_feed(out: &mut impl Write, feed: &FeedStatus) -> io::Result<()> {
    if feed.webhooks.is_empty() {
        return Ok(());
    }
    let mut rows = table(&["webhook", "iam", "to deliver", "oldest", "given up", "last error"]);
    for webhook in &feed.webhooks {
        let oldest = if webhook.pending > 0 { ago(webhook.lag_seconds) } else { "-".to_owned() };
        rows.add_row(vec![
            printable(&webhook.webhook),
            printable(&webhook.iam),
            webhook.pending.to_string(),
            oldest,
            webhook.failed.to_string(),
            brief(webhook.last_error.as_deref()),
        ]);
    }
    writeln!(out, "{rows}")
}

fn count(count: Option<i64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}
