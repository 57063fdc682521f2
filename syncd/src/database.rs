//! Connections to PostgreSQL. What goes wrong is told without the password of the connection string.

mod error;
mod pool;
mod session;

use std::time::Duration;

use tokio_postgres::CancelToken;
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use crate::postgres::Target;

pub use error::DatabaseError;
pub use pool::{Client, Pool};
pub use session::Session;

/// A server that vanished without a word is noticed after this time.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
const LONGEST_CANCEL: Duration = Duration::from_millis(500);

/// Where the roster lives and how to get there. Cheap to clone, connects on demand.
#[derive(Clone)]
pub struct Database {
    config: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    place: String,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Database").field(&self.place).finish()
    }
}

impl Database {
    pub fn from_url(url: &str) -> Result<Self, DatabaseError> {
        let mut target = Target::parse(url)?;
        // Ours alone: another server must not get it.
        if target.config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            target.config.password(password);
        }
        let tls = target.tls()?;
        Ok(Self { place: target.place(), config: target.config, tls })
    }

    /// Host, port and database name, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub async fn connect(&self) -> Result<Session, DatabaseError> {
        match tokio::time::timeout(LONGEST_CONNECT, self.open()).await {
            Ok(session) => session,
            Err(_) => Err(DatabaseError::Unreachable {
                place: self.place.clone(),
                reason: format!("no answer within {} s", LONGEST_CONNECT.as_secs()),
            }),
        }
    }

    async fn open(&self) -> Result<Session, DatabaseError> {
        let mut config = self.config.clone();
        config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        let (client, connection) = config
            .connect(self.tls.clone())
            .await
            .map_err(|error| DatabaseError::unreachable(&self.place, &error))?;
        let session = Session::start(client, connection);
        session.client.batch_execute(include_str!("../sql/session.sql")).await?;
        Ok(session)
    }

    /// Asks the server to stop what it is doing on the connection that the token belongs to.
    pub async fn cancel(&self, token: &CancelToken) {
        match tokio::time::timeout(LONGEST_CANCEL, token.cancel_query(self.tls.clone())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                debug!(error = %error::describe(&error), "the cancel request did not get through");
            }
            Err(_) => debug!("the cancel request took too long"),
        }
    }
}
