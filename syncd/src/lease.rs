//! Who runs what: a run is claimed in the database, and the claim lasts as long as its lease is renewed and
//! the connection is there that made it. Two daemons never run one source at once.

use std::time::Duration;

use tokio_postgres::{Client, Row};
use uuid::Uuid;

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

/// `full_read`: whatever was read before.
pub async fn claim(
    client: &Client,
    source: &str,
    mode: Mode,
    full_read: bool,
) -> Result<ClaimedRun, DatabaseError> {
    let statement = include_str!("../sql/claim_run.sql");
    let row = client.query_one(statement, &[&source, &mode.as_str(), &"manual", &full_read]).await?;
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

/// A directory that is to be watched, and where its last run ended.
#[derive(Debug, Clone)]
pub struct HeldLive {
    pub source: Source,
    pub cursor: serde_json::Value,
}

/// Renews what this holder watches, and takes what nobody does.
pub async fn hold_live(client: &Client, holder: Uuid) -> Result<Vec<HeldLive>, DatabaseError> {
    let rows = client.query(include_str!("../sql/hold_live.sql"), &[&holder]).await?;
    let held = |row: &Row| {
        let source = Source {
            source: row.try_get("source")?,
            kind: "ldap".to_owned(),
            config: row.try_get("config")?,
        };
        Ok(HeldLive { source, cursor: row.try_get("cursor")? })
    };
    rows.iter().map(held).collect::<Result<_, tokio_postgres::Error>>().map_err(DatabaseError::from)
}

pub async fn release_live(client: &Client, holder: Uuid) -> Result<(), DatabaseError> {
    client.execute(include_str!("../sql/release_live.sql"), &[&holder]).await?;
    Ok(())
}

/// Something changed at a source: queues a run, unless one is queued.
pub async fn request_run(client: &Client, source: &str) -> Result<(), DatabaseError> {
    client.execute(include_str!("../sql/request_run.sql"), &[&source]).await?;
    Ok(())
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
