use tokio_postgres::error::SqlState;

pub use crate::postgres::describe;

use crate::postgres::AddressError;

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("cannot connect to PostgreSQL at {place}: {reason}")]
    Unreachable { place: String, reason: String },
    #[error("the connection to PostgreSQL was lost: {0}")]
    Lost(String),
    #[error("all connections to PostgreSQL are in use; --pool-size allows more of them")]
    Busy,
    #[error("{message}")]
    Statement { message: String, code: Option<SqlState>, closed: bool },
}

impl DatabaseError {
    pub fn unreachable(place: &str, error: &tokio_postgres::Error) -> Self {
        Self::Unreachable { place: place.to_owned(), reason: describe(error) }
    }

    /// Another transaction was in the way: the same statement succeeds when it is repeated.
    pub fn is_worth_repeating(&self) -> bool {
        self.has_code(&SqlState::T_R_SERIALIZATION_FAILURE) || self.has_code(&SqlState::T_R_DEADLOCK_DETECTED)
    }

    /// The role lacks the right.
    pub fn is_denied(&self) -> bool {
        self.has_code(&SqlState::INSUFFICIENT_PRIVILEGE)
    }

    pub fn is_cancelled(&self) -> bool {
        self.has_code(&SqlState::QUERY_CANCELED)
    }

    /// The connection is gone, and nothing more can be done on it.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost(_) => true,
            Self::Statement { closed, code, .. } => {
                *closed || code.as_ref().is_some_and(|code| code.code().starts_with("57P"))
            }
            _ => false,
        }
    }

    /// The server cannot do it at present: no connection is left, it is full, or a standby.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Statement { code: Some(code), .. } => {
                code.code().starts_with("53") || *code == SqlState::READ_ONLY_SQL_TRANSACTION
            }
            _ => false,
        }
    }

    /// A time limit of the role or the database ended the statement, nothing was done.
    pub fn is_out_of_time(&self) -> bool {
        self.has_code(&SqlState::LOCK_NOT_AVAILABLE) || self.has_code(&SqlState::QUERY_CANCELED)
    }

    fn has_code(&self, wanted: &SqlState) -> bool {
        matches!(self, Self::Statement { code: Some(code), .. } if code == wanted)
    }
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Statement {
            message: describe(&error),
            code: error.code().cloned(),
            closed: error.is_closed() || error.as_db_error().is_none() && is_io(&error),
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}
