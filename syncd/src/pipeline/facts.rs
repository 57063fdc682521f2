//! Sources of facts about users who are somebody else's: everything that they state is staged, and the database compares
//! it with what they had stated before. It also words the questions: whom to ask about, and which columns to read.

use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, ToSql};

use crate::apply::{self, StagedFacts};
use crate::connector::endpoint::{EndpointSource, Subjects};
use crate::connector::table::{Column, OpenTable, TableSource};
use crate::connector::{Connector, ConnectorError, ReadSummary};
use crate::database::DatabaseError;
use crate::lease::ClaimedRun;
use crate::progress::{Phase, Progress};
use crate::record::Record;
use crate::staging::Staging;
use crate::task::Owned;

use super::{RunError, WAITING_ENTRIES, to_int8};

pub async fn endpoint(
    source: EndpointSource,
    client: &Arc<Client>,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<StagedFacts, RunError> {
    progress.enter(Phase::LoadingKnown);
    let source = match source.asks_about_users() {
        true => source.about(subjects(client, claimed.run_id).await?),
        false => source,
    };
    let (sink, records) = mpsc::channel(WAITING_ENTRIES);
    let reader = Owned::spawn(source.read(sink));
    let (summary, facts) = stage(reader, records, client, claimed, progress).await?;
    Ok(StagedFacts {
        read: Some(to_int8(summary.read)),
        facts,
        complete: !summary.partial,
        cursor: None,
        note: summary.note,
    })
}

pub async fn table(
    source: &TableSource,
    client: &Arc<Client>,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<StagedFacts, RunError> {
    progress.enter(Phase::LoadingKnown);
    let open = source.open().await.map_err(ConnectorError::from)?;
    let reading = reading(&open, client, claimed.run_id).await?;

    let (sink, records) = mpsc::channel(WAITING_ENTRIES);
    let reader = Owned::spawn(open.read(reading.statement, sink));
    let (_, facts) = stage(reader, records, client, claimed, progress).await?;
    Ok(StagedFacts { read: None, facts, complete: reading.complete, cursor: reading.cursor, note: None })
}

/// A table of our own database is read by the database, with the rights of our role.
pub async fn local_table(
    client: &Client,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<StagedFacts, RunError> {
    progress.enter(Phase::Reading);
    Ok(apply::stage_table(client, claimed.run_id).await?)
}

async fn stage(
    mut reader: Owned<Result<ReadSummary, ConnectorError>>,
    mut records: mpsc::Receiver<Record>,
    client: &Arc<Client>,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<(ReadSummary, i64), RunError> {
    progress.enter(Phase::Reading);
    let mut staging = Staging::open(client.clone(), claimed.slot, claimed.run_id);
    while let Some(record) = records.recv().await {
        // Entities are for sources that say who there is; these do not.
        let Record::Facts(facts) = record else { continue };
        for fact in &facts {
            staging.put_fact(fact).await?;
            progress.count_entry();
        }
    }
    let summary = reader.join().await?;
    Ok((summary, staging.finish().await?.facts))
}

async fn subjects(client: &Client, run_id: i64) -> Result<Subjects, DatabaseError> {
    let mut subjects = Subjects::default();
    let rows = client.query_raw(include_str!("../../sql/endpoint_subjects.sql"), [run_id]).await?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        subjects.push(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(subjects)
}

/// How a table elsewhere is to be read.
struct Reading {
    statement: String,
    complete: bool,
    cursor: Option<serde_json::Value>,
}

async fn reading(open: &OpenTable, client: &Client, run_id: i64) -> Result<Reading, RunError> {
    let probe: String = one(client, include_str!("../../sql/table_probe.sql"), &[&run_id]).await?;
    let columns = open.describe(&probe).await.map_err(ConnectorError::from)?;
    let columns = by_name(&columns).map_err(|errors| ConnectorError::from(open.schema(errors)))?;
    let question: Option<String> =
        one(client, include_str!("../../sql/table_watermark.sql"), &[&run_id, &columns]).await?;
    let watermark = match question {
        Some(question) => open.text(&question).await.map_err(ConnectorError::from)?,
        None => None,
    };
    let statement = include_str!("../../sql/table_statement.sql");
    let row =
        client.query_one(statement, &[&run_id, &columns, &watermark]).await.map_err(DatabaseError::from)?;
    let told = |error: tokio_postgres::Error| RunError::Database(error.into());
    let errors: Option<Vec<String>> = row.try_get("errors").map_err(told)?;
    if let Some(errors) = errors.filter(|errors| !errors.is_empty()) {
        return Err(ConnectorError::from(open.schema(errors)).into());
    }
    Ok(Reading {
        statement: row.try_get("statement").map_err(told)?,
        complete: row.try_get("complete").map_err(told)?,
        cursor: row.try_get("cursor").map_err(told)?,
    })
}

/// `{"column": "type"}`, as the database wants to know it; which names there are twice.
pub fn by_name(columns: &[Column]) -> Result<serde_json::Value, Vec<String>> {
    let mut pairs = serde_json::Map::new();
    let mut errors = Vec::new();
    for column in columns {
        if pairs.insert(column.name.clone(), column.type_name.clone().into()).is_some() {
            errors.push(format!("there are several columns of the name \"{}\"", column.name));
        }
    }
    if errors.is_empty() { Ok(serde_json::Value::Object(pairs)) } else { Err(errors) }
}

async fn one<T: for<'a> FromSql<'a>>(
    client: &Client,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<T, DatabaseError> {
    Ok(client.query_one(statement, parameters).await?.try_get(0)?)
}
