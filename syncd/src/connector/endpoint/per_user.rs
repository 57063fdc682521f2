//! One question for each user, several at a time.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::answer::{facts, kept};
use super::client::{Client, Reply};
use super::failure::Failure;
use super::subjects::{Subject, Subjects};
use super::tally::Tally;
use crate::config::endpoint::EndpointConfig;
use crate::connector::{ConnectorError, ReadSummary};
use crate::record::{Fact, Record, Statement};
use crate::secret::Secrets;

/// Statements that are sent on together.
const BATCH: usize = 256;

pub(super) async fn read(
    config: &EndpointConfig,
    secrets: &Secrets,
    subjects: Subjects,
    sink: mpsc::Sender<Record>,
) -> Result<ReadSummary, ConnectorError> {
    let client = Arc::new(Client::new(config, secrets)?);
    let questions = stream::iter(subjects).map(move |subject| ask(client.clone(), subject));
    let mut answers = questions.buffer_unordered(config.concurrency);
    let mut tally = Tally::default();
    let mut batch = Vec::new();
    while let Some((who, reply)) = answers.next().await {
        match &reply {
            Ok(_) => tally.answered(),
            Err(failure) => tally.failed(failure)?,
        }
        stage(&who, reply, &mut batch);
        if batch.len() >= BATCH {
            send(&sink, std::mem::take(&mut batch)).await?;
        }
    }
    send(&sink, batch).await?;
    let read = tally.asked();
    let note = tally.finish()?;
    // Who was not asked about is not gone.
    Ok(ReadSummary { read, note, partial: true, ..ReadSummary::default() })
}

async fn ask(client: Arc<Client>, subject: Subject) -> (String, Result<Reply, Failure>) {
    let reply = client.ask(&subject).await;
    (subject.who, reply)
}

fn stage(who: &str, reply: Result<Reply, Failure>, batch: &mut Vec<Fact>) {
    match reply {
        Ok(Reply::Stated { etag, statements }) => batch.extend(facts(who, etag, statements)),
        Ok(Reply::Same) => {
            batch.push(Fact { who: Some(who.to_owned()), statement: Statement::Same, problem: None });
        }
        Err(failure) => batch.push(kept(who, &failure)),
    }
}

async fn send(sink: &mpsc::Sender<Record>, batch: Vec<Fact>) -> Result<(), ConnectorError> {
    if batch.is_empty() {
        return Ok(());
    }
    sink.send(Record::Facts(batch)).await.map_err(|_| ConnectorError::Stopped)
}
