//! What no source brings: facts whose time is over are closed, and changes get their numbers. Views do not
//! wait for it, the change feed does. Logs are kept small.

use std::time::Duration;

use tracing::{info, warn};

use crate::database::{DatabaseError, Session};
use crate::pipeline::Surroundings;

const EVERY: Duration = Duration::from_secs(5);
/// Of the rounds: every minute.
const PURGE_EVERY: u32 = 12;
/// In one round.
const MOST_RETRIES: usize = 100;

/// On a connection of its own, because closing a fact may have to wait for a run that is being applied.
pub async fn run(around: Surroundings) {
    let mut session = None;
    let mut round = 0u32;
    loop {
        match tidy(&around, &mut session).await {
            Ok(0) => {}
            Ok(expired) => info!(expired, "facts whose time was over were closed"),
            Err(error) => {
                complain(&error, "facts whose time is over could not be closed");
                session = None;
            }
        }
        if let Err(error) = retry_waiting(&around, session.as_ref()).await {
            complain(&error, "events that waited for their subject could not be applied");
            session = None;
        }
        if round.is_multiple_of(PURGE_EVERY)
            && let Err(error) = purge(&around, session.as_ref()).await
        {
            complain(&error, "the log of refused requests or ids of events could not be purged");
            session = None;
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = around.shutdown.requested() => return,
        }
    }
}

/// The scheduler says that PostgreSQL is gone.
fn complain(error: &DatabaseError, what: &str) {
    if !error.is_closed() {
        warn!(%error, "{what}");
    }
}

async fn purge(around: &Surroundings, session: Option<&Session>) -> Result<(), DatabaseError> {
    let Some(session) = session else { return Ok(()) };
    tokio::select! {
        purged = session.client.execute(include_str!("../sql/purge_scim_log.sql"), &[]) => purged?,
        () = around.shutdown.requested() => 0,
    };
    tokio::select! {
        purged = session.client.execute(include_str!("../sql/push/purge.sql"), &[]) => purged?,
        () = around.shutdown.requested() => 0,
    };
    Ok(())
}

/// Some in each transaction, until none is left whose subject is there.
async fn retry_waiting(around: &Surroundings, session: Option<&Session>) -> Result<(), DatabaseError> {
    let Some(session) = session else { return Ok(()) };
    for _ in 0..MOST_RETRIES {
        let row = tokio::select! {
            row = session.client.query_one(include_str!("../sql/push/retry.sql"), &[]) => row?,
            () = around.shutdown.requested() => return Ok(()),
        };
        match row.try_get::<_, i64>("tried")? {
            0 => return Ok(()),
            tried => info!(tried, "events that waited for their subject were looked at again"),
        }
    }
    Ok(())
}

async fn tidy(around: &Surroundings, session: &mut Option<Session>) -> Result<i64, DatabaseError> {
    if session.is_none() {
        *session = Some(around.database.connect().await?);
    }
    let Some(session) = session.as_ref() else { return Ok(0) };
    let row = tokio::select! {
        row = session.client.query_one(include_str!("../sql/housekeeping.sql"), &[]) => row?,
        () = around.shutdown.requested() => return Ok(0),
    };
    Ok(row.try_get("expired")?)
}
