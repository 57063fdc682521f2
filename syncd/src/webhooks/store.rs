//! What the database knows of webhooks: who holds them, what is due, what came of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::database::DatabaseError;

#[derive(Clone)]
pub struct Store {
    client: Arc<Client>,
    holder: Uuid,
}

/// A webhook that this daemon delivers.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub webhook_id: i32,
    pub label: String,
    pub url: String,
    pub secret: Option<Value>,
    pub allow_clear_text: bool,
}

/// Deliveries about the same go one after the other.
pub type About = (String, i64);

#[derive(Debug, Clone)]
pub struct Due {
    pub delivery_id: i64,
    pub change_id: i64,
    pub event: String,
    pub about: About,
    pub subject: String,
    pub iam: String,
    pub occurred_at: DateTime<Utc>,
    pub data: Value,
}

/// What came of a delivery.
#[derive(Debug)]
pub struct Outcome {
    pub delivery_id: i64,
    pub status: Option<u16>,
    /// None: it was taken.
    pub error: Option<String>,
    /// What the receiver asked for.
    pub pause: Option<Duration>,
}

impl Store {
    pub fn new(client: Arc<Client>, holder: Uuid) -> Self {
        Self { client, holder }
    }

    pub async fn hold(&self, lease: Duration) -> Result<Vec<Held>, DatabaseError> {
        let statement = include_str!("../../sql/webhooks/hold.sql");
        let rows = self.client.query(statement, &[&self.holder, &lease.as_secs_f64()]).await?;
        Ok(rows.iter().map(held).collect::<Result<_, _>>()?)
    }

    pub async fn release(&self) -> Result<(), DatabaseError> {
        self.client.execute(include_str!("../../sql/webhooks/release.sql"), &[&self.holder]).await?;
        Ok(())
    }

    /// Turns changes into deliveries; whether there may be more. None: the webhook is another daemon's.
    pub async fn fill(&self, webhook_id: i32) -> Result<Option<bool>, DatabaseError> {
        let statement = include_str!("../../sql/webhooks/fill.sql");
        let row = self.client.query_one(statement, &[&webhook_id, &self.holder]).await?;
        Ok(row.try_get("more")?)
    }

    pub async fn due(&self, webhook_id: i32, taken: &[i64], count: i32) -> Result<Vec<Due>, DatabaseError> {
        let statement = include_str!("../../sql/webhooks/due.sql");
        let rows = self.client.query(statement, &[&webhook_id, &self.holder, &taken, &count]).await?;
        Ok(rows.iter().map(due).collect::<Result<_, _>>()?)
    }

    pub async fn note(&self, outcomes: &[Outcome]) -> Result<(), DatabaseError> {
        let ids: Vec<i64> = outcomes.iter().map(|outcome| outcome.delivery_id).collect();
        let statuses: Vec<Option<i32>> =
            outcomes.iter().map(|outcome| outcome.status.map(i32::from)).collect();
        let errors: Vec<Option<&str>> = outcomes.iter().map(|outcome| outcome.error.as_deref()).collect();
        let pauses: Vec<Option<f64>> =
            outcomes.iter().map(|outcome| outcome.pause.map(|pause| pause.as_secs_f64())).collect();
        let statement = include_str!("../../sql/webhooks/note.sql");
        self.client.execute(statement, &[&ids, &statuses, &errors, &pauses]).await?;
        Ok(())
    }

    pub async fn retry_all(&self, webhook_id: i32) -> Result<(), DatabaseError> {
        self.client
            .execute(include_str!("../../sql/webhooks/retry.sql"), &[&webhook_id, &self.holder])
            .await?;
        Ok(())
    }

    pub async fn note_trouble(&self, webhook_id: i32, trouble: Option<&str>) -> Result<(), DatabaseError> {
        self.client.execute(include_str!("../../sql/webhooks/trouble.sql"), &[&webhook_id, &trouble]).await?;
        Ok(())
    }

    pub async fn purge(&self, webhook_id: i32) -> Result<(), DatabaseError> {
        self.client.execute(include_str!("../../sql/webhooks/purge.sql"), &[&webhook_id]).await?;
        Ok(())
    }
}

fn held(row: &Row) -> Result<Held, tokio_postgres::Error> {
    Ok(Held {
        webhook_id: row.try_get("webhook_id")?,
        label: row.try_get("label")?,
        url: row.try_get("url")?,
        secret: row.try_get("secret")?,
        allow_clear_text: row.try_get("allow_clear_text")?,
    })
}

fn due(row: &Row) -> Result<Due, tokio_postgres::Error> {
    Ok(Due {
        delivery_id: row.try_get("delivery_id")?,
        change_id: row.try_get("change_id")?,
        event: row.try_get("event")?,
        about: (row.try_get("about")?, row.try_get("about_id")?),
        subject: row.try_get("subject")?,
        iam: row.try_get("iam")?,
        occurred_at: row.try_get("occurred_at")?,
        data: row.try_get("data")?,
    })
}
