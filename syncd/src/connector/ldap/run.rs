//! Reads everything, or what changed since the last time: whichever is enough.

use std::convert::Infallible;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use super::changes::{self, Answer, Cursor, Question};
use super::connection::Access;
use super::error::LdapSourceError;
use super::modes::{self, Mode};
use super::{incremental, read};
use crate::config::ldap::{Directory, LdapConfig};
use crate::connector::{ConnectorError, Containers, Memory, ReadSummary};
use crate::record::Record;
use crate::secret::Secrets;

pub(super) async fn read(
    config: &LdapConfig,
    secrets: &Secrets,
    memory: Option<Arc<dyn Memory>>,
    sink: mpsc::Sender<Record>,
) -> Result<ReadSummary, ConnectorError> {
    let access = Access::new(config, secrets)?;
    let stored = memory.as_ref().and_then(|memory| memory.cursor()).and_then(Cursor::parse);
    let connection = access.open_preferring(stored.as_ref().and_then(Cursor::url)).await?;
    let Some(memory) = memory else { return read::read(config, &access, connection, sink).await };

    let directory = config.for_server(connection.dse.kind);
    let question = Question::of(config, &directory, &connection).await?;
    let mode = mode(config, &question).await?;
    let why = match why_everything(&question, mode, stored, &memory).await? {
        Ok(changes) => {
            let summary = incremental::read(&question, &access, &memory, changes, sink).await?;
            connection.close().await;
            return Ok(summary);
        }
        Err(why) => why,
    };
    memory.everything();
    // What changes from now on is found by the next run, whether this one sees it or not.
    let cursor = question.start(mode).await?;
    let containers = match &cursor {
        Some(_) => question.containers().await?,
        None => Containers::default(),
    };
    let summary = read::read(config, &access, connection, sink).await?;
    let why = why.map(|why| format!("everything was read, because {why}"));
    let notes: Vec<String> = why.into_iter().chain(summary.note).collect();
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Ok(ReadSummary { note, cursor: cursor.map(|cursor| cursor.to_json()), containers, ..summary })
}

/// What changed, or why that is not enough: `None` where there is nothing to explain.
async fn why_everything(
    question: &Question<'_>,
    mode: Mode,
    stored: Option<Cursor>,
    memory: &Arc<dyn Memory>,
) -> Result<Result<changes::Changes, Option<String>>, ConnectorError> {
    let Some(since) = stored else {
        let unread = memory.cursor().map(|_| "another version of syncd wrote down where the last run ended");
        return Ok(Err(unread.map(str::to_owned)));
    };
    if since.mode() != mode {
        let before = since.mode();
        return Ok(Err(Some(format!("changes are found by {mode} now, and were by {before}"))));
    }
    Ok(match question.changes(&since, &memory.containers().await?).await? {
        Answer::Changes(changes) => Ok(*changes),
        Answer::Everything(why) => Err(Some(why)),
    })
}

async fn mode(config: &LdapConfig, question: &Question<'_>) -> Result<Mode, LdapSourceError> {
    let Question { directory, connection, .. } = question;
    let readable = question.tells_context_csn().await?;
    modes::choose(config, directory, &connection.dse, readable).map_err(LdapSourceError::Incremental)
}

/// Notifies of changes since a cursor, until the connection breaks.
pub(super) async fn watch(
    config: &LdapConfig,
    secrets: &Secrets,
    since: &Value,
    changed: &Notify,
) -> Result<Infallible, LdapSourceError> {
    let access = Access::new(config, secrets)?;
    let since = match Cursor::parse(since) {
        // Nobody wants to know, or the server tells nothing of itself.
        _ if !config.live => return std::future::pending().await,
        Some(Cursor::ModifyTimestamp { .. }) => return std::future::pending().await,
        Some(since) => since,
        None => {
            // A run will replace it.
            changed.notify_one();
            return std::future::pending().await;
        }
    };
    let connection = access.open_preferring(since.url()).await?;
    let directory: Directory = config.for_server(connection.dse.kind);
    let question = Question::of(config, &directory, &connection).await?;
    changes::watch(&question, &since, changed).await
}
