//! Who runs what: a run is claimed in the database, and the claim lasts as long as its lease is renewed and
//! the connection is there that made it. Two daemons never run one source at once.

use std::time::Duration;

use tokio_postgres::{Client, Row};

use crate::database::DatabaseError;

mod keeper;
pub use keeper::{Held, Keeper, Verdict};

/// A run that belongs to the connection it was claimed on.
#[derive(Debug, Clone)]
pub struct ClaimedRun {
    pub run_id: i64,
    pub slot: i16,
    pub source: Source,
    pub mode: Mode,
}

#[derive(Debug, Clone)]
pub struct Source {
    pub source: String,
    pub kind: String,
    pub config: serde_json::Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Apply,
    /// Stops before anything is written.
    Plan,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Apply => "apply",
            Mode::Plan => "plan",
        }
    }
}

pub async fn claim(client: &Client, source: &str, mode: Mode) -> Result<ClaimedRun, DatabaseError> {
    let statement = include_str!("../sql/claim_run.sql");
    let row = client.query_one(statement, &[&source, &mode.as_str(), &"manual"]).await?;
    Ok(claimed(&row)?)
}

/// A run that was asked for or whose schedule is due, if there is one.
pub async fn claim_next(client: &Client) -> Result<Option<ClaimedRun>, DatabaseError> {
    let row = client.query_opt(include_str!("../sql/claim_next_run.sql"), &[]).await?;
    Ok(row.as_ref().map(claimed).transpose()?)
}

/// The time until the next schedule fires, by the clock of the database.
pub async fn next_due(client: &Client) -> Result<Option<Duration>, DatabaseError> {
    let row = client.query_one(include_str!("../sql/next_due.sql"), &[]).await?;
    let seconds: Option<f64> = row.try_get("seconds")?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}

pub async fn source_config(client: &Client, source: &str) -> Result<Option<Source>, DatabaseError> {
    let row = client.query_opt(include_str!("../sql/source_config.sql"), &[&source]).await?;
    Ok(row.as_ref().map(configured).transpose()?)
}

fn claimed(row: &Row) -> Result<ClaimedRun, tokio_postgres::Error> {
    let mode: String = row.try_get("mode")?;
    Ok(ClaimedRun {
        run_id: row.try_get("run_id")?,
        slot: row.try_get("slot")?,
        source: configured(row)?,
        mode: if mode == "plan" { Mode::Plan } else { Mode::Apply },
    })
}

fn configured(row: &Row) -> Result<Source, tokio_postgres::Error> {
    Ok(Source { source: row.try_get("source")?, kind: row.try_get("kind")?, config: row.try_get("config")? })
}
