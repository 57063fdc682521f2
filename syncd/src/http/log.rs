//! One line per request. Query strings are left out: they contain names and addresses of people.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, debug, field, info, info_span, warn};
use uuid::Uuid;

use super::enter::peer;
use super::state::HttpState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub async fn log(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let id = Uuid::new_v4().simple().to_string();
    let client = state.proxies.origin(request.headers(), peer(&request), state.is_tls).client;
    let span = info_span!(
        "request",
        request_id = id,
        method = %request.method(),
        path = request.uri().path(),
        client = %client,
        key = field::Empty
    );
    answered(id, request, next).instrument(span).await
}

async fn answered(id: String, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let mut response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), start.elapsed().as_millis());
    match status {
        500.. => warn!(status, ms, "request failed"),
        // A client over its limit must not flood the log as well.
        429 => debug!(status, ms, "request refused"),
        400.. => info!(status, ms, "request refused"),
        _ => debug!(status, ms, "request answered"),
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
