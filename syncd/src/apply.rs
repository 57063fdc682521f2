//! The calls that end a run. Planning, guarding and applying happen inside the database, in one
//! transaction: here is only the question and the report.

use std::time::Duration;

use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use tracing::warn;
use uuid::Uuid;

use crate::connector::Containers;
use crate::database::DatabaseError;
use crate::known::Known;
use crate::record::{Key, Kind};
use crate::staging::Counts;

const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

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
    staged: &StagedEntities,
) -> Result<RunReport, DatabaseError> {
    let statement = include_str!("../sql/complete_run.sql");
    let StagedEntities { read, counts, note, complete, cursor, containers } = staged;
    let Counts { entities, values, edges, quarantined, pending, .. } = counts;
    let containers = containers_json(containers);
    let parameters: Parameters<'_> =
        &[&run_id, read, entities, values, edges, quarantined, note, pending, complete, cursor, &containers];
    repeatedly(client, run_id, statement, parameters).await
}

/// `{"all": true, "set": {"key": "name"}}`; nothing where none were looked at.
fn containers_json(containers: &Containers) -> Option<Value> {
    if !containers.all && containers.names.is_empty() {
        return None;
    }
    let uuid = |bytes: &[u8; 16]| Uuid::from_bytes(*bytes).to_string();
    let set: serde_json::Map<String, Value> = containers
        .names
        .iter()
        .map(|(key, name)| (uuid(key.as_bytes()), uuid(name.as_bytes()).into()))
        .collect();
    Some(serde_json::json!({"all": containers.all, "set": set}))
}

/// The same for what a fact source has staged.
pub async fn complete_facts(
    client: &Client,
    run_id: i64,
    staged: &StagedFacts,
) -> Result<RunReport, DatabaseError> {
    let StagedFacts { read, facts, complete, cursor, note } = staged;
    let statement = include_str!("../sql/complete_facts.sql");
    repeatedly(client, run_id, statement, &[&run_id, read, facts, complete, cursor, note]).await
}

/// How a run ends that has no effect.
#[derive(Debug, Clone)]
pub struct Ending {
    pub state: &'static str,
    pub message: String,
    /// The source did nothing wrong: it is due again at once.
    pub interrupted: bool,
    /// The source refused our credentials: only a person makes us try them again soon.
    pub hold: bool,
}

pub async fn end_run(client: &Client, run_id: i64, ending: &Ending) -> Result<(), DatabaseError> {
    let Ending { state, message, interrupted, hold } = ending;
    client.execute(include_str!("../sql/end_run.sql"), &[&run_id, state, message, interrupted, hold]).await?;
    Ok(())
}

async fn repeatedly(
    client: &Client,
    run_id: i64,
    statement: &str,
    parameters: Parameters<'_>,
) -> Result<RunReport, DatabaseError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match client.query_one(statement, parameters).await.map_err(DatabaseError::from) {
            Err(error) if error.is_worth_repeating() => warn!(run_id, %error, "applying again"),
            result => return Ok(report(&result?)?),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Ok(report(&client.query_one(statement, parameters).await?)?)
}

fn report(row: &Row) -> Result<RunReport, tokio_postgres::Error> {
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

/// What a run of a source that says who there is has staged.
#[derive(Debug)]
pub struct StagedEntities {
    pub read: i64,
    pub counts: Counts,
    pub note: Option<String>,
    /// What is not staged is as it was. Otherwise nothing is known of what was not looked at.
    pub complete: bool,
    /// Where the next run goes on.
    pub cursor: Option<Value>,
    pub containers: Containers,
}

/// What a run of a fact source has staged.
#[derive(Debug)]
pub struct StagedFacts {
    /// `None`: as many as rows.
    pub read: Option<i64>,
    pub facts: i64,
    /// What is not staged is gone.
    pub complete: bool,
    /// Where the next run goes on.
    pub cursor: Option<Value>,
    pub note: Option<String>,
}

/// The database reads a table of its own, with the rights of the daemon's role.
pub async fn stage_table(client: &Client, run_id: i64) -> Result<StagedFacts, DatabaseError> {
    let row = client.query_one(include_str!("../sql/stage_table.sql"), &[&run_id]).await?;
    Ok(StagedFacts {
        read: row.try_get("read")?,
        facts: row.try_get("facts")?,
        complete: row.try_get("complete")?,
        cursor: row.try_get("cursor")?,
        note: row.try_get("note")?,
    })
}
