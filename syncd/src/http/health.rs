//! What a load balancer asks. Anybody may, so nothing is told that helps an attacker.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio_postgres::error::SqlState;
use tracing::debug;

use super::state::HttpState;
use crate::check::API_VERSION;
use crate::database::DatabaseError;

/// A database that hangs serves nobody. Whoever asks gives up as well some time.
const LONGEST_ANSWER: Duration = Duration::from_secs(3);

/// The process lives.
pub async fn healthz() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// Requests can be served: the database is there and speaks the language of this daemon.
pub async fn readyz(State(state): State<HttpState>) -> Response {
    let reason = match tokio::time::timeout(LONGEST_ANSWER, interface(&state)).await {
        Ok(Ok(API_VERSION)) => return Json(json!({"status": "ready"})).into_response(),
        Ok(Ok(version)) => {
            format!("this syncd speaks version {API_VERSION} of the interface, the database {version}")
        }
        Ok(Err(error)) => {
            debug!(%error, "not ready");
            reason(&error).to_owned()
        }
        Err(_) => format!("the database does not answer within {} s", LONGEST_ANSWER.as_secs()),
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "unavailable", "reason": reason})))
        .into_response()
}

async fn interface(state: &HttpState) -> Result<i32, DatabaseError> {
    let client = state.pool.get().await?;
    let row = client.query_one(include_str!("../../sql/api_version.sql"), &[]).await?;
    Ok(row.try_get("version")?)
}

fn reason(error: &DatabaseError) -> &'static str {
    match error {
        DatabaseError::Busy => "all connections to the database are in use",
        DatabaseError::Statement { code: Some(code), .. }
            if [SqlState::INVALID_SCHEMA_NAME, SqlState::UNDEFINED_FUNCTION].contains(code) =>
        {
            "pg_roster is not installed in the database"
        }
        error if error.is_closed() => "the database cannot be reached",
        _ => "the database refuses; the log of syncd has the reason at level debug",
    }
}
