//! LDAP directories as sources: OpenLDAP, Active Directory, 389-DS and others.
//!
//! Reading everything takes three passes over the directory (`read`):
//! 1. the name and immutable id of every group, so that nesting can be resolved in whatever order;
//! 2. the users, each sent on as soon as it is read;
//! 3. the groups with their members, resolved to immutable ids at once, range by range.
//!
//! What stays in memory between them is one small slot per entry (`names`). Reading changes (`incremental`) asks for single
//! entries. Both make records of entries in the same way (`assemble`).

use std::convert::Infallible;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Notify, mpsc};

use super::{CheckStep, Connector, ConnectorError, Memory, ReadSummary, text};
use crate::config::ldap::LdapConfig;
use crate::record::Record;
use crate::secret::Secrets;

mod aside;
mod assemble;
mod changes;
mod check;
mod connection;
mod discover;
pub mod dn;
mod entry;
mod error;
mod extended;
mod fetch;
mod incremental;
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
mod run;
mod search;
mod servers;

pub use discover::{DiscoverError, Proposal, discover};
pub use error::LdapSourceError;

#[derive(Debug, Clone)]
pub struct LdapSource {
    config: LdapConfig,
    secrets: Secrets,
    /// Without it everything is read.
    memory: Option<Arc<dyn Memory>>,
}

impl LdapSource {
    pub fn new(config: LdapConfig, secrets: Secrets) -> Self {
        Self { config, secrets, memory: None }
    }

    /// With what it stated before, only what changed need be read.
    pub fn about(self, memory: Arc<dyn Memory>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// Notifies whenever something changed since the cursor, until the connection breaks.
    pub async fn watch(&self, since: &Value, changed: &Notify) -> Result<Infallible, LdapSourceError> {
        run::watch(&self.config, &self.secrets, since, changed).await
    }
}

impl Connector for LdapSource {
    async fn read(self, sink: mpsc::Sender<Record>) -> Result<ReadSummary, ConnectorError> {
        run::read(&self.config, &self.secrets, self.memory, sink).await
    }

    async fn check(&self) -> Vec<CheckStep> {
        check::check(&self.config, &self.secrets).await
    }
}
