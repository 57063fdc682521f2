//! `POST /v1/events`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::event::{self, Event, media_type};
use super::outcome::Outcome;
use super::signed;
use super::write::Writer;
use crate::http::{ApiCaller, HttpState, Problem};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";
/// A batch keeps a connection for as long as it takes.
const MOST_EVENTS: usize = 1000;

pub async fn take(
    State(state): State<HttpState>,
    caller: ApiCaller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let webhook_id = signed::check(&state, &caller, &headers, &body)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let event = match content_type.map(media_type).as_deref() {
        Some(BATCH) => return batch(&state, &caller, &body, webhook_id.as_deref()).await,
        Some(STRUCTURED) => event::structured(&json(&body)?),
        _ if headers.contains_key("ce-specversion") || headers.contains_key("ce-id") => {
            event::binary(&headers, &body)
        }
        _ => return Err(other_content()),
    };
    let event = event.map_err(|reason| Problem::bad(reason).with("outcome", "dead"))?;
    let client = state.pool.get().await?;
    let outcome = Writer::new(&client, &caller)?.write(&event, webhook_id.as_deref()).await?;
    Ok(outcome.of(Some(&event.id)).into_response())
}

/// One after the other, each in a transaction of its own: a bad one is in nobody's way.
async fn batch(
    state: &HttpState,
    caller: &ApiCaller,
    body: &[u8],
    webhook_id: Option<&str>,
) -> Result<Response, Problem> {
    let Value::Array(events) = json(body)? else {
        return Err(Problem::bad("a batch is a JSON array of events"));
    };
    if events.len() > MOST_EVENTS {
        let detail = format!("a batch may have {MOST_EVENTS} events, not {}; send several", events.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let client = state.pool.get().await?;
    let writer = Writer::new(&client, caller)?;
    let is_replayed = match webhook_id {
        Some(id) => was_seen(&writer, id).await?,
        None => false,
    };
    let mut outcomes = Vec::with_capacity(events.len());
    for event in &events {
        outcomes.push(match event::structured(event) {
            Ok(event) if is_replayed => Outcome::duplicate().of(Some(&event.id)),
            Ok(event) => write(&writer, &event).await?,
            Err(reason) => Outcome::dead(reason).of(event.get("id").and_then(Value::as_str)),
        });
    }
    // Last, so that a batch that was cut off can be sent again as it was; what it did is known by the ids of its events.
    if let Some(id) = webhook_id {
        let statement = client.prepare_cached(include_str!("../../sql/push/see.sql")).await?;
        client.execute(&statement, &[&writer.source_id, &id]).await?;
    }
    Ok(Json(outcomes).into_response())
}

async fn write(writer: &Writer<'_>, event: &Event) -> Result<Outcome, Problem> {
    Ok(writer.write(event, None).await?.of(Some(&event.id)))
}

async fn was_seen(writer: &Writer<'_>, webhook_id: &str) -> Result<bool, Problem> {
    let statement = writer.client.prepare_cached(include_str!("../../sql/push/was_seen.sql")).await?;
    Ok(writer.client.query_one(&statement, &[&writer.source_id, &webhook_id]).await?.try_get(0)?)
}

fn json(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad(format!("the body is not JSON: {error}")))
}

fn other_content() -> Problem {
    let detail = format!(
        "an event comes as {STRUCTURED}, several as {BATCH}, or one with its attributes in the headers ce-id, ce-source, ce-type, ce-subject"
    );
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
}
