//! What somebody should look at, a line each.

use super::words::{ago, counted};
use super::{FeedStatus, SourceStatus};
use crate::output::printable;

/// A feed or webhook that is this far behind does not catch up by itself.
const LONGEST_LAG_SECONDS: f64 = 60.0;

pub fn of(sources: &[SourceStatus], feed: &FeedStatus) -> Vec<String> {
    let mut lines: Vec<String> = sources.iter().flat_map(of_source).collect();
    if feed.lag_seconds > LONGEST_LAG_SECONDS {
        lines.push(format!("the change feed is behind since {}", ago(feed.lag_seconds)));
    }
    for webhook in feed.webhooks.iter().filter(|webhook| webhook.enabled) {
        if webhook.failed > 0 {
            let given_up = counted(webhook.failed, "delivery", "deliveries");
            let name = printable(&webhook.webhook);
            lines.push(format!("webhook {name} gave up on {given_up}: see roster.webhook_deliveries"));
        }
        if webhook.lag_seconds <= LONGEST_LAG_SECONDS {
            continue;
        }
        lines.push(format!(
            "webhook {} has {} to deliver, the oldest of {}",
            printable(&webhook.webhook),
            counted(webhook.pending, "change", "changes"),
            ago(webhook.lag_seconds)
        ));
    }
    lines
}

fn of_source(source: &SourceStatus) -> Vec<String> {
    let name = printable(&source.source);
    let mut lines = Vec::new();
    match source.health.as_str() {
        "failing" => {
            let times = counted(source.failures.max(1), "time", "times in a row");
            lines.push(format!("{name} failed {times}"));
        }
        "stale" => lines.push(format!("{name} is past its time: is a daemon running?")),
        "blocked" => lines.push(format!("{name} is blocked by the guard and waits for a decision")),
        _ => {}
    }
    if source.quarantined > 0 {
        let entries = counted(source.quarantined, "entry", "entries");
        lines.push(format!("{name} has {entries} in quarantine: see roster.quarantine"));
    }
    if source.dead_letters > 0 {
        let events = counted(source.dead_letters, "event", "events");
        lines.push(format!("{name} has {events} that could not be taken: see roster.dead_letters"));
    }
    if let Some(values @ 1..) = source.stale_values {
        lines.push(format!("{name} has {} past max_age", counted(values, "value", "values")));
    }
    lines
}
