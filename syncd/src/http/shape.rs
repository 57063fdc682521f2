//! What a request looked like, without what it said: names, numbers and structure stay, texts become "string(12)".

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::literals::{is_harmless, mask_filter};

const MOST_ELEMENTS: usize = 20;
const MOST_KEYS: usize = 100;
const MOST_NODES: usize = 3000;
const LONGEST_KEPT: usize = 200;
/// Nobody's business, not even its length.
const PASSWORD: &str = "secret";

/// The parts of a request that are shown.
pub fn of_request(query: Option<&str>, content_type: Option<&str>, body: Option<&[u8]>) -> Option<Value> {
    let mut shape = Map::new();
    if let Some(query) = query.map(of_query).filter(|query| !query.is_empty()) {
        shape.insert("query".to_owned(), json!(query));
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        shape.insert("body".to_owned(), of_body(content_type, body));
    }
    (!shape.is_empty()).then_some(Value::Object(shape))
}

fn of_query(query: &str) -> BTreeMap<String, String> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let shown = |(name, value): (_, std::borrow::Cow<'_, str>)| {
        let name: std::borrow::Cow<'_, str> = name;
        let shown = match name.to_ascii_lowercase().as_str() {
            "filter" => cut(mask_filter(&value)),
            "attributes" | "excludedattributes" | "sortby" | "sortorder" | "startindex" | "count" => {
                cut(mask_filter(&value))
            }
            _ => masked(&value),
        };
        (cut(mask_filter(&name)), shown)
    };
    pairs.map(shown).take(MOST_KEYS).collect()
}

fn of_body(content_type: Option<&str>, body: &[u8]) -> Value {
    match serde_json::from_slice(body) {
        Ok(body) => Shape { left: MOST_NODES }.of(&body),
        Err(error) => json!({
            "unparsable": error.to_string(),
            "length": body.len(),
            "content_type": content_type.map(|text| cut(text.to_owned())),
        }),
    }
}

/// Walks through a body; `left` bounds what comes of it.
struct Shape {
    left: usize,
}

impl Shape {
    fn of(&mut self, value: &Value) -> Value {
        if self.left == 0 {
            return json!("...");
        }
        self.left -= 1;
        match value {
            Value::Object(object) => self.of_object(object),
            Value::Array(array) => self.of_array(array, Self::of),
            Value::String(text) => json!(masked(text)),
            other => other.clone(),
        }
    }

    fn of_object(&mut self, object: &Map<String, Value>) -> Value {
        let sets_password = names_password(object);
        let mut shape = Map::new();
        for (key, value) in object.iter().take(MOST_KEYS) {
            let is_secret = is_password(key) || sets_password && key.eq_ignore_ascii_case("value");
            let shown = if is_secret { json!(PASSWORD) } else { self.of_member(key, value) };
            shape.insert(cut(mask_filter(key)), shown);
        }
        if let Some(more) = object.len().checked_sub(MOST_KEYS).filter(|more| *more > 0) {
            shape.insert("...".to_owned(), json!(format!("{more} more")));
        }
        Value::Object(shape)
    }

    /// Values that are words of the protocol are shown.
    fn of_member(&mut self, key: &str, value: &Value) -> Value {
        match (key.to_ascii_lowercase().as_str(), value) {
            ("path", Value::String(path)) => json!(cut(mask_filter(path))),
            ("op" | "method" | "type" | "primary" | "active", Value::String(word)) if is_word(word) => {
                json!(word)
            }
            ("schemas", Value::String(urn)) => json!(cut(urn.clone())),
            ("schemas", Value::Array(urns)) => self.of_array(urns, |shape, urn| match urn {
                Value::String(urn) => json!(cut(urn.clone())),
                other => shape.of(other),
            }),
            _ => self.of(value),
        }
    }

    fn of_array(&mut self, array: &[Value], of: impl Fn(&mut Self, &Value) -> Value) -> Value {
        let mut shape: Vec<Value> =
            array.iter().take(MOST_ELEMENTS).map(|element| of(self, element)).collect();
        if let Some(more) = array.len().checked_sub(MOST_ELEMENTS).filter(|more| *more > 0) {
            shape.push(json!(format!("... {more} more")));
        }
        Value::Array(shape)
    }
}

/// `{"op": "replace", "path": "password", "value": ...}`
fn names_password(object: &Map<String, Value>) -> bool {
    let path = object.iter().find(|(key, _)| key.eq_ignore_ascii_case("path"));
    path.and_then(|(_, path)| path.as_str()).is_some_and(is_password)
}

/// With or without the URN of its schema.
fn is_password(name: &str) -> bool {
    let last = name.rsplit(':').next().unwrap_or(name).trim();
    last.eq_ignore_ascii_case("password")
}

/// As in `"type": "work"`; a sentence there is somebody's mistake, and may be personal.
fn is_word(text: &str) -> bool {
    is_harmless(text)
        || text.len() <= 20 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

pub fn masked(text: &str) -> String {
    format!("string({})", text.chars().count())
}

/// Short, and without what no text of PostgreSQL can hold: one entry that cannot be written would lose others.
fn cut(text: String) -> String {
    let text: String =
        text.chars().map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect();
    match text.char_indices().nth(LONGEST_KEPT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
