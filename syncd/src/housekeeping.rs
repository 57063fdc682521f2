//! What no source brings: facts whose time is over are closed, and changes get their numbers. Views do not
//! wait for it, the change feed does.

use std::time::Duration;

use tracing::{info, warn};

use crate::database::{DatabaseError, Session};
use crate::pipeline::Surroundings;

const EVERY: Duration = Duration::from_secs(5);

/// On a connection of its own, because closing a fact may have to wait for a run that is being applied.
pub async fn run(around: Surroundings) {
    let mut session = None;
    loop {
        match tidy(&around, &mut session).await {
            Ok(0) => {}
            Ok(expired) => info!(expired, "facts whose time was over were closed"),
            Err(error) => {
                // The scheduler says that PostgreSQL is gone.
                if !error.is_closed() {
                    warn!(%error, "facts whose time is over could not be closed");
                }
                session = None;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = around.shutdown.requested() => return,
        }
    }
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
