//! What became of an event, as the database says it and as it is answered.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio_postgres::Row;

use crate::http::Problem;

#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Of the event; calls have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub outcome: String,
    /// Why it is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What of it did not count, because something newer is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    late: Vec<String>,
    /// Profile fields of a user whose profile another source states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<String>,
    /// Whom it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<String>,
    /// What became of the event of which this is a duplicate.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
}

impl Outcome {
    pub fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let list = |name| {
            Ok::<_, tokio_postgres::Error>(row.try_get::<_, Option<Vec<String>>>(name)?.unwrap_or_default())
        };
        Ok(Self {
            id: None,
            outcome: row.try_get("outcome")?,
            reason: row.try_get("reason")?,
            late: list("late")?,
            ignored: list("ignored")?,
            waiting: list("waiting")?,
            first: row.try_get("first_outcome")?,
        })
    }

    pub fn dead(reason: String) -> Self {
        Self { outcome: "dead".to_owned(), reason: Some(reason), ..Self::plain() }
    }

    pub fn duplicate() -> Self {
        Self { outcome: "duplicate".to_owned(), ..Self::plain() }
    }

    fn plain() -> Self {
        Self {
            id: None,
            outcome: String::new(),
            reason: None,
            late: Vec::new(),
            ignored: Vec::new(),
            waiting: Vec::new(),
            first: None,
        }
    }

    pub fn of(self, id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), ..self }
    }
}

/// The answer to a request with one event.
impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let status = match self.outcome.as_str() {
            "waiting" => StatusCode::ACCEPTED,
            "dead" => {
                let reason = self.reason.unwrap_or_default();
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason).with("outcome", "dead");
                return match self.id {
                    Some(id) => problem.with("id", id).into_response(),
                    None => problem.into_response(),
                };
            }
            _ => StatusCode::OK,
        };
        (status, Json(self)).into_response()
    }
}
