//! What can go wrong with a table in another database, and what to do about it.

use crate::postgres::AddressError;
use crate::secret::{SecretError, SecretRef};

#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{secret} holds no connection that can be used: {error}")]
    Address { secret: SecretRef, error: AddressError },
    #[error("cannot connect to PostgreSQL at {place}: {reason}")]
    Unreachable { place: String, reason: String },
    #[error("{place} refused to be read: {message}")]
    Refused { place: String, message: String },
    #[error("{place} stopped answering after {read} rows ({message})")]
    Broken { place: String, read: u64, message: String },
    #[error("{place} answered something that cannot be taken: {message}")]
    Shape { place: String, message: String },
    /// Found before anything was read, one for each column.
    #[error("the table at {place} is not as the configuration says: {}", .errors.join("; "))]
    Schema { place: String, errors: Vec<String> },
}

impl TableError {
    /// The whole sentence for a run that failed because of this.
    pub fn in_a_run(&self) -> String {
        let remedy = self.remedy().map(|remedy| format!(": {remedy}")).unwrap_or_default();
        format!("{self}; nothing was changed{remedy}")
    }

    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Secret(_) | Self::Address { .. } | Self::Broken { .. } | Self::Shape { .. } => None,
            Self::Unreachable { .. } => {
                Some("check host, port, account and password of the connection, and sslmode and sslrootcert")
            }
            Self::Refused { .. } => Some("check relation or query, and that the account may SELECT from it"),
            Self::Schema { .. } => Some("check the columns that the configuration names"),
        }
    }
}
