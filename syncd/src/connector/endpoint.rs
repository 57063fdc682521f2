//! An HTTP endpoint that knows groups and attributes of users, asked about each of them or for all at once.
//!
//! Whom to ask about is known to the database only: the pipeline says it (`about`) before the read.

use tokio::sync::mpsc;

use super::{CheckStep, Connector, ConnectorError, ReadSummary};
use crate::config::endpoint::{EndpointConfig, Mode};
use crate::record::Record;
use crate::secret::Secrets;

mod answer;
mod auth;
mod bulk;
mod check;
mod client;
mod error;
mod failure;
mod items;
mod link;
mod per_user;
mod subjects;
mod tally;

pub use error::EndpointError;
pub use subjects::Subjects;

#[derive(Debug)]
pub struct EndpointSource {
    config: EndpointConfig,
    secrets: Secrets,
    subjects: Subjects,
}

impl EndpointSource {
    pub fn new(config: EndpointConfig, secrets: Secrets) -> Self {
        Self { config, secrets, subjects: Subjects::default() }
    }

    pub fn about(self, subjects: Subjects) -> Self {
        Self { subjects, ..self }
    }

    pub fn asks_about_users(&self) -> bool {
        self.config.mode == Mode::PerUser
    }
}

impl Connector for EndpointSource {
    async fn read(self, sink: mpsc::Sender<Record>) -> Result<ReadSummary, ConnectorError> {
        match self.config.mode {
            Mode::PerUser => per_user::read(&self.config, &self.secrets, self.subjects, sink).await,
            Mode::Bulk => bulk::read(&self.config, &self.secrets, sink).await,
        }
    }

    async fn check(&self) -> Vec<CheckStep> {
        check::check(&self.config, &self.secrets, &self.subjects).await
    }
}
