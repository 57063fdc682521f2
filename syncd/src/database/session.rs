use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use super::{DatabaseError, error::describe};

type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A connection, and what the server says on it unasked.
#[derive(Debug)]
pub struct Session {
    pub client: Arc<Client>,
    news: mpsc::Receiver<News>,
}

#[derive(Debug)]
enum News {
    Notified,
    Ended(String),
}

impl Session {
    pub(super) fn start(client: Client, connection: Connection<Socket, Stream>) -> Self {
        // One waiting notification says as much as many.
        let (sender, news) = mpsc::channel(1);
        tokio::spawn(drive(connection, sender));
        Self { client: Arc::new(client), news }
    }

    /// Returns at the next NOTIFY; the end of the connection is an error.
    pub async fn notified(&mut self) -> Result<(), DatabaseError> {
        match self.news.recv().await {
            Some(News::Notified) => Ok(()),
            Some(News::Ended(reason)) => Err(DatabaseError::Lost(reason)),
            None => Err(DatabaseError::Lost("it was closed".to_owned())),
        }
    }

    /// Returns when the connection is lost.
    pub async fn lost(&mut self) -> DatabaseError {
        loop {
            if let Err(error) = self.notified().await {
                return error;
            }
        }
    }
}

async fn drive(mut connection: Connection<Socket, Stream>, news: mpsc::Sender<News>) {
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let mut reason = "it was closed".to_owned();
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notification(_)) => drop(news.try_send(News::Notified)),
            Ok(AsyncMessage::Notice(notice)) => debug!(notice = notice.message(), "notice of the server"),
            Ok(_) => {}
            Err(error) => {
                reason = describe(&error);
                break;
            }
        }
    }
    // Whatever waits for an answer learns of the end when the connection is dropped, so that comes first.
    drop(messages);
    let _ = news.send(News::Ended(reason)).await;
}
