//! Text out of JSON values.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::document::value_of;

/// Longer names cannot be indexed; nobody means them.
const LONGEST_NAME: usize = 1000;

/// Names and values of attributes, collected.
#[derive(Debug, Default)]
pub(super) struct Attributes(BTreeSet<(String, String)>);

impl Attributes {
    /// One attribute: each of a list is a value, an object stands for its `value` or else for one attribute per field.
    pub(super) fn add(&mut self, name: &str, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(name, item)),
            Value::Object(fields) => match value_of(fields, "value") {
                Some(value) => self.add(name, value),
                None => fields.iter().for_each(|(sub, value)| self.add(&format!("{name}.{sub}"), value)),
            },
            simple => {
                if let Some(value) = text(simple) {
                    self.insert(name, value);
                }
            }
        }
    }

    fn insert(&mut self, name: &str, value: String) {
        let name: String = name.nfc().collect();
        if name.len() <= LONGEST_NAME && !name.contains('\0') && !name.trim().is_empty() {
            self.0.insert((name, value));
        }
    }

    pub(super) fn into_set(self) -> BTreeSet<(String, String)> {
        self.0
    }
}

/// The texts of a value where no name can tell fields apart: an object without `value` has none.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => value_of(fields, "value").map(texts).unwrap_or_default(),
        simple => text(simple).into_iter().collect(),
    }
}

/// A simple value as text in Unicode NFC; None for what is blank, no text, or not storable.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => unpacked(text).nfc().collect(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.trim().is_empty() && !text.contains('\0')).then_some(text)
}

/// Entra sends roles as JSON text, `{"id": "...", "value": "Admin", "displayName": "..."}`: the value is meant.
fn unpacked(text: &str) -> String {
    if text.trim_start().starts_with('{')
        && let Ok(Value::Object(fields)) = serde_json::from_str(text)
        && let Some(Value::String(value)) = value_of(&fields, "value")
    {
        return value.clone();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attributes(value: Value) -> Vec<(String, String)> {
        let mut attributes = Attributes::default();
        attributes.add("p.F", &value);
        attributes.into_set().into_iter().collect()
    }

    fn one(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn simple_values_are_text() {
        assert_eq!(attributes(json!("x")), [one("p.F", "x")]);
        assert_eq!(attributes(json!(true)), [one("p.F", "true")]);
        assert_eq!(attributes(json!(1.50)), [one("p.F", "1.5")]);
        assert_eq!(
            attributes(json!(["b", "a", "b", 7])),
            [one("p.F", "7"), one("p.F", "a"), one("p.F", "b")]
        );
    }

    #[test]
    fn objects_are_their_value_or_their_fields() {
        assert_eq!(attributes(json!([{"Value": "x", "type": "t"}])), [one("p.F", "x")]);
        assert_eq!(attributes(json!({"a": {"b": ["x"]}, "c": 1})), [one("p.F.a.b", "x"), one("p.F.c", "1")]);
        assert!(texts(&json!({"a": "x"})).is_empty());
        assert_eq!(texts(&json!([{"value": "x"}, "y"])), ["x", "y"]);
    }

    #[test]
    fn json_text_is_unpacked() {
        assert_eq!(attributes(json!("{\"id\":\"1\",\"value\":\"Admin\"}")), [one("p.F", "Admin")]);
        assert_eq!(attributes(json!([{"value": "{\"value\":\"Admin\"}"}])), [one("p.F", "Admin")]);
        for kept in ["{no json", "{\"value\":1}", "{\"id\":\"x\"}", "[\"value\"]"] {
            assert_eq!(attributes(json!(kept)), [one("p.F", kept)]);
        }
    }

    #[test]
    fn what_cannot_be_stored_is_left_out() {
        for value in
            [json!(""), json!(" \t"), json!(null), json!("a\0"), json!("{\"value\":\" \"}"), json!([[]])]
        {
            assert!(attributes(value).is_empty());
        }
        let mut attributes = Attributes::default();
        attributes.add(&"x".repeat(1001), &json!("a"));
        attributes.add("a\0", &json!("a"));
        attributes.add("e\u{301}", &json!("e\u{301}"));
        assert_eq!(attributes.into_set(), [one("é", "é")].into());
    }
}
