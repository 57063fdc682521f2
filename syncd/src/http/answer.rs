//! What is answered below /scim: `application/scim+json`, whatever happens. Handlers return
//! `Result<Answer, Refusal>`.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use roster_scim::error::{ScimError, ScimType};
use serde::Serialize;
use tracing::{error, warn};

use crate::database::DatabaseError;

const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");
const DATABASE_AWAY_SECONDS: u64 = 5;
const CONFLICT_SECONDS: u64 = 1;

/// An answer that is no error.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    dropped: BTreeSet<String>,
}

impl Answer {
    pub fn json(status: StatusCode, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => Self::streamed(status, Body::from(text)),
            Err(error) => {
                error!(%error, "an answer cannot be written as JSON");
                Self::streamed(StatusCode::INTERNAL_SERVER_ERROR, Body::empty())
            }
        }
    }

    pub fn ok(value: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// Without a body: 204, 304.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Body::empty(), dropped: BTreeSet::new() }
    }

    /// The body is JSON that comes piece by piece. An error in it cuts the connection.
    pub fn streamed(status: StatusCode, body: Body) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, SCIM_JSON)]);
        Self { status, headers, body, dropped: BTreeSet::new() }
    }

    /// A value that no header can hold is left out.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The version of a resource, as `meta.version` tells it.
    pub fn with_etag(self, version: i64) -> Self {
        self.with_header(header::ETAG, &format!("W/\"{version}\""))
    }

    pub fn with_location(self, location: &str) -> Self {
        self.with_header(header::LOCATION, location)
    }

    /// Attributes of the request that were left out: the administrator finds them in the log of refusals.
    pub fn with_dropped(mut self, dropped: BTreeSet<String>) -> Self {
        self.dropped.extend(dropped);
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        *response.status_mut() = self.status;
        // The body alone would be called a stream of bytes.
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().extend(self.headers);
        if !self.dropped.is_empty() {
            response.extensions_mut().insert(Noted::left_out(self.dropped));
        }
        response
    }
}

/// What the log of refusals is to say about a response.
#[derive(Debug, Clone)]
pub struct Noted {
    pub scim_type: Option<String>,
    pub reason: String,
}

const LEFT_OUT: &str = "left out: ";

impl Noted {
    fn left_out(attributes: BTreeSet<String>) -> Self {
        let attributes = attributes.into_iter().collect::<Vec<_>>().join(", ");
        Self { scim_type: None, reason: format!("{LEFT_OUT}{attributes}") }
    }

    /// The request was taken, but not all of it.
    pub fn is_left_out(&self) -> bool {
        self.reason.starts_with(LEFT_OUT)
    }
}

/// An answer of 400 and above.
#[derive(Debug)]
pub struct Refusal {
    error: ScimError,
    /// Boxed, because it is part of every result.
    headers: Box<HeaderMap>,
}

impl Refusal {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        ScimError::with_status(status.as_u16(), detail).into()
    }

    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        ScimError::bad(scim_type, detail).into()
    }

    pub fn unavailable(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(retry_after_seconds)
    }

    pub fn retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    pub fn error(&self) -> &ScimError {
        &self.error
    }

    pub fn into_parts(self) -> (ScimError, Box<HeaderMap>) {
        (self.error, self.headers)
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self { error, headers: Box::default() }
    }
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        if error.is_closed() || error.is_passing() {
            warn!(%error, "the database cannot be used");
            let detail = "the database cannot be reached at present; try again later";
            return Self::unavailable(detail, DATABASE_AWAY_SECONDS);
        }
        if error.is_out_of_time() {
            warn!(%error, "a time limit of the database ended a request");
            return Self::unavailable("the database took too long; try again later", DATABASE_AWAY_SECONDS);
        }
        if error.is_worth_repeating() {
            return Self::unavailable("another change was in the way; try again", CONFLICT_SECONDS);
        }
        error!(%error, "a request failed in the database");
        Self::fault()
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl Refusal {
    /// A fault of ours: what it was stands in the log.
    pub fn fault() -> Self {
        let detail = "syncd could not handle the request; its log has the reason, next to the X-Request-Id of this answer";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = self.error.to_value();
        let scim_type = body.get("scimType").and_then(|value| value.as_str()).map(str::to_owned);
        let mut response = Answer::json(status, &body).into_response();
        response.headers_mut().extend(*self.headers);
        response.extensions_mut().insert(Noted { scim_type, reason: self.error.detail });
        response
    }
}

/// Errors that the router makes (no such route, another method) in the form that SCIM wants.
pub fn as_scim(response: Response, method: &Method, path: &str) -> Response {
    let status = response.status();
    let is_ours = response.headers().get(header::CONTENT_TYPE) == Some(&SCIM_JSON);
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = match status {
        // The router adds the header later on.
        StatusCode::METHOD_NOT_ALLOWED => format!("{method} is not possible here; see the header Allow"),
        StatusCode::NOT_FOUND => format!("there is nothing at {path}"),
        _ => status.canonical_reason().unwrap_or("the request was refused").to_lowercase(),
    };
    let mut refused = Refusal::new(status, detail).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        refused.headers_mut().insert(header::ALLOW, allow.clone());
    }
    refused
}
