//! Connections to PostgreSQL. What goes wrong is told without the password of the connection string.

mod error;
mod target;
mod tls;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::{debug, warn};

pub use error::DatabaseError;
use target::Target;

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

/// Hears of NOTIFY. The end of the stream is the end of the connection.
pub type Notifications = mpsc::Receiver<()>;

impl Database {
    pub fn from_url(url: &str) -> Result<Self, DatabaseError> {
        let target = Target::parse(url)?;
        let tls = tls::connector(&target)?;
        Ok(Self { place: target.place(), config: target.config, tls })
    }

    /// Host, port and database name, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub async fn connect(&self) -> Result<Client, DatabaseError> {
        self.connect_listening().await.map(|(client, _)| client)
    }

    pub async fn connect_listening(&self) -> Result<(Client, Notifications), DatabaseError> {
        let (client, connection) = self
            .config
            .connect(self.tls.clone())
            .await
            .map_err(|error| DatabaseError::unreachable(&self.place, &error))?;
        // One waiting hint says as much as many.
        let (hint, notifications) = mpsc::channel(1);
        tokio::spawn(drive(connection, hint));
        Ok((client, notifications))
    }

    /// Asks the server to stop what it is doing on the connection that the token belongs to.
    pub async fn cancel(&self, token: &CancelToken) {
        if let Err(error) = token.cancel_query(self.tls.clone()).await {
            debug!(error = %error::describe(&error), "the cancel request did not get through");
        }
    }
}

type Stream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream;

async fn drive(mut connection: Connection<Socket, Stream>, hint: mpsc::Sender<()>) {
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notification(_)) => drop(hint.try_send(())),
            Ok(AsyncMessage::Notice(notice)) => debug!(notice = notice.message(), "notice of the server"),
            Ok(_) => {}
            Err(error) => {
                warn!(error = %error::describe(&error), "the connection to PostgreSQL ended");
                return;
            }
        }
    }
}
