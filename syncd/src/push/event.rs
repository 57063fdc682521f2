//! CloudEvents 1.0 in JSON and over HTTP: from what was sent to an event, or to what is wrong with it.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Ids are kept, so they are bounded.
const LONGEST_ID: usize = 1000;
const TYPES: [&str; 12] = [
    "roster.user.upsert",
    "roster.user.disable",
    "roster.user.attributes.set",
    "roster.user.attributes.add",
    "roster.user.attributes.remove",
    "roster.group.upsert",
    "roster.group.delete",
    "roster.group.attributes.set",
    "roster.group.attributes.add",
    "roster.group.attributes.remove",
    "roster.group.members.add",
    "roster.group.members.remove",
];

/// An event that can be told apart from others. What is wrong with the rest of it stands in `problem`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    /// The CloudEvents attribute `source`.
    pub origin: String,
    pub kind: String,
    pub subject: Option<String>,
    /// None: now.
    pub time: Option<DateTime<Utc>>,
    pub data: Option<Value>,
    pub problem: Option<String>,
}

/// Structured mode. The error is for events without an identity, which nobody can keep.
pub fn structured(event: &Value) -> Result<Event, String> {
    let Value::Object(event) = event else {
        return Err("an event is a JSON object with specversion, id, source and type".to_owned());
    };
    let identity = Identity {
        id: identifying("id", event.get("id").and_then(Value::as_str))?,
        origin: identifying("source", event.get("source").and_then(Value::as_str))?,
    };
    let parts = Parts {
        version: text(event, "specversion"),
        kind: text(event, "type"),
        subject: text(event, "subject"),
        time: text(event, "time"),
        content_type: text(event, "datacontenttype"),
        data: data(event),
    };
    Ok(identity.with(parts))
}

/// Binary mode: attributes in headers, the body is the data.
pub fn binary(headers: &HeaderMap, body: &[u8]) -> Result<Event, String> {
    let header = |name: &str| {
        let value = headers.get(format!("ce-{name}"))?;
        Some(percent_decode_str(value.to_str().ok()?).decode_utf8().ok()?.into_owned())
    };
    let identity = Identity {
        id: identifying("id", header("id").as_deref())?,
        origin: identifying("source", header("source").as_deref())?,
    };
    let content_type = headers.get("content-type").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let is_empty = body.iter().all(u8::is_ascii_whitespace);
    let data = if is_empty { Ok(None) } else { parsed(body).map(Some) };
    let parts = Parts {
        version: Ok(header("specversion")),
        kind: Ok(header("type")),
        subject: Ok(header("subject")),
        time: Ok(header("time")),
        content_type: Ok(content_type.filter(|_| !is_empty).map(|text| text.into_owned())),
        data,
    };
    Ok(identity.with(parts))
}

struct Identity {
    id: String,
    origin: String,
}

/// Each as it was sent, or why it cannot be read.
struct Parts {
    version: Result<Option<String>, String>,
    kind: Result<Option<String>, String>,
    subject: Result<Option<String>, String>,
    time: Result<Option<String>, String>,
    content_type: Result<Option<String>, String>,
    data: Result<Option<Value>, String>,
}

impl Identity {
    fn with(self, parts: Parts) -> Event {
        let problem = parts.problem();
        // No text of PostgreSQL can hold it.
        let keepable = |text: Option<String>| text.filter(|text| !text.contains('\0'));
        let time = parts.time.ok().flatten().and_then(|time| moment(&time).ok());
        let data = parts.data.ok().flatten().filter(|data| !has_nul(data));
        Event {
            id: self.id,
            origin: self.origin,
            kind: keepable(parts.kind.ok().flatten()).unwrap_or_default(),
            subject: keepable(parts.subject.ok().flatten()),
            time,
            data,
            problem,
        }
    }
}

impl Parts {
    fn problem(&self) -> Option<String> {
        self.check().err()
    }

    fn check(&self) -> Result<(), String> {
        match self.version.clone()?.as_deref() {
            Some("1.0") => {}
            Some(other) => return Err(format!("specversion must be \"1.0\", not {other:?}")),
            None => return Err("specversion is missing: it must be \"1.0\"".to_owned()),
        }
        let kind = self.kind.clone()?.ok_or("type is missing")?;
        if !TYPES.contains(&kind.as_str()) {
            return Err(format!("type {kind:?} is not known: the types are {}", TYPES.join(", ")));
        }
        let subject = self.subject.clone()?;
        if subject.is_none_or(|subject| subject.trim().is_empty()) {
            return Err("subject is missing: it must be the name of the user or group".to_owned());
        }
        if let Some(time) = self.time.clone()? {
            moment(&time)?;
        }
        if let Some(content_type) = self.content_type.clone()? {
            check_json(&content_type)?;
        }
        match self.data.clone()? {
            Some(data) if has_nul(&data) => Err(NUL.to_owned()),
            _ if self
                .subject
                .as_ref()
                .is_ok_and(|text| text.as_ref().is_some_and(|text| text.contains('\0'))) =>
            {
                Err(NUL.to_owned())
            }
            _ => Ok(()),
        }
    }
}

pub const NUL: &str = "a text contains the character U+0000, which cannot be kept: remove it";

fn identifying(name: &str, value: Option<&str>) -> Result<String, String> {
    match value {
        None | Some("") => Err(format!("{name} is missing: it must be a text that is not empty")),
        Some(text) if text.len() > LONGEST_ID => Err(format!("{name} is longer than {LONGEST_ID} bytes")),
        Some(text) if text.contains('\0') => Err(NUL.to_owned()),
        Some(text) => Ok(text.to_owned()),
    }
}

fn text(event: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match event.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name} must be a text")),
    }
}

fn data(event: &Map<String, Value>) -> Result<Option<Value>, String> {
    match (event.get("data"), event.get("data_base64")) {
        (Some(_), Some(_)) => Err("data and data_base64 exclude each other".to_owned()),
        (data, None) => Ok(data.filter(|data| !data.is_null()).cloned()),
        (None, Some(encoded)) => {
            let text = encoded.as_str().ok_or("data_base64 must be a text")?;
            let bytes = STANDARD.decode(text).map_err(|_| "data_base64 is not base64")?;
            parsed(&bytes).map(Some)
        }
    }
}

fn parsed(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("data is not JSON: {error}"))
}

fn check_json(content_type: &str) -> Result<(), String> {
    let media = media_type(content_type);
    if media == "application/json" || media.ends_with("+json") {
        return Ok(());
    }
    Err(format!("data must be application/json, not {media}"))
}

/// Without parameters, in lower case.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|_| format!("time must be as in \"2026-05-03T12:00:00Z\" (RFC 3339), not {text:?}"))
}

pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(array) => array.iter().any(has_nul),
        Value::Object(object) => object.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
