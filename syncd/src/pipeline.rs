//! One run, from the claim to the report: what the source says is compared with what the database knows,
//! and only what differs is staged. Whatever ends a read before its end removes nobody.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::apply::{self, RunReport, StagedEntities, StagedFacts};
use crate::config::ConfigError;
use crate::connector::ldap::LdapSource;
use crate::connector::{Connector, ConnectorError};
use crate::database::{Database, DatabaseError, Session};
use crate::lease::{ClaimedRun, Held, Keeper, Verdict};
use crate::progress::{Phase, Progress};
use crate::secret::Secrets;
use crate::shutdown::Shutdown;
use crate::source::{self, Opened};
use crate::staging::Staging;
use crate::task::Owned;

mod compare;
mod end;
pub mod facts;
mod memory;
use compare::Comparison;
use memory::Recollection;

/// Entries between the connector and the comparison. Few, because a single group can be large.
const WAITING_ENTRIES: usize = 128;

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Connector(#[from] ConnectorError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("cancelled by a signal")]
    Cancelled,
    /// Somebody asked for it, or it took too long.
    #[error("{message}")]
    Stopped { state: &'static str, message: String },
    #[error("the run was given up: {0}")]
    Lost(String),
}

/// What every run of this process shares.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub database: Database,
    pub secrets: Secrets,
    pub shutdown: Shutdown,
    pub keeper: Keeper,
}

/// Runs to the end, whatever that is, and records it.
#[tracing::instrument(name = "run", skip_all, fields(run_id = claimed.run_id, source = claimed.source.source))]
pub async fn run(
    around: &Surroundings,
    session: &mut Session,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<RunReport, RunError> {
    let held = around.keeper.hold(claimed.run_id);
    let result = read_and_apply(around, session, &held, claimed, progress).await;
    let client = &session.client;
    match &result {
        Ok(_) => {}
        Err(RunError::Database(lost)) if lost.is_closed() => {
            end::record_anew(around, claimed.run_id, &lost.to_string()).await;
        }
        // Whoever took the source has recorded it, or will.
        Err(RunError::Lost(_)) => {}
        Err(error) => end::record(client, claimed.run_id, &end::ending(error)).await,
    }
    end::release(client).await;
    result
}

/// Returns when something but the source ends the run.
async fn stopped(around: &Surroundings, held: &Held) -> RunError {
    let verdict = tokio::select! {
        verdict = held.ended() => verdict,
        () = around.shutdown.requested() => return RunError::Cancelled,
    };
    match verdict {
        Verdict::Cancelled(message) => RunError::Stopped { state: "cancelled", message },
        Verdict::TimedOut(message) => RunError::Stopped { state: "failed", message },
        Verdict::Lost(message) => RunError::Lost(message),
    }
}

async fn read_and_apply(
    around: &Surroundings,
    session: &mut Session,
    held: &Held,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<RunReport, RunError> {
    let client = session.client.clone();
    let staged = tokio::select! {
        staged = read_and_stage(around, &client, claimed, progress) => staged,
        // The claim ended with the connection: to read on would be for nothing.
        lost = session.lost() => return Err(lost.into()),
        why = stopped(around, held) => {
            around.database.cancel(&client.cancel_token()).await;
            return Err(why);
        }
    };
    progress.enter(Phase::Applying);
    let result = match staged {
        Ok(staged) => apply_staged(around, &client, held, claimed.run_id, &staged).await,
        Err(error) => Err(error),
    };
    match result {
        // The connection knows why it ended, the statement only that it did.
        Err(RunError::Database(closed)) if closed.is_closed() => {
            let lost = tokio::time::timeout(end::LAST_WORDS, session.lost()).await;
            Err(lost.unwrap_or(closed).into())
        }
        result => result,
    }
}

enum Staged {
    Entities(StagedEntities),
    Facts(StagedFacts),
}

async fn read_and_stage(
    around: &Surroundings,
    client: &Arc<Client>,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<Staged, RunError> {
    match source::open(&claimed.source, &around.secrets)? {
        Opened::Ldap(source) => directory(*source, client, claimed, progress).await.map(Staged::Entities),
        Opened::Endpoint(source) => {
            facts::endpoint(*source, client, claimed, progress).await.map(Staged::Facts)
        }
        Opened::Table(source) => facts::table(&source, client, claimed, progress).await.map(Staged::Facts),
        Opened::LocalTable => facts::local_table(client, claimed, progress).await.map(Staged::Facts),
    }
}

/// A source that says who there is.
async fn directory(
    source: LdapSource,
    client: &Arc<Client>,
    claimed: &ClaimedRun,
    progress: &Progress,
) -> Result<StagedEntities, RunError> {
    progress.enter(Phase::LoadingKnown);
    let memory = Arc::new(Recollection::open(client, claimed.run_id).await?);
    let staging = Staging::open(client.clone(), claimed.slot, claimed.run_id);
    let mut comparison = Comparison::new(memory.clone(), staging);
    comparison.prepare().await?;

    progress.enter(Phase::Reading);
    let (sink, mut records) = mpsc::channel(WAITING_ENTRIES);
    let mut reader = Owned::spawn(source.about(memory).read(sink));
    while let Some(record) = records.recv().await {
        comparison.take(record).await?;
        progress.count_entry();
    }
    let summary = reader.join().await?;

    let (counts, note) = comparison.finish(&summary).await?;
    Ok(StagedEntities {
        read: to_int8(summary.read),
        counts,
        note: joined(summary.note, note),
        complete: !summary.partial,
        cursor: summary.cursor,
        containers: summary.containers,
    })
}

/// Once asked, the database decides: a cancel request either stops the statement or comes too late.
async fn apply_staged(
    around: &Surroundings,
    client: &Client,
    held: &Held,
    run_id: i64,
    staged: &Staged,
) -> Result<RunReport, RunError> {
    let applying = async {
        match staged {
            Staged::Entities(staged) => apply::complete_run(client, run_id, staged).await,
            Staged::Facts(staged) => apply::complete_facts(client, run_id, staged).await,
        }
    };
    let mut applying = std::pin::pin!(applying);
    let why = tokio::select! {
        result = &mut applying => return Ok(result?),
        why = stopped(around, held) => why,
    };
    around.database.cancel(&client.cancel_token()).await;
    match tokio::time::timeout(end::LAST_WORDS, applying).await {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) if !error.is_cancelled() => Err(error.into()),
        _ => Err(why),
    }
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    let notes: Vec<String> = one.into_iter().chain(other).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn to_int8(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
