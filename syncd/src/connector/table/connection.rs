//! A connection to a database that is not ours, within one read-only transaction.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, RowStream};

use super::error::TableError;
use crate::postgres::{Target, describe};
use crate::secret::{SecretRef, Secrets};
use crate::task::Owned;

const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// A server that vanished without a word is noticed after three times this.
const SILENCE: Duration = Duration::from_secs(20);
const LAST_WORDS: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    pub place: String,
    pub verified: bool,
    client: Client,
    /// Why the connection ended, when it has.
    end: tokio::sync::Mutex<Option<oneshot::Receiver<String>>>,
    _driver: Owned<()>,
}

impl Connection {
    pub(super) async fn open(secret: &SecretRef, secrets: &Secrets) -> Result<Self, TableError> {
        let url = secrets.resolve(secret)?;
        let address = |error| TableError::Address { secret: secret.clone(), error };
        let mut target = Target::parse(url.expose_secret()).map_err(address)?;
        target
            .config
            .connect_timeout(LONGEST_CONNECT)
            .keepalives_idle(SILENCE)
            .keepalives_interval(SILENCE)
            .keepalives_retries(2)
            .tcp_user_timeout(3 * SILENCE);
        let tls = target.tls().map_err(address)?;
        let place = target.place();
        let unreachable = |reason| TableError::Unreachable { place: place.clone(), reason };
        let connecting = tokio::time::timeout(LONGEST_CONNECT, target.config.connect(tls));
        let (client, connection) = connecting
            .await
            .map_err(|_| unreachable(format!("no answer within {} s", LONGEST_CONNECT.as_secs())))?
            .map_err(|error| unreachable(describe(&error)))?;
        let (tell, end) = oneshot::channel();
        let driver = Owned::spawn(async move {
            if let Err(error) = connection.await {
                let _ = tell.send(describe(&error));
            }
        });
        let end = tokio::sync::Mutex::new(Some(end));
        let opened = Self { place, verified: target.verify, client, end, _driver: driver };
        let begun = opened.client.batch_execute(include_str!("../../../sql/foreign_begin.sql")).await;
        begun.map_err(|error| opened.refused(&error))?;
        Ok(opened)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) async fn query(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, TableError> {
        self.client.query(statement, parameters).await.map_err(|error| self.refused(&error))
    }

    /// As they arrive: a slow reader slows the server down.
    pub(super) async fn rows(&self, statement: &str) -> Result<RowStream, TableError> {
        let none: [&str; 0] = [];
        self.client.query_raw(statement, none).await.map_err(|error| self.refused(&error))
    }

    pub(super) async fn close(&self) -> Result<(), TableError> {
        let ended = self.client.batch_execute(include_str!("../../../sql/foreign_end.sql")).await;
        ended.map_err(|error| self.refused(&error))
    }

    pub(super) fn refused(&self, error: &Error) -> TableError {
        TableError::Refused { place: self.place.clone(), message: describe(error) }
    }

    pub(super) fn shape(&self, error: &Error) -> TableError {
        TableError::Shape { place: self.place.clone(), message: describe(error) }
    }

    pub(super) fn shape_of(&self, message: &str) -> TableError {
        TableError::Shape { place: self.place.clone(), message: message.to_owned() }
    }

    /// The connection knows why it ended, the statement only that it did.
    pub(super) async fn broken(&self, error: &Error, read: u64) -> TableError {
        let mut message = describe(error);
        if error.is_closed()
            && let Some(end) = self.end.lock().await.take()
            && let Ok(Ok(reason)) = tokio::time::timeout(LAST_WORDS, end).await
        {
            message = reason;
        }
        TableError::Broken { place: self.place.clone(), read, message }
    }
}
