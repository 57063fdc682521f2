//! One source kind is one file behind one small trait. Connectors know `record` and their own
//! configuration, never the database.

use serde::Serialize;
use tokio::sync::mpsc;

use crate::record::{Kind, Record};

pub mod endpoint;
pub mod ldap;
mod memory;
pub mod table;
mod text;
mod tls;

pub use memory::{Answer, Containers, Memory};

/// A reader of one source. It reads everything there is, once, and is used up by it.
pub trait Connector: Send {
    /// Streams every entry into `sink`. `Ok` means that everything was read to the end: anything less
    /// is an error, because what is missing from a complete read is taken for removed. A source that can
    /// tell what changed streams that, and says so (`partial`).
    fn read(
        self,
        sink: mpsc::Sender<Record>,
    ) -> impl Future<Output = Result<ReadSummary, ConnectorError>> + Send;

    /// Goes through the configuration step by step and says what works. Changes nothing.
    fn check(&self) -> impl Future<Output = Vec<CheckStep>> + Send;
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSummary {
    /// Entries read, quarantined ones included.
    pub read: u64,
    /// A sentence for the run's message, if there is something to say.
    pub note: Option<String>,
    /// Who was not mentioned was not asked about, and is not gone.
    pub partial: bool,
    /// Of these kinds everyone who is there was mentioned, although the read is partial.
    pub swept: Vec<Kind>,
    /// Where the next run goes on; `None` where everything is read each time.
    pub cursor: Option<serde_json::Value>,
    pub containers: Containers,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    #[error("{}", .0.in_a_run())]
    Ldap(ldap::LdapSourceError),
    #[error("{}", .0.in_a_run())]
    Endpoint(#[from] endpoint::EndpointError),
    #[error("{}", .0.in_a_run())]
    Table(#[from] table::TableError),
    /// What the source stated before could not be asked for.
    #[error("the database could not be asked: {0}")]
    Memory(String),
    /// The pipeline went away (it failed or was cancelled): it knows why.
    #[error("the read was stopped before its end")]
    Stopped,
}

impl ConnectorError {
    /// The source does not want these credentials: more attempts may lock the account.
    pub fn credentials_refused(&self) -> bool {
        matches!(self, Self::Ldap(error) if error.credentials_refused())
    }
}

impl From<ldap::LdapSourceError> for ConnectorError {
    fn from(error: ldap::LdapSourceError) -> Self {
        Self::Ldap(error)
    }
}

/// One step of `syncd check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckStep {
    pub step: String,
    pub state: CheckState,
    /// What was found, as a sentence.
    pub message: String,
    /// What to do about a failed step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// A sample entry and how it would be mapped, where the step has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    Ok,
    /// It works, and still somebody should look at it.
    Warning,
    Failed,
    /// An earlier step failed.
    Skipped,
}
