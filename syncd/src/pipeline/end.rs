//! A run that did not get to its end is recorded as such, as far as that is still possible. Where it is
//! not, the next run of the source finds it without an owner and says so.

use std::time::Duration;

use tokio_postgres::Client;
use tracing::warn;

use crate::apply::{self, Ending};
use crate::database::DatabaseError;

use super::{RunError, Surroundings};

/// A cancelled run has to be recorded within a few seconds, or not at all.
pub const LAST_WORDS: Duration = Duration::from_millis(1500);
/// A restart of PostgreSQL takes a few seconds.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

pub fn ending(error: &RunError) -> Ending {
    let failed = |message| Ending { state: "failed", message, interrupted: false, hold: false };
    match error {
        RunError::Cancelled => {
            Ending { state: "cancelled", interrupted: true, ..failed("stopped by a signal".to_owned()) }
        }
        RunError::Stopped { state, message } => Ending { state, ..failed(message.clone()) },
        // Nobody of this process asked for it.
        RunError::Database(error) if error.is_cancelled() => failed(format!("{error}; hint: {TOO_SHORT}")),
        RunError::Connector(refused) if refused.credentials_refused() => {
            Ending { hold: true, ..failed(refused.to_string()) }
        }
        error => failed(error.to_string()),
    }
}

const TOO_SHORT: &str = "the daemon's role or database has a statement_timeout that is too short for this source, \
    which ALTER ROLE ... SET statement_timeout = 0 lifts, or somebody cancelled the statement";

pub async fn record(client: &Client, run_id: i64, ending: &Ending) {
    let recorded = tokio::time::timeout(LAST_WORDS, async {
        match apply::end_run(client, run_id, ending).await {
            // The cancel request meant for the statement before hit this one.
            Err(error) if error.is_cancelled() => apply::end_run(client, run_id, ending).await,
            result => result,
        }
    });
    match recorded.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(run_id, %error, "the end of the run could not be recorded"),
        Err(_) => warn!(run_id, "the end of the run could not be recorded in time"),
    }
}

/// Whoever asks for the source once this run is over gets it. Without a connection there is nothing to release.
pub async fn release(client: &Client) {
    let statement = client.batch_execute(include_str!("../../sql/release.sql"));
    if let Ok(Err(error)) = tokio::time::timeout(LAST_WORDS, statement).await
        && !client.is_closed()
    {
        warn!(%error, "the source stays claimed until the connection closes");
    }
}

/// On a new connection, because that of the run is gone.
pub async fn record_anew(around: &Surroundings, run_id: i64, message: &str) {
    let ending = Ending { state: "failed", message: message.to_owned(), interrupted: true, hold: false };
    let recorded = tokio::select! {
        recorded = try_for_a_while(around, run_id, &ending) => recorded,
        () = around.shutdown.requested() => return,
    };
    if let Err(error) = recorded {
        warn!(run_id, %error, "the end of the run could not be recorded");
    }
}

async fn try_for_a_while(around: &Surroundings, run_id: i64, ending: &Ending) -> Result<(), DatabaseError> {
    for _ in 1..ATTEMPTS {
        if once(around, run_id, ending).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    once(around, run_id, ending).await
}

async fn once(around: &Surroundings, run_id: i64, ending: &Ending) -> Result<(), DatabaseError> {
    let session = around.database.connect().await?;
    apply::end_run(&session.client, run_id, ending).await
}
