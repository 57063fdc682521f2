//! `syncd scim log`: what SCIM clients sent that was refused, or taken only in part.

use std::io::{self, Write, stdout};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::{Client, Row};

use crate::Outcome;
use crate::cli::ScimLogArgs;
use crate::database::DatabaseError;
use crate::output::{CommandError, brief, json, moment, or_dash, printable, table};
use crate::pipeline::Surroundings;

#[derive(Debug, Serialize)]
struct Refused {
    logged_at: DateTime<Utc>,
    iam: Option<String>,
    source: Option<String>,
    label: Option<String>,
    method: Option<String>,
    path: Option<String>,
    status: i32,
    scim_type: Option<String>,
    reason: String,
    shape: Option<Value>,
    count: i64,
}

pub async fn scim_log(around: &Surroundings, args: &ScimLogArgs) -> Result<Outcome, CommandError> {
    let session = around.database.connect().await?;
    let refused = read(&session.client, args).await?;
    let mut out = stdout().lock();
    match args.json {
        true => json(&mut out, &refused)?,
        false => print(&mut out, &refused, args.shape)?,
    }
    Ok(Outcome::Ok)
}

async fn read(client: &Client, args: &ScimLogArgs) -> Result<Vec<Refused>, DatabaseError> {
    let since = args.since.map(|since| since.as_secs_f64());
    let limit = i64::from(args.limit);
    let rows =
        client.query(include_str!("../sql/scim_log.sql"), &[&args.source, &args.iam, &since, &limit]).await?;
    Ok(rows.iter().map(refused).collect::<Result<_, _>>()?)
}

fn refused(row: &Row) -> Result<Refused, tokio_postgres::Error> {
    Ok(Refused {
        logged_at: row.try_get("logged_at")?,
        iam: row.try_get("iam")?,
        source: row.try_get("source")?,
        label: row.try_get("label")?,
        method: row.try_get("method")?,
        path: row.try_get("path")?,
        status: row.try_get("status")?,
        scim_type: row.try_get("scim_type")?,
        reason: row.try_get("reason")?,
        shape: row.try_get("shape")?,
        count: row.try_get("count")?,
    })
}

fn print(out: &mut impl Write, refused: &[Refused], with_shape: bool) -> io::Result<()> {
    if refused.is_empty() {
        return writeln!(out, "nothing was refused");
    }
    if with_shape {
        return refused.iter().try_for_each(|entry| print_with_shape(out, entry));
    }
    let mut rows = table(&["last", "count", "source", "key", "request", "status", "reason"]);
    for entry in refused {
        rows.add_row(cells(entry));
    }
    writeln!(out, "{rows}")
}

fn print_with_shape(out: &mut impl Write, entry: &Refused) -> io::Result<()> {
    writeln!(out, "{}", cells(entry).join("  "))?;
    if let Some(shape) = &entry.shape {
        for line in serde_json::to_string_pretty(shape).map_err(io::Error::from)?.lines() {
            writeln!(out, "    {}", printable(line))?;
        }
    }
    writeln!(out)
}

/// When, how often, who, what, and what came of it.
fn cells(entry: &Refused) -> Vec<String> {
    let request = match (&entry.method, &entry.path) {
        (Some(method), Some(path)) => format!("{method} {path}"),
        _ => "-".to_owned(),
    };
    let status = match &entry.scim_type {
        Some(scim_type) => format!("{} {}", entry.status, printable(scim_type)),
        None => entry.status.to_string(),
    };
    vec![
        moment(Some(entry.logged_at)),
        format!("{}x", entry.count),
        printable(or_dash(entry.source.as_deref().or(entry.iam.as_deref()))),
        printable(or_dash(entry.label.as_deref())),
        brief(Some(&request)),
        status,
        printable(&entry.reason),
    ]
}
