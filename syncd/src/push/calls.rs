//! Attribute calls: `/v1/users/{username}` and `/v1/users/{username}/attributes/{name}`. A call is an event without an id,
//! which happens now.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::event::{self, Event};
use super::outcome::Outcome;
use super::signed;
use super::write::Writer;
use crate::http::{ApiCaller, HttpState, Problem};

type Answered = Result<Outcome, Problem>;

pub async fn replace_user(
    State(state): State<HttpState>,
    caller: ApiCaller,
    Path(username): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let read = |body: &[u8]| match parsed(body)? {
        Some(data @ Value::Object(_)) => Ok(data),
        _ => Err(Problem::bad(
            "the body must be a JSON object such as {\"attributes\": {\"name\": [\"value\"]}, \"groups\": [\"name\"]}",
        )),
    };
    call(&state, &caller, &headers, &body, "roster.user.replace", username, read).await
}

pub async fn set_attribute(
    State(state): State<HttpState>,
    caller: ApiCaller,
    Path((username, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let read = |body: &[u8]| attribute(&name, values(body)?);
    call(&state, &caller, &headers, &body, "roster.user.attributes.set", username, read).await
}

pub async fn add_values(
    State(state): State<HttpState>,
    caller: ApiCaller,
    Path((username, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let read = |body: &[u8]| attribute(&name, values(body)?);
    call(&state, &caller, &headers, &body, "roster.user.attributes.add", username, read).await
}

/// Without a body: all of them.
pub async fn remove_values(
    State(state): State<HttpState>,
    caller: ApiCaller,
    Path((username, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let read = |body: &[u8]| match is_blank(body) {
        true => attribute(&name, Value::Null),
        false => attribute(&name, values(body)?),
    };
    call(&state, &caller, &headers, &body, "roster.user.attributes.remove", username, read).await
}

async fn call(
    state: &HttpState,
    caller: &ApiCaller,
    headers: &HeaderMap,
    body: &[u8],
    kind: &str,
    username: String,
    read: impl FnOnce(&[u8]) -> Result<Value, Problem>,
) -> Answered {
    let webhook_id = signed::check(state, caller, headers, body)?;
    let data = read(body)?;
    if event::has_nul(&data) || username.contains('\0') {
        return Err(Problem::bad(event::NUL));
    }
    let event = Event {
        id: String::new(),
        origin: String::new(),
        kind: kind.to_owned(),
        subject: Some(username),
        time: None,
        data: Some(data),
        problem: None,
    };
    let client = state.pool.get().await?;
    Writer::new(&client, caller)?.write(&event, webhook_id.as_deref()).await
}

fn attribute(name: &str, values: Value) -> Result<Value, Problem> {
    Ok(json!({"attributes": {name: values}}))
}

fn values(body: &[u8]) -> Result<Value, Problem> {
    let wrong = || Problem::bad("the body must be a JSON array of texts such as [\"Sales\"]");
    match parsed(body)? {
        Some(Value::Array(values)) if values.iter().all(Value::is_string) => Ok(Value::Array(values)),
        _ => Err(wrong()),
    }
}

/// None: there is no body.
fn parsed(body: &[u8]) -> Result<Option<Value>, Problem> {
    if is_blank(body) {
        return Ok(None);
    }
    let parsed = serde_json::from_slice(body);
    parsed.map(Some).map_err(|error| Problem::bad(format!("the body is not JSON: {error}")))
}

fn is_blank(body: &[u8]) -> bool {
    body.iter().all(u8::is_ascii_whitespace)
}
