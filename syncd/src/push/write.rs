//! The one call of the database that takes an event.

use axum::http::StatusCode;
use tokio_postgres::error::SqlState;

use super::event::Event;
use super::outcome::Outcome;
use crate::database::{Client, DatabaseError};
use crate::http::{ApiCaller, Problem};

/// How often an event is tried again that others came before.
const TRIES: usize = 10;

/// Whose events are written, on which connection.
#[derive(Debug)]
pub struct Writer<'w> {
    pub client: &'w Client,
    pub source_id: i32,
    pub caller: &'w ApiCaller,
}

impl<'w> Writer<'w> {
    pub fn new(client: &'w Client, caller: &'w ApiCaller) -> Result<Self, Problem> {
        // The gate lets no key in that has no source.
        let source_id = caller.source_id.ok_or_else(|| Problem::from(crate::http::Refusal::fault()))?;
        Ok(Self { client, source_id, caller })
    }

    /// Another transaction in the way, as by a deadlock, is no reason to fail: nothing of the event has happened yet.
    pub async fn write(&self, event: &Event, webhook_id: Option<&str>) -> Result<Outcome, Problem> {
        let is_call = event.id.is_empty();
        let mut tries = 1;
        loop {
            match self.write_once(event, is_call, webhook_id).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => {
                    if error.code() == Some(&SqlState::UNDEFINED_OBJECT) {
                        let detail = "the source of the API key was dropped";
                        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
                    }
                    let error = DatabaseError::from(error);
                    if !error.is_worth_repeating() || tries == TRIES {
                        return Err(error.into());
                    }
                    tries += 1;
                }
            }
        }
    }

    async fn write_once(
        &self,
        event: &Event,
        is_call: bool,
        webhook_id: Option<&str>,
    ) -> Result<Outcome, tokio_postgres::Error> {
        let statement = self.client.prepare_cached(include_str!("../../sql/push/event.sql")).await?;
        let (origin, id) = if is_call { (None, None) } else { (Some(&event.origin), Some(&event.id)) };
        let row = self
            .client
            .query_one(
                &statement,
                &[
                    &self.source_id,
                    &self.caller.label,
                    &origin,
                    &id,
                    &event.kind,
                    &event.subject,
                    &event.time,
                    &event.data,
                    &webhook_id,
                    &event.problem,
                ],
            )
            .await?;
        Outcome::from_row(&row)
    }
}
