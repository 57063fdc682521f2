//! Everybody in one answer, or in pages of one. Nobody is missing before the last page came to its end.

use std::collections::HashSet;

use futures_util::StreamExt;
use reqwest::header::{CONTENT_TYPE, TRANSFER_ENCODING};
use reqwest::{Response, Url, Version};
use tokio::sync::mpsc;

use super::answer::{Item, facts, kept, of_item};
use super::client::Client;
use super::error::{EndpointError, Reason};
use super::failure::Failure;
use super::items::{BadStream, Items};
use super::link;
use crate::config::endpoint::{EndpointConfig, Wanted};
use crate::connector::{ConnectorError, ReadSummary};
use crate::record::{Fact, Record, Statement};
use crate::secret::Secrets;

const BATCH: usize = 256;
/// So many pages without anybody, and it is taken for a circle that nobody sees.
const EMPTY_PAGES: u64 = 100;

pub(super) async fn read(
    config: &EndpointConfig,
    secrets: &Secrets,
    sink: mpsc::Sender<Record>,
) -> Result<ReadSummary, ConnectorError> {
    let client = Client::new(config, secrets)?;
    let mut read = Read { wanted: config.wanted, sink, batch: Vec::new(), users: 0, unreadable: 0 };
    let mut seen = HashSet::new();
    let mut empty = 0;
    let mut next = Some(config.url.clone());
    for page in 1.. {
        let Some(url) = next.take() else { break };
        if !seen.insert(url.as_str().to_owned()) {
            return Err(EndpointError::Circle { page: page - 1 }.into());
        }
        let failed = |failure| EndpointError::Page { page, reason: Reason(failure) };
        let response = client.page(&url).await.map_err(failed)?;
        next = following(&response, &url, page)?;
        let before = read.items();
        read.page(&client, response).await?.map_err(failed)?;
        empty = if read.items() == before { empty + 1 } else { 0 };
        if empty >= EMPTY_PAGES {
            return Err(EndpointError::Endless { pages: empty, read: read.users }.into());
        }
    }
    read.finish().await
}

/// On the same server only: it gets our credentials.
fn following(response: &Response, url: &Url, page: u64) -> Result<Option<Url>, EndpointError> {
    let Some(link) = link::next(response.headers()) else { return Ok(None) };
    let next = url.join(&link).ok().filter(|next| next.origin() == url.origin());
    next.map(Some).ok_or(EndpointError::Elsewhere { page })
}

struct Read {
    wanted: Wanted,
    sink: mpsc::Sender<Record>,
    batch: Vec<Fact>,
    users: u64,
    /// Items of which nobody can tell whom they mean.
    unreadable: u64,
}

impl Read {
    fn items(&self) -> u64 {
        self.users + self.unreadable
    }

    /// Outside: the pipeline is gone. Inside: the page is not what it should be.
    async fn page(
        &mut self,
        client: &Client,
        response: Response,
    ) -> Result<Result<(), Failure>, ConnectorError> {
        let ends_well = tells_its_end(&response);
        let mut items = Items::new(is_ndjson(&response));
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => return Ok(Err(client.broken(error))),
            };
            if let Err(bad) = items.push(&piece, |item| self.take(of_item(item, self.wanted))) {
                return Ok(Err(failure(bad)));
            }
            if self.batch.len() >= BATCH {
                self.send().await?;
            }
        }
        if let Err(bad) = items.finish() {
            return Ok(Err(failure(bad)));
        }
        if !ends_well && !items.is_closed() {
            let message =
                "the answer has no length: lines without Content-Length or chunks may have been cut off";
            return Ok(Err(Failure::Content(message.to_owned())));
        }
        Ok(Ok(()))
    }

    fn take(&mut self, item: Item) {
        let Some(who) = item.who else {
            self.unreadable += 1;
            let problem = "the item has no userid that could be read".to_owned();
            self.batch.push(Fact { who: None, statement: Statement::Kept, problem: Some(problem) });
            return;
        };
        self.users += 1;
        match item.statements {
            Ok(statements) => self.batch.extend(facts(&who, None, statements)),
            Err(failure) => self.batch.push(kept(&who, &failure)),
        }
    }

    async fn send(&mut self) -> Result<(), ConnectorError> {
        let batch = std::mem::take(&mut self.batch);
        self.sink.send(Record::Facts(batch)).await.map_err(|_| ConnectorError::Stopped)
    }

    async fn finish(mut self) -> Result<ReadSummary, ConnectorError> {
        if self.users == 0 && self.unreadable > 0 {
            return Err(EndpointError::NoUserIds { items: self.unreadable }.into());
        }
        if !self.batch.is_empty() {
            self.send().await?;
        }
        let note = (self.unreadable > 0)
            .then(|| format!("nobody was removed, because {} items had no readable userid", self.unreadable));
        Ok(ReadSummary { read: self.items(), note, partial: self.unreadable > 0, ..ReadSummary::default() })
    }
}

fn failure(bad: BadStream) -> Failure {
    Failure::Content(bad.to_string())
}

fn is_ndjson(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"]
        .iter()
        .any(|known| media.eq_ignore_ascii_case(known))
}

/// Whether a broken connection can be told from the end.
fn tells_its_end(response: &Response) -> bool {
    response.version() == Version::HTTP_2
        || response.content_length().is_some()
        || response.headers().contains_key(TRANSFER_ENCODING)
}
