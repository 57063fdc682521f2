//! OpenLDAP as a source: full reads, users and groups, membership by `member`.
//!
//! One read is three passes over the directory:
//! 1. the name and immutable id of every group, so that nesting can be resolved in whatever order;
//! 2. the users, each sent on as soon as it is read;
//! 3. the groups with their members, resolved by name to immutable ids at once.
//!
//! What stays in memory between them is one small slot per entry (`names`).

use tokio::sync::mpsc;

use super::{CheckStep, Connector, ConnectorError, ReadSummary, text};
use crate::config::ldap::LdapConfig;
use crate::record::Record;
use crate::secret::Secrets;

mod aside;
mod assemble;
mod check;
mod connection;
mod discover;
pub mod dn;
mod entry;
mod error;
mod extended;
mod mapping;
mod members;
mod memberships;
mod modes;
mod names;
mod note;
mod primary;
mod probe;
mod ranges;
mod read;
mod refusal;
mod root_dse;
mod search;
mod servers;

pub use discover::{DiscoverError, Proposal, discover};
pub use error::LdapSourceError;

#[derive(Debug, Clone)]
pub struct LdapSource {
    config: LdapConfig,
    secrets: Secrets,
}

impl LdapSource {
    pub fn new(config: LdapConfig, secrets: Secrets) -> Self {
        Self { config, secrets }
    }
}

impl Connector for LdapSource {
    async fn read(self, sink: mpsc::Sender<Record>) -> Result<ReadSummary, ConnectorError> {
        read::read(&self.config, &self.secrets, sink).await
    }

    async fn check(&self) -> Vec<CheckStep> {
        check::check(&self.config, &self.secrets).await
    }
}
