//! Configuration of a `table` source. The database words the statements that read a table, here or elsewhere, and checks
//! the keys that they depend on: the daemon has to know only where the table is.

use serde::Deserialize;
use serde_json::Value;

use super::{ConfigError, keys};
use crate::secret::SecretRef;

#[derive(Debug, Clone, Deserialize)]
pub struct TableConfig {
    /// A PostgreSQL URL; `None`: the table is in the roster's own database.
    pub connection: Option<SecretRef>,
    /// `None`: a query is read.
    pub relation: Option<String>,
}

impl TableConfig {
    pub fn parse(config: &Value) -> Result<Self, ConfigError> {
        keys(config)
    }
}
