//! The calls that end a run. Planning, guarding and applying happen inside the database, in one
//! transaction: here is only the question and the report.

use std::time::Duration;

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio_postgres::Client;
use tracing::warn;
use uuid::Uuid;

use crate::database::DatabaseError;
use crate::known::Known;
use crate::record::{Key, Kind};
use crate::staging::Counts;

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    pub run_id: i64,
    pub source: String,
    pub mode: String,
    pub state: String,
    pub read: i64,
    pub added: i64,
    pub changed: i64,
    pub removed: i64,
    pub quarantined: i64,
    pub message: Option<String>,
}

impl RunReport {
    pub fn is_blocked(&self) -> bool {
        self.state == "blocked"
    }

    pub fn is_plan(&self) -> bool {
        self.mode == "plan"
    }
}

/// What the database knows of the source of a run.
pub async fn known_entities(client: &Client, run_id: i64) -> Result<Known, DatabaseError> {
    let mut known = Known::default();
    let rows = client.query_raw(include_str!("../sql/known_entities.sql"), [run_id]).await?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        let kind = if row.try_get::<_, &str>(0)? == Kind::Group.as_str() { Kind::Group } else { Kind::User };
        let key: Uuid = row.try_get(1)?;
        let fingerprint: Option<Uuid> = row.try_get(2)?;
        known.add(kind, Key::from_bytes(*key.as_bytes()), fingerprint.map(|hash| *hash.as_bytes()));
    }
    known.seal();
    Ok(known)
}

/// Plans, guards and applies what was staged. Repeats itself when another transaction was in the way.
pub async fn complete_run(
    client: &Client,
    run_id: i64,
    read: i64,
    staged: Counts,
    note: Option<&str>,
) -> Result<RunReport, DatabaseError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match complete_once(client, run_id, read, staged, note).await {
            Err(error) if error.is_worth_repeating() => warn!(run_id, %error, "applying again"),
            result => return result,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    complete_once(client, run_id, read, staged, note).await
}

pub async fn end_run(
    client: &Client,
    run_id: i64,
    state: &str,
    message: &str,
    interrupted: bool,
) -> Result<(), DatabaseError> {
    client.execute(include_str!("../sql/end_run.sql"), &[&run_id, &state, &message, &interrupted]).await?;
    Ok(())
}

async fn complete_once(
    client: &Client,
    run_id: i64,
    read: i64,
    staged: Counts,
    note: Option<&str>,
) -> Result<RunReport, DatabaseError> {
    let statement = include_str!("../sql/complete_run.sql");
    let row = client
        .query_one(
            statement,
            &[&run_id, &read, &staged.entities, &staged.values, &staged.edges, &staged.quarantined, &note],
        )
        .await?;
    Ok(RunReport {
        run_id: row.try_get("run_id")?,
        source: row.try_get("source")?,
        mode: row.try_get("mode")?,
        state: row.try_get("state")?,
        read: row.try_get("read")?,
        added: row.try_get("added")?,
        changed: row.try_get("changed")?,
        removed: row.try_get("removed")?,
        quarantined: row.try_get("quarantined")?,
        message: row.try_get("message")?,
    })
}
