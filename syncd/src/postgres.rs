//! The way to a PostgreSQL, the roster's own or another: connection strings, TLS, and what the server says.

mod target;
mod tls;

pub use target::Target;

#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error(
        "the connection string is not understood: {0}; it looks like postgres://user@host:5432/database?sslmode=require"
    )]
    ConnectionString(String),
    #[error("no usable TLS for the connection to PostgreSQL: {0}")]
    Tls(String),
}

/// What the server said, with its detail and hint: the driver itself only says "db error".
pub fn describe(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        return match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
    };
    let mut text = said.message().to_owned();
    if let Some(detail) = said.detail() {
        text.push_str(" (");
        text.push_str(detail.trim_end_matches('.'));
        text.push(')');
    }
    if let Some(hint) = said.hint() {
        text.push_str("; hint: ");
        text.push_str(hint);
    }
    text
}
